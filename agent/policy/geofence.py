"""Zones on the earth: is a position, with all its uncertainty, wholly outside every one of them?

Rules: distance is measured on a local plane round the position, and rather too short than too long (by up to 1 % near
a zone); a zone that is empty, crosses itself or cannot be measured raises, and the rule that called then refuses.
Leaves out: the camera's view (which part of the ground it sees) and a spatial index for very many zones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from shapely.geometry import Point, Polygon
from shapely.validation import explain_validity

from agent.errors import PolicyError
from agent.policy.bundle import Zone

_METRES_PER_DEGREE = 110_574.0
"""The least length of one degree of latitude (WGS 84, at the equator), so that no distance is taken for longer than it
is."""


def clear_of_zones(lat_deg: float, lon_deg: float, clearance_m: float, zones: Sequence[Zone]) -> bool:
    """True when every zone, grown by its own buffer, is more than `clearance_m` away.

    Args:
        clearance_m: margin plus three standard deviations of the position.

    Raises:
        PolicyError: a zone is no valid polygon.
        ValueError: position or clearance is no position or distance.
    """
    if not (abs(lat_deg) <= 90 and abs(lon_deg) <= 180 and clearance_m >= 0):
        raise ValueError("not a position with a clearance")
    here = Point(0.0, 0.0)
    return all(_plane(zone, lat_deg, lon_deg).distance(here) > clearance_m + zone.buffer_m for zone in zones)


def _plane(zone: Zone, lat_deg: float, lon_deg: float) -> Polygon:
    """The zone in metres east and north of the position; longitudes are taken the short way round."""
    # The narrowest degree of longitude in play, for the same reason.
    shrink = math.cos(math.radians(max(abs(lat) for ring in (((lon_deg, lat_deg),), *zone.rings) for _, lat in ring)))
    rings = [
        [
            (
                ((lon - lon_deg + 540.0) % 360.0 - 180.0) * shrink * _METRES_PER_DEGREE,
                (lat - lat_deg) * _METRES_PER_DEGREE,
            )
            for lon, lat in ring
        ]
        for ring in zone.rings
    ]
    polygon = Polygon(rings[0], rings[1:])
    if polygon.is_empty or polygon.area == 0 or not polygon.is_valid:
        raise PolicyError(f"zone {zone.id}: {explain_validity(polygon)}; draw it again without crossings")
    return polygon
