"""What an installer turns the lens by: how sharp, and how light; of the whole picture or of print, never of a face.

Everything is measured in the finest luma there is, as code readers get it: what the policy excludes is black in it and
counts for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.units import Luma, Polygon

_BURNT: Final = 247
_DARK: Final = 12
_MODULES: Final = 6
"""Of a mark, from edge to edge, its black border included."""
_ACROSS: Final = 41
_LINES: Final = 9
_CONTRAST: Final = 30.0
"""Grey levels between black and white of a mark; with fewer its edges tell nothing."""
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Light:
    mean: float
    """Luma, 0 to 255."""
    burnt: float
    """Share of the picture that is white beyond any detail."""
    dark: float
    """Share that is black beyond any detail."""


def light(luma: Luma) -> Light | None:
    """None: all of it is excluded."""
    seen = luma[luma > 0]
    if not seen.size:
        return None
    return Light(float(seen.mean()), float(np.mean(seen > _BURNT)), float(np.mean(seen < _DARK)))


def sharpness(luma: Luma) -> float:
    """Strength of the finest detail against the picture's contrast, in percent; it is greatest where focus is best.

    The number is that of one scene: to be compared with itself while the lens is turned.
    """
    grey = luma.astype(np.int16)
    middle = grey[1:-1, 1:-1]
    detail = 4 * middle - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    # Where an excluded region begins there is an edge that the lens has not made.
    seen = np.minimum.reduce((middle, grey[:-2, 1:-1], grey[2:, 1:-1], grey[1:-1, :-2], grey[1:-1, 2:])) > 0
    if not seen.any():
        return 0.0
    strength = float(np.sqrt(np.mean(np.square(detail[seen], dtype=np.float64))))
    return 100 * strength / max(1.0, 20**0.5 * float(np.std(middle[seen])))


def edge_px(luma: Luma, corners: Polygon) -> float | None:
    """How many pixels a mark's outer edge takes from a tenth to nine tenths of its contrast; about 1 where it is sharp.

    Args:
        corners: of the mark, clockwise, in pixels of this luma.

    Returns:
        The middle of many places at all four sides; None: the mark is too small or too pale to tell.
    """
    points = np.array(corners, np.float64)
    widths: list[float] = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        along = end - start
        length = float(np.hypot(*along))
        reach = 0.45 * length / _MODULES
        if reach < 2.5:
            return None
        outward = np.array((along[1], -along[0])) / length
        steps = np.linspace(-reach, reach, _ACROSS)
        for part in np.linspace(0.2, 0.8, _LINES):
            places = start + part * along + steps[:, np.newaxis] * outward
            width = _width(_sampled(luma, places), float(steps[1] - steps[0]))
            if width is not None:
                widths.append(width)
    return float(np.median(widths)) if len(widths) >= _LINES else None


def _width(profile: Numbers, step: float) -> float | None:
    """From a tenth to nine tenths of the rise of one line across the edge; None: there is no rise."""
    quarter = len(profile) // 4
    low, high = float(profile[:quarter].mean()), float(profile[-quarter:].mean())
    if high - low < _CONTRAST:
        return None
    risen = (profile - low) / (high - low)
    above = int(np.argmax(risen >= 0.9))
    below = above - int(np.argmax(risen[above::-1] <= 0.1))
    if risen[above] < 0.9 or risen[below] > 0.1:
        return None
    first = below + (0.1 - risen[below]) / max(risen[below + 1] - risen[below], 1e-9)
    last = above - (risen[above] - 0.9) / max(risen[above] - risen[above - 1], 1e-9)
    return max(0.0, float(last - first)) * step


def _sampled(luma: Luma, places: Numbers) -> Numbers:
    """Luma at these places, between pixels by both neighbours; beyond the edge, the edge; centres are at .5."""
    height, width = luma.shape
    xs, ys = (np.clip(places[:, axis] - 0.5, 0, size - 1.001) for axis, size in ((0, width), (1, height)))
    x, y = xs.astype(int), ys.astype(int)
    right, down = xs - x, ys - y
    above = luma[y, x] * (1 - right) + luma[y, x + 1] * right
    under = luma[y + 1, x] * (1 - right) + luma[y + 1, x + 1] * right
    return np.asarray(above * (1 - down) + under * down, np.float64)
