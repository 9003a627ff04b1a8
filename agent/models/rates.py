"""Rates out of scores: thresholds, error rates and their bounds. Pure numbers, no pictures and no files.

Rules: a picture in which no face was found matches nobody, so its template is a row of zeros and its scores are
`NO_SCORE`; a threshold is met by what reaches it; bounds are Clopper and Pearson's (Biometrika 26, 1934), two-sided
95 %. They count each trial as a draw of its own: trials that share a person are not, so the true bounds are wider.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.face.detect import Floats

NO_SCORE: Final = -1.0
LEVEL: Final = 0.95
FOLDS: Final = 10
_ROWS: Final = 256
Matrix = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of trials with its bounds; without a trial nothing is known: between 0 and 1."""

    hits: float
    """Whole, unless it is an expectation over many galleries."""
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def bounds(self) -> tuple[float, float]:
        return clopper_pearson(self.hits, self.of)


def rate(hits: npt.NDArray[np.bool_]) -> Rate:
    """The share of trials that are true."""
    return Rate(int(np.count_nonzero(hits)), int(hits.size))


def failed(templates: Matrix) -> npt.NDArray[np.bool_]:
    """Which rows stand for a picture in which no face was found."""
    return np.asarray(~templates.any(axis=1), np.bool_)


def clopper_pearson(hits: float, of: int, level: float = LEVEL) -> tuple[float, float]:
    """Lower and upper bound of a share."""
    tail = (1.0 - level) / 2
    low = 0.0 if hits <= 0 else _beta_place(tail, hits, of - hits + 1)
    high = 1.0 if hits >= of else _beta_place(1.0 - tail, hits + 1, of - hits)
    return low, high


def _beta_place(share: float, a: float, b: float) -> float:
    """Where the distribution Beta(a, b) has reached this share, by halving."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _beta_share(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _beta_share(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function, by its continued fraction on the side where that is short."""
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _beta_share(1.0 - x, b, a)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x or 5e-324) + b * math.log1p(-x)
    )
    # Lentz's method: the fraction 1 / (1 + d1 / (1 + d2 / ...)).
    tiny = 1e-300
    value, upper, lower = 1.0, 1.0, 0.0
    for step in range(100_000):
        half = step // 2
        if step == 0:
            term = 1.0
        elif step % 2 == 0:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        else:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        lower = 1.0 / ((1.0 + term * lower) or tiny)
        upper = (1.0 + term / upper) or tiny
        value *= upper * lower
        if abs(upper * lower - 1.0) < 1e-12 and step:
            break
    return front * (value - 1.0) / a


def threshold_at(impostor: Floats, share: float) -> float:
    """The lowest threshold that at most this share of impostor scores reaches."""
    above = math.floor(share * impostor.size)
    place = impostor.size - above - 1
    highest_refused = np.partition(impostor, place)[place]
    return float(np.nextafter(highest_refused, np.float32(2.0)))


def cosines(left: Matrix, right: Matrix) -> Matrix:
    """All scores of the rows of one against the rows of the other; zero rows score `NO_SCORE`."""
    made = np.asarray(left @ right.T, np.float32)
    made[failed(left)] = NO_SCORE
    made[:, failed(right)] = NO_SCORE
    return made


def blocks(templates: Matrix) -> Iterator[tuple[slice, Matrix]]:
    """The rows' scores against all, some rows at a time, so that no square of thousands of people is held."""
    for start in range(0, len(templates), _ROWS):
        part = slice(start, min(start + _ROWS, len(templates)))
        yield part, cosines(templates[part], templates)


def numbered(subjects: Sequence[str]) -> Places:
    """A number for each subject, the same for the same."""
    return np.asarray(np.unique(np.asarray(subjects, dtype=object).astype(str), return_inverse=True)[1], np.intp)


def scores(templates: Matrix, subjects: Sequence[str]) -> tuple[Floats, Floats]:
    """Genuine and impostor scores of all pairs, each pair once."""
    genuine, impostor = [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    if subjects:
        numbers = numbered(subjects)
        places = np.arange(len(subjects))
        for part, row in blocks(templates):
            later = places[None, :] > places[part, None]
            same = numbers[None, :] == numbers[part, None]
            genuine.append(row[same & later])
            impostor.append(row[~same & later])
    return np.concatenate(genuine), np.concatenate(impostor)


def area(genuine: Floats, impostor: Floats) -> float:
    """The chance that a genuine score is above an impostor one; equal scores count a half."""
    ordered = np.sort(impostor)
    below = np.searchsorted(ordered, genuine, "left") + np.searchsorted(ordered, genuine, "right")
    return float(below.sum(dtype=np.float64) / 2 / genuine.size / impostor.size)


def accuracy(found: Floats, same: npt.NDArray[np.bool_], folds: Places) -> Rate:
    """Pairs told right, each fold's by the threshold that is best on the pairs of the others.

    Args:
        found: score of each pair.
        folds: (2, pairs): the fold of each side's person. A pair is tested in its first person's fold, and a
            threshold is chosen on pairs neither of whose people is in it.
    """
    right = 0
    tested = 0
    for fold in range(FOLDS):
        test = folds[0] == fold
        train = (folds != fold).all(axis=0)
        if not test.any() or not train.any():
            continue
        threshold = best_threshold(found[train], same[train])
        right += int(np.count_nonzero((found[test] >= threshold) == same[test]))
        tested += int(np.count_nonzero(test))
    return Rate(right, tested)


def best_threshold(found: Floats, same: npt.NDArray[np.bool_]) -> float:
    """The score at which most pairs are told right; the middle of the best place between two scores."""
    order = np.argsort(found, kind="stable")
    ordered, truth = found[order].astype(np.float64), same[order]
    # Right, if the cut lies before place i: different ones below it and same ones from it on.
    right = np.concatenate(([0], np.cumsum(~truth))) + np.concatenate((np.cumsum(truth[::-1])[::-1], [0]))
    possible = np.concatenate(([True], ordered[1:] > ordered[:-1], [True]))
    cut = int(np.argmax(np.where(possible, right, -1)))
    edges = np.concatenate(([ordered[0] - 1.0], ordered, [ordered[-1] + 1.0]))
    return float((edges[cut] + edges[cut + 1]) / 2)
