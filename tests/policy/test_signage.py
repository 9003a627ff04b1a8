"""The site's sign counts at its attested place only, and is looked for there; a no-recognition sign counts anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agent.errors import PolicyError
from agent.policy.bundle import MarkerPlace
from agent.policy.circumstances import SignSighting
from agent.policy.optout import HOLD_NS
from agent.policy.signage import FORBIDDING_MARKER, OPT_OUT_MARKER, SignWatch, at_place
from agent.units import Marker
from tests.policy.given import CARD, FORBIDDING, SECOND, SIGN, SIGN_CORNERS, SimulatedMarkers, codes, document, policy

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


class Watcher:
    """A watch with a simulated reader; times are nanoseconds."""

    def __init__(self) -> None:
        self.watch, self.reader = SignWatch(), SimulatedMarkers()
        self.number = 0

    def sees(
        self,
        markers: Sequence[Marker],
        at_ns: int,
        *,
        texts: Sequence[str] = (),
        due: bool = True,
        **changes: Any,
    ) -> SignSighting:
        self.number += 1
        self.reader.markers_now = tuple(markers)
        return self.watch.see(codes(self.number, at_ns), self.reader, policy(**changes), texts, due=due)


def test_the_sign_is_in_force_for_the_hold_time_after_it_was_last_seen() -> None:
    watcher = Watcher()
    assert watcher.sees([], 0) == SignSighting(False, False, ())
    assert watcher.sees([moved(20, 0), SIGN], SECOND) == SignSighting(True, False, ())
    assert watcher.sees([], SECOND + SECOND // 2).in_place
    assert not watcher.sees([], SECOND + SECOND // 2 + 1).in_place
    assert watcher.sees([SIGN], 2 * SECOND).in_place


def test_a_sighting_from_the_future_is_no_sighting() -> None:
    watcher = Watcher()
    watcher.sees([SIGN], SECOND)
    assert watcher.sees([], SECOND).in_place
    assert not watcher.sees([], SECOND - 1).in_place


def test_a_copy_elsewhere_or_another_number_does_not_count() -> None:
    watcher = Watcher()
    assert not watcher.sees([moved(20, 0)], 0).in_place
    assert not watcher.sees([moved(3.5, 0)], 0).in_place
    assert not watcher.sees([replace(SIGN, number=8)], 0).in_place


def test_the_sign_is_looked_for_within_the_tolerance_of_its_place_and_nowhere_else() -> None:
    watcher = Watcher()
    watcher.sees([SIGN], 0)
    watcher.sees([SIGN], 1, due=False)
    around = ((-1.0, -1.0), (15.0, -1.0), (15.0, 15.0), (-1.0, 15.0))
    assert watcher.reader.looks == [(1, around), (1, None), (2, around)]


@pytest.mark.parametrize("by", [(3.0, 0.0), (-3.0, 0.0), (0.0, 3.0), (0.0, -3.0)])
def test_a_sign_at_the_edge_of_its_tolerance_is_looked_for_far_enough(by: tuple[float, float]) -> None:
    assert Watcher().sees([moved(*by)], 0).in_place


def test_a_forbidding_marker_counts_anywhere_on_this_frame_alone() -> None:
    watcher = Watcher()
    assert watcher.sees([SIGN, FORBIDDING], 0) == SignSighting(True, True, ())
    assert watcher.sees([SIGN], 1) == SignSighting(True, False, ())
    assert watcher.sees([FORBIDDING], 2) == SignSighting(True, True, ())


def test_the_whole_frame_is_searched_whenever_a_face_may_be_looked_at() -> None:
    watcher = Watcher()
    for number in range(20):
        assert not watcher.sees([SIGN], number * 67_000_000, due=True).forbidding
    assert watcher.reader.searched == list(range(1, 21))


def test_otherwise_it_is_searched_now_and_then_and_on_each_frame_while_something_forbids() -> None:
    watcher, step = Watcher(), SECOND // 10
    quiet = [watcher.sees([SIGN], number * step, due=False).forbidding for number in range(11)]
    assert quiet == [False] * 11 and watcher.reader.searched == [1, 6, 11]
    shown = [watcher.sees([SIGN, FORBIDDING], (11 + number) * step, due=False).forbidding for number in range(8)]
    assert shown == [False] * 4 + [True] * 4, "within half a second, and at once where a face is due"
    assert not watcher.sees([SIGN], 19 * step, due=False).forbidding
    assert watcher.reader.searched == [1, 6, 11, 16, 17, 18, 19, 20]


def test_a_clock_that_runs_back_leads_to_a_search() -> None:
    watcher = Watcher()
    watcher.sees([SIGN], SECOND, due=False)
    watcher.sees([SIGN], SECOND - 1, due=False)
    assert watcher.reader.searched == [1, 2]


@pytest.mark.parametrize("text", ["DN1", "DN1:", "DN1:please"])
def test_a_qr_code_that_forbids_counts_for_half_a_second(text: str) -> None:
    watcher = Watcher()
    assert watcher.sees([SIGN], 0, texts=["hello", text]) == SignSighting(True, True, ())
    assert watcher.sees([SIGN], SECOND // 2).forbidding
    assert not watcher.sees([SIGN], SECOND // 2 + 1).forbidding


@pytest.mark.parametrize("text", ["", "DN", "DN12", "DN2", "dn1", " DN1", "DW1:DN1", "DS1:DN1"])
def test_no_other_text_forbids(text: str) -> None:
    assert not Watcher().sees([SIGN], 0, texts=[text]).forbidding


def test_a_sign_attested_by_inspection_has_no_place_in_the_picture() -> None:
    inspection = {"inspector": "warden-2", "inspected": "2030-01-01T00:00:00Z", "until": "2030-02-01T00:00:00Z"}
    watcher = Watcher()
    assert watcher.sees([SIGN], 0, sign={"id": "s", "inspection": inspection}) == SignSighting(False, False, ())
    assert watcher.reader.looks == [(1, None)], "nothing but what forbids is looked for"


def test_a_new_policy_that_moves_the_sign_does_not_inherit_the_old_sighting() -> None:
    watcher = Watcher()
    assert watcher.sees([SIGN], 0).in_place
    marker = document()["sign"]["marker"]
    elsewhere = [[x + 40, y] for x, y in SIGN_CORNERS]
    assert not watcher.sees([SIGN], 1, sign={"id": "s", "marker": marker | {"corners": elsewhere}}).in_place


def test_a_card_is_named_by_its_place_where_the_frame_was_searched_and_forbids_nothing_by_itself() -> None:
    watcher = Watcher()
    other = replace(CARD, corners=SIGN_CORNERS)
    assert watcher.sees([SIGN, CARD, other], 0) == SignSighting(True, False, (CARD.corners, other.corners))
    assert watcher.sees([SIGN, CARD], 1, due=False) == SignSighting(True, False, None), "not searched"
    assert watcher.sees([SIGN, CARD, FORBIDDING], 2) == SignSighting(True, True, (CARD.corners,))


def test_a_loose_card_forbids_while_it_is_seen_and_is_looked_for_on_each_frame() -> None:
    watcher, step = Watcher(), SECOND // 10
    watcher.sees([SIGN, CARD], 0)
    watcher.watch.loose(0)
    for number in range(1, 40):
        assert watcher.sees([SIGN, CARD], number * step, due=False) == SignSighting(True, True, (CARD.corners,))
    assert watcher.reader.searched == list(range(1, 41))
    gone = watcher.sees([SIGN], 40 * step, due=False)
    assert gone == SignSighting(True, False, ()), "the gate's hold begins here"


@pytest.mark.parametrize("after_ns, forbids", [(1, True), (HOLD_NS, True), (HOLD_NS + 1, False)])
def test_a_loose_card_that_comes_back_within_the_hold_is_as_loose_as_before(after_ns: int, forbids: bool) -> None:
    watcher = Watcher()
    watcher.sees([SIGN, CARD], SECOND)
    watcher.watch.loose(SECOND)
    watcher.sees([SIGN], SECOND + 1)
    assert watcher.sees([SIGN, CARD], SECOND + after_ns).forbidding is forbids


@pytest.mark.parametrize("number", [FORBIDDING_MARKER, OPT_OUT_MARKER])
def test_no_sign_of_a_site_may_use_the_number_of_a_no_recognition_sign_or_card(number: int) -> None:
    marker = document()["sign"]["marker"]
    with pytest.raises(PolicyError, match=r"sign\.marker\.number"):
        policy(sign={"id": "s", "marker": marker | {"number": number}})
    assert policy(sign={"id": "s", "marker": marker | {"number": 47}}).document.sign.marker is not None


@pytest.mark.parametrize("half", [{"key": "5" * 64}, {"signature": "6" * 128}])
def test_an_inspector_s_signature_comes_with_its_key(half: dict[str, str]) -> None:
    inspection = {"inspector": "warden-2", "inspected": "2030-01-01T00:00:00Z", "until": "2030-02-01T00:00:00Z"}
    with pytest.raises(PolicyError, match=r"sign\.inspection: .*a signature comes with its key"):
        policy(sign={"id": "s", "inspection": inspection | half})
    both = {"key": "5" * 64, "signature": "6" * 128}
    assert policy(sign={"id": "s", "inspection": inspection | both}).document.sign.inspection is not None
