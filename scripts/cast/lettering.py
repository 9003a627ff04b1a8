"""Draws what is written in a scene: the face of the sign and the head of the pass card.

Done when the cast is built, because OpenCV's lettering alone costs a running process 16 MB.
"""

from __future__ import annotations

import cv2
import numpy as np

from agent.scene.props import BOARD, UNIT

from .cutout import Bgr

_INK = (44, 34, 28)
_BLUE = (138, 74, 24)
_GREEN = (110, 118, 18)
_WHITE = (250, 250, 250)


def _at(x: float, y: float) -> tuple[int, int]:
    """Marker sides to pixels of the board."""
    return round((x - BOARD.x0) * UNIT), round((y - BOARD.y0) * UNIT)


def _write(board: Bgr, text: str, middle: float, line: float, size: float, ink: tuple[int, int, int]) -> None:
    scale, weight = size * UNIT / 22, max(1, round(size * UNIT / 9))
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, weight)
    x, y = _at(middle, line)
    cv2.putText(board, text, (x - wide // 2, y + high // 2), cv2.FONT_HERSHEY_DUPLEX, scale, ink, weight, cv2.LINE_AA)


def sign_face() -> Bgr:
    """The sign seen straight on, BGR: a head band with a pictogram, room for the marker, and what a person may do."""
    wide, high = round(BOARD.width * UNIT), round(BOARD.height * UNIT)
    board = np.full((high, wide, 3), 246, np.uint8)
    board[: round((-0.18 - BOARD.y0) * UNIT)] = _BLUE
    head = _at(0.5, -0.86)
    cv2.circle(board, head, round(0.13 * UNIT), _WHITE, -1, cv2.LINE_AA)
    chest, size = _at(0.5, -0.50), (round(0.24 * UNIT), round(0.19 * UNIT))
    cv2.ellipse(board, chest, size, 0, 180, 360, _WHITE, -1, cv2.LINE_AA)
    for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1)):  # the corners of a view finder round the head
        corner = _at(0.5 + dx * 0.42, -0.76 + dy * 0.34)
        cv2.line(board, corner, (corner[0] - round(dx * 0.14 * UNIT), corner[1]), _WHITE, 7, cv2.LINE_AA)
        cv2.line(board, corner, (corner[0], corner[1] - round(dy * 0.14 * UNIT)), _WHITE, 7, cv2.LINE_AA)
    _write(board, "FACE ENTRY", 0.5, -0.33, 0.126, _WHITE)
    _write(board, "YOUR CHOICE", 0.5, 1.24, 0.115, _INK)
    _write(board, "step up, or", 0.5, 1.47, 0.115, _INK)
    _write(board, "show a pass", 0.5, 1.67, 0.115, _INK)
    cv2.rectangle(board, (0, 0), (wide - 1, high - 1), (156, 152, 150), 5)
    return board


def pass_head() -> Bgr:
    """The coloured head of the pass card, (72, 560, 3) BGR."""
    head = np.empty((72, 560, 3), np.uint8)
    head[:] = _GREEN
    cv2.putText(head, "VISITOR PASS", (32, 52), cv2.FONT_HERSHEY_DUPLEX, 1.5, _WHITE, 4, cv2.LINE_AA)
    return head
