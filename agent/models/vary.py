"""Chips of a few synthetic people, changed until they reach about as far as chips of many real ones do.

An int8 scale that was measured on too narrow a set clips what it has not seen. So faces are mixed with one another,
bent, turned, lit from a side, tinted, blurred, set before something else, and partly covered. What comes out need not
look like anybody: it is there to drive every channel. Everything follows from the seed. Leaves out: any encoder or
decoder of pictures, whose bytes differ between releases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from agent.face.align import CHIP_SIDE
from agent.units import Rgb

_SEED: Final = 21
_Real = npt.NDArray[np.float32]
_ROWS, _COLUMNS = np.mgrid[0:CHIP_SIDE, 0:CHIP_SIDE].astype(np.float32)
_MIDDLE: Final = CHIP_SIDE / 2


def varied(plain: Sequence[Rgb], count: int) -> npt.NDArray[np.uint8]:
    """Variations of chips (112, 112, 3), each of `plain` in turn; (count, 112, 112, 3)."""
    chance = np.random.default_rng(_SEED)
    made = np.empty((count, CHIP_SIDE, CHIP_SIDE, 3), np.uint8)
    for place in range(count):
        face = plain[place % len(plain)].astype(np.float32)
        for change in (_mixed, _bent, _before, _lit, _covered, _coarse):
            face = change(face, plain, chance)
        made[place] = np.clip(np.rint(face), 0, 255)
    return made


def _field(chance: np.random.Generator, knots: int, size: float) -> _Real:
    """A smooth random surface, (112, 112); `size` is its standard deviation at the knots."""
    coarse = chance.normal(0.0, size, (knots, knots)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (CHIP_SIDE, CHIP_SIDE), interpolation=cv2.INTER_CUBIC), np.float32)


def _mixed(face: _Real, plain: Sequence[Rgb], chance: np.random.Generator) -> _Real:
    """With another face, everywhere alike or region by region."""
    if chance.random() < 0.5:
        return face
    other = plain[int(chance.integers(len(plain)))].astype(np.float32)
    if chance.random() < 0.5:
        other = other[:, ::-1]
    if chance.random() < 0.5:
        share = np.full((CHIP_SIDE, CHIP_SIDE, 1), chance.uniform(0.25, 0.6), np.float32)
    else:
        share = (1 / (1 + np.exp(-3 * _field(chance, 4, 1.0))))[..., None].astype(np.float32)
    return np.asarray(face * (1 - share) + other * share, np.float32)


def _bent(face: _Real, plain: Sequence[Rgb], chance: np.random.Generator) -> _Real:
    """Another shape of the face, a little turned, larger or smaller, out of place, and mirrored or not."""
    angle, zoom = np.deg2rad(chance.normal(0.0, 4.0)), chance.uniform(0.93, 1.08)
    right, down = _COLUMNS - _MIDDLE, _ROWS - _MIDDLE
    across = (np.cos(angle) * right + np.sin(angle) * down) / zoom + _MIDDLE + chance.normal(0.0, 2.0)
    along = (np.cos(angle) * down - np.sin(angle) * right) / zoom + _MIDDLE + chance.normal(0.0, 2.0)
    across += _field(chance, 5, chance.uniform(0.0, 3.0))
    along += _field(chance, 5, chance.uniform(0.0, 3.0))
    edge = cv2.BORDER_REFLECT if chance.random() < 0.7 else cv2.BORDER_CONSTANT
    places = across.astype(np.float32), along.astype(np.float32)
    made = np.asarray(cv2.remap(face, *places, cv2.INTER_LINEAR, borderMode=edge), np.float32)
    return made[:, ::-1] if chance.random() < 0.5 else made


def _before(face: _Real, plain: Sequence[Rgb], chance: np.random.Generator) -> _Real:
    """The face cut out and set before something else."""
    if chance.random() < 0.4:
        return face
    wide, high = chance.uniform(36, 50), chance.uniform(46, 60)
    far = ((_COLUMNS - _MIDDLE) / wide) ** 2 + ((_ROWS - _MIDDLE - 4) / high) ** 2
    share = np.clip((far - 1) * 4, 0, 1)[..., None].astype(np.float32)
    knots, size = int(chance.integers(2, 12)), chance.uniform(10, 70)
    behind = np.stack([_field(chance, knots, size) for _ in range(3)], axis=-1)
    behind += chance.uniform(20, 235, 3).astype(np.float32)
    return np.asarray(face * (1 - share) + behind * share, np.float32)


def _lit(face: _Real, plain: Sequence[Rgb], chance: np.random.Generator) -> _Real:
    """In another light: grey or tinted, from a side, over- or underexposed, hard or flat."""
    if chance.random() < 0.25:
        face = np.repeat(face.mean(axis=2, keepdims=True), 3, axis=2)
    if chance.random() < 0.5:
        light = _field(chance, int(chance.integers(2, 4)), chance.uniform(0.1, 0.6))
        face = face * np.exp(light)[..., None]
    bend = np.exp(chance.normal(0.0, 0.1, 3) + chance.normal(0.0, 0.35)).astype(np.float32)
    bent = 255 * (np.clip(face, 0, 255) / 255) ** bend
    hard = (bent - 128) * chance.uniform(0.6, 1.4) + 128 + chance.uniform(-35, 35)
    return np.asarray(hard + chance.normal(0.0, 8.0, 3), np.float32)


def _covered(face: _Real, plain: Sequence[Rgb], chance: np.random.Generator) -> _Real:
    """With something in front of it, now and then."""
    if chance.random() < 0.8:
        return face
    high, wide = chance.integers(12, 50, 2)
    top, left = chance.integers(0, CHIP_SIDE - high), chance.integers(0, CHIP_SIDE - wide)
    front = chance.uniform(0, 255, 3) + _field(chance, 6, 20.0)[:high, :wide, None]
    face = face.copy()
    face[top : top + high, left : left + wide] = front
    return face


def _coarse(face: _Real, plain: Sequence[Rgb], chance: np.random.Generator) -> _Real:
    """As a small, a blurred or a noisy picture shows it."""
    if chance.random() < 0.5:
        small = int(CHIP_SIDE * chance.uniform(0.35, 1.0))
        shrunk = cv2.resize(face, (small, small), interpolation=cv2.INTER_AREA)
        face = np.asarray(cv2.resize(shrunk, (CHIP_SIDE, CHIP_SIDE), interpolation=cv2.INTER_LINEAR), np.float32)
    elif chance.random() < 0.3:
        face = np.asarray(cv2.GaussianBlur(face, (0, 0), chance.uniform(0.5, 1.5)), np.float32)
    if chance.random() < 0.5:
        face = face + chance.normal(0.0, chance.uniform(1, 10), face.shape).astype(np.float32)
    return face
