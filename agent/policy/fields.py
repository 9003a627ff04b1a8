"""Field types of signed documents: names, hashes, polygons, and the closed lists of words that policies use.

Rules: strict; a polygon that crosses itself or has no area is no polygon. Leaves out: what the words mean (rules.py).
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Annotated

from pydantic import AfterValidator, Field
from shapely.geometry import Polygon

Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""32 bytes in lower-case hex: a SHA-256 or a public key."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Pixel = tuple[Annotated[float, Field(ge=0, le=4096)], Annotated[float, Field(ge=0, le=4096)]]


def _drawable(corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if not Polygon(corners).is_valid:
        raise ValueError("crosses itself or has no area; draw it again")
    return corners


PixelPolygon = Annotated[tuple[Pixel, ...], Field(min_length=3, max_length=64), AfterValidator(_drawable)]
LonLat = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]


@unique
class Place(StrEnum):
    """Class of the place (Measures art. 13); a private space never opens the camera."""

    PRIVATE_LAND = "private-land"
    PUBLIC_PLACE = "public-place"
    BUSINESS_PREMISES = "business-premises"
    """Open to the public, run by one operator: a counter, a desk, a museum's entrance, a boarding gate."""
    PRIVATE_SPACE = "private-space"
    """Rooms, baths, changing rooms and toilets, also where they lie inside a public place."""


@unique
class Purpose(StrEnum):
    RESIDENT_ENTRY = "resident-entry"
    STAFF_ENTRY = "staff-entry"
    GUEST_ENTRY = "guest-entry"
    VISITOR_ENTRY = "visitor-entry"
    PUPIL_ENTRY = "pupil-entry"
    IDENTITY_CHECK = "identity-check"
    PAYMENT = "payment"
    BOARDING = "boarding"
    DISPENSER = "dispenser"
    PUBLIC_SECURITY = "public-security"


@unique
class Mode(StrEnum):
    VERIFY = "verify"
    IDENTIFY = "identify"
    PASS = "pass"
    BLIND = "blind"


@unique
class AgeBand(StrEnum):
    """An age as it was declared; never estimated from a face."""

    UNDER_14 = "under-14"
    FROM_14 = "14-15"
    FROM_16 = "16-17"
    ADULT = "adult"
    UNKNOWN = "unknown"

    @property
    def youngest(self) -> int:
        """The lowest age that it may mean; unknown may mean any."""
        return {AgeBand.FROM_14: 14, AgeBand.FROM_16: 16, AgeBand.ADULT: 18}.get(self, 0)


@unique
class ProfileName(StrEnum):
    """Which rules bind; see profiles.py."""

    STRICT = "strict"
    CN_2025 = "cn-2025"
    CN_2023_DRAFT = "cn-2023-draft"
    EU_GDPR = "eu-gdpr"
    US_IL_BIPA = "us-il-bipa"
