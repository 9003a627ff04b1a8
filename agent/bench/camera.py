"""A camera and a receiver that play what was painted beforehand: what is measured is the agent, not the painting.

Rules: the pictures lie in one file, and each frame is read from it afresh, as from a driver; frames leave on a steady
grid, and whoever comes late gets the newest one. A real camera's own work is its driver's, and is measured nowhere.
Leaves out: painting (played.py), which would make the recogniser larger than it is at a door.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from agent.adapters.fitting import HEIGHT, WIDTH
from agent.policy.frames import CapturedFrame
from agent.units import Fix, Rgb

_NS: Final = 1_000_000_000
_COLOUR: Final = HEIGHT * WIDTH * 3
_PICTURE: Final = HEIGHT * WIDTH * 4
_FIX_NS: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class Play:
    """What is shown, again and again."""

    file: Path
    order: tuple[int, ...]
    """The picture of each frame."""
    fps: int
    fix: Fix
    """Where the device always is."""

    def write(self) -> Path:
        """The play as a file, for `read_play`."""
        path = self.file.with_suffix(".json")
        path.write_text(json.dumps({"order": self.order, "fps": self.fps, "fix": asdict(self.fix)}), "utf-8")
        return path


def read_play(path: Path) -> Play:
    found = json.loads(path.read_text("utf-8"))
    return Play(path.with_suffix(".bin"), tuple(found["order"]), found["fps"], Fix(**found["fix"]))


def pictures(play: Play) -> Iterator[Rgb]:
    """The colour pictures in the order of their numbers."""
    with play.file.open("rb") as file:
        while data := file.read(_PICTURE):
            yield np.frombuffer(data, np.uint8, _COLOUR).reshape(HEIGHT, WIDTH, 3)


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


class Receiver:
    """Implements `ports.Locator`: always at one place, measured some times a second."""

    def __init__(self, fix: Fix) -> None:
        self._fix = fix

    def fix(self, now_ns: int) -> Fix | None:
        return replace(self._fix, taken_ns=now_ns - now_ns % _FIX_NS)

    def close(self) -> None:
        """There is nothing to close."""
