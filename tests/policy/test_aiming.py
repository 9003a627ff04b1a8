"""The pose that is worked out is the one by which the rectangle was projected, and it knows how sure it is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.measured import Aimed
from agent.policy.aiming import (
    EYES_APART_M,
    Solved,
    Unsolved,
    example,
    focal_px,
    horizon,
    on_the_ground_m,
    reach_m,
    ring,
    solve,
)
from agent.policy.footprint import axes
from agent.policy.location import Pose
from agent.units import Point

WIDTH, HEIGHT = 640, 480


def pose(**changes: float) -> Pose:
    plain = {"height_m": 2.2, "heading_deg": 270.0, "tilt_deg": 20.0, "view_deg": 62.0, "range_m": 15.0}
    return Pose.model_validate(plain | changes)


def projected(look: Pose, east: float, north: float) -> Point | None:
    """Where a point of the ground is seen, worked out here; None: behind the camera."""
    across, down, ahead = axes(look) @ np.array((east, north, -look.height_m))
    if ahead < 0.05:
        return None
    focal = WIDTH / 2 / math.tan(math.radians(look.view_deg / 2))
    return float(focal * across / ahead + WIDTH / 2), float(focal * down / ahead + HEIGHT / 2)


def laid_out(look: Pose, near_m: float, bearing_deg: float, width_m: float, depth_m: float) -> list[Point] | None:
    """A rectangle whose near side's middle is so far ahead; None: it cannot be seen whole."""
    heading, bearing = math.radians(look.heading_deg), math.radians(bearing_deg)
    places = [
        (
            near_m * math.sin(heading) + ahead * math.sin(bearing) + right * math.cos(bearing),
            near_m * math.cos(heading) + ahead * math.cos(bearing) - right * math.sin(bearing),
        )
        for right, ahead in ((-width_m / 2, 0), (width_m / 2, 0), (width_m / 2, depth_m), (-width_m / 2, depth_m))
    ]
    seen = [projected(look, *place) for place in places]
    if any(point is None or not (0 <= point[0] <= WIDTH and 0 <= point[1] <= HEIGHT) for point in seen):
        return None
    return [point for point in seen if point is not None]


def measured(ground: list[Point], look: Pose, **changes: Any) -> Aimed:
    fields: dict[str, Any] = {
        "view_deg": look.view_deg, "range_m": look.range_m, "horizon": None, "ground": ground,
        "width_m": 1.2, "depth_m": 1.0, "bearing_deg": look.heading_deg,
    }  # fmt: skip
    return Aimed.model_validate(fields | changes)


def apart_deg(one: float, other: float) -> float:
    return abs((one - other + 180) % 360 - 180)


@settings(max_examples=40, derandomize=True)
@given(
    height=st.floats(1.0, 4.0), heading=st.floats(0, 359), tilt=st.floats(3, 60), roll=st.floats(-15, 15),
    turned=st.floats(-40, 40), near=st.floats(0.8, 4.0), noise=st.sampled_from([0.0, 1.0]), told=st.booleans(),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_the_pose_is_found_again(
    height: float, heading: float, tilt: float, roll: float, turned: float, near: float,
    noise: float, told: bool, seed: int,
) -> None:  # fmt: skip
    look = pose(height_m=height, heading_deg=heading, tilt_deg=tilt, roll_deg=roll)
    bearing = round(heading + turned, 3) % 360
    ground = laid_out(look, near, bearing, 1.2, 1.0)
    assume(ground is not None)
    assert ground is not None
    random = np.random.default_rng(seed)
    shaken = [(x + random.normal(0, noise), y + random.normal(0, noise)) for x, y in ground]
    ends = horizon(look, WIDTH, HEIGHT) if told else None
    assume(ends is None or all(abs(y) < 2000 for _, y in ends))
    found = solve(
        measured(shaken, look, bearing_deg=bearing, horizon=None if ends is None else [y for _, y in ends]),
        WIDTH, HEIGHT,
    )  # fmt: skip
    if noise and isinstance(found, Unsolved):
        assert found is Unsolved.TOO_VAGUE, "a small or far rectangle may tell too little, and says so"
        return
    assume(found is not Unsolved.TOO_VAGUE)
    assert isinstance(found, Solved)
    sure_deg, sure_m = 3 * found.pose.sigma_deg, 3 * found.pose.height_sigma_m
    exact = 0.06 if noise == 0 else math.inf
    assert apart_deg(found.pose.tilt_deg, tilt) <= min(sure_deg, exact)
    assert apart_deg(found.pose.roll_deg, roll) <= min(sure_deg, exact)
    assert apart_deg(found.pose.heading_deg, heading) <= min(sure_deg, exact)
    assert abs(found.pose.height_m - height) <= min(sure_m, exact)
    assert found.miss_px < (0.1 if noise == 0 else 6)


def test_a_camera_on_its_side_is_found_too() -> None:
    look = pose(roll_deg=90.0, tilt_deg=30.0)
    ground = laid_out(look, 2.5, 270.0, 1.2, 1.0)
    assert ground is not None
    found = solve(measured(ground, look), WIDTH, HEIGHT)
    assert isinstance(found, Solved) and found.pose.roll_deg == pytest.approx(90, abs=0.1)


@pytest.mark.parametrize(
    ("look", "near_m"),
    [
        (pose(tilt_deg=63.0, roll_deg=18.0, height_m=2.6, heading_deg=24.0), 1.37),
        (pose(tilt_deg=64.0, roll_deg=180.0, height_m=3.0, heading_deg=271.0), 1.32),
    ],
)
def test_a_camera_is_never_said_to_look_over_its_own_head(look: Pose, near_m: float) -> None:
    """The best fit of these is the same camera turned round, with a tilt of more than 90 degrees."""
    ground = laid_out(look, near_m, look.heading_deg, 1.8, 1.5)
    assert ground is not None
    found = solve(
        measured([(round(x), round(y)) for x, y in ground], look, width_m=1.8, depth_m=1.5), WIDTH, HEIGHT
    )  # fmt: skip
    assert isinstance(found, Solved)
    assert found.pose.tilt_deg == pytest.approx(look.tilt_deg, abs=0.5)
    assert apart_deg(found.pose.roll_deg, look.roll_deg) < 0.5
    assert apart_deg(found.pose.heading_deg, look.heading_deg) < 0.5


def test_nothing_is_said_to_be_surer_than_a_policy_takes_for_granted() -> None:
    look = pose()
    ground = laid_out(look, 2.5, 270.0, 1.2, 1.0)
    assert ground is not None
    found = solve(measured(ground, look, range_m=9.0), WIDTH, HEIGHT)
    assert isinstance(found, Solved)
    assert found.pose.sigma_deg >= 1.0 and found.pose.height_sigma_m >= 0.2
    assert (found.pose.range_m, found.pose.view_deg) == (9.0, 62.0)


def test_what_contradicts_itself_gives_no_pose() -> None:
    look = pose()
    ground = laid_out(look, 2.5, 270.0, 1.2, 1.0)
    assert ground is not None
    mirrored = [ground[1], ground[0], ground[3], ground[2]]
    assert solve(measured(mirrored, look), WIDTH, HEIGHT) is Unsolved.CONTRADICTED
    assert solve(measured(ground, look, width_m=4.0), WIDTH, HEIGHT) is Unsolved.CONTRADICTED
    assert solve(measured(ground, look, horizon=[460, 460]), WIDTH, HEIGHT) is Unsolved.CONTRADICTED


@pytest.mark.parametrize("ground", [[(100.0, 100.0)] * 4, [(x, 200.0) for x in (100.0, 200.0, 300.0, 400.0)]])
def test_four_corners_that_are_no_rectangle_give_no_pose(ground: list[Point]) -> None:
    assert isinstance(solve(measured(ground, pose()), WIDTH, HEIGHT), Unsolved)


def test_corners_that_no_ground_can_have_lie_above_every_horizon() -> None:
    spread = [(-9_000.0, 9_000.0), (9_000.0, 9_000.0), (9_000.0, -9_000.0), (-9_000.0, -9_000.0)]
    assert solve(measured(spread, pose()), WIDTH, HEIGHT) is Unsolved.ABOVE_HORIZON


def test_a_small_far_rectangle_is_too_vague() -> None:
    look = pose(tilt_deg=5.0)
    ground = laid_out(look, 9.0, 270.0, 0.2, 0.2)
    assert ground is not None
    assert solve(measured(ground, look, width_m=0.2, depth_m=0.2), WIDTH, HEIGHT) is Unsolved.TOO_VAGUE


def test_a_rectangle_that_reaches_to_the_horizon_is_too_vague() -> None:
    look = pose(tilt_deg=5.0, height_m=0.5, roll_deg=-30.0, view_deg=150.0)
    ground = laid_out(look, 1.0, 270.0, 1.2, 100.0)
    assert ground is not None
    assert solve(measured(ground, look, depth_m=100.0), WIDTH, HEIGHT) is Unsolved.TOO_VAGUE


def test_no_policy_says_a_height_of_a_few_centimetres() -> None:
    look = pose(tilt_deg=25.0)
    ground = laid_out(look, 2.5, 270.0, 1.2, 1.0)
    assert ground is not None
    tenth = measured(ground, look, width_m=0.12, depth_m=0.1)
    assert solve(tenth, WIDTH, HEIGHT) is Unsolved.OUT_OF_RANGE


# What is drawn -----------------------------------------------------------------------------------------------------


@settings(max_examples=30, derandomize=True)
@given(tilt=st.floats(0, 80), roll=st.floats(-60, 60), metres=st.floats(1, 30))
def test_a_ring_is_where_points_of_that_distance_are_seen(tilt: float, roll: float, metres: float) -> None:
    look = pose(tilt_deg=tilt, roll_deg=roll)
    heading = math.radians(look.heading_deg)
    straight = projected(look, metres * math.sin(heading), metres * math.cos(heading))
    line = ring(look, WIDTH, HEIGHT, metres)
    if straight is not None and 0 <= straight[0] <= WIDTH and 0 <= straight[1] <= HEIGHT:
        assert min(math.dist(straight, point) for point in line) < 0.2
    assert all(abs(x) <= 2 * WIDTH and abs(y) <= 2 * HEIGHT for x, y in line)


def test_a_ring_behind_the_edge_is_empty() -> None:
    assert ring(pose(tilt_deg=-60.0), WIDTH, HEIGHT, 5.0) == ()


def test_the_horizon_is_where_the_far_ground_goes() -> None:
    look = pose(tilt_deg=10.0, roll_deg=7.0)
    ends, far = horizon(look, WIDTH, HEIGHT), ring(look, WIDTH, HEIGHT, 100_000.0)
    assert ends is not None
    (x0, y0), (x1, y1) = ends
    for x, y in far:
        assert y == pytest.approx(y0 + (y1 - y0) * (x - x0) / (x1 - x0), abs=0.3)
    assert horizon(pose(tilt_deg=0.0, roll_deg=90.0), WIDTH, HEIGHT) is None


def test_reaches_are_those_of_a_pinhole() -> None:
    assert focal_px(90.0, 640) == pytest.approx(320)
    far = reach_m(EYES_APART_M, 32, 90.0, 640)
    assert far == pytest.approx(0.63)
    assert on_the_ground_m(0.5, 1.9) == pytest.approx(0.4)
    assert on_the_ground_m(0.25, 1.9) is None, "right below it somebody's eyes are 30 cm away"


@pytest.mark.parametrize(
    "look",
    [None, pose(), pose(tilt_deg=3.0, height_m=1.9), pose(tilt_deg=-45.0), pose(tilt_deg=85.0), pose(roll_deg=90.0)],
)
def test_the_example_is_of_the_policys_pose_where_it_sees_the_ground(look: Pose | None) -> None:
    found = solve(example(look, WIDTH, HEIGHT), WIDTH, HEIGHT)
    assert isinstance(found, Solved) and found.miss_px < 0.5
    if look is not None and look.roll_deg == 0 and 0 < look.tilt_deg < 80:
        assert (found.pose.height_m, found.pose.tilt_deg) == pytest.approx((look.height_m, look.tilt_deg), abs=0.1)
