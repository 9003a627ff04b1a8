"""What somebody who aims a camera sees: borders of print sharply, all else as blocks, whoever moves as coarse ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.policy.frames import CapturedFrame, Preview
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.policy.preview import AIM_PX, CELL_PX, Aiming, blocks
from agent.units import Polygon, Rgb
from tests.policy.given import HEIGHT, SECOND, WIDTH, captured, law, luma

RNG = np.random.default_rng(11)
MARK = ((200.0, 140.0), (260.0, 146.0), (256.0, 204.0), (198.0, 200.0))
"""Clockwise, a side of about sixty pixels."""


def noise(height: int = 480, width: int = 640) -> Rgb:
    """Detail of the finest kind everywhere: whatever is shown sharp of it is seen to be."""
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


def sharp(shown: Rgb, rgb: Rgb) -> npt.NDArray[np.bool_]:
    """(height, width): where the picture itself is shown; by chance a block may be equal to one pixel."""
    return np.asarray((shown == rgb).all(axis=2))


def still(aiming: Aiming, rgb: Rgb, marks: tuple[Polygon, ...] = ()) -> Rgb:
    """What is shown once nothing has moved for a while."""
    for second in range(5):
        shown = aiming.picture(rgb, marks, second * SECOND)
    return shown


def beside_px(xs: npt.NDArray[np.float64], ys: npt.NDArray[np.float64], mark: Polygon) -> npt.NDArray[np.float64]:
    """How far, in pixels, each place is outside of the mark (negative: inside), along the side that is nearest."""
    most = np.full(xs.shape, -np.inf)
    for (x0, y0), (x1, y1) in zip(mark, (*mark[1:], mark[0]), strict=True):
        length = float(np.hypot(x1 - x0, y1 - y0))
        most = np.maximum(most, -((x1 - x0) * (ys - y0) - (y1 - y0) * (xs - x0)) / length)
    return most


def test_nothing_but_a_marks_border_and_its_margin_is_finer_than_blocks() -> None:
    rgb = noise()
    shown = still(Aiming(), rgb, (MARK,))
    ys, xs = np.mgrid[0:480, 0:640] + 0.5
    beside = beside_px(xs, ys, MARK)
    for hidden in (beside > 60 / 12 + 1, beside < -60 / 6 - 1):
        assert (shown[hidden] == blocks(rgb, AIM_PX)[hidden]).all() and hidden.sum() > 1000
    border = (beside < 3) & (beside > -8)
    assert sharp(shown, rgb)[border].all() and border.sum() > 1500


@settings(max_examples=40, derandomize=True)
@given(
    st.floats(20, 600), st.floats(20, 440), st.floats(8, 400), st.floats(8, 400), st.floats(-0.7, 0.7),
    st.floats(-30, 30),
)  # fmt: skip
def test_along_a_marks_edge_it_is_sharp_by_modules_and_no_wider_than_a_block_whatever_its_shape(
    x: float, y: float, across: float, down: float, turned: float, skew: float
) -> None:
    square = np.array([(0, 0), (across, skew / 4), (across, down), (skew / 4, down)])
    turn = np.array([[np.cos(turned), np.sin(turned)], [-np.sin(turned), np.cos(turned)]])
    mark: Polygon = tuple((float(px), float(py)) for px, py in square @ turn + (x, y))
    rgb = noise()
    shown = still(Aiming(), rgb, (mark,))
    ys, xs = np.mgrid[0:480, 0:640] + 0.5
    shortest = min(float(np.hypot(*(np.subtract(mark[place], mark[place - 1])))) for place in range(4))
    module, beside = min(shortest / 6, AIM_PX / 1.5), beside_px(xs, ys, mark)
    for hidden in (beside > module / 2 + 1e-6, beside < -module - 1e-6):
        assert (shown[hidden] == blocks(rgb, AIM_PX)[hidden]).all()


@pytest.mark.parametrize(
    "mark",
    [
        tuple(reversed(MARK)),  # a mark that is seen from behind
        MARK[:3],
        ((np.nan, 1.0), *MARK[1:]),
        ((np.inf, 1.0), *MARK[1:]),
        (MARK[0], MARK[0], MARK[2], MARK[3]),
        (MARK[0],) * 4,
    ],
)
def test_what_is_no_mark_is_not_sharp(mark: Polygon) -> None:
    rgb = noise()
    assert (still(Aiming(), rgb, (mark,)) == blocks(rgb, AIM_PX)).all()


def test_the_first_picture_is_coarse_and_what_keeps_still_becomes_fine() -> None:
    aiming, rgb = Aiming(), noise()
    assert (aiming.picture(rgb, (), 0) == blocks(rgb, CELL_PX)).all()
    assert (aiming.picture(rgb, (), 2 * SECOND) == blocks(rgb, CELL_PX)).all()
    assert (aiming.picture(rgb, (), 4 * SECOND) == blocks(rgb, AIM_PX)).all()


def test_who_moves_is_coarse_and_so_is_all_round_them_for_a_while() -> None:
    aiming, wall = Aiming(), np.full((480, 640, 3), 90, np.uint8)
    still(aiming, wall)
    for step in range(8):
        live = wall.copy()
        live[160:320, 200 + 6 * step : 320 + 6 * step] = noise(160, 120) // 2 + 60
        live[170:180, 210 + 6 * step : 300 + 6 * step] = 250
        now_ns = (5 * 10 + step) * SECOND // 10
        shown = aiming.picture(live, (), now_ns)
    around = np.s_[120:360, 160:400]
    assert (shown[around] == blocks(live, CELL_PX)[around]).all()
    assert (aiming.picture(live, (), now_ns + 2 * SECOND)[around] == blocks(live, CELL_PX)[around]).all()
    assert (aiming.picture(live, (), now_ns + 4 * SECOND) == blocks(live, AIM_PX)).all()
    assert (aiming.picture(live, (), now_ns - SECOND)[around] == blocks(live, CELL_PX)[around]).all(), "no time before"


def test_noise_and_slow_light_do_not_make_it_coarse() -> None:
    aiming, wall = Aiming(), np.full((480, 640, 3), 90.0)
    for frame in range(60):
        live = np.clip(wall + frame * 0.3 + RNG.normal(0, 4, wall.shape), 0, 255).astype(np.uint8)
        shown = aiming.picture(live, (), frame * SECOND // 10)
    assert (shown == blocks(live, AIM_PX)).all()


def test_another_size_begins_anew() -> None:
    aiming, small = Aiming(), noise(240, 330)
    still(aiming, noise())
    assert (aiming.picture(small, (), 9 * SECOND) == blocks(small, CELL_PX)).all()


# By the gate -------------------------------------------------------------------------------------------------------


def frame(rgb: Rgb, at_ns: int = 0) -> CapturedFrame:
    return CapturedFrame(3, at_ns, rgb, luma())


def refused(answer: object) -> tuple[Ground, ...]:
    assert isinstance(answer, Refusal)
    return answer.grounds


def test_the_gate_shows_it_and_ends_the_frame() -> None:
    gate, rgb = Gate(law(mode="pass")), noise(HEIGHT, WIDTH)
    seen = frame(rgb)
    shown = gate.aim(seen, ())
    assert isinstance(shown, Preview) and shown.number == 3
    assert (shown.picture == blocks(rgb, CELL_PX)).all() and not shown.picture.flags.writeable
    for again in (gate.aim(seen, ()), gate.codes(seen)):
        assert refused(again) == (Ground.VIEW_MISMATCH,)


def test_excluded_regions_are_black_on_a_mark_too() -> None:
    corner = {"id": "window", "polygon": [[40, 0], [96, 0], [96, 72], [40, 72]], "code_readable": True}
    mark = ((20.0, 10.0), (70.0, 10.0), (70.0, 60.0), (20.0, 60.0))
    shown = Gate(law(excluded=[corner])).aim(frame(noise(HEIGHT, WIDTH) | 1), (mark,))
    assert isinstance(shown, Preview)
    assert (shown.picture[:, 41:][12:58, :28] == 0).all() and shown.picture[20:50, 20:27].any()


@pytest.mark.parametrize(
    ("changes", "ground"),
    [({"place": "private-space"}, Ground.PLACE_PRIVATE), ({"mode": "blind"}, Ground.MODE_BLIND)],
)
def test_where_the_camera_is_shut_there_is_nothing_to_see(changes: dict[str, Any], ground: Ground) -> None:
    seen = captured()
    assert refused(Gate(law(**changes)).aim(seen, ())) == (ground,)
    assert refused(Gate(law()).aim(seen, ())) == (Ground.VIEW_MISMATCH,), "the frame has ended all the same"


def test_without_a_policy_there_is_nothing_to_see() -> None:
    assert refused(Gate(None).aim(captured(), ())) == (Ground.NO_POLICY,)
