"""Where the device stands and how its camera looks, as the policy signs it, and what a receiver says about it.

Rules: a position is known only with its error. A surveyed device may have a receiver as its anchor: then it counts as
standing still only while the whole uncertainty of fresh fixes lies within `anchor_m` of the survey.
Leaves out: zones (geofence.py), what the camera sees of them (footprint.py), the receiver (adapters/gnss).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from agent.policy.document import Strict
from agent.policy.earth import GREATEST_RADIUS_M, apart_m
from agent.units import Fix

_ANCHOR_AGE_NS: Final = 5_000_000_000


class Survey(Strict):
    kind: Literal["survey"]
    lat_deg: Annotated[float, Field(ge=-90, le=90)]
    lon_deg: Annotated[float, Field(ge=-180, le=180)]
    sigma_m: Annotated[float, Field(ge=0, le=100)]
    anchor_m: Annotated[float, Field(ge=5, le=1000)] | None = None
    """How far a receiver's position, with its error, may be from here before the device counts as moved."""


class Gnss(Strict):
    kind: Literal["gnss"]
    max_age_s: Annotated[float, Field(gt=0, le=5)] = 5.0
    clear_hold_s: Annotated[float, Field(ge=30, le=600)] = 30.0


class Pose(Strict):
    """How the camera looks from its location: a pinhole without distortion over level ground."""

    height_m: Annotated[float, Field(ge=0.3, le=100)]
    """Above the ground on which people stand."""
    heading_deg: Annotated[float, Field(ge=0, lt=360)]
    """Of the middle of the picture, clockwise from true north."""
    tilt_deg: Annotated[float, Field(ge=-90, le=90)]
    """Of the middle of the picture below the horizon."""
    roll_deg: Annotated[float, Field(ge=-180, le=180)] = 0.0
    """Of the camera, clockwise as seen from behind it."""
    view_deg: Annotated[float, Field(ge=5, le=150)]
    """Horizontal angle of view."""
    range_m: Annotated[float, Field(ge=1, le=200)]
    """On the ground, from below the camera: farther away no face can be recognised."""
    sigma_deg: Annotated[float, Field(ge=0.05, le=3)] = 1.0
    """One standard deviation of each of the three angles; what a lens bends lines by belongs in here."""
    height_sigma_m: Annotated[float, Field(ge=0, le=3)] = 0.2
    """One standard deviation of the height, slopes of the ground within the range included."""


@dataclass(frozen=True, slots=True)
class Spot:
    lat_deg: float
    lon_deg: float
    sigma_m: float
    """One standard deviation, horizontal."""


def spot(location: Survey | Gnss, fix: Fix | None) -> Spot | None:
    """Where the device is: as surveyed, or as the fix says; None where that is unknown or no position."""
    if isinstance(location, Survey):
        return Spot(location.lat_deg, location.lon_deg, location.sigma_m)
    return None if fix is None else _spot(fix)


def moved(location: Survey | Gnss, fix: Fix | None, captured_ns: int) -> bool | None:
    """Whether the device has left the place where it was surveyed; None where its anchor does not tell.

    Args:
        fix: of the receiver that is the anchor; unused where the policy names none.
        captured_ns: when it is asked (monotonic).
    """
    if isinstance(location, Gnss) or location.anchor_m is None:
        return False
    here = None if fix is None else _spot(fix)
    if fix is None or here is None or not 0 <= captured_ns - fix.taken_ns <= _ANCHOR_AGE_NS:
        return None
    metres = apart_m(location.lat_deg, location.lon_deg, here.lat_deg, here.lon_deg, GREATEST_RADIUS_M)
    return not metres + 3 * (here.sigma_m + location.sigma_m) <= location.anchor_m


def _spot(fix: Fix) -> Spot | None:
    known = abs(fix.lat_deg) <= 90 and abs(fix.lon_deg) <= 180 and 0 <= fix.sigma_m < math.inf
    return Spot(fix.lat_deg, fix.lon_deg, fix.sigma_m) if known else None
