"""A head that turns in a scene: its nose goes to the side and its outline stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.scene import stage
from agent.scene.render import Stage
from agent.scene.scene import load
from agent.scene.turn import turned

SCENE = load(Path(__file__).resolve().parents[2] / "scenes" / "enrolment.toml")
SPRITE = SCENE.cast.sprites["p1-scene-1"]


def marked() -> np.ndarray:
    """The sprite's size, with a bright spot at the nose tip and at both eyes and a frame round all."""
    rgba = np.zeros((SPRITE.height, SPRITE.width, 4), np.uint8)
    rgba[[0, -1], :], rgba[:, [0, -1]] = 255, 255
    return rgba


def spot(x: float, y: float) -> np.ndarray:
    rgba = np.zeros((SPRITE.height, SPRITE.width, 4), np.uint8)
    rgba[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3] = 255
    return rgba


def centre(rgba: np.ndarray) -> tuple[float, float]:
    weights = rgba[..., 0].astype(float)
    ys, xs = np.mgrid[0 : rgba.shape[0], 0 : rgba.shape[1]]
    return float((xs * weights).sum() / weights.sum()), float((ys * weights).sum() / weights.sum())


@pytest.mark.parametrize("turn_deg", [-5.0, 5.0])
def test_what_lies_nearer_moves_farther(turn_deg: float) -> None:
    (x0, y0), (x1, y1) = SPRITE.eyes
    middle, unit = ((x0 + x1) / 2, (y0 + y1) / 2), float(np.hypot(x1 - x0, y1 - y0))
    nose = spot(middle[0], middle[1] + 0.62 * unit)
    eye = spot(x0, y0)
    moved = centre(turned(nose, SPRITE, turn_deg))[0] - centre(nose)[0]
    beside = centre(turned(eye, SPRITE, turn_deg))[0] - centre(eye)[0]
    assert np.sign(moved) == np.sign(beside) == np.sign(turn_deg)
    assert abs(moved) > abs(beside) + 0.01 * unit


def test_outside_the_head_nothing_moves_and_no_turn_is_no_change() -> None:
    picture = SCENE.cast.cut(SPRITE).full
    assert np.array_equal(turned(picture, SPRITE, 0.0), picture)
    assert np.array_equal(turned(marked(), SPRITE, 18.0), marked())
    assert not np.array_equal(turned(picture, SPRITE, 10.0), picture)


def test_the_scene_turns_the_head_to_both_sides_in_time() -> None:
    angles = [stage.poses(SCENE.script, t)[0].turn_deg for t in (2.0, 5.5, 8.0)]
    assert angles == [0.0, 19.0, -9.0]
    painted = Stage(SCENE)
    straight, aside = (painted.picture(round(t * 15))[0].astype(int) for t in (4.2, 5.6))
    assert np.abs(straight - aside)[170:340, 240:400].mean() > 8
