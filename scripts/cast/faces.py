"""Changes the expression of a cut-out person: lays the inner face of one sheet picture over the body picture.

The body stays the same from sprite to sprite, so an actor can change expression while walking without a jump.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .cutout import Bgr, Plane, cut_out, dyed

EXPRESSIONS = (
    *("neutral", "happy", "sad", "angry", "surprised", "disgusted", "scared", "confused"),
    *("smug", "flirty", "thoughtful", "pensive", "exhausted", "shocked", "playful", "determined"),
)

Points = npt.NDArray[np.float32]
Landmarks = Callable[[Bgr], tuple[Points, Points]]
"""From a picture to (box x0 y0 x1 y1, six landmarks (6, 2)) of the largest face, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A person cut out: colour 0..255, alpha 0..1, and the six landmarks, all at the size of the source."""

    colour: Plane
    alpha: Plane
    landmarks: Points

    @property
    def eyes_px(self) -> float:
        return float(np.hypot(*(self.landmarks[1] - self.landmarks[0])))


def sheet_cells(sheet: Bgr) -> dict[str, Bgr]:
    """The sixteen pictures of an expression sheet by name, found by their white frames, reading order."""
    frames = (sheet.min(axis=2) > 235).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(frames)
    boxes = [tuple(int(v) for v in s[:4]) for s in stats[1:] if s[2] > 400 and s[3] > 250 and s[2] < 700]
    if len(boxes) != len(EXPRESSIONS):
        raise ValueError(f"expression sheet: {len(boxes)} framed pictures found, {len(EXPRESSIONS)} expected")
    boxes.sort(key=lambda b: (round(b[1] / 200), b[0]))
    edge = 10
    pictures = [sheet[y + edge : y + h - edge, x + edge : x + w - edge] for x, y, w, h in boxes]
    return dict(zip(EXPRESSIONS, pictures, strict=True))


def body(posture: Bgr, landmarks: Landmarks, tint_bgr: tuple[int, int, int]) -> Body:
    """The person of a full-body studio picture, cut out above the hips, the shirt dyed."""
    upper = posture[: int(posture.shape[0] * 0.62)]
    inset = upper.shape[1] // 6
    _, points = landmarks(np.ascontiguousarray(upper[: upper.shape[0] * 3 // 5, inset:-inset]))
    points = points + np.array([inset, 0], np.float32)
    eyes_y = float(points[:2, 1].mean())
    unit = float(np.hypot(*(points[1] - points[0])))
    colour, alpha = cut_out(upper, int(eyes_y + 4.2 * unit))
    return Body(dyed(colour, alpha, tint_bgr, int(eyes_y + 1.9 * unit)), alpha, points)


def with_face(person: Body, cell: Bgr, landmarks: Landmarks) -> Body:
    """The same body with the inner face of `cell`: aligned on eyes and nose, tone matched, edge feathered."""
    _, source = landmarks(cell)
    move, _ = cv2.estimateAffinePartial2D(source[:3], person.landmarks[:3], method=cv2.LMEDS)
    height, width = person.alpha.shape
    laid = cv2.warpAffine(cell, move, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    unit = person.eyes_px
    middle = person.landmarks[:2].mean(axis=0)
    across = person.landmarks[1] - person.landmarks[0]
    tilt = float(np.degrees(np.arctan2(across[1], across[0])))
    centre = (float(middle[0]), float(middle[1] + 0.42 * unit))
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (centre, (1.72 * unit, 2.2 * unit), tilt), 255, -1)
    core = mask > 0
    laid = laid.astype(np.float32)
    for channel in range(3):  # same studio, another shot: bring mean and spread of the skin together
        there, here = laid[..., channel][core], person.colour[..., channel][core]
        gain = float(np.clip(here.std() / there.std(), 0.85, 1.18))
        laid[..., channel] = (laid[..., channel] - there.mean()) * gain + here.mean()
    feather = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.16 * unit)[..., None]
    colour = np.clip(person.colour * (1 - feather) + laid * feather, 0, 255)
    return Body(colour, person.alpha, person.landmarks)


def sprite(person: Body, eyes_px: float, units: tuple[float, float, float]) -> tuple[npt.NDArray[np.uint8], Points]:
    """BGRA picture with `eyes_px` between the eyes, and the six landmarks in its pixels.

    `units` says how much is kept to each side, above and below the eyes, in eye distances.
    """
    side, above, below = units
    scale = eyes_px / person.eyes_px
    middle = person.landmarks[:2].mean(axis=0)
    width, height = round(2 * side * eyes_px), round((above + below) * eyes_px)
    solid = np.dstack([person.colour * person.alpha[..., None], person.alpha * 255])
    smooth = cv2.GaussianBlur(solid, (0, 0), 0.42 / scale)
    move = np.array(
        [[scale, 0, side * eyes_px - scale * middle[0]], [0, scale, above * eyes_px - scale * middle[1]]], np.float32
    )
    small = cv2.warpAffine(smooth, move, (width, height), flags=cv2.INTER_LINEAR)
    small = small + 0.6 * (small - cv2.GaussianBlur(small, (0, 0), 1.0))  # what two resamplings took away
    alpha = np.clip(small[..., 3:], 0, 255)
    plain = np.where(alpha > 1, small[..., :3] * 255 / np.maximum(alpha, 1), 0)
    points = person.landmarks * scale + move[:, 2]
    return np.clip(np.dstack([plain, alpha]) + 0.5, 0, 255).astype(np.uint8), points.astype(np.float32)


def head_picture(cell: Bgr, landmarks: Landmarks, side_px: int) -> Bgr:
    """A square picture of the head from a studio picture, as one would hand in for enrolment."""
    _, points = landmarks(cell)
    unit = float(np.hypot(*(points[1] - points[0])))
    half = min(2.1 * unit, cell.shape[0] / 2, cell.shape[1] / 2)
    x, y = points[:2].mean(axis=0)
    y += 0.35 * unit
    x = float(np.clip(x, half, cell.shape[1] - half))
    y = float(np.clip(y, half, cell.shape[0] - half))
    square = cell[round(y - half) : round(y + half), round(x - half) : round(x + half)]
    return np.asarray(cv2.resize(square, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)
