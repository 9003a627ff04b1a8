"""Many rotated templates in three quarters of a kilobyte each, and the nearest of them in one pass.

A value is kept in twelve bits: eight that are searched, four that are looked at only where it matters. The search
compares the eight-bit halves, all of them, as whole numbers. How far that can be from the truth is known (the longest
error of a kept half, and the probe's own), so whoever may be the nearest is among those within twice that of the
nearest half (triangle inequality); those few are compared in twelve bits. So the answer is the one that a comparison
of all in twelve bits gives, at the price of one in eight. Against 32-bit floats a score of 512 values is off by some
0.00004, a thousandth of what two pictures of one person differ by.

Leaves out: whose rows they are, and what a score means (gallery.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol, TypeVar, final

import numpy as np
import numpy.typing as npt

from agent.gallery._mint import Unforgeable
from agent.units import Vector

_T = TypeVar("_T")
_HALF: Final = 127
_FINE: Final = 16
_NEAR: Final = 32
"""So many nearest halves are asked for; where more may be the nearest, all are."""
_ALONE: Final = 20_000
"""So many rows and more are searched in two halves at once, where the caller lets them."""
_BLOCK: Final = 1024

Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.intp]


class Spread(Protocol):
    """Does the same for each of a few numbers, one after the other as `map`, or at once."""

    def __call__(self, act: Callable[[int], _T], each: Iterable[int], /) -> Iterable[_T]: ...


@final
class Rows(Unforgeable):
    """Templates of one gallery.

    Args:
        vectors: each of shape (dimensions,) and length one.
        spread: how the two halves of many rows are searched.
    """

    __slots__ = ("_coarse", "_dimensions", "_fine", "_slack", "_spread", "_step")

    def __init__(self, vectors: Sequence[Vector], dimensions: int, spread: Spread = map) -> None:
        self._dimensions, self._spread = dimensions, spread
        largest = max((float(np.abs(each).max()) for each in vectors), default=1.0)
        self._step = largest / _HALF
        self._coarse: Bytes = np.empty((len(vectors), dimensions), np.uint8)
        self._fine: Bytes = np.empty((len(vectors), (dimensions + 1) // 2), np.uint8)
        self._slack = 0.0
        """How far a row lies from its eight-bit half at most."""
        for start in range(0, len(vectors), _BLOCK):
            block = np.array(vectors[start : start + _BLOCK], np.float32)
            self._keep(start, block)

    def _keep(self, start: int, block: npt.NDArray[np.float32]) -> None:
        half, rest = _halved(block, self._step)
        end = start + len(block)
        self._coarse[start:end] = half
        self._slack = max(self._slack, float(np.linalg.norm(rest * self._step, axis=1).max()))
        fine = np.clip(np.floor((rest + 0.5) * _FINE), 0, _FINE - 1).astype(np.uint8)
        if self._dimensions % 2:
            fine = np.pad(fine, ((0, 0), (0, 1)))
        middle = fine.shape[1] // 2
        self._fine[start:end] = fine[:, :middle] << 4 | fine[:, middle:]

    def __len__(self) -> int:
        return len(self._coarse)

    @property
    def nbytes(self) -> int:
        return self._coarse.nbytes + self._fine.nbytes

    def part(self, chosen: Indices) -> Rows:
        """These rows alone, their places rising; the rows themselves where all are chosen, for they never change."""
        if len(chosen) == len(self):
            return self
        part = Rows((), self._dimensions, self._spread)
        part._step, part._slack = self._step, self._slack
        part._coarse, part._fine = self._coarse[chosen], self._fine[chosen]
        return part

    def scores(self, probe: Vector, chosen: Indices) -> Vector:
        """Cosines with these rows, in twelve bits."""
        found = np.empty(len(chosen), np.float32)
        for start in range(0, len(chosen), _BLOCK):
            some = chosen[start : start + _BLOCK]
            packed = self._fine[some]
            fine = np.concatenate((packed >> 4, packed & 15), axis=1)[:, : self._dimensions]
            values = fine.astype(np.float32)
            values += np.float32(0.5)
            values *= np.float32(1 / _FINE)
            values += self._coarse[some]
            values -= np.float32(128.5)
            found[start : start + len(some)] = values @ (probe * np.float32(self._step))
        return found

    def best(self, probe: Vector, least: float) -> tuple[int, float] | None:
        """Place and score of the best row, the first of equals; None: no row reaches `least`."""
        near = self._candidates(probe, least)
        if not len(near):
            return None
        scores = self.scores(probe, near)
        place = int(np.argmax(scores))
        score = float(scores[place])
        return (int(near[place]), score) if score >= least else None

    def _candidates(self, probe: Vector, least: float) -> Indices:
        """Every row that may be the best one and reach `least`, in order."""
        if not len(self):
            return np.empty(0, np.intp)
        half, rest = _halved(probe[np.newaxis], self._step)
        # Both halves' errors, and a hair for the rounding of these lines.
        error = self._slack + self._step * float(np.linalg.norm(rest)) + 1e-4
        span = len(self) if len(self) < _ALONE else (len(self) + 1) // 2
        parts = list(self._spread(lambda start: self._nearest(half, start, span), range(0, len(self), span)))
        # Rows of length one whose cosine is c lie sqrt(2 - 2c) apart.
        reach = min(float(away[0]) for away, _ in parts) + 2.0 * error
        reach = min(reach, math.sqrt(max(0.0, 2.0 - 2.0 * least)) + error)
        if all(len(away) < _NEAR or away[-1] > reach for away, _ in parts):
            return np.sort(np.concatenate([near[away <= reach] for away, near in parts]))
        away = self._away(_compared(self._coarse, half, 1)[0][:, 0])
        return np.flatnonzero(away <= reach)

    def _nearest(self, half: Bytes, start: int, span: int) -> tuple[npt.NDArray[np.float64], Indices]:
        """Distances and places of the nearest rows from `start` on, nearest first."""
        part = self._coarse[start : start + span]
        squares, near = _compared(half, part, min(_NEAR, len(part)))
        return self._away(squares[0]), near[0].astype(np.intp) + start

    def _away(self, squares: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        return np.sqrt(squares.astype(np.float64)) * self._step


def _compared(ones: Bytes, others: Bytes, count: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """For each of the ones the squared distances and the places of the nearest others."""
    import cv2  # for its comparison of bytes; whoever only carries rows does without it

    squares, near = cv2.batchDistance(ones, others, cv2.CV_32S, normType=cv2.NORM_L2SQR, K=count)
    return np.asarray(squares, np.int32), np.asarray(near, np.int32)


def _halved(block: npt.NDArray[np.float32], step: float) -> tuple[Bytes, npt.NDArray[np.float32]]:
    """The eight-bit half of each value, 128 being zero, and what is left, in steps."""
    steps = block / np.float32(step)
    half = np.clip(np.rint(steps), -_HALF, _HALF)
    return (half + 128).astype(np.uint8), np.asarray(steps - half, np.float32)
