"""Zones on the earth: is a position, with all its uncertainty, wholly outside every one of them?

Rules: distance is measured on a local tangent plane round the position (error far below a metre at gate scale); a zone
that is empty, crosses itself or cannot be measured raises, and the rule that called then refuses.
Leaves out: the camera's view (which part of the ground it sees) and a spatial index for very many zones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from shapely.geometry import Point, Polygon
from shapely.validation import explain_validity

from agent.errors import PolicyError
from agent.policy.bundle import Zone

_METRES_PER_DEGREE = 111_195.0
"""Mean length of one degree of latitude on a sphere of 6,371,009 m."""


def clear_of_zones(lat_deg: float, lon_deg: float, clearance_m: float, zones: Sequence[Zone]) -> bool:
    """True when every zone, grown by its own buffer, is more than `clearance_m` away.

    Args:
        clearance_m: margin plus three standard deviations of the position.

    Raises:
        PolicyError: a zone is no valid polygon.
    """
    here = Point(0.0, 0.0)
    for zone in zones:
        if _plane(zone, lat_deg, lon_deg).distance(here) <= clearance_m + zone.buffer_m:
            return False
    return True


def _plane(zone: Zone, lat_deg: float, lon_deg: float) -> Polygon:
    """The zone in metres east and north of the position; longitudes are taken the short way round."""
    shrink = math.cos(math.radians(lat_deg))
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
