"""Sharpness falls with blur, and neither light nor contrast is taken for it."""

from __future__ import annotations

import cv2
import numpy as np

from agent.face.quality import brightness, sharpness
from agent.units import Rgb


def textured(seed: int = 3) -> Rgb:
    noise = np.random.default_rng(seed).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (112, 112), interpolation=cv2.INTER_CUBIC), np.uint8)


def test_blur_lowers_it_step_by_step() -> None:
    chip = textured()
    measured = [sharpness(chip)]
    for sigma in (1.0, 2.0, 3.0, 5.0):
        measured.append(sharpness(np.asarray(cv2.GaussianBlur(chip, (0, 0), sigma), np.uint8)))
    assert measured == sorted(measured, reverse=True)
    assert measured[0] > 2 * measured[-1]


def test_dim_light_and_low_contrast_are_not_blur() -> None:
    chip = textured()
    dim = (chip.astype(np.float64) * 0.4).astype(np.uint8)
    pale = (chip.astype(np.float64) * 0.4 + 140).astype(np.uint8)
    for other in (dim, pale):
        assert abs(sharpness(other) / sharpness(chip) - 1) < 0.1


def test_a_flat_chip_has_none() -> None:
    assert sharpness(np.full((112, 112, 3), 90, np.uint8)) == 0.0
    nearly = np.full((112, 112, 3), 90, np.uint8)
    nearly[::2, ::2] = 91
    assert sharpness(nearly) == 0.0


def test_the_border_does_not_count() -> None:
    chip = textured()
    framed = chip.copy()
    framed[:12], framed[100:], framed[:, :12], framed[:, 100:] = 255, 0, 255, 0
    assert sharpness(framed) == sharpness(chip)


def test_brightness_is_that_of_the_face_and_not_of_its_border() -> None:
    for value in (0, 40, 255):
        assert round(brightness(np.full((112, 112, 3), value, np.uint8)), 3) == value
    framed = np.full((112, 112, 3), 255, np.uint8)
    framed[12:100, 12:100] = 30
    assert brightness(framed) == 30
