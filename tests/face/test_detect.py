"""The detector's numbers become faces at their right places, whatever the picture's size, and each face once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.face.detect import GRID_SIDE, INPUT_SIDE, LANDMARKS, Face, Finder, Floats, Letterbox, decode, logit
from agent.units import Box, Rgb

CELL = INPUT_SIDE / GRID_SIDE
WHOLE = Letterbox.of(INPUT_SIDE, INPUT_SIDE)
Tensors = tuple[Floats, Floats, Floats]


class Grid:
    """Raw tensors in which a face is written cell by cell, in pixels of the detector's input."""

    def __init__(self) -> None:
        self.logits = np.full((GRID_SIDE, GRID_SIDE), -10.0, np.float32)
        self.sizes = np.zeros((GRID_SIDE, GRID_SIDE, 2), np.float32)
        self.offsets = np.zeros((GRID_SIDE, GRID_SIDE, 2 * (1 + LANDMARKS)), np.float32)

    def put(self, cell: tuple[int, int], box: Box, landmarks: Floats, score: float) -> None:
        column, row = cell
        middle = np.array(((column + 0.5) * CELL, (row + 0.5) * CELL), np.float32)
        self.logits[row, column] = logit(score)
        self.sizes[row, column] = box.width, box.height
        self.offsets[row, column] = (np.vstack((box.centre, landmarks)) - middle).reshape(-1)

    def faces(self, letterbox: Letterbox = WHOLE, score_min: float = 0.5) -> tuple[Face, ...]:
        return decode(self.logits, self.sizes, self.offsets, letterbox, score_min)

    def infer(self, square: Rgb) -> tuple[Floats, ...]:
        return self.logits[..., None], self.sizes, self.offsets


def landmarks(box: Box) -> Floats:
    """Six places inside the box."""
    shares = np.array(((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.5, 0.8), (0.05, 0.45), (0.95, 0.45)), np.float32)
    return (shares * (box.width, box.height) + (box.x0, box.y0)).astype(np.float32)


def close(found: Box, expected: Box, within: float = 1e-3) -> bool:
    return all(abs(getattr(found, side) - getattr(expected, side)) <= within for side in ("x0", "y0", "x1", "y1"))


class TestLetterbox:
    @settings(derandomize=True, max_examples=100)
    @given(st.integers(1, 4000), st.integers(1, 4000))
    def test_the_picture_lies_whole_in_the_middle_and_keeps_its_shape(self, height: int, width: int) -> None:
        box = Letterbox.of(height, width)
        assert max(box.width, box.height) == INPUT_SIDE and min(box.width, box.height) >= 1
        assert box.left >= 0 and box.top >= 0
        assert abs(INPUT_SIDE - box.width - 2 * box.left) <= 1 and abs(INPUT_SIDE - box.height - 2 * box.top) <= 1
        assert abs(box.width - width * box.scale) <= 1 and abs(box.height - height * box.scale) <= 1

    @settings(derandomize=True, max_examples=60)
    @given(st.integers(20, 2000), st.integers(20, 2000), st.floats(0, 1), st.floats(0, 1))
    def test_points_come_back_to_where_they_were(self, height: int, width: int, across: float, down: float) -> None:
        box = Letterbox.of(height, width)
        point = np.array(((across * width, down * height),), np.float32)
        placed = point * np.float32(box.scale) + np.array((box.left, box.top), np.float32)
        np.testing.assert_allclose(box.back(placed), point, atol=max(height, width) * 1e-4)

    @pytest.mark.parametrize("size", [(480, 640), (640, 480), (192, 192), (100, 50), (1080, 1920), (7, 300)])
    def test_it_is_filled_with_the_picture_and_nothing_else_is_touched(self, size: tuple[int, int]) -> None:
        height, width = size
        picture = np.empty((height, width, 3), np.uint8)
        picture[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
        picture[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
        picture[..., 2] = 200
        box = Letterbox.of(height, width)
        square = np.full((INPUT_SIDE, INPUT_SIDE, 3), 7, np.uint8)
        box.fill(picture, square)
        inner = square[box.top : box.top + box.height, box.left : box.left + box.width]
        assert (inner[..., 2] == 200).all()
        if box.width > 20:
            assert abs(int(inner[:, box.width // 2, 0].mean()) - 127) < 8
        if box.height > 20:
            assert abs(int(inner[box.height // 2, :, 1].mean()) - 127) < 8
        square[box.top : box.top + box.height, box.left : box.left + box.width] = 7
        assert (square == 7).all()


class TestDecode:
    @settings(derandomize=True, max_examples=100)
    @given(
        st.tuples(st.integers(0, GRID_SIDE - 1), st.integers(0, GRID_SIDE - 1)),
        st.tuples(st.floats(-50, 150), st.floats(-50, 150), st.floats(2, 170), st.floats(2, 170)),
        st.floats(0.51, 0.999),
        st.tuples(st.integers(100, 2000), st.integers(100, 2000)),
    )
    def test_a_face_comes_back_where_it_was_put(
        self, cell: tuple[int, int], place: tuple[float, ...], score: float, size: tuple[int, int]
    ) -> None:
        left, top, width, height = place
        box = Box(left, top, left + width, top + height)
        grid = Grid()
        grid.put(cell, box, landmarks(box), score)
        letterbox = Letterbox.of(*size)
        (face,) = grid.faces(letterbox)
        (x0, y0), (x1, y1) = letterbox.back(np.array(((box.x0, box.y0), (box.x1, box.y1)), np.float32)).tolist()
        tolerance = 2e-3 / letterbox.scale
        assert close(face.box, Box(x0, y0, x1, y1), tolerance)
        np.testing.assert_allclose(face.landmarks, letterbox.back(landmarks(box)), atol=tolerance)
        assert face.score == pytest.approx(score, abs=1e-4)

    def test_the_least_score_is_the_limit(self) -> None:
        box = Box(50, 50, 90, 90)
        for score, found in ((0.499, 0), (0.501, 1)):
            grid = Grid()
            grid.put((12, 12), box, landmarks(box), score)
            assert len(grid.faces()) == found
        grid = Grid()
        grid.put((12, 12), box, landmarks(box), 0.7)
        assert (len(grid.faces(score_min=0.69)), len(grid.faces(score_min=0.71))) == (1, 0)

    def test_an_empty_picture_has_no_face(self) -> None:
        assert Grid().faces() == ()

    def test_what_overlaps_is_one_face_at_the_weighted_middle(self) -> None:
        grid = Grid()
        first, second = Box(40, 40, 80, 80), Box(44, 42, 84, 82)
        grid.put((14, 14), first, landmarks(first), 0.9)
        grid.put((15, 15), second, landmarks(second), 0.6)
        (face,) = grid.faces()
        share = 0.6 / 1.5
        assert close(face.box, Box(40 + 4 * share, 40 + 2 * share, 80 + 4 * share, 80 + 2 * share), 0.01)
        expected = landmarks(first) * (1 - share) + landmarks(second) * share
        np.testing.assert_allclose(face.landmarks, expected, atol=0.01)
        assert face.score == pytest.approx(0.9, abs=1e-4)

    def test_people_side_by_side_stay_apart_and_the_best_comes_first(self) -> None:
        grid = Grid()
        boxes = [Box(10, 60, 50, 100), Box(48, 60, 88, 100), Box(120, 20, 180, 80)]
        for box, score in zip(boxes, (0.6, 0.95, 0.8), strict=True):
            column, row = (int(value / CELL) for value in box.centre)
            grid.put((column, row), box, landmarks(box), score)
        found = grid.faces()
        assert [round(face.score, 2) for face in found] == [0.95, 0.8, 0.6]
        for face, box in zip(found, (boxes[1], boxes[2], boxes[0]), strict=True):
            assert close(face.box, box, 0.01)

    @pytest.mark.parametrize("moved, faces", [(21, 1), (22, 2)])
    def test_more_than_three_tenths_of_overlap_is_the_same_face(self, moved: int, faces: int) -> None:
        # Squares of side 40 moved by d share (40 - d) / (40 + d) of their union.
        grid = Grid()
        for number, left in enumerate((40, 40 + moved)):
            box = Box(left, 40, left + 40, 80)
            grid.put((14 + number, 14), box, landmarks(box), 0.9 - 0.1 * number)
        assert len(grid.faces()) == faces

    def test_a_box_without_area_is_a_face_of_its_own_and_ends(self) -> None:
        grid = Grid()
        for column in range(3):
            box = Box(50, 50, 50, 50)
            grid.put((column, 5), box, np.full((LANDMARKS, 2), 50, np.float32), 0.9)
        assert len(grid.faces()) == 3

    def test_every_cell_at_once_ends_too(self) -> None:
        grid = Grid()
        grid.logits[:] = 3.0
        grid.sizes[:] = 30.0
        found = grid.faces()
        assert 1 < len(found) < GRID_SIDE**2
        boxes = [face.box for face in found]
        assert all(box.width == pytest.approx(30, abs=0.01) for box in boxes)

    def test_nothing_personal_shows(self) -> None:
        box = Box(40, 40, 80, 80)
        grid = Grid()
        grid.put((14, 14), box, landmarks(box), 0.9)
        (face,), (again,) = grid.faces(), grid.faces()
        assert repr(face) == str(face) == "Face()"
        assert face == face and face != again


class TestFinder:
    def shown(self, taken: list[Rgb]) -> Callable[[Rgb], Tensors]:
        grid = Grid()
        box = Box(80, 80, 120, 120)
        grid.put((24, 24), box, landmarks(box), 0.9)

        def infer(square: Rgb) -> Tensors:
            taken.append(square.copy())
            return grid.logits[..., None], grid.sizes, grid.offsets

        return infer

    def test_faces_are_placed_in_the_picture_that_was_given(self) -> None:
        finder = Finder(self.shown([]))
        (face,) = finder.find(np.zeros((480, 640, 3), np.uint8))
        scale = 640 / INPUT_SIDE
        assert close(face.box, Box(80 * scale, (80 - 24) * scale, 120 * scale, (120 - 24) * scale), 0.01)
        (face,) = finder.find(np.zeros((192, 192, 3), np.uint8))
        assert close(face.box, Box(80, 80, 120, 120), 0.01)

    def test_nothing_of_a_picture_is_left_for_the_next_one(self) -> None:
        chance = np.random.default_rng(1)
        pictures = [
            chance.integers(1, 256, size, dtype=np.uint8)
            for size in ((480, 640, 3), (480, 640, 3), (640, 480, 3), (192, 192, 3), (480, 640, 3), (100, 400, 3))
        ]
        taken: list[Rgb] = []
        finder = Finder(self.shown(taken))
        for picture in pictures:
            finder.find(picture)
        for picture, square in zip(pictures, taken, strict=True):
            alone: list[Rgb] = []
            Finder(self.shown(alone)).find(picture)
            assert np.array_equal(square, alone[0])
            box = Letterbox.of(*picture.shape[:2])
            assert not square[: box.top].any() and not square[:, : box.left].any()

    def test_a_finder_may_ask_for_more(self) -> None:
        picture = np.zeros((192, 192, 3), np.uint8)
        assert len(Finder(self.shown([]), score_min=0.8).find(picture)) == 1
        assert Finder(self.shown([]), score_min=0.95).find(picture) == ()
