"""A picture of somebody that is held up instead of a face: printed on paper, or shown on a phone.

Rules: the same person, light and place as the living one, so that nothing but the picture tells them apart. Leaves out:
the hand that holds it.
"""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Medium = Literal["paper", "phone"]

_ACROSS: Final = 2.3
_ABOVE, _BELOW = 2.6, 2.7
"""What the picture shows beside, above and below the middle between the eyes, in distances between the eyes."""
_BORDER: Final = {"paper": 0.22, "phone": 0.26}
_EDGE: Final = {"paper": (238, 234, 224), "phone": (16, 16, 18)}
_BEHIND: Final = {"paper": (168, 172, 176), "phone": (150, 166, 186)}
"""Colour of the backdrop of the photograph."""


def board(figure: Pixels, eyes: tuple[float, float], eyes_px: float, medium: Medium) -> tuple[Pixels, int, int]:
    """The medium as RGBA, and where its top left lies in the picture that `figure` is part of.

    Args:
        figure: (height, width, 4), the person as they would stand there, colour multiplied by alpha.
        eyes: middle between the eyes in the figure.
    """
    border = max(2, round(_BORDER[medium] * eyes_px))
    left, top = round(eyes[0] - _ACROSS * eyes_px), round(eyes[1] - _ABOVE * eyes_px)
    wide, high = round(2 * _ACROSS * eyes_px), round((_ABOVE + _BELOW) * eyes_px)
    move = np.array(((1, 0, -left), (0, 1, -top)), np.float32)
    shown = np.asarray(cv2.warpAffine(figure, move, (wide, high), flags=cv2.INTER_NEAREST), np.float64)
    behind = np.array(_BEHIND[medium]) * np.linspace(1.1, 0.85, high)[:, None, None]
    colour = shown[..., :3] + behind * (1 - shown[..., 3:] / 255)
    made = np.full((high + 2 * border, wide + 2 * border, 4), 255, np.uint8)
    made[..., :3] = _EDGE[medium]
    made[border : border + high, border : border + wide, :3] = _toned(np.clip(colour, 0, 255), medium)
    return made, left - border, top - border


def _toned(colour: npt.NDArray[np.float64], medium: Medium) -> Pixels:
    """Ink on paper has no black and less colour; a screen is bluish and hard."""
    if medium == "paper":
        grey = colour.mean(axis=2, keepdims=True)
        made = 46 + 0.76 * (grey + 0.75 * (colour - grey))
    else:
        made = 255 * (colour / 255) ** 1.15 * np.array((0.96, 1.02, 1.12)) + 6
    return np.asarray(np.clip(made, 0, 255), np.uint8)
