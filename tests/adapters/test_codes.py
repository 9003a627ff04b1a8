"""Real printed codes, read out of code frames that a real gate has made: markers, and QR at four pixels a module."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import segno

from agent.adapters.markers import ArucoReader, survey
from agent.adapters.qr import ZxingReader
from agent.policy.frames import CapturedFrame, CodeFrame
from agent.policy.gate import Gate
from agent.policy.signage import FORBIDDING_MARKER, MARKER_FAMILY, SignWatch
from agent.units import Luma, Marker, Polygon
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


def around(x: float, y: float, side: float, tolerance: float = 6.0) -> Polygon:
    """Where a marker whose own corner is at (x, y) may lie."""
    x0, y0, x1, y1 = x - tolerance, y - tolerance, x + side + tolerance, y + side + tolerance
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def square(x: float, y: float, side: float) -> Any:
    """The corners as a reader gives them: centres of the outermost pixels."""
    return np.array(((x, y), (x + side - 1, y), (x + side - 1, y + side - 1), (x, y + side - 1)))


def off(found: Marker, corners: Any) -> float:
    return float(np.abs(np.array(found.corners) - corners).max())


EVERYWHERE = around(0, 0, WIDTH)


def anywhere(frame: CodeFrame) -> tuple[Marker, ...]:
    return ArucoReader().markers(frame, None)


class TestMarkers:
    """The whole frame, a known place, and the survey at commissioning; 300, 150 is where the quiet zone begins."""

    def test_an_empty_scene_has_none(self) -> None:
        frame = codes(scene())
        assert anywhere(frame) == survey(frame) == ArucoReader().markers(frame, around(300, 150, 60)) == ()

    @pytest.mark.parametrize("side", [24, 40, 90, 200])
    def test_number_and_corners_clockwise_from_the_marker_s_own_top_left(self, side: int) -> None:
        border = side // 6
        frame = codes(put(scene(), marker(7, side), 300, 150))
        corners = square(300 + border, 150 + border, side)
        near = ArucoReader().markers(frame, around(300 + border, 150 + border, side))
        for (found,), error_px in ((near, 1.5), (anywhere(frame), 2.5), (survey(frame), 1.0)):
            assert found.number == 7 and off(found, corners) <= error_px

    @pytest.mark.parametrize("turns", [1, 2, 3])
    def test_a_turned_marker_starts_at_another_corner(self, turns: int) -> None:
        luma = put(scene(), np.ascontiguousarray(np.rot90(marker(7, 60), -turns)), 300, 150)
        (found,) = anywhere(codes(luma))
        assert off(found, np.roll(square(310, 160, 60), -turns, axis=0)) <= 2.5

    def test_skew_blur_and_dim_light(self) -> None:
        luma = put(scene(), marker(7, 60), 300, 150)
        corners = np.array(((300, 150), (380, 150), (380, 230), (300, 230)), np.float32)
        skewed = np.array(((310, 160), (365, 148), (365, 236), (310, 222)), np.float32)
        turn = cv2.getPerspectiveTransform(corners, skewed)
        seen = cv2.GaussianBlur(cv2.warpPerspective(luma, turn, (WIDTH, HEIGHT), borderValue=120), (0, 0), 1.0)
        dim = codes((np.asarray(seen, np.float64) * 0.35).astype(np.uint8))
        for found in (anywhere(dim), survey(dim), ArucoReader().markers(dim, around(310, 160, 60, 10))):
            assert [each.number for each in found] == [7]

    @pytest.mark.parametrize("scale", [2, 3, 6])
    def test_finer_luma_gives_corners_in_the_same_pixels(self, scale: int) -> None:
        frame = codes(put(scene(scale), marker(7, 60 * scale), 300 * scale, 150 * scale))
        corners = np.array(((310, 160), (370, 160), (370, 220), (310, 220))) - 0.5
        near = ArucoReader().markers(frame, around(310, 160, 60))
        for (found,), error_px in ((near, 1.0), (anywhere(frame), 2.0), (survey(frame), 0.6)):
            assert found.number == 7 and off(found, corners) <= error_px

    def test_finer_luma_reads_near_its_place_what_the_picture_cannot(self) -> None:
        frame = codes(put(scene(3), marker(7, 24), 900, 450))  # 8 pixels of the picture
        place = around(301.3, 151.3, 8)
        assert [each.number for each in ArucoReader().markers(frame, place)] == [7]
        assert [each.number for each in survey(frame)] == [7] and anywhere(frame) == ()

    def test_two_signs_and_the_forbidding_one(self) -> None:
        luma = put(put(scene(), marker(7, 60), 100, 150), marker(FORBIDDING_MARKER, 60), 400, 200)
        assert {found.number for found in anywhere(codes(luma))} == {7, FORBIDDING_MARKER}

    def test_near_a_place_nothing_is_seen_of_the_rest(self) -> None:
        frame = codes(put(put(scene(), marker(7, 60), 100, 150), marker(8, 60), 400, 200))
        assert [found.number for found in ArucoReader().markers(frame, around(110, 160, 60))] == [7]
        assert [found.number for found in ArucoReader().markers(frame, around(410, 210, 60))] == [8]
        assert ArucoReader().markers(frame, around(260, 150, 60)) == ()

    @pytest.mark.parametrize("place", [around(0, 0, 60), around(570, 420, 60), around(-400, 0, 60), EVERYWHERE])
    def test_a_place_at_the_edge_or_beyond_is_no_fault(self, place: Polygon) -> None:
        assert ArucoReader().markers(codes(scene()), place) == ()

    def test_a_marker_in_the_corner_of_the_picture(self) -> None:
        frame = codes(put(scene(), marker(7, 60), 0, 0))
        assert [found.number for found in ArucoReader().markers(frame, around(10, 10, 60))] == [7]

    def test_none_is_read_in_an_excluded_region_unless_it_is_readable(self) -> None:
        luma = put(scene(), marker(7, 60), 300, 150)
        region = {"id": "window", "polygon": [[280, 130], [420, 130], [420, 270], [280, 270]]}
        hidden = codes(luma, excluded=[region])
        assert anywhere(hidden) == survey(hidden) == ArucoReader().markers(hidden, around(310, 160, 60)) == ()
        assert len(anywhere(codes(luma, excluded=[region | {"code_readable": True}]))) == 1

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
            frame = codes(put(scene(), marker(number, 60), x, y))
            assert len(reader.markers(frame, None)) == 1
            assert SignWatch().see(frame, reader, policy, [], due=True).in_place is in_place


def test_a_sign_that_is_covered_moved_or_joined_by_another_is_noticed_in_real_pictures() -> None:
    """Ten frames a second: 3 with the sign, 8 covered, 3 without cover, 2 hung elsewhere, 2 with a card held up."""
    place = {"number": 7, "corners": [[310, 160], [370, 160], [370, 220], [310, 220]], "tolerance_px": 6}
    sign = {"id": "s", "marker": place, "lost_hold_s": 0.5}
    gate, watch, reader = Gate(law(view=VIEW, sign=sign)), SignWatch(), ArucoReader()
    assert gate.law is not None
    hung = put(scene(), marker(7, 60), 300, 150)
    covered = hung.copy()
    covered[150:200, 290:400] = 90
    card = put(hung.copy(), marker(FORBIDDING_MARKER, 48), 420, 260)
    spells = ((hung, 3), (covered, 8), (hung, 3), (put(scene(), marker(7, 60), 330, 150), 7), (card, 2))
    found: list[tuple[bool, bool]] = []
    for luma, frames in spells:
        for _ in range(frames):
            number = len(found)
            frame = gate.codes(
                CapturedFrame(number, number * 100_000_000, picture(width=WIDTH, height=HEIGHT), luma.copy())
            )
            assert isinstance(frame, CodeFrame)
            sighting = watch.see(frame, reader, gate.law.policy, [], due=True)
            found.append((sighting.in_place, sighting.forbidding))
    there, gone = (True, False), (False, False)
    # Each loss shows after five frames of half a second's hold, each return at once, the card on its own frame.
    assert found == [there] * 3 + [there] * 5 + [gone] * 3 + [there] * 3 + [there] * 5 + [gone] * 2 + [(True, True)] * 2


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
