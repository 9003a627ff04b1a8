"""Vault rows that were changed, moved or replayed: each is handed to the vault as if it lay in the store.

Part of `scripts/prove vault`. A case is a row and the keys under which it is to open; it counts as accepted when the
vault gives a reference back. Nothing but a VaultError may come of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Final, Literal, get_args

from agent.errors import VaultError
from agent.gallery.reference import ModelIdentity, Reference, average
from agent.gallery.vault import VaultContext, VaultKeys, VaultRow, lock, rewrap, unlock
from agent.units import ConsentId, DeviceId, Sha256, SiteId
from bench.people.hostile import Attempt
from bench.vault.device import CONTEXT, person, probe, rows
from tests.gallery.given import DEVICE, MODEL, SITE, consent, vector

PEOPLE: Final = 40
FLIPS: Final = 300
CUTS: Final = 60
CASES: Final = 30_000
"""At least so many."""
OLD: Final = VaultKeys(b"\x01" * 32, b"\x02" * 32, 7)
NEW: Final = VaultKeys(b"\x03" * 32, b"\x02" * 32, 8)
Part = Literal["sealed", "wrapped"]
_PARTS: Final[tuple[Part, ...]] = get_args(Part)

Case = tuple[str, VaultRow, VaultKeys]
"""What was done, the row, and the keys that are in use."""


def cases(chance: random.Random) -> Iterator[Case]:
    """Every case; about thirty thousand."""
    whole = list(rows(range(PEOPLE), OLD))
    for row in whole:
        yield from _flipped(row, chance)
        yield from _cut(row, chance)
    for one, other in permutations(whole, 2):
        yield "swapped between people", replace(one, sealed=other.sealed), OLD
        yield "swapped between people", replace(one, wrapped=other.wrapped), OLD
        yield "swapped between people", replace(one, sealed=other.sealed, wrapped=other.wrapped), OLD
        yield "swapped between people", replace(one, subject=other.subject, consent_id=other.consent_id), OLD
    for row in whole:
        yield from _elsewhere(row)
        yield from _replayed(row)


def attempts(chance: random.Random) -> Iterator[Attempt]:
    """Each of them tried.

    Raises:
        AssertionError: rows do not open when nothing was done to them: then the rest proves nothing.
    """
    assert sound()
    for case in cases(chance):
        yield Attempt(case[0], accepted(case))


def accepted(case: Case) -> bool:
    """Whether the vault opens it; anything but a VaultError is raised on."""
    _, row, keys = case
    try:
        unlock(row, CONTEXT, keys)
    except VaultError:
        return False
    return True


def sound() -> bool:
    """Whether the same rows open when nothing was done to them: otherwise a refusal would show nothing."""
    return all(accepted(("", row, OLD)) and accepted(("", _moved(row), NEW)) for row in rows(range(PEOPLE), OLD))


def _with(row: VaultRow, part: Part, data: bytes) -> VaultRow:
    return replace(row, sealed=data) if part == "sealed" else replace(row, wrapped=data)


def _flipped(row: VaultRow, chance: random.Random) -> Iterator[Case]:
    for part in _PARTS:
        data: bytes = getattr(row, part)
        for place in chance.sample(range(8 * len(data)), FLIPS if part == "sealed" else FLIPS // 2):
            changed = bytearray(data)
            changed[place // 8] ^= 1 << place % 8
            yield f"one bit of {part}", _with(row, part, bytes(changed)), OLD


def _cut(row: VaultRow, chance: random.Random) -> Iterator[Case]:
    for part in _PARTS:
        data: bytes = getattr(row, part)
        for size in chance.sample(range(len(data)), CUTS):
            yield "cut short", _with(row, part, data[:size]), OLD
        for more in (b"\x00", data[:1], data):
            yield "made longer", _with(row, part, data + more), OLD


def _elsewhere(row: VaultRow) -> Iterator[Case]:
    """Rows of another device, gallery, model, runtime, rotation, consent: as they are, and relabelled as ours."""
    number = int(row.subject.removeprefix("p-"))
    for name, field, context, changes in (
        ("device", "device", replace(CONTEXT, device=DeviceId("gate-2")), {"devices": [DEVICE, "gate-2"]}),
        ("gallery", "gallery", replace(CONTEXT, gallery=SiteId("pier")), {"site": "pier"}),
        ("rotation", "rotation", replace(CONTEXT, rotation=2), {}),
        ("runtime", "runtime", replace(CONTEXT, model=ModelIdentity(MODEL.sha256, "other 1.0")), {}),
        ("model", "model_sha256", replace(CONTEXT, model=ModelIdentity(Sha256("f" * 64), MODEL.runtime)), {}),
    ):
        foreign = _locked(number, context, OLD, **changes)
        yield f"of another {name}", foreign, OLD
        yield f"of another {name}, relabelled", replace(foreign, **{field: getattr(row, field)}), OLD
        for part in _PARTS:
            yield f"of another {name}, in one part", _with(row, part, getattr(foreign, part)), OLD
    yield "of another consent", replace(row, consent_id=ConsentId("c-other")), OLD


def _replayed(row: VaultRow) -> Iterator[Case]:
    """The row of an epoch that is over, after the erasure of somebody or a second enrolment of the same person."""
    number = int(row.subject.removeprefix("p-"))
    moved = _moved(row)
    yield "of an epoch that is over", row, NEW
    yield "of an epoch that is over, relabelled", replace(row, epoch=NEW.epoch), NEW
    yield "of an epoch that is over, in one part", replace(moved, wrapped=row.wrapped), NEW
    yield "of an epoch to come", moved, OLD
    yield "of an epoch to come, relabelled", replace(moved, epoch=OLD.epoch), OLD
    again = _locked(number, CONTEXT, NEW)
    yield "of an earlier enrolment", replace(again, sealed=row.sealed), NEW
    yield "of an earlier enrolment", replace(again, sealed=row.sealed, wrapped=row.wrapped), NEW
    yield "of an earlier enrolment", replace(again, wrapped=moved.wrapped), NEW


def _moved(row: VaultRow) -> VaultRow:
    wrapped = rewrap(row.wrapped, OLD, NEW, device=DEVICE, gallery=SITE, subject=row.subject)
    assert wrapped is not None
    return replace(row, wrapped=wrapped, epoch=NEW.epoch)


def _locked(number: int, context: VaultContext, keys: VaultKeys, **changes: object) -> VaultRow:
    agreed = consent(person(number), **changes)
    template = average([probe(vector(number, 32))] * 5, context.model)
    return lock(Reference(template, agreed), context, keys)
