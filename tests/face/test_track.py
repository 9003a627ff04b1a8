"""Tracks follow by place and size: one visit is one track, and nothing else is compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.face.detect import Face
from agent.face.track import Tracker
from agent.policy.attempt import TrackId
from agent.units import Box

SECOND = 1_000_000_000
LEAVE_S = 2.0


def face(x: float, y: float = 100.0, width: float = 50.0) -> Face:
    """A face by its centre."""
    box = Box(x - width / 2, y - width / 2, x + width / 2, y + width / 2)
    return Face(box, np.zeros((6, 2), np.float32), 0.9)


def test_a_walk_is_one_track() -> None:
    tracker = Tracker(LEAVE_S)
    for step in range(40):
        seen = face(100 + 12 * step, 100 + step, 40 + 2 * step)
        assert tracker.update([seen], step * SECOND // 15) == {TrackId(1): seen}
    assert tracker.alive() == {TrackId(1)}


def test_a_new_face_is_a_new_track_and_numbers_are_never_used_again() -> None:
    tracker = Tracker(LEAVE_S)
    first, second = face(100), face(400)
    assert tracker.update([first], 0) == {1: first}
    assert tracker.update([second, first], 1) == {2: second, 1: first}
    assert tracker.update([], 3 * SECOND) == {}
    assert tracker.alive() == set()
    assert set(tracker.update([first], 3 * SECOND)) == {3}


def test_an_unseen_track_is_kept_until_its_time_is_over() -> None:
    tracker = Tracker(LEAVE_S)
    tracker.update([face(100)], 0)
    assert set(tracker.update([face(100)], 2 * SECOND)) == {1}
    tracker.update([], 4 * SECOND)
    assert tracker.alive() == {TrackId(1)}
    tracker.update([], 4 * SECOND + 1)
    assert tracker.alive() == set()
    assert set(tracker.update([face(100)], 4 * SECOND + 1)) == {2}


@pytest.mark.parametrize(
    "apart, seconds, same",
    [
        (39.9, 0.0, True),  # 0.8 face widths of 50 px
        (40.1, 0.0, False),
        (64.9, 0.5, True),  # and one width a second more
        (65.1, 0.5, False),
        (99.9, 1.9, True),  # never more than two
        (100.1, 1.9, False),
    ],
)
def test_how_far_a_face_may_have_moved(apart: float, seconds: float, same: bool) -> None:
    for dx, dy in ((apart, 0.0), (0.0, -apart), (apart * 0.6, apart * 0.8)):
        tracker = Tracker(LEAVE_S)
        tracker.update([face(300, 300)], 0)
        found = tracker.update([face(300 + dx, 300 + dy)], int(seconds * SECOND))
        assert (set(found) == {1}) is same


@pytest.mark.parametrize("width, same", [(79.9, True), (80.1, False), (31.3, True), (31.2, False)])
def test_a_face_of_another_size_is_another_face(width: float, same: bool) -> None:
    tracker = Tracker(LEAVE_S)
    tracker.update([face(100)], 0)
    assert (set(tracker.update([face(100, width=width)], 1)) == {1}) is same


def test_a_face_of_no_size_or_no_number_starts_a_track_of_its_own() -> None:
    tracker = Tracker(LEAVE_S)
    tracker.update([face(100, width=0.0)], 0)
    assert set(tracker.update([face(100, width=1.0)], 1)) == {1}
    assert set(tracker.update([face(float("nan"))], 2)) == {2}


def test_the_closest_pair_comes_first() -> None:
    tracker = Tracker(LEAVE_S)
    left, right = face(100), face(135)
    tracker.update([left, right], 0)
    # Both moved to the right; the left one is within reach of either track.
    moved_left, moved_right = face(116), face(151)
    assert tracker.update([moved_right, moved_left], 1) == {1: moved_left, 2: moved_right}
    tracker = Tracker(LEAVE_S)
    tracker.update([left], 0)
    nearer, farther = face(105), face(90)
    assert tracker.update([farther, nearer], 1) == {1: nearer, 2: farther}


PLACES = st.tuples(st.floats(0, 640), st.floats(0, 480), st.floats(5, 300))


@settings(derandomize=True, max_examples=80)
@given(
    st.lists(st.lists(PLACES, max_size=4), min_size=1, max_size=12),
    st.sampled_from([0.05, 0.4, 1.5]),
)
def test_every_face_gets_one_track_of_its_own(frames: list[list[tuple[float, float, float]]], step_s: float) -> None:
    tracker = Tracker(LEAVE_S)
    used: set[TrackId] = set()
    for number, places in enumerate(frames):
        faces = [face(*place) for place in places]
        found = tracker.update(faces, int(number * step_s * SECOND))
        assert sorted(map(id, found.values())) == sorted(map(id, faces))
        assert tracker.alive() >= set(found)
        new = set(found) - used
        assert all(track > max(used, default=0) for track in new)
        used |= new
