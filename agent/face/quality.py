"""Is one aligned face sharp enough to be compared, and is there light enough on it?

Sharpness is the spread of the Laplacian over the middle of the chip, divided by the spread of its brightness, so that
dim light alone does not count as blur.
"""

from __future__ import annotations

import cv2
import numpy as np

from agent.units import Rgb


def sharpness(chip: Rgb) -> float:
    """Edge energy of a (112, 112, 3) chip relative to its contrast, in percent; 0 for a flat one."""
    grey = cv2.cvtColor(chip[12:100, 12:100], cv2.COLOR_RGB2GRAY)
    contrast = float(np.std(grey))
    if contrast < 1.0:
        return 0.0
    return 100.0 * float(np.std(cv2.Laplacian(grey, cv2.CV_16S))) / contrast / 4.0


def brightness(chip: Rgb) -> float:
    """Mean luma, 0 to 255, of the middle of a (112, 112, 3) chip."""
    return float(np.mean(cv2.cvtColor(chip[12:100, 12:100], cv2.COLOR_RGB2GRAY)))
