"""From the detector's raw tensors to faces: letterbox, decode, merge.

Pure NumPy apart from one resize; the model is passed in. Rules: all positions are pixels of the picture that was
given, x to the right and y down; a face's numbers never show in a repr. Leaves out: running the model (an adapter
does) and following a face over time.

The network answers on a grid of 48 x 48 cells, one candidate a cell. For each it gives a logit, the box size, and the
offsets of box centre and six landmarks from the cell's centre, all in pixels of its 192 x 192 input.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from agent.units import Box, Rgb

INPUT_SIDE = 192
GRID_SIDE = 48
_CELL_PX = INPUT_SIDE / GRID_SIDE
LANDMARKS = 6
RIGHT_EYE, LEFT_EYE, NOSE, MOUTH, RIGHT_EAR, LEFT_EAR = range(LANDMARKS)
"""Order of the landmarks; right and left are the person's own, so the right eye is on the left of the picture."""

SCORE_MIN = 0.5
OVERLAP_MIN = 0.3
"""Candidates that overlap the best one by more than this are merged into it."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Face:
    """One detected face. Equality is identity and the repr empty, so nothing personal is compared or printed."""

    box: Box
    landmarks: Floats
    """Shape (6, 2): right eye, left eye, nose tip, mouth centre, right ear, left ear."""
    score: float
    """Detection score, 0 to 1. Says nothing about who it is."""

    def __repr__(self) -> str:
        return "Face()"

    def moved(self, x: float, y: float) -> Face:
        """The same face in a picture of which this one is the part that begins at x, y."""
        box = Box(self.box.x0 + x, self.box.y0 + y, self.box.x1 + x, self.box.y1 + y)
        return Face(box, self.landmarks + np.array((x, y), np.float32), self.score)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture is shrunk into the middle of the square input."""

    scale: float
    """Input pixels for one picture pixel."""
    left: int
    top: int
    width: int
    height: int

    @staticmethod
    def of(height: int, width: int) -> Letterbox:
        scale = INPUT_SIDE / max(height, width)
        inner_w, inner_h = max(1, round(width * scale)), max(1, round(height * scale))
        return Letterbox(scale, (INPUT_SIDE - inner_w) // 2, (INPUT_SIDE - inner_h) // 2, inner_w, inner_h)

    def fill(self, picture: Rgb, square: Rgb) -> None:
        """Write the shrunk picture into `square` (192, 192, 3); the borders are left as they are (set them once)."""
        inner = square[self.top : self.top + self.height, self.left : self.left + self.width]
        if inner.shape[:2] == picture.shape[:2]:
            inner[:] = picture
            return
        # Averaging by a broken factor costs four times what going to the double size and halving that does, and finds
        # no more: see docs/quality.md. Through fresh arrays: OpenCV cannot be relied on to write into a strided view.
        double = (2 * self.width, 2 * self.height)
        if picture.shape[1] > double[0] and picture.shape[0] > double[1]:
            picture = np.asarray(cv2.resize(picture, double, interpolation=cv2.INTER_LINEAR), np.uint8)
        inner[:] = cv2.resize(picture, (self.width, self.height), interpolation=cv2.INTER_AREA)

    def back(self, points: Floats) -> Floats:
        """Input pixels (n, 2) to picture pixels."""
        return ((points - np.array((self.left, self.top), np.float32)) / np.float32(self.scale)).astype(np.float32)


Infer = Callable[[Rgb], tuple[Floats, ...]]
"""A detector on its input (192, 192, 3) uint8: logits (48, 48, 1), sizes (48, 48, 2), offsets (48, 48, 14)."""


class Finder:
    """Letterbox, model, decode. Keeps its input buffer, so one object serves one thread."""

    def __init__(self, infer: Infer, score_min: float = SCORE_MIN) -> None:
        self._infer, self._score_min = infer, score_min
        self._square: Rgb = np.zeros((INPUT_SIDE, INPUT_SIDE, 3), np.uint8)
        self._shape: tuple[int, ...] = ()
        self._letterbox = Letterbox.of(INPUT_SIDE, INPUT_SIDE)

    def find(self, picture: Rgb) -> tuple[Face, ...]:
        """Faces of an RGB picture of any size, best first."""
        if picture.shape != self._shape:
            self._shape, self._letterbox = picture.shape, Letterbox.of(picture.shape[0], picture.shape[1])
            self._square[:] = 0
        self._letterbox.fill(picture, self._square)
        logits, sizes, offsets = self._infer(self._square)
        return decode(logits[..., 0], sizes, offsets, self._letterbox, self._score_min)


def logit(score: float) -> float:
    """The raw value whose logistic is `score`."""
    return math.log(score / (1.0 - score))


def decode(
    logits: Floats, sizes: Floats, offsets: Floats, letterbox: Letterbox, score_min: float = SCORE_MIN
) -> tuple[Face, ...]:
    """Faces of one picture, best first.

    Args:
        logits: (48, 48).
        sizes: (48, 48, 2), width and height.
        offsets: (48, 48, 14), box centre, then the six landmarks.
    """
    rows, columns = np.nonzero(logits >= logit(score_min))
    if rows.size == 0:
        return ()
    found = logits[rows, columns].astype(np.float64)
    order = np.argsort(-found, kind="stable")
    rows, columns, scores = rows[order], columns[order], 1.0 / (1.0 + np.exp(-found[order]))
    points = offsets[rows, columns].astype(np.float64).reshape(-1, 1 + LANDMARKS, 2)
    points[..., 0] += ((columns + 0.5) * _CELL_PX)[:, np.newaxis]
    points[..., 1] += ((rows + 0.5) * _CELL_PX)[:, np.newaxis]
    half = sizes[rows, columns] / 2
    # The box's two corners in place of its centre, then the landmarks.
    candidates = np.concatenate((points[:, :1] - half[:, np.newaxis], points), axis=1)
    candidates[:, 1] += half
    return tuple(_face(*merged, letterbox) for merged in _merge(candidates, scores))


def _merge(candidates: npt.NDArray[np.float64], scores: npt.NDArray[np.float64]) -> list[tuple[Floats, float]]:
    """Average each best candidate with those that overlap it, weighted by score; (8, 2) points and score of each."""
    merged: list[tuple[Floats, float]] = []
    while scores.size:
        near = _overlap(candidates[:, :2]) > OVERLAP_MIN
        near[0] = True
        weights = scores[near]
        points = np.tensordot(weights / weights.sum(), candidates[near], axes=1)
        merged.append((points.astype(np.float32), float(scores[0])))
        candidates, scores = candidates[~near], scores[~near]
    return merged


def _overlap(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Intersection over union of each box with the first; (n, 2, 2), two corners each."""
    first = boxes[0]
    shared = np.maximum(np.minimum(first[1], boxes[:, 1]) - np.maximum(first[0], boxes[:, 0]), 0.0)
    sides = np.maximum(boxes[:, 1] - boxes[:, 0], 0.0)
    common, areas = shared[:, 0] * shared[:, 1], sides[:, 0] * sides[:, 1]
    return np.asarray(common / np.maximum(areas + areas[0] - common, 1e-9))


def _face(points: Floats, score: float, letterbox: Letterbox) -> Face:
    placed = letterbox.back(points)
    box = Box(float(placed[0, 0]), float(placed[0, 1]), float(placed[1, 0]), float(placed[1, 1]))
    return Face(box, placed[2:], score)
