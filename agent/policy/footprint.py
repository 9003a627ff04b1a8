"""What the camera may see of a zone: the parts of the picture that the gate blacks out.

Rules: the picture is divided into cells. For each cell, the ground on which somebody stands whom the cell may show is
worked out once: all of a person, from the soles to above the head, as far as the pose's range, with every angle and the
height off by three standard deviations the worse way. A cell is hidden where that ground meets a zone, grown by its
buffer and by three standard deviations of the position. So nothing is projected forward, and no point of a zone can be
behind the camera or beyond the edge of a projection. Whoever stands before a zone is hidden with it.
The camera is a pinhole without distortion over level ground; docs/operations.md says what to do about other ones.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from agent.policy.earth import LEAST_RADIUS_M
from agent.policy.geofence import Reached
from agent.policy.location import Pose, Spot

Cells = npt.NDArray[np.bool_]
"""(rows, columns), True where the picture must be black."""
Angles = npt.NDArray[np.float64]

_CELLS: Final = 40
"""Cells along the picture's longer side."""
_PERSON_M: Final = 2.5
"""No head is higher above the ground."""
_HIGHEST_DEG: Final = 89.0
_WIDEST: Final = math.radians(60)
_STEEPEST: Final = math.radians(89.99)
_ARC: Final = 8
"""Sides of a quarter circle where a zone is grown."""
_EQUATOR_M, _ECCENTRICITY2 = 6_378_137.0, 0.00669437999014
"""WGS 84."""


def cell_px(width: int, height: int) -> int:
    """Side of a cell; those at the right and lower edge may reach beyond the picture."""
    return -(-max(width, height) // _CELLS)


@lru_cache(maxsize=8)
def hidden(pose: Pose, width: int, height: int, here: Spot, near: tuple[Reached, ...]) -> Cells | None:
    """The cells that may show some of these zones; None: so near a pole nobody can tell.

    Args:
        width: of the recognition picture in pixels; so is `height`.
        near: the zones in force within the pose's range; see `Fence.reached`.
    """
    seen = _ground_seen(pose, width, height)
    found = np.zeros(seen.shape, np.bool_)
    for zone in near:
        ground = _on_the_ground(zone, here, pose.range_m)
        if ground is None:
            return None
        shapely.prepare(ground)
        found |= shapely.intersects(ground, seen)
    found.flags.writeable = False
    return found


@lru_cache(maxsize=4)
def _ground_seen(pose: Pose, width: int, height: int) -> npt.NDArray[np.object_]:
    """For each cell the ground on which it may show somebody, in metres east and north of the camera; None: nobody."""
    bearing, elevation, spread = _directions(pose, width, height)
    low, high = (np.tan(np.clip(elevation + turn * spread, -_STEEPEST, _STEEPEST)) for turn in (-1, 1))
    unsure_m = 3 * pose.height_sigma_m
    head_m, sole_m = _PERSON_M + unsure_m - pose.height_m, -unsure_m - pose.height_m
    # Somebody at distance d shows between head_m / d and sole_m / d; the cell between low and high.
    with np.errstate(divide="ignore", invalid="ignore"):
        over_head = np.where(low < 0, head_m / low, np.inf)
        under_head = np.where(low > 0, head_m / low, np.inf)
        at_soles = np.where(high < 0, sole_m / high, np.inf)
    nearest = np.where(head_m < 0, over_head, 0.0)
    farthest = np.minimum(under_head if head_m >= 0 else np.inf, np.minimum(at_soles, pose.range_m))
    # A cell that looks steeply down spans bearings without end.
    upright = np.abs(elevation) + spread < math.pi / 2
    half = np.where(upright, np.arcsin(np.minimum(np.sin(spread) / np.cos(elevation), 1.0)), math.pi)
    wide = half > _WIDEST
    half = np.minimum(half, _WIDEST)
    seen = _wedges(bearing, half, np.minimum(nearest, farthest), farthest)
    seen[wide] = shapely.box(-farthest[wide], -farthest[wide], farthest[wide], farthest[wide])
    seen[nearest > farthest] = None
    return seen


def _wedges(bearing: Angles, half: Angles, nearest: Angles, farthest: Angles) -> npt.NDArray[np.object_]:
    """Between two bearings and two distances; the sides that are arcs lie within it."""
    edges = [(bearing + side * half, metres) for metres in (nearest, farthest / np.cos(half)) for side in (-1, 1)]
    corners = np.stack([np.stack([metres * np.sin(angle), metres * np.cos(angle)], axis=-1) for angle, metres in edges])
    return np.asarray(shapely.polygons(np.moveaxis(corners[[0, 1, 3, 2]], 0, -2)), object)


def _directions(pose: Pose, width: int, height: int) -> tuple[Angles, Angles, Angles]:
    """Bearing and elevation of the middle of each cell, and how far around its directions may lie, in radians."""
    side = cell_px(width, height)
    focal_px = width / 2 / math.tan(math.radians(pose.view_deg) / 2)
    columns, rows = (np.arange(0.0, length + side, side) for length in (width, height))

    def rays(x: Angles, y: Angles) -> Angles:
        across, down = np.meshgrid((x - width / 2) / focal_px, (y - height / 2) / focal_px)
        found = np.stack([across, down, np.ones_like(across)], axis=-1)
        found /= np.linalg.norm(found, axis=-1, keepdims=True)
        return found

    middles, corners = rays(columns[:-1] + side / 2, rows[:-1] + side / 2), rays(columns, rows)
    sides = (corners[:-1, :-1], corners[1:, :-1], corners[:-1, 1:], corners[1:, 1:])
    size = np.max([np.arccos(np.minimum(np.sum(middles * each, axis=-1), 1.0)) for each in sides], axis=0)
    east, north, up = np.moveaxis(middles @ axes(pose), -1, 0)
    return np.arctan2(east, north), np.arcsin(np.clip(up, -1, 1)), size + _turned(pose)


def axes(pose: Pose) -> npt.NDArray[np.float64]:
    """The picture's right, its down, and the camera's forward, each as east, north, up."""
    return looking(*(math.radians(angle) for angle in (pose.heading_deg, pose.tilt_deg, pose.roll_deg)))


def looking(heading: float, tilt: float, roll: float) -> npt.NDArray[np.float64]:
    """The same from three angles in radians."""
    forward = np.array([math.sin(heading) * math.cos(tilt), math.cos(heading) * math.cos(tilt), -math.sin(tilt)])
    level = np.array([math.cos(heading), -math.sin(heading), 0.0])
    down = np.cross(forward, level)
    right = math.cos(roll) * level + math.sin(roll) * down
    return np.stack([right, math.cos(roll) * down - math.sin(roll) * level, forward])


def _turned(pose: Pose) -> float:
    """The most that three wrong angles turn a direction, in radians: heading and roll add up the more it is tilted."""
    each = 3 * math.radians(pose.sigma_deg)
    return 1.02 * each * math.sqrt(3 + 2 * abs(math.sin(math.radians(pose.tilt_deg))))


def _on_the_ground(reached: Reached, here: Spot, range_m: float) -> BaseGeometry | None:
    """The part of a zone that may be in range, grown, in metres east and north of where the camera is taken to be.

    None: so near a pole that there is no plane on which meridians are nearly parallel.
    """
    fenced, turn = reached
    lat = math.radians(here.lat_deg)
    grown_m = fenced.zone.buffer_m + 3 * here.sigma_m
    reach_m = range_m + grown_m
    highest = abs(lat) + reach_m / LEAST_RADIUS_M
    if highest > math.radians(_HIGHEST_DEG):
        return None
    # The plane is that of the camera's place; meridians draw together and parallels bend away from it.
    wrong_m = reach_m**2 / LEAST_RADIUS_M * (math.tan(highest) + 0.05)
    curve = 1 - _ECCENTRICITY2 * math.sin(lat) ** 2
    across_m = math.radians(_EQUATOR_M / math.sqrt(curve) * math.cos(lat))
    up_m = math.radians(_EQUATOR_M * (1 - _ECCENTRICITY2) / curve**1.5)
    lon, x, y = here.lon_deg + turn, (reach_m + wrong_m) / across_m, (reach_m + wrong_m) / up_m
    part = shapely.intersection(fenced.shape, shapely.box(lon - x, here.lat_deg - y, lon + x, here.lat_deg + y))
    flat = affine_transform(part, (across_m, 0, 0, up_m, -lon * across_m, -here.lat_deg * up_m))
    # A grown shape is a polygon within the round one; grown by a little more, the round one lies within it.
    return shapely.buffer(flat, (grown_m + wrong_m) / math.cos(math.pi / 4 / _ARC), quad_segs=_ARC)
