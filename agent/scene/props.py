"""Things in a scene that are drawn, not cast: the printed sign, what covers it, passes, no-recognition cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import segno

from agent.policy.signage import OPT_OUT_MARKER
from agent.scene.script import HEIGHT, WIDTH, Card, Pass, Sign
from agent.units import Box, Point, Rgb

Pixels = npt.NDArray[np.uint8]

UNIT: Final = 180
"""Pixels of the sign's face for one side of its marker."""
BOARD: Final = Box(-0.26, -1.18, 1.26, 1.86)
"""The sign's face in marker sides; the marker is the square from 0 to 1."""
_SUPER: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Colour already multiplied by alpha, RGBA, and where its top left pixel lies in the picture."""

    rgba: Pixels
    x: int
    y: int


def sign_on(backdrop: Rgb, face: Rgb, sign: Sign) -> Rgb:
    """The backdrop with the sign mounted so that the marker's corners lie where the scene says, with a soft shadow.

    Args:
        face: the sign without its marker, laid out as `BOARD` and `UNIT` say.
    """
    code = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50), sign.marker, UNIT)
    x, y = round(-BOARD.x0 * UNIT), round(-BOARD.y0 * UNIT)
    board = face.copy()
    board[y : y + UNIT, x : x + UNIT] = np.asarray(code, np.uint8)[..., None]
    ends = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    drawn = ((ends - (BOARD.x0, BOARD.y0)) * UNIT - 0.5).astype(np.float32)
    placed = np.array(sign.corners, np.float32)
    move = cv2.getPerspectiveTransform(drawn, placed)
    edge = np.array([[[0, 0], [board.shape[1], 0], [board.shape[1], board.shape[0]], [0, board.shape[0]]]], np.float32)
    outline = cv2.perspectiveTransform(edge, move)[0]
    # Only the part of the picture with board and shadow is drawn finely: memory at the start counts too.
    x0, y0 = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 16, 0)
    x1, y1 = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 20, (WIDTH, HEIGHT))
    fine = cv2.getPerspectiveTransform(
        drawn, ((placed - np.array([x0, y0], np.float32) + 0.5) * _SUPER - 0.5).astype(np.float32)
    )
    size = (int(x1 - x0) * _SUPER, int(y1 - y0) * _SUPER)
    inner = (int(x1 - x0), int(y1 - y0))
    large = cv2.warpPerspective(board, fine, size, flags=cv2.INTER_AREA)
    cover = cv2.warpPerspective(np.full(board.shape[:2], 255, np.uint8), fine, size, flags=cv2.INTER_LINEAR)
    small = cv2.resize(large, inner, interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = (cv2.resize(cover, inner, interpolation=cv2.INTER_AREA).astype(np.float32) / 255)[..., None]
    shadow = cv2.GaussianBlur(np.roll(alpha[..., 0], (4, 3), axis=(0, 1)), (0, 0), 3.5)[..., None]
    wall = backdrop[y0:y1, x0:x1].astype(np.float32) * (1 - 0.45 * shadow * (1 - alpha))
    mounted = backdrop.copy()
    mounted[y0:y1, x0:x1] = np.clip(wall * (1 - alpha) + small * 0.93 * alpha + 0.5, 0, 255).astype(np.uint8)
    return mounted


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


def card(shown: Pass, text: str, heading: Rgb) -> Patch:
    """The pass fully raised: a white card with the QR code of `text` and a thumb that holds it.

    One QR module is `module_px` pixels before tilting; the middle of the code lies at the pass's place. `heading` is
    the coloured band at the card's upper edge.
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
    band = cv2.resize(heading, (wide, head), interpolation=cv2.INTER_AREA)
    canvas[:head, :, :3] = band
    canvas[head + edge // 2 : head + edge // 2 + side, edge : edge + side, :3] = qr[..., None]
    middle = (edge + side / 2, head + edge / 2 + side / 2)
    scale = shown.module_px / step
    extent = round(1.25 * max(high, wide) * scale)
    x, y = round(shown.x - extent / 2), round(shown.y - extent / 2)
    turn = np.asarray(cv2.getRotationMatrix2D(middle, -shown.tilt_deg, 1.0), np.float64)
    turn[:, 2] += np.array([(shown.x - x) / scale - middle[0], (shown.y - y) / scale - middle[1]])
    size = (round(extent / scale), round(extent / scale))
    large = cv2.warpAffine(canvas, turn, size, flags=cv2.INTER_LINEAR)
    small = np.asarray(cv2.resize(large, (extent, extent), interpolation=cv2.INTER_AREA), np.uint8)
    below = max(0, HEIGHT + 8 - y - extent)  # the hand reaches down to the edge of the picture
    small = np.pad(small, ((0, below), (0, 0), (0, 0)))
    foot = turn @ np.array([wide * 0.62, high, 1.0]) * scale
    _thumb(small, (float(foot[0]), float(foot[1])), side * scale)
    rimmed = _shadow(small, side * scale / 30)
    if shown.blur > 0:
        rimmed = np.asarray(cv2.GaussianBlur(rimmed, (0, 0), shown.blur), np.uint8)
    return Patch(rimmed, x, y)


def opt_out(shown: Card) -> Patch:
    """The no-recognition card where it is held: its mark on white, under a dark band."""
    unit = 20
    mark, edge, band = 6 * unit, 2 * unit, 3 * unit
    code = cv2.aruco.generateImageMarker(cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50), OPT_OUT_MARKER, mark)
    canvas = np.zeros((mark + band + 3 * edge, mark + 2 * edge, 4), np.uint8)
    high, wide = canvas.shape[:2]
    _rounded(canvas, (0, 0, wide, high), unit, (248, 248, 246, 255))
    canvas[:band, :, :3] = (18, 42, 66)
    canvas[band + edge : band + edge + mark, edge : edge + mark, :3] = np.asarray(code, np.uint8)[..., None]
    middle = (wide / 2, band + edge + mark / 2)
    scale = shown.side_px / mark
    extent = round(1.5 * high * scale)
    x, y = round(shown.x - extent / 2), round(shown.y - extent / 2)
    size = extent * _SUPER
    turn = np.asarray(cv2.getRotationMatrix2D(middle, -shown.tilt_deg, scale * _SUPER), np.float64)
    turn[:, 2] += np.array([(shown.x - x) * _SUPER - middle[0], (shown.y - y) * _SUPER - middle[1]])
    large = cv2.warpAffine(canvas, turn, (size, size), flags=cv2.INTER_AREA)
    small = np.asarray(cv2.resize(large, (extent, extent), interpolation=cv2.INTER_AREA), np.uint8)
    return Patch(_shadow(small, shown.side_px / 20), x, y)


def _rounded(canvas: Pixels, box: tuple[int, int, int, int], radius: int, ink: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = box
    cv2.rectangle(canvas, (x0 + radius, y0), (x1 - radius - 1, y1 - 1), ink, -1)
    cv2.rectangle(canvas, (x0, y0 + radius), (x1 - 1, y1 - radius - 1), ink, -1)
    for cx in (x0 + radius, x1 - radius - 1):
        for cy in (y0 + radius, y1 - radius - 1):
            cv2.circle(canvas, (cx, cy), radius, ink, -1, cv2.LINE_AA)


def _thumb(canvas: Pixels, foot: Point, side: float) -> None:
    """A thumb over the lower edge of the card at `foot`, rounded by light from the left; `side` is that of the code."""
    length, radius = 0.17 * side, 0.075 * side
    left, top = max(0, int(foot[0] - 2 * radius)), max(0, int(foot[1] - length - 4))
    part = canvas[top:, left : int(foot[0] + 4 * radius)]
    high, wide = part.shape[:2]
    y, x = np.mgrid[top : top + high, left : left + wide].astype(np.float32)
    wrist = np.clip((y - foot[1]) / (0.3 * side), 0, 1)
    centre = foot[0] + 0.10 * side * wrist
    radius = radius * (1 + 0.7 * wrist)
    distance = np.hypot(x - centre, y - np.clip(y, foot[1] - length + 0.075 * side, foot[1] + 2 * side))
    across = (x - centre) / radius
    alpha = np.clip(radius - distance + 0.5, 0, 1)[..., None]
    light = 0.98 - 0.26 * np.clip(across, -1, 1) ** 2 - 0.16 * across
    nail_y = foot[1] - length + 0.086 * side
    nail = ((x - centre) / (0.55 * radius)) ** 2 + ((y - nail_y) / (0.75 * radius)) ** 2
    skin = np.array((196, 146, 118), np.float32) * np.clip(light, 0.3, 1.2)[..., None]
    skin = np.where((nail < 1)[..., None], skin * 0.35 + np.array((232, 196, 178), np.float32) * 0.65, skin)
    part[..., :3] = np.clip(part[..., :3] * (1 - alpha) + skin * alpha, 0, 255)
    part[..., 3:] = np.maximum(part[..., 3:], (alpha * 255).astype(np.uint8))


def _shadow(canvas: Pixels, spread: float) -> Pixels:
    """The card with a soft dark rim behind it, so that it stands off the background; colour multiplied by alpha."""
    alpha = cv2.extractChannel(canvas, 3)
    rim = cv2.multiply(cv2.GaussianBlur(alpha, (0, 0), max(1.0, spread)), cv2.bitwise_not(alpha), scale=0.5 / 255)
    colour = cv2.multiply(
        cv2.cvtColor(canvas, cv2.COLOR_RGBA2RGB), cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB), scale=1 / 255
    )
    return np.dstack([colour, cv2.add(alpha, rim)])
