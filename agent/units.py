"""Ids, units and small shapes that every room shares.

Rules: a unit is in the type or in the name; `*_ns` is CLOCK_MONOTONIC nanoseconds (holds, frames), `*_s` of a
wall clock is Unix seconds. Leaves out: anything with behaviour beyond plain geometry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

import numpy as np
import numpy.typing as npt

SiteId = NewType("SiteId", str)
DeviceId = NewType("DeviceId", str)
DoorId = NewType("DoorId", str)
SubjectId = NewType("SubjectId", str)
"""A pseudonym; never a name."""
ConsentId = NewType("ConsentId", str)
PassId = NewType("PassId", str)
Sha256 = NewType("Sha256", str)
"""Lower-case hex, 64 characters."""

Rgb = npt.NDArray[np.uint8]
"""Shape (height, width, 3), red first."""
Luma = npt.NDArray[np.uint8]
"""Shape (height, width); may be finer than the picture it belongs to."""
Vector = npt.NDArray[np.float32]
"""Shape (dimensions,), unit length."""

Point = tuple[float, float]
"""x to the right, y down, in pixels of the recognition picture."""
Polygon = tuple[Point, ...]
"""At least three corners, not closed (the last is not the first again)."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels of the recognition picture; x1 and y1 lie outside."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def centre(self) -> Point:
        return ((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2)

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.width * self.height + other.width * other.height - shared)


@dataclass(frozen=True, slots=True)
class Fix:
    """One position with its error. A fix without an error estimate does not exist: it is None."""

    lat_deg: float
    lon_deg: float
    sigma_m: float
    """One standard deviation, horizontal."""
    taken_ns: int


@dataclass(frozen=True, slots=True)
class Marker:
    """One ArUco marker as it was read in a code frame."""

    number: int
    corners: Polygon
    """Four corners, clockwise from the marker's own top left, in pixels of the recognition picture."""


@dataclass(frozen=True, slots=True, repr=False)
class QrText:
    """One QR code as it was read; the text may be a pass, so it never shows in a repr."""

    text: str
    corners: Polygon
