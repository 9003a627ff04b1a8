"""How a threshold fares when one face is searched for among many: the operating points of 1:N, by gallery size.

A stranger is wrongly named if they reach the threshold with anybody in the gallery, so one threshold is right for one
size. Rules: thresholds come from one half of the people, rates from the other; a reference is the mean of at most
`PICTURES` pictures, and no probe is compared with a reference that it is in. What is counted is the mean over every
gallery of that size that the half's people can form, which is a hypergeometric sum and no draw. A person counts
once, however many pictures there are of them; their bounds are therefore those of as many trials as people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.models.rates import Matrix, Rate, cosines

SIZES: Final = (10, 50, 100, 200, 400, 800)
"""Gallery sizes; only those that both halves can fill are measured, and no more is covered."""
FPIRS: Final = (1e-2, 1e-3, 1e-4)
PICTURES: Final = 3
_STEP: Final = 1000
"""Thresholds are thousandths."""
_Shares = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Search:
    """Scores of one half of the people against each other's references.

    `strangers` holds a probe's scores with everybody else, (probes, people - 1); `own` its score with its own
    person's reference of other pictures, not a number where there are none.
    """

    people: int
    who: npt.NDArray[np.intp]
    strangers: Matrix
    own: Matrix

    @staticmethod
    def of(templates: Matrix, subjects: Sequence[str]) -> Search:
        """The search among these people, who have one picture each or more."""
        numbers = np.unique(np.asarray(subjects), return_inverse=True)[1]
        people = int(numbers.max()) + 1
        places = [np.flatnonzero(numbers == person) for person in range(people)]
        # The last picture of whoever has several is a probe of theirs; the reference is made of those before it.
        references = np.array([_mean(templates[own[:-1] if len(own) > 1 else own][:PICTURES]) for own in places])
        found = cosines(templates, references)
        others = np.arange(people)[None, :] != numbers[:, None]
        own = np.full(len(templates), np.nan, np.float32)
        for person, pictures in enumerate(places):
            if len(pictures) > 1:
                own[pictures[-1]] = found[pictures[-1], person]
        return Search(people, numbers, found[others].reshape(len(templates), people - 1), own)

    def false_positives(self, people: int, threshold: float) -> Rate:
        """Strangers who reach the threshold with anybody in a gallery of that size."""
        hit = 1.0 - _none(self.people - 1, people)[(self.strangers >= threshold).sum(axis=1)]
        return self._each_once(hit, np.ones(len(hit), bool))

    def false_negatives(self, people: int, threshold: float) -> Rate:
        """Enrolled people who do not reach it, or who are taken for another of that gallery."""
        mated = ~np.isnan(self.own)
        better = (self.strangers > self.own[:, None]).sum(axis=1)
        missed = np.where(self.own >= threshold, 1.0 - _none(self.people - 1, people - 1)[better], 1.0)
        return self._each_once(missed, mated)

    def _each_once(self, share: _Shares, counted: npt.NDArray[np.bool_]) -> Rate:
        """The mean over people of the mean over their probes, as hits among as many trials as there are people."""
        total = np.bincount(self.who[counted], share[counted], self.people)
        probes = np.bincount(self.who[counted], minlength=self.people)
        return Rate(float((total[probes > 0] / probes[probes > 0]).sum()), int(np.count_nonzero(probes)))

    def threshold(self, people: int, fpir: float) -> float:
        """The lowest thousandth at which no more strangers than this share are named."""
        low, high = -_STEP, _STEP + 1
        while high - low > 1:
            middle = (low + high) // 2
            found = self.false_positives(people, middle / _STEP).value
            low, high = (low, middle) if found is not None and found <= fpir else (middle, high)
        return high / _STEP


def _mean(templates: Matrix) -> Matrix:
    mean = templates.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 0 else mean, np.float32)


def _none(others: int, drawn: int) -> _Shares:
    """By how many of the others would reach it (0 to all): the chance that none of them is among those drawn."""
    taken = np.arange(others)
    left = np.maximum(others - drawn - taken, 0) / (others - taken)
    return np.concatenate(([1.0], np.cumprod(left)))


@dataclass(frozen=True, slots=True)
class Measured:
    """One operating point of 1:N."""

    people: int
    fpir: float
    threshold: float
    false_positives: Rate
    false_negatives: Rate


def measured(chosen_on: Search, reported_on: Search) -> tuple[Measured, ...]:
    """Thresholds of one half of the people with the rates of the other, by target and size."""
    most = min(chosen_on.people, reported_on.people) - 1
    points: list[Measured] = []
    for fpir in FPIRS:
        least = 0.0
        for people in SIZES:
            if people > most:
                break
            # Never lower for more people, whatever chance does.
            least = max(least, chosen_on.threshold(people, fpir))
            points.append(Measured(
                people, fpir, least, reported_on.false_positives(people, least),
                reported_on.false_negatives(people, least),
            ))  # fmt: skip
    return tuple(points)
