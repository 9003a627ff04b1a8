"""Ways to spoil a picture of a face: blur, dark, bright, far, pale, light from the side, covered.

Every way takes the picture and the face in it (as found when nothing was spoilt) and gives a new picture of the same
size. Simulated; what a real night or a real mask does is not known from it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from agent.face.detect import Face
from agent.units import Rgb

Spoil = Callable[[Rgb, Face], Rgb]
_CHANCE: Final = np.random.default_rng(5)


def _noise(picture: np.ndarray, spread: float = 2.0) -> Rgb:
    return np.clip(picture + _CHANCE.normal(0, spread, picture.shape), 0, 255).astype(np.uint8)


def _blurred(percent: float) -> Spoil:
    return lambda picture, face: np.asarray(
        cv2.GaussianBlur(picture, (0, 0), percent * face.box.width / 100), np.uint8
    )  # fmt: skip


def _dark(share: float) -> Spoil:
    return lambda picture, face: _noise(np.floor(picture * share))


def _bright(times: float) -> Spoil:
    return lambda picture, face: np.clip(picture.astype(np.float32) * times, 0, 255).astype(np.uint8)


def _pale(share: float) -> Spoil:
    return lambda picture, face: _noise(128 + (picture.astype(np.float32) - 128) * share)


def _wide(pixels: float) -> Spoil:
    """As if the face had been so many pixels wide."""

    def spoil(picture: Rgb, face: Face) -> Rgb:
        scale = pixels / face.box.width
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)

    return spoil


def _from_side(dark_side: float) -> Spoil:
    def spoil(picture: Rgb, face: Face) -> Rgb:
        middle = face.landmarks[2][0] / picture.shape[1] * 2 - 1
        across = np.linspace(-1, 1, picture.shape[1])[None, :, None] - middle
        return _noise(picture * ((1 + dark_side) / 2 + (1 - dark_side) / 2 * np.tanh(3 * across)))

    return spoil


def _covered(which: str) -> Spoil:
    def spoil(picture: Rgb, face: Face) -> Rgb:
        box, (left, right, nose) = face.box, face.landmarks[:3]
        colour = _CHANCE.integers(0, 256, 3)
        x0, x1, y1 = box.x0, box.x1, box.y1 + 0.1 * box.height
        if which == "mask":
            y0 = (left[1] + nose[1]) / 2 + 0.2 * (nose[1] - left[1])
        elif which == "eyes":
            y0, y1 = min(left[1], right[1]) - 0.12 * box.height, max(left[1], right[1]) + 0.1 * box.height
            colour = np.full(3, 15)
        else:
            x0, x1, y0 = x0 - 0.1 * box.width, (x0 + x1) / 2, box.y0 - 0.3 * box.height
        made = picture.copy()
        area = np.s_[max(0, int(y0)) : int(y1), max(0, int(x0)) : int(x1)]
        made[area] = _noise(np.broadcast_to(colour, made[area].shape).astype(np.float32), 3.0)
        return made

    return spoil


WAYS: Final[dict[str, Spoil]] = {
    "ordinary": lambda picture, face: picture,
    **{f"blur {share} %": _blurred(share) for share in (1, 1.5, 2, 3, 4)},
    **{f"face {pixels} px": _wide(pixels) for pixels in (56, 42, 34, 28, 22, 16)},
    **{f"dark, {share}": _dark(share) for share in (0.5, 0.3, 0.2, 0.12, 0.08)},
    **{f"bright, {times}": _bright(times) for times in (1.5, 2, 2.5, 3.2)},
    **{f"pale, {share}": _pale(share) for share in (0.4, 0.2, 0.1)},
    **{f"from the side, {share}": _from_side(share) for share in (0.15, 0.05)},
    "covered: mask": _covered("mask"),
    "covered: eyes": _covered("eyes"),
    "covered: half": _covered("half"),
}
