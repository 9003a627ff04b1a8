"""Small faces are looked for where something moves, never elsewhere, never more often than is bounded, each once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agent.adapters.litert import LiteRtDetector, load_models
from agent.face.detect import Face
from agent.face.tiles import MOST, SIDE, Tiles, chosen, coarse, joined
from agent.policy.frames import PermittedFrame
from agent.scene.cast import Cast
from agent.units import Box, Rgb
from tests.face.given import CAST, HEIGHT, REGION, VIEW, WIDTH
from tests.policy.given import SECOND, document, permitted, policy

WALL = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)


def rules(region: tuple[tuple[float, float], ...] = REGION, inter_eye_px: float = 20.0) -> Any:
    fields = document()["attempt"] | {"region": region, "inter_eye_px": inter_eye_px}
    return policy(view=VIEW, attempt=fields).document.attempt


def frames(*pictures: Rgb, step_s: float = 1 / 15) -> list[PermittedFrame]:
    return [permitted(n, int(n * step_s * SECOND), picture, view=VIEW) for n, picture in enumerate(pictures, 1)]


def with_block(x: int, y: int, wide: int = 40, high: int = 120) -> Rgb:
    picture = WALL.copy()
    picture[y : y + high, x : x + wide] = 200
    return picture


def face(x: float, y: float, width: float, score: float = 0.9) -> Face:
    half = width / 2
    return Face(Box(x - half, y - half, x + half, y + half), np.zeros((6, 2), np.float32), score)


@dataclass
class Finding:
    """Implements `ports.CloserDetector`: these faces of the whole, and small ones where a part shows them."""

    whole: tuple[Face, ...] = ()
    small: tuple[Face, ...] = ()
    parts: list[Box] = field(default_factory=list)

    def detect(self, frame: PermittedFrame) -> tuple[Face, ...]:
        return self.whole

    def detect_in(self, frame: PermittedFrame, part: Box) -> tuple[Face, ...]:
        self.parts.append(part)
        return tuple(each for each in self.small if each.box.overlap(part) > 0)


def around(part: Box, x: float, y: float) -> bool:
    return part.x0 <= x < part.x1 and part.y0 <= y < part.y1


class TestWhere:
    def test_a_part_lies_round_the_upper_end_of_what_moves(self) -> None:
        detector, tiles = Finding(), Tiles(rules())
        for each in frames(WALL, with_block(300, 200)):
            tiles.faces(each, detector)
        (part,) = detector.parts
        assert around(part, 320, 180) and around(part, 320, 215)
        assert (part.width, part.height) == (SIDE, SIDE)

    def test_where_nothing_moves_nothing_is_searched(self) -> None:
        detector, tiles = Finding(), Tiles(rules())
        chance = np.random.default_rng(1)
        noisy = [np.clip(WALL + chance.normal(0, 4, WALL.shape), 0, 255).astype(np.uint8) for _ in range(8)]
        for each in frames(*noisy):
            tiles.faces(each, detector)
        assert detector.parts == []

    def test_another_light_is_no_motion(self) -> None:
        detector, tiles = Finding(), Tiles(rules())
        for each in frames(WALL, np.full_like(WALL, 60), np.full_like(WALL, 180)):
            tiles.faces(each, detector)
        assert detector.parts == []

    def test_never_more_parts_than_are_bounded(self) -> None:
        detector, tiles = Finding(), Tiles(rules())
        chance = np.random.default_rng(2)
        wild = [np.repeat(np.repeat(chance.integers(0, 256, (30, 40, 3), np.uint8), 16, 0), 16, 1) for _ in range(6)]
        for number, each in enumerate(frames(*wild)):
            tiles.faces(each, detector)
            assert len(detector.parts) <= MOST * number
        assert len(detector.parts) == MOST * 5

    def test_outside_the_attempt_region_nothing_is_searched(self) -> None:
        detector, tiles = Finding(), Tiles(rules(((0.0, 0.0), (160.0, 0.0), (160.0, 480.0), (0.0, 480.0))))
        for each in frames(WALL, with_block(400, 200), with_block(440, 200)):
            tiles.faces(each, detector)
        assert detector.parts == []
        for each in frames(WALL, with_block(60, 200)):
            tiles.faces(each, detector)
        assert len(detector.parts) == 1

    @pytest.mark.parametrize("inter_eye_px, searched", [(33.0, True), (34.0, False)])
    def test_only_if_the_policy_compares_faces_that_are_so_small(self, inter_eye_px: float, searched: bool) -> None:
        detector, tiles = Finding(), Tiles(rules(inter_eye_px=inter_eye_px))
        for each in frames(WALL, with_block(300, 200)):
            tiles.faces(each, detector)
        assert bool(detector.parts) is searched

    def test_what_moves_with_a_face_that_is_found_already_needs_no_part(self) -> None:
        detector, tiles = Finding(whole=(face(320, 220, 90),)), Tiles(rules())
        for each in frames(WALL, with_block(290, 180, 60, 300), with_block(300, 180, 60, 300)):
            assert tiles.faces(each, detector) == detector.whole
        assert detector.parts == []

    def test_what_is_excluded_is_never_seen_to_move(self) -> None:
        detector, tiles = Finding(), Tiles(rules())
        excluded = [{"id": "window", "polygon": [[250, 0], [500, 0], [500, 480], [250, 480]]}]
        for number, picture in enumerate((WALL, with_block(300, 200), with_block(360, 200)), 1):
            frame = permitted(number, number * SECOND // 15, picture, view=VIEW, excluded=excluded)
            tiles.faces(frame, detector)
        assert detector.parts == []

    def test_a_frame_as_small_as_a_part_has_none(self) -> None:
        detector, tiles = Finding(), Tiles(rules())
        for number in (1, 2):
            tiles.faces(permitted(number, number), detector)
        assert detector.parts == []

    def test_a_view_of_another_size_is_compared_with_nothing(self) -> None:
        detector, tiles = Finding(), Tiles(rules())
        tiles.faces(frames(WALL)[0], detector)
        wide = {"width": 320, "height": 240}
        tiles.faces(permitted(2, SECOND, np.zeros((240, 320, 3), np.uint8), view=wide), detector)
        assert detector.parts == []


class TestFaces:
    def test_a_small_face_is_found_again_when_it_stands_still(self) -> None:
        small = face(320, 220, 30)
        detector, tiles = Finding(small=(small,)), Tiles(rules())
        still = with_block(300, 200)
        found = [tiles.faces(each, detector) for each in frames(WALL, *([still] * 20))]
        assert found == [(), *([(small,)] * 20)]
        detector.small = ()
        before = len(detector.parts)
        for each in frames(still, still, still):
            tiles.faces(each, detector)
        assert len(detector.parts) == before + 1, "it is gone: looked for once more, and no longer"

    def test_a_small_face_for_which_there_is_no_part_is_given_up_after_a_second(self) -> None:
        detector, tiles = Finding(small=(face(320, 220, 30),)), Tiles(rules())
        first, second, late = frames(WALL, with_block(300, 200))[0:2] + frames(*([with_block(300, 200)] * 40))[-1:]
        for each in (first, second, late):
            tiles.faces(each, detector)
        assert len(detector.parts) == 1

    def test_a_face_that_a_part_cuts_is_left_out_unless_the_frame_ends_there(self) -> None:
        detector, tiles = Finding(), Tiles(rules())
        for each in frames(WALL, with_block(300, 200)):
            tiles.faces(each, detector)
        (part,) = detector.parts
        middle = (part.x0 + part.x1) / 2, (part.y0 + part.y1) / 2
        cut = [
            face(part.x0 + 15, middle[1], 30), face(part.x1 - 15, middle[1], 30),
            face(middle[0], part.y0 + 15, 30), face(middle[0], part.y1 - 15, 30),
        ]  # fmt: skip
        detector, tiles = Finding(small=tuple(cut)), Tiles(rules())
        assert [tiles.faces(each, detector) for each in frames(WALL, with_block(300, 200))] == [(), ()]
        edge = face(15, 220, 30)
        detector, tiles = Finding(small=(edge,)), Tiles(rules())
        assert [tiles.faces(each, detector) for each in frames(WALL, with_block(0, 200))] == [(), (edge,)]

    def test_found_twice_it_is_one(self) -> None:
        whole, near = face(100, 100, 60), face(102, 100, 58)
        assert joined((whole,), [near]) == (near,), "the finer scale shows a small one better"
        wide, again = face(100, 100, 90), face(102, 100, 88)
        assert joined((wide,), [again]) == (wide,)
        other = face(300, 100, 30, 0.6)
        assert joined((whole,), [other, near, face(301, 100, 30, 0.7)])[0] is near
        assert len(joined((whole,), [other, near, face(301, 100, 30, 0.7)])) == 2, "two parts that overlap"
        assert joined((), []) == ()

    def test_the_cast_far_away(self) -> None:
        """Faces of 28 and 42 pixels of the shipped sprites, before a wall: with parts all are found."""
        model, _ = load_models(Path(__file__).resolve().parents[2] / "models")
        detector, cast = LiteRtDetector(model), Cast(CAST)
        sprites = [each for each in cast.file.sprite if each.use == "scene"]
        found: dict[tuple[int, str], int] = {}
        for width in (28, 42):
            for number, sprite in enumerate(sprites):
                scale = width / (sprite.face[2] - sprite.face[0])
                small = cv2.resize(cast.seen(sprite), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                x, y = 60 + 37 * number % 480, 100 + 29 * number % 250
                picture = WALL.copy()
                area = picture[y : y + small.shape[0], x : x + small.shape[1]]
                area[:] = small[: area.shape[0], : area.shape[1]]
                truth = Box(*(v * scale + d for v, d in zip(sprite.face, (x, y, x, y), strict=True)))
                tiles = Tiles(rules())
                before, now = frames(WALL, picture)
                tiles.faces(before, detector)
                for how, faces in (("whole", detector.detect(now)), ("parts", tiles.faces(now, detector))):
                    hits = [each for each in faces if each.box.overlap(truth) > 0.4]
                    assert len(hits) <= 1, "a face found twice is one"
                    found[width, how] = found.get((width, how), 0) + len(hits)
        n = len(sprites)
        assert found[42, "parts"] >= 0.9 * n and found[28, "parts"] >= 0.8 * n
        assert found[28, "whole"] < found[28, "parts"]


def test_the_coarse_picture_is_the_mean_of_cells() -> None:
    picture = np.zeros((16, 24, 3), np.uint8)
    picture[:8, 8:16, 1] = 100
    assert coarse(picture).tolist() == [[0, 100, 0], [0, 0, 0]]


def test_the_part_that_calls_most_comes_first_and_what_calls_too_little_not_at_all() -> None:
    weights = np.zeros((60, 80), np.float32)
    assert chosen(weights, (480, 640, 3)) == []
    weights[10, 70], weights[50, 5], weights[30, 40] = 3.0, 5.0, 0.9
    first, second = chosen(weights, (480, 640, 3))
    assert around(first, 5 * 8, 50 * 8) and around(second, 70 * 8, 10 * 8)
    assert chosen(weights, (480, 640, 3), most=1) == [first]
    weights[:] = 0.0
    weights[30, 40] = 0.9
    assert chosen(weights, (480, 640, 3)) == []
