"""Who the rows of a gallery belong to, and whose consent is in force: a few columns, so that many people take little.

Rules: what many consents have in common is kept once; the receipts themselves stay in the vault. Leaves out: templates
(rows.py).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable
from math import inf
from typing import final

import numpy as np
import numpy.typing as npt

from agent.crypto import SignPublic
from agent.gallery._mint import Unforgeable
from agent.gallery.consent import Consent, Terms
from agent.policy.frames import Permit
from agent.units import ConsentId, SiteId, SubjectId

Indices = npt.NDArray[np.intp]


@final
class People(Unforgeable):
    """One consent for each row, in the rows' order."""

    __slots__ = ("_issuers", "_spans", "_terms", "_times", "_under", "ids", "subjects")

    def __init__(self, consents: Iterable[Consent]) -> None:
        known = list(consents)
        self.subjects: list[SubjectId] = [each.subject for each in known]
        self.ids: list[ConsentId] = [each.id for each in known]
        under: dict[tuple[Terms, SignPublic], int] = {}
        places = [under.setdefault((each.terms, each.issuer), len(under)) for each in known]
        self._under = np.array(places, np.int32)
        self._terms = [terms for terms, _ in under]
        self._issuers = [issuer for _, issuer in under]
        self._spans = np.array([(each.given_s, each.until_s) for each in known], np.float64).reshape(len(known), 2)
        self._times: npt.NDArray[np.float64] = np.unique(self._spans)

    def part(self, chosen: Indices) -> People:
        """These alone, their places rising; all of them are the people themselves, for they never change."""
        if len(chosen) == len(self.subjects):
            return self
        part = People(())
        part.subjects, part.ids = [self.subjects[at] for at in chosen], [self.ids[at] for at in chosen]
        part._under, part._spans = self._under[chosen], self._spans[chosen]
        part._terms, part._issuers, part._times = self._terms, self._issuers, np.unique(part._spans)
        return part

    def of(self, subject: SubjectId) -> list[int]:
        """Their places."""
        return [place for place, each in enumerate(self.subjects) if each == subject]

    def issuer(self, subject: SubjectId) -> SignPublic | None:
        """The key that issued the receipt kept for them; None when they are not in here."""
        places = self.of(subject)
        return self._issuers[self._under[places[0]]] if places else None

    def in_force(self, permit: Permit, site: SiteId, withdrawn: Container[SubjectId]) -> Indices:
        """Places of those whose consent is in force under this permit and who have not withdrawn."""
        allowed = np.array([
            terms.allow(
                purpose=permit.purpose, site=site, notice_sha256=permit.notice_sha256,
                guardian_below=permit.guardian_below,
            )
            for terms in self._terms
        ], np.bool_)  # fmt: skip
        given, until = self._spans.T
        # Asked so that a time that is not a number is outside.
        found = np.flatnonzero(allowed[self._under] & (given <= permit.unix_s) & (permit.unix_s < until))
        return np.array([at for at in found if self.subjects[at] not in withdrawn], np.intp)

    def unchanged(self, unix_s: float) -> tuple[float, float]:
        """The span of time round this one in which no consent begins or ends: from, and until before."""
        after = bisect_right(self._times, unix_s)
        return (
            float(self._times[after - 1]) if after > 0 else -inf,
            float(self._times[after]) if after < len(self._times) else inf,
        )
