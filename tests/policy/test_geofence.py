"""A position is clear of the zones only with its whole uncertainty; what cannot be measured is not clear."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import PolicyError
from agent.policy.bundle import Zone
from agent.policy.fields import LonLat
from agent.policy.geofence import clear_of_zones

EARTH_M = 6_371_009.0


def zone(*rings: list[LonLat], buffer_m: float = 0.0) -> Zone:
    return Zone(id="z", rings=tuple(tuple(ring) for ring in rings), buffer_m=buffer_m)


def box(west: float, south: float, east: float, north: float) -> list[LonLat]:
    return [(west, south), (east, south), (east, north), (west, north)]


# One degree of latitude is taken as 110,574 m, so 0.001 degrees north of the equator are 110.574 m.
NORTH = zone(box(-0.01, 0.001, 0.01, 0.01))


def test_no_zone_is_clear() -> None:
    assert clear_of_zones(48.0, 11.0, 1e6, ())


def test_the_clearance_itself_is_too_near() -> None:
    edge = 110_574.0 * 0.001
    assert clear_of_zones(0.0, 0.0, edge - 0.001, (NORTH,))
    assert not clear_of_zones(0.0, 0.0, edge + 0.001, (NORTH,))
    touching = zone(box(0.0, 0.0, 1.0, 1.0))
    assert not clear_of_zones(0.0, 0.0, 0.0, (touching,)), "on the border is inside"


def test_the_buffer_of_a_zone_adds_to_the_clearance() -> None:
    buffered = zone(box(-0.01, 0.001, 0.01, 0.01), buffer_m=60.0)
    assert clear_of_zones(0.0, 0.0, 50.5, (buffered,))
    assert not clear_of_zones(0.0, 0.0, 50.6, (buffered,))


def test_every_zone_counts() -> None:
    far = zone(box(1.0, 1.0, 1.1, 1.1))
    for zones in ((far, NORTH), (NORTH, far)):
        assert clear_of_zones(0.0, 0.0, 100.0, zones)
        assert not clear_of_zones(0.0, 0.0, 120.0, zones)


def test_a_hole_is_outside_as_far_as_its_edge() -> None:
    ring = zone(box(-0.01, -0.01, 0.01, 0.01), box(-0.001, -0.001, 0.001, 0.001))
    assert clear_of_zones(0.0, 0.0, 110.0, (ring,))
    assert not clear_of_zones(0.0, 0.0, 111.0, (ring,))
    assert not clear_of_zones(0.0, 0.005, 0.0, (ring,))


@pytest.mark.parametrize(
    "rings",
    [
        [[(11.0, 48.0), (11.1, 48.1), (11.1, 48.0), (11.0, 48.1)]],  # crosses itself
        [[(11.0, 48.0), (11.1, 48.0), (11.2, 48.0)]],  # has no area
        [box(11.0, 48.0, 11.1, 48.1), box(12.0, 48.0, 12.1, 48.1)],  # a hole outside its shell
        [[(0.0, 90.0), (90.0, 90.0), (180.0, 90.0)]],  # on the pole
    ],
)
def test_a_zone_that_cannot_be_measured_raises(rings: list[list[LonLat]]) -> None:
    with pytest.raises(PolicyError, match=r"zone z: .*draw it again"):
        clear_of_zones(0.0, 0.0, 1.0, (zone(*rings),))


@pytest.mark.parametrize(
    "lat_deg, lon_deg, clearance_m",
    [
        (float("nan"), 0.0, 1.0),
        (0.0, float("nan"), 1.0),
        (0.0, 0.0, float("nan")),
        (0.0, 0.0, -0.1),
        (90.1, 0.0, 1.0),
        (0.0, -180.1, 1.0),
    ],
)
def test_what_is_no_position_raises(lat_deg: float, lon_deg: float, clearance_m: float) -> None:
    with pytest.raises(ValueError, match="not a position"):
        clear_of_zones(lat_deg, lon_deg, clearance_m, ())


def great_circle_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    a, b = math.radians(lat1), math.radians(lat2)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(math.sqrt(half))


@settings(derandomize=True, max_examples=300)
@given(
    lat=st.floats(-84.0, 84.0),
    lon=st.one_of(st.floats(-180.0, 180.0), st.floats(179.9, 180.0), st.floats(-180.0, -179.9)),
    bearing=st.floats(0.0, 2 * math.pi),
    distance_m=st.floats(5.0, 5_000.0),
    clearance_m=st.floats(0.0, 5_000.0),
)
def test_clear_means_clear_on_the_round_earth_everywhere(
    lat: float, lon: float, bearing: float, distance_m: float, clearance_m: float
) -> None:
    """A small zone at a known distance, also across the date line and near the poles: never called clear too early,
    and called clear once it is farther than clearance and size by two percent."""
    degrees = distance_m / (EARTH_M * math.pi / 180)
    zone_lat = lat + degrees * math.cos(bearing)
    zone_lon = (lon + degrees * math.sin(bearing) / math.cos(math.radians(lat)) + 540.0) % 360.0 - 180.0
    half = 1e-6
    corners = [
        ((zone_lon + dx + 540.0) % 360.0 - 180.0, zone_lat + dy)
        for dx, dy in ((-half, -half), (half, -half), (half, half), (-half, half))
    ]
    far_m = max(great_circle_m(lat, lon, corner_lat, corner_lon) for corner_lon, corner_lat in corners)
    clear = clear_of_zones(lat, lon, clearance_m, (zone(corners),))
    if clear:
        assert far_m > clearance_m
    elif far_m > 10:
        assert far_m < clearance_m * 1.03 + 1.0


@pytest.mark.parametrize("position", [179.9999, -179.9999, 180.0, -180.0])
def test_a_zone_across_the_date_line_holds_on_both_sides(position: float) -> None:
    across = zone([(179.999, -0.001), (-179.999, -0.001), (-179.999, 0.001), (179.999, 0.001)])
    assert not clear_of_zones(0.0, position, 0.0, (across,))
    assert clear_of_zones(0.0, 179.99 if position > 0 else -179.99, 900.0, (across,))
