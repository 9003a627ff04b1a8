"""Figures by group: every column of `images.csv` beside file and subject, value by value, each with its bounds.

Rules: the table is made whatever it says; a group's false matches are those within it (both pictures of that value),
its false non-matches those of people with a picture of that value. Numbers with many values are put into bands of
ten. People who appear in many pairs make the pairs alike, so the true bounds are wider than those given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.models.faceset import Faces
from agent.models.rates import Matrix, Rate, blocks, clopper_pearson, failed, numbered, rate

RATIO_GOAL: Final = 5.0
"""No group's false match rate should be more times that of the best one."""
UNKNOWN: Final = "NA"
_MANY: Final = 8
_BAND: Final = 10


@dataclass(frozen=True, slots=True)
class Group:
    pictures: int
    people: int
    failure_to_acquire: Rate
    false_match: Rate
    false_non_match: Rate


@dataclass(frozen=True, slots=True)
class Ratio:
    """The false match rate of the worst group as a multiple of the best one's; None: without end (a rate of 0)."""

    worst: str
    best: str
    value: float | None
    low: float
    high: float | None

    @property
    def within_goal(self) -> bool | None:
        """None: the bounds allow both."""
        if self.high is not None and self.high <= RATIO_GOAL:
            return True
        return False if self.low > RATIO_GOAL else None


def groups(templates: Matrix, faces: Faces, threshold: float) -> dict[str, dict[str, Group]]:
    """Column -> value -> figures at this threshold."""
    people = numbered(faces.subjects)
    labels = {column: np.array(banded(values)) for column, values in faces.columns.items()}
    pairs = {column: {value: np.zeros(4, np.int64) for value in sorted(set(of))} for column, of in labels.items()}
    places = np.arange(len(people))
    for part, row in blocks(templates):
        later, same = places[None, :] > places[part, None], people[None, :] == people[part, None]
        reached = row >= threshold
        for column, of in labels.items():
            for value, counts in pairs[column].items():
                one, other = (of == value)[part, None], (of == value)[None, :]
                impostor, genuine = one & other & ~same & later, (one | other) & same & later
                counts += [
                    np.count_nonzero(reached & impostor), np.count_nonzero(impostor),
                    np.count_nonzero(~reached & genuine), np.count_nonzero(genuine),
                ]  # fmt: skip
    missed = failed(templates)
    return {
        column: {
            value: Group(
                int(np.count_nonzero(of == value)), len(set(people[of == value])), rate(missed[of == value]),
                Rate(*map(int, pairs[column][value][:2])), Rate(*map(int, pairs[column][value][2:])),
            )
            for value in pairs[column]
        }
        for column, of in labels.items()
    }  # fmt: skip


def banded(values: Sequence[str]) -> list[str]:
    """The values themselves, or bands of ten where they are many numbers; a missing one is `UNKNOWN`."""
    named = [value or UNKNOWN for value in values]
    numbers = {value for value in named if value != UNKNOWN}
    if len(numbers) < _MANY or not all(value.isdecimal() and value.isascii() for value in numbers):
        return named
    return [value if value == UNKNOWN else _band(int(value)) for value in named]


def _band(number: int) -> str:
    low = number // _BAND * _BAND
    return f"{low}-{low + _BAND - 1}"


def ratios(found: dict[str, Group]) -> tuple[Ratio, ...]:
    """Worst against best of the groups that have pairs, and against the best in which a false match was seen at all.

    The first alone where they are the same; none with fewer than two groups. The bounds come from those of both rates,
    each at a level that makes them hold together (Bonferroni).
    """
    rates = {value: each.false_match for value, each in found.items() if each.false_match.of and value != UNKNOWN}
    order = sorted(rates, key=lambda value: (rates[value].value or 0.0, -rates[value].of, value))
    seen = [value for value in order if rates[value].hits]
    bests = dict.fromkeys([*order[:1], *seen[:1]])
    return tuple(_ratio(order[-1], best, rates) for best in bests if best != order[-1])


def _ratio(worst: str, best: str, rates: dict[str, Rate]) -> Ratio:
    (best_low, best_high), (worst_low, worst_high) = (
        clopper_pearson(rates[value].hits, rates[value].of, 0.975) for value in (best, worst)
    )
    least, most = rates[best].value or 0.0, rates[worst].value or 0.0
    return Ratio(
        worst, best, most / least if least else None, worst_low / best_high, worst_high / best_low if best_low else None
    )
