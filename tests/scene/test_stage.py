"""Geometry and motion of a scene."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.scene import stage
from agent.scene.scene import load

SCENE = load(Path(__file__).resolve().parents[2] / "scenes" / "front-gate.toml")

rows_strategy = st.lists(
    st.tuples(st.floats(0.1, 5), st.floats(-300, 900), st.floats(6, 90)), min_size=2, max_size=6
).map(lambda steps: tuple((sum(s[0] for s in steps[: i + 1]), *steps[i][1:]) for i in range(len(steps))))


@given(rows_strategy, st.floats(-1, 40))
def test_motion_stays_between_its_way_points(rows: tuple[tuple[float, ...], ...], t: float) -> None:
    place = stage.smooth(rows, t)
    before = [row for row in rows if row[0] <= t] or [rows[0]]
    after = [row for row in rows if row[0] > t] or [rows[-1]]
    for column, value in enumerate(place, start=1):
        low, high = sorted((before[-1][column], after[0][column]))
        assert low - 1e-6 <= value <= high + 1e-6


@given(rows_strategy)
def test_motion_passes_through_its_way_points(rows: tuple[tuple[float, ...], ...]) -> None:
    for row in rows:
        assert stage.smooth(rows, row[0]) == pytest.approx(row[1:])
        assert stage.linear(rows, row[0]) == pytest.approx(row[1:])


def test_nobody_jumps() -> None:
    script = SCENE.script
    before: dict[int, stage.Pose] = {}
    for number in range(script.frames):
        now = {pose.actor: pose for pose in stage.poses(script, stage.frame_time(script, number))}
        for index in now.keys() & before.keys():
            moved = math.dist((now[index].x, now[index].y), (before[index].x, before[index].y))
            assert moved < 0.6 * now[index].eyes_px, (number, index)
            assert now[index].eyes_px / before[index].eyes_px == pytest.approx(1, abs=0.12)
        before = now


def test_the_eyes_of_a_sprite_land_where_the_pose_says() -> None:
    for pose in stage.poses(SCENE.script, 38.6):
        sprite = SCENE.cast.sprites[pose.sprite]
        matrix = stage.placement(sprite, pose)
        left, right = (matrix @ np.array([x, y, 1.0]) for x, y in sprite.eyes)
        assert (left + right) / 2 == pytest.approx([pose.x, pose.y])
        assert math.dist(left, right) == pytest.approx(pose.eyes_px)


def test_far_people_are_painted_first() -> None:
    order = [pose.layer for pose in stage.poses(SCENE.script, 20.5)]
    assert order == ["street", "path"]


def test_the_cover_is_off_or_on_but_for_one_frame() -> None:
    script = SCENE.script
    states = [stage.covering(script, stage.frame_time(script, number)) for number in range(script.frames)]
    assert states[614] == 0 and states[617] == 1 and states[779] == 1 and states[782] == 0
    assert sum(0 < state < 1 for state in states) == 2


def test_a_fix_is_never_from_the_future() -> None:
    for t in np.linspace(0, 90, 400):
        taken, lat, lon, sigma = stage.position(SCENE.script, float(t))
        assert t - 0.2 - 1e-6 <= taken <= t + 1e-6
        assert (lat, sigma) == (52.0, 1.2) and 10.0 <= lon <= 10.00053
