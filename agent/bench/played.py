"""What the bench plays, painted from the demo's scene: an empty gate, and one person's visit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agent.bench.camera import Play
from agent.scene import stage
from agent.scene.render import Stage
from agent.scene.scene import Scene
from agent.units import Fix

_STANDS_S: Final = 1.2
_FACES: Final = 10
NOBODY: Final = 12
"""So many pictures of the empty scene, each with its own noise; shown over and over."""


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


def faces(scene: Scene, file: Path) -> Play:
    """Somebody who stands before the gate: one face in each picture."""
    numbers = range(round(_STANDS_S * scene.script.fps), round(_STANDS_S * scene.script.fps) + _FACES)
    return _painted(scene, file, numbers, tuple(range(_FACES)), scene.script.fps)


def _painted(scene: Scene, file: Path, numbers: Sequence[int], order: tuple[int, ...], fps: int) -> Play:
    painter = Stage(scene)
    with file.open("wb") as out:
        for number in numbers:
            for picture in painter.picture(number):
                out.write(picture.tobytes())
    _, lat, lon, sigma = stage.position(scene.script, 0.0)
    return Play(file, order, fps, Fix(lat, lon, sigma, 0))
