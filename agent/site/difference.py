"""What a new version widens and what it narrows, in words, field by field, for whoever is about to sign it.

Rules: it widens if it may permit anything that was not permitted before; what cannot be weighed counts as widening.
Whatever differs is named. Leaves out: which way a field weighs (weights.py), who may sign (roles.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from shapely.geometry import Polygon, shape

from agent.crypto import fingerprint
from agent.policy.bundle import POLICY_PATH, PolicyDocument
from agent.policy.document import read
from agent.policy.fields import Mode, ProfileName
from agent.policy.profiles import PROFILES
from agent.site import weights
from agent.site.keyfiles import ROLES
from agent.site.metadata import DELEGATES, ONLINE, State
from agent.site.roles import named

_MODES: Final = (Mode.BLIND, Mode.PASS, Mode.VERIFY, Mode.IDENTIFY)
"""From the one that permits least."""
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Change:
    widens: bool
    where: str
    words: str


def between(old: bytes | None, new: bytes | None) -> list[Change]:
    """How two policies differ; None is no policy, which permits nothing."""
    if old is None or new is None:
        return [] if old == new else [Change(old is None, "policy", "a first one" if old is None else "is taken away")]
    before, after = read(old, PolicyDocument, "old policy"), read(new, PolicyDocument, "new policy")
    return list(_walk(_plain(before), _plain(after), (), ()))


def between_states(old: State, new: State) -> list[Change]:
    """How two states of a repository differ in who may sign, until when, and in targets other than the policy."""
    found: list[Change] = []
    for role in ROLES:
        before, after = named(old, role), named(new, role)
        if before.threshold != after.threshold:
            words = f"takes {after.threshold} keys, took {before.threshold}"
            found.append(Change(after.threshold < before.threshold, role, words))
        for keyid in sorted(set(before.keys) ^ set(after.keys)):
            key = (before.keys | after.keys)[keyid]  # type: ignore[operator]
            gains = keyid in after.keys
            words = f"key {fingerprint(bytes.fromhex(key.keyval['public']))} may {'' if gains else 'no longer '}sign"
            found.append(Change(gains, role, words))
    for role in ROLES:
        if role in ONLINE:
            continue
        ends, ended = (each.signed(role).expires for each in (new, old))
        if ends != ended:
            found.append(Change(ends > ended, role, f"signed until {ends:%Y-%m-%d %H:%M}, was {ended:%Y-%m-%d %H:%M}"))
        if _rest(old, role) != _rest(new, role):
            found.append(Change(True, role, "differs in what cannot be weighed"))
    for each in DELEGATES:
        found += _targets(each, old.delegated[each].signed.targets, new.delegated[each].signed.targets)
    return found


def _targets(role: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[Change]:
    narrows_by_being = role == "restriction"
    for path in sorted((set(old) | set(new)) - {POLICY_PATH}):
        if path not in old:
            yield Change(not narrows_by_being, path, "is published")
        elif path not in new:
            note = "; a device that has seen it keeps it" if narrows_by_being else ""
            yield Change(narrows_by_being, path, f"is no longer published{note}")
        elif old[path] != new[path]:
            yield Change(True, path, "is another one; cannot be weighed")


def _rest(state: State, role: Any) -> dict[str, Any]:
    """All that a role says beside version, expiry, keys and targets."""
    said = state.signed(role).to_dict()
    for field in ("version", "expires", "keys"):
        said.pop(field, None)
    if role == "root":
        said["roles"] = sorted(said["roles"])
    elif role == "targets":
        said["delegations"].pop("keys")
        for each in said["delegations"]["roles"]:
            each.pop("keyids")
            each.pop("threshold")
    else:
        said.pop("targets")
    return said


def _plain(document: PolicyDocument) -> Any:
    return document.model_dump(mode="json", by_alias=True)


def _walk(old: Any, new: Any, place: tuple[str, ...], pattern: tuple[str, ...]) -> Iterator[Change]:
    """Compare two values at `place`; `pattern` is the same with `*` for entries of lists."""
    kind = ".".join(pattern)
    if old == new or kind in weights.IGNORED:
        return
    if kind in weights.NAMED_BY or kind in weights.SETS:
        before, after = (_entries(kind, each) for each in (old, new))
        if before is not None and after is not None:
            old, new = before, after
            pattern = (*pattern, "*")
            for name in sorted(old.keys() | new.keys()):
                where = (*place[:-1], f"{place[-1]}[{name}]")
                yield from _entry(old.get(name), new.get(name), where, pattern)
            return
    if kind in weights.LARGER_WIDENS | weights.LARGER_NARROWS:
        yield _area(old, new, ".".join(place), larger_widens=kind in weights.LARGER_WIDENS)
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in (*old, *(each for each in new if each not in old)):
            yield from _walk(old.get(name), new.get(name), (*place, name), (*pattern, name))
    else:
        yield _leaf(old, new, ".".join(place), kind)


def _entry(old: Any, new: Any, place: tuple[str, ...], pattern: tuple[str, ...]) -> Iterator[Change]:
    if old is not None and new is not None:
        yield from _walk(old, new, place, pattern)
        return
    kind, gains = ".".join(pattern), old is None
    known = kind in weights.PRESENCE_WIDENS or kind in weights.ABSENCE_WIDENS
    widens = not known or gains == (kind in weights.PRESENCE_WIDENS)
    words = "added" if gains else "removed"
    yield Change(widens, ".".join(place), words if known else f"{words}; cannot be weighed")


def _entries(kind: str, listed: Any) -> dict[str, Any] | None:
    """The entries by name; None if two have the same."""
    fields_of = weights.NAMED_BY.get(kind)
    found = {
        str(entry) if fields_of is None else " ".join(_short(entry[field]) for field in fields_of): entry
        for entry in listed
    }
    return found if len(found) == len(listed) else None


def _leaf(old: Any, new: Any, where: str, kind: str) -> Change:
    words = f"{_short(old)} → {_short(new)}"
    if kind == "mode" and {old, new} <= set(_MODES):
        return Change(_MODES.index(new) > _MODES.index(old), where, words)
    if kind == "profile":
        return _profile(old, new, where)
    if kind in weights.TRUE_WIDENS:
        return Change(bool(new), where, words)
    if None in (old, new) and kind in weights.PRESENCE_WIDENS | weights.ABSENCE_WIDENS:
        added = old is None
        return Change(added == (kind in weights.PRESENCE_WIDENS), where, "added" if added else "removed")
    if kind in weights.MORE_WIDENS or kind in weights.LESS_WIDENS:
        before, after = (_number(each, kind) for each in (old, new))
        if before is not None and after is not None:
            return Change((after > before) == (kind in weights.MORE_WIDENS), where, words)
    return Change(True, where, f"{words}; cannot be weighed")


def _number(value: Any, kind: str) -> float | None:
    """A number or a date as something to compare; None if it is none."""
    if value is None:
        return float("inf") if kind in weights.WITHOUT_END else None
    if isinstance(value, int | float):
        return float(value)
    try:
        return datetime.fromisoformat(value).timestamp()
    except (TypeError, ValueError):
        return None


def _area(old: Any, new: Any, where: str, *, larger_widens: bool) -> Change:
    """Of the picture (a list of corners) or of the earth (GeoJSON)."""
    before, after = (shape(each) if isinstance(each, dict) else Polygon(each) for each in (old, new))
    if after.covers(before):
        return Change(larger_widens, where, "larger")
    if before.covers(after):
        return Change(not larger_widens, where, "smaller")
    return Change(True, where, "moved; cannot be weighed")


def _profile(old: str, new: str, where: str) -> Change:
    before, after = PROFILES[ProfileName(old)], PROFILES[ProfileName(new)]
    lost = sorted(ground.value for ground in set(before.provisions) - set(after.provisions))
    figures = [
        f"{field.name} {getattr(before, field.name)} → {getattr(after, field.name)}"
        for field in fields(before)
        if field.name not in ("name", "title", "provisions")
        and getattr(before, field.name) != getattr(after, field.name)
    ]
    words = f"{old} → {new}"
    if lost:
        words += f"; no longer binds: {', '.join(lost)}"
    if figures:
        words += f"; {', '.join(figures)}"
    return Change(bool(lost) or not _tighter(before, after), where, words)


def _tighter(before: Any, after: Any) -> bool:
    """No figure of the new profile is looser; a figure that is not known here counts as looser."""

    def most(value: int | None) -> float:
        return float("inf") if value is None else value

    upper = ("max_days", "max_idle_days", "assessment_days", "filing_at")
    lower = ("languages", "guardian_below")
    for field in fields(before):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if field.name in ("name", "title", "provisions") or old == new:
            continue
        if not ((field.name in upper and most(new) < most(old)) or (field.name in lower and new > old)):
            return False
    return True


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
