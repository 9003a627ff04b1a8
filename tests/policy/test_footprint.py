"""What the camera may see of a zone is hidden: held against a projection of the zone's own points into the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.policy.earth import LEAST_RADIUS_M
from agent.policy.footprint import Cells, cell_px, hidden
from agent.policy.geofence import Fence
from agent.policy.location import Pose, Spot
from agent.policy.zones import Zone
from tests.policy.given import zone

Numbers = npt.NDArray[np.float64]
WIDTH, HEIGHT = 640, 480
MIDDLE = (HEIGHT // 2, WIDTH // 2)


def pose(**changes: float) -> Pose:
    """At head height, looking north."""
    plain = {"height_m": 2.0, "heading_deg": 0.0, "tilt_deg": 5.0, "view_deg": 62.0, "range_m": 20.0}
    return Pose.model_validate(plain | {"sigma_deg": 0.5} | changes)


def cells(look: Pose, here: Spot, *zones: Zone, reach_m: float = 500.0) -> Cells:
    near = tuple(Fence(zones).reached(here, reach_m, None, None))
    found = hidden(look, WIDTH, HEIGHT, here, near)
    assert found is not None
    return found


def at_pixel(found: Cells, row: float, column: float) -> bool:
    side = cell_px(WIDTH, HEIGHT)
    return bool(found[int(row // side), int(column // side)])


def round_about(here: Spot, *corners_m: tuple[float, float]) -> list[tuple[float, float]]:
    """A closed ring of places so many metres east and north of a place near the equator."""
    ring = [(here.lon_deg + x / 111_320, here.lat_deg + y / 110_574) for x, y in corners_m]
    return [*ring, ring[0]]


def rectangle(here: Spot, west: float, south: float, east: float, north: float) -> list[tuple[float, float]]:
    return round_about(here, (west, south), (east, south), (east, north), (west, north))


HERE = Spot(0.0, 10.0, 0.1)


def test_a_zone_ahead_is_hidden_and_one_behind_or_beyond_the_range_is_not() -> None:
    ahead = zone([rectangle(HERE, -3, 8, 3, 15)])
    assert at_pixel(cells(pose(), HERE, ahead), *MIDDLE)
    assert not cells(pose(heading_deg=180.0), HERE, ahead).any()
    assert not cells(pose(range_m=6.0), HERE, ahead).any()
    assert not cells(pose(), HERE).any()


def test_only_the_part_of_the_picture_that_shows_the_zone_is_hidden() -> None:
    right = zone([rectangle(HERE, 7, 7, 20, 20)])
    found = cells(pose(), HERE, right)
    assert at_pixel(found, MIDDLE[0], WIDTH - 10)
    assert not at_pixel(found, MIDDLE[0], 10) and not at_pixel(found, *MIDDLE)
    assert not at_pixel(found, HEIGHT - 10, WIDTH - 10), "the ground before it"


def test_people_stand_in_a_zone_and_are_taller_than_its_ground() -> None:
    """A camera at two metres sees the heads of people twenty metres away at its horizon."""
    far = zone([rectangle(HERE, -30, 18, 30, 25)])
    found = cells(pose(tilt_deg=0.0), HERE, far)
    assert at_pixel(found, MIDDLE[0] - 5, WIDTH / 2)
    assert not at_pixel(found, 10, WIDTH / 2), "the sky"


def test_what_lies_in_a_hole_is_seen() -> None:
    yard = zone([rectangle(HERE, -50, -50, 50, 50), rectangle(HERE, -9, -9, 9, 9)])
    found = cells(pose(tilt_deg=25.0), HERE, yard)
    assert not at_pixel(found, HEIGHT - 10, WIDTH / 2), "near the camera, in the hole"
    assert at_pixel(found, 60, WIDTH / 2), "beyond it"


def test_buffer_position_and_angles_each_hide_more() -> None:
    beside = zone([rectangle(HERE, 2, 6, 20, 12)])
    plain = cells(pose(), HERE, beside)
    more = [
        cells(pose(), HERE, zone([rectangle(HERE, 2, 6, 20, 12)], buffer_m=1.0)),
        cells(pose(), replace(HERE, sigma_m=0.5), beside),
        cells(pose(sigma_deg=2.0), HERE, beside),
        cells(pose(height_sigma_m=1.0), HERE, beside),
        cells(pose(), HERE, beside, zone([rectangle(HERE, -20, 6, -2, 12)], id="left")),
    ]
    for found in more:
        assert (found | ~plain).all() and found.sum() > plain.sum()


def test_a_camera_at_the_height_of_heads_looks_over_them() -> None:
    level = {"height_m": 2.5, "height_sigma_m": 0.0, "sigma_deg": 0.05, "tilt_deg": 0.0}
    found = cells(pose(**level), HERE, zone([rectangle(HERE, -9, 5, 9, 9)]))
    assert not at_pixel(found, MIDDLE[0] - 30, WIDTH / 2) and at_pixel(found, MIDDLE[0] + 30, WIDTH / 2)


def test_within_a_zone_a_camera_at_the_height_of_heads_sees_nothing_wherever_it_looks() -> None:
    """Somebody may stand right below it, with the top of the head at the lens."""
    up = pose(height_m=2.5, height_sigma_m=0.0, sigma_deg=0.05, tilt_deg=-60.0)
    assert cells(up, HERE, zone([rectangle(HERE, -9, -9, 9, 9)])).all()


def test_a_roll_turns_what_is_hidden() -> None:
    right = zone([rectangle(HERE, 4, 4, 20, 20)])
    upside_down = cells(pose(tilt_deg=0.0, roll_deg=180.0), HERE, right)
    assert at_pixel(upside_down, MIDDLE[0], 10) and not at_pixel(upside_down, MIDDLE[0], WIDTH - 10)


def test_a_camera_that_looks_down_sees_the_ground_around_it() -> None:
    down = pose(tilt_deg=90.0, height_m=6.0)
    assert cells(down, HERE, zone([rectangle(HERE, -9, 0.4, 9, 9)])).any()
    assert not cells(down, HERE, zone([rectangle(HERE, -19, 12, 19, 19)])).any()
    assert cells(down, HERE, zone([rectangle(HERE, -19, -19, 19, 19)])).all()


def test_nothing_can_be_said_beside_a_pole() -> None:
    cap = zone([[(0.0, 88.0), (90.0, 88.0), (90.0, 90.0), (0.0, 90.0), (0.0, 88.0)]])
    near = tuple(Fence([cap]).reached(Spot(89.1, 45.0, 1.0), 500.0, None, None))
    assert near and hidden(pose(), WIDTH, HEIGHT, Spot(89.1, 45.0, 1.0), near) is None
    assert cells(pose(), Spot(88.5, 45.0, 1.0), cap).all()
    highest = 89 - math.degrees(20.0 / LEAST_RADIUS_M)
    while math.radians(highest) + 20.0 / LEAST_RADIUS_M < math.radians(89):
        highest = math.nextafter(highest, 90)
    assert cells(pose(range_m=20.0), Spot(highest, 45.0, 0.0), cap).all()


def test_the_answer_is_kept_and_cannot_be_changed() -> None:
    here, fence = HERE, Fence([zone([rectangle(HERE, 4, 4, 20, 20)])])
    first, again = (hidden(pose(), WIDTH, HEIGHT, here, tuple(fence.reached(here, 50.0, None, None))) for _ in range(2))
    assert first is again is not None
    with pytest.raises(ValueError):
        first[0, 0] = False


# An independent way: the zone's points, on the curved earth, seen from where the camera really is and as it really
# looks, both anywhere within three standard deviations of what was signed.


@dataclass(frozen=True)
class Case:
    look: Pose
    here: Spot
    ring: list[tuple[float, float]]
    seed: int


def _ring(here: Spot, away_m: float, bearing: float, size_m: float, turn: float, corners: int) -> list[Any]:
    """A ring of unequal corners, within which every corner is seen from its middle."""
    stretch = 111_320 * math.cos(math.radians(here.lat_deg))
    x, y = away_m * math.sin(bearing), away_m * math.cos(bearing)
    found = []
    for number in range(corners):
        angle, metres = turn + 2 * math.pi * number / corners, size_m * (1 - 0.4 * (number % 2))
        found.append((
            here.lon_deg + (x + metres * math.cos(angle)) / stretch,
            here.lat_deg + (y + metres * math.sin(angle)) / 110_574,
        ))  # fmt: skip
    return [*found, found[0]]


poses = st.builds(
    lambda **fields: Pose.model_validate(fields),
    height_m=st.one_of(st.floats(0.3, 8), st.floats(8, 60)),
    heading_deg=st.floats(0, 359.9),
    tilt_deg=st.one_of(st.floats(-30, 60), st.floats(-90, 90)),
    roll_deg=st.one_of(st.just(0.0), st.floats(-180, 180)),
    view_deg=st.floats(10, 140),
    range_m=st.floats(2, 200),
    sigma_deg=st.one_of(st.just(0.05), st.floats(0.05, 3)),
    height_sigma_m=st.one_of(st.just(0.0), st.floats(0, 1)),
)
spots = st.builds(Spot, st.floats(-85, 85), st.one_of(st.floats(-179, 179), st.floats(179.9995, 180)), st.floats(0, 5))
cases = st.builds(
    lambda look, here, away, bearing, size, turn, corners, seed: Case(
        look, here, _ring(here, away * look.range_m, bearing, size * look.range_m, turn, corners), seed
    ),
    poses, spots, st.floats(0, 1.5), st.floats(0, 6.28), st.floats(0.001, 2), st.floats(0, 6.28), st.integers(3, 8),
    st.integers(0, 2**32 - 1),
)  # fmt: skip


def on_the_map(ring: list[tuple[float, float]]) -> Zone:
    """The zone as RFC 7946 wants it: what lies beyond the antimeridian is another polygon."""
    whole, pieces = shapely.Polygon(ring), []
    for turn in (-360.0, 0.0, 360.0):
        part = shapely.intersection(whole, shapely.box(turn - 180, -90, turn + 180, 90))
        for piece in shapely.get_parts(part):
            if piece.area > 0:
                outline = [(min(180.0, max(-180.0, x - turn)), y) for x, y in piece.exterior.coords]
                pieces.append([outline])
    return zone(*pieces)


def earth(lats: Numbers, lons: Numbers, heights: Numbers) -> Numbers:
    lat, lon = np.radians(lats), np.radians(lons)
    normal = 6_378_137.0 / np.sqrt(1 - 0.0066943799901 * np.sin(lat) ** 2)
    flat = (normal + heights) * np.cos(lat)
    up = (normal * (1 - 0.0066943799901) + heights) * np.sin(lat)
    return np.stack([flat * np.cos(lon), flat * np.sin(lon), up], axis=-1)


def seen_from(lat: float, lon: float, lats: Numbers, lons: Numbers, heights: Numbers) -> Numbers:
    """East, north and up of places, from the ground at one place."""
    apart = earth(lats, lons, heights) - earth(np.array(lat), np.array(lon), np.array(0.0))
    s, c, a, b = math.sin(math.radians(lon)), math.cos(math.radians(lon)), *_turn(lat)
    axes = np.array([[-s, c, 0], [-a * c, -a * s, b], [b * c, b * s, a]])
    seen: Numbers = apart @ axes.T
    return seen


def _turn(deg: float) -> tuple[float, float]:
    return math.sin(math.radians(deg)), math.cos(math.radians(deg))


def from_camera(look: Pose, places: Numbers) -> Numbers:
    """Right, down and forward of places, the camera's own place being the origin; turned step by step."""
    (sh, ch), (st_, ct), (sr, cr) = (_turn(angle) for angle in (look.heading_deg, look.tilt_deg, look.roll_deg))
    east, north, up = places.T
    across, along = east * ch - north * sh, east * sh + north * ch
    forward, above = along * ct - up * st_, along * st_ + up * ct
    return np.stack([across * cr - above * sr, -above * cr - across * sr, forward])


def focal_px(look: Pose) -> float:
    return WIDTH / 2 / math.tan(math.radians(look.view_deg) / 2)


@settings(derandomize=True, max_examples=250, deadline=None)
@given(cases)
def test_every_point_of_a_zone_that_projects_into_the_picture_is_hidden(case: Case) -> None:
    look, here = case.look, case.here
    random = np.random.default_rng(case.seed)
    found = cells(look, here, on_the_map(case.ring), reach_m=look.range_m + 3 * here.sigma_m)
    middle = np.mean(case.ring[:-1], axis=0)
    edges = np.array([a + part * np.subtract(b, a) for a, b in pairwise(case.ring) for part in np.linspace(0, 1, 15)])
    ground = np.concatenate([edges, *(middle + random.uniform(0, 1, (6, 1, 1)) ** 0.5 * (edges - middle))])
    for _ in range(4):
        errors = 3 * look.sigma_deg * random.choice([-1, 1, random.uniform(-1, 1)], 3)
        really = look.model_copy(
            update={
                "heading_deg": look.heading_deg + errors[0],
                "tilt_deg": look.tilt_deg + errors[1],
                "roll_deg": look.roll_deg + errors[2],
            }
        )
        height_m = look.height_m + 3 * look.height_sigma_m * random.choice([-1, 1, 0])
        away, bearing = 3 * here.sigma_m * random.choice([0.5, 1]), random.uniform(0, 2 * math.pi)
        lat = here.lat_deg + away * math.cos(bearing) / 111_700
        lon = here.lon_deg + away * math.sin(bearing) / 111_700 / math.cos(math.radians(here.lat_deg))
        heights = random.choice([0.0, 1.7, 2.5], len(ground))
        places = seen_from(lat, lon, ground[:, 1], ground[:, 0], heights)
        places = places[np.hypot(places[:, 0], places[:, 1]) <= look.range_m] - [0, 0, height_m]
        right, down, forward = from_camera(really, places)
        ahead = forward > 1e-9
        x = WIDTH / 2 + focal_px(look) * right[ahead] / forward[ahead]
        y = HEIGHT / 2 + focal_px(look) * down[ahead] / forward[ahead]
        inside = (x >= 0) & (x < WIDTH) & (y >= 0) & (y < HEIGHT)
        side = cell_px(WIDTH, HEIGHT)
        assert found[(y[inside] // side).astype(int), (x[inside] // side).astype(int)].all()


@pytest.mark.parametrize(
    "look",
    [
        pose(view_deg=140.0, tilt_deg=30.0, sigma_deg=0.05, height_sigma_m=0.0),
        pose(view_deg=140.0, tilt_deg=30.0, roll_deg=45.0, sigma_deg=0.05, height_sigma_m=0.0),
        pose(tilt_deg=89.1, roll_deg=45.0, height_m=6.0, sigma_deg=0.05, height_sigma_m=0.0),
        pose(tilt_deg=-20.0, height_m=0.5, sigma_deg=0.05, height_sigma_m=0.0),
        pose(tilt_deg=85.0, roll_deg=20.0, height_m=2.2, heading_deg=200.0, sigma_deg=0.05, height_sigma_m=0.0),
    ],
)
def test_the_corners_of_each_cell_are_as_safe_as_its_middle(look: Pose) -> None:
    """From a pixel to the soles and to the top of the head of whom it shows, and a zone no larger than a hand there."""
    side, here, tried = cell_px(WIDTH, HEIGHT), Spot(0.0, 10.0, 0.0), 0
    right, down, forward = from_camera(look, np.eye(3))
    for row, column in np.argwhere(np.indices((HEIGHT // side, WIDTH // side)).sum(axis=0) % 5 == 0):
        for dx, dy in ((0.2, 0.2), (side - 0.2, 0.2), (0.2, side - 0.2), (side - 0.2, side - 0.2)):
            x, y = column * side + dx - WIDTH / 2, row * side + dy - HEIGHT / 2
            east, north, up = (x * right + y * down) / focal_px(look) + forward
            for height in (0.0, 2.5):
                far = (height - look.height_m) / up if up else -1.0
                if far > 0 and math.hypot(far * east, far * north) < look.range_m:
                    tiny = rectangle(here, far * east - 0.01, far * north - 0.01, far * east + 0.01, far * north + 0.01)
                    assert cells(look, here, zone([tiny]))[row, column], (row, column, height)
                    tried += 1
    assert tried > 50


outside = st.builds(
    lambda look, here, size, beside, bearing, turn, corners, seed: Case(
        look.model_copy(update={"sigma_deg": 0.05, "height_sigma_m": 0.0, "height_m": min(look.height_m, 6.0)}),
        replace(here, sigma_m=0.0),
        _ring(here, 2 + 1.2 * size + beside, bearing, size, turn, corners),
        seed,
    ),
    poses, spots, st.floats(0.1, 20), st.floats(0, 30), st.floats(0, 6.28), st.floats(0, 6.28), st.integers(3, 8),
    st.integers(0, 2**32 - 1),
)  # fmt: skip


@settings(derandomize=True, max_examples=100, deadline=None)
@given(outside)
def test_no_cell_far_from_everybody_in_the_zone_is_hidden(case: Case) -> None:
    """With hardly any uncertainty, a hidden cell lies within about two cells of where somebody in the zone is seen."""
    look, here = case.look, case.here
    found = cells(look, here, on_the_map(case.ring), reach_m=look.range_m)
    if not found.any():
        return
    middle, parts = np.mean(case.ring[:-1], axis=0), np.linspace(0, 1, 16)
    edges = np.array([a + part * np.subtract(b, a) for a, b in pairwise(case.ring) for part in parts])
    ground = np.concatenate([middle + inner * (edges - middle) for inner in parts])
    everyone = np.concatenate([np.column_stack([ground, np.full(len(ground), h)]) for h in np.linspace(0, 2.5, 6)])
    places = seen_from(here.lat_deg, here.lon_deg, everyone[:, 1], everyone[:, 0], everyone[:, 2])
    apart_m = np.max(np.linalg.norm(np.diff(places[-len(edges) :, :2], axis=0), axis=1)) + 0.4
    away_m = np.hypot(places[:, 0], places[:, 1])
    seen = from_camera(look, places[away_m <= look.range_m + apart_m] - [0, 0, look.height_m])
    assert seen.size, "something is hidden, so somebody must be in range"
    seen /= np.linalg.norm(seen, axis=0)
    rows, columns = np.random.default_rng(case.seed).choice(np.argwhere(found), 100).T
    side, focal = cell_px(WIDTH, HEIGHT), focal_px(look)
    looks = np.stack([(columns + 0.5) * side - WIDTH / 2, (rows + 0.5) * side - HEIGHT / 2, np.full(len(rows), focal)])
    nearest = np.arccos(np.clip(np.max((looks / np.linalg.norm(looks, axis=0)).T @ seen, axis=1), -1, 1))
    assert (nearest <= 2.5 * side / focal + math.atan(apart_m / away_m.min())).all()
