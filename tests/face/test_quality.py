"""Sharpness falls with blur, and neither light nor contrast is taken for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from agent.face.detect import Face
from agent.face.quality import Quality, brightness, quality, sharpness
from agent.units import Rgb
from tests.face.given import face_at
from tests.face.test_align import STRAIGHT, turned_head


def textured(seed: int = 3, fine: int = 28) -> Rgb:
    noise = np.random.default_rng(seed).integers(0, 256, (fine, fine, 3), dtype=np.uint8)
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


class TestComponents:
    """Each falls with its own fault, and the whole is worth what the worst one is."""

    FACE = face_at(STRAIGHT * 2 + np.array((320, 240), np.float32))

    @classmethod
    def of(cls, chip: Rgb, face: Face | None = None) -> Quality:
        return quality(cls.FACE if face is None else face, chip)

    def test_a_good_one_has_a_hundred_of_each(self) -> None:
        found = self.of(textured())
        assert (found.size, found.sharpness, found.pose, found.exposure, found.contrast, found.uncovered) == (100,) * 6
        assert found.least == 100

    @pytest.mark.parametrize("component, spoilt", [
        ("sharpness", lambda chip, by: textured(3, (10, 7, 5)[by])),
        ("exposure", lambda chip, by: (chip * (0.12 - 0.05 * by)).astype(np.uint8)),
        ("exposure", lambda chip, by: np.clip(chip.astype(np.int64) + 60 + 50 * by, 0, 255).astype(np.uint8)),
        ("contrast", lambda chip, by: (128 + (chip.astype(np.float64) - 128) * (0.16 - 0.07 * by)).astype(np.uint8)),
    ])  # fmt: skip
    def test_what_is_spoilt_step_by_step(self, component: str, spoilt: object) -> None:
        assert callable(spoilt)
        found = [self.of(np.asarray(spoilt(textured(), by), np.uint8)) for by in (0, 1, 2)]
        worth = [getattr(each, component) for each in found]
        assert worth == sorted(worth, reverse=True) and worth[-1] < worth[0] and worth[-1] < 40
        assert all(each.least <= getattr(each, component) for each in found)

    def test_far_and_turned_faces(self) -> None:
        small = [self.of(textured(), face_at(STRAIGHT * by + 320)).size for by in (2.0, 0.5, 0.25, 0.1)]
        assert small == sorted(small, reverse=True) and small[0] == 100 and small[-1] == 0
        turned = [self.of(textured(), turned_head(yaw)).pose for yaw in (0, 25, 40, -40, 55)]
        assert turned[:2] == [100, 100] and 0 < turned[4] < turned[2] < 100
        assert abs(turned[2] - turned[3]) < 1

    @pytest.mark.parametrize("where", [np.s_[40:62, 20:92], np.s_[78:108, 20:92]], ids=["eyes", "mouth"])
    def test_a_plain_cover(self, where: tuple[slice, slice]) -> None:
        covered = textured()
        covered[where] = (60, 90, 160)
        assert self.of(covered).uncovered == self.of(covered).least == 0

    def test_what_is_no_number_is_worth_nothing(self) -> None:
        points = STRAIGHT + 320
        points[2] = np.nan
        assert self.of(textured(), face_at(points)).least == 0

    def test_nothing_of_a_face_is_printed(self) -> None:
        assert repr(self.of(textured())) == "Quality()"
