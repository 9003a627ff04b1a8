"""Changes of a policy before it is signed: a field, a device, a lifted restriction, the keys that it names.

A policy is a JSON document here, as `policy.json` in the site's folder keeps it. Rules: what comes back is a policy
that a device can read, or nothing; what the site fills in itself is not set by hand. Leaves out: files (the command),
drafting a first policy (policy_draft.py), publishing (repository.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from agent.errors import ConfigError, PolicyError
from agent.introduction import DeviceDocument
from agent.policy.bundle import PolicyDocument
from agent.policy.declared import notice_sha256
from agent.policy.document import read
from agent.site.keyfiles import Role
from agent.site.metadata import State
from agent.site.policy_draft import checked
from agent.site.roles import named

Document = dict[str, Any]
_OTHERS: Final[Mapping[str, str]] = {
    "schema": "is fixed",
    "site": "is the site's name for good",
    "version": "rises by itself",
    "single_key": "follows from the site's keys",
    "devices": "use 'doorward site add-device' and 'remove-device'",
    "events_key": "use 'doorward site rotate'",
}


def opened(data: bytes, source: str = "policy.json") -> Document:
    """The document in a policy's bytes, with every field.

    Raises:
        ConfigError: it is not a policy that a device can read; every fault, one a line.
    """
    try:
        return read(data, PolicyDocument, source).model_dump(mode="json", by_alias=True)
    except PolicyError as error:
        raise ConfigError(str(error)) from None


def same(one: bytes, other: bytes) -> bool:
    """The two say the same but for their version."""
    return opened(one) | {"version": 0} == opened(other) | {"version": 0}


def with_fields(document: Document, assignments: Sequence[str]) -> Document:
    """Set fields.

    Args:
        assignments: `retention.max_days=180`, `alternatives.0.until=2027-05-01T00:00:00Z`, `zones=[]`; a value is JSON,
            or else text as it stands; `null` takes an optional field away.

    Raises:
        ConfigError: no such field, one that is not set by hand, or the result is no policy.
    """
    changed = json.loads(json.dumps(document))
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        if not equals or not path:
            raise ConfigError(f"--set {assignment}: write FIELD=VALUE, for instance retention.max_days=180")
        first, *_ = parts = path.split(".")
        if first in _OTHERS:
            raise ConfigError(f"--set {path}: {_OTHERS[first]}")
        if first not in document:
            raise ConfigError(f"--set {path}: a policy has no field {first}; 'doorward site edit' shows them all")
        _put(changed, parts, _value(text), path)
    return settled(document, changed)


def hand_made(before: Document, data: bytes) -> Document:
    """What an author has made of a document in an editor.

    Raises:
        ConfigError: it is no policy, or a field was changed that is not set by hand; every fault, one a line.
    """
    after = opened(data)
    if wrong := [f"policy.json: {field}: {why}" for field, why in _OTHERS.items() if after[field] != before[field]]:
        raise ConfigError("\n".join(wrong))
    return settled(before, after)


def settled(before: Document, after: Document) -> Document:
    """What follows from a change by hand: the notice's hash, and the end of keys that ended with the policy.

    Raises:
        ConfigError: the result is no policy; every fault, one a line.
    """
    after = json.loads(checked(after))
    notice = after["notice"]
    if notice["texts"] != before["notice"]["texts"] and notice["sha256"] == before["notice"]["sha256"]:
        notice["sha256"] = notice_sha256(notice["texts"])
    for key in (*after["enrolment_keys"], *after["pass_keys"]) if after["until"] != before["until"] else ():
        if key["until"] == before["until"]:
            key["until"] = after["until"]
    return opened(checked(after))


def with_device(document: Document, device: DeviceDocument) -> Document:
    """Name one device more.

    Raises:
        ConfigError: its id is taken.
    """
    if any(each["id"] == device.id for each in document["devices"]):
        raise ConfigError(f"{device.id}: the policy names such a device already; remove it first with 'remove-device'")
    entry = {"id": device.id, "signing_key": device.signing_key, "box_key": device.box_key}
    return opened(checked(document | {"devices": [*document["devices"], entry]}))


def without_device(document: Document, device: str) -> Document:
    """Name a device no longer: it refuses as soon as it sees that.

    Raises:
        ConfigError: it is not named, or it is the only one.
    """
    left = [each for each in document["devices"] if each["id"] != device]
    if len(left) == len(document["devices"]):
        raise ConfigError(f"{device}: the policy names no such device; 'doorward site show' lists them")
    if not left:
        raise ConfigError(f"{device}: is the only device; a policy names one at least: stop the site instead")
    return opened(checked(document | {"devices": left}))


def with_lift(document: Document, restriction: str) -> Document:
    """End a restriction by its id, on every device.

    Raises:
        ConfigError: it is lifted already, or nothing that can be lifted.
    """
    if restriction.startswith("withdraw-"):
        raise ConfigError(f"{restriction}: a withdrawal is not lifted: it has erased; enrol anew with a new receipt")
    if restriction in document["lifts"]:
        raise ConfigError(f"{restriction}: is lifted already")
    return opened(checked(document | {"lifts": [*document["lifts"], restriction]}))


def with_keys(document: Document, state: State, events_key: bytes) -> Document:
    """Name the keys that may sign receipts and passes in this state of the site, and the key of its events."""
    until = document["until"]
    enrolment = _following(document["enrolment_keys"], state, "enrolment", {"until": until})
    passes = _following(document["pass_keys"], state, "pass", {"doors": [document["door"]], "until": until})
    changed = {"enrolment_keys": enrolment, "pass_keys": passes, "events_key": events_key.hex()}
    return opened(checked(document | changed))


def _following(entries: Iterable[Document], state: State, role: Role, new: Document) -> list[Document]:
    """The entries whose key may still sign for the role, and one for each key that has none."""
    keys = [str(key.keyval["public"]) for key in named(state, role).keys.values()]
    kept = [entry for entry in entries if entry["key"] in keys]
    return kept + [{"key": key, **new} for key in keys if key not in {entry["key"] for entry in kept}]


def _put(into: Any, parts: Sequence[str], value: object, path: str) -> None:
    *way, last = parts
    for at, part in enumerate((*way, last)):
        here: Any = int(part) if isinstance(into, list) and part.isdecimal() else part
        if not isinstance(into, dict | list) or (
            isinstance(into, list) and not (type(here) is int and here < len(into))
        ):
            raise ConfigError(f"--set {path}: there is no {'.'.join(parts[: at + 1])} to set")
        if at == len(way):
            into[here] = value
        else:
            into = into[here] if isinstance(into, list) else into.setdefault(here, {})


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
