"""Zones are read by the rules of RFC 7946, with class, validity and hours; one fault refuses the whole policy."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.app.config import Position
from agent.errors import PolicyError
from agent.policy.zones import Day, Hours, Zone, ZoneClass
from tests.conftest import ROOT
from tests.policy.given import policy, square, zone

SQUARE = [[11.0, 48.0], [11.1, 48.0], [11.1, 48.1], [11.0, 48.1], [11.0, 48.0]]
HOLE = [[11.04, 48.04], [11.06, 48.04], [11.06, 48.06], [11.04, 48.06], [11.04, 48.04]]
OTHER = [[x + 1, y] for x, y in SQUARE]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": rings}


def multi(*pieces: Any) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": pieces}


def read(geometry: Any, **fields: Any) -> Zone:
    return Zone.model_validate_json(json.dumps({"id": "bow", "class": "school", "geometry": geometry, **fields}))


def test_a_polygon_and_the_multipolygon_of_it_are_the_same_ground() -> None:
    assert read(polygon(SQUARE, HOLE)).shape().equals(read(multi([SQUARE, HOLE])).shape())
    assert read(multi([SQUARE, HOLE], [OTHER])).shape().area == pytest.approx(0.01 + 0.01 - 0.0004)


def test_corners_may_run_either_way_round() -> None:
    assert read(polygon(SQUARE[::-1], HOLE)).shape().equals(read(polygon(SQUARE, HOLE[::-1])).shape())


def test_a_class_is_one_of_a_closed_list_and_is_kept() -> None:
    assert read(polygon(SQUARE)).class_ is ZoneClass.SCHOOL
    with pytest.raises(ValidationError, match="class"):
        read(polygon(SQUARE), **{"class": "car-park"})


BROKEN = [
    ("crosses itself", polygon([[11, 48], [11.1, 48.1], [11.1, 48], [11, 48.1], [11, 48]]), "Self-intersection"),
    ("not closed", polygon(SQUARE[:-1]), "ring 1: not closed; repeat its first position"),
    ("a hole not closed", polygon(SQUARE, HOLE[:-1]), "ring 2: not closed"),
    ("two corners", polygon([[11, 48], [11.1, 48], [11, 48]]), "ring 1: fewer than four positions"),
    ("no ring", polygon(), "empty: a polygon has an outer ring"),
    ("no polygon", multi(), "empty: a polygon has an outer ring"),
    ("an empty polygon among others", multi([SQUARE], []), "empty: a polygon has an outer ring"),
    ("an empty ring", polygon([]), "ring 1: fewer than four positions"),
    ("no area", polygon([[11, 48], [11.1, 48], [11.2, 48], [11, 48]]), "ring 1: no area"),
    ("one place, four times", polygon([[11, 48]] * 4), "ring 1: no area"),
    ("a hole outside", polygon(SQUARE, OTHER), "Hole lies outside shell"),
    ("a hole across the edge", polygon(SQUARE, [[x + 0.05, y] for x, y in HOLE]), "Self-intersection"),
    ("overlapping polygons", multi([SQUARE], [[[x + 0.05, y] for x, y in SQUARE]]), "Self-intersection"),
    (
        "over the antimeridian",
        polygon([[179, 0], [-179, 0], [-179, 1], [179, 1], [179, 0]]),
        "cut the zone",
    ),
    ("a line", {"type": "LineString", "coordinates": SQUARE}, "geometry"),
    (
        "latitude first",
        polygon([[48, 111], [48.1, 111], [48.1, 111.1], [48, 111]]),
        "less than or equal",
    ),
    ("with heights", polygon([[x, y, 5] for x, y in SQUARE]), "geometry"),
    ("a height of nothing", polygon([[x] for x, _ in SQUARE]), "geometry"),
]


@pytest.mark.parametrize("name, geometry, says", BROKEN, ids=[name for name, _, _ in BROKEN])
def test_a_zone_that_breaks_a_rule_refuses_the_policy_by_name_and_rule(
    name: str, geometry: dict[str, Any], says: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(zones=[square(12, 48, 0.1), {"id": "bow", "class": "school", "geometry": geometry}])
    message = str(caught.value)
    assert message.startswith("permission/policy.json: zones.1") and "(bow)" in message and says in message


def test_a_good_zone_beside_a_broken_one_does_not_save_the_policy_and_each_fault_is_named() -> None:
    broken = {"class": "school", "geometry": polygon(SQUARE[:-1])}
    with pytest.raises(PolicyError) as caught:
        policy(zones=[{"id": "one", **broken}, square(12, 48, 0.1), {"id": "two", **broken}])
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == ["zones.0 (one)", "zones.2 (two)"]


@given(st.recursive(st.none() | st.floats() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=5)))
def test_whatever_stands_as_coordinates_is_a_zone_or_a_policy_error(coordinates: Any) -> None:
    for kind in ("Polygon", "MultiPolygon"):
        geometry = {"type": kind, "coordinates": coordinates}
        with pytest.raises(PolicyError):
            policy(zones=[{"id": "bow", "class": "school", "geometry": geometry}])


def dated(**fields: str) -> Zone:
    return read(polygon(SQUARE), **fields)


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_a_zone_holds_from_its_beginning_until_its_end() -> None:
    fair = dated(**{"from": "2026-05-01T08:00:00Z", "until": "2026-05-04T08:00:00Z"})
    begins, ends = at("2026-05-01T08:00:00Z"), at("2026-05-04T08:00:00Z")
    assert [fair.in_force(t, 0) for t in (begins - 1, begins, ends - 1, ends)] == [False, True, True, False]
    assert dated(until="2026-05-04T08:00:00Z").in_force(0, 0)
    with pytest.raises(ValidationError, match="until must lie after from"):
        dated(**{"from": "2026-05-04T08:00:00Z", "until": "2026-05-04T08:00:00Z"})


SCHOOL_DAYS = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "07:30", "until": "16:00"}
NIGHTS = {"days": ["fri", "sat"], "from": "22:00", "until": "05:00"}


def hourly(*hours: dict[str, Any]) -> Zone:
    return read(polygon(SQUARE), hours=hours)


@pytest.mark.parametrize(
    ("hours", "moment", "holds"),
    [
        (SCHOOL_DAYS, "2026-11-25T07:29:59", False),  # a Wednesday
        (SCHOOL_DAYS, "2026-11-25T07:30:00", True),
        (SCHOOL_DAYS, "2026-11-25T15:59:59", True),
        (SCHOOL_DAYS, "2026-11-25T16:00:00", False),
        (SCHOOL_DAYS, "2026-11-28T12:00:00", False),
        (NIGHTS, "2026-11-27T21:59:59", False),
        (NIGHTS, "2026-11-27T22:00:00", True),
        (NIGHTS, "2026-11-28T04:59:59", True),
        (NIGHTS, "2026-11-28T05:00:00", False),
        (NIGHTS, "2026-11-29T04:00:00", True),  # of Saturday night
        (NIGHTS, "2026-11-29T23:00:00", False),
        (NIGHTS, "2026-11-27T04:00:00", False),  # Thursday night
    ],
)
def test_hours_are_of_the_local_week(hours: dict[str, Any], moment: str, holds: bool) -> None:
    for name in ("Europe/Berlin", "Asia/Shanghai", "America/St_Johns", "UTC"):
        local = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(name))
        offset = local.utcoffset()
        assert offset is not None
        assert hourly(hours).in_force(local.timestamp(), offset.total_seconds()) is holds


def test_several_hours_add_up() -> None:
    both = hourly(SCHOOL_DAYS, NIGHTS)
    assert both.in_force(at("2026-11-25T08:00:00Z"), 0) and both.in_force(at("2026-11-27T23:00:00Z"), 0)
    assert not both.in_force(at("2026-11-25T18:00:00Z"), 0)


def test_what_is_not_known_counts_as_in_force() -> None:
    night = at("2026-11-25T03:00:00Z")
    assert not hourly(SCHOOL_DAYS).in_force(night, 0)
    assert hourly(SCHOOL_DAYS).in_force(night, None), "timezone unknown"
    assert hourly(SCHOOL_DAYS).in_force(None, 0), "time unknown"
    assert dated(until="2020-01-01T00:00:00Z").in_force(None, None)
    assert not dated(until="2020-01-01T00:00:00Z").in_force(night, None), "that it is over needs no timezone"


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": []},
        {"days": ["monday"]},
        {"from": "7:30"},
        {"from": "24:00"},
        {"until": "07:30"},
        {"until": "16:60"},
        {"timezone": "Europe/Berlin"},
    ],
)
def test_hours_are_held_to_their_form(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        hourly(SCHOOL_DAYS | wrong)


@given(
    st.sets(st.sampled_from(list(Day)), min_size=1),
    st.times().map(lambda time: time.replace(second=0, microsecond=0)),
    st.integers(1, 1439),
    st.integers(0, 4_000_000_000),
    st.sampled_from([-12600, 0, 3600, 20700, 43200]),
)
def test_hours_say_what_a_calendar_says(days: set[Day], begin: Any, minutes: int, unix_s: int, offset_s: int) -> None:
    """Held against the standard library's calendar: some day's span, begun on one of the days, holds the moment."""
    length = timedelta(minutes=minutes)
    end = (datetime.combine(datetime(2000, 1, 1), begin) + length).time()
    hours = Hours.model_validate_json(
        json.dumps({"days": sorted(days), "from": f"{begin:%H:%M}", "until": f"{end:%H:%M}"})
    )
    local = datetime.fromtimestamp(unix_s, UTC).replace(tzinfo=None) + timedelta(seconds=offset_s)
    starts = [datetime.combine(local.date() - timedelta(days=back), begin) for back in (0, 1)]
    expected = any(start <= local < start + length and list(Day)[start.weekday()] in days for start in starts)
    assert hours.cover(unix_s + offset_s) is expected


def test_a_tiny_zone_and_the_whole_map_are_zones() -> None:
    tiny = zone([[(11.0, 48.0), (11.00000001, 48.0), (11.00000001, 48.00000001), (11.0, 48.0)]])
    assert tiny.shape().area > 0
    corners = [(-180.0, -90.0), (0.0, -90.0), (180.0, -90.0), (180.0, 90.0), (0.0, 90.0), (-180.0, 90.0)]
    assert zone([[*corners, corners[0]]]).shape().area == 360 * 180


def test_what_the_handbook_shows_is_a_policy() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    section = text.split("## Position, pose, zones\n")[1].split("\n## ")[0]
    shown: dict[str, Any] = {}
    for block in re.findall(r"```toml\n(.*?)```", section, re.DOTALL):
        shown |= tomllib.loads(block)
    shown = json.loads(json.dumps(shown, default=lambda moment: moment.isoformat()))
    assert Position.model_validate(shown.pop("position")).kind == "serial"
    document = policy(**shown).document
    assert document.pose is not None and document.timezone == "Europe/Berlin"
    assert [(zone.id, zone.buffer_m, len(zone.hours)) for zone in document.zones] == [("school-yard", 10.0, 1)]
