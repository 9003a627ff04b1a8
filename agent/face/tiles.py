"""Small faces: where something moves in the attempt region, parts of the frame are searched at a finer scale.

Rules: at most `MOST` parts a frame, and none where the policy compares only faces that the whole frame shows well
enough; motion is looked for on the permitted frame, so what is excluded or hidden stays so; a face that is found twice
is one face. What is remembered is a coarse grey picture of the latest frame, in the session that a refusal drops.
Leaves out: running the model, and who may be looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from agent.face.detect import Face
from agent.policy.bundle import Attempt
from agent.policy.frames import PermittedFrame
from agent.units import Box, Rgb

if TYPE_CHECKING:
    from agent.ports import CloserDetector

MOST: Final = 2
"""Parts a frame: each costs as much as the whole frame once more."""
SIDE: Final = 240
"""Side of a part in pixels: nearly the detector's own 192."""
WHOLE_PX: Final = 80.0
"""Faces at least this wide are found in the whole frame as well as in a part."""
_EYES: Final = 0.42
"""Distance between the eyes in face widths."""
_CELL: Final = 8
_STEP: Final = 5
"""Parts begin at every fifth cell."""
_SPARE: Final = 3
"""Cells at a part's edge that do not count: a face there would be cut."""
MOVED: Final = 14
"""Grey levels beyond what the whole picture changed by."""
_FOUND: Final = 4.0
"""A cell in which a small face was found on one of the last frames counts like so many that move."""
_KEPT_NS: Final = 1_000_000_000
_SAME: Final = 0.3

Grey = npt.NDArray[np.int16]
_Weights = npt.NDArray[np.float32]


class Tiles:
    """Finds the faces of one session's frames.

    Args:
        rules: the attempt's region and the least distance between the eyes.
    """

    __slots__ = ("_bounds", "_former", "_needed", "_small")

    def __init__(self, rules: Attempt) -> None:
        xs, ys = [x for x, _ in rules.region], [y for _, y in rules.region]
        self._bounds = Box(min(xs), min(ys), max(xs), max(ys))
        self._needed = rules.inter_eye_px / _EYES < WHOLE_PX
        self._former: Grey | None = None
        self._small: list[tuple[Box, int]] = []
        """Faces that parts have shown lately, and when."""

    def faces(self, frame: PermittedFrame, detector: CloserDetector) -> tuple[Face, ...]:
        """All faces of the frame, each once."""
        whole = detector.detect(frame)
        if not self._needed or max(frame.pixels.shape[:2]) <= SIDE:
            return whole
        grey = coarse(frame.pixels)
        former, self._former = self._former, grey
        if former is None or former.shape != grey.shape:
            return whole
        parts = chosen(self._weights(grey - former, whole, frame.captured_ns), frame.pixels.shape)
        near = [face for part in parts for face in _uncut(detector.detect_in(frame, part), part, frame.pixels)]
        self._remember(near, parts, frame.captured_ns)
        return joined(whole, near)

    def _weights(self, change: Grey, whole: Sequence[Face], now_ns: int) -> _Weights:
        """How much each cell calls for a closer look."""
        # A light that goes on, or a camera that exposes anew, changes everything alike.
        moved = np.abs(change - np.int16(np.median(change))) >= MOVED
        weights = (moved & ~np.roll(moved, 1, axis=0)).astype(np.float32)  # heads are where motion ends above
        weights += np.float32(0.2) * moved
        for face in whole:
            if face.box.width >= WHOLE_PX:  # what moves there is this person
                box = face.box
                weights[_cells(Box(box.x0 - box.width, box.y0 - box.height, box.x1 + box.width, 1e6), weights)] = 0.0
        self._small = [(box, at_ns) for box, at_ns in self._small if now_ns - at_ns < _KEPT_NS]
        for box, _ in self._small:
            x, y = box.centre
            weights[_cells(Box(x, y, x, y), weights)] += np.float32(_FOUND)
        inside = np.zeros_like(weights)
        inside[_cells(self._bounds, weights)] = 1.0
        return np.asarray(weights * inside, np.float32)

    def _remember(self, near: Sequence[Face], parts: Sequence[Box], now_ns: int) -> None:
        kept = [each for each in self._small if not any(_within(each[0], part) for part in parts)]
        self._small = [*kept, *((face.box, now_ns) for face in near if face.box.width < WHOLE_PX)]


def coarse(pixels: Rgb) -> Grey:
    """Mean green of four pixels for every cell of 8 x 8: (height / 8, width / 8)."""
    rows, columns = (side // _CELL * _CELL for side in pixels.shape[:2])
    green = pixels[:rows, :columns, 1]
    found = np.zeros((rows // _CELL, columns // _CELL), np.int16)
    for y, x in ((1, 1), (1, 5), (5, 1), (5, 5)):
        found += green[y::_CELL, x::_CELL]
    return found // 4


def chosen(weights: _Weights, shape: tuple[int, ...], most: int = MOST) -> list[Box]:
    """The parts that call most for a closer look, at most `most`; none that nothing calls for."""
    parts: list[Box] = []
    left = weights.copy()
    while len(parts) < most and left.any():
        best, place = 0.0, None
        sums = np.pad(left, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
        for top in _starts(shape[0]):
            for side in _starts(shape[1]):
                y0, y1 = _inner(top, shape[0])
                x0, x1 = _inner(side, shape[1])
                found = float(sums[y1, x1] - sums[y0, x1] - sums[y1, x0] + sums[y0, x0])
                if found > best + 1e-3:
                    best, place = found, (top, side, y0, y1, x0, x1)
        if place is None or best < 1.0:
            break
        top, side, y0, y1, x0, x1 = place
        left[y0:y1, x0:x1] = 0.0
        parts.append(Box(side, top, min(side + SIDE, shape[1]), min(top + SIDE, shape[0])))
    return parts


def _starts(length: int) -> list[int]:
    """Where parts may begin, in pixels; the last one ends with the frame."""
    last = max(0, length - SIDE)
    return sorted({*range(0, last, _STEP * _CELL), last})


def _inner(start: int, length: int) -> tuple[int, int]:
    """The cells of a part from `start` that count; at the frame's own edge all do."""
    end = min(start + SIDE, length)
    first = start // _CELL + (_SPARE if start > 0 else 0)
    last = end // _CELL - (_SPARE if end < length else 0)
    return first, last


def _cells(box: Box, weights: _Weights) -> tuple[slice, slice]:
    """The cells that a box touches."""
    height, width = weights.shape
    y0, y1 = (int(np.clip(y // _CELL, 0, height)) for y in (box.y0, box.y1))
    x0, x1 = (int(np.clip(x // _CELL, 0, width)) for x in (box.x0, box.x1))
    return slice(y0, y1 + 1), slice(x0, x1 + 1)


def _within(face: Box, part: Box) -> bool:
    x, y = face.centre
    return part.x0 <= x < part.x1 and part.y0 <= y < part.y1


def _uncut(faces: Sequence[Face], part: Box, pixels: Rgb) -> list[Face]:
    """Faces that the part shows whole: an edge of the part cuts them, unless the frame ends there too."""
    height, width = pixels.shape[:2]
    return [
        face
        for face in faces
        if (face.box.x0 > part.x0 + 1 or part.x0 <= 0)
        and (face.box.y0 > part.y0 + 1 or part.y0 <= 0)
        and (face.box.x1 < part.x1 - 1 or part.x1 >= width)
        and (face.box.y1 < part.y1 - 1 or part.y1 >= height)
    ]


def joined(whole: Sequence[Face], near: Sequence[Face]) -> tuple[Face, ...]:
    """Each face once: a small one as the finer scale shows it, a wide one as the whole frame does."""
    kept = list(whole)
    for face in sorted(near, key=lambda face: -face.score):
        same = [other for other in kept if other.box.overlap(face.box) > _SAME]
        if not same:
            kept.append(face)
        elif all(other in whole and other.box.width < WHOLE_PX for other in same):
            kept = [other for other in kept if other not in same] + [face]
    return tuple(kept)
