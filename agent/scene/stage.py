"""Who stands where at an instant: pure geometry and motion, no pixels.

Way points are joined by monotone cubics, so people start and stop softly and never overshoot; walking adds a small bob
and sway. Everything is a function of the script and a time, so that any frame can be had alone, again, and equal.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.scene.cast import Cast, Sprite
from agent.scene.held import Medium
from agent.scene.script import LAYERS, Actor, Card, Layer, Pass, Script
from agent.units import Point

_STEPS_HZ: Final = 1.8
_COVER_SLIDE_S: Final = 0.10
"""A cover comes and goes within two frames, so no frame leaves it open whether the marker can be read."""

Matrix = npt.NDArray[np.float64]
Rows = Sequence[tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Pose:
    """One person at one instant. Eye middle and distance in pixels of the picture."""

    actor: int
    """Index of the walk in the script."""
    person: str
    sprite: str
    layer: Layer
    x: float
    y: float
    eyes_px: float
    roll_deg: float
    turn_deg: float
    blur_px: float
    shade: float
    held: Medium | None = None


def frame_time(script: Script, number: int) -> float:
    """Seconds since the start at which frame `number` is exposed."""
    return number / script.fps


def poses(script: Script, t: float) -> tuple[Pose, ...]:
    """Everybody who is on at `t`, far to near: in the order in which they are painted."""
    here = [
        _pose(index, actor, t) for index, actor in enumerate(script.actor) if actor.path[0][0] <= t <= actor.path[-1][0]
    ]
    return tuple(sorted(here, key=lambda pose: (LAYERS.index(pose.layer), pose.eyes_px)))


def _pose(index: int, actor: Actor, t: float) -> Pose:
    x, y, eyes = smooth(actor.path, t)
    before, after = smooth(actor.path, t - 0.04), smooth(actor.path, t + 0.04)
    pace = min(1.0, math.hypot(after[0] - before[0], after[2] - before[2]) / 0.08 / (1.6 * eyes))
    step = math.sin(2 * math.pi * _STEPS_HZ * (t - actor.path[0][0]))
    swing = math.sin(math.pi * _STEPS_HZ * (t - actor.path[0][0]))
    sprite = [name for since, name in actor.sprites if since <= t][-1]
    return Pose(
        actor=index,
        person=actor.person,
        sprite=sprite,
        layer=actor.layer,
        x=x + 0.05 * eyes * pace * swing,
        y=y + 0.06 * eyes * pace * step,
        eyes_px=eyes,
        roll_deg=linear(actor.roll, t)[0] + 1.2 * pace * swing,
        turn_deg=linear(actor.turn, t)[0],
        blur_px=max(0.0, linear(actor.blur, t)[0]),
        shade=linear(actor.shade, t)[0],
        held=actor.held,
    )


def linear(rows: Rows, t: float) -> tuple[float, ...]:
    """The columns after the time column at `t`: straight lines between rows, constant outside them."""
    after = bisect.bisect_right([row[0] for row in rows], t)
    if after == 0:
        return tuple(rows[0][1:])
    if after == len(rows):
        return tuple(rows[-1][1:])
    first, second = rows[after - 1], rows[after]
    part = (t - first[0]) / (second[0] - first[0])
    return tuple(a + (b - a) * part for a, b in zip(first[1:], second[1:], strict=True))


def smooth(rows: Rows, t: float) -> tuple[float, ...]:
    """Like `linear`, with monotone cubic pieces: soft starts and stops, nothing beyond the rows' own values."""
    after = bisect.bisect_right([row[0] for row in rows], t)
    if after == 0 or after == len(rows):
        return linear(rows, t)
    first, second = rows[after - 1], rows[after]
    span = second[0] - first[0]
    u = (t - first[0]) / span
    return tuple(
        a * (1 + 2 * u) * (1 - u) ** 2
        + b * u * u * (3 - 2 * u)
        + span * _slope(rows, after - 1, column) * u * (1 - u) ** 2
        - span * _slope(rows, after, column) * u * u * (1 - u)
        for column, (a, b) in enumerate(zip(first[1:], second[1:], strict=True), start=1)
    )


def _slope(rows: Rows, index: int, column: int) -> float:
    """Slope at one row: the harmonic mean of both sides, 0 where the direction turns; at the ends the side's own."""
    sides = [
        (rows[other][column] - rows[index][column]) / (rows[other][0] - rows[index][0])
        for other in (index - 1, index + 1)
        if 0 <= other < len(rows)
    ]
    if len(sides) == 1:
        return sides[0]
    left, right = sides
    return 0.0 if left * right <= 0 else 2 * left * right / (left + right)


def placement(sprite: Sprite, pose: Pose) -> Matrix:
    """The 2 x 3 matrix from the sprite's pixels to the picture's."""
    (x0, y0), (x1, y1) = sprite.eyes
    across = complex(x1 - x0, y1 - y0)
    turn = (
        pose.eyes_px
        / abs(across)
        * complex(math.cos(math.radians(pose.roll_deg)), math.sin(math.radians(pose.roll_deg)))
    )
    middle = turn * complex((x0 + x1) / 2, (y0 + y1) / 2)
    return np.array(
        [[turn.real, -turn.imag, pose.x - middle.real], [turn.imag, turn.real, pose.y - middle.imag]], np.float64
    )


def face_quad(cast: Cast, pose: Pose) -> tuple[Point, Point, Point, Point]:
    """The corners of the person's face box in the picture, clockwise from the face's own top left."""
    sprite = cast.sprites[pose.sprite]
    matrix = placement(sprite, pose)
    x0, y0, x1, y1 = sprite.face
    corners = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]]) @ matrix.T
    first, second, third, fourth = ((float(x), float(y)) for x, y in corners)
    return first, second, third, fourth


def covering(script: Script, t: float) -> float:
    """How far the sign is covered, 0 to 1."""
    most = 0.0
    for start, end in script.sign.covered:
        if start <= t < end + _COVER_SLIDE_S:
            most = max(most, min(1.0, (t - start) / _COVER_SLIDE_S, (end + _COVER_SLIDE_S - t) / _COVER_SLIDE_S))
    return most


def shown_passes(script: Script, t: float) -> tuple[tuple[Pass, float], ...]:
    """Passes in view at `t`, each with how far it has been raised, 0 to 1."""
    slide = 0.5
    return tuple(
        (each, min(1.0, (t - each.span[0]) / slide, (each.span[1] - t) / slide))
        for each in script.pass_
        if each.span[0] < t < each.span[1]
    )


def shown_cards(script: Script, t: float) -> tuple[Card, ...]:
    """No-recognition cards in view at `t`; they come and go from one frame to the next."""
    return tuple(each for each in script.card if each.span[0] <= t < each.span[1])


def position(script: Script, t: float) -> tuple[float, float, float, float]:
    """The latest fix of a receiver with `hertz` fixes a second: taken at (s), latitude, longitude, sigma (m)."""
    taken = math.floor(t * script.position.hertz + 1e-6) / script.position.hertz
    lat, lon, sigma = linear(script.position.fixes, taken)
    return taken, lat, lon, sigma
