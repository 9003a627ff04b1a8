"""A camera whose pictures were painted beforehand: what is measured is the agent, not the painting.

Rules: the pictures lie in one file, and each frame is read from it afresh, as from a driver; frames leave on a steady
grid, and whoever comes late gets the newest one. A real camera's own work is its driver's, and is measured nowhere.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from agent.policy.frames import CapturedFrame
from agent.scene.render import Stage
from agent.scene.scene import Scene
from agent.scene.script import HEIGHT, WIDTH

_NS: Final = 1_000_000_000
_COLOUR: Final = HEIGHT * WIDTH * 3
_PICTURE: Final = HEIGHT * WIDTH * 4
NOBODY: Final = 12
"""So many pictures of the empty scene, each with its own noise; shown over and over."""


@dataclass(frozen=True, slots=True)
class Play:
    """What is shown, again and again."""

    file: Path
    order: tuple[int, ...]
    """The picture of each frame."""
    fps: int


def nobody(scene: Scene, file: Path, fps: int) -> Play:
    """The empty scene, after everybody has gone."""
    last = scene.script.frames - 1
    return _painted(scene, file, range(last - NOBODY + 1, last + 1), tuple(range(NOBODY)), fps)


def visit(scene: Scene, file: Path, until_s: float, away_s: float) -> Play:
    """The scene's beginning, then the empty scene for long enough that the next visit is a new one.

    Args:
        until_s: of the scene.
        away_s: of the empty scene.
    """
    fps, last = scene.script.fps, scene.script.frames - 1
    shown, empty = round(until_s * fps), round(away_s * fps)
    pictures = [*range(shown), *range(last - NOBODY + 1, last + 1)]
    order = (*range(shown), *(shown + each % NOBODY for each in range(empty)))
    return _painted(scene, file, pictures, order, fps)


def _painted(scene: Scene, file: Path, numbers: Sequence[int], order: tuple[int, ...], fps: int) -> Play:
    stage = Stage(scene)
    with file.open("wb") as out:
        for number in numbers:
            rgb, luma = stage.picture(number)
            out.write(rgb.tobytes())
            out.write(luma.tobytes())
    return Play(file, order, fps)


class PlayedCamera:
    """Implements `ports.Camera`; it never ends by itself."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._file = play.file.open("rb", buffering=0)
        self._start_ns = time.monotonic_ns()
        self._next = 0

    def read(self, timeout_s: float) -> CapturedFrame | None:
        now_ns = time.monotonic_ns()
        number = max(self._next, (now_ns - self._start_ns) * self._play.fps // _NS)
        due_ns = self._start_ns + number * _NS // self._play.fps
        self._next = number + 1
        self._file.seek(self._play.order[number % len(self._play.order)] * _PICTURE)
        picture = np.fromfile(self._file, np.uint8, _PICTURE)
        if due_ns > time.monotonic_ns():
            time.sleep((due_ns - time.monotonic_ns()) / _NS)
        rgb = picture[:_COLOUR].reshape(HEIGHT, WIDTH, 3)
        return CapturedFrame(number, due_ns, rgb, picture[_COLOUR:].reshape(HEIGHT, WIDTH))

    def close(self) -> None:
        self._file.close()
