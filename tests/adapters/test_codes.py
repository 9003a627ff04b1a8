"""Real printed codes, read out of code frames that a real gate has made: markers, and QR at four pixels a module."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import segno

from agent.adapters.markers import ArucoReader
from agent.adapters.qr import ZxingReader
from agent.policy.frames import CapturedFrame, CodeFrame
from agent.policy.gate import Gate
from agent.policy.signage import FORBIDDING_MARKER, MARKER_FAMILY, SignWatch
from agent.units import Luma
from tests.policy.given import law, picture

WIDTH, HEIGHT = 640, 480
VIEW = {"width": WIDTH, "height": HEIGHT}
PASS = "DW1:" + "A7Z$%*+-./: 0123456789" * 9  # as long as a pass with a pseudonym is, in QR's alphanumeric signs


def marker(number: int, side: int) -> Luma:
    """A printed marker with its quiet zone."""
    family = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, MARKER_FAMILY))
    drawn = cv2.aruco.generateImageMarker(family, number, side)
    return np.asarray(
        cv2.copyMakeBorder(drawn, side // 6, side // 6, side // 6, side // 6, cv2.BORDER_CONSTANT, value=255)
    )


def scene(scale: int = 1) -> Luma:
    """A grey wall with some texture and noise."""
    rng = np.random.default_rng(2)
    coarse = rng.integers(90, 150, (12 * scale, 16 * scale)).astype(np.uint8)
    wall = np.asarray(cv2.resize(coarse, (WIDTH * scale, HEIGHT * scale), interpolation=cv2.INTER_CUBIC), np.int16)
    return np.clip(wall + rng.integers(-5, 6, wall.shape), 0, 255).astype(np.uint8)


def put(luma: Luma, code: Luma, x: int, y: int) -> Luma:
    luma[y : y + code.shape[0], x : x + code.shape[1]] = code
    return luma


def codes(luma: Luma, **changes: Any) -> CodeFrame:
    gate = Gate(law(view=VIEW, **changes))
    frame = gate.codes(CapturedFrame(1, 0, picture(width=WIDTH, height=HEIGHT), luma))
    assert isinstance(frame, CodeFrame)
    return frame


class TestMarkers:
    def test_an_empty_scene_has_none(self) -> None:
        assert ArucoReader().markers(codes(scene())) == ()

    @pytest.mark.parametrize("side", [24, 40, 90, 200])
    def test_number_and_corners_clockwise_from_the_marker_s_own_top_left(self, side: int) -> None:
        border = side // 6
        (found,) = ArucoReader().markers(codes(put(scene(), marker(7, side), 300, 150)))
        assert found.number == 7
        x, y = 300 + border, 150 + border
        expected = ((x, y), (x + side, y), (x + side, y + side), (x, y + side))
        assert np.abs(np.array(found.corners) - np.array(expected)).max() <= 1.5

    @pytest.mark.parametrize("turns", [1, 2, 3])
    def test_a_turned_marker_starts_at_another_corner(self, turns: int) -> None:
        upright = ArucoReader().markers(codes(put(scene(), marker(7, 60), 300, 150)))[0].corners
        luma = put(scene(), np.ascontiguousarray(np.rot90(marker(7, 60), -turns)), 300, 150)
        (found,) = ArucoReader().markers(codes(luma))
        assert np.abs(np.roll(np.array(found.corners), turns, axis=0) - np.array(upright)).max() <= 1.5

    def test_skew_blur_and_dim_light(self) -> None:
        luma = put(scene(), marker(7, 60), 300, 150)
        corners = np.array(((300, 150), (380, 150), (380, 230), (300, 230)), np.float32)
        skewed = np.array(((310, 160), (365, 148), (365, 236), (310, 222)), np.float32)
        turn = cv2.getPerspectiveTransform(corners, skewed)
        seen = cv2.GaussianBlur(cv2.warpPerspective(luma, turn, (WIDTH, HEIGHT), borderValue=120), (0, 0), 1.0)
        dim = (np.asarray(seen, np.float64) * 0.35).astype(np.uint8)
        assert [found.number for found in ArucoReader().markers(codes(dim))] == [7]

    @pytest.mark.parametrize("scale", [2, 3])
    def test_finer_luma_gives_corners_in_the_same_pixels(self, scale: int) -> None:
        luma = put(scene(scale), marker(7, 60 * scale), 300 * scale, 150 * scale)
        (found,) = ArucoReader().markers(codes(luma))
        expected = np.array(((310, 160), (370, 160), (370, 220), (310, 220)))
        assert np.abs(np.array(found.corners) - expected).max() <= 1.5

    def test_two_signs_and_the_forbidding_one(self) -> None:
        luma = put(put(scene(), marker(7, 60), 100, 150), marker(FORBIDDING_MARKER, 60), 400, 200)
        assert {found.number for found in ArucoReader().markers(codes(luma))} == {7, FORBIDDING_MARKER}

    def test_none_is_read_in_an_excluded_region_unless_it_is_readable(self) -> None:
        luma = put(scene(), marker(7, 60), 300, 150)
        region = {"id": "window", "polygon": [[280, 130], [420, 130], [420, 270], [280, 270]]}
        assert ArucoReader().markers(codes(luma, excluded=[region])) == ()
        assert len(ArucoReader().markers(codes(luma, excluded=[region | {"code_readable": True}]))) == 1

    def test_a_real_sign_is_in_force_where_it_was_attested_and_nowhere_else(self) -> None:
        place = {"number": 7, "corners": [[310, 160], [370, 160], [370, 220], [310, 220]], "tolerance_px": 6}
        policy = law(view=VIEW, sign={"id": "s", "marker": place}).policy
        reader = ArucoReader()
        for x, y, number, in_place in (
            (300, 150, 7, True),
            (304, 150, 7, True),
            (310, 150, 7, False),
            (300, 150, 8, False),
        ):
            markers = reader.markers(codes(put(scene(), marker(number, 60), x, y)))
            assert len(markers) == 1
            assert SignWatch().see(markers, 0, policy).in_place is in_place


def qr(text: str, module_px: int) -> Luma:
    matrix = np.array([list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=4)], np.uint8)
    return np.ascontiguousarray(((1 - matrix) * 255).astype(np.uint8).repeat(module_px, 0).repeat(module_px, 1))


class TestQr:
    def test_an_empty_scene_has_none(self) -> None:
        assert ZxingReader().texts(codes(scene())) == ()

    def test_four_pixels_a_module_in_the_hand(self) -> None:
        """Noise, a little blur and a turn, as a hand before a camera gives them."""
        code = qr(PASS, 4)
        assert code.shape[0] <= 300
        luma = put(scene(), code, 200, 100)
        turn = cv2.getRotationMatrix2D((200 + code.shape[1] / 2, 100 + code.shape[0] / 2), 8, 1.0)
        seen = cv2.GaussianBlur(cv2.warpAffine(luma, turn, (WIDTH, HEIGHT), borderValue=120), (0, 0), 0.8)
        (found,) = ZxingReader().texts(codes(np.asarray(seen, np.uint8)))
        assert found.text == PASS

    @pytest.mark.parametrize("scale", [1, 2])
    def test_corners_are_in_pixels_of_the_recognition_picture(self, scale: int) -> None:
        code = qr("hello", 4 * scale)
        (found,) = ZxingReader().texts(codes(put(scene(scale), code, 200 * scale, 100 * scale)))
        assert found.text == "hello"
        side = code.shape[0] / scale
        inner = ((216, 116), (184 + side, 116), (184 + side, 84 + side), (216, 84 + side))
        assert np.abs(np.array(found.corners) - np.array(inner)).max() <= 3

    def test_finer_luma_reads_what_the_picture_cannot(self) -> None:
        code = qr(PASS, 2)
        luma = put(scene(2), code, 300, 300)
        assert [found.text for found in ZxingReader().texts(codes(luma))] == [PASS]

    def test_two_codes_at_once(self) -> None:
        luma = put(put(scene(), qr("one", 5), 60, 100), qr("two", 5), 380, 200)
        assert {found.text for found in ZxingReader().texts(codes(luma))} == {"one", "two"}

    def test_none_is_read_in_an_excluded_region(self) -> None:
        luma = put(scene(), qr("hello", 5), 200, 100)
        region = {"id": "window", "polygon": [[190, 90], [420, 90], [420, 320], [190, 320]]}
        assert ZxingReader().texts(codes(luma, excluded=[region])) == ()

    def test_other_kinds_of_code_are_not_looked_at(self) -> None:
        assert ZxingReader().texts(codes(put(scene(), marker(7, 90), 300, 150))) == ()

    def test_a_text_never_shows_in_a_repr(self) -> None:
        (found,) = ZxingReader().texts(codes(put(scene(), qr("hello", 5), 200, 100)))
        assert "hello" not in repr(found)
