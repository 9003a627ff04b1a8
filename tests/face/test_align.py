"""Alignment follows the face: turned, moved or grown with its picture the chip stays the same. Pose is read from it."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.face.align import CHIP_SIDE, chip, inter_eye_px, quad, transform, yaw_deg
from agent.face.detect import LEFT_EYE, MOUTH, NOSE, RIGHT_EYE, Face, Floats
from tests.face.given import face_at, scene

STRAIGHT = np.array(((-30, 0), (30, 0), (0, 30), (0, 62), (-66, 8), (66, 8)), np.float32)
"""A face that looks into the camera, the eyes 60 px apart, about the middle of its eyes."""


def placed(x: float = 320.0, y: float = 200.0, scale: float = 1.0, turn_deg: float = 0.0) -> Face:
    turn = math.radians(turn_deg)
    matrix = scale * np.array(((math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))))
    return face_at(STRAIGHT @ matrix.T + (x, y))


def in_chip(face: Face, points: Floats) -> Floats:
    matrix = transform(face)
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)


class TestTransform:
    def test_eyes_nose_and_mouth_come_to_their_places(self) -> None:
        face = placed()
        found = in_chip(face, face.landmarks)
        # The places that the embedder was trained with: eyes, nose, middle of the mouth.
        for point, place in ((RIGHT_EYE, (38, 52)), (LEFT_EYE, (73, 52)), (NOSE, (56, 71)), (MOUTH, (56, 92))):
            assert np.abs(found[point] - place).max() < 7

    @settings(derandomize=True, max_examples=80)
    @given(st.floats(-300, 900), st.floats(-300, 900), st.floats(0.1, 6), st.floats(-180, 180))
    def test_the_chip_does_not_know_where_how_large_or_how_turned_the_face_was(
        self, x: float, y: float, scale: float, turn_deg: float
    ) -> None:
        face, straight = placed(x, y, scale, turn_deg), placed()
        expected = in_chip(straight, straight.landmarks)
        np.testing.assert_allclose(in_chip(face, face.landmarks), expected, atol=0.05)

    @settings(derandomize=True, max_examples=50)
    @given(st.integers(0, 10_000))
    def test_it_only_turns_scales_and_moves(self, seed: int) -> None:
        noise = np.random.default_rng(seed).normal(0, 3, STRAIGHT.shape)
        matrix = transform(face_at(STRAIGHT + noise + (320, 200)))[:, :2]
        assert matrix[0, 0] == matrix[1, 1] and matrix[0, 1] == -matrix[1, 0]
        assert np.linalg.det(matrix) > 0, "never mirrored"

    def test_eyes_at_one_place_give_no_direction(self) -> None:
        together = STRAIGHT.copy()
        together[LEFT_EYE] = together[RIGHT_EYE] + (0.7, 0.7)
        for use in (transform, quad, lambda face: chip(np.zeros((9, 9, 3), np.uint8), face)):
            with pytest.raises(ValueError, match="eyes less than one pixel apart"):
                use(face_at(together))


class TestChip:
    def test_it_samples_the_pixels_that_the_quad_encloses(self) -> None:
        # Pixels that tell their own place: red is x, green is y.
        picture = np.zeros((480, 640, 3), np.uint8)
        picture[..., 0], picture[..., 1] = np.arange(640) * 0.4, (np.arange(480) * 0.5)[:, None]
        for face in (placed(), placed(250, 260, 1.4, 20), placed(400, 150, 0.5, -35)):
            made, corners = chip(picture, face).astype(float), np.array(quad(face))
            assert made.shape == (CHIP_SIDE, CHIP_SIDE, 3)
            for place, (x, y) in zip(((0, 0), (0, -1), (-1, -1), (-1, 0)), corners, strict=True):
                if 1 < x < 638 and 1 < y < 478:
                    assert made[place][0] / 0.4 == pytest.approx(x, abs=3.5)
                    assert made[place][1] / 0.5 == pytest.approx(y, abs=3.0)

    def test_the_quad_is_a_square_clockwise_from_the_top_left(self) -> None:
        for turn in (0, 30, -75):
            face = placed(turn_deg=turn)
            corners = np.array(quad(face))
            sides = np.diff(np.vstack((corners, corners[:1])), axis=0)
            lengths = np.linalg.norm(sides, axis=1)
            assert lengths == pytest.approx([lengths[0]] * 4)
            cross = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
            assert (cross > 0).all()
            expected = np.array(((0, 0), (111, 0), (111, 111), (0, 111)), np.float32)
            np.testing.assert_allclose(in_chip(face, corners.astype(np.float32)), expected, atol=1e-2)

    @pytest.mark.parametrize("turn_deg", [-40.0, -15.0, 25.0, 90.0])
    def test_a_picture_that_is_turned_with_its_face_gives_the_same_chip(self, turn_deg: float) -> None:
        picture, sprite = scene("p2-scene-1", 130, 30)
        (left, right), (x0, y0) = np.array(sprite.eyes), (130, 30)
        middle, across = (left + right) / 2 + (x0, y0), right - left
        turn = math.degrees(math.atan2(across[1], across[0]))
        face = placed(float(middle[0]), float(middle[1]), float(np.hypot(*across)) / 60, turn)
        move = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), -turn_deg, 1.0)
        turned = cv2.warpAffine(picture, move, (640, 480), flags=cv2.INTER_CUBIC, borderValue=(150, 150, 150))
        points = face.landmarks @ move[:, :2].T + move[:, 2]
        before = chip(picture, face).astype(np.int16)
        after = chip(np.asarray(turned, np.uint8), face_at(points)).astype(np.int16)
        assert np.abs(before - after)[12:100, 12:100].mean() < 3
        assert before[12:100, 12:100].std() > 20

    def test_what_lies_outside_the_picture_is_black(self) -> None:
        white = np.full((480, 640, 3), 255, np.uint8)
        assert (chip(white, placed()) == 255).all()
        half = chip(white, placed(x=0.0))
        assert not half[:, :40].any() and (half[:, 72:] == 255).all()
        assert not chip(white, placed(x=5000.0)).any()


def turned_head(yaw: float, roll_deg: float = 0.0, scale: float = 60.0) -> Face:
    """A head with nose and mouth before the eyes' plane, seen from far away."""
    angle = math.radians(yaw)
    # x to the picture's right, y down, z towards the camera; in distances between the eyes.
    head = np.array(((-0.5, 0, 0), (0.5, 0, 0), (0, 0.5, 0.5), (0, 1.0, 0.25), (-1.1, 0.1, -0.9), (1.1, 0.1, -0.9)))
    x = head[:, 0] * math.cos(angle) + head[:, 2] * math.sin(angle)
    points = np.stack((x, head[:, 1]), axis=1) * scale
    roll = math.radians(roll_deg)
    matrix = np.array(((math.cos(roll), -math.sin(roll)), (math.sin(roll), math.cos(roll))))
    return face_at(points @ matrix.T + (320, 200))


class TestPose:
    @pytest.mark.parametrize("roll_deg", [-30.0, 0.0, 45.0])
    @pytest.mark.parametrize("yaw", [-60.0, -25.0, -5.0, 0.0, 10.0, 25.0, 45.0])
    def test_a_turned_head_is_as_far_turned_as_it_is(self, yaw: float, roll_deg: float) -> None:
        assert yaw_deg(turned_head(yaw, roll_deg)) == pytest.approx(yaw, abs=0.1)

    def test_size_does_not_matter(self) -> None:
        for scale in (10.0, 60.0, 300.0):
            assert yaw_deg(turned_head(20, scale=scale)) == pytest.approx(20, abs=0.1)

    def test_ears_do_not_count(self) -> None:
        face = turned_head(20)
        moved = face.landmarks.copy()
        moved[4:] += 100
        assert yaw_deg(face_at(moved)) == yaw_deg(face)

    def test_eyes_at_one_place_are_a_profile(self) -> None:
        together = STRAIGHT.copy()
        together[LEFT_EYE] = together[RIGHT_EYE] + (0.5, 0)
        assert yaw_deg(face_at(together)) == 90.0

    def test_the_distance_between_the_eyes(self) -> None:
        assert inter_eye_px(placed()) == pytest.approx(60)
        assert inter_eye_px(placed(scale=0.5, turn_deg=77)) == pytest.approx(30, abs=1e-4)
