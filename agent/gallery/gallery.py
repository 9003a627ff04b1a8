"""Searching for one person among those who consented, and only among those.

Rules: a gallery cannot be iterated, indexed or measured; `consented` gives the part of it that may be searched
under one permit; a comparison counts only when template, gallery and permit are of the same frame; the best
comparison at or above the permit's threshold is the match. Scores stay inside `identify`, because scores rebuild
templates.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Final, final

import numpy as np

from agent.crypto import SignPublic
from agent.errors import VaultError
from agent.gallery._mint import MINT, Mint, Unforgeable, demand
from agent.gallery.people import People
from agent.gallery.reference import ModelIdentity, ProtectedReference, unit
from agent.gallery.rows import Rows, Spread
from agent.gallery.vault import Rotation
from agent.policy.frames import Permit
from agent.units import ConsentId, SiteId, SubjectId, Vector

if TYPE_CHECKING:  # not to load the image library wherever rows are only carried
    from agent.face.probe import ProbeTemplate


CLEAR: Final = 0.07
"""A score this far above the threshold is clear by itself; what it costs and saves was measured, see docs/adr/0024."""


@dataclass(frozen=True, slots=True, repr=False)
class Match:
    """Somebody who consented, by pseudonym. There is no score to leak."""

    subject: SubjectId
    consent_id: ConsentId
    clear: bool = field(default=False, compare=False)
    """So far above the threshold that one look is enough; see gallery/evidence.py. Says nothing of who it is."""


@dataclass(frozen=True, slots=True)
class NoMatch:
    """A stranger, or nobody who may be named now; says nothing else."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Searchable:
    """The part of the gallery in force in one span of time, for one purpose, site and notice."""

    rows: Rows
    people: People
    """In the rows' order."""
    context: tuple[object, ...]
    from_s: float
    until_s: float


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class ConsentedGallery(Unforgeable):
    """The people who may be searched for under one permit. Opaque: `identify` is all that can be done with it."""

    mint: InitVar[Mint]
    permit: Permit
    _part: _Searchable
    _rotation: Rotation

    def __post_init__(self, mint: Mint) -> None:
        demand(mint, "ConsentedGallery")


@final
class Gallery(Unforgeable):
    """All references of this device, in memory in rotated form.

    Args:
        references: opened by the vault with the same key, epoch, model and runtime.
        rotation: of the same key and epoch.
        model: what makes the probes' templates now.
        spread: how the two halves of a large gallery are searched; see rows.py.

    Raises:
        VaultError: a reference is of another model, runtime, epoch or length.
    """

    __slots__ = ("_part", "_people", "_rotation", "_rows", "model")

    def __init__(
        self,
        references: Sequence[ProtectedReference],
        rotation: Rotation,
        model: ModelIdentity,
        spread: Spread = map,
    ) -> None:
        for each in references:
            if each.model != model:
                raise VaultError("gallery: a reference was made by another model or runtime; enrol again with this one")
            if each.epoch != rotation.epoch or each.rotated.shape != (rotation.dimensions,):
                raise VaultError("gallery: a reference is of another epoch or length; restore the vault or enrol again")
        self.model = model
        self._rotation = rotation
        self._rows = Rows([each.rotated for each in references], rotation.dimensions, spread)
        self._people = People(each.consent for each in references)
        self._part: _Searchable | None = None

    def consented(self, permit: Permit, site: SiteId, withdrawn: Container[SubjectId]) -> ConsentedGallery:
        """Those whose consent is in force under this permit, at its time, and who have not withdrawn.

        Cheap on every frame: the part is made anew only when the purpose, the notice, the site or the withdrawals
        change, or a consent begins or ends.
        """
        context = (permit.purpose, permit.notice_sha256, permit.guardian_below, site, withdrawn)
        part = self._part
        if part is None or part.context != context or not part.from_s <= permit.unix_s < part.until_s:
            part = self._part = self._select(permit, site, withdrawn, context)
        return ConsentedGallery(mint=MINT, permit=permit, _part=part, _rotation=self._rotation)

    def only(self, kept: AbstractSet[tuple[SubjectId, ConsentId]]) -> Gallery | None:
        """A gallery of those alone: what is left after an erasure, without opening everybody's row again.

        Returns:
            None when one of them is not in here: somebody was added, and the vault must be opened.
        """
        named = zip(self._people.subjects, self._people.ids, strict=True)
        left = np.array([place for place, name in enumerate(named) if name in kept], np.intp)
        if len(left) != len(kept):
            return None
        gallery = Gallery((), self._rotation, self.model)
        gallery._rows, gallery._people = self._rows.part(left), self._people.part(left)
        return gallery

    def issuer(self, subject: SubjectId) -> SignPublic | None:
        """The key that issued the receipt kept for one person, who is named; None when they are not in here."""
        return self._people.issuer(subject)

    def _select(
        self, permit: Permit, site: SiteId, withdrawn: Container[SubjectId], context: tuple[object, ...]
    ) -> _Searchable:
        chosen = self._people.in_force(permit, site, withdrawn)
        # What is not in force is not in the part that is searched.
        return _Searchable(
            self._rows.part(chosen), self._people.part(chosen), context, *self._people.unchanged(permit.unix_s)
        )


def identify(template: ProbeTemplate, gallery: ConsentedGallery) -> Match | NoMatch:
    """The best of those who consented, if it reaches the permit's threshold; the first of equals.

    Raises:
        TypeError: the gallery was opened under another frame's permit.
        VaultError: the template's length is not the gallery's.
    """
    probe = _probe(template, gallery)
    best = None if probe is None else gallery._part.rows.best(probe, gallery.permit.threshold)
    return NoMatch() if best is None else _judged(gallery._part, *best, gallery.permit)


def verify(template: ProbeTemplate, gallery: ConsentedGallery, subject: SubjectId) -> Match | NoMatch:
    """One comparison with the one person who was named, if that person is among those who consented.

    Raises:
        TypeError, VaultError: see `identify`.
    """
    probe, part = _probe(template, gallery), gallery._part
    named = part.people.of(subject)[:1]
    if probe is None or not named:
        return NoMatch()
    return _judged(part, named[0], float(part.rows.scores(probe, np.array(named))[0]), gallery.permit)


def _judged(part: _Searchable, place: int, score: float, permit: Permit) -> Match | NoMatch:
    """What a score says; asked so that one that is not a number matches nobody."""
    if not score >= permit.threshold:
        return NoMatch()
    return Match(part.people.subjects[place], part.people.ids[place], clear=score >= permit.threshold + CLEAR)


def _probe(template: ProbeTemplate, gallery: ConsentedGallery) -> Vector | None:
    """The template, turned as the rows are; None when there is nothing to compare."""
    if template.permit is not gallery.permit:
        raise TypeError("a template is compared under its own frame's permit only")
    rotation = gallery._rotation
    if not len(gallery._part.rows):
        return None
    if template.vector.shape != (rotation.dimensions,):
        raise VaultError("gallery: the embedder gives templates of another length; enrol again with this model")
    try:
        return rotation.apply(unit(template.vector))
    except ValueError:  # no direction: nothing to compare, so nobody
        return None
