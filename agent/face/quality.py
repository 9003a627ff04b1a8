"""What one aligned face is worth for a comparison: components after ISO/IEC 29794-5, and the least of them.

Each component is a native measure (sharpness in percent, luma in grey levels, degrees, pixels) put on a scale from 0 to
100: 0 where the embedder does not know the person any more, 100 where nothing is lost against a good picture. Where the
two ends lie was measured, see docs/quality.md. The whole is worth what its worst component is: faults do not make up
for each other. Leaves out: compression and colour (the camera's), expression and glasses (no landmark tells them), and
covers that are not plain.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from agent.face.align import inter_eye_px, yaw_deg
from agent.face.detect import Face
from agent.units import Box, Luma, Rgb

_MIDDLE = np.s_[12:100, 12:100]
_EYES = (np.s_[45:59, 27:49], np.s_[45:59, 63:85])
"""Where the eyes are in every chip."""
_MOUTH = np.s_[82:102, 36:76]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Quality:
    """Components of one face, each 0 to 100. The repr is empty: nothing of a face is printed."""

    size: float
    """Distance between the eyes in the frame."""
    sharpness: float
    pose: float
    """Yaw alone: pitch and roll as they occur cost nothing that could be measured."""
    exposure: float
    """Mean luma, and how much is burnt out."""
    contrast: float
    """Spread of luma."""
    uncovered: float
    """Structure where eyes and mouth are, against that of the whole face: a plain mask or hand has none."""

    @property
    def least(self) -> float:
        """What the face is worth."""
        return min(float(getattr(self, component.name)) for component in fields(self))

    def __repr__(self) -> str:
        return "Quality()"


def quality(face: Face, chip: Rgb) -> Quality:
    """Measure a face and its (112, 112, 3) chip."""
    grey = _grey(chip)
    middle = grey[_MIDDLE]
    mean, spread = _mean_and_spread(middle)
    burnt = np.count_nonzero(middle > 247) / middle.size
    eyes = min(_mean_and_spread(grey[eye])[1] for eye in _EYES) / max(spread, 1.0)
    mouth = _mean_and_spread(grey[_MOUTH])[1] / max(spread, 1.0)
    return Quality(
        size=_scaled(inter_eye_px(face), 8.0, 24.0),
        sharpness=_scaled(sharpness(chip), 1.8, 4.0),
        pose=_scaled(abs(yaw_deg(face)), 60.0, 30.0),
        exposure=min(_scaled(mean, 3.0, 16.0), _scaled(burnt, 0.7, 0.1)),
        contrast=_scaled(spread, 2.0, 9.0),
        uncovered=min(_scaled(eyes, 0.08, 0.27), _scaled(mouth, 0.08, 0.33)),
    )


def _scaled(value: float, none: float, full: float) -> float:
    """0 at `none` and beyond, 100 at `full` and beyond, straight between; 0 for what is no number."""
    return 100.0 * min(1.0, max(0.0, (value - none) / (full - none)))


def _grey(chip: Rgb) -> Luma:
    return np.asarray(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), np.uint8)


def _mean_and_spread(values: npt.NDArray[Any]) -> tuple[float, float]:
    """As NumPy's, in a tenth of the time."""
    mean, spread = cv2.meanStdDev(values)
    return float(mean[0, 0]), float(spread[0, 0])


def sharpness(chip: Rgb) -> float:
    """Edge energy of a (112, 112, 3) chip relative to its contrast, in percent; 0 for a flat one.

    The spread of the Laplacian over the middle, divided by that of the brightness, so that dim light alone is no blur.
    """
    grey = _grey(chip)[_MIDDLE]
    _, contrast = _mean_and_spread(grey)
    if contrast < 1.0:
        return 0.0
    return 100.0 * _mean_and_spread(cv2.Laplacian(grey, cv2.CV_16S))[1] / contrast / 4.0


def brightness(chip: Rgb) -> float:
    """Mean luma, 0 to 255, of the middle of a (112, 112, 3) chip."""
    return float(np.mean(_grey(chip)[_MIDDLE]))


def luma(picture: Rgb, box: Box) -> float:
    """Mean green, 0 to 255, of every fourth pixel of a box in a picture; 0 where they do not overlap."""
    rows, columns = (
        slice(max(0, int(low)), max(0, int(high)), 4) for low, high in ((box.y0, box.y1), (box.x0, box.x1))
    )
    green = picture[rows, columns, 1]
    return float(green.mean()) if green.size else 0.0
