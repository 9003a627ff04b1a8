"""Resuming: which grounds wait, for how long, for how many frames, and which do not."""

from __future__ import annotations

import pytest

from agent.policy.grounds import Ground
from agent.policy.hold import ClearHold, Resumption, holds
from tests.policy.given import SECOND, policy

HOLDS = {Ground.SIGN_MISSING: ClearHold(2.0, 5), Ground.STOPPED: ClearHold(1.0, 2)}
NOTHING: tuple[Ground, ...] = ()


def armed() -> Resumption:
    resumption = Resumption()
    assert resumption.settle(NOTHING, 0, HOLDS) == ()
    return resumption


def test_the_first_permit_needs_no_hold() -> None:
    resumption = Resumption()
    for at in range(10):
        assert resumption.settle([Ground.SIGN_MISSING], at * SECOND, HOLDS) == (Ground.SIGN_MISSING,)
    assert resumption.settle(NOTHING, 10 * SECOND, HOLDS) == ()


def test_an_unmet_ground_refuses_on_the_same_frame() -> None:
    assert armed().settle([Ground.STOPPED], 1, HOLDS) == (Ground.STOPPED,)


def test_a_ground_without_a_hold_resumes_at_once() -> None:
    resumption = armed()
    assert resumption.settle([Ground.LEDGER_UNWRITABLE], 1, HOLDS) == (Ground.LEDGER_UNWRITABLE,)
    assert resumption.settle(NOTHING, 2, HOLDS) == ()


def test_resuming_takes_the_whole_time_however_many_frames_there_are() -> None:
    resumption = armed()
    resumption.settle([Ground.SIGN_MISSING], SECOND, HOLDS)
    start = 2 * SECOND
    for at in range(0, 2 * SECOND, SECOND // 10):
        assert resumption.settle(NOTHING, start + at, HOLDS) == (Ground.SIGN_MISSING,)
    assert resumption.settle(NOTHING, start + 2 * SECOND - 1, HOLDS) == (Ground.SIGN_MISSING,)
    assert resumption.settle(NOTHING, start + 2 * SECOND, HOLDS) == ()
    assert resumption.settle(NOTHING, start + 2 * SECOND + 1, HOLDS) == ()


def test_resuming_takes_the_frames_however_much_time_goes_by() -> None:
    resumption = armed()
    resumption.settle([Ground.SIGN_MISSING], SECOND, HOLDS)
    for frame in range(1, 5):
        assert resumption.settle(NOTHING, frame * 100 * SECOND, HOLDS) == (Ground.SIGN_MISSING,)
    assert resumption.settle(NOTHING, 500 * SECOND, HOLDS) == ()


def test_one_unmet_frame_starts_the_wait_again() -> None:
    resumption = armed()
    resumption.settle([Ground.STOPPED], SECOND, HOLDS)
    assert resumption.settle(NOTHING, 2 * SECOND, HOLDS) == (Ground.STOPPED,)
    assert resumption.settle([Ground.STOPPED], 2 * SECOND + 1, HOLDS) == (Ground.STOPPED,)
    assert resumption.settle(NOTHING, 3 * SECOND, HOLDS) == (Ground.STOPPED,)
    assert resumption.settle(NOTHING, 4 * SECOND, HOLDS) == ()


def test_grounds_wait_each_for_itself_and_unmet_ones_come_first() -> None:
    resumption = armed()
    resumption.settle([Ground.SIGN_MISSING, Ground.STOPPED], SECOND, HOLDS)
    found = resumption.settle([Ground.STOPPED], 2 * SECOND, HOLDS)
    assert found == (Ground.STOPPED, Ground.SIGN_MISSING)
    for at in (3, 4, 5, 6):
        last = resumption.settle(NOTHING, at * SECOND, HOLDS)
    assert last == ()


def test_time_that_runs_backwards_resumes_nothing() -> None:
    resumption = armed()
    resumption.settle([Ground.STOPPED], 100 * SECOND, HOLDS)
    resumption.settle(NOTHING, 100 * SECOND, HOLDS)
    for at in range(50):
        assert resumption.settle(NOTHING, at * SECOND, HOLDS) == (Ground.STOPPED,)


@pytest.mark.parametrize(
    "location, zone_hold",
    [
        ({"kind": "survey", "lat_deg": 1, "lon_deg": 2, "sigma_m": 1}, ClearHold(2.0, 5)),
        ({"kind": "gnss"}, ClearHold(30.0, 5)),
        ({"kind": "gnss", "clear_hold_s": 45}, ClearHold(45.0, 5)),
    ],
)
def test_holds_come_from_the_policy(location: object, zone_hold: ClearHold) -> None:
    sign = {
        "id": "s",
        "clear_hold_s": 3,
        "clear_frames": 8,
        "marker": {"number": 1, "corners": [[0, 0], [9, 0], [9, 9], [0, 9]], "tolerance_px": 1},
    }
    assert holds(policy(location=location, sign=sign)) == {
        Ground.SIGN_MISSING: ClearHold(3.0, 8),
        Ground.SIGN_FORBIDS: ClearHold(3.0, 8),
        Ground.STOPPED: ClearHold(2.0, 5),
        Ground.IN_ZONE: zone_hold,
        Ground.LOCATION_UNKNOWN: zone_hold,
        Ground.VIEW_UNKNOWN: zone_hold,
        Ground.DEVICE_MOVED: ClearHold(30.0, 5),
        Ground.TAMPERED: ClearHold(30.0, 5),
    }
