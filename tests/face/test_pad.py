"""A face is bona fide only for `judge_face`, and what a network sees of it is what is round it in the picture."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from agent.face.edges import edges
from agent.face.pad import REACH, VIEW_SIDE, BonaFide, PadView, Suspicion, judge_face, score, view
from agent.policy._mint import MINT
from agent.policy.attempt import OptIn, TrackId
from agent.policy.pad import Pad
from agent.units import Box, Rgb
from tests.face.given import frame, opted_in

RULE = Pad(label="simulated", threshold=0.5)
FACE = Box(100.0, 80.0, 160.0, 140.0)


class Sure:
    """`ports.PadDetector` that finds every face bona fide."""

    def __init__(self) -> None:
        self.views: list[PadView] = []

    def bona_fide(self, view: PadView) -> float:
        self.views.append(view)
        return 1.0


def gradient(height: int = 240, width: int = 320) -> Rgb:
    """Red says how far to the right a pixel is, green how far down."""
    made = np.zeros((height, width, 3), np.uint8)
    made[..., 0] = np.linspace(0, 255, width)[None].round()
    made[..., 1] = np.linspace(0, 255, height)[:, None].round()
    return made


def test_the_view_is_the_face_and_as_much_round_it_as_the_picture_has() -> None:
    picture = gradient()
    seen = view(picture, FACE).astype(float)
    assert seen.shape == (VIEW_SIDE, VIEW_SIDE, 3)
    half = REACH * FACE.width / 2
    left, right = ((130.0 + side * half) / 319 * 255 for side in (-1, 1))
    assert seen[64, 0, 0] == pytest.approx(left, abs=2) and seen[64, -1, 0] == pytest.approx(right, abs=2)
    low = (110.0 - half) / 239 * 255
    assert seen[0, 64, 1] == pytest.approx(low, abs=2)


@pytest.mark.parametrize(
    "box", [Box(0.0, 0.0, 60.0, 60.0), Box(260.0, 180.0, 320.0, 240.0), Box(-20.0, 100.0, 40.0, 160.0)]
)
def test_at_an_edge_nothing_is_made_up(box: Box) -> None:
    picture = np.maximum(gradient(), 1)
    assert view(picture, box).min() >= 1, "black would be from beyond the picture"


def test_a_face_larger_than_the_picture_allows_gets_the_whole_height() -> None:
    seen = view(gradient(), Box(60.0, 20.0, 260.0, 220.0))
    assert seen[0, 64, 1] <= 3 and seen[-1, 64, 1] >= 250


def test_who_is_asked_about_gets_the_proof_for_their_frame() -> None:
    detector, permitted = Sure(), frame(gradient(480, 640))
    leave = opted_in(FACE)
    shown = judge_face(permitted, leave, RULE, detector)
    assert isinstance(shown, BonaFide)
    assert (shown.track, shown.number) == (leave.track, permitted.number)
    assert np.array_equal(detector.views[0].picture, view(permitted.pixels, FACE))


def test_where_nothing_is_asked_for_nothing_is_run() -> None:
    detector, permitted = Sure(), frame(gradient(480, 640))
    assert isinstance(judge_face(permitted, opted_in(FACE), None, detector), BonaFide)
    assert detector.views == []


def test_a_leave_for_another_frame_or_no_face_is_not_judged() -> None:
    detector, permitted = Sure(), frame(gradient(480, 640))
    assert judge_face(permitted, opted_in(FACE, 9), RULE, detector) is Suspicion.NOT_JUDGED
    leave = OptIn(key=MINT, track=TrackId(1), number=permitted.number, face=None)
    assert judge_face(permitted, leave, RULE, detector) is Suspicion.NOT_JUDGED
    assert detector.views == []


@pytest.mark.parametrize("make", [lambda: BonaFide(key=None, track=1, number=1), lambda: PadView(key=None, picture=0)])  # type: ignore[arg-type]
def test_neither_proof_nor_view_can_be_made_by_hand(make: Any) -> None:
    with pytest.raises(TypeError, match="only judge_face"):
        make()


def test_neither_is_copied_pickled_extended_or_printed() -> None:
    detector, permitted = Sure(), frame(gradient(480, 640))
    shown = judge_face(permitted, opted_in(FACE), RULE, detector)
    for value in (shown, detector.views[0]):
        for act in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError):
                act(value)
        assert repr(value) == f"<{type(value).__name__}>"
    with pytest.raises(TypeError):
        type("Other", (BonaFide,), {})


def test_the_score_rises_with_the_network_and_falls_with_straight_edges() -> None:
    def at(speaks: float, straight: float) -> float:
        return score(np.array((speaks, 0.0, -50.0), np.float32), straight)

    assert 0.0 <= at(-500.0, 1.0) < at(0.0, 0.5) < at(0.0, 0.0) < at(5.0, 0.0) <= 1.0
    assert np.isnan(at(float("nan"), 0.0))


def test_a_border_has_straighter_edges_than_none_wherever_it_stands_a_little_askew() -> None:
    noise = np.random.default_rng(3)
    bare = noise.integers(90, 160, (128, 128, 3)).astype(np.uint8)
    plain = edges(bare)
    for askew in (-6, 0, 6):
        framed = bare.copy()
        rows = np.arange(128)
        for row in rows:
            shift = round(askew * (row - 64) / 64)
            framed[row, : 20 + shift] = 230
            framed[row, 108 + shift :] = 230
        for column in rows:
            shift = round(askew * (column - 64) / 64)
            framed[: 20 - shift, column] = 230
            framed[108 - shift :, column] = 230
        assert edges(framed) > plain + 1.0


def test_a_flat_view_has_no_edge() -> None:
    assert edges(np.full((128, 128, 3), 120, np.uint8)) == pytest.approx(float(np.log(0.05)))
