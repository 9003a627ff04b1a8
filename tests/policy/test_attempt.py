"""Opting in: the region, the dwell, the three looks, the window, the leaving."""

from __future__ import annotations

from typing import Any

import pytest

from agent.policy.attempt import Attempts, MarkedSpace, OptIn, TrackId
from agent.policy.gate import Gate, Refusal
from agent.units import Box, Polygon, SubjectId
from tests.policy.given import SECOND, captured, document, here, law, permitted, policy

TENTH = SECOND // 10
INSIDE = Box(30.0, 20.0, 50.0, 45.0)
ELSEWHERE_INSIDE = Box(55.0, 20.0, 75.0, 45.0)
ACROSS = Box(15.0, 20.0, 35.0, 45.0)
OUTSIDE = Box(0.0, 20.0, 15.0, 45.0)
NAN = float("nan")
ONE, TWO = TrackId(1), TrackId(2)
ANNA, BEN = SubjectId("p-1"), SubjectId("p-2")


class Visit:
    """Plays frames into the attempts of one session; times are nanoseconds."""

    def __init__(self, **rules: Any) -> None:
        self.attempts = Attempts(policy(attempt=document()["attempt"] | rules).document.attempt)
        self.frames = 0
        self.over: list[TrackId] = []

    def see(
        self,
        at: int,
        faces: dict[TrackId, Box],
        cards: tuple[Polygon, ...] | None = (),
        renewed: dict[TrackId, frozenset[TrackId]] | None = None,
    ) -> dict[TrackId, OptIn]:
        self.frames += 1
        self.frame = permitted(self.frames, at, cards=cards)
        granted = self.attempts.observe(self.frame, faces, renewed)
        assert all(opt_in.number == self.frames and opt_in.track == track for track, opt_in in granted.items())
        assert all(opt_in.face == faces[track] for track, opt_in in granted.items())
        return granted

    def look(self, at: int, box: Box = INSIDE) -> bool:
        """See one face and, if that is granted, embed it."""
        granted = self.see(at, {ONE: box})
        for opt_in in granted.values():
            self.attempts.looked(opt_in, self.frame)
        return ONE in granted


def dwelt(**rules: Any) -> Visit:
    """A visit whose face has stood in the region for just the dwell time minus a frame."""
    visit = Visit(**rules)
    for at in range(0, 5):
        assert not visit.look(at * TENTH)
    return visit


@pytest.mark.parametrize(
    "box, inside",
    [
        (INSIDE, True),
        (Box(20.0, 10.0, 80.0, 70.0), True),  # the region itself
        (Box(19.9, 10.0, 80.0, 70.0), False),
        (Box(20.0, 10.0, 80.0, 70.1), False),
        (ACROSS, False),
        (OUTSIDE, False),
        (Box(0.0, 0.0, 96.0, 72.0), False),  # the region lies in the face
        *(
            (Box(*(float("nan") if i == bad else v for i, v in enumerate((30.0, 20.0, 50.0, 45.0)))), False)
            for bad in range(4)
        ),
        (Box(30.0, 20.0, float("inf"), 45.0), False),
        (Box(50.0, 20.0, 30.0, 45.0), False),  # inside out
        (Box(30.0, 45.0, 50.0, 20.0), False),
        (Box(30.0, 20.0, 30.0, 45.0), False),  # of no width
        (Box(30.0, 20.0, 50.0, 20.0), False),
    ],
)
def test_the_whole_face_lies_in_the_region(box: Box, inside: bool) -> None:
    visit = Visit(dwell_s=0.3)
    for at in range(3):
        assert not visit.see(at * TENTH, {ONE: box})
    assert (ONE in visit.see(3 * TENTH, {ONE: box})) is inside


def test_a_region_may_have_any_simple_shape() -> None:
    visit = Visit(dwell_s=0.3, region=[[20, 10], [80, 10], [80, 70], [60, 70], [60, 30], [20, 30]])
    corner, notch = Box(62.0, 12.0, 78.0, 60.0), Box(30.0, 12.0, 70.0, 60.0)
    visit.see(0, {ONE: corner, TWO: notch})
    assert set(visit.see(3 * TENTH, {ONE: corner, TWO: notch})) == {ONE}


def test_dwell_is_counted_to_the_nanosecond() -> None:
    visit = Visit()
    assert not visit.look(0)
    assert not visit.look(5 * TENTH - 1)
    assert visit.look(5 * TENTH)


def test_whether_a_look_may_follow_is_known_before_anybody_has_looked() -> None:
    visit = Visit()
    assert not visit.attempts.due(0), "nobody is there"
    visit = dwelt()
    assert not visit.attempts.due(5 * TENTH - 1)
    assert visit.attempts.due(5 * TENTH)
    for at in (5, 6, 7):
        assert visit.look(at * TENTH)
    assert not visit.attempts.due(8 * TENTH), "the looks are used up"


def test_stepping_out_starts_the_dwell_again() -> None:
    visit = Visit()
    visit.look(0)
    visit.look(4 * TENTH, ACROSS)
    assert not visit.look(5 * TENTH)
    assert not visit.look(10 * TENTH - 1)
    assert visit.look(10 * TENTH)


def test_a_blink_of_the_detector_does_not_but_a_longer_absence_does() -> None:
    visit = Visit()
    visit.look(0)
    visit.see(2 * TENTH - 1, {})
    assert visit.look(5 * TENTH)
    visit = Visit()
    visit.look(0)
    visit.see(2 * TENTH, {})
    assert not visit.look(5 * TENTH)


def test_on_a_frame_without_the_face_nothing_is_granted() -> None:
    visit = dwelt()
    assert visit.see(5 * TENTH, {}) == {}


def test_who_waits_stands_in_the_region_and_has_an_attempt_left() -> None:
    visit = Visit()
    faces = {ONE: Box(22.0, 15.0, 32.0, 27.0), TWO: Box(62.0, 15.0, 72.0, 27.0)}
    visit.see(0, faces | {TrackId(3): OUTSIDE})
    assert visit.attempts.waiting() == [ONE, TWO], "also while they dwell"
    visit.see(TENTH, faces, (card(27.0, 45.0),))
    assert visit.attempts.waiting() == [TWO], "who has opted out is left alone"
    visit.attempts.end(TWO, ANNA)
    assert visit.attempts.waiting() == []


def test_three_looks_are_the_end_and_leave_a_stranger() -> None:
    visit = dwelt()
    for at in (50, 51, 52):
        assert visit.attempts.exhausted(at * TENTH // 10) == []
        assert visit.look(at * TENTH // 10)
    assert not visit.look(53 * TENTH // 10)
    assert visit.attempts.exhausted(53 * TENTH // 10) == [ONE]
    assert visit.attempts.exhausted(54 * TENTH // 10) == [], "once"


@pytest.mark.parametrize("probes", [1, 2, 3])
def test_the_policy_may_allow_fewer_looks(probes: int) -> None:
    visit = dwelt(probes=probes)
    looks = sum(visit.look(5 * TENTH + at) for at in range(10))
    assert looks == probes
    assert visit.attempts.exhausted(6 * TENTH) == [ONE]


def test_the_window_ends_the_attempt_before_the_looks_are_used_up() -> None:
    visit = dwelt()
    assert visit.look(5 * TENTH)
    assert visit.attempts.exhausted(10 * TENTH - 1) == []
    assert visit.look(10 * TENTH - 1)
    assert not visit.look(10 * TENTH)
    assert visit.attempts.exhausted(10 * TENTH) == [ONE]
    assert not visit.look(11 * TENTH)


def test_the_window_starts_with_the_first_look_not_with_the_first_opt_in() -> None:
    visit = dwelt()
    for at in range(5, 30):
        assert ONE in visit.see(at * TENTH, {ONE: INSIDE}), "too blurred to be looked at, for instance"
    assert visit.attempts.exhausted(30 * TENTH) == []
    assert visit.look(30 * TENTH)


def test_walking_away_after_a_look_ends_the_attempt() -> None:
    visit = dwelt()
    visit.look(5 * TENTH)
    visit.look(6 * TENTH, ACROSS)
    assert visit.attempts.exhausted(6 * TENTH) == [ONE]


def test_walking_away_before_a_look_leaves_nothing() -> None:
    visit = dwelt()
    visit.look(5 * TENTH, ACROSS)
    assert visit.attempts.exhausted(5 * TENTH) == []
    assert visit.attempts.exhausted(50 * TENTH) == []


def test_a_match_ends_the_attempt_and_is_no_stranger() -> None:
    visit = dwelt()
    visit.look(5 * TENTH)
    visit.attempts.end(ONE, ANNA)
    for at in range(6, 60):
        assert not visit.look(at * TENTH)
        assert visit.attempts.exhausted(at * TENTH) == []


def test_who_was_recognised_before_a_door_that_stayed_shut_tries_once_more_after_standing_anew() -> None:
    visit = dwelt(probes=1)
    assert visit.look(5 * TENTH) and visit.attempts.end(ONE, ANNA)
    visit.attempts.again(BEN)
    assert not visit.look(6 * TENTH), "nobody but the one who was let in"
    visit.attempts.again(ANNA)
    assert [at for at in range(7, 30) if visit.look(at * TENTH)] == [12], "one look, after the dwell time"
    assert visit.attempts.end(ONE, ANNA), "not let in yet"
    visit.attempts.again(ANNA)
    assert not any(visit.look(at * TENTH) for at in range(30, 60)), "once in a visit"
    visit.see(62 * TENTH, {})
    visit.see(82 * TENTH, {})
    assert [at for at in range(83, 90) if visit.look(at * TENTH)] == [88], "another visit counts anew"


@pytest.mark.parametrize("how", [ACROSS, OUTSIDE, None])
def test_another_attempt_takes_two_seconds_outside(how: Box | None) -> None:
    visit = dwelt(probes=1)
    visit.look(5 * TENTH)
    visit.attempts.end(ONE, ANNA)

    def away(at: int) -> None:
        visit.see(at, {} if how is None else {ONE: how})

    # Away for too short a time, then back: not even after any dwell.
    away(10 * TENTH)
    away(30 * TENTH - 1)
    for at in range(30, 60):
        assert not visit.look(at * TENTH)
    # The second try: the time starts again, and it takes all of it.
    away(62 * TENTH)
    away(82 * TENTH)
    assert not visit.look(83 * TENTH)
    assert not visit.look(88 * TENTH - 1)
    assert visit.look(88 * TENTH)
    assert visit.attempts.exhausted(88 * TENTH) == [ONE], "a new attempt, counted anew"


def test_time_away_is_not_added_up_over_visits() -> None:
    visit = dwelt(probes=1)
    visit.look(5 * TENTH)
    visit.attempts.end(ONE, ANNA)
    at = 10 * TENTH
    for _ in range(5):
        visit.look(at, ACROSS)
        visit.look(at + 19 * TENTH, ACROSS)
        at += 20 * TENTH
        assert not visit.look(at)
        at += TENTH
    assert not visit.look(at + 20 * TENTH)


def test_a_new_attempt_has_its_own_looks_and_window() -> None:
    visit = dwelt()
    for at in (5, 6, 7):
        assert visit.look(at * TENTH)
    assert visit.attempts.exhausted(7 * TENTH) == [ONE]
    visit.look(10 * TENTH, OUTSIDE)
    visit.look(30 * TENTH, OUTSIDE)
    assert not visit.look(31 * TENTH)
    assert [visit.look(at * TENTH) for at in (36, 37, 38, 39)] == [True, True, True, False]


def test_tracks_are_judged_each_for_itself() -> None:
    visit = Visit()
    visit.see(0, {ONE: INSIDE})
    visit.see(3 * TENTH, {ONE: INSIDE, TWO: ELSEWHERE_INSIDE})
    assert set(visit.see(5 * TENTH, {ONE: INSIDE, TWO: ELSEWHERE_INSIDE})) == {ONE}
    visit.attempts.end(ONE, ANNA)
    assert set(visit.see(8 * TENTH, {ONE: INSIDE, TWO: ELSEWHERE_INSIDE})) == {TWO}


def test_a_track_that_is_given_up_is_forgotten() -> None:
    visit = dwelt()
    visit.look(5 * TENTH)
    visit.attempts.keep([TWO])
    assert visit.attempts.exhausted(60 * TENTH) == []
    assert not visit.look(6 * TENTH), "it starts its dwell like any other"
    visit.attempts.keep([ONE])
    assert visit.look(11 * TENTH)


def card(x: float, y: float, half: float = 3.0) -> Polygon:
    return ((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))


def test_on_a_frame_that_was_not_searched_for_cards_nobody_is_let_in() -> None:
    visit = dwelt()
    assert visit.see(5 * TENTH, {ONE: INSIDE}, None) == {} and not visit.attempts.loose
    assert ONE in visit.see(6 * TENTH, {ONE: INSIDE}), "its dwell goes on"


def test_who_shows_a_card_is_never_let_in_again_and_who_stands_beside_is() -> None:
    visit = Visit(dwell_s=0.3)
    faces = {ONE: Box(22.0, 15.0, 32.0, 27.0), TWO: Box(62.0, 15.0, 72.0, 27.0)}
    for at in range(3):
        visit.see(at * TENTH, faces)
    assert visit.attempts.due(3 * TENTH)
    assert set(visit.see(3 * TENTH, faces, (card(27.0, 45.0),))) == {TWO}
    for at in range(4, 60):
        assert set(visit.see(at * TENTH, faces)) == {TWO}, "the card is down, the word holds"
    visit.attempts.end(TWO, ANNA)
    assert not visit.attempts.due(60 * TENTH), "nobody is left to be looked at"
    assert not visit.attempts.loose


@pytest.mark.parametrize("where", [card(47.0, 45.0), card(90.0, 5.0)], ids=["between two", "nobody's"])
def test_a_loose_card_lets_nobody_in(where: Polygon) -> None:
    visit = Visit(dwell_s=0.3)
    faces = {ONE: Box(32.0, 15.0, 44.0, 27.0), TWO: Box(52.0, 15.0, 62.0, 27.0)}
    for at in range(3):
        visit.see(at * TENTH, faces)
    assert visit.see(3 * TENTH, faces, (where,)) == {} and visit.attempts.loose
    visit.see(4 * TENTH, faces)
    assert not visit.attempts.loose, "of the latest frame"


def test_a_card_shown_after_a_look_ends_the_attempt_as_a_stranger_s() -> None:
    visit = dwelt()
    assert visit.look(5 * TENTH)
    assert visit.see(6 * TENTH, {ONE: INSIDE}, (card(40.0, 60.0),)) == {}
    assert visit.attempts.exhausted(6 * TENTH) == []
    assert visit.attempts.exhausted(10 * TENTH) == [ONE], "a look that was is written down"


def test_a_track_that_is_given_up_takes_its_word_with_it() -> None:
    visit = Visit(dwell_s=0.3)
    visit.see(0, {ONE: INSIDE}, (card(40.0, 60.0),))
    visit.see(25 * TENTH, {})
    visit.attempts.keep([])
    for at in range(26, 29):
        visit.see(at * TENTH, {ONE: INSIDE})
    assert ONE in visit.see(29 * TENTH, {ONE: INSIDE})


THREE, FOUR = TrackId(3), TrackId(4)
BOTH = {ONE: INSIDE, TWO: ELSEWHERE_INSIDE}
CROSSED = {THREE: frozenset({ONE, TWO}), FOUR: frozenset({ONE, TWO})}
AFTER = {THREE: INSIDE, FOUR: ELSEWHERE_INSIDE}


def crossing(visit: Visit, at: int, cards: tuple[Polygon, ...] | None = ()) -> dict[TrackId, OptIn]:
    """A frame on which it cannot be told any more who is who of the two; what is given up is forgotten."""
    granted = visit.see(at, AFTER, cards, CROSSED)
    visit.over = visit.attempts.exhausted(at)
    visit.attempts.keep([THREE, FOUR])
    return granted


class TestCrossing:
    def test_both_stand_for_the_dwell_time_again(self) -> None:
        visit = Visit()
        visit.see(0, BOTH)
        assert crossing(visit, 4 * TENTH) == {} and visit.over == []
        assert visit.see(9 * TENTH - 1, AFTER) == {}
        assert set(visit.see(9 * TENTH, AFTER)) == {THREE, FOUR}

    def test_an_attempt_that_was_begun_ends_as_a_stranger_s_on_that_frame(self) -> None:
        visit = Visit()
        visit.see(0, BOTH)
        granted = visit.see(5 * TENTH, BOTH)
        visit.attempts.looked(granted[ONE], visit.frame)
        crossing(visit, 6 * TENTH)
        assert visit.over == [ONE]
        assert visit.attempts.exhausted(7 * TENTH) == []
        assert set(visit.see(11 * TENTH, AFTER)) == {THREE, FOUR}, "both may try, once more in all"

    def test_who_was_let_in_is_not_let_in_again_and_the_other_is(self) -> None:
        visit = Visit()
        visit.see(0, BOTH)
        visit.see(5 * TENTH, BOTH)
        assert visit.attempts.end(ONE, ANNA)
        crossing(visit, 6 * TENTH)
        assert visit.over == []
        assert set(visit.see(11 * TENTH, AFTER)) == {THREE, FOUR}
        assert not visit.attempts.end(FOUR, ANNA)
        assert visit.attempts.end(THREE, BEN)

    def test_by_crossing_again_and_again_nobody_gets_more_than_one_attempt_more(self) -> None:
        visit = Visit(probes=1)
        visit.look(0)
        at, track, begun = 0, ONE, 0
        for number in range(2, 8):
            for _ in range(6):
                at += TENTH
                granted = visit.see(at, {track: INSIDE})
                if track in granted:
                    visit.attempts.looked(granted[track], visit.frame)
                    begun += 1
                visit.attempts.exhausted(at)
            visit.see(at, {TrackId(number): INSIDE}, (), {TrackId(number): frozenset({track})})
            track = TrackId(number)
            visit.attempts.keep([track])
        assert begun == 2
        for step in range(30):
            visit.see(at + step * TENTH, {track: OUTSIDE})
        at += 30 * TENTH
        visit.see(at, {track: INSIDE})
        assert track in visit.see(at + 5 * TENTH, {track: INSIDE}), "after the time away as at first"

    def test_an_attempt_that_is_broken_off_after_a_look_counts_like_one_that_ended(self) -> None:
        visit, at, track, begun = Visit(), 0, ONE, 0
        for number in range(2, 8):
            for _ in range(6):
                granted = visit.see(at, {track: INSIDE})
                at += TENTH
            if track in granted:
                visit.attempts.looked(granted[track], visit.frame)
                begun += 1
            visit.see(at, {TrackId(number): INSIDE}, (), {TrackId(number): frozenset({track})})
            track = TrackId(number)
        assert begun == 2

    def test_after_the_time_away_the_same_person_is_let_in_again(self) -> None:
        visit = Visit()
        visit.look(0)
        visit.attempts.end(ONE, ANNA)
        visit.see(TENTH, {TWO: INSIDE}, (), {TWO: frozenset({ONE})})
        assert not visit.attempts.end(TWO, ANNA)
        visit.see(2 * TENTH, {TWO: OUTSIDE})
        visit.see(22 * TENTH, {TWO: OUTSIDE})
        assert visit.attempts.end(TWO, ANNA)

    def test_if_one_of_two_has_opted_out_nobody_is_looked_at(self) -> None:
        visit = Visit(dwell_s=0.3)
        faces = {ONE: Box(22.0, 15.0, 32.0, 27.0), TWO: Box(62.0, 15.0, 72.0, 27.0)}
        visit.see(0, faces, (card(27.0, 45.0),))
        later = 30 * TENTH  # the card is long down
        visit.see(later, faces)
        visit.see(later + TENTH, {THREE: faces[ONE], FOUR: faces[TWO]}, (), CROSSED)
        visit.attempts.keep([THREE, FOUR])
        for at in range(2, 20):
            assert visit.see(later + at * TENTH, {THREE: faces[ONE], FOUR: faces[TWO]}) == {}

    def test_a_newcomer_during_it_is_not_taken_for_the_one_who_opted_out(self) -> None:
        visit = Visit(dwell_s=0.3)
        faces = {ONE: Box(22.0, 15.0, 32.0, 27.0)}
        visit.see(0, faces, (card(27.0, 45.0),))
        visit.see(TENTH, {THREE: faces[ONE]}, (), {THREE: frozenset({ONE})})
        newcomer = {THREE: faces[ONE], FOUR: Box(62.0, 15.0, 72.0, 27.0)}
        for at in range(2, 5):
            visit.see(at * TENTH, newcomer)
        assert set(visit.see(5 * TENTH, newcomer)) == {FOUR}

    def test_former_tracks_that_nobody_knows_take_nothing_over(self) -> None:
        visit = Visit()
        visit.see(0, {ONE: INSIDE}, (), {ONE: frozenset({FOUR})})
        assert set(visit.see(5 * TENTH, {ONE: INSIDE})) == {ONE}


class Agreed:
    """Implements `gate.ConsentInForce`: always."""

    def in_force(self, **_: object) -> bool:
        return True


def test_in_an_enrolment_the_region_counts_and_the_attempt_s_bounds_do_not() -> None:
    found = Gate(law()).enrol_here(captured(7, 0), here(), Agreed())
    assert not isinstance(found, Refusal)
    frame, space = found
    for _ in range(5):
        opt_in = space.opt_in(INSIDE)
        assert opt_in is not None and (opt_in.number, opt_in.face) == (frame.number, INSIDE)
    assert [space.opt_in(box) for box in (ACROSS, OUTSIDE, Box(NAN, 20.0, 50.0, 45.0))] == [None] * 3


def test_only_the_gate_opens_the_marked_space_for_an_enrolment() -> None:
    with pytest.raises(TypeError):
        MarkedSpace(key=object(), rules=policy().document.attempt, number=1)  # type: ignore[arg-type]
