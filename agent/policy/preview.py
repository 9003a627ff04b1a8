"""Pictures that people may look at: coarse blocks, so that no face is finer than eight blocks across.

A detector misses small and turned faces, so hiding detections alone is not enough: a cell is shown sharp only where the
live picture equals the commissioned picture of the empty scene, and then it is the commissioned picture that is shown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.units import Box, Polygon, Rgb

CELL_PX: Final = 40
"""Side of a block at 640×480; a face of up to 320 px is then at most eight blocks across."""
FACE_BLOCKS: Final = 8
AIM_PX: Final = 20
"""Side of a block while a camera is aimed and nothing moves there: a face that keeps still is at most eight blocks
across if it is no larger than 160 px; nobody who moves is finer than `CELL_PX`."""
_STIRS: Final = 6
"""Largest difference of such a block's colour from one frame to the next that counts as nothing: light and noise."""
_STILL_NS: Final = 3_000_000_000
_MODULES: Final = 6
"""Of a marker, from edge to edge, its black border of one included."""
_MODULE_PX: Final = AIM_PX / 1.5
"""As far as a module counts: what is shown along an edge, one and a half of it, is never wider than a block."""
_SAME: Final = 26
"""Largest difference of a colour value (0 to 255) that still counts as the empty scene: noise and slow light."""


def blocks(rgb: Rgb, side: int = CELL_PX) -> Rgb:
    """The picture as blocks of `side` pixels, each its mean colour; same shape as the input."""
    means = _means(rgb, side)
    height, width = rgb.shape[:2]
    return np.ascontiguousarray(means.repeat(side, axis=1)[:, :width].repeat(side, axis=0)[:height])


def block_px(faces: Sequence[Box]) -> int:
    """Side of the blocks of a picture in which these faces were detected: never finer than an eighth of the largest."""
    largest = max((max(face.width, face.height) for face in faces), default=0.0)
    return max(CELL_PX, math.ceil(largest / FACE_BLOCKS))


def veil(live: Rgb, empty: Rgb, faces: Sequence[Box]) -> Rgb:
    """`empty`, with a block of the live picture's mean colour in each cell where anything differs or a face was found.

    There is one grid for the whole picture: blocks that overlapped would tell more of a face than either does.
    """
    side = block_px(faces)
    differs = np.maximum(live, empty)
    differs -= np.minimum(live, empty)
    hidden = _any(differs > _SAME, side)
    for face in faces:
        x0, y0 = max(math.floor(face.x0), 0), max(math.floor(face.y0), 0)
        x1, y1 = max(math.ceil(face.x1), 0), max(math.ceil(face.y1), 0)
        if x0 < x1 and y0 < y1:
            hidden[y0 // side : -(-y1 // side), x0 // side : -(-x1 // side)] = True
    means, shown = _means(live, side), empty.copy()
    for row, column in np.argwhere(hidden):
        y, x = row * side, column * side
        shown[y : y + side, x : x + side] = means[row, column]
    return shown


class Aiming:
    """The picture by which a camera is aimed: fine blocks where nothing moves, the usual ones where something does.

    Of each mark the picture itself is shown along its edge alone, the black border and half a module round it: an
    installer must see print sharply. What is held beside it, or in a hole of it, a face for instance, is in blocks,
    for what a reader of marks calls white may be anything bright.
    """

    def __init__(self) -> None:
        self._means: Rgb | None = None
        self._moved_ns: npt.NDArray[np.int64] | None = None
        """When something last moved, for each cell of `CELL_PX`."""

    def picture(self, rgb: Rgb, marks: Sequence[Polygon], now_ns: int) -> Rgb:
        """Frames in the order in which they were exposed, at `now_ns`."""
        height, width = rgb.shape[:2]
        moved = self._moving(_means(rgb, AIM_PX), now_ns)
        coarse = moved.repeat(CELL_PX, axis=0).repeat(CELL_PX, axis=1)[:height, :width]
        shown = np.where(coarse[:, :, np.newaxis], blocks(rgb, CELL_PX), blocks(rgb, AIM_PX))
        return np.where(_edges(marks, height, width)[:, :, np.newaxis], rgb, shown)

    def _moving(self, means: Rgb, now_ns: int) -> npt.NDArray[np.bool_]:
        before, self._means = self._means, means
        if before is None or before.shape != means.shape or self._moved_ns is None:
            stirred = _any(np.ones(means.shape[:2], np.bool_), CELL_PX // AIM_PX)
            self._moved_ns = np.full(stirred.shape, now_ns, np.int64)
            return stirred
        differs = (np.maximum(means, before) - np.minimum(means, before)).max(axis=2) > _STIRS
        around = np.pad(_any(differs, CELL_PX // AIM_PX), 1)
        rows, columns = self._moved_ns.shape
        grown = [around[y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
        self._moved_ns[np.logical_or.reduce(grown)] = now_ns
        still_ns = now_ns - self._moved_ns
        return np.asarray((still_ns < _STILL_NS) | (still_ns < 0), np.bool_)


def _edges(marks: Sequence[Polygon], height: int, width: int) -> npt.NDArray[np.bool_]:
    """Along each mark's edge, a module inward and half of one outward; a module is a sixth of the shortest side."""
    sharp = np.zeros((height, width), np.bool_)
    ys, xs = np.mgrid[0:height, 0:width] + 0.5
    for mark in marks:
        corners = np.array(mark, np.float64)
        if corners.shape != (4, 2) or not np.isfinite(corners).all():
            continue
        sides = np.roll(corners, -1, axis=0) - corners
        lengths = np.hypot(*sides.T)
        if not lengths.all():
            continue
        # Clockwise as y counts down: inside is right of each side; a mark seen from behind shows nothing.
        depth = np.minimum.reduce(
            [
                (dx * (ys - y) - dy * (xs - x)) / length
                for (x, y), (dx, dy), length in zip(corners, sides, lengths, strict=True)
            ]
        )
        module = min(lengths.min() / _MODULES, _MODULE_PX)
        sharp |= (depth >= -module / 2) & (depth <= module)
    return sharp


def _means(rgb: Rgb, side: int) -> Rgb:
    height, width = rgb.shape[:2]
    rows, columns = np.arange(0, height, side), np.arange(0, width, side)
    # Sixteen bits hold the sum of 257 values. Strip by strip it takes a tenth of what NumPy's `reduceat` does.
    narrow = np.uint16 if side <= 257 else np.uint32
    flat = rgb.reshape(height, width * 3)
    strips = np.array([flat[row : row + side].sum(axis=0, dtype=narrow) for row in rows])
    sums = np.add.reduceat(strips.reshape(len(rows), width, 3), columns, axis=1, dtype=np.uint32)
    counts = np.outer(np.diff(np.append(rows, height)), np.diff(np.append(columns, width)))
    means: Rgb = (sums // counts[:, :, np.newaxis]).astype(np.uint8)
    return means


def _any(marked: npt.NDArray[np.bool_], side: int) -> npt.NDArray[np.bool_]:
    """For each cell of a mask, (height, width) or (height, width, 3), whether anything in it is marked."""
    height, width, each = *marked.shape[:2], marked[0, 0].size
    flat = marked.reshape(height, width * each)
    strips: npt.NDArray[np.bool_] = np.logical_or.reduceat(flat, np.arange(0, height, side), axis=0)
    return np.logical_or.reduceat(strips, np.arange(0, width * each, side * each), axis=1)
