"""Turning a head that is only known from the front: the sprite's pixels are moved as the points of a head would move.

A point that lies nearer to the camera moves farther to the side when the head turns: by its depth times the tangent of
the angle. The depth is that of an ellipsoid with a nose and a mouth on it, in units of the distance between the eyes,
and falls to nothing at the head's outline, so that nothing tears. Good for some twenty degrees; it is a stand-in for
people who move, and says nothing about how well turned heads are recognised. Leaves out: tilt, and what would come into
view behind the cheek.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.scene.cast import Sprite

Pixels = npt.NDArray[np.uint8]
_HEAD: Final = (1.25, 1.75)
"""Half axes of the head, across and down."""
_CENTRE_DOWN: Final = 0.45
"""Centre of the head below the eyes."""
_BUMPS: Final = ((0.62, 0.42, 0.22), (1.08, 0.18, 0.30))
"""Nose tip and mouth: how far below the eyes, how far in front of the head's surface, how wide."""


def turned(rgba: Pixels, sprite: Sprite, turn_deg: float) -> Pixels:
    """The sprite at full size, (height, width, 4), with the head turned to the right of the picture."""
    (x0, y0), (x1, y1) = sprite.eyes
    across, along = x1 - x0, y1 - y0
    unit = math.hypot(across, along)
    ys, xs = np.mgrid[0 : rgba.shape[0], 0 : rgba.shape[1]].astype(np.float32)
    xs_rel, ys_rel = xs - (x0 + x1) / 2, ys - (y0 + y1) / 2
    # The head's own axes: the first from eye to eye.
    right = (xs_rel * across + ys_rel * along) / unit**2
    down = (ys_rel * across - xs_rel * along) / unit**2
    moved = _depth(right, down) * math.tan(math.radians(turn_deg)) * unit
    map_x = (xs - moved * across / unit).astype(np.float32)
    map_y = (ys - moved * along / unit).astype(np.float32)
    return np.asarray(cv2.remap(rgba, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.uint8)


def _depth(right: npt.NDArray[np.float32], down: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How far each point lies in front of the head's outline, in distances between the eyes; 0 outside it."""
    wide, high = _HEAD
    inside = 1.0 - (right / wide) ** 2 - ((down - _CENTRE_DOWN) / high) ** 2
    depth = wide * np.sqrt(np.clip(inside, 0.0, None))
    for below, before, width in _BUMPS:
        depth += before * np.exp(-(right**2 + (down - below) ** 2) / (2 * width**2))
    return np.asarray(depth, np.float32)
