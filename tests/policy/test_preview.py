"""No picture for people shows any face, found or not, finer than eight blocks across."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.policy.preview import CELL_PX, FACE_BLOCKS, block_px, blocks, veil
from agent.units import Box, Rgb

WIDTH, HEIGHT = 640, 480
RNG = np.random.default_rng(5)
EMPTY: Rgb = np.clip(120 + 60 * np.sin(np.arange(WIDTH) / 40)[None, :, None] + np.zeros((HEIGHT, 1, 3)), 0, 255).astype(
    np.uint8
)


Cells = npt.NDArray[np.bool_]


def cells_equal(picture: Rgb, other: Rgb, side: int) -> Cells:
    """For each cell of the grid: are the pictures the same there?"""
    return whole_cells((picture == other).all(axis=2), side)


def cells_constant(picture: Rgb, side: int) -> Cells:
    """For each cell of the grid: is it one colour?"""
    height, width = picture.shape[:2]
    firsts = picture[::side, ::side].repeat(side, axis=0).repeat(side, axis=1)[:height, :width]
    return cells_equal(picture, firsts, side)


def whole_cells(mask: Cells, side: int) -> Cells:
    """For each cell of the grid: does the mask hold in all of it?"""
    rows, columns = np.arange(0, mask.shape[0], side), np.arange(0, mask.shape[1], side)
    return np.logical_and.reduceat(np.logical_and.reduceat(mask, rows, axis=0), columns, axis=1)


spots = st.tuples(
    st.integers(-40, WIDTH - 20), st.integers(-40, HEIGHT - 20), st.integers(8, 320), st.integers(1, 255), st.booleans()
)


@settings(derandomize=True, max_examples=50)
@given(st.lists(spots, max_size=5), st.integers(0, 12))
def test_every_cell_is_one_block_or_the_commissioned_picture(
    faces: list[tuple[int, int, int, int, bool]], noise: int
) -> None:
    """Textured squares of up to 320 px stand for faces; some are given as detected, some are not."""
    rng = np.random.default_rng(noise)
    live = np.clip(EMPTY + rng.integers(-noise, noise + 1, EMPTY.shape), 0, 255).astype(np.uint8)
    given_boxes = []
    touched = np.zeros((HEIGHT, WIDTH), bool)
    for x, y, side, strength, detected in faces:
        area = np.s_[max(y, 0) : max(y + side, 0), max(x, 0) : max(x + side, 0)]
        texture = (live[area] + rng.integers(0, strength + 1, live[area].shape)) % 256
        live[area] = texture
        touched[area] = True
        if detected:
            given_boxes.append(Box(x + 0.3, y + 0.3, x + side - 0.3, y + side - 0.3))
    shown = veil(live, EMPTY, given_boxes)
    assert block_px(given_boxes) == CELL_PX, "up to 320 px the usual blocks are coarse enough"
    commissioned = cells_equal(shown, EMPTY, CELL_PX)
    assert (cells_constant(shown, CELL_PX) | commissioned).all()
    hidden = cells_equal(shown, blocks(live), CELL_PX)
    for box in given_boxes:
        y0, y1, x0, x1 = (max(int(v), 0) // CELL_PX for v in (box.y0, box.y1 - 1e-9, box.x0, box.x1 - 1e-9))
        if box.x1 > 0 and box.y1 > 0:
            assert hidden[y0 : y1 + 1, x0 : x1 + 1].all(), "a detected face is hidden whether or not it differs"
    if noise == 12:
        quiet = whole_cells(~touched, CELL_PX)
        assert commissioned[quiet & ~hidden].all(), "noise alone shows nothing of the live picture"


@settings(derandomize=True, max_examples=40)
@given(st.floats(1, 900), st.floats(1, 900), st.floats(-100, 600), st.floats(-100, 400), st.lists(spots, max_size=2))
def test_no_found_face_of_any_size_is_finer_than_eight_blocks(
    width: float, height: float, x: float, y: float, others: list[tuple[int, int, int, int, bool]]
) -> None:
    boxes = [Box(x, y, x + width, y + height), *(Box(a, b, a + s, b + s) for a, b, s, _, _ in others)]
    live = RNG.integers(0, 256, EMPTY.shape, dtype=np.uint8)
    side = block_px(boxes)
    assert side * FACE_BLOCKS >= max(max(box.width, box.height) for box in boxes)
    shown = veil(live, EMPTY, boxes)
    assert (cells_constant(shown, side) | cells_equal(shown, EMPTY, side)).all()


@pytest.mark.parametrize(
    "faces, side",
    [
        ([], 40),
        ([Box(0, 0, 320, 100)], 40),
        ([Box(0, 0, 320.5, 100)], 41),
        ([Box(0, 0, 100, 328)], 41),
        ([Box(0, 0, 328.5, 10), Box(0, 0, 10, 400)], 50),
    ],
)
def test_the_largest_face_sets_the_blocks_of_the_whole_picture(faces: list[Box], side: int) -> None:
    assert block_px(faces) == side


def test_blocks_are_the_mean_of_their_pixels() -> None:
    picture = RNG.integers(0, 256, (90, 130, 3), dtype=np.uint8)
    made = blocks(picture)
    assert made.shape == picture.shape and made.dtype == np.uint8
    for y, x in ((0, 0), (40, 80), (80, 120)):
        cell = picture[y : y + 40, x : x + 40]
        assert (made[y : y + 40, x : x + 40] == cell.mean(axis=(0, 1)).astype(np.uint8)).all()


@pytest.mark.parametrize("change, hidden", [(26, False), (27, True), (-26, False), (-27, True)])
def test_one_changed_pixel_of_one_colour_hides_its_cell(change: int, hidden: bool) -> None:
    empty = np.full((80, 120, 3), 100, np.uint8)
    live = np.full_like(empty, 101)
    live[45, 90, 1] = 100 + change
    shown = veil(live, empty, [])
    expected = empty.copy()
    if hidden:
        expected[40:80, 80:120] = 101
    assert (shown[:, :, 0] == expected[:, :, 0]).all()


def test_a_face_at_the_edge_hides_the_cells_it_touches_and_no_others() -> None:
    empty = np.full((120, 120, 3), 100, np.uint8)
    live = np.full((120, 120, 3), 101, np.uint8)
    shown = veil(live, empty, [Box(-30.0, -30.0, 0.5, 40.0), Box(-50.0, -50.0, -10.0, -10.0)])
    expected = empty.copy()
    expected[0:40, 0:40] = 101
    assert (shown == expected).all()
    shown = veil(live, empty, [Box(40.0, 40.0, 80.01, 80.0)])
    expected = empty.copy()
    expected[40:80, 40:120] = 101
    assert (shown == expected).all()
