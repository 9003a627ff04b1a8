"""Simulated presentation attacks: a picture of somebody, printed or shown on a screen, held up before a camera.

Made from photographs, never from people with prints in their hands: good for telling how detection reacts to what is
modelled here, no evidence about attacks of an attacker. Terms of ISO/IEC 30107-3: each `Kind` is a species of
presentation attack instrument. Rules: who attacks holds the instrument before the own face, so that the surroundings
are as real as those of an honest person; both pass the same camera (optics, sensor, colour filter, noise), and faces
are equally large. Everything follows from the generator that is passed in. Light is linear in between.
Leaves out: masks, cut-outs with holes, films of a person that react, and any movement.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.face.detect import Face
from agent.units import Rgb

_Light = npt.NDArray[np.float32]
"""(height, width, 3) linear light, 1 is white."""
_Place = npt.NDArray[np.float64]
_GAMMA: Final = 2.2
FINE: Final = 3
"""Samples of the scene along one camera pixel."""


@unique
class Kind(StrEnum):
    """Species of attack instruments; the values are names in reports."""

    PHOTO = "photo-print"
    """On photo paper, with a white border."""
    HALFTONE = "halftone-print"
    """By a coarse raster."""
    CURLED = "curled-print"
    POSTER = "poster-print"
    """So large that no edge of it is in view."""
    PHONE = "phone-screen"
    """With its bezel."""
    GLARE = "glare-screen"
    """A phone that reflects a window or a lamp."""
    TABLET = "tablet-screen"
    """Coarser pixels: moire."""
    CLOSE = "close-screen"
    """So large that no bezel is in view."""

    @property
    def printed(self) -> bool:
        return self.value.endswith("-print")

    @property
    def whole(self) -> bool:
        """Nothing but the picture is in view."""
        return self in (Kind.POSTER, Kind.CLOSE)


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A photograph and the face in it."""

    picture: Rgb
    face: Face

    def light(self) -> _Light:
        return np.asarray((self.picture.astype(np.float32) / 255.0) ** _GAMMA, np.float32)


def bona_fide(person: Portrait, face_px: float, chance: np.random.Generator) -> Rgb:
    """The person before the camera, with a face as wide as `face_px`."""
    return _camera(_scaled(person.light(), FINE * face_px / person.face.box.width), chance)


def attack(victim: Portrait, attacker: Portrait, kind: Kind, face_px: float, chance: np.random.Generator) -> Rgb:
    """The attacker, who holds up a picture of the victim; the victim's face is as wide as `face_px`."""
    scene = _scaled(attacker.light(), FINE * face_px / attacker.face.box.width)
    shown = _scaled(victim.light(), FINE * face_px / victim.face.box.width)
    centre = np.array(victim.face.box.centre) * (FINE * face_px / victim.face.box.width)
    whole = kind.whole
    half = FINE * face_px * (4.0 if whole else chance.uniform(0.8, 1.15))
    content, centre = _cut(shown, centre, half * (1.0 if whole else chance.uniform(0.85, 1.0)), half)
    if whole:  # as if the picture went on, so that no edge of it comes into view
        more = round(0.8 * FINE * face_px)
        content = np.asarray(cv2.copyMakeBorder(content, more, more, more, more, cv2.BORDER_REFLECT_101), np.float32)
        centre = centre + more
    medium = _print(content, kind, chance) if kind.printed else _screen(content, kind, chance)
    edge = 0.0 if whole else half * (chance.uniform(0.0, 0.12) if kind.printed else chance.uniform(0.05, 0.15))
    framed, cover = _framed(medium, round(edge), kind, chance)
    place = np.array(attacker.face.box.centre) * (FINE * face_px / attacker.face.box.width)
    place = place + chance.normal(0.0, 0.04 * FINE * face_px, 2)
    return _camera(_held(scene, framed, cover, centre + round(edge), place, kind, chance), chance)


def _scaled(light: _Light, by: float) -> _Light:
    size = max(8, round(light.shape[1] * by)), max(8, round(light.shape[0] * by))
    way = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return np.clip(np.asarray(cv2.resize(light, size, interpolation=way), np.float32), 0.0, 1.0)


def _cut(
    light: _Light, centre: npt.NDArray[np.float64], wide: float, high: float
) -> tuple[_Light, npt.NDArray[np.float64]]:
    """The part within half a width and half a height of `centre`, and where the centre is in it."""
    left, top = (max(0, round(float(c - h))) for c, h in zip(centre, (wide, high), strict=True))
    right, low = round(float(centre[0] + wide)), round(float(centre[1] + high))
    return light[top:low, left:right], centre - (left, top)


def _print(light: _Light, kind: Kind, chance: np.random.Generator) -> _Light:
    """Ink on paper: fewer colours, greyer black, tinted white, spread dots."""
    grey = light.mean(axis=2, keepdims=True)
    light = grey + (light - grey) * chance.uniform(0.55, 0.95)
    light = np.clip(light, 0, 1) ** chance.uniform(0.85, 1.2)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), chance.uniform(0.3, 1.0) * FINE / 2), np.float32)
    if kind is Kind.HALFTONE:
        light = _raster(light, chance)
    black, white = chance.uniform(0.03, 0.09), chance.uniform(0.75, 0.95)
    return np.asarray((black + (white - black) * light) * _tint(chance, 0.05), np.float32)


def _raster(light: _Light, chance: np.random.Generator) -> _Light:
    """Dots of each ink on a grid of its own angle."""
    pitch = chance.uniform(0.6, 1.4) * FINE
    rows, columns = np.mgrid[0 : light.shape[0], 0 : light.shape[1]].astype(np.float32)
    turn = chance.uniform(0, np.pi / 2)
    made = np.empty_like(light)
    for channel, angle in enumerate((0.26, 1.31, 0.79)):
        across = columns * np.cos(angle + turn) + rows * np.sin(angle + turn)
        along = rows * np.cos(angle + turn) - columns * np.sin(angle + turn)
        grid = (np.cos(2 * np.pi * across / pitch) + np.cos(2 * np.pi * along / pitch)) / 4 + 0.5
        made[..., channel] = 1 / (1 + np.exp(-12 * (light[..., channel] ** (1 / _GAMMA) - grid)))
    made = made**_GAMMA
    share = chance.uniform(0.4, 0.8)
    return np.asarray(light * (1 - share) + made * share, np.float32)


def _screen(light: _Light, kind: Kind, chance: np.random.Generator) -> _Light:
    """Light of a display: another gamma, bluish white, reflections in its black, a grid of coloured stripes."""
    light = np.clip(light, 0, 1) ** chance.uniform(0.85, 1.25)
    rows, columns = np.mgrid[0 : light.shape[0], 0 : light.shape[1]].astype(np.float32)
    coarse = kind in (Kind.TABLET, Kind.CLOSE)
    pitch = (chance.uniform(0.6, 1.3) if coarse else chance.uniform(0.35, 0.6)) * FINE
    depth = chance.uniform(0.3, 0.8) if coarse else chance.uniform(0.1, 0.4)
    angle = chance.normal(0.0, 0.03)
    across, along = columns + rows * angle, rows - columns * angle
    stripes = np.stack([1 + depth * np.cos(2 * np.pi * (across / pitch - c / 3)) for c in range(3)], axis=-1)
    grid = stripes * (1 + depth * 0.5 * np.cos(2 * np.pi * along / pitch))[..., None]
    bands = 1 + chance.uniform(0, 0.05) * np.sin(2 * np.pi * rows / (chance.uniform(10, 60) * FINE))
    blue = np.array((1.0, 1.0, 1.0)) + np.array((-0.10, 0.0, 0.14)) * chance.uniform(0.0, 1.2)
    made = light * grid * bands[..., None] * blue * chance.uniform(0.7, 1.4) + chance.uniform(0.005, 0.05)
    if kind is Kind.GLARE:
        made = made + _reflection(light.shape[:2], chance)
    return np.asarray(made, np.float32)


def _reflection(shape: tuple[int, ...], chance: np.random.Generator) -> _Light:
    """A window with soft edges somewhere on the glass."""
    high, wide = shape
    middle = np.array((chance.uniform(0, wide), chance.uniform(0, high)))
    size = np.array((chance.uniform(0.1, 0.35) * wide, chance.uniform(0.1, 0.5) * high))
    corners = middle + size * np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) + chance.normal(0, 0.1 * wide, (4, 2))
    made = np.zeros(shape, np.float32)
    cv2.fillConvexPoly(made, np.rint(corners).astype(np.int32), float(chance.uniform(0.15, 0.7)))
    made = np.asarray(cv2.GaussianBlur(made, (0, 0), chance.uniform(0.5, 6.0) * FINE), np.float32)
    return np.asarray(made[..., None] * _tint(chance, 0.08), np.float32)


def _framed(medium: _Light, edge: int, kind: Kind, chance: np.random.Generator) -> tuple[_Light, _Light]:
    """The medium with its paper border or bezel, and what it covers (height, width, 1)."""
    level = chance.uniform(0.7, 0.95) if kind.printed else chance.uniform(0.004, 0.05)
    high, wide = medium.shape[0] + 2 * edge, medium.shape[1] + 2 * edge
    made = np.empty((high, wide, 3), np.float32)
    made[:] = level * _tint(chance, 0.04)
    made[edge : edge + medium.shape[0], edge : edge + medium.shape[1]] = medium
    return made, np.ones((high, wide, 1), np.float32)


def _held(
    scene: _Light, medium: _Light, cover: _Light, centre: _Place, place: _Place,
    kind: Kind, chance: np.random.Generator,
) -> _Light:  # fmt: skip
    """The medium in the hand: turned, tilted, lit from one side, curled if it is, with its face at `place`."""
    if kind is Kind.CURLED:
        medium, cover = _curled(medium, cover, chance)
    high, wide = medium.shape[:2]
    corners = np.array(((0, 0), (wide, 0), (wide, high), (0, high)), np.float64)
    angle = chance.normal(0.0, 0.05)
    turn = np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))
    there = (corners - centre) @ turn.T + place + chance.normal(0.0, 0.015 * wide, (4, 2))
    move = cv2.getPerspectiveTransform(corners.astype(np.float32), there.astype(np.float32))
    size = scene.shape[1], scene.shape[0]
    across = np.linspace(-1, 1, wide, dtype=np.float32)[None, :, None]
    along = np.linspace(-1, 1, high, dtype=np.float32)[:, None, None]
    light = medium * (1 + chance.normal(0, 0.08) * across + chance.normal(0, 0.08) * along)
    placed = cv2.warpPerspective(light.astype(np.float32), move, size, flags=cv2.INTER_LINEAR)
    mask = cv2.warpPerspective(cover, move, size, flags=cv2.INTER_LINEAR)[..., None]
    return np.asarray(scene * (1 - mask) + placed * mask, np.float32)


def _curled(medium: _Light, cover: _Light, chance: np.random.Generator) -> tuple[_Light, _Light]:
    """Bent round an upright or a lying axis, darker where it turns away."""
    high, wide = medium.shape[:2]
    rows, columns = np.mgrid[0:high, 0:wide].astype(np.float32)
    upright = chance.random() < 0.5
    way = (columns / wide if upright else rows / high) - 0.5
    bend = chance.uniform(0.25, 0.7) * (1 if chance.random() < 0.5 else -1)
    lift = (np.cos(np.pi * way) - 0.6) * bend * 0.12
    places = (columns, rows + lift * high) if upright else (columns + lift * wide, rows)
    made = cv2.remap(medium, places[0], places[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = (places[0] >= 0) & (places[0] < wide) & (places[1] >= 0) & (places[1] < high)
    shade = 1 - abs(bend) * chance.uniform(0.2, 0.6) * np.abs(way) * 2 + bend * way * 0.5
    return np.asarray(made * shade[..., None], np.float32), np.asarray(cover * inside[..., None], np.float32)


def _tint(chance: np.random.Generator, size: float) -> _Light:
    return np.asarray(1.0 + chance.normal(0.0, size, 3), np.float32)


def _camera(scene: _Light, chance: np.random.Generator) -> Rgb:
    """What a small camera makes of the light: blur, pixels, exposure, colour filter, noise, gamma."""
    light: npt.NDArray[Any] = cv2.GaussianBlur(scene, (0, 0), chance.uniform(0.35, 0.7) * FINE)
    high, wide = (side // FINE // 2 * 2 for side in scene.shape[:2])
    light = cv2.resize(light, (wide, high), interpolation=cv2.INTER_AREA)
    light = light * (chance.uniform(0.8, 1.1) * 0.2 / max(float(np.mean(light)), 0.02)) ** 0.6 * _tint(chance, 0.03)
    noise = np.sqrt(np.maximum(light, 0) * chance.uniform(2e-5, 3e-4) + chance.uniform(1e-6, 2e-5))
    light = np.clip(light + chance.normal(0.0, 1.0, light.shape) * noise, 0.0, 1.0)
    mosaic = np.empty((high, wide), np.float32)
    for channel, (row, column) in ((0, (0, 0)), (1, (0, 1)), (1, (1, 0)), (2, (1, 1))):
        mosaic[row::2, column::2] = light[row::2, column::2, channel]
    stored = np.rint(np.clip(mosaic, 0, 1) ** (1 / _GAMMA) * 65535).astype(np.uint16)
    colours = np.asarray(cv2.cvtColor(stored, cv2.COLOR_BayerBG2RGB), np.float32) / 65535 * 255
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)


def coded(picture: Rgb, chance: np.random.Generator) -> Rgb:
    """The picture after a camera's JPEG of ordinary quality."""
    quality = (cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(82, 97)))
    read = cv2.imdecode(cv2.imencode(".jpg", picture[..., ::-1], quality)[1], cv2.IMREAD_COLOR)
    assert read is not None, "it was written a moment ago"
    return np.ascontiguousarray(read[..., ::-1], np.uint8)
