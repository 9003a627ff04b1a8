"""What an installer has measured on the spot, as the page sends it and the device config keeps it.

Leaves out: what follows from it (policy/aiming.py). It stands below all rooms: the config of a process that must know
nothing of policies names it too.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

PlacePx = Annotated[float, Field(ge=-10_000, le=10_000)]
PlacePoint = Annotated[tuple[PlacePx, PlacePx], Field(strict=False)]


class Aimed(BaseModel):
    """What an installer saw and measured; pixels of the recognition picture. It permits nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, hide_input_in_errors=True)

    view_deg: Annotated[float, Field(ge=5, le=150)]
    """Horizontal angle of view, from the data sheet of camera and lens."""
    range_m: Annotated[float, Field(ge=1, le=200)]
    """As `Pose.range_m`."""
    horizon: Annotated[tuple[PlacePx, PlacePx], Field(strict=False)] | None = None
    """How far down the horizon meets the left and the right edge of the picture; None: it cannot be told."""
    ground: Annotated[tuple[PlacePoint, ...], Field(min_length=4, max_length=4, strict=False)]
    """A rectangle on the ground, seen from the camera: near left, near right, far right, far left."""
    width_m: Annotated[float, Field(ge=0.05, le=100)]
    """From its left to its right corners."""
    depth_m: Annotated[float, Field(ge=0.05, le=100)]
    """From its near to its far corners."""
    bearing_deg: Annotated[float, Field(ge=0, lt=360)]
    """From its near to its far corners, clockwise from true north."""
    region: Annotated[tuple[PlacePoint, ...], Field(min_length=3, max_length=20, strict=False)] | None = None
    """The attempt region that is proposed; None: the policy's."""
