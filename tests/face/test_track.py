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


class TestMotion:
    def test_a_walk_goes_on_through_a_gap_in_which_a_face_that_stands_would_be_lost(self) -> None:
        tracker = Tracker(LEAVE_S)
        for step in range(8):
            tracker.update([face(100 + 30 * step)], step * SECOND // 15)
        tracker.update([], 9 * SECOND // 15)
        assert set(tracker.update([face(100 + 30 * 13)], 13 * SECOND // 15)) == {1}
        assert tracker.unsure == set()

    def test_who_stops_in_a_gap_is_the_same(self) -> None:
        tracker = Tracker(LEAVE_S)
        for step in range(8):
            tracker.update([face(100 + 30 * step)], step * SECOND // 15)
        assert set(tracker.update([face(315)], 12 * SECOND // 15)) == {1}
        assert tracker.unsure == {1}, "but it is not where it was expected"

    def test_after_half_a_second_the_speed_says_nothing_more(self) -> None:
        tracker = Tracker(LEAVE_S)
        for step in range(3):
            tracker.update([face(100 + 10 * step)], step * SECOND // 10)
        assert set(tracker.update([face(120)], SECOND)) == {1}
        assert tracker.unsure == {1}
        assert set(tracker.update([face(120)], SECOND + SECOND // 15)) == {1}
        assert tracker.unsure == set()

    @pytest.mark.parametrize("gap_ns, apart, sure", [
        (150_000_000, 39.0, True), (150_000_001, 39.0, False), (150_000_001, 20.0, True), (500_000_000, 0.0, True),
        (500_000_001, 0.0, False),
    ])  # fmt: skip
    def test_when_a_face_that_was_missed_is_surely_the_same(self, gap_ns: int, apart: float, sure: bool) -> None:
        tracker = Tracker(LEAVE_S)
        tracker.update([face(100)], 0)
        assert set(tracker.update([face(100 + apart)], gap_ns)) == {1}
        assert (tracker.unsure == set()) is sure


class TestWhoIsWho:
    def test_two_who_cross_before_one_another_go_on_under_new_numbers(self) -> None:
        tracker = Tracker(LEAVE_S)
        names: dict[TrackId, frozenset[TrackId]] = {}
        seen: list[set[TrackId]] = []
        for step in range(30):
            left, right = face(100 + 8 * step), face(340 - 8 * step, 102)
            # Whoever is behind is hidden while the two overlap.
            faces = [left, right] if abs(left.box.centre[0] - right.box.centre[0]) > 30 else [left]
            seen.append(set(tracker.update(faces, step * SECOND // 15)))
            names |= tracker.renewed
        assert seen[0] == {1, 2} and len(seen[-1]) == 2
        assert seen[-1].isdisjoint({1, 2})

        def former(track: TrackId) -> set[TrackId]:
            return {track}.union(*(former(each) for each in names.get(track, ())))

        assert all(former(track) >= {1, 2} for track in seen[-1]), "each may be either"

    def test_two_who_pass_far_before_and_behind_one_another_keep_theirs(self) -> None:
        tracker = Tracker(LEAVE_S)
        for step in range(30):
            near, far = face(100 + 8 * step, 120, 90), face(340 - 8 * step, 100, 40)
            found = tracker.update([near, far], step * SECOND // 15)
            assert found == {1: near, 2: far} and not tracker.renewed

    def test_two_side_by_side_are_two(self) -> None:
        tracker = Tracker(LEAVE_S)
        for step in range(30):
            faces = [face(100 + 3 * step), face(165 + 3 * step)]
            assert set(tracker.update(faces, step * SECOND // 15)) == {1, 2}
            assert not tracker.renewed

    def test_a_face_that_comes_out_as_near_as_the_one_that_is_followed_makes_both_new(self) -> None:
        tracker = Tracker(LEAVE_S)
        tracker.update([face(100)], 0)
        one, other = face(107), face(93)
        assert tracker.update([one, other], SECOND // 15) == {2: one, 3: other}
        assert tracker.renewed == {2: {1}, 3: {1}}
        assert tracker.alive() == {2, 3}

    def test_a_face_that_could_be_one_of_two_leaves_the_other_alive(self) -> None:
        tracker = Tracker(LEAVE_S)
        tracker.update([face(100), face(125)], 0)
        found = tracker.update([face(112)], SECOND // 15)
        assert len(found) == 1 and tracker.alive() == {3, 4}
        assert tracker.renewed == {3: {1, 2}, 4: {1, 2}}

    def test_who_was_missed_for_longer_than_half_a_second_is_no_longer_mistaken_for_anybody(self) -> None:
        tracker = Tracker(LEAVE_S)
        tracker.update([face(100), face(125)], 0)
        assert set(tracker.update([face(113)], SECOND // 2 + 1)) == {2} and not tracker.renewed


PLACES = st.tuples(st.floats(0, 640), st.floats(0, 480), st.floats(5, 300))


@settings(derandomize=True, max_examples=80)
@given(
    st.lists(st.lists(PLACES, max_size=4), min_size=1, max_size=12),
    st.sampled_from([0.05, 0.4, 1.5]),
)
def test_every_face_gets_one_track_of_its_own(frames: list[list[tuple[float, float, float]]], step_s: float) -> None:
    tracker = Tracker(LEAVE_S)
    gone: set[TrackId] = set()
    alive: frozenset[TrackId] = frozenset()
    for number, places in enumerate(frames):
        faces = [face(*place) for place in places]
        found = tracker.update(faces, int(number * step_s * SECOND))
        assert sorted(map(id, found.values())) == sorted(map(id, faces))
        assert tracker.alive() >= set(found)
        gone |= alive - tracker.alive()
        alive = tracker.alive()
        assert gone.isdisjoint(found) and gone.isdisjoint(alive), "a number is never used again"
        assert set(tracker.renewed) <= alive and tracker.unsure.isdisjoint(tracker.renewed)
