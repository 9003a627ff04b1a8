"""How alike two templates must be: the operating point that the authority signs.

One threshold is right for one size of gallery: a stranger is wrongly named if they reach it with anybody there. Rules:
`threshold` is for the comparison of two, and the least that any search takes; `search` says what it takes among more
people, and beyond its last size nobody is searched for. Without `search` the threshold covers `ALONE` people.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final

from pydantic import Field, model_validator

from agent.policy.document import Strict
from agent.policy.fields import Name

ALONE: Final = 50
"""A threshold at a false match rate of 1e-4 names at most about one stranger in a hundred among so many people."""
_Threshold = Annotated[float, Field(ge=0.2, le=0.99)]


class ForSearch(Strict):
    people: Annotated[int, Field(ge=1, le=10_000_000)]
    """The largest gallery that this threshold is for."""
    threshold: _Threshold


class OperatingPoint(Strict):
    label: Name
    threshold: _Threshold
    search: tuple[ForSearch, ...] = ()
    """By size, from `models/manifest.toml` at the false positive rate that the authority accepts."""

    @model_validator(mode="after")
    def _rising(self) -> OperatingPoint:
        if any(after.people <= before.people for before, after in pairwise(self.search)):
            raise ValueError("search: people: must rise from entry to entry; put the smallest gallery first")
        steps = (self.threshold, *(each.threshold for each in self.search))
        if any(after < before for before, after in pairwise(steps)):
            raise ValueError("search: threshold: must not fall, nor be below the point's own; more people take more")
        return self

    def among(self, people: int) -> float | None:
        """The threshold of a search among so many; None: more than this point covers."""
        steps = self.search or (ForSearch(people=ALONE, threshold=self.threshold),)
        return next((each.threshold for each in steps if people <= each.people), None)
