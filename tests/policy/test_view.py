"""What the camera sees of a zone is black in the frames that models get; where that cannot be said, it is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agent.errors import PolicyError
from agent.policy.circumstances import Circumstances
from agent.policy.frames import CodeFrame, PermittedFrame, Preview
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.policy.rules import unmet
from agent.policy.zones import Zone
from agent.units import Fix
from tests.policy.given import HEIGHT, NOW_S, SECOND, WIDTH, captured, here, iso, law, picture

METRE = 1 / 111_320
"""Degrees of latitude; of longitude it is a third less at 48 degrees north."""
POSE = {"height_m": 2.2, "heading_deg": 0, "tilt_deg": 12, "view_deg": 62, "range_m": 30}
NORTHWARD: dict[str, Any] = {"pose": POSE}


def yard(south_m: float, north_m: float = 60.0, **fields: Any) -> dict[str, Any]:
    """A zone north of the device, fifty metres to either side."""
    (west, east), (south, north) = (11 - 75 * METRE, 11 + 75 * METRE), (48 + south_m * METRE, 48 + north_m * METRE)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"id": "yard", "class": "school", "geometry": {"type": "Polygon", "coordinates": [ring]}, **fields}


def admitted(gate: Gate, around: Circumstances | None = None, value: int = 200) -> PermittedFrame:
    around = here() if around is None else around
    frame = gate.admit(captured(1, around.captured_ns, picture(value)), around)
    assert isinstance(frame, PermittedFrame), frame
    return frame


def black(frame: PermittedFrame) -> Any:
    return (frame.pixels == 0).all(axis=2)


def test_the_part_of_the_picture_that_shows_a_zone_is_black_and_the_rest_is_as_it_was() -> None:
    lawful = law(zones=[yard(12)], **NORTHWARD)
    frame, hidden = admitted(Gate(lawful)), lawful.hidden(here())
    assert hidden is not None and hidden.any() and not hidden.all()
    side = -(-WIDTH // 40)
    expected = np.kron(hidden, np.ones((side, side), bool))[:HEIGHT, :WIDTH]
    assert (black(frame) == expected).all()
    assert (frame.pixels[~expected] == 200).all()
    assert black(frame)[HEIGHT // 4, WIDTH // 2] and not black(frame)[HEIGHT - 1, WIDTH // 2], "far, and at the feet"


def test_excluded_regions_stay_black_beside_it() -> None:
    corner = {"id": "window", "polygon": [[0, 60], [20, 60], [20, 72], [0, 72]]}
    frame = admitted(Gate(law(zones=[yard(12)], excluded=[corner], **NORTHWARD)))
    assert black(frame)[61:, :20].all() and black(frame)[HEIGHT // 4, WIDTH // 2]


def test_only_zones_in_force_are_black() -> None:
    by_day = {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "from": "08:00", "until": "16:00"}
    gate = Gate(law(zones=[yard(12, hours=[by_day])], timezone="Europe/Berlin", **NORTHWARD))
    noon_s = NOW_S - NOW_S % 86_400 + 12 * 3600
    assert black(admitted(gate, here(unix_s=noon_s, utc_offset_s=0.0))).any()
    assert not black(admitted(gate, here(unix_s=noon_s, utc_offset_s=5 * 3600.0))).any()
    assert black(admitted(gate, here(unix_s=noon_s, utc_offset_s=None))).any(), "who does not know the hour keeps out"


def test_what_is_black_goes_with_a_device_that_moves() -> None:
    gate = Gate(law(location={"kind": "gnss"}, zones=[yard(30)], **NORTHWARD))

    def seen_at(north_m: float) -> Any:
        return black(admitted(gate, here(fix=Fix(48 + north_m * METRE, 11.0, 1.0, 0)))).sum()

    assert seen_at(-20.0) == 0
    assert 0 < seen_at(8.0) < seen_at(18.0)
    assert seen_at(-20.0) == 0


def test_pictures_for_people_are_black_there_too() -> None:
    gate = Gate(law(zones=[yard(12)], **NORTHWARD), picture(190))
    frame = admitted(gate)
    for shown in (gate.preview(frame, []), gate.blocks(captured())):
        assert isinstance(shown, Preview)
        assert (shown.picture[HEIGHT // 4, WIDTH // 2] < 200).all()
    veiled = gate.preview(frame, [])
    assert (veiled.picture[black(frame)] == 0).all() and (veiled.picture[~black(frame)] == 190).all()


def test_codes_are_read_there_so_that_signs_and_passes_work() -> None:
    codes = Gate(law(zones=[yard(12)], **NORTHWARD)).codes(captured())
    assert isinstance(codes, CodeFrame) and (codes.luma == 200).all()


def test_a_zone_that_a_restriction_adds_is_black_like_one_of_the_policy() -> None:
    added = Zone.model_validate_json(json.dumps(yard(12)))
    frame = admitted(Gate(replace(law(**NORTHWARD), extra_zones=(added,))))
    assert (black(frame) == black(admitted(Gate(law(zones=[yard(12)], **NORTHWARD))))).all()


def test_a_view_that_is_nothing_but_zone_is_refused() -> None:
    narrow = POSE | {"height_m": 4, "tilt_deg": 15, "view_deg": 8, "range_m": 60}
    assert unmet(law(zones=[yard(9)], pose=narrow), here()) == (Ground.IN_ZONE,)
    assert unmet(law(zones=[yard(9)], pose=narrow | {"heading_deg": 180}), here()) == ()


def test_a_zone_that_no_picture_can_be_worked_out_of_is_refused() -> None:
    ring = [[0, 89.1002], [1, 89.1002], [1, 89.2], [0, 89.2], [0, 89.1002]]
    zone = yard(0) | {"geometry": {"type": "Polygon", "coordinates": [ring]}}
    location = {"kind": "survey", "lat_deg": 89.1, "lon_deg": 0.5, "sigma_m": 1}
    polar = law(zones=[zone], location=location, **NORTHWARD)
    assert polar.clear(here()) is None, "unknown, not outside"
    assert unmet(polar, here()) == (Ground.IN_ZONE, Ground.VIEW_UNKNOWN)
    with pytest.raises(PolicyError, match="so near a pole"):
        polar.hidden(here())
    assert unmet(law(location=location, **NORTHWARD), here()) == (), "without a zone near it nothing is asked"


@pytest.mark.parametrize(
    ("edge_m", "refused"),
    [(57.4, True), (58.6, False)],  # 50 m of range, 5 m of margin, three times 1 m; distances are taken for too short
)
def test_while_nobody_says_how_the_camera_looks_no_zone_may_be_within_its_reach(edge_m: float, refused: bool) -> None:
    unknown = law(zones=[yard(edge_m, edge_m + 9)])
    assert unmet(unknown, here()) == ((Ground.VIEW_UNKNOWN,) if refused else ())
    assert unmet(law(zones=[yard(edge_m, edge_m + 9)], **NORTHWARD), here()) == ()


def test_a_buffer_is_within_reach_like_its_zone() -> None:
    assert unmet(law(zones=[yard(90, buffer_m=40)]), here()) == (Ground.VIEW_UNKNOWN,)


def test_an_unknown_view_must_stay_known_for_the_hold_of_the_position() -> None:
    gate = Gate(law(location={"kind": "gnss"}, zones=[yard(80)]))

    def at(second: int, north_m: float) -> PermittedFrame | Refusal:
        around = here(second * SECOND, fix=Fix(48 + north_m * METRE, 11.0, 1.0, second * SECOND))
        return gate.admit(captured(second + 1, second * SECOND), around)

    assert isinstance(at(0, 0.0), PermittedFrame)
    assert at(1, 40.0) == Refusal((Ground.VIEW_UNKNOWN,))
    answers = [at(second, 0.0) for second in range(2, 33)]
    assert answers[:-1] == [Refusal((Ground.VIEW_UNKNOWN,))] * 30
    assert isinstance(answers[-1], PermittedFrame)


def test_a_device_that_was_moved_must_stand_still_for_thirty_seconds() -> None:
    gate = Gate(law())
    for second, moved in enumerate([False, True] + [False] * 30):
        answer = gate.admit(captured(second + 1, second * SECOND), here(second * SECOND, moved=moved))
        assert (answer == Refusal((Ground.DEVICE_MOVED,))) is (second > 0)
    assert isinstance(gate.admit(captured(99, 32 * SECOND), here(32 * SECOND)), PermittedFrame)


def test_unknown_place_means_unknown_view() -> None:
    nowhere = law(location={"kind": "gnss"}, zones=[yard(80)])
    assert Ground.VIEW_UNKNOWN in unmet(nowhere, here())
    with pytest.raises(Exception, match="location: unknown"):
        nowhere.hidden(here())
    with pytest.raises(Exception, match="pose: unknown"):
        Law(law(zones=[yard(30)]).policy).hidden(here())


def test_the_plan_shows_zones_within_two_kilometres_also_those_that_are_over() -> None:
    over = yard(900, 950, until=iso(NOW_S - 86_400 * 30))
    lawful = law(zones=[over, yard(2_100, 2_200) | {"id": "far"}])
    assert [zone.id for zone in lawful.plan(lawful.spot(here()))] == ["yard"]
    assert [zone.id for zone in lawful.plan(None)] == ["yard", "far"]
