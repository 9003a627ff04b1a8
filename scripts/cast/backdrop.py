"""Paints the backdrop of the gate scene: a walled front garden seen from the door camera, in layers from far to near.

All of it is drawn by rule (noise, bricks, boards, light), so no photograph of anybody or anything is in it. Painted at
three times the size and shrunk. Distances are given by blur: only what stands near the camera is sharp.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.floating[Any]]
SCALE = 3
WIDTH, HEIGHT = 640 * SCALE, 480 * SCALE
WALL_TOP, WALL_FOOT = 292, 392
"""Rows of the low garden wall, in pixels of the finished picture; passers-by walk behind it."""
PILLAR_RIGHT, HOUSE_LEFT = 152, 508
"""The near pillar (with the sign) ends here, the near house wall begins there."""
RGB = tuple[float, float, float]


class Painter:
    """Carries the random stream, so that the picture is the same on every run."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def noise(self, height: int, width: int, cell: float, octaves: int = 4, stretch: float = 1.0) -> Image:
        """Smooth noise about 0, spread about 1; `cell` is the size of the coarsest spot in pixels."""
        total = np.zeros((height, width), np.float32)
        for octave in range(octaves):
            size = max(cell / 2**octave, 1.0)
            grid = (max(2, int(height / size) + 2), max(2, int(width / size / stretch) + 2))
            spots = self._random.normal(0, 1, grid).astype(np.float32)
            total += cv2.resize(spots, (width, height), interpolation=cv2.INTER_CUBIC) * 0.55**octave
        return total / max(float(total.std()), 1e-6)

    def bricks(self, height: int, width: int, brick: tuple[int, int], tone: RGB, mortar: RGB) -> Image:
        """A brick wall in running bond: a tone of its own for each brick, worn edges, light from the upper left."""
        high, wide = brick
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        y += self.noise(height, width, 60, 3) * 0.5
        x += self.noise(height, width, 60, 3) * 0.5
        row = np.floor(y / high).astype(int)
        shifted = x + (row % 2) * wide / 2
        column = np.floor(shifted / wide).astype(int)
        inside_y, inside_x = y - row * high, shifted - column * wide
        joint = 0.11 * high
        edge = np.minimum(np.minimum(inside_y, high - inside_y), np.minimum(inside_x, wide - inside_x))
        edge += self.noise(height, width, 7, 3) * joint * 0.22
        face = np.clip((edge - joint * 0.5) / (joint * 0.5), 0, 1)
        table = self._random.normal(0, 1, (row.max() + 3, column.max() + 3, 3)).astype(np.float32)
        each = table[row + 1, column + 1]
        grain = self.noise(height, width, 5, 3)
        stain = self.noise(height, width, 160, 4)
        colour = np.array(tone, np.float32) * (1 + 0.10 * each[..., :1] + 0.03 * each)
        colour = colour * (1 + 0.055 * grain + 0.06 * stain)[..., None]
        seam = np.array(mortar, np.float32) * (1 + 0.05 * grain + 0.04 * stain)[..., None]
        wall = seam * (1 - face[..., None]) + colour * face[..., None]
        relief = cv2.GaussianBlur((face + 0.05 * grain).astype(np.float32), (0, 0), 1.2)
        slope = cv2.Sobel(relief, cv2.CV_32F, 1, 0) + cv2.Sobel(relief, cv2.CV_32F, 0, 1)
        lit: Image = np.clip(wall * (1 + 0.06 * slope[..., None]), 0, 1)
        return lit

    def leaves(self, height: int, width: int, size: float, tone: RGB) -> Image:
        """Foliage: dabs of leaf colour over dark, denser and lighter towards the top."""
        dark = np.array(tone, np.float32) * 0.30
        image = np.ones((height, width, 3), np.float32) * dark
        count = int(height * width / size**2 * 3.2)
        where = self._random.uniform(0, 1, (count, 2))
        depth = np.sort(self._random.uniform(0, 1, count))
        for (u, v), near in zip(where, depth, strict=True):
            light = 0.35 + 0.75 * near * (1 - 0.35 * v) + self._random.normal(0, 0.07)
            warm = self._random.normal(0, 0.06)
            dab = (tone[0] * light * (1 + warm), tone[1] * light, tone[2] * light * (1 - warm))
            axes = (
                max(1, int(size * self._random.uniform(0.4, 0.9))),
                max(1, int(size * self._random.uniform(0.2, 0.5))),
            )
            place = (int(u * width), int(v * height))
            cv2.ellipse(image, place, axes, float(self._random.uniform(0, 180)), 0, 360, dab, -1, cv2.LINE_AA)
        return image

    def boards(self, height: int, width: int, board: int, tone: RGB) -> Image:
        """Upright oiled boards with grain and dark joints."""
        _, x = np.mgrid[0:height, 0:width].astype(np.float32)
        index = (x // board).astype(int)
        each = self._random.normal(0, 1, int(index.max()) + 1).astype(np.float32)[index]
        fibre = self.noise(width, height, 9, 4, stretch=22).T
        knots = self.noise(height, width, 90, 3)
        colour = np.array(tone, np.float32) * (1 + 0.09 * each + 0.10 * fibre + 0.05 * knots)[..., None]
        inside = x - index * board
        gap = np.clip(np.minimum(inside, board - inside) / 3.5, 0, 1)
        joined: Image = np.clip(colour * (0.35 + 0.65 * gap)[..., None], 0, 1)
        return joined


def _far(painter: Painter) -> Image:
    """Sky, a row of houses across the street, trees; all out of focus."""
    y = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    sky = np.array((0.62, 0.74, 0.88), np.float32) * (1 - y * 1.6) + np.array((0.90, 0.92, 0.93), np.float32) * y * 1.6
    image = np.repeat(sky, WIDTH, axis=1)
    cloud = np.clip(painter.noise(HEIGHT, WIDTH, 420, 5, stretch=2.2) * 0.5 + 0.1, 0, 1)[..., None] * 0.55
    image = image * (1 - cloud) + np.array((0.97, 0.97, 0.96), np.float32) * cloud
    for left, right, top, tone in ((120, 330, 70, (0.78, 0.70, 0.60)), (330, 560, 48, (0.66, 0.45, 0.38))):
        house = painter.bricks((360 - top) * SCALE, (right - left) * SCALE, (12, 34), tone, (0.75, 0.72, 0.68))
        roof = (
            np.array([[left - 8, top], [left + 26, top - 42], [right - 26, top - 42], [right + 8, top]]) * SCALE
        ).astype(np.int32)
        cv2.fillPoly(image, [roof], (0.36, 0.30, 0.29), cv2.LINE_AA)
        image[top * SCALE : 360 * SCALE, left * SCALE : right * SCALE] = house
        for column in range(left + 22, right - 40, 58):
            for row in (top + 26, top + 112):
                a, b = (column * SCALE, row * SCALE), ((column + 30) * SCALE, (row + 50) * SCALE)
                cv2.rectangle(image, a, b, (0.93, 0.92, 0.90), -1)
                cv2.rectangle(image, (a[0] + 8, a[1] + 8), (b[0] - 8, b[1] - 8), (0.22, 0.27, 0.33), -1)
    for middle, base, spread, tone in ((205, 150, 92, (0.40, 0.55, 0.24)), (455, 120, 110, (0.34, 0.50, 0.25))):
        leaves = painter.leaves(HEIGHT, WIDTH, 17, tone)
        y2, x2 = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32) / SCALE
        shape = 1 - ((x2 - middle) / spread) ** 2 - ((y2 - base) / (spread * 1.05)) ** 2
        mask = np.clip((shape + painter.noise(HEIGHT, WIDTH, 130, 5) * 0.22) * 9, 0, 1)[..., None]
        trunk = np.clip((9 - np.abs(x2 - middle)) / 2, 0, 1) * (y2 > base) * (y2 < 330)
        image = image * (1 - trunk[..., None]) + np.array((0.27, 0.22, 0.18), np.float32) * trunk[..., None]
        image = image * (1 - mask) + leaves * mask
    hedge = painter.leaves(HEIGHT, WIDTH, 13, (0.33, 0.47, 0.22))
    top = (212 + painter.noise(1, WIDTH, 150, 4)[0] * 4) * SCALE
    cover = np.clip((np.arange(HEIGHT)[:, None] - top[None]) / 8, 0, 1)[..., None].astype(np.float32)
    image = image * (1 - cover) + hedge * cover
    image[268 * SCALE :] = np.array((0.52, 0.52, 0.53), np.float32)  # the street behind the wall
    blurred: Image = cv2.GaussianBlur(image, (0, 0), 3.6 * SCALE)
    return blurred


def _garden(painter: Painter, image: Image) -> None:
    """The low wall with its timber gate, and the paved ground before it, into `image`."""
    top, foot = WALL_TOP * SCALE, WALL_FOOT * SCALE
    wall = painter.bricks(foot - top, WIDTH, (11 * SCALE, 34 * SCALE), (0.55, 0.38, 0.31), (0.66, 0.64, 0.60))
    gate_left, gate_right = 262 * SCALE, 398 * SCALE
    wall[:, gate_left:gate_right] = painter.boards(foot - top, gate_right - gate_left, 17 * SCALE, (0.46, 0.31, 0.19))
    for row in (16, 74):
        band = slice(row * SCALE, (row + 7) * SCALE)
        wall[band, gate_left:gate_right] *= 0.35
    wall[:, gate_left - 4 * SCALE : gate_left] *= 0.4
    wall[:, gate_right : gate_right + 4 * SCALE] *= 0.4
    wall *= np.linspace(1.04, 0.74, foot - top, dtype=np.float32)[:, None, None]
    image[top:foot] = cv2.GaussianBlur(wall, (0, 0), 0.9 * SCALE)
    coping = slice(top - 9 * SCALE, top + 3 * SCALE)
    rows = coping.stop - coping.start
    stone = np.array((0.74, 0.72, 0.68), np.float32) * (1 + 0.05 * painter.noise(rows, WIDTH, 14, 4))[..., None]
    stone *= np.linspace(1.12, 0.78, rows, dtype=np.float32)[:, None, None]
    keep = image[coping, gate_left:gate_right].copy()
    image[coping] = cv2.GaussianBlur(stone, (0, 0), 0.8 * SCALE)
    image[coping, gate_left:gate_right] = keep * 0.0 + np.array((0.40, 0.27, 0.17), np.float32)
    image[top + 3 * SCALE : top + 9 * SCALE] *= 0.78
    image[foot:] = _paving(painter, HEIGHT - foot)
    shade = np.exp(-np.arange(HEIGHT - foot, dtype=np.float32) / (10 * SCALE))[:, None, None]
    image[foot:] *= 1 - 0.45 * shade


def _paving(painter: Painter, height: int) -> Image:
    """Stone slabs going away from the camera."""
    y, x = np.mgrid[0:height, 0:WIDTH].astype(np.float32)
    away = 1 / (0.16 + 0.84 * (y + 1) / height)
    depth, side = 3.1 * away, (x - WIDTH * 0.5) / WIDTH * 9 * away
    row = np.floor(depth * 1.6).astype(int)
    inside_y = depth * 1.6 - row
    shifted = side * 1.15 + (row % 2) * 0.5
    column = np.floor(shifted).astype(int)
    inside_x = shifted - column
    joint = np.minimum(np.minimum(inside_y, 1 - inside_y) * 1.2, np.minimum(inside_x, 1 - inside_x))
    seam = np.clip(joint / 0.035, 0, 1)[..., None]
    table = np.random.default_rng(4).normal(0, 1, (64, 64)).astype(np.float32)
    each = table[row % 64, column % 64]
    grain, stain = painter.noise(height, WIDTH, 8, 4, stretch=2.5), painter.noise(height, WIDTH, 240, 4, stretch=3)
    tone = np.array((0.60, 0.575, 0.54), np.float32) * (1 + 0.06 * each + 0.035 * grain + 0.05 * stain)[..., None]
    slabs: Image = np.clip(tone * (0.62 + 0.38 * seam), 0, 1)
    return slabs


def _near(painter: Painter, image: Image) -> None:
    """The pillar that carries the sign (left) and the neighbour's doorway (right), sharp, into `image`."""
    right = PILLAR_RIGHT * SCALE
    pillar = painter.bricks(HEIGHT, right, (25 * SCALE, 74 * SCALE), (0.58, 0.43, 0.36), (0.70, 0.68, 0.64))
    x = np.linspace(0, 1, right, dtype=np.float32)[None, :, None]
    pillar *= 0.92 + 0.18 * x - 0.30 * np.clip((x - 0.90) / 0.10, 0, 1)
    image[:, right : right + 26 * SCALE] *= (
        1 - 0.40 * np.exp(-np.arange(26 * SCALE, dtype=np.float32) / (8 * SCALE))[None, :, None]
    )
    image[:, :right] = pillar
    left = HOUSE_LEFT * SCALE
    width = WIDTH - left
    plaster = (
        np.array((0.80, 0.77, 0.70), np.float32)
        * (1 + 0.018 * painter.noise(HEIGHT, width, 6, 4) + 0.03 * painter.noise(HEIGHT, width, 260, 4))[..., None]
    )
    plaster *= np.linspace(0.80, 1.04, width, dtype=np.float32)[None, :, None]
    frame, door = 34 * SCALE, 46 * SCALE
    plaster[52 * SCALE :, frame:] = np.array((0.90, 0.89, 0.86), np.float32)
    wood = (
        np.array((0.16, 0.27, 0.25), np.float32)
        * (1 + 0.05 * painter.noise(width, HEIGHT, 9, 4, stretch=20).T)[..., None]
    )
    plaster[64 * SCALE :, door:] = wood[64 * SCALE :, door:]
    for top, bottom in ((84, 196), (216, 300), (320, 452)):
        a, b = (door + 14 * SCALE, top * SCALE), (width - 12 * SCALE, bottom * SCALE)
        cv2.rectangle(plaster, a, b, (0.10, 0.18, 0.17), 2 * SCALE, cv2.LINE_AA)
        cv2.line(plaster, (a[0], b[1]), b, (0.30, 0.44, 0.41), SCALE, cv2.LINE_AA)
        cv2.line(plaster, (b[0], a[1]), b, (0.27, 0.40, 0.38), SCALE, cv2.LINE_AA)
    cv2.circle(plaster, (door + 9 * SCALE, 262 * SCALE), 4 * SCALE, (0.80, 0.66, 0.34), -1, cv2.LINE_AA)
    plaster[64 * SCALE : 72 * SCALE, door:] *= 0.6
    plaster[64 * SCALE :, door : door + 5 * SCALE] *= 0.65
    plaster[:, : 5 * SCALE] *= 0.78
    image[:, left - 22 * SCALE : left] *= (
        1 - 0.32 * np.exp(-np.arange(22 * SCALE, dtype=np.float32) / (7 * SCALE))[None, ::-1, None]
    )
    image[:, left:] = np.clip(plaster, 0, 1)


def paint(seed: int = 11) -> npt.NDArray[np.uint8]:
    """The finished backdrop, (480, 640, 3) RGB."""
    painter = Painter(seed)
    image = _far(painter)
    _garden(painter, image)
    _near(painter, image)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    sun = painter.noise(HEIGHT, WIDTH, 700, 3) * 0.035 + 0.05 * (1 - y / HEIGHT)
    corner = ((x / WIDTH - 0.5) ** 2 + (y / HEIGHT - 0.5) ** 2) * 0.36
    image = np.clip(image * (1 + sun - corner)[..., None], 0, 1)
    small = cv2.resize(image, (640, 480), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(small**0.96, 0.02, 0.985) * 255 + 0.5).astype(np.uint8)
