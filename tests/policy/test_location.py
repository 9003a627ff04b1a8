"""Where the device is, and whether it has left the place of its survey: unknown is never still standing there."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from agent.policy.earth import GREATEST_RADIUS_M, LEAST_RADIUS_M, apart_m
from agent.policy.location import Gnss, Pose, Spot, Survey, moved, spot
from agent.units import Fix
from tests.policy.given import SECOND

AT_NS = 100 * SECOND
SURVEY = Survey(kind="survey", lat_deg=48.0, lon_deg=11.0, sigma_m=1.0, anchor_m=50.0)
GNSS = Gnss(kind="gnss")
FIX = Fix(48.0, 11.0, 2.0, AT_NS)


def north(metres: float) -> float:
    """The latitude so many metres north of the survey, by the greatest radius of curvature."""
    return 48.0 + math.degrees(metres / GREATEST_RADIUS_M)


def test_a_surveyed_device_is_where_it_was_surveyed() -> None:
    assert spot(SURVEY, None) == spot(SURVEY, replace(FIX, lat_deg=50.0)) == Spot(48.0, 11.0, 1.0)


def test_another_is_where_the_fix_says() -> None:
    assert spot(GNSS, FIX) == Spot(48.0, 11.0, 2.0)
    assert spot(GNSS, None) is None


NO_POSITIONS = [
    {"lat_deg": math.nan},
    {"lat_deg": -90.1},
    {"lon_deg": math.inf},
    {"lon_deg": 180.1},
    {"sigma_m": math.nan},
    {"sigma_m": math.inf},
    {"sigma_m": -1.0},
]


@pytest.mark.parametrize("changes", NO_POSITIONS)
def test_a_fix_that_is_no_position_is_unknown_also_to_an_anchor(changes: dict[str, float]) -> None:
    assert spot(GNSS, replace(FIX, **changes)) is None
    assert moved(SURVEY, replace(FIX, **changes), AT_NS) is None


def test_a_device_without_an_anchor_does_not_move() -> None:
    assert moved(SURVEY.model_copy(update={"anchor_m": None}), None, AT_NS) is False
    assert moved(GNSS, None, AT_NS) is False


@pytest.mark.parametrize(
    ("metres", "sigma_m", "gone"),
    [
        (0.0, 2.0, False),
        (40.99, 2.0, False),
        (41.01, 2.0, True),
        (40.99, 2.02, True),
        (0.0, 15.66, False),
        (0.0, 15.67, True),
        (500.0, 2.0, True),
    ],
)
def test_the_whole_uncertainty_of_both_lies_within_the_anchor(metres: float, sigma_m: float, gone: bool) -> None:
    assert moved(SURVEY, Fix(north(metres), 11.0, sigma_m, AT_NS), AT_NS) is gone


def test_an_uncertainty_as_large_as_the_anchor_is_within_it() -> None:
    survey = SURVEY.model_copy(update={"anchor_m": 51.0})
    assert moved(survey, replace(FIX, sigma_m=16.0), AT_NS) is False
    assert moved(survey, replace(FIX, sigma_m=16.01), AT_NS) is True


@pytest.mark.parametrize(("age_ns", "known"), [(0, True), (5 * SECOND, True), (5 * SECOND + 1, False), (-1, False)])
def test_an_anchor_needs_a_fresh_fix(age_ns: int, known: bool) -> None:
    assert (moved(SURVEY, FIX, AT_NS + age_ns) is not None) is known
    assert moved(SURVEY, None, AT_NS) is None


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
def test_distances_are_bounds_of_the_chord_through_the_ellipsoid(
    lat1: float, lon1: float, lat2: float, lon2: float
) -> None:
    """The way over the ground is between the chord and half its circle, and the bounds are on either side of it."""

    def place(lat_deg: float, lon_deg: float) -> tuple[float, float, float]:
        lat, lon = math.radians(lat_deg), math.radians(lon_deg)
        normal = 6_378_137.0 / math.sqrt(1 - 0.00669437999 * math.sin(lat) ** 2)
        flat = normal * math.cos(lat)
        return flat * math.cos(lon), flat * math.sin(lon), normal * (1 - 0.00669437999) * math.sin(lat)

    chord = math.dist(place(lat1, lon1), place(lat2, lon2))
    least, most = (apart_m(lat1, lon1, lat2, lon2, radius) for radius in (LEAST_RADIUS_M, GREATEST_RADIUS_M))
    assert most >= chord - 0.01, "no way over the ground is shorter than the chord"
    assert least <= 2 * 6_400_000 * math.asin(min(1.0, chord / 2 / 6_335_000)) + 0.01
    assert least == pytest.approx(most * LEAST_RADIUS_M / GREATEST_RADIUS_M)
    assert apart_m(lat1, lon1 + 360, lat2, lon2, 1.0) == pytest.approx(apart_m(lat1, lon1, lat2, lon2, 1.0), abs=1e-7)


POSE: dict[str, Any] = {"height_m": 2.2, "heading_deg": 270, "tilt_deg": 5, "view_deg": 62, "range_m": 15}


def test_a_pose_says_its_errors_or_has_careful_ones() -> None:
    pose = TypeAdapter(Pose).validate_json(json.dumps(POSE))
    assert (pose.roll_deg, pose.sigma_deg, pose.height_sigma_m) == (0.0, 1.0, 0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"height_m": 0.2},
        {"heading_deg": 360},
        {"heading_deg": -1},
        {"tilt_deg": 91},
        {"view_deg": 151},
        {"range_m": 201},
        {"sigma_deg": 0},
        {"sigma_deg": 3.1},
        {"lens": "fisheye"},
        {"range_m": None},
    ],
)
def test_a_pose_is_held_to_its_ranges(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Pose).validate_json(json.dumps(POSE | wrong))
