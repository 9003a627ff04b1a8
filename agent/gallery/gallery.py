"""Searching for one person among those who consented, and only among those.

Rules: a gallery cannot be iterated, indexed or measured; `consented` gives the part of it that may be searched
under one permit; a comparison counts only when template, gallery and permit are of the same frame; the best
comparison at or above the permit's threshold is the match. Scores stay inside `identify`, because scores rebuild
templates.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import InitVar, dataclass, field, replace
from math import inf
from typing import TYPE_CHECKING, Final, final

import numpy as np

from agent.crypto import SignPublic
from agent.errors import VaultError
from agent.gallery._mint import MINT, Mint, Unforgeable, demand
from agent.gallery.reference import ModelIdentity, ProtectedReference, unit
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

    rows: Vector
    """(people, dimensions)"""
    found: tuple[Match, ...]
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

    Raises:
        VaultError: a reference is of another model, runtime, epoch or length.
    """

    __slots__ = ("_part", "_references", "_rotation", "_rows", "_times", "model")

    def __init__(self, references: Sequence[ProtectedReference], rotation: Rotation, model: ModelIdentity) -> None:
        for each in references:
            if each.model != model:
                raise VaultError("gallery: a reference was made by another model or runtime; enrol again with this one")
            if each.epoch != rotation.epoch or each.rotated.shape != (rotation.dimensions,):
                raise VaultError("gallery: a reference is of another epoch or length; restore the vault or enrol again")
        self.model = model
        self._references = tuple(references)
        self._rotation = rotation
        self._rows: Vector = np.array([each.rotated for each in references], np.float32).reshape(
            len(references), rotation.dimensions
        )
        spans = ((each.consent.given_s, each.consent.until_s) for each in references)
        self._times = sorted({time for span in spans for time in span})
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
        left = [each for each in self._references if (each.consent.subject, each.consent.id) in kept]
        return Gallery(left, self._rotation, self.model) if len(left) == len(kept) else None

    def issuer(self, subject: SubjectId) -> SignPublic | None:
        """The key that issued the receipt kept for one person, who is named; None when they are not in here."""
        kept = (each.consent.issuer for each in self._references if each.consent.subject == subject)
        return next(kept, None)

    def _select(
        self, permit: Permit, site: SiteId, withdrawn: Container[SubjectId], context: tuple[object, ...]
    ) -> _Searchable:
        chosen = [
            index
            for index, each in enumerate(self._references)
            if each.consent.subject not in withdrawn
            and each.consent.in_force(
                purpose=permit.purpose,
                site=site,
                notice_sha256=permit.notice_sha256,
                unix_s=permit.unix_s,
                guardian_below=permit.guardian_below,
            )
        ]
        people = [self._references[index].consent for index in chosen]
        after = bisect_right(self._times, permit.unix_s)
        return _Searchable(
            rows=self._rows[chosen],
            found=tuple(Match(consent.subject, consent.id) for consent in people),
            context=context,
            from_s=self._times[after - 1] if after > 0 else -inf,
            until_s=self._times[after] if after < len(self._times) else inf,
        )


def identify(template: ProbeTemplate, gallery: ConsentedGallery) -> Match | NoMatch:
    """The best of those who consented, if it reaches the permit's threshold; the first of equals.

    Raises:
        TypeError: the gallery was opened under another frame's permit.
        VaultError: the template's length is not the gallery's.
    """
    scores = _scores(template, gallery)
    if scores is None:
        return NoMatch()
    best = int(np.argmax(scores))
    return _judged(gallery._part.found[best], float(scores[best]), gallery.permit)


def verify(template: ProbeTemplate, gallery: ConsentedGallery, subject: SubjectId) -> Match | NoMatch:
    """One comparison with the one person who was named, if that person is among those who consented.

    Raises:
        TypeError, VaultError: see `identify`.
    """
    named = [index for index, each in enumerate(gallery._part.found) if each.subject == subject]
    scores = _scores(template, gallery, named)
    return NoMatch() if scores is None else _judged(gallery._part.found[named[0]], float(scores[0]), gallery.permit)


def _judged(match: Match, score: float, permit: Permit) -> Match | NoMatch:
    """What a score says; asked so that one that is not a number matches nobody."""
    if not score >= permit.threshold:
        return NoMatch()
    return replace(match, clear=score >= permit.threshold + CLEAR)


def _scores(template: ProbeTemplate, gallery: ConsentedGallery, chosen: Sequence[int] | None = None) -> Vector | None:
    """Comparison scores with all or with the chosen rows; None when there is nothing to compare."""
    if template.permit is not gallery.permit:
        raise TypeError("a template is compared under its own frame's permit only")
    part, rotation = gallery._part, gallery._rotation
    rows = part.rows if chosen is None else part.rows[list(chosen)]
    if not len(rows):
        return None
    if template.vector.shape != (rotation.dimensions,):
        raise VaultError("gallery: the embedder gives templates of another length; enrol again with this model")
    try:
        probe = unit(template.vector)
    except ValueError:  # no direction: nothing to compare, so nobody
        return None
    return np.asarray(rows @ rotation.apply(probe), np.float32)
