"""The guide says one thing at a time, the first obstacle first, and takes good pictures of different moments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.face.probe import ProbeLimits
from agent.gallery.guide import (
    DARK,
    FRONT_DEG,
    GAP_NS,
    HOLD_NS,
    LIMIT_NS,
    NIGHT,
    WANTED,
    Finding,
    Guide,
    Instruction,
    Pose,
)
from agent.gallery.reference import PROBES_MIN

LIMITS = ProbeLimits(inter_eye_px=40.0)
GOOD = Finding(faces=1, inter_eye_px=60.0, yaw_deg=0.0, sharpness=10.0, brightness=120.0)
NAN = float("nan")


class Capture:
    """Plays findings into a guide; each lasts for a second, which is long enough to be said."""

    def __init__(self, guide: Guide | None = None) -> None:
        self.guide = guide or Guide(LIMITS)
        self.now_ns = 0

    def see(self, finding: Finding) -> Pose | None:
        self.now_ns += GAP_NS
        return self.guide.see(finding, self.now_ns).take

    def says(self, finding: Finding) -> Instruction:
        for _ in range(3):
            step = self.guide.see(finding, self.now_ns)
            assert step.take is None
            self.now_ns += HOLD_NS
        return step.say


def facing() -> Capture:
    """A capture that has all it wants from the front."""
    capture = Capture()
    assert [capture.see(GOOD) for _ in range(3)] == [Pose.FRONT] * 3
    return capture


def test_what_is_wanted_makes_a_reference_and_most_of_it_is_frontal() -> None:
    assert sum(WANTED.values()) == PROBES_MIN
    assert WANTED[Pose.FRONT] >= 3 and WANTED[Pose.LEFT] == WANTED[Pose.RIGHT] == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"faces": 0}, Instruction.STEP_IN),
        ({"faces": 0, "brightness": NIGHT}, Instruction.STEP_IN),
        ({"faces": 0, "brightness": NIGHT - 1}, Instruction.MORE_LIGHT),
        ({"faces": 0, "brightness": NAN}, Instruction.MORE_LIGHT),
        ({"faces": 2}, Instruction.ONE_PERSON),
        ({"inter_eye_px": 39.9}, Instruction.COME_CLOSER),
        ({"inter_eye_px": NAN}, Instruction.COME_CLOSER),
        ({"brightness": DARK - 1}, Instruction.MORE_LIGHT),
        ({"brightness": NAN}, Instruction.MORE_LIGHT),
        ({"yaw_deg": 25.1}, Instruction.LOOK_HERE),
        ({"yaw_deg": -25.1}, Instruction.LOOK_HERE),
        ({"yaw_deg": NAN}, Instruction.LOOK_HERE),
        ({"sharpness": 5.9}, Instruction.HOLD_STILL),
        ({"sharpness": NAN}, Instruction.HOLD_STILL),
    ],
)
def test_each_obstacle_has_its_words_and_nothing_is_taken(changes: dict[str, Any], says: Instruction) -> None:
    assert Capture().says(replace(GOOD, **changes)) is says


def test_the_first_obstacle_is_said_first() -> None:
    worse = Finding(2, 10.0, 50.0, 0.0, 0.0)
    order = (Instruction.ONE_PERSON, Instruction.COME_CLOSER, Instruction.MORE_LIGHT, Instruction.LOOK_HERE)
    mended = ({}, {"faces": 1}, {"inter_eye_px": 60.0}, {"brightness": 120.0})
    for changes, says in zip(mended, order, strict=True):
        worse = replace(worse, **changes)
        assert Capture().says(worse) is says


def test_at_the_limits_a_picture_is_good() -> None:
    assert Capture().see(Finding(1, 40.0, FRONT_DEG, 6.0, DARK)) is Pose.FRONT


def test_three_from_the_front_and_one_from_each_side_in_any_order() -> None:
    capture = Capture()
    turned = [-15.0, 0.0, 15.0, 3.0, -3.0]
    taken = [capture.see(replace(GOOD, yaw_deg=yaw)) for yaw in turned]
    assert taken == [Pose.RIGHT, Pose.FRONT, Pose.LEFT, Pose.FRONT, Pose.FRONT]
    assert capture.guide.complete and not any(capture.guide.missing.values())
    assert capture.see(GOOD) is None, "enough is enough"


def test_what_is_taken_is_of_different_moments() -> None:
    guide = Guide(LIMITS)
    assert guide.see(GOOD, 5).take is Pose.FRONT
    assert guide.see(GOOD, 5 + GAP_NS - 1).take is None
    assert guide.see(GOOD, 5 + GAP_NS).take is Pose.FRONT


def test_then_the_head_is_turned() -> None:
    capture = facing()
    assert capture.says(GOOD) is Instruction.TURN_LEFT
    assert capture.see(replace(GOOD, yaw_deg=12.0)) is Pose.LEFT
    assert capture.says(replace(GOOD, yaw_deg=12.0)) is Instruction.TURN_RIGHT
    assert capture.see(replace(GOOD, yaw_deg=-12.0)) is Pose.RIGHT
    assert capture.guide.complete


def test_who_is_turned_the_right_way_holds_still_and_who_is_turned_first_looks_here() -> None:
    capture = facing()
    guide = capture.guide
    assert guide.see(replace(GOOD, yaw_deg=12.0), capture.now_ns + 1).say is Instruction.HOLD_STILL
    aside = Capture()
    assert aside.see(replace(GOOD, yaw_deg=12.0)) is Pose.LEFT
    assert aside.says(replace(GOOD, yaw_deg=12.0)) is Instruction.LOOK_HERE


def test_an_instruction_that_comes_and_goes_is_not_said() -> None:
    guide, nobody = Guide(LIMITS), replace(GOOD, faces=0)
    near, dark = replace(GOOD, inter_eye_px=10.0), replace(GOOD, brightness=1.0)
    assert guide.see(nobody, 0).say is Instruction.STEP_IN, "the first is said at once"
    assert guide.see(near, 10).say is Instruction.STEP_IN
    assert guide.see(dark, HOLD_NS).say is Instruction.STEP_IN, "another one counts from its own beginning"
    assert guide.see(dark, 2 * HOLD_NS - 1).say is Instruction.STEP_IN
    assert guide.see(dark, 2 * HOLD_NS).say is Instruction.MORE_LIGHT
    assert guide.see(nobody, 2 * HOLD_NS + 1).say is Instruction.MORE_LIGHT
    assert guide.see(dark, 2 * HOLD_NS + 2).say is Instruction.MORE_LIGHT
    assert guide.see(nobody, 3 * HOLD_NS + 1).say is Instruction.MORE_LIGHT, "it was interrupted"


def test_what_is_taken_back_is_wanted_again() -> None:
    capture = facing()
    capture.guide.take_back(Pose.FRONT)
    assert capture.guide.missing == {Pose.FRONT: 1, Pose.LEFT: 1, Pose.RIGHT: 1}
    assert capture.see(GOOD) is Pose.FRONT


def test_after_a_restart_all_is_wanted_and_the_time_runs_on() -> None:
    capture = facing()
    capture.guide.restart()
    assert capture.guide.missing == WANTED
    assert capture.guide.see(GOOD, capture.now_ns).take is Pose.FRONT, "no rest after what is gone"
    assert capture.guide.left_s(GAP_NS + 1_000_000_000) == LIMIT_NS / 1e9 - 1


def test_the_time_runs_from_the_first_frame_to_its_limit() -> None:
    guide = Guide(LIMITS, limit_ns=2_000_000_000)
    assert guide.left_s(7_000_000_000) == 2.0
    guide.begin(7_000_000_000)
    guide.begin(8_000_000_000)
    assert guide.left_s(8_000_000_000) == 1.0
    assert guide.left_s(20_000_000_000) == 0.0


def test_what_was_in_the_way_most_of_the_time() -> None:
    capture = Capture()
    assert capture.guide.obstacle is None
    for finding in (replace(GOOD, faces=0), replace(GOOD, brightness=1.0), replace(GOOD, brightness=1.0)):
        capture.see(finding)
    assert capture.guide.obstacle is Instruction.MORE_LIGHT


def test_a_finding_does_not_print_its_numbers() -> None:
    assert repr(GOOD).partition(" at 0x")[0] == "<agent.gallery.guide.Finding object"
