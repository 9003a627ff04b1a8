"""Which zones a position reaches, with all its uncertainty: held against distances through the earth's body."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.policy.geofence import Fence
from agent.policy.location import Spot
from tests.policy.given import zone

Corner = tuple[float, float]
DEGREE_M = 110_574.27
"""The least length of one degree of latitude."""


def ring(west: float, south: float, east: float, north: float) -> list[Corner]:
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def reaches(lat: float, lon: float, reach_m: float, *zones: Any) -> list[str]:
    return [each.zone.id for each, _ in Fence(zones).reached(Spot(lat, lon, 0.0), reach_m, None, None)]


NORTH = zone([ring(-0.01, 0.001, 0.01, 0.01)])


def test_no_zone_is_reached_where_there_is_none() -> None:
    assert reaches(48.0, 11.0, 1e7) == []


def test_a_zone_is_reached_from_its_edge_on() -> None:
    edge_m = 0.001 * DEGREE_M
    assert reaches(0.0, 0.0, edge_m - 0.001, NORTH) == []
    assert reaches(0.0, 0.0, edge_m + 0.001, NORTH) == ["z"]
    assert reaches(0.0, 0.0, 0.0, zone([ring(0.0, 0.0, 1.0, 1.0)])) == ["z"], "on the border is inside"


def test_the_buffer_of_a_zone_adds_to_the_reach() -> None:
    buffered = zone([ring(-0.01, 0.001, 0.01, 0.01)], buffer_m=60.0)
    assert reaches(0.0, 0.0, 50.5, buffered) == []
    assert reaches(0.0, 0.0, 50.6, buffered) == ["z"]


def test_every_zone_counts_and_only_those_within_reach_are_named() -> None:
    far, near = zone([ring(1.0, 1.0, 1.1, 1.1)], id="far"), zone([ring(-0.01, 0.001, 0.01, 0.01)], id="near")
    for zones in ((far, near), (near, far)):
        assert reaches(0.0, 0.0, 100.0, *zones) == []
        assert reaches(0.0, 0.0, 120.0, *zones) == ["near"]
    assert reaches(0.0, 0.0, 100_000.0, *zones) == ["near"]
    assert sorted(reaches(0.0, 0.0, 100_001.0, *zones)) == ["far", "near"], "whoever is so unsure reaches everything"


def test_a_hole_is_outside_and_so_is_the_gap_between_two_polygons() -> None:
    holed = zone([ring(-0.01, -0.01, 0.01, 0.01), ring(-0.001, -0.001, 0.001, 0.001)])
    pair = zone([ring(-0.01, -0.01, -0.001, 0.01)], [ring(0.001, -0.01, 0.01, 0.01)])
    for each in (holed, pair):
        assert reaches(0.0, 0.0, 110.0, each) == []
        assert reaches(0.0, 0.0, 111.0, each) == ["z"]
        assert reaches(0.0, 0.005, 0.0, each) == reaches(0.0, -0.005, 0.0, each) == ["z"]


def test_a_zone_that_is_cut_at_the_antimeridian_holds_on_both_sides() -> None:
    cut = zone([ring(179.999, -0.001, 180.0, 0.001)], [ring(-180.0, -0.001, -179.999, 0.001)])
    for lon in (179.9999, -179.9999, 180.0, -180.0):
        assert set(reaches(0.0, lon, 0.0, cut)) == {"z"}
    for side, lon in ((1, 179.99), (-1, -179.99)):
        assert reaches(0.0, lon, 900.0, cut) == []
        assert set(reaches(0.0, side * 179.995, 500.0, cut)) == {"z"}
    east = zone([ring(179.998, -0.001, 179.999, 0.001)], buffer_m=150.0)
    assert reaches(0.0, -179.9995, 0.0, east) == [], "166 m"
    assert reaches(0.0, -179.9995, 20.0, east) == ["z"]


def test_a_zone_over_the_pole_is_reached_from_every_side() -> None:
    cap = zone(
        [[(-180.0, 89.0), (0.0, 89.0), (180.0, 89.0), (180.0, 90.0), (0.0, 90.0), (-180.0, 90.0), (-180.0, 89.0)]]
    )
    spike = zone([[(0.0, 89.9), (10.0, 89.9), (5.0, 90.0), (0.0, 89.9)]])
    for lon in (-180.0, -90.0, 5.0, 120.0):
        assert set(reaches(89.5, lon, 0.0, cap)) == {"z"}
        assert reaches(88.98, lon, 2_200.0, cap) == []
        assert set(reaches(88.98, lon, 2_300.0, cap)) == {"z"}
        assert set(reaches(90.0, lon, 0.0, spike)) == {"z"}, "the pole is one place"
    assert reaches(-89.5, 0.0, 0.0, cap) == []


@pytest.mark.parametrize("turned", [90.0, 135.0, 179.0])
def test_the_other_side_of_the_pole_is_near(turned: float) -> None:
    """Eleven metres on this side of it and five and a half on the other."""
    beyond = zone([ring(turned, 89.99994, turned + 1, 89.99995)])
    assert set(reaches(89.9999, 0.0, 20.0, beyond)) == {"z"}
    assert reaches(89.9999, 0.0, 5.0, beyond) == []


def test_the_buffer_of_a_tall_zone_counts_at_both_its_ends() -> None:
    for sign in (1, -1):
        south, north = sorted((0.0, sign * 80.0))
        tall = zone([ring(10.0, south, 11.0, north)], buffer_m=10_000.0)
        assert reaches(sign * 80.0, 11.5, 100.0, tall) == ["z"], "9.7 km away"
        assert reaches(0.0, 11.5, 100.0, tall) == [], "55 km away"


@pytest.mark.parametrize(
    ("lat", "lon", "reach_m"),
    [
        (math.nan, 0.0, 1.0),
        (0.0, math.nan, 1.0),
        (0.0, 0.0, math.nan),
        (0.0, 0.0, -0.1),
        (90.1, 0.0, 1.0),
        (0.0, -180.1, 1.0),
    ],
)
def test_what_is_no_position_raises(lat: float, lon: float, reach_m: float) -> None:
    with pytest.raises(ValueError, match="not a position"):
        reaches(lat, lon, reach_m, NORTH)


# An independent computation: places as vectors from the middle of the WGS 84 ellipsoid, distances as straight chords.
# A chord is shorter than the way over the ground, by less than 2 m in 100 km.

Vectors = npt.NDArray[np.float64]


def vectors(lats: Any, lons: Any) -> Vectors:
    lat, lon = np.radians(lats), np.radians(lons)
    normal = 6_378_137.0 / np.sqrt(1 - 0.0066943799901 * np.sin(lat) ** 2)
    flat = normal * np.cos(lat)
    return np.stack([flat * np.cos(lon), flat * np.sin(lon), normal * (1 - 0.0066943799901) * np.sin(lat)], axis=-1)


def edge_points(corners: list[Corner], parts: int) -> npt.NDArray[np.float64]:
    """Places on a ring's edges, which are straight in longitude and latitude (RFC 7946, 3.1.1)."""
    steps = np.arange(parts)[:, np.newaxis] / parts
    return np.concatenate([a + steps * (np.subtract(b, a)) for a, b in pairwise(corners)])


def chord_m(lat: float, lon: float, points: npt.NDArray[np.float64]) -> float:
    apart = vectors(points[:, 1], points[:, 0]) - vectors(lat, lon)
    return float(np.min(np.linalg.norm(apart, axis=-1)))


lats = st.one_of(st.floats(-84, 84), st.floats(84, 89.9), st.floats(89.5, 89.9), st.floats(-89.9, -84))
lons = st.one_of(st.floats(-180, 180), st.floats(179.9, 180), st.floats(-180, -179.9))
sizes = st.one_of(st.floats(0.001, 30), st.floats(30, 5_000), st.floats(5_000, 200_000))


def drawn(lat: float, lon: float, size_m: float, turn: float, corners: int) -> list[Corner] | None:
    """A ring of unequal corners round a place; None where it would reach a pole or the antimeridian."""
    found = []
    for number in range(corners):
        angle = turn + 2 * math.pi * number / corners
        metres = size_m * (1 - 0.3 * (number % 2))
        up = metres * math.sin(angle) / DEGREE_M
        if abs(lat + up) > 89.95:
            return None
        across = metres * math.cos(angle) / DEGREE_M / math.cos(math.radians(lat + up))
        found.append((lon + across, lat + up))
    if any(abs(x) > 180 for x, _ in found) or max(x for x, _ in found) - min(x for x, _ in found) > 170:
        return None
    return [*found, found[0]]


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    lats, lons, sizes, st.floats(0, 6.28), st.integers(3, 9), st.floats(0, 6.28), st.floats(0, 8_000), st.floats(0, 2)
)
def test_what_is_not_reached_is_out_of_reach_and_what_is_reached_is_hardly_beyond(
    lat: float, lon: float, size_m: float, turn: float, corners: int, bearing: float, away_m: float, part: float
) -> None:
    """Zones of a millimetre to 200 km, beside the antimeridian, and towards the poles."""
    outline = drawn(lat, lon, size_m, turn, corners)
    assume(outline is not None)
    assert outline is not None
    (start_lon, start_lat), *_ = outline
    here_lat = min(89.99, max(-89.99, start_lat + away_m * math.sin(bearing) / DEGREE_M))
    stretch = math.cos(math.radians(here_lat))
    here_lon = (start_lon + away_m * math.cos(bearing) / DEGREE_M / stretch + 540) % 360 - 180
    nearest_m = chord_m(here_lat, here_lon, edge_points(outline, 400))
    reach_m = nearest_m * (0.9 + 0.1 * part)
    assume(reach_m < 100_000)
    found = reaches(here_lat, here_lon, reach_m, zone([outline]))
    if not found:
        assert nearest_m > reach_m * (1 - 1e-6) - 0.01, "never called out of reach too early"
        assert not within(here_lat, here_lon, outline)
    # A zone may seem nearer by as much as meridians draw together within the reach.
    highest = math.radians(min(90.0, abs(here_lat) + reach_m / DEGREE_M))
    seems_m = reach_m * 1.02 * stretch / max(1e-9, math.cos(highest)) + size_m / 100 + 0.01
    if nearest_m > seems_m and not within(here_lat, here_lon, outline):
        assert found == [], "and not much too late"


def within(lat: float, lon: float, outline: list[Corner]) -> bool:
    """Whether a place is inside a ring, by the number of edges to its east."""
    east = 0
    for (x1, y1), (x2, y2) in pairwise(outline):
        if (y1 > lat) != (y2 > lat):
            east += x1 + (lat - y1) * (x2 - x1) / (y2 - y1) > lon
    return east % 2 == 1


@settings(derandomize=True, max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 3_000))
def test_an_index_of_many_zones_finds_what_asking_each_alone_finds(seed: int, reach_m: float) -> None:
    random = np.random.default_rng(seed)
    zones = []
    for number in range(60):
        lon, lat = random.uniform(-180, 179.9), random.uniform(-0.5, 0.5)
        size = 10 ** random.uniform(-6, -1)
        zones.append(zone([ring(lon, lat, lon + size, lat + size)], id=f"z{number}", buffer_m=random.uniform(0, 9_000)))
    fence = Fence(zones)
    for near in random.choice(60, 10):
        (west, south), *_ = zones[near].geometry.pieces[0][0]
        here = Spot(south + random.normal(0, 0.05), (west + random.normal(0, 0.05) + 540) % 360 - 180, 1.0)
        found = {each.zone.id for each, _ in fence.reached(here, reach_m, None, None)}
        assert found == {each.id for each in zones if reaches(here.lat_deg, here.lon_deg, reach_m, each)}


def test_a_zone_counts_while_it_is_in_force() -> None:
    timed = zone([ring(0.0, 0.0, 1.0, 1.0)], until="2026-01-01T00:00:00Z")
    fence, here = Fence([timed]), Spot(0.5, 0.5, 1.0)
    assert timed.until is not None
    ends_s = timed.until.timestamp()
    assert len(fence.reached(here, 1.0, ends_s - 1, 0.0)) == 1
    assert fence.reached(here, 1.0, ends_s, 0.0) == []
    assert len(fence.reached(here, 1.0, None, None)) == 1, "without a time it is in force"
