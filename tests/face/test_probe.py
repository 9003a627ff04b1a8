"""A probe is made of a face that opted in on this very frame and is near, straight and sharp enough; of no other."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.adapters.litert import LiteRtDetector, load_models
from agent.face.align import chip, inter_eye_px, quad, yaw_deg
from agent.face.detect import Face
from agent.face.probe import Probe, ProbeLimits, ProbeTemplate, Unfit, make_probe
from agent.face.quality import quality, sharpness
from agent.units import Box, Rgb
from tests.face.given import TRACK, face_at, frame, opted_in, scene
from tests.face.test_align import STRAIGHT, turned_head

NEAR = ProbeLimits(inter_eye_px=20.0)


@pytest.fixture(scope="module")
def picture() -> Rgb:
    return scene()[0]


@pytest.fixture(scope="module")
def face(picture: Rgb) -> Face:
    """As the real detector finds it."""
    detector, _ = load_models(Path(__file__).resolve().parents[2] / "models")
    (found,) = LiteRtDetector(detector).detect(frame(picture))
    return found


@pytest.fixture
def probe(picture: Rgb, face: Face) -> Probe:
    made = make_probe(frame(picture), face, opted_in(face.box), NEAR)
    assert isinstance(made, Probe)
    return made


def test_a_face_that_opted_in_gives_its_chip_and_where_it_was_taken(picture: Rgb, face: Face, probe: Probe) -> None:
    assert np.array_equal(probe.chip, chip(picture, face))
    assert probe.quad == quad(face)
    assert (probe.number, probe.track) == (2, TRACK)
    assert probe.permit.purpose == "resident-entry"
    assert not probe.chip.flags.writeable


class TestOptIn:
    def test_it_is_good_for_its_own_frame_alone(self, picture: Rgb, face: Face) -> None:
        for number in (1, 3):
            made = make_probe(frame(picture, number), face, opted_in(face.box, 2), NEAR)
            assert made is Unfit.NOT_OPTED_IN

    def test_it_is_good_for_its_own_face_alone(self, picture: Rgb, face: Face) -> None:
        box = face.box
        for other in (
            Box(box.x0 + 1, box.y0, box.x1, box.y1),
            Box(100, 100, 150, 150),
            Box(box.x0, box.y0, box.x1, box.y1 + 1e-6),
        ):
            assert make_probe(frame(picture), face, opted_in(other), NEAR) is Unfit.NOT_OPTED_IN

    def test_it_is_asked_for_before_anything_is_measured(self, face: Face) -> None:
        blank = frame(np.zeros((480, 640, 3), np.uint8))
        nowhere = face_at(np.full((6, 2), np.nan))
        assert make_probe(blank, nowhere, opted_in(face.box), NEAR) is Unfit.NOT_OPTED_IN


class TestLimits:
    def made(self, picture: Rgb, face: Face, limits: ProbeLimits = NEAR) -> Probe | Unfit:
        return make_probe(frame(picture), face, opted_in(face.box), limits)

    def test_the_distance_between_the_eyes(self, picture: Rgb, face: Face) -> None:
        here = inter_eye_px(face)
        assert isinstance(self.made(picture, face, ProbeLimits(here)), Probe)
        assert self.made(picture, face, ProbeLimits(here + 1e-6)) is Unfit.TOO_SMALL

    def test_yaw_to_either_side(self, picture: Rgb, face: Face) -> None:
        here = abs(yaw_deg(face))
        assert isinstance(self.made(picture, face, ProbeLimits(20.0, yaw_deg=here + 1e-6)), Probe)
        assert self.made(picture, face, ProbeLimits(20.0, yaw_deg=here - 1e-6)) is Unfit.TURNED
        lenient = ProbeLimits(20.0, sharpness=0.0)
        for yaw in (-24.5, 24.5):
            assert isinstance(self.made(picture, turned_head(yaw), lenient), Probe)
        for yaw in (-25.5, 25.5, 60.0, -60.0):
            assert self.made(picture, turned_head(yaw), lenient) is Unfit.TURNED

    def test_sharpness(self, picture: Rgb, face: Face) -> None:
        here = sharpness(chip(picture, face))
        assert isinstance(self.made(picture, face, ProbeLimits(20.0, sharpness=here)), Probe)
        assert self.made(picture, face, ProbeLimits(20.0, sharpness=here + 1e-6)) is Unfit.BLURRED
        blurred = np.asarray(cv2.GaussianBlur(picture, (0, 0), 6.0), np.uint8)
        assert self.made(blurred, face) is Unfit.BLURRED
        assert self.made(np.full_like(picture, 90), face) is Unfit.BLURRED

    def test_light_and_cover(self, picture: Rgb, face: Face) -> None:
        assert self.made((picture * 0.02).astype(np.uint8), face) is Unfit.BADLY_LIT
        glare = np.clip(picture.astype(np.int64) * 5, 0, 255).astype(np.uint8)
        assert self.made(glare, face) is Unfit.BADLY_LIT
        masked = picture.copy()
        masked[int(face.landmarks[2][1]) : int(face.box.y1) + 30] = (90, 110, 140)
        assert self.made(masked, face) is Unfit.COVERED
        lenient = ProbeLimits(20.0, component=0.0)
        for other in (masked, (picture * 0.02).astype(np.uint8)):
            assert isinstance(self.made(other, face, lenient), Probe)

    def test_a_probe_says_what_its_worst_component_is_worth(self, picture: Rgb, face: Face) -> None:
        made = self.made(picture, face)
        assert isinstance(made, Probe) and made.quality == quality(face, chip(picture, face)).least > 60

    def test_what_is_not_a_number_is_unfit(self, picture: Rgb) -> None:
        plain = STRAIGHT + np.array((320, 200), np.float32)
        for places, reason in (([0], Unfit.TOO_SMALL), ([2], Unfit.TURNED), ([3], Unfit.TURNED)):
            points = plain.copy()
            points[places] = np.nan
            box = Box(100, 100, 300, 300)
            found = Face(box, points.astype(np.float32), 0.9)
            assert make_probe(frame(picture), found, opted_in(box), NEAR) is reason
        points = plain.copy()
        points[4] = np.nan  # an ear: neither size nor pose tell
        found = Face(Box(100, 100, 300, 300), points.astype(np.float32), 0.9)
        assert make_probe(frame(picture), found, opted_in(found.box), NEAR) is Unfit.BLURRED

    def test_eyes_at_one_place_are_unfit_whatever_the_limits(self, picture: Rgb) -> None:
        together = STRAIGHT + np.array((320, 200), np.float32)
        together[1] = together[0]
        anything = ProbeLimits(inter_eye_px=0.0, yaw_deg=80.0, sharpness=0.0)
        found = self.made(picture, face_at(together), anything)
        assert found is Unfit.TURNED

    def test_reasons_have_stable_names(self) -> None:
        assert [str(reason) for reason in Unfit] == [
            "not-opted-in", "too-small", "turned", "blurred", "badly-lit", "covered",
        ]  # fmt: skip


class TestForgery:
    def test_only_make_probe_makes_one(self, probe: Probe) -> None:
        fields: dict[str, Any] = {
            field.name: getattr(probe, field.name) for field in dataclasses.fields(Probe) if field.name != "key"
        }
        for key in (None, object(), type("_Mint", (), {})()):
            with pytest.raises(TypeError, match="only make_probe makes a Probe"):
                Probe(key=key, **fields)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            Probe(**fields)
        with pytest.raises((TypeError, ValueError)):
            dataclasses.replace(probe, number=3)
        with pytest.raises(TypeError, match="only make_probe makes a Probe"):
            dataclasses.replace(probe, key=object(), number=3)  # type: ignore[arg-type]

    def test_it_cannot_be_copied_pickled_extended_or_changed(self, probe: Probe) -> None:
        for copied in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                copied(probe)
        with pytest.raises(TypeError, match="cannot be extended"):
            type("Other", (Probe,), {})
        with pytest.raises(dataclasses.FrozenInstanceError):
            probe.number = 7  # type: ignore[misc]
        with pytest.raises(ValueError, match="read-only"):
            probe.chip[0, 0] = 0
        assert not hasattr(probe, "__dict__")

    def test_nothing_of_a_person_shows_or_is_compared(self, picture: Rgb, face: Face, probe: Probe) -> None:
        template = ProbeTemplate(np.ones(4, np.float32), probe.permit)
        assert (repr(probe), str(probe), repr(template)) == ("<Probe>", "<Probe>", "<ProbeTemplate>")
        assert probe != make_probe(frame(picture), face, opted_in(face.box), NEAR)
        assert template != ProbeTemplate(template.vector, template.permit)
