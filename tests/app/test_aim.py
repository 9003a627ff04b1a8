"""Aiming without a browser: what is measured, shown of a real face beside a mark, written, and what refuses."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.adapters.markers import survey
from agent.app import config
from agent.app.aim import Kept, aim
from agent.app.aim.looking import Looking
from agent.app.aim.meters import edge_px, light, sharpness
from agent.app.aim.written import Change, change, for_policy
from agent.app.recogniser import alone
from agent.app.sources import capture_parts
from agent.demo.device import Device
from agent.errors import ConfigError, DeviceError, PolicyError
from agent.measured import Aimed
from agent.policy.aiming import Solved, example, solve
from agent.policy.bundle import MarkerPlace, PolicyDocument
from agent.policy.frames import CapturedFrame, CodeFrame
from agent.policy.gate import Gate
from agent.policy.law import Law
from agent.policy.location import Spot
from agent.policy.preview import AIM_PX, blocks
from agent.units import Luma, Polygon, Rgb
from tests.aim.given import Visitor, gate, looks, noted
from tests.app.door import face
from tests.app.running import until
from tests.policy.given import SECOND, law, square

TODAY = date(2026, 11, 25)
SIGN = {
    "id": "sign-1",
    "marker": {"number": 7, "corners": [[40, 40], [100, 40], [100, 100], [40, 100]], "tolerance_px": 4},
}
HERE = Spot(48.0, 11.0, 1.0)


def at_640(**changes: Any) -> Law:
    whole = [[0, 0], [640, 0], [640, 480], [0, 480]]
    attempt = {"region": whole, "dwell_s": 0.5, "probes": 3, "window_s": 0.5, "leave_s": 2, "inter_eye_px": 40}
    return law(**{"view": {"width": 640, "height": 480}, "attempt": attempt, "sign": SIGN} | changes)


def mark(number: int, side: int, blur: float = 0.0) -> Luma:
    """A printed mark with white round it, (side + side / 3) pixels wide."""
    drawn = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50), number, side)
    sheet = np.pad(drawn, side // 6, constant_values=255)
    return np.asarray(cv2.GaussianBlur(sheet, (0, 0), blur) if blur else sheet, np.uint8)


def with_mark(rgb: Rgb, x: int, y: int, number: int = 7, side: int = 60) -> Rgb:
    """The mark's own corner comes to (x, y)."""
    sheet, shown = mark(number, side), rgb.copy()
    left, top = x - side // 6, y - side // 6
    shown[top : top + len(sheet), left : left + len(sheet)] = sheet[:, :, np.newaxis]
    return shown


def frame(number: int, rgb: Rgb, second: float = 0.0, scale: int = 1) -> CapturedFrame:
    luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    return CapturedFrame(number, round(second * SECOND), rgb.copy(), luma.repeat(scale, axis=0).repeat(scale, axis=1))


def looking(under: Law, began: Aimed | None = None, spot: Spot | None = HERE) -> Looking:
    return Looking(under, Gate(under), began, spot)


# Meters ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turned", [False, True])
def test_edges_of_a_mark_are_as_wide_as_the_lens_makes_them(turned: bool) -> None:
    found = []
    for blur in (0.0, 1.0, 2.0, 3.0):
        luma = np.pad(mark(3, 120, blur), 60, constant_values=255)
        corners: Polygon = ((80.0, 80.0), (200.0, 80.0), (200.0, 200.0), (80.0, 200.0))
        if turned:
            turn = cv2.getRotationMatrix2D((140, 140), 20, 1.0)
            luma = np.asarray(cv2.warpAffine(luma, turn, (280, 280), borderValue=255), np.uint8)
            placed = (np.array(corners) - 0.5) @ turn[:, :2].T + turn[:, 2] + 0.5
            corners = tuple((float(x), float(y)) for x, y in placed)
        width = edge_px(luma, corners)
        assert width is not None
        found.append(width)
    assert found == sorted(found) and 0.5 < found[0] < 2
    for width, sigma in zip(found[1:], (1.0, 2.0, 3.0), strict=True):
        assert width == pytest.approx(2.56 * sigma, rel=0.35), "a tenth to nine tenths of a Gaussian edge"


def test_edges_of_a_mark_that_is_too_small_or_too_pale_say_nothing() -> None:
    corners: Polygon = ((10.0, 10.0), (40.0, 10.0), (40.0, 40.0), (10.0, 40.0))
    assert edge_px(np.full((60, 60), 200, np.uint8), corners) is None
    large: Polygon = ((10.0, 10.0), (190.0, 10.0), (190.0, 190.0), (10.0, 190.0))
    assert edge_px(np.full((200, 200), 200, np.uint8), large) is None
    black_outside = 255 - np.pad(mark(3, 120), 40, constant_values=255)
    assert edge_px(black_outside, ((60.0, 60.0), (180.0, 60.0), (180.0, 180.0), (60.0, 180.0))) is None


def test_sharpness_falls_with_every_turn_away_from_focus() -> None:
    scene = np.asarray(cv2.cvtColor(face(), cv2.COLOR_RGB2GRAY), np.uint8)
    found = [
        sharpness(scene),
        *(sharpness(np.asarray(cv2.GaussianBlur(scene, (0, 0), blur), np.uint8)) for blur in (1, 2, 4)),
    ]
    assert found == sorted(found, reverse=True) and found[0] > 3 * found[-1]
    hidden = scene.copy()
    hidden[:, 300:] = 0
    hidden[::2, 300:] = 0
    assert sharpness(hidden) < 2 * found[0], "the edge of an excluded region is none"
    assert sharpness(np.zeros((40, 40), np.uint8)) == 0


def test_light_is_of_what_is_not_excluded() -> None:
    luma = np.full((100, 100), 100, np.uint8)
    luma[:25], luma[25:50], luma[50:60] = 0, 255, 5
    found = light(luma)
    assert found is not None
    assert (found.burnt, found.dark) == pytest.approx((1 / 3, 10 / 75))
    assert found.mean == pytest.approx((25 * 255 + 10 * 5 + 40 * 100) / 75)
    assert light(np.zeros((4, 4), np.uint8)) is None


# What is shown -----------------------------------------------------------------------------------------------------


def shown(seen: Looking) -> Rgb:
    jpeg = seen.jpeg()
    assert jpeg is not None
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture[..., ::-1], np.uint8)


def detail(picture: Rgb, outside: np.ndarray, side: int) -> float:
    """The most that a pixel differs from its block's mean, where the whole block lies outside of the mark."""
    apart = np.abs(picture.astype(int) - blocks(picture, side).astype(int)).max(axis=2)
    rows, columns = (np.arange(0, length, side) for length in outside.shape)
    whole = np.logical_and.reduceat(np.logical_and.reduceat(outside, rows, axis=0), columns, axis=1)
    return float(np.percentile(apart[whole.repeat(side, axis=0).repeat(side, axis=1)], 99.9))


@pytest.mark.parametrize("at", [(290, 330), (290, 200), (400, 240)])
def test_a_face_beside_a_mark_stays_in_blocks_up_to_half_a_module(at: tuple[int, int]) -> None:
    """The mark is held before the chin, in the middle of the face, beside it; it is read, and nothing else is sharp."""
    rgb = with_mark(face(), *at)
    seen = looking(at_640())
    for second in range(6):
        seen.see(frame(second, rgb, second))
    facts = seen.ask("facts", None).body
    [found] = facts["marks"]
    assert (found["number"], found["kind"]) == (7, "sign")
    picture = shown(seen)
    ys, xs = np.mgrid[0:480, 0:640] + 0.5
    beyond = np.maximum(np.maximum(at[0] - xs, xs - at[0] - 60), np.maximum(at[1] - ys, ys - at[1] - 60))
    assert detail(picture, beyond > 6, AIM_PX) < 20, "JPEG's own, and nothing of the face"
    assert detail(rgb, beyond > 6, AIM_PX) > 60, "there was something to hide"
    inside = beyond < -2
    assert np.abs(picture.astype(int) - rgb)[inside].mean() < 12, "the mark is sharp"


def test_what_was_read_once_is_not_sharp_yet() -> None:
    rgb = with_mark(np.full((480, 640, 3), 120, np.uint8), 300, 200)
    seen = looking(at_640())
    seen.see(frame(0, rgb))
    assert detail(shown(seen), np.ones((480, 640), bool), 40) < 25
    seen.see(frame(1, rgb, 1))
    assert np.abs(shown(seen).astype(int) - rgb)[202:258, 302:358].mean() < 12
    moved = with_mark(np.full((480, 640, 3), 120, np.uint8), 60, 40)
    seen.see(frame(2, moved, 2))
    assert detail(shown(seen)[:160, :160], np.ones((160, 160), bool), 40) < 25, "it was elsewhere before"


def test_marks_are_told_apart_and_measured_in_the_finest_luma() -> None:
    rgb = np.full((480, 640, 3), 120, np.uint8)
    for number, x in ((7, 60), (48, 200), (49, 340), (12, 480)):
        rgb = with_mark(rgb, x, 200, number)
    seen = looking(at_640())
    seen.see(frame(0, rgb, scale=2))
    facts = seen.ask("facts", None).body
    assert [(each["number"], each["kind"]) for each in facts["marks"]] == [
        (7, "sign"), (12, "other"), (48, "card"), (49, "forbids"),
    ]  # fmt: skip
    assert all(abs(each["side_px"] - 60) < 1.5 and each["edge_px"] is not None for each in facts["marks"])
    assert facts["light"]["burnt"] > 0 and facts["sharpness"]["best"] >= facts["sharpness"]["now"] > 0


def test_a_picture_that_is_not_the_policys_view_is_not_shown() -> None:
    seen = looking(law())  # of 96 by 72 pixels
    seen.see(frame(0, np.full((480, 600, 3), 120, np.uint8)))
    facts = seen.ask("facts", None).body
    assert (facts["camera"], facts["grounds"], facts["marks"]) == ("refused", ["view-mismatch"], [])
    assert seen.jpeg() is None


def test_all_excluded_is_no_light() -> None:
    everything = [{"id": "all", "polygon": [[0, 0], [640, 0], [640, 480], [0, 480]]}]
    seen = looking(at_640(excluded=everything))
    seen.see(frame(0, face()))
    assert seen.ask("facts", None).body["light"] is None and not shown(seen).any()


def test_the_place_of_the_sign_is_the_middle_of_many_looks() -> None:
    wall, seen = np.full((480, 640, 3), 120, np.uint8), looking(at_640())
    for number in range(9):
        seen.see(frame(number, with_mark(wall, 100 + number % 2, 100), number))
    assert seen.place() is None, "too few looks"
    for number in range(9, 20):
        seen.see(frame(number, with_mark(wall, 100 + number % 2, 100), number))
    place = seen.place()
    assert place is not None and place.number == 7 and 3 <= place.tolerance_px <= 8
    assert np.allclose(place.corners, [(100.5, 100), (160.5, 100), (160.5, 160), (100.5, 160)], atol=1.2)
    inspected = looking(
        at_640(
            sign={
                "id": "s",
                "inspection": {
                    "inspector": "desk",
                    "inspected": "2030-01-01T00:00:00Z",
                    "until": "2031-01-01T00:00:00Z",
                },
            }
        )
    )
    for number in range(20):
        inspected.see(frame(number, with_mark(wall, 100, 100), number))
    assert inspected.place() is None, "the policy's sign has no mark"


# What the page asks ------------------------------------------------------------------------------------------------


def fields(**changes: Any) -> dict[str, Any]:
    return example(None, 640, 480).model_dump(mode="json") | changes


def test_the_plan_is_the_policys_and_begins_where_it_was_left() -> None:
    excluded = [{"id": "w", "polygon": [[0, 0], [9, 0], [9, 9]]}]
    plan = looking(at_640(excluded=excluded)).ask("plan", {}).body
    assert plan["measured"] is False and plan["excluded"] == [((0, 0), (9, 0), (9, 9))] and plan["pose"] is None
    assert plan["sign"]["number"] == 7 and plan["view"] == {"width": 640, "height": 480}
    began = Aimed.model_validate(fields(range_m=7.0, region=[[1, 1], [9, 1], [9, 9]]))
    again = looking(at_640(), began).ask("plan", {}).body
    assert again["measured"] is True and again["aimed"]["range_m"] == 7.0 and again["aimed"]["region"][0] == [1.0, 1.0]


def test_a_pose_comes_with_what_it_means_in_the_picture() -> None:
    answer = looking(at_640()).ask("pose", fields())
    told = answer.body
    assert answer.good and told["why"] is None and told["miss_px"] < 0.5
    assert told["pose"]["height_m"] == pytest.approx(2.2, abs=0.1) and told["pose"]["tilt_deg"] == pytest.approx(
        15, abs=1
    )
    assert [ring["metres"] for ring in told["rings"] if not ring["face"]][:3] == [2, 3, 5]
    assert told["reach_m"]["face"] == pytest.approx(0.84, abs=0.01), "0.063 m at 532 px for 40 px"
    assert told["reach_m"]["sign_a3"] == pytest.approx(4.0, abs=0.05), "as scripts/prove sign finds it"
    assert (told["zones"], told["hidden"]) == ("none", [])


def test_zones_are_drawn_as_the_gate_would_black_them_out() -> None:
    zones = [square(11.0002, 48.0001, 0.0001)]
    north = fields(bearing_deg=0.0, range_m=30.0)
    under = at_640(zones=zones)
    told = looking(under).ask("pose", north).body
    assert told["zones"] == "drawn" and 0 < len(told["hidden"]) < 40 * 30 and told["cell_px"] == 16
    south = looking(under).ask("pose", north | {"bearing_deg": 180.0}).body
    assert south["zones"] == "drawn" and len(south["hidden"]) < len(told["hidden"]) / 4
    unsolved = looking(under).ask("pose", north | {"width_m": 9.0}).body
    assert (unsolved["zones"], unsolved["why"], unsolved["pose"]) == ("near", "contradicted", None)
    assert unsolved["rings"] == [] and unsolved["horizon"] is None
    assert looking(under, spot=None).ask("pose", north).body["zones"] == "unknown"
    polar = looking(at_640(zones=[square(0.0, 89.4, 0.2)]), spot=Spot(89.5, 0.1, 1.0)).ask("pose", north).body
    assert (polar["zones"], polar["hidden"]) == ("pole", [])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"view_deg": 4}, ["view_deg"]),
        ({"ground": [[1, 1]] * 3, "depth_m": "1"}, ["depth_m", "ground"]),
        ({"height_m": 2}, ["height_m"]),
        ({"horizon": [1e9, 0]}, ["horizon.0"]),
        ({"bearing_deg": float("nan")}, ["bearing_deg"]),
        ({"region": [[0, 0]] * 21}, ["region"]),
    ],
)
def test_numbers_that_cannot_be_are_named(changes: dict[str, Any], named: list[str]) -> None:
    seen = looking(at_640())
    for name in ("pose", "keep"):
        answer = seen.ask(name, fields(**changes))
        assert not answer.good and answer.body == {"why": "unfit", "fields": named}
    assert not seen.ask("pose", None).good
    assert not seen.over.is_set()


def test_only_what_is_solved_can_be_kept() -> None:
    seen = looking(at_640())
    refused = seen.ask("keep", fields(width_m=9.0))
    assert (refused.good, refused.body, seen.kept, seen.over.is_set()) == (False, {"why": "contradicted"}, None, False)
    assert seen.ask("keep", fields()).good and seen.over.is_set() and seen.kept is not None
    other = looking(at_640())
    assert other.ask("end", None).good and other.over.is_set() and other.kept is None


# What is written ---------------------------------------------------------------------------------------------------

PLAIN = '# mine\n[device]\nid = "gate-1" # stays\n'
MEASURED = example(None, 640, 480)


def written(folder: Path, text: str, aimed: Aimed = MEASURED) -> Change:
    path = folder / "gate.toml"
    path.write_bytes(text.encode())
    return change(path, aimed, TODAY)


def read_back(made: Change) -> dict[str, Any]:
    return tomllib.loads(made.after.decode())


def test_a_section_is_added_and_every_other_byte_stays(tmp_path: Path) -> None:
    for text in (PLAIN, PLAIN + "\n\n", PLAIN.rstrip("\n"), "", PLAIN.replace("\n", "\r\n")):
        made = written(tmp_path, text)
        after = made.after.decode()
        assert after.startswith(text.rstrip()) and Aimed.model_validate(read_back(made)["aim"]) == MEASURED
        assert ("\r\n" in after) == ("\r\n" in text) and after.replace("\r\n", "").count("\r") == 0
        assert "+[aim]" in made.diff and "-" not in {line[:1] for line in made.diff.splitlines()[2:]} - {"-"} | set()


def test_a_section_is_replaced_and_its_comments_stay(tmp_path: Path) -> None:
    first = written(tmp_path, PLAIN).after.decode()
    mine = first.replace("[aim]", "[ aim ] # by hand").replace("width_m", "# with the long tape\nwidth_m")
    text = mine + "\n# about the broker\n[broker]\nport = 1\n"
    other = Aimed.model_validate(fields(width_m=1.5, range_m=9.0))
    made = written(tmp_path, text, Aimed.model_validate(fields(horizon=None, range_m=9.0)))
    after = made.after.decode()
    assert "[ aim ] # by hand" in after and "# with the long tape" in after and "horizon" not in after
    assert after.endswith("\n\n# about the broker\n[broker]\nport = 1\n") and after.count("Measured by") == 1
    assert written(tmp_path, after, other).after.decode().count("# with the long tape") == 1
    assert written(tmp_path, after, Aimed.model_validate(fields(horizon=None, range_m=9.0))).diff == ""


@pytest.mark.parametrize(
    "text",
    [
        f"aim = {{ view_deg = 1 }}\n{PLAIN}",
        f"{PLAIN}[aim]\nground = [\n  [1, 2],\n  [3, 4],\n]\nview_deg = 1\n",
        f"{PLAIN}[aim.more]\nview_deg = 1\n",
        f'{PLAIN}text = """\n[aim]\nview_deg = 1\n"""\n',
    ],
)
def test_what_is_written_otherwise_is_left_to_its_author(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"gate.toml: aim: is not written as a section of its own"):
        written(tmp_path, text)
    assert (tmp_path / "gate.toml").read_text() == text


def test_it_is_written_whole_with_its_rights_and_through_a_link(tmp_path: Path) -> None:
    made = written(tmp_path, PLAIN)
    made.path.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to("gate.toml")
    change(link, MEASURED, TODAY).write()
    assert link.is_symlink() and made.path.read_bytes() == made.after and made.path.stat().st_mode & 0o777 == 0o640
    assert sorted(each.name for each in tmp_path.iterdir()) == ["gate.toml", "link.toml"]


def test_a_file_that_was_changed_meanwhile_or_is_gone_is_left_alone(tmp_path: Path) -> None:
    made = written(tmp_path, PLAIN)
    made.path.write_text(PLAIN + "# somebody else\n")
    with pytest.raises(ConfigError, match="was changed meanwhile"):
        made.write()
    assert made.path.read_text().endswith("# somebody else\n")
    with pytest.raises(ConfigError, match=r"none.toml: No such file"):
        change(tmp_path / "none.toml", MEASURED, TODAY)


def test_what_the_policy_takes_over_is_what_it_can_read() -> None:
    solved = solve(MEASURED, 640, 480)
    assert isinstance(solved, Solved)
    place = MarkerPlace(number=7, corners=((1, 1), (9, 1), (9, 9), (1, 9)), tolerance_px=3.0)
    region = ((0.04, 0.0), (50.0, 0.0), (50.0, 60.0))
    text = for_policy(solved.pose, region, place)
    toml, _, command = text.partition("\ndoorward site edit SITE")
    taken = tomllib.loads(toml)
    assert type(solved.pose).model_validate(taken["pose"]) == solved.pose
    assert taken["attempt"]["region"] == [[0.0, 0.0], [50.0, 0.0], [50.0, 60.0]]
    assert taken["sign"]["marker"]["number"] == 7
    assert [part.partition("=")[0] for part in command.split("--set '")[1:]] == [
        "pose",
        "attempt.region",
        "sign.marker",
    ]
    assert set(taken) <= set(PolicyDocument.model_fields)
    assert "attempt" not in for_policy(solved.pose, None, None) and "sign" not in for_policy(solved.pose, None, None)


# From beginning to end ---------------------------------------------------------------------------------------------


def play(
    device: Device, script: Callable[[Visitor], None], said: list[str] | None = None, **options: Any
) -> Kept | None:
    """Aim on this thread while the script visits on another."""
    failed: list[BaseException] = []

    def visit(url: str) -> None:
        try:
            script(Visitor(url))
        except BaseException as error:
            failed.append(error)
        finally:
            time.sleep(0.2)
            if not over.is_set():
                os.kill(os.getpid(), signal.SIGTERM)

    loaded, over = config.load(device.config), threading.Event()
    report = [].append if said is None else said.append
    threads: list[threading.Thread] = []

    def ready(url: str) -> None:
        threads.append(threading.Thread(target=visit, args=(url,)))
        threads[0].start()

    former = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        parts = options.pop("parts", None) or capture_parts(loaded, report)
        return aim(loaded, parts, address="127.0.0.1", port=options.pop("port", 0), report=report, ready=ready)
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
        time.sleep(0.3)
        signal.signal(signal.SIGTERM, former)
        if failed:
            raise failed[0]


def test_a_look_is_measured_kept_and_proved(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")

    def script(visitor: Visitor) -> None:
        assert visitor.entered == 200
        until(lambda: visitor.facts()["marks"] and visitor.view(), 20, "a mark in view")
        assert looks(device) == [True], "it is in the signed ledger while it goes on"
        assert visitor.facts()["camera"] == "live"
        until(lambda: visitor.facts()["number"] > 60, 20, "some frames")
        assert visitor.ask("keep", visitor.ask("plan", {})[1]["aimed"])[0] == 200

    kept = play(device, script)
    assert kept is not None and kept.place is not None and kept.place.number == 7
    assert kept.solved.pose.height_m == pytest.approx(1.9, abs=0.1), "the example is of the policy's pose"
    assert looks(device) == [True, False]


def test_ended_by_a_signal_nothing_is_kept_and_the_end_is_noted(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")
    assert play(device, lambda visitor: None) is None
    assert looks(device) == [True, False]
    assert {each.suffix for each in device.state.rglob("*") if each.is_file()}.isdisjoint({".jpg", ".png", ".webp"})


def test_a_camera_that_fails_is_said_and_comes_back(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")
    loaded = config.load(device.config)
    real, tries = capture_parts(loaded, print), [0]

    def broken() -> Any:
        tries[0] += 1
        if tries[0] < 3:
            raise DeviceError("camera: no such device; plug it in")
        return real.open_camera()

    said: list[str] = []

    def script(visitor: Visitor) -> None:
        until(lambda: visitor.facts()["camera"] == "failing", 20, "the failure")
        assert visitor.view() is None
        until(lambda: visitor.facts()["camera"] == "live", 20, "the camera")

    parts = type(real)(open_camera=broken, open_locator=real.open_locator, open_door=real.open_door)
    play(device, script, said, parts=parts)
    assert "camera: no such device; plug it in" in said and looks(device) == [True, False]


@pytest.mark.parametrize(
    ("decided", "words"),
    [
        ({"mode": "blind", "identify": None}, r"camera: stays shut \(mode-blind\): .*; there is nothing to aim"),
        ({"place": "private-space"}, r"camera: stays shut \(place-private\): .*; there is nothing to aim"),
    ],
)
def test_where_no_camera_is_opened_none_is_aimed(tmp_path: Path, decided: dict[str, Any], words: str) -> None:
    device = gate(tmp_path / "d", **decided)
    with pytest.raises(PolicyError, match=words):
        play(device, lambda visitor: pytest.fail("it was served"))
    assert not noted(device)


def test_beside_a_running_recogniser_nothing_is_aimed(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")
    with alone(device.state), pytest.raises(ConfigError, match="in use by a running recogniser; stop it first"):
        play(device, lambda visitor: pytest.fail("it was served"))


def test_a_page_that_cannot_be_served_opens_no_camera_and_notes_nothing(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="--port"):
        play(device, lambda visitor: pytest.fail("it was served"), port=taken.getsockname()[1])
    assert not noted(device)


def test_a_carried_device_draws_zones_once_it_has_a_fix(tmp_path: Path) -> None:
    device = gate(tmp_path / "d", location={"kind": "gnss"})

    def script(visitor: Visitor) -> None:
        measured = visitor.ask("plan", {})[1]["aimed"]
        until(lambda: visitor.ask("pose", measured)[1]["zones"] != "unknown", 20, "a fix")

    play(device, script)


def test_what_is_surveyed_is_what_attesting_a_sign_reads() -> None:
    under = at_640()
    codes = Gate(under).codes(frame(0, with_mark(np.full((480, 640, 3), 120, np.uint8), 300, 200)))
    assert isinstance(codes, CodeFrame)
    [found] = survey(codes)
    seen = looking(under)
    seen.see(frame(0, with_mark(np.full((480, 640, 3), 120, np.uint8), 300, 200)))
    [told] = seen.ask("facts", None).body["marks"]
    assert np.allclose(told["corners"], found.corners, atol=0.06)
