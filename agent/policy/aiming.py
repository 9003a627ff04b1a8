"""How a camera looks, worked out from what can be seen and measured on the spot: horizon and a rectangle on the ground.

Rules: the model is that of footprint.py, a pinhole without distortion over level ground, so that the pose found here is
the one by which the gate blacks out zones. What comes out says how sure it is, by what a hand's error of some pixels
changes; where that is more than a policy may say, or the measurements contradict each other, there is no pose.
Leaves out: reading the picture (adapters/markers.py), and the policy, which alone gives a pose force.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.measured import Aimed
from agent.policy.footprint import axes, looking
from agent.policy.location import Pose
from agent.units import Point

Numbers = npt.NDArray[np.float64]

EYES_APART_M: Final = 0.063
"""Mean distance between an adult's pupils (ISO/IEC 29794-5 counts in pixels of it); children's are smaller."""
MARK_PX: Final = 20.0
"""Side of the sign's mark in the picture from which on it is read; see `scripts/prove sign`."""
CARD_PX: Final = 16.0
"""The same for the mark of a no-recognition card, which is looked for anywhere."""
_EYE_HEIGHT_M: Final = 1.6
_CORNER_PX: Final = 2.0
"""How exactly a corner on the ground is pointed at: one standard deviation."""
_HORIZON_PX: Final = 8.0
_CONTRADICTED: Final = 6.0
"""Standard deviations by which corners may miss the rectangle, on average."""
_TILTS_DEG: Final = (5.0, 20.0, 40.0, 60.0, 80.0)
_ROLLS_DEG: Final = (0.0, 90.0, -90.0, 180.0)
_TRIED: Final = 4
"""From so many of the best of these it is tried to get better."""
_STEP: Final = 1e-5
_ROUNDS: Final = 60
_LEAST: Final = 1e-3
"""How far below the horizon ground is, as a slope, at the least."""


@unique
class Unsolved(StrEnum):
    """Why there is no pose."""

    ABOVE_HORIZON = "above-horizon"
    """A corner on the ground lies above every horizon that fits."""
    CONTRADICTED = "contradicted"
    """No camera sees a rectangle of these sides at these corners: their order or a length is wrong."""
    TOO_VAGUE = "too-vague"
    """Some pixels more or less make too much of a difference: measure a larger rectangle, or a nearer one."""
    OUT_OF_RANGE = "out-of-range"
    """No policy may say such a pose."""


@dataclass(frozen=True, slots=True)
class Solved:
    pose: Pose
    miss_px: float
    """How far a corner is from the rectangle of this pose, on average (root mean square)."""


def solve(aimed: Aimed, width: int, height: int) -> Solved | Unsolved:
    """The pose that fits best.

    Args:
        width: of the recognition picture in pixels; so is `height`.
    """
    seen = np.array([*aimed.ground, *([] if aimed.horizon is None else [(0.0, y) for y in aimed.horizon])])
    sight = _Sight(aimed, width, height)
    best = sight.best(seen)
    if best is None:
        return Unsolved.ABOVE_HORIZON
    miss_px = math.sqrt(float(np.sum(sight.misses(best, seen)[:8] ** 2)) / 4) * _CORNER_PX
    if miss_px > _CONTRADICTED * _CORNER_PX:
        return Unsolved.CONTRADICTED
    angle_deg, height_m = sight.unsure(best, seen)
    if not (angle_deg <= 3 and height_m <= 3):
        return Unsolved.TOO_VAGUE
    tilt, roll, turn = (_wrapped(math.degrees(angle)) for angle in (best.tilt, best.roll, best.turn))
    if abs(tilt) > 90:  # the same camera, thought of as looking over its own head
        tilt, roll, turn = _wrapped(180 - tilt), _wrapped(roll + 180), turn + 180
    heading = (aimed.bearing_deg + turn) % 360
    if not 0.3 <= best.height_m <= 100:
        return Unsolved.OUT_OF_RANGE
    return Solved(
        Pose(
            height_m=round(best.height_m, 2),
            heading_deg=round(heading, 1) % 360,
            tilt_deg=round(tilt, 1) + 0.0,
            roll_deg=round(roll, 1) + 0.0,
            view_deg=aimed.view_deg,
            range_m=aimed.range_m,
            sigma_deg=max(1.0, math.ceil(angle_deg * 10) / 10),
            height_sigma_m=max(0.2, math.ceil(height_m * 100) / 100),
        ),
        miss_px,
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    tilt: float
    roll: float
    height_m: float
    turn: float
    """Of the rectangle against the camera's heading, anticlockwise from above."""
    corners: Numbers
    """Where they would be seen, (4, 2)."""
    horizon: Numbers
    """How far down at the left and the right edge."""
    cost: float


class _Sight:
    """One camera and one rectangle; angles in radians."""

    def __init__(self, aimed: Aimed, width: int, height: int) -> None:
        self._width, self._middle = width, np.array((width / 2, height / 2))
        self._focal_px = focal_px(aimed.view_deg, width)
        # The plan of the rectangle as complex numbers, right and ahead; its middle is 0.
        right, ahead = aimed.width_m / 2, aimed.depth_m / 2
        self._plan = np.array(
            (complex(-right, -ahead), complex(right, -ahead), complex(right, ahead), -right + ahead * 1j)
        )

    def best(self, seen: Numbers) -> _Fit | None:
        """The best fit of all; None: a corner is above every horizon."""
        starts = [
            found
            for tilt in _TILTS_DEG
            for roll in _ROLLS_DEG
            if (found := self.fit(seen, math.radians(tilt), math.radians(roll))) is not None
        ]
        nearest = sorted(starts, key=lambda found: found.cost)[:_TRIED]
        return min((self.settled(seen, each) for each in nearest), key=lambda found: found.cost, default=None)

    def fit(self, seen: Numbers, tilt: float, roll: float, least: float = _LEAST) -> _Fit | None:
        """With these two angles the rest has one best answer; None: a corner is above the horizon."""
        turned = looking(0.0, tilt, roll)
        rays = np.column_stack(((seen[:4] - self._middle) / self._focal_px, np.ones(4))) @ turned
        if (rays[:, 2] > -least).any():
            return None
        ground = (rays[:, 0] + 1j * rays[:, 1]) / -rays[:, 2]
        middle = ground.mean()
        scale = np.vdot(self._plan, ground - middle) / np.vdot(self._plan, self._plan)
        if abs(scale) < 1e-9:
            return None
        placed = scale * self._plan + middle
        ahead = np.column_stack((placed.real, placed.imag, np.full(4, -1.0))) @ turned.T
        corners = ahead[:, :2] / np.maximum(ahead[:, 2:], 1e-6) * self._focal_px + self._middle
        edges = np.array((0.0, self._width)) - self._middle[0]
        upright = turned[1, 2] if abs(turned[1, 2]) > 1e-6 else -1e-6
        horizon = self._middle[1] - (edges * turned[0, 2] + self._focal_px * turned[2, 2]) / upright
        found = _Fit(tilt, roll, 1 / abs(scale), cmath.phase(scale), corners, horizon, 0.0)
        cost = float(np.sum(self.misses(found, seen) ** 2))
        return _Fit(tilt, roll, found.height_m, found.turn, corners, horizon, cost)

    def misses(self, fit: _Fit, seen: Numbers) -> Numbers:
        """How far everything is from where it would be seen, in standard deviations: eight numbers, or ten."""
        corners = ((seen[:4] - fit.corners) / _CORNER_PX).ravel()
        return np.concatenate((corners, (seen[4:, 1] - fit.horizon[: len(seen) - 4]) / _HORIZON_PX))

    def settled(self, seen: Numbers, best: _Fit) -> _Fit:
        """The best fit near this one (Levenberg and Marquardt)."""
        damp = 1e-3
        for _ in range(_ROUNDS):
            here = self.misses(best, seen)
            slopes = np.column_stack([self._slope(best, seen, here, *turned) for turned in ((_STEP, 0), (0, _STEP))])
            square = slopes.T @ slopes
            step = np.linalg.solve(square + damp * np.diag(np.diag(square) + 1e-9), -slopes.T @ here)
            tried = self.fit(seen, best.tilt + float(step[0]), best.roll + float(step[1]))
            if tried is not None and tried.cost <= best.cost:
                if best.cost - tried.cost < 1e-9 * (1 + best.cost):
                    return tried
                best, damp = tried, damp / 10
            else:
                damp *= 10
        return best

    def _slope(self, best: _Fit, seen: Numbers, here: Numbers, tilt: float, roll: float) -> Numbers:
        side = self.fit(seen, best.tilt + tilt, best.roll + roll, least=_LEAST / 2)
        assert side is not None  # so small a step does not cross the horizon
        return (self.misses(side, seen) - here) / _STEP

    def unsure(self, best: _Fit, seen: Numbers) -> tuple[float, float]:
        """One standard deviation: of the least certain angle in degrees, and of the height; infinite if it fails."""
        worst = max(1.0, math.sqrt(best.cost / (len(seen) - 2)))  # 8 or 10 numbers for 6 unknown ones
        changes = []
        for row, column in [*np.ndindex(4, 2), *((row, 1) for row in range(4, len(seen)))]:
            moved = seen.copy()
            moved[row, column] += worst * (_CORNER_PX if row < 4 else _HORIZON_PX)
            near = self.fit(moved, best.tilt, best.roll)
            if near is None:
                return math.inf, math.inf
            other = self.settled(moved, near)
            turn = cmath.phase(cmath.rect(1, other.turn - best.turn))
            changes.append((other.tilt - best.tilt, other.roll - best.roll, turn, other.height_m - best.height_m))
        tilt, roll, turn, height_m = np.sqrt(np.sum(np.array(changes) ** 2, axis=0))
        return math.degrees(max(tilt, roll, turn)), float(height_m)


def _wrapped(angle_deg: float) -> float:
    return (angle_deg + 180) % 360 - 180


def focal_px(view_deg: float, width: int) -> float:
    return width / 2 / math.tan(math.radians(view_deg) / 2)


def reach_m(size_m: float, least_px: float, view_deg: float, width: int) -> float:
    """From how far away something of this size, facing the camera in the middle of its picture, has so many pixels."""
    return size_m * focal_px(view_deg, width) / least_px


def on_the_ground_m(reach_m: float, height_m: float) -> float | None:
    """How far from below the camera somebody stands whose eyes are so far from it; None: nobody's are so near."""
    down_m = height_m - _EYE_HEIGHT_M
    return math.sqrt(reach_m**2 - down_m**2) if reach_m > abs(down_m) else None


def ring(pose: Pose, width: int, height: int, metres: float) -> tuple[Point, ...]:
    """The points of the ground that are so far from below the camera, as a line across the picture; empty: not seen."""
    half = min(pose.view_deg, 170.0) * 0.75
    angles = np.radians(pose.heading_deg + np.linspace(-half, half, 61))
    places = np.column_stack((metres * np.sin(angles), metres * np.cos(angles), np.full(61, -pose.height_m)))
    across, down, ahead = (places @ axes(pose).T).T
    focal = focal_px(pose.view_deg, width)
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = focal * across / ahead + width / 2, focal * down / ahead + height / 2
    seen = (ahead > 0.01 * metres) & (np.abs(x - width / 2) < width) & (np.abs(y - height / 2) < height)
    return tuple((round(float(px), 1), round(float(py), 1)) for px, py in zip(x[seen], y[seen], strict=True))


def horizon(pose: Pose, width: int, height: int) -> tuple[Point, Point] | None:
    """Where the horizon meets the left and the right edge; None: it is upright, or the camera looks straight down."""
    right, down, forward = axes(pose)[:, 2]
    if abs(down) < 1e-3:
        return None
    focal = focal_px(pose.view_deg, width)
    left, far = (height / 2 - (edge * right + focal * forward) / down for edge in (-width / 2, width / 2))
    return (0.0, round(float(left), 1)), (float(width), round(float(far), 1))


def example(pose: Pose | None, width: int, height: int) -> Aimed:
    """What somebody would measure who had laid out a rectangle in the lower half of the picture of this pose.

    Args:
        pose: None, or one in which there is no ground below: a usual one is taken.
    """
    usual = Pose(height_m=2.2, heading_deg=0.0, tilt_deg=15.0, view_deg=62.0, range_m=15.0)
    for each in (usual,) if pose is None else (pose, usual):
        focal = focal_px(each.view_deg, width)
        downs = [math.radians(each.tilt_deg) + math.atan(share * height / focal) for share in (0.4, 0.22)]
        near_m, far_m = (each.height_m / math.tan(down) if 0.02 < down < 1.5 else math.inf for down in downs)
        if far_m == math.inf or abs(each.roll_deg) > 20:
            continue
        wide_m, deep_m = (max(0.1, round(metres, 1)) for metres in (near_m * width * 0.35 / focal, far_m - near_m))
        right, _, forward = looking(math.radians(each.heading_deg), 0.0, 0.0)
        places = [
            near_m * forward + side * wide_m / 2 * right + ahead * deep_m * forward - (0, 0, each.height_m)
            for side, ahead in ((-1, 0), (1, 0), (1, 1), (-1, 1))
        ]
        across, down, ahead = (np.array(places) @ axes(each).T).T
        corners = np.column_stack((focal * across / ahead + width / 2, focal * down / ahead + height / 2))
        ends = horizon(each, width, height)
        return Aimed(
            view_deg=each.view_deg,
            range_m=each.range_m,
            horizon=None if ends is None else (ends[0][1], ends[1][1]),
            ground=tuple((round(float(x), 1), round(float(y), 1)) for x, y in corners),
            width_m=wide_m,
            depth_m=deep_m,
            bearing_deg=each.heading_deg,
        )
    raise AssertionError("the usual pose sees the ground")
