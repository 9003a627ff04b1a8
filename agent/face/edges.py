"""Straight edges round a face: the border of a paper or the bezel of a screen, as a cue beside the network.

Each of the four sides is searched for the straight line, up to eight degrees askew, along which brightness changes
alike. Lines are common behind people too, so this is weighed against the network's answer and decides nothing alone
(face/pad.py). Measured to help: docs/pad.md. Leaves out: what the edge is of.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.units import Rgb

_SLOPES: Final = np.linspace(-0.14, 0.14, 9)
_MIDDLE: Final = 64
_ALONG: Final = slice(24, 104)
_BEFORE, _BEHIND = slice(4, 46), slice(82, 124)
"""Where a border may lie, left (above) and right (below) of the face, in pixels of the (128, 128) view."""
_LEAST: Final = 0.05
_GRAIN: Final = 2.0
"""Grey levels a pixel: a flat part has no edge, whatever its noise."""


def edges(view: Rgb) -> float:
    """How straight the strongest edge of each side is, in the mean of the four on a logarithmic scale, -3 to about 1.

    Args:
        view: (128, 128, 3), with the face in the middle.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
    found = [side for turned in (grey, np.ascontiguousarray(grey.T)) for side in _sides(turned)]
    return float(np.mean(np.log(np.array(found) + _LEAST)))


def _sides(grey: npt.NDArray[Any]) -> tuple[float, float]:
    """Left and right: mean change across the line over its spread along the line, of the line where that is most."""
    across = cv2.Sobel(grey, cv2.CV_32F, 1, 0, ksize=3) / 8
    before, behind = [0.0], [0.0]
    for slope in _SLOPES:
        move = np.array(((1, slope, -slope * _MIDDLE), (0, 1, 0)), np.float32)
        straight = cv2.warpAffine(across, move, across.shape[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        lines = straight[_ALONG]
        even = np.abs(lines.mean(axis=0)) / (lines.std(axis=0) + _GRAIN)
        before.append(float(even[_BEFORE].max()))
        behind.append(float(even[_BEHIND].max()))
    return max(before), max(behind)
