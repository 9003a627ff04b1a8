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

from agent.units import Box, Rgb

CELL_PX: Final = 40
"""Side of a block at 640×480; a face of up to 320 px is then at most eight blocks across."""
FACE_BLOCKS: Final = 8
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
    """For each cell of a (height, width, 3) mask whether anything in it is marked."""
    height, width = marked.shape[:2]
    flat = marked.reshape(height, width * 3)
    strips: npt.NDArray[np.bool_] = np.logical_or.reduceat(flat, np.arange(0, height, side), axis=0)
    return np.logical_or.reduceat(strips, np.arange(0, width * 3, side * 3), axis=1)
