"""The site's sign counts at its attested place only; a no-recognition marker counts anywhere, at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.policy.bundle import MarkerPlace
from agent.policy.circumstances import SignSighting
from agent.policy.signage import FORBIDDING_MARKER, SignWatch, at_place
from agent.units import Marker
from tests.policy.given import FORBIDDING, SECOND, SIGN, SIGN_CORNERS, document, policy

PLACE = MarkerPlace(number=7, corners=SIGN_CORNERS, tolerance_px=3.0)


def moved(dx: float, dy: float, corners: tuple[int, ...] = (0, 1, 2, 3)) -> Marker:
    return replace(
        SIGN, corners=tuple((x + dx, y + dy) if i in corners else (x, y) for i, (x, y) in enumerate(SIGN.corners))
    )


@pytest.mark.parametrize(
    "marker, there",
    [
        (SIGN, True),
        (moved(3.0, 0.0), True),
        (moved(0.0, -3.0), True),
        (moved(3.001, 0.0), False),
        (moved(0.0, -3.001), False),
        (moved(2.2, 2.2), False),  # 3.11 px: the tolerance is a circle, not a square
        (moved(50.0, 20.0), False),
        (replace(SIGN, number=8), False),
        (replace(SIGN, number=FORBIDDING_MARKER), False),
        (replace(SIGN, corners=SIGN.corners[1:] + SIGN.corners[:1]), False),  # turned upside down or on its side
        (moved(float("nan"), 0.0), False),
        *((moved(4.0, 0.0, (corner,)), False) for corner in range(4)),  # one corner out of place is enough
    ],
)
def test_all_four_corners_lie_at_the_attested_place(marker: Marker, there: bool) -> None:
    assert at_place(marker, PLACE) is there


def test_the_sign_is_in_force_for_the_hold_time_after_it_was_last_seen() -> None:
    watch, rules = SignWatch(), policy()
    assert watch.see([], 0, rules) == SignSighting(False, False)
    assert watch.see([moved(20, 0), SIGN], SECOND, rules) == SignSighting(True, False)
    assert watch.see([], SECOND + SECOND // 2, rules).in_place
    assert not watch.see([], SECOND + SECOND // 2 + 1, rules).in_place
    assert watch.see([SIGN], 2 * SECOND, rules).in_place


def test_a_sighting_from_the_future_is_no_sighting() -> None:
    watch, rules = SignWatch(), policy()
    watch.see([SIGN], SECOND, rules)
    assert watch.see([], SECOND, rules).in_place
    assert not watch.see([], SECOND - 1, rules).in_place


def test_a_copy_elsewhere_or_another_number_does_not_count() -> None:
    watch, rules = SignWatch(), policy()
    assert not watch.see([moved(20, 0)], 0, rules).in_place
    assert not watch.see([replace(SIGN, number=8)], 0, rules).in_place


def test_a_forbidding_marker_counts_anywhere_on_this_frame_alone() -> None:
    watch, rules = SignWatch(), policy()
    assert watch.see([SIGN, FORBIDDING], 0, rules) == SignSighting(True, True)
    assert watch.see([SIGN], 1, rules) == SignSighting(True, False)
    assert watch.see([FORBIDDING], 2, rules) == SignSighting(True, True)


def test_a_sign_attested_by_inspection_has_no_place_in_the_picture() -> None:
    inspection = {"inspector": "warden-2", "inspected": "2030-01-01T00:00:00Z", "until": "2030-02-01T00:00:00Z"}
    rules = policy(sign={"id": "s", "inspection": inspection})
    assert SignWatch().see([SIGN], 0, rules) == SignSighting(False, False)


def test_a_new_policy_that_moves_the_sign_does_not_inherit_the_old_sighting() -> None:
    watch = SignWatch()
    assert watch.see([SIGN], 0, policy()).in_place
    marker = document()["sign"]["marker"]
    elsewhere = [[x + 40, y] for x, y in SIGN_CORNERS]
    assert not watch.see([SIGN], 1, policy(sign={"id": "s", "marker": marker | {"corners": elsewhere}})).in_place


def test_no_sign_of_a_site_may_use_the_forbidding_number() -> None:
    from agent.errors import PolicyError

    marker = document()["sign"]["marker"]
    with pytest.raises(PolicyError, match=r"sign\.marker\.number"):
        policy(sign={"id": "s", "marker": marker | {"number": FORBIDDING_MARKER}})
