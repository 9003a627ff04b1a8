"""Very good is taken at once, good after a wait that ends soon."""

from __future__ import annotations

import pytest

from agent.face.choice import AT_ONCE, PATIENCE_NS, Choice
from agent.policy.attempt import TrackId

ONE, TWO = TrackId(1), TrackId(2)


@pytest.mark.parametrize("waited, least", [(0, AT_ONCE), (PATIENCE_NS // 2, AT_ONCE / 2), (PATIENCE_NS, 0.0),
                                           (5 * PATIENCE_NS, 0.0)])  # fmt: skip
def test_what_is_demanded_falls_with_the_time_waited(waited: int, least: float) -> None:
    choice = Choice()
    assert not choice.takes(ONE, -1.0, 0), "the waiting begins"
    assert choice.takes(ONE, least, waited)
    assert not choice.takes(ONE, least - 1e-6, waited)


def test_very_good_is_taken_at_once_and_again() -> None:
    choice = Choice()
    assert all(choice.takes(ONE, AT_ONCE, at) for at in range(3))


def test_each_track_waits_for_itself_and_anew_after_its_attempt() -> None:
    choice = Choice()
    assert not choice.begun
    assert not choice.takes(ONE, 10.0, 0) and choice.takes(ONE, 10.0, PATIENCE_NS)
    assert not choice.takes(TWO, 10.0, PATIENCE_NS)
    choice.forget([ONE, TrackId(9)])
    assert not choice.takes(ONE, 10.0, PATIENCE_NS)
    choice.keep([ONE])
    assert choice.takes(ONE, 10.0, 2 * PATIENCE_NS)
    assert not choice.takes(TWO, 10.0, 2 * PATIENCE_NS)
    assert choice.begun
    choice.forget([ONE, TWO])
    assert not choice.begun
