"""Paints the frames of a scene: backdrop, people between the occluders, cover, pass, light, sensor noise.

Rules: a frame is a function of scene, passes and frame number alone, byte for byte; only the pixels round each person
are warped, so a frame costs a few milliseconds. Leaves out: time (the simulated camera paces) and truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.errors import ConfigError
from agent.scene import stage
from agent.scene.held import board
from agent.scene.props import BOARD, UNIT, Patch, card, opt_out, sheet, sign_on
from agent.scene.scene import Scene
from agent.scene.script import HEIGHT, LAYERS, WIDTH
from agent.scene.stage import Pose
from agent.scene.turn import turned
from agent.units import Luma, Rgb

_SPARE: Final = 64
"""The noise tile is larger than the picture by this, and is shifted for each frame."""

Pixels = npt.NDArray[np.uint8]


class Stage:
    """One scene with everything that can be painted beforehand.

    Args:
        passes: text of the QR code for each pass name of the script.

    Raises:
        ConfigError: a picture beside the scene file is missing or has not the size that it must have.
    """

    def __init__(self, scene: Scene, passes: Mapping[str, str] | None = None) -> None:
        self._scene = scene
        self._script = scene.script
        texts = dict(passes or {})
        backdrop = _picture(scene, self._script.backdrop, (HEIGHT, WIDTH))
        face = _picture(scene, self._script.sign.face, (round(BOARD.height * UNIT), round(BOARD.width * UNIT)))
        self._backdrop = sign_on(backdrop, face, self._script.sign)
        self._hiding = {layer: self._occluder(layer) for layer in LAYERS}
        self._sheet = sheet(self._script.sign)
        self._cards = [
            None if (text := texts.get(each.name)) is None else card(each, text, _picture(scene, each.heading, None))
            for each in self._script.pass_
        ]
        self._opt_outs = [opt_out(each) for each in self._script.card]
        random = np.random.default_rng(self._script.seed)
        size = (HEIGHT + _SPARE, WIDTH + _SPARE)
        grain = random.standard_normal((*size, 3), np.float32) * np.float32(0.5)
        grain += random.standard_normal((*size, 1), np.float32)
        grain *= np.float32(self._script.noise)
        self._brighter = np.clip(grain, 0, 255).astype(np.uint8)
        self._darker = np.clip(np.negative(grain, out=grain), 0, 255).astype(np.uint8)

    def _occluder(self, layer: str) -> Pixels | None:
        """255 where the backdrop stands before people of `layer`; None where nothing does."""
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        for each in self._script.occluder:
            if LAYERS.index(each.before) >= LAYERS.index(layer):
                cv2.fillPoly(mask, [np.array(each.polygon, np.float32).round().astype(np.int32)], 255)
        return mask if mask.any() else None

    def picture(self, number: int, exposure: float = 1.0) -> tuple[Rgb, Luma]:
        """Frame `number`: (480, 640, 3) RGB and its (480, 640) luma, fresh arrays.

        Args:
            exposure: light that the sensor takes in, 1 as painted; what becomes brighter than white is burnt out.
        """
        t = stage.frame_time(self._script, number)
        frame = self._backdrop.copy()
        for pose in stage.poses(self._script, t):
            self._person(frame, pose)
        covered = stage.covering(self._script, t)
        if covered > 0:
            _paste(frame, self._sheet.rgba, round((covered - 1) * self._sheet.rgba.shape[1]), self._sheet.y, None, None)
        for shown, raised in stage.shown_passes(self._script, t):
            held = self._cards[self._script.pass_.index(shown)]
            if held is not None:
                _raise(frame, held, raised, t)
        for shown_card in stage.shown_cards(self._script, t):
            patch = self._opt_outs[self._script.card.index(shown_card)]
            _paste(frame, patch.rgba, patch.x, patch.y, None, None)
        return self._exposed(frame, t, number, exposure)

    def empty_picture(self) -> Rgb:
        """The commissioned picture of the empty scene: nobody there, the sign visible, as painted, without noise."""
        return self._backdrop.copy()

    def _person(self, frame: Rgb, pose: Pose) -> None:
        sprite = self._scene.cast.sprites[pose.sprite]
        cut = self._scene.cast.cut(sprite)
        matrix = stage.placement(sprite, pose)
        source, shrink = cut.full, 1.0
        if pose.turn_deg:
            source = turned(source, sprite, pose.turn_deg)
        elif np.hypot(matrix[0, 0], matrix[1, 0]) < 0.6:  # finer than the picture can show: start from the smaller one
            source, shrink = cut.half, cut.full.shape[0] / cut.half.shape[0]
            matrix = matrix.copy()
            matrix[:, :2] *= shrink
        high, wide = source.shape[:2]
        corners = np.array([[0, 0, 1], [wide, 0, 1], [0, high, 1], [wide, high, 1]]) @ matrix.T
        x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 2, (WIDTH, HEIGHT))
        if x1 <= x0 or y1 <= y0:
            return
        matrix = matrix - np.array([[0, 0, x0], [0, 0, y0]])
        shape = (int(x1 - x0), int(y1 - y0))
        figure = cv2.warpAffine(source, matrix, shape, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        if pose.blur_px > 0.2:
            figure = cv2.GaussianBlur(figure, (0, 0), pose.blur_px)
        x, y, shown = int(x0), int(y0), np.asarray(figure, np.uint8)
        if pose.held is not None:
            shown, left, top = board(shown, (pose.x - x, pose.y - y), pose.eyes_px, pose.held)
            x, y = x + left, y + top
        _paste(frame, shown, x, y, self._hiding[pose.layer], pose.shade)

    def _exposed(self, frame: Rgb, t: float, number: int, exposure: float) -> tuple[Rgb, Luma]:
        gain, warmth = stage.linear(self._script.light, t)
        gain *= exposure
        if (gain, warmth) != (1.0, 0.0):
            levels = np.arange(256)[:, None] * np.array([gain * (1 + warmth), gain, gain * (1 - warmth)])
            table = np.clip(levels + 0.5, 0, 255).astype(np.uint8).reshape(1, 256, 3)
            frame = np.asarray(cv2.LUT(frame, table), np.uint8)
        # Two coprime steps: the same shift comes back only after 64 * 64 frames.
        dx, dy = (number * 29 + self._script.seed) % _SPARE, (number * 29 // _SPARE * 37 + number * 11) % _SPARE
        tile = np.s_[dy : dy + HEIGHT, dx : dx + WIDTH]
        frame = np.asarray(cv2.subtract(cv2.add(frame, self._brighter[tile]), self._darker[tile]), np.uint8)
        return frame, np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def _picture(scene: Scene, name: str, size: tuple[int, int] | None) -> Rgb:
    """A picture beside the scene file, RGB, of (height, width) `size` where that is given."""
    found = cv2.imread(str(scene.folder / name), cv2.IMREAD_COLOR)
    if found is None or (size is not None and found.shape[:2] != size):
        wanted = "" if size is None else f" of {size[1]} x {size[0]}"
        raise ConfigError(f"{name}: is no picture{wanted}; run scripts/build_cast")
    return np.asarray(cv2.cvtColor(found, cv2.COLOR_BGR2RGB), np.uint8)


def _raise(frame: Rgb, held: Patch, raised: float, t: float) -> None:
    """Lay a pass card over the frame, `raised` from below the picture (0) to its place (1), in a hand that sways."""
    lift = (1 - raised) ** 2 * (HEIGHT + 20 - held.y)
    x, y = held.x + 2.0 * np.sin(2.1 * t), held.y + 1.5 * np.sin(1.7 * t + 1) + lift
    _paste(frame, held.rgba, round(x), round(y), None, None)


def _paste(frame: Rgb, rgba: Pixels, x: int, y: int, hidden: Pixels | None, shade: float | None) -> None:
    """Lay a picture with colour multiplied by alpha over the frame; nothing changes where `hidden` is 255."""
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + rgba.shape[1], WIDTH), min(y + rgba.shape[0], HEIGHT)
    if x1 <= x0 or y1 <= y0:
        return
    part = np.ascontiguousarray(rgba[y0 - y : y1 - y, x0 - x : x1 - x])
    under = np.ascontiguousarray(frame[y0:y1, x0:x1])
    colour = cv2.cvtColor(part, cv2.COLOR_RGBA2RGB)
    if shade is not None and shade != 1.0:
        colour = cv2.convertScaleAbs(colour, alpha=shade)
    clear = cv2.cvtColor(cv2.bitwise_not(cv2.extractChannel(part, 3)), cv2.COLOR_GRAY2RGB)
    mixed = cv2.add(cv2.multiply(under, clear, scale=1 / 255), colour)
    if hidden is not None:
        mixed = cv2.copyTo(under, np.ascontiguousarray(hidden[y0:y1, x0:x1]), mixed)
    frame[y0:y1, x0:x1] = mixed


def contact_sheet(
    scene: Scene, times: Sequence[float], passes: Mapping[str, str] | None = None, columns: int = 3
) -> Rgb:
    """Frames of a scene side by side at half size, for the documentation; (rows * 244, columns * 324, 3) RGB."""
    painted = Stage(scene, passes)
    rows = -(-len(times) // columns)
    page = np.full((rows * 244, columns * 324, 3), 255, np.uint8)
    for index, t in enumerate(times):
        rgb, _ = painted.picture(int(t * scene.script.fps))
        row, column = divmod(index, columns)
        small = cv2.resize(rgb, (320, 240), interpolation=cv2.INTER_AREA)
        page[row * 244 + 2 : row * 244 + 242, column * 324 + 2 : column * 324 + 322] = small
    return page
