"""Painted frames: the same on every machine and run, readable where the truth says so."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp

from agent.errors import ConfigError
from agent.policy.signage import OPT_OUT_MARKER
from agent.scene import stage
from agent.scene.render import Stage, contact_sheet
from agent.scene.scene import Scene, load
from agent.scene.script import Card
from agent.scene.truth import presentations, truth

SCENES = Path(__file__).resolve().parents[2] / "scenes"
SCENE = load(SCENES / "front-gate.toml")
# As long as a signed pass is; the demo signs a new one for each run.
TEXTS = {
    "day": "DW1" + "0123456789ABCDEFGHJKMNPQRSTVWXYZ" * 6,
    "evening": "DW1" + "ZYXWVTSRQPNMKJHGFEDCBA9876543210" * 6,
}


@pytest.fixture(scope="module")
def painted() -> Stage:
    return Stage(SCENE, TEXTS)


def test_a_frame_is_a_function_of_its_number(painted: Stage) -> None:
    first, luma = painted.picture(300)
    painted.picture(900)
    again, _ = painted.picture(300)
    elsewhere, _ = Stage(load(SCENES / "front-gate.toml"), TEXTS).picture(300)
    assert first.shape == (480, 640, 3) and luma.shape == (480, 640)
    assert first.dtype == luma.dtype == np.uint8
    assert np.array_equal(first, again) and np.array_equal(first, elsewhere)
    assert not np.shares_memory(first, again)


def test_the_sensor_is_noisy_and_the_noise_changes(painted: Stage) -> None:
    # Nobody is on and the light stands still: only noise tells the frames apart.
    one, other = (painted.picture(number)[0].astype(int) for number in (1344, 1345))
    assert 1.5 < (one - other)[60:200, 200:500].std() < 6
    assert abs((one - other).mean()) < 0.3


def test_the_empty_picture_is_the_scene_without_people(painted: Stage) -> None:
    empty = painted.empty_picture().astype(int)
    nobody = painted.picture(1345)[0].astype(int)
    assert np.abs(cv2.blur((empty - nobody).astype(np.float32), (15, 15))).max() < 26
    p1_at_the_gate = painted.picture(30)[0].astype(int)
    assert np.abs(empty - p1_at_the_gate)[150:400, 230:380].mean() > 30


def numbers_to_look_at(scene: Scene) -> list[int]:
    """Every ninth frame, and each around the covering and uncovering of the sign."""
    edges = [round(t * scene.script.fps) for span in scene.script.sign.covered for t in span]
    near = [edge + step for edge in edges for step in range(-4, 6)]
    return sorted({*range(0, scene.script.frames, 9), *near})


def test_the_marker_is_read_exactly_where_it_is_uncovered(painted: Stage) -> None:
    reader = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    sign = SCENE.script.sign
    for number in numbers_to_look_at(SCENE):
        corners, found, _ = reader.detectMarkers(painted.picture(number)[1])
        visible = stage.covering(SCENE.script, stage.frame_time(SCENE.script, number)) == 0
        assert (found is not None and sign.marker in np.ravel(found)) == visible, number
        if visible:
            assert np.abs(corners[0][0] - np.array(sign.corners)).max() < sign.tolerance_px / 3, number


def test_a_pass_is_read_while_it_is_held_up_and_at_no_other_time(painted: Stage) -> None:
    readable = set()
    for shown in presentations(SCENE):
        numbers = [*range(shown.first, shown.last, 4), shown.last]
        for number in numbers:
            found = zxingcpp.read_barcodes(painted.picture(number)[1], formats=zxingcpp.BarcodeFormat.QRCode)
            assert [code.text for code in found] == [TEXTS[shown.name]], (shown.name, number)
        readable |= set(range(shown.first - 12, shown.last + 12))
    for number in set(range(0, SCENE.script.frames, 40)) - readable:
        assert zxingcpp.read_barcodes(painted.picture(number)[1]) == [], number


def test_a_code_has_at_least_four_pixels_a_module_and_is_held_near() -> None:
    for shown in SCENE.script.pass_:
        assert shown.module_px >= 4


def test_a_pass_without_a_text_is_not_shown() -> None:
    number = presentations(SCENE)[0].first
    assert zxingcpp.read_barcodes(Stage(SCENE, {}).picture(number)[1]) == []


def test_a_card_is_read_at_its_place_while_it_is_shown_and_at_no_other_time() -> None:
    cards = tuple(
        Card(person=None, span=(t, t + 1.0), x=x, y=300.0, side_px=side, tilt_deg=tilt)
        for t, x, side, tilt in ((0.0, 200.0, 24.0, 0.0), (1.0, 330.5, 60.0, 15.0), (1.5, 460.0, 40.0, -10.0))
    )
    script = SCENE.script.model_copy(update={"card": cards, "actor": (), "pass_": ()})
    painted = Stage(Scene(script, SCENE.cast, SCENE.folder))
    reader = cv2.aruco.ArucoDetector(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50))
    for number in range(45):
        shown = stage.shown_cards(script, stage.frame_time(script, number))
        corners, found, _ = reader.detectMarkers(painted.picture(number)[1])
        read = sorted(
            tuple(quad[0].mean(axis=0))
            for quad, mark in zip(corners, np.ravel(found), strict=True)
            if mark == OPT_OUT_MARKER
        )
        assert len(read) == len(shown) == (number < 15) + (15 <= number < 30) + (22.5 <= number < 37.5), number
        for (x, y), card in zip(read, sorted(shown, key=lambda card: card.x), strict=True):
            assert abs(x - card.x) < 1.5 and abs(y - card.y) < 1.5


def test_occluders_hide_people(painted: Stage) -> None:
    empty = Stage(SCENE, {})
    for number in (57, 120, 300):  # somebody is half behind a wall
        assert truth(SCENE, number).people
        pillar = empty.picture(number)[0][:, :150].astype(int) - painted.empty_picture()[:, :150]
        assert np.abs(cv2.blur(pillar.astype(np.float32), (15, 15))).max() < 20


def test_light_changes_the_whole_picture(painted: Stage) -> None:
    means = [painted.picture(int(t * 15))[1][:100, :150].mean() for t in (9.0, 34.0)]
    assert means[0] > means[1] * 1.05


def test_a_contact_sheet_shows_frames_side_by_side() -> None:
    sheet = contact_sheet(SCENE, [1.0, 9.5, 26.5, 44.0], TEXTS, columns=3)
    assert sheet.shape == (2 * 244, 3 * 324, 3)
    assert (sheet[250:480, 330:] == 255).all() and sheet[10:230, 10:310].std() > 20


def test_a_backdrop_of_another_size_is_refused(tmp_path: Path) -> None:
    for name in ("cast", "sign-face.webp", "pass-head.webp"):
        (tmp_path / name).symlink_to(SCENES / name)
    cv2.imwrite(str(tmp_path / "front-gate.webp"), np.zeros((10, 10, 3), np.uint8))
    (tmp_path / "scene.toml").write_text((SCENES / "front-gate.toml").read_text("utf-8"), "utf-8")
    with pytest.raises(ConfigError, match=r"front-gate\.webp: is no picture of 640 x 480"):
        Stage(load(tmp_path / "scene.toml"))
