"""Whose a no-recognition card is: exactly one track's, or nobody's; and how long it counts."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy.attempt import Attempts, TrackId
from agent.policy.optout import HOLD_NS, OptOuts, holds, middle
from agent.units import Box, Polygon
from tests.policy.given import HEIGHT, SECOND, WIDTH, document, permitted, policy

ONE, TWO, THREE = TrackId(1), TrackId(2), TrackId(3)
FACE, OTHER = Box(100.0, 100.0, 140.0, 150.0), Box(400.0, 100.0, 440.0, 150.0)
NAN = float("nan")


def card(x: float, y: float, half: float = 10.0) -> Polygon:
    return ((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))


MINE, YOURS = card(120.0, 220.0), card(420.0, 220.0)


@pytest.mark.parametrize(
    "x, y, may",
    [
        (120.0, 125.0, True),  # before the face
        (120.0, 250.0, True),  # on the chest
        (60.0, 200.0, True),  # one face width beside it: the shoulder
        (180.0, 200.0, True),
        (59.9, 200.0, False),
        (180.1, 200.0, False),
        (120.0, 62.5, True),  # held up over the head
        (120.0, 62.4, False),
        (120.0, 300.0, True),
        (120.0, 300.1, False),
        (NAN, 200.0, False),
        (120.0, NAN, False),
    ],
)
def test_a_card_is_held_before_the_body_of_a_face(x: float, y: float, may: bool) -> None:
    assert holds(FACE, (x, y)) is may
    assert middle(card(12.0, 34.0)) == (12.0, 34.0)


@pytest.mark.parametrize("face", [Box(140.0, 100.0, 100.0, 150.0), Box(NAN, 100.0, 140.0, 150.0)])
def test_a_face_that_is_no_box_holds_no_card(face: Box) -> None:
    assert not holds(face, (120.0, 125.0))


def test_who_shows_a_card_has_opted_out_while_the_track_lives() -> None:
    outs = OptOuts()
    assert outs.observe([], {ONE: FACE, TWO: OTHER}, 0) and ONE not in outs
    assert outs.observe([MINE], {ONE: FACE, TWO: OTHER}, 1)
    assert ONE in outs and TWO not in outs
    for at in range(2, 100):
        assert outs.observe([], {ONE: FACE, TWO: OTHER}, at * SECOND)
        outs.keep([ONE, TWO])
        assert ONE in outs and TWO not in outs
    outs.keep([TWO])
    assert ONE not in outs


def test_each_card_is_its_own_holder_s() -> None:
    outs = OptOuts()
    assert outs.observe([MINE, YOURS], {ONE: FACE, TWO: OTHER}, 0)
    assert ONE in outs and TWO in outs


@pytest.mark.parametrize(
    "where, faces",
    [
        (card(120.0, 400.0), {ONE: FACE}),
        (MINE, {}),
        (MINE, {TWO: OTHER}),
        (card(170.0, 200.0), {ONE: FACE, TWO: Box(200.0, 100.0, 240.0, 150.0)}),
    ],
    ids=["too low", "no face", "another's place", "between two"],
)
def test_a_card_that_is_not_one_track_s_alone_is_loose(where: Polygon, faces: dict[TrackId, Box]) -> None:
    outs = OptOuts()
    assert not outs.observe([where], faces, 0)
    assert ONE not in outs and TWO not in outs


def test_a_loose_card_beside_one_that_is_not_leaves_that_one_as_it_is() -> None:
    outs = OptOuts()
    assert not outs.observe([card(120.0, 400.0), MINE], {ONE: FACE, TWO: OTHER}, 0)
    assert ONE in outs and TWO not in outs


def test_a_holder_whose_face_is_missed_keeps_their_place_for_two_seconds_after_the_card() -> None:
    for after_ns, kept in ((1, True), (HOLD_NS, True), (HOLD_NS + 1, False)):
        outs = OptOuts()
        outs.observe([MINE], {ONE: FACE}, 0)
        outs.keep([])  # the tracker gave them up at once; the place is kept
        assert outs.observe([MINE], {TWO: OTHER}, after_ns) is kept
        assert TWO in outs if kept else TWO not in outs, "who begins meanwhile may be the holder"


def test_a_card_seen_again_begins_the_two_seconds_anew() -> None:
    outs = OptOuts()
    outs.observe([MINE], {ONE: FACE}, 0)
    for at in range(1, 10):
        assert outs.observe([MINE], {}, at * SECOND)
        outs.keep([])
    assert outs.observe([], {}, 9 * SECOND + HOLD_NS)
    outs.keep([])
    assert ONE in outs
    assert outs.observe([], {}, 9 * SECOND + HOLD_NS + 1)
    outs.keep([])
    assert ONE not in outs


def test_a_track_that_begins_while_the_holder_is_missed_counts_as_theirs() -> None:
    outs = OptOuts()
    outs.observe([MINE], {ONE: FACE, TWO: OTHER}, 0)
    assert outs.observe([], {TWO: OTHER, THREE: Box(110.0, 90.0, 170.0, 160.0)}, HOLD_NS)
    assert THREE in outs and TWO not in outs, "who was there before is somebody else"
    outs = OptOuts()
    outs.observe([MINE], {ONE: FACE}, 0)
    outs.observe([], {ONE: FACE, THREE: OTHER}, 1)
    assert THREE not in outs, "the holder is in view"
    outs = OptOuts()
    outs.observe([MINE], {ONE: FACE}, 0)
    outs.observe([], {THREE: FACE}, HOLD_NS + 1)
    assert THREE not in outs, "the word has been given two seconds"


def test_a_card_that_several_hold_who_have_all_opted_out_disturbs_nobody() -> None:
    outs = OptOuts()
    outs.observe([MINE], {ONE: FACE, TWO: OTHER}, 0)
    near = Box(130.0, 100.0, 170.0, 150.0)
    assert outs.observe([card(140.0, 220.0)], {TWO: OTHER, THREE: near}, 1)
    assert ONE in outs and THREE in outs and TWO not in outs


def test_a_card_between_one_who_has_opted_out_and_one_who_has_not_is_loose() -> None:
    outs, near = OptOuts(), Box(200.0, 100.0, 240.0, 150.0)
    assert outs.observe([card(90.0, 220.0)], {ONE: FACE, TWO: near}, 0)
    assert not outs.observe([card(170.0, 200.0)], {ONE: FACE, TWO: near}, 1)
    assert ONE in outs and TWO not in outs


def test_a_holder_who_walks_is_missed_where_they_were_seen_last() -> None:
    outs = OptOuts()
    outs.observe([MINE], {ONE: FACE}, 0)
    outs.observe([], {ONE: OTHER}, 1)
    assert outs.observe([YOURS], {}, 2)
    assert not outs.observe([MINE], {}, 3)


def test_a_track_that_was_given_up_is_a_new_one_if_it_comes_again() -> None:
    outs = OptOuts()
    outs.observe([MINE], {ONE: FACE, TWO: OTHER}, 0)
    outs.keep([ONE])
    outs.observe([], {TWO: OTHER}, 1)
    assert TWO in outs


def test_time_that_runs_back_holds_nothing() -> None:
    outs = OptOuts()
    outs.observe([MINE], {ONE: FACE}, SECOND)
    assert not outs.observe([MINE], {}, SECOND - 1)


BOXES = st.builds(
    lambda x, y, side: Box(x, y, x + side, y + 1.2 * side), st.floats(0, 80), st.floats(0, 50), st.floats(4, 30)
)
CARDS = st.builds(card, st.floats(-5, 100), st.floats(-5, 80), st.floats(1, 6))
SCENES = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from([TrackId(n) for n in range(1, 6)]), BOXES, max_size=4),
        st.none() | st.lists(CARDS, max_size=3),
        st.integers(1, 700),
    ),
    min_size=1,
    max_size=25,
)


@given(SCENES)
def test_whatever_faces_and_cards_come_no_opted_out_track_is_let_in(
    scene: list[tuple[dict[TrackId, Box], list[Polygon] | None, int]],
) -> None:
    """The rule told once more, in other words: who was the only one who could hold a card is out for life."""
    rules = document()["attempt"] | {"region": [[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], "dwell_s": 0.3}
    attempts = Attempts(policy(attempt=rules).document.attempt)
    out, at_ns = set[TrackId](), 0
    for number, (faces, cards, ms) in enumerate(scene, 1):
        at_ns += ms * 1_000_000
        frame = permitted(number, at_ns, cards=None if cards is None else tuple(cards))
        may_be_due = attempts.due(at_ns)
        granted = attempts.observe(frame, faces)
        able = [
            {
                track
                for track, face in faces.items()
                if face.x0 - face.width <= x <= face.x1 + face.width
                and face.y0 - 0.75 * face.height <= y <= face.y1 + 3 * face.height
            }
            for x, y in (middle(each) for each in cards or ())
        ]
        out |= {track for each in able if len(each) == 1 for track in each}
        assert not granted or (cards is not None and may_be_due)
        assert not out & granted.keys()
        if any(len(each) > 1 and not all(track in attempts._opted_out for track in each) for each in able):
            assert attempts.loose
        if attempts.loose:
            assert granted == {}
            return  # the core drops the session here, and with it these attempts
        for opt_in in granted.values():
            attempts.looked(opt_in, frame)
        attempts.exhausted(at_ns)


def test_the_holder_of_a_card_among_many_is_never_let_in_on_any_of_many_walks() -> None:
    draw = random.Random(5)
    rules = document()["attempt"] | {"region": [[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], "dwell_s": 0.3}
    attempt = policy(attempt=rules).document.attempt
    for _ in range(250):
        attempts = Attempts(attempt)
        faces = {TrackId(n): Box(x, 5.0, x + 8.0, 15.0) for n, x in ((1, 4.0), (2, 36.0), (3, 70.0))}
        who, shown = TrackId(draw.randint(1, 3)), draw.randint(0, 6)
        let_in = set[TrackId]()
        for at in range(12):
            face = faces[who]
            cards = (card(face.centre[0] + draw.uniform(-8, 8), face.y1 + draw.uniform(0, 25), 2.0),)
            frame = permitted(at + 1, at * SECOND // 10, cards=cards if at == shown else ())
            granted = attempts.observe(frame, faces)
            if at >= shown:
                assert who not in granted
                let_in |= granted.keys()
        assert let_in == faces.keys() - {who}, "and everybody else is"
