"""Zones on the earth: which of them does a position, with all its uncertainty, reach?

Rules: a zone is reached unless it lies, grown by its own buffer, wholly outside the reach; distances are rather taken
for too short than too long (by up to 1 %, more only within some tens of kilometres of a pole). The plane is longitude
and latitude, in which the edges of a zone are straight: round the position it is stretched by the least length that a
degree has anywhere within the reach, so no detour over a map projection can make a zone seem farther away. A spatial
index keeps a check of 100,000 zones below half a millisecond.
Leaves out: what the camera sees (footprint.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPolygon

from agent.policy.earth import LEAST_DEGREE_M
from agent.policy.location import Spot
from agent.policy.zones import Zone

Numbers = npt.NDArray[np.float64]

_FAR_M: Final = 100_000.0
"""Whoever must keep clear of so much reaches every zone."""
_LEAST_M: Final = 0.001
_SIDES: Final = 64
_ROUND: Final = (np.arange(_SIDES) + 0.5) * (2 * math.pi / _SIDES)
_CIRCLE: Final = np.column_stack([np.cos(_ROUND), np.sin(_ROUND)]) / math.cos(math.pi / _SIDES)
"""Corners round the unit circle, which touches their sides from inside."""
_TURNS: Final = np.array([0.0, 360.0, -360.0])
"""A place has many longitudes; those of zones lie between -180 and 180, with their buffers up to 180 beyond."""


@dataclass(frozen=True, slots=True, eq=False)
class Fenced:
    zone: Zone
    shape: MultiPolygon


Reached = tuple[Fenced, float]
"""A zone and the whole turn, in degrees, by which the position's longitude is to be taken to be near it."""


class Fence:
    """The zones of one signed document, ready to be asked."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        self.zones = tuple(zones)
        self._fenced = [Fenced(zone, zone.shape()) for zone in zones]
        self._shapes = np.array([each.shape for each in self._fenced], dtype=object)
        self._buffers_m = np.array([each.zone.buffer_m for each in self._fenced])
        self._tree = shapely.STRtree(self._boxes())
        # Each frame asks several times, and hardly any frame from elsewhere than the one before.
        self._within = lru_cache(maxsize=8)(self._look)

    def reached(self, here: Spot, reach_m: float, unix_s: float | None, utc_offset_s: float | None) -> list[Reached]:
        """The zones in force that have a point within `reach_m` and their own buffer.

        Args:
            reach_m: whatever is to be kept clear of, the uncertainty of the position included.
            unix_s: trusted time, and how far the zones' timezone is ahead of UTC; None: unknown, see `Zone.in_force`.

        Raises:
            ValueError: position or reach are no position or distance.
        """
        if not (abs(here.lat_deg) <= 90 and abs(here.lon_deg) <= 180 and reach_m >= 0):
            raise ValueError("not a position with a reach")
        if reach_m > _FAR_M:
            found = [(each, 0.0) for each in self._fenced]
        else:
            found = [(self._fenced[index], turn) for index, turn in self._within(here, reach_m)]
        return [(each, turn) for each, turn in found if each.zone.in_force(unix_s, utc_offset_s)]

    def _look(self, here: Spot, reach_m: float) -> list[tuple[int, float]]:
        across, up = (float(each) for each in _spread(here.lat_deg, reach_m))
        lons = here.lon_deg + _TURNS
        south, north = np.full((2, len(lons)), [[here.lat_deg - up], [here.lat_deg + up]])
        boxes = shapely.box(lons - across, south, lons + across, north)
        turns, zones = self._tree.query(boxes)
        if not len(zones):
            return []
        discs = _discs(lons[turns], here.lat_deg, reach_m + self._buffers_m[zones])
        hit = shapely.intersects(self._shapes[zones], discs)
        return [(int(zone), float(_TURNS[turn])) for zone, turn in zip(zones[hit], turns[hit], strict=True)]

    def _boxes(self) -> npt.NDArray[np.object_]:
        """Round each zone and its buffer."""
        west, south, east, north = shapely.bounds(self._shapes).reshape(-1, 4).T
        across, up = _spread(np.maximum(abs(south), abs(north)), self._buffers_m)
        boxes: npt.NDArray[np.object_] = shapely.box(west - across, south - up, east + across, north + up)
        return boxes


def _spread(lat_deg: float | Numbers, metres: float | Numbers) -> Numbers:
    """The most degrees of longitude and of latitude that these metres can be, from this latitude on."""
    up = np.maximum(metres, _LEAST_M) / LEAST_DEGREE_M
    highest = np.abs(lat_deg) + up
    # Where the pole is within these metres, so is every longitude.
    shrink = np.where(highest < 90, np.cos(np.radians(np.minimum(highest, 90))), 0)
    across = np.where(shrink * 180 > up, up / np.maximum(shrink, 1e-300), 180)
    return np.stack(np.broadcast_arrays(across, up))


def _discs(lons_deg: Numbers, lat_deg: float, metres: Numbers) -> npt.NDArray[np.object_]:
    """In degrees, what lies within these metres round each longitude, and hardly more."""
    across, up = _spread(lat_deg, metres)
    middle = np.column_stack([lons_deg, np.full_like(lons_deg, lat_deg)])
    corners = middle[:, np.newaxis] + _CIRCLE * np.column_stack([across, up])[:, np.newaxis]
    # An oval that went round the earth would miss what lies beside the pole.
    band = shapely.box(lons_deg - 180, lat_deg - up, lons_deg + 180, lat_deg + up)
    discs: npt.NDArray[np.object_] = np.where(across < 180, shapely.polygons(corners), band)
    return discs
