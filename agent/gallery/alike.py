"""Is a new reference one of a person who is here already, or of one who is too like somebody here? And those here?

Rules: asked before a reference is kept; `Distinct` is the only value that says it was. Those count whose consent is in
force and who go by another pseudonym. Nobody is named and no score leaves: the answer is one of three words; only the
operator who asks about a stopped device's own people (`look_over`) is told who. In 1:1
a person is only ever compared with the reference that a pass names, so being like somebody else is no danger there.

A reference is the mean of several probes, so two references of one person are more alike than a probe and a reference
are: what reaches the policy's threshold here is the same person, or one whom the door could not tell from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass
from enum import StrEnum, unique
from typing import Final, final

import numpy as np

from agent.errors import VaultError
from agent.gallery._mint import MINT, Mint, Unforgeable, demand
from agent.gallery.gallery import Gallery
from agent.gallery.reference import ProtectedReference, Reference
from agent.units import SubjectId

MARGIN: Final = 0.05
"""How far below the policy's threshold two references must stay.

Measured by `bench/looks.py` on 305 people in the wild, references of three pictures: of the probes of people whose
references lie within this margin below the threshold, 2 of 76 reach it with the other's reference; one margin further
down 3 of 228; of all others none of 92,380. The price: 0.12 % of all pairs lie at the margin or above, so that of
newcomers to a gallery of a hundred about one in nine is refused for 1:N.
"""

_ROWS: Final = 512


@unique
class Alike(StrEnum):
    """Why a reference is not kept; says nothing about whom it is like."""

    ENROLLED = "enrolled"
    """Somebody of another pseudonym is the same person, as far as the threshold can tell."""
    TOO_LIKE = "too-like"
    """Within the margin of somebody else: the two would be taken for one another now and then."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Distinct(Unforgeable):
    """A reference that was compared with everybody here; only `compare` makes it."""

    mint: InitVar[Mint]
    reference: Reference
    too_like: bool
    """Too like somebody else for 1:N; only in 1:1."""

    def __post_init__(self, mint: Mint) -> None:
        demand(mint, "Distinct")


def compare(reference: Reference, gallery: Gallery, *, one_to_one: bool) -> Distinct | Alike:
    """Compare a new reference with all others that are in force, under the permit it was made with.

    Args:
        gallery: all references of this device.
        one_to_one: what the policy's mode is.

    Raises:
        VaultError: the reference was made elsewhere, or by another model than the gallery's.
    """
    template, consent = reference.template, reference.consent
    if template.permit is None:
        raise VaultError("vault: a reference that was made elsewhere has no permit here; enrol at this device")
    part = gallery.consented(template.permit, consent.site, frozenset())._part
    others = np.array([at for at, each in enumerate(part.people.subjects) if each != consent.subject], np.intp)
    score = -1.0
    if len(others):
        rotation = gallery._rotation
        if template.model != gallery.model or template.vector.shape != (rotation.dimensions,):
            raise VaultError("vault: the reference was made by another model than those here; enrol with this one")
        score = float(np.max(part.rows.scores(rotation.apply(template.vector), others)))
    threshold = template.permit.threshold
    # Asked so that a score that is not a number is not distinct.
    if not score < threshold:
        return Alike.ENROLLED
    too_like = not score < threshold - MARGIN
    if too_like and not one_to_one:
        return Alike.TOO_LIKE
    return Distinct(mint=MINT, reference=reference, too_like=too_like)


@final
@dataclass(frozen=True, slots=True, repr=False)
class Near:
    """Two people here who are alike, by pseudonym, for the operator's eyes."""

    one: SubjectId
    other: SubjectId
    how: Alike


@final
@dataclass(frozen=True, slots=True, repr=False)
class Looked:
    """What was found among the people of one gallery."""

    near: tuple[Near, ...]
    apart: tuple[SubjectId, ...]
    """People with references that would not be taken for the same person."""


def look_over(references: Sequence[ProtectedReference], threshold: float, seen: Callable[[int], None]) -> Looked:
    """Leave each reference out and compare it with all others, consent in force or not.

    Args:
        references: of one key, epoch, model and runtime.
        threshold: as `compare` takes it from the permit.
        seen: told how many more references are done.

    Raises:
        VaultError: the references do not belong together.
    """
    if len({(each.model, each.epoch, each.rotated.shape) for each in references}) > 1:
        raise VaultError("vault: references of several models, epochs or lengths cannot be compared; enrol again")
    rows = np.array([each.rotated for each in references], np.float32)
    people = [each.consent.subject for each in references]
    near: dict[tuple[SubjectId, SubjectId], Alike] = {}
    apart: set[SubjectId] = set()
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        scores = part @ rows[start:].T
        # Asked so that a score that is not a number is near.
        for index, other in zip(*np.nonzero(~(scores < threshold - MARGIN)), strict=True):
            one, two = people[start + index], people[start + other]
            if one == two or other <= index:
                continue
            pair = (min(one, two), max(one, two))
            enrolled = not scores[index, other] < threshold
            near[pair] = Alike.ENROLLED if enrolled or near.get(pair) is Alike.ENROLLED else Alike.TOO_LIKE
        seen(len(part))
    own: dict[SubjectId, list[int]] = {}
    for place, subject in enumerate(people):
        own.setdefault(subject, []).append(place)
    for subject, places in own.items():
        if not (rows[places] @ rows[places].T >= threshold).all():
            apart.add(subject)
    return Looked(tuple(Near(*pair, how) for pair, how in sorted(near.items())), tuple(sorted(apart)))
