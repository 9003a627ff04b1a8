"""A picture of any size, fitted into the view with OpenCV: its shape kept, black bars around it, never stretched.

Rules: each pixel is written once for the recognition picture and once for the finer luma. OpenCV and its FFmpeg are
silenced for the whole process: what they write names files and addresses, and is no line of ours.
Leaves out: where a picture is from.
"""

from __future__ import annotations

import os
from typing import Final

import cv2
import numpy as np

from agent.units import Luma, Rgb

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
_say_at_most = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # OpenCV 4, OpenCV 5
_say_at_most(0)

WIDTH: Final = 640
HEIGHT: Final = 480
"""The recognition picture that every camera gives; the policy's view names the same."""


def fitted(bgr: Rgb) -> Rgb:
    """The picture inside 640 x 480, its shape kept, black around it; (480, 640, 3) RGB from one that has blue first."""
    height, width = bgr.shape[:2]
    if (width, height) == (WIDTH, HEIGHT):
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    left, top, inner = _place((width, height), (WIDTH, HEIGHT))
    frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    cv2.cvtColor(_sized(bgr, inner), cv2.COLOR_BGR2RGB, dst=frame[top : top + inner[1], left : left + inner[0]])
    return frame


def fitted_luma(bgr: Rgb, scale: int) -> Luma:
    """Luma of the same view, `scale` times finer each way; (480 * scale, 640 * scale)."""
    return within(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8), (WIDTH * scale, HEIGHT * scale))


def within(luma: Luma, size: tuple[int, int]) -> Luma:
    """The luma inside width and height, its shape kept, black around it."""
    height, width = luma.shape
    if (width, height) == size:
        return luma
    left, top, inner = _place((width, height), size)
    frame = np.zeros((size[1], size[0]), np.uint8)
    frame[top : top + inner[1], left : left + inner[0]] = _sized(luma, inner)
    return frame


def _place(taken: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, tuple[int, int]]:
    """Left, top, and width and height of what is taken inside `size`."""
    scale = min(size[0] / taken[0], size[1] / taken[1])
    inner = (max(1, round(taken[0] * scale)), max(1, round(taken[1] * scale)))
    return (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2, inner


def _sized(picture: Rgb | Luma, size: tuple[int, int]) -> Rgb | Luma:
    if picture.shape[1::-1] == size:
        return picture
    method = cv2.INTER_AREA if size[0] < picture.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, size, interpolation=method), np.uint8)
