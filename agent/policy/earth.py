"""Distances on the earth, as bounds: never taken for longer, or never for shorter, than they are.

Rules: on the WGS 84 ellipsoid the radius of curvature lies between the two below at every place and in every direction,
so a sphere of the one gives a lower bound of every distance, and of the other an upper bound (1 % apart).
"""

from __future__ import annotations

import math
from typing import Final

LEAST_RADIUS_M: Final = 6_335_439.0
"""North and south at the equator."""
GREATEST_RADIUS_M: Final = 6_399_594.0
"""At the poles."""
LEAST_DEGREE_M: Final = math.radians(LEAST_RADIUS_M)
"""The least length of one degree of latitude, and of one of longitude at the equator."""


def apart_m(lat1_deg: float, lon1_deg: float, lat2_deg: float, lon2_deg: float, radius_m: float) -> float:
    """The distance of two positions on a sphere of this radius; longitudes may be any turns apart."""
    lat1, lat2 = math.radians(lat1_deg), math.radians(lat2_deg)
    half = (
        math.sin((lat2 - lat1) / 2) ** 2
        + math.cos(lat1) * math.cos(lat2) * math.sin(math.radians(lon2_deg - lon1_deg) / 2) ** 2
    )
    return 2 * radius_m * math.asin(min(1.0, math.sqrt(half)))
