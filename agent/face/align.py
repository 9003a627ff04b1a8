"""From six landmarks to the 112 x 112 chip that the embedder takes, and what the landmarks tell about the pose.

A plain least-squares fit on six landmarks lets the noisy ears pull the chip away; the transform here is a regression
that predicts the standard eye, nose and mouth places of the chip from all six. Positions are complex numbers x + iy,
so that a similarity transform is one multiplication and one addition, and the regression works in a frame that turns
and scales with the eyes. Leaves out: which pictures are good enough (the probe's question).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

from agent.face.detect import LEFT_EYE, MOUTH, NOSE, RIGHT_EYE, Face, Floats
from agent.units import Point, Rgb

CHIP_SIDE = 112

# Fitted on people outside every evaluation set, for the full-range detector.
_TURN = np.array(
    (
        79.26752839934971 + 7.661226725327864j,
        2.054446552790277 + 6.373600469206426j,
        2.7949233181905484 + 11.496932220651308j,
        1.7859477852276644 + 10.812542257747694j,
        1.01892369926869 - 1.535668708171563j,
        -1.3876354051799484 + 7.1620154543185635j,
        3.766099841153673 + 0.7871672934512177j,
        13.55483753456778 - 0.26094538736872974j,
        -14.295045271929926 + 2.8284436323285616j,
    )
)
_SHIFT = np.array(
    (
        55.42263116085377 + 48.7764411363534j,
        0.40557489545667336 - 0.8654807831701503j,
        -11.938978893567539 - 2.9823542074885907j,
        1.2703540432331546 - 3.2326498034702897j,
        -1.391219376925097 + 1.054762776344892j,
        -1.9559592603081304 + 0.7253691297866802j,
        -4.523109319078448 - 0.96801288301012j,
        -0.48686579196505697 - 2.577964188307604j,
        -1.8314897564119417 + 3.950074849588236j,
    )
)


def _complex(landmarks: Floats) -> npt.NDArray[np.complex128]:
    return np.asarray(landmarks[:, 0] + 1j * landmarks[:, 1], np.complex128)


def transform(face: Face) -> npt.NDArray[np.float64]:
    """The 2 x 3 matrix from picture pixels to chip pixels (turn, scale, shift).

    Raises:
        ValueError: both eyes are at one place (no direction can be told).
    """
    points = _complex(face.landmarks)
    across, middle = points[1] - points[0], (points[0] + points[1]) / 2
    if abs(across) < 1.0:
        raise ValueError("eyes less than one pixel apart")
    others = (points[2:] - middle) / across
    basis = np.concatenate(((1.0,), others, np.conj(others)))
    turn = (basis @ _TURN) / across
    shift = basis @ _SHIFT - turn * middle
    return np.array(((turn.real, -turn.imag, shift.real), (turn.imag, turn.real, shift.imag)))


def chip(picture: Rgb, face: Face) -> Rgb:
    """The face as (112, 112, 3) RGB; parts outside the picture are black."""
    made = cv2.warpAffine(picture, transform(face), (CHIP_SIDE, CHIP_SIDE), flags=cv2.INTER_LINEAR)
    return np.asarray(made, np.uint8)


def quad(face: Face) -> tuple[Point, Point, Point, Point]:
    """The four corners, clockwise from the top left, of the pixels of the picture that `chip` samples."""
    matrix = transform(face)
    inverse = np.linalg.inv(matrix[:, :2])
    side = CHIP_SIDE - 1.0
    corners = np.array(((0.0, 0.0), (side, 0.0), (side, side), (0.0, side)))
    placed = (corners - matrix[:, 2]) @ inverse.T
    first, second, third, fourth = ((float(x), float(y)) for x, y in placed)
    return first, second, third, fourth


def inter_eye_px(face: Face) -> float:
    """Distance between the eyes in pixels of the picture."""
    return float(math.dist(face.landmarks[RIGHT_EYE], face.landmarks[LEFT_EYE]))


_NOSE_DEPTH = 0.50
_MOUTH_DEPTH = 0.25
"""How far nose tip and mouth lie in front of the eyes' plane, in units of the distance between the eyes."""


def yaw_deg(face: Face) -> float:
    """How far the head is turned, in degrees; 0 looks into the camera, positive towards the picture's right.

    A turned head moves what lies in front of the eyes' plane sideways against the middle of the eyes, while the eyes
    come closer together: offset / eye distance = depth * tan(yaw).
    """
    points = _complex(face.landmarks)
    across, middle = points[LEFT_EYE] - points[RIGHT_EYE], (points[RIGHT_EYE] + points[LEFT_EYE]) / 2
    if abs(across) < 1.0:
        return 90.0
    nose = ((points[NOSE] - middle) / across).real / _NOSE_DEPTH
    mouth = ((points[MOUTH] - middle) / across).real / _MOUTH_DEPTH
    return math.degrees(math.atan(0.75 * nose + 0.25 * mouth))
