"""Draft a site's policy document: what people decide, completed with what the site knows.

Rules: keys, site name and version are filled in here and nowhere else; the result is read back by the device's own
reader, so what this file returns is a policy that a device can read. Leaves out: signing, publishing (repository.py).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

from agent.errors import ConfigError, PolicyError
from agent.introduction import read_introduction
from agent.policy.bundle import POLICY_PATH, Policy, PolicyDocument, VerifiedTarget, utc
from agent.policy.circumstances import Circumstances, LoadedModels, SignSighting, Surroundings
from agent.policy.declared import notice_sha256
from agent.policy.document import read
from agent.policy.grounds import Ground
from agent.policy.law import Law, Obligation
from agent.policy.location import Gnss
from agent.policy.rules import ALLOWED_OUTPUTS, OBLIGATIONS, unmet
from agent.site.keys import SiteKeys
from agent.site.signs.inspection import demand_own_signature
from agent.units import DeviceId, Fix, Sha256

_DAY_S: Final = 86_400
DAYS: Final = 90
"""How long a policy is in force unless its file says otherwise."""
_FILLED_IN: Final = frozenset(
    {"schema", "site", "version", "single_key", "devices", "events_key", "enrolment_keys", "pass_keys"}
)


def draft_policy(
    decided: Mapping[str, object],
    *,
    site: str,
    version: int,
    keys: SiteKeys,
    devices: Sequence[Mapping[str, str]],
    now_s: float,
) -> bytes:
    """Complete and check one policy document.

    Args:
        decided: the fields of `PolicyDocument` that people decide, as TOML or JSON gives them; `from`, `until` may be
            missing (from now, for 90 days).
        version: higher than every version published before.
        devices: each with `id`, `signing_key` and `box_key` (hex), as in a device's `device.json`.
        now_s: Unix time.

    Returns:
        The document as JSON; publish it as `permission/policy.json`.

    Raises:
        ConfigError: every fault, one a line, by field and rule.
    """
    if twice := sorted(_FILLED_IN & set(decided)):
        raise ConfigError(f"policy: {', '.join(twice)}: filled in by the site itself; leave it out")
    document = dict(decided)
    _say_what_the_notice_is(document)
    document.setdefault("from", utc(int(now_s)).isoformat())
    document.setdefault("until", utc(int(now_s) + DAYS * _DAY_S).isoformat())
    until, doors = document["until"], [document.get("door")]
    document |= {
        "schema": "doorward/policy/1",
        "site": site,
        "version": version,
        "single_key": keys.single,
        "devices": list(devices),
        "events_key": keys.events_public().hex(),
        "enrolment_keys": [{"key": keys.sign_public("enrolment").hex(), "until": until}],
        "pass_keys": [{"key": keys.sign_public("pass").hex(), "doors": doors, "until": until}],
    }
    return checked(document)


def _say_what_the_notice_is(document: dict[str, object]) -> None:
    """Fill in the notice's hash, and that the sign refers to it; what is filled in by hand stays, right or wrong."""
    notice, sign = document.get("notice"), document.get("sign")
    if isinstance(notice, dict) and isinstance(notice.get("texts"), dict) and "sha256" not in notice:
        document["notice"] = notice = notice | {"sha256": notice_sha256(notice["texts"])}
    if isinstance(notice, dict) and isinstance(sign, dict) and "notice_sha256" not in sign and "sha256" in notice:
        document["sign"] = sign | {"notice_sha256": notice["sha256"]}


def foreseen(data: bytes) -> tuple[Obligation, ...]:
    """The obligations that this policy leaves unmet wherever and whenever it is used, so that its author learns now.

    Args:
        data: as `draft_policy` made it.
    """
    document = read(data, PolicyDocument, POLICY_PATH)
    law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, data), DeviceId(document.devices[0].id)))
    allowed = {model.role: Sha256(model.sha256) for model in document.models}
    models = LoadedModels(
        allowed.get("detector", Sha256("")), allowed.get("embedder", Sha256("")), ALLOWED_OUTPUTS, allowed.get("pad")
    )
    now_s = document.from_.timestamp()
    fix = Fix(0.0, 0.0, 0.0, 0)
    around = Surroundings(
        now_s, now_s + 1, fix, models, True, True, False, False, 0, None, models_work=True, codes_read=True
    )
    elsewhere = (
        {Ground.LOCATION_UNKNOWN, Ground.IN_ZONE, Ground.VIEW_UNKNOWN} if isinstance(document.location, Gnss) else set()
    )
    grounds = set(unmet(law, Circumstances(0, around, SignSighting(True, False)))) - elsewhere
    return tuple(each for each in OBLIGATIONS if each.ground in grounds)


def next_version(data: bytes, version: int) -> bytes:
    """The same policy, edited by hand or not, under a new version number.

    Raises:
        ConfigError: it is not a policy that a device can read.
    """
    try:
        document = read(data, PolicyDocument, "policy.json").model_dump(mode="json", by_alias=True)
    except PolicyError as error:
        raise ConfigError(str(error)) from None
    return checked(document | {"version": version})


def read_decided(path: Path) -> dict[str, object]:
    """Read the fields that people decide from a `.toml` or `.json` file.

    Raises:
        ConfigError: missing, unreadable, or not a table.
    """
    text = _text(path)
    try:
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}; write the policy as TOML or JSON") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: not a table of fields; write the policy as TOML or JSON")
    return found


def read_device(path: Path) -> dict[str, str]:
    """Read a device's public `device.json`, or a file with the text of its code.

    Raises:
        ConfigError: missing, unreadable, or not a device's public keys.
    """
    try:
        found = read_introduction(_text(path).encode(), str(path))
    except PolicyError as error:
        raise ConfigError(f"{error}; copy the device's device.json again") from None
    return {"id": found.id, "signing_key": found.signing_key, "box_key": found.box_key}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; save it as UTF-8") from None


def checked(document: Mapping[str, object]) -> bytes:
    """A policy document as JSON that a device can read.

    Raises:
        ConfigError: every fault, one a line, by field and rule.
    """
    try:
        data = json.dumps(document, indent=2, allow_nan=False, default=_moment).encode() + b"\n"
        demand_own_signature(read(data, PolicyDocument, POLICY_PATH))
    except PolicyError as error:
        raise ConfigError(str(error)) from None
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{POLICY_PATH}: {error}; dates and numbers only as the documentation shows") from None
    return data


def _moment(value: object) -> str:
    """TOML has dates of its own; JSON writes them as text."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no place in a policy")
