"""Things in a scene that are drawn, not cast: the printed sign, what covers it, and the pass card with its QR code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import segno

from agent.scene.script import HEIGHT, WIDTH, Pass, Sign
from agent.units import Rgb

Pixels = npt.NDArray[np.uint8]

_UNIT: Final = 180
"""Pixels of the sign's drawing for one side of its marker."""
_LEFT, _TOP, _RIGHT, _BOTTOM = -0.26, -1.18, 1.26, 1.86
"""The board round the marker, in marker sides; the marker is the square from 0 to 1."""
_INK: Final = (28, 34, 44)
_BLUE: Final = (24, 74, 138)
_SUPER: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Colour already multiplied by alpha, RGBA, and where its top left pixel lies in the picture."""

    rgba: Pixels
    x: int
    y: int


def _write(board: Pixels, text: str, middle: float, line: float, size: float, ink: tuple[int, int, int]) -> None:
    scale, weight = size * _UNIT / 22, max(1, round(size * _UNIT / 9))
    (wide, high), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, weight)
    place = (round((middle - _LEFT) * _UNIT - wide / 2), round((line - _TOP) * _UNIT + high / 2))
    cv2.putText(board, text, place, cv2.FONT_HERSHEY_DUPLEX, scale, ink, weight, cv2.LINE_AA)


def _board(marker: int) -> Pixels:
    """The sign seen straight on: a head band with a pictogram, the marker, and what a person may do."""
    wide, high = round((_RIGHT - _LEFT) * _UNIT), round((_BOTTOM - _TOP) * _UNIT)
    board = np.full((high, wide, 3), 246, np.uint8)
    band = round((-0.18 - _TOP) * _UNIT)
    board[:band] = _BLUE
    white = (250, 250, 250)
    head = (round((0.5 - _LEFT) * _UNIT), round((-0.86 - _TOP) * _UNIT))
    cv2.circle(board, head, round(0.13 * _UNIT), white, -1, cv2.LINE_AA)
    chest, size = (head[0], head[1] + round(0.36 * _UNIT)), (round(0.24 * _UNIT), round(0.19 * _UNIT))
    cv2.ellipse(board, chest, size, 0, 180, 360, white, -1, cv2.LINE_AA)
    for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1)):  # the corners of a view finder round the head
        corner = (head[0] + round(dx * 0.42 * _UNIT), head[1] + round((0.10 + dy * 0.34) * _UNIT))
        cv2.line(board, corner, (corner[0] - round(dx * 0.14 * _UNIT), corner[1]), white, 7, cv2.LINE_AA)
        cv2.line(board, corner, (corner[0], corner[1] - round(dy * 0.14 * _UNIT)), white, 7, cv2.LINE_AA)
    _write(board, "FACE ENTRY", 0.5, -0.33, 0.126, white)
    code = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50), marker, _UNIT)
    x, y = round(-_LEFT * _UNIT), round(-_TOP * _UNIT)
    board[y : y + _UNIT, x : x + _UNIT] = np.asarray(code, np.uint8)[..., None]
    _write(board, "YOUR CHOICE", 0.5, 1.24, 0.115, _INK)
    _write(board, "step up, or", 0.5, 1.47, 0.115, _INK)
    _write(board, "show a pass", 0.5, 1.67, 0.115, _INK)
    cv2.rectangle(board, (0, 0), (wide - 1, high - 1), (150, 152, 156), 5)
    return board


def sign_on(backdrop: Rgb, sign: Sign) -> Rgb:
    """The backdrop with the sign mounted so that the marker's corners lie where the scene says, with a soft shadow."""
    board = _board(sign.marker)
    ends = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    drawn = ((ends - (_LEFT, _TOP)) * _UNIT - 0.5).astype(np.float32)
    placed = (np.array(sign.corners, np.float32) + 0.5) * _SUPER - 0.5
    move = cv2.getPerspectiveTransform(drawn, placed.astype(np.float32))
    size = (WIDTH * _SUPER, HEIGHT * _SUPER)
    large = cv2.warpPerspective(board, move, size, flags=cv2.INTER_AREA)
    cover = cv2.warpPerspective(np.full(board.shape[:2], 255, np.uint8), move, size, flags=cv2.INTER_LINEAR)
    small = cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = (cv2.resize(cover, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32) / 255)[..., None]
    shadow = cv2.GaussianBlur(np.roll(alpha[..., 0], (4, 3), axis=(0, 1)), (0, 0), 3.5)[..., None]
    wall = backdrop.astype(np.float32) * (1 - 0.45 * shadow * (1 - alpha))
    return np.clip(wall * (1 - alpha) + small * 0.93 * alpha + 0.5, 0, 255).astype(np.uint8)


def sheet(sign: Sign) -> Patch:
    """The cardboard that covers the sign when it is all the way in; it slides in from the left edge of the picture."""
    right = round(max(x for x, _ in sign.corners) + 24)
    top = round(min(y for _, y in sign.corners) - 90)
    bottom = round(max(y for _, y in sign.corners) + 70)
    random = np.random.default_rng(3)
    high, wide = bottom - top, right
    tone = np.full((high, wide, 3), (168, 134, 98), np.float32)
    tone += random.normal(0, 3, (high, wide, 1)) + 5 * np.sin(np.arange(wide) * 0.9)[None, :, None]
    tone[high // 2 - 1 : high // 2 + 1] *= 0.8
    tone[:, -3:] *= 0.72
    tone[-3:] *= 0.72
    shade = np.linspace(1.04, 0.90, high)[:, None, None]
    rgba = np.dstack([np.clip(tone * shade, 0, 255), np.full((high, wide), 255)])
    return Patch(rgba.astype(np.uint8), 0, top)


def card(shown: Pass, text: str) -> Patch:
    """The pass fully raised: a white card with the QR code of `text` and a thumb that holds it.

    One QR module is `module_px` pixels before tilting; the middle of the code lies at the pass's place.
    """
    code = segno.make_qr(text, error="l", boost_error=False)
    modules = np.array([[0 if dark else 255 for dark in row] for row in code.matrix_iter(border=3)], np.uint8)
    step = max(2, round(shown.module_px * 2))
    qr = modules.repeat(step, axis=0).repeat(step, axis=1)
    side = qr.shape[0]
    edge, head, foot = side // 16, side // 7, side // 5
    canvas = np.zeros((side + head + foot + 2 * edge, side + 2 * edge, 4), np.uint8)
    high, wide = canvas.shape[:2]
    _rounded(canvas, (0, 0, wide, high), side // 14, (248, 248, 246, 255))
    _rounded(canvas, (0, 0, wide, head), side // 14, (18, 118, 110, 255))
    line, weight = (edge, round(head * 0.72)), max(2, head // 16)
    cv2.putText(canvas, "VISITOR PASS", line, cv2.FONT_HERSHEY_DUPLEX, head / 46, (255,) * 4, weight, cv2.LINE_AA)
    canvas[head + edge // 2 : head + edge // 2 + side, edge : edge + side, :3] = qr[..., None]
    middle = (edge + side / 2, head + edge / 2 + side / 2)
    scale = shown.module_px / step
    extent = 1.25 * max(high, wide) * scale
    x, y = round(shown.x - extent / 2), round(shown.y - extent / 2)
    turn = np.asarray(cv2.getRotationMatrix2D(middle, -shown.tilt_deg, 1.0), np.float64)
    turn[:, 2] += np.array([(shown.x - x) / scale - middle[0], (shown.y - y) / scale - middle[1]])
    size = (round(extent / scale), round(extent / scale))
    large = np.asarray(cv2.warpAffine(canvas, turn, size, flags=cv2.INTER_LINEAR), np.uint8)
    _thumb(large, turn, (wide * 0.62, high + 0.0), side)
    shadowed = _shadow(large, side // 30)
    small = cv2.resize(shadowed, (round(extent), round(extent)), interpolation=cv2.INTER_AREA)
    if shown.blur > 0:
        small = cv2.GaussianBlur(small, (0, 0), shown.blur)
    colour = cv2.multiply(small[..., :3], cv2.merge([small[..., 3]] * 3), scale=1 / 255)
    return Patch(np.dstack([colour, small[..., 3]]), x, y)


def _rounded(canvas: Pixels, box: tuple[int, int, int, int], radius: int, ink: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = box
    cv2.rectangle(canvas, (x0 + radius, y0), (x1 - radius - 1, y1 - 1), ink, -1)
    cv2.rectangle(canvas, (x0, y0 + radius), (x1 - 1, y1 - radius - 1), ink, -1)
    for cx in (x0 + radius, x1 - radius - 1):
        for cy in (y0 + radius, y1 - radius - 1):
            cv2.circle(canvas, (cx, cy), radius, ink, -1, cv2.LINE_AA)


def _thumb(canvas: Pixels, turn: npt.NDArray[np.float64], base: tuple[float, float], side: int) -> None:
    """A thumb over the lower edge of the card, rounded by light from the left."""
    high, wide = canvas.shape[:2]
    foot = turn @ np.array([*base, 1.0])
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    length, radius = 0.17 * side, 0.075 * side
    along = np.clip((foot[1] + 0.20 * side - y) / (length + 0.20 * side), 0, 1)
    centre = foot[0] + 0.05 * side * (1 - along)
    distance = np.hypot(x - centre, y - np.clip(y, foot[1] - length + radius, foot[1] + 2 * side))
    across = (x - centre) / radius
    alpha = np.clip((radius - distance) / 3 + 0.5, 0, 1)
    light = 0.98 - 0.26 * np.clip(across, -1, 1) ** 2 - 0.16 * across
    nail = ((x - centre) / (0.55 * radius)) ** 2 + ((y - (foot[1] - length + 1.15 * radius)) / (0.75 * radius)) ** 2
    skin = np.array((196, 146, 118), np.float32) * np.clip(light, 0.3, 1.2)[..., None]
    skin = np.where((nail < 1)[..., None], skin * 0.35 + np.array((232, 196, 178), np.float32) * 0.65, skin)
    mixed = canvas[..., :3] * (1 - alpha[..., None]) + skin * alpha[..., None]
    canvas[..., :3] = np.clip(mixed, 0, 255)
    canvas[..., 3] = np.maximum(canvas[..., 3], (alpha * 255).astype(np.uint8))


def _shadow(canvas: Pixels, spread: int) -> Pixels:
    """The same with a soft dark rim behind it, so that it stands off the background."""
    rim = cv2.GaussianBlur(canvas[..., 3], (0, 0), max(1.0, spread))
    alpha = canvas[..., 3:].astype(np.float32) / 255
    under = np.clip(rim[..., None].astype(np.float32) * 0.5, 0, 255)
    mixed = canvas[..., :3] * alpha
    total = alpha * 255 + under * (1 - alpha)
    colour = np.where(total > 1, mixed * 255 / np.maximum(total, 1), 0)
    return np.clip(np.dstack([colour, total]) + 0.5, 0, 255).astype(np.uint8)
