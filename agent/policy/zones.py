"""No-recognition zones as they are signed: GeoJSON geometry (RFC 7946), class, buffer, validity and hours.

Rules: a zone that the rules of RFC 7946 do not allow, that crosses itself or that has no area is refused when it is
read, and the whole policy with it. An edge is a straight line in longitude and latitude, so none is longer than half a
turn: a zone across the antimeridian is cut there (RFC 7946, 3.1.9). The order of a ring's corners is free (3.1.6).
What is not known counts against recognition: without time or timezone every zone is in force.
Leaves out: how far away a zone is (geofence.py) and what the camera sees of it (footprint.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum, unique
from itertools import pairwise
from typing import Annotated, Final, Literal

import shapely
from pydantic import AwareDatetime, Field, model_validator
from shapely.validation import explain_validity

from agent.policy.document import Strict
from agent.policy.fields import LonLat, Name

Ring = tuple[LonLat, ...]
_DAY_S: Final = 86_400


@unique
class ZoneClass(StrEnum):
    """What the zone protects, for who reads the plan; every class binds alike."""

    PRIVATE_SPACE = "private-space"
    DWELLING = "dwelling"
    SCHOOL = "school"
    MEDICAL = "medical"
    WORSHIP = "worship"
    ASSEMBLY = "assembly"
    OTHER = "other"


@unique
class Day(StrEnum):
    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


_WEEK: Final = tuple(Day)
_EPOCH_DAY: Final = _WEEK.index(Day.THURSDAY)
"""1 January 1970."""
LocalTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Hours(Strict):
    """Times of a week in the policy's timezone. An end before the beginning lies on the next day."""

    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7)]
    from_: Annotated[LocalTime, Field(alias="from")]
    until: LocalTime

    @model_validator(mode="after")
    def _some_time(self) -> Hours:
        if self.from_ == self.until:
            raise ValueError("until is the same time as from; leave hours out for a zone that always holds")
        return self

    def cover(self, local_s: float) -> bool:
        """Whether it is within these hours; `local_s` counts as Unix seconds do, in local time."""
        day, second = int(local_s // _DAY_S), local_s % _DAY_S
        begins, ends = _seconds(self.from_), _seconds(self.until)
        today, yesterday = (_WEEK[(day + _EPOCH_DAY - back) % 7] in self.days for back in (0, 1))
        if begins < ends:
            return today and begins <= second < ends
        return (today and second >= begins) or (yesterday and second < ends)


class Polygon(Strict):
    type: Literal["Polygon"]
    coordinates: tuple[Ring, ...]
    """The first ring is the outer one, the others are holes; each repeats its first position at its end."""

    @property
    def pieces(self) -> tuple[tuple[Ring, ...], ...]:
        return (self.coordinates,)


class MultiPolygon(Strict):
    type: Literal["MultiPolygon"]
    coordinates: tuple[tuple[Ring, ...], ...]

    @property
    def pieces(self) -> tuple[tuple[Ring, ...], ...]:
        return self.coordinates


class Zone(Strict):
    """No recognition in here; `buffer_m` further metres round it belong to it."""

    id: Name
    class_: Annotated[ZoneClass, Field(alias="class")]
    geometry: Annotated[Polygon | MultiPolygon, Field(discriminator="type")]
    buffer_m: Annotated[float, Field(ge=0, le=10_000)] = 0.0
    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    until: AwareDatetime | None = None
    hours: Annotated[tuple[Hours, ...], Field(max_length=20)] = ()
    """Empty: at all hours."""

    @model_validator(mode="after")
    def _drawn_by_the_rules(self) -> Zone:
        faults = [*_faults(self.geometry.pieces)]
        if not faults and not (shape := self.shape()).is_valid:
            faults = [f"{explain_validity(shape)}: draw it again, without crossings, with holes inside"]
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            faults.append("until must lie after from")
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def shape(self) -> shapely.MultiPolygon:
        """The geometry in degrees, longitude as x."""
        return shapely.MultiPolygon([shapely.Polygon(rings[0], rings[1:]) for rings in self.geometry.pieces])

    def in_force(self, unix_s: float | None, utc_offset_s: float | None) -> bool:
        """Whether it holds at this time; None is unknown, and then it does.

        Args:
            utc_offset_s: how far the policy's timezone is ahead of UTC at that time.
        """
        if unix_s is None:
            return True
        begun = self.from_ is None or unix_s >= self.from_.timestamp()
        if not begun or (self.until is not None and unix_s >= self.until.timestamp()):
            return False
        if not self.hours or utc_offset_s is None:
            return True
        return any(hours.cover(unix_s + utc_offset_s) for hours in self.hours)


def _seconds(time: str) -> int:
    return int(time[:2]) * 3600 + int(time[3:]) * 60


def _faults(pieces: Sequence[Sequence[Ring]]) -> Iterator[str]:
    """What RFC 7946 does not allow, in words; crossings are shapely's to find."""
    if not pieces or not all(pieces):
        yield "empty: a polygon has an outer ring"
    for rings in pieces:
        for number, ring in enumerate(rings, start=1):
            if len(ring) < 4:
                yield f"ring {number}: fewer than four positions"
            elif ring[0] != ring[-1]:
                yield f"ring {number}: not closed; repeat its first position at its end"
            elif any(abs(lon2 - lon1) > 180 for (lon1, _), (lon2, _) in pairwise(ring)):
                yield f"ring {number}: an edge of more than 180 degrees; cut the zone at the antimeridian"
            elif shapely.Polygon(ring).convex_hull.area == 0:
                yield f"ring {number}: no area"
