"""The trusted clock: every rule of it, and that no story of lies and restarts gets past them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.policy.clock import TrustedClock

BUILT = 1_790_000_000.0
LEASE = 86_400.0
HOUR = 3_600.0
SECOND_NS = 1_000_000_000
STARTED = 77 * SECOND_NS


def clock(signed: float | None = None, recorded: float | None = None) -> TrustedClock:
    made = TrustedClock(BUILT, LEASE, STARTED)
    if signed is not None:
        made.signed(signed, STARTED)
    if recorded is not None:
        made.recorded(recorded, STARTED)
    return made


def test_system_clock_is_believed_between_floor_and_floor_plus_lease() -> None:
    assert clock(signed=BUILT + 10).now(BUILT + 500, STARTED) == BUILT + 500


@pytest.mark.parametrize("system", [0.0, -1e18, -math.inf, BUILT - 0.001])
def test_behind_the_floor_the_floor_is_used(system: float) -> None:
    assert clock().now(system, STARTED) == BUILT


def test_exactly_one_lease_ahead_is_trusted_and_a_moment_more_is_not() -> None:
    assert clock().now(BUILT + LEASE, STARTED) == BUILT + LEASE
    assert clock().now(math.nextafter(BUILT + LEASE, math.inf), STARTED) is None


@pytest.mark.parametrize("system", [math.nan, math.inf, 2**31 - 1.0, 2**32 + 0.0, 1e30])
def test_what_no_clock_should_say_is_untrusted(system: float) -> None:
    assert clock().now(system, STARTED) is None


def test_untrusted_stays_untrusted_when_the_clock_stops_lying() -> None:
    lied = clock(signed=BUILT + 100)
    assert lied.now(BUILT + 100 * LEASE, STARTED) is None
    assert lied.now(BUILT + 200, STARTED) is None


def test_a_fresh_timestamp_not_older_than_the_floor_restores_trust() -> None:
    lied = clock(signed=BUILT + 100, recorded=BUILT + 5 * HOUR)
    assert lied.now(BUILT + 100 * LEASE, STARTED) is None
    lied.signed(BUILT + 5 * HOUR - 1, STARTED)
    assert lied.now(BUILT + 6 * HOUR, STARTED) is None
    lied.signed(BUILT + 5 * HOUR, STARTED)
    assert lied.now(BUILT + 6 * HOUR, STARTED) == BUILT + 6 * HOUR


def test_a_fresh_timestamp_does_not_make_a_clock_true_that_still_lies() -> None:
    lied = clock(signed=BUILT + 100)
    assert lied.now(BUILT + 100 * LEASE, STARTED) is None
    lied.signed(BUILT + 200, STARTED)
    assert lied.now(BUILT + 100 * LEASE, STARTED) is None


def test_first_start_long_after_the_build_recovers_by_the_first_timestamp() -> None:
    fresh, today = clock(), BUILT + 400 * LEASE
    assert fresh.now(today, STARTED) is None
    fresh.signed(today - HOUR, STARTED + SECOND_NS)
    assert fresh.now(today, STARTED + SECOND_NS) == today


def test_off_for_a_week_recovers_by_itself() -> None:
    week = BUILT + 7 * LEASE
    woken = clock(signed=BUILT, recorded=BUILT + 3 * HOUR)
    assert woken.now(week, STARTED) is None
    woken.signed(week - 2 * HOUR, STARTED + 5 * SECOND_NS)
    assert woken.now(week + 5, STARTED + 5 * SECOND_NS) == week + 5


def test_a_stuck_clock_does_not_stop_time() -> None:
    stuck = clock(signed=BUILT + 100)
    later = STARTED + int(LEASE) * SECOND_NS
    assert stuck.now(0.0, later) == BUILT + 100 + LEASE


def test_a_running_device_with_a_good_clock_stays_trusted_when_the_site_falls_silent() -> None:
    silent = clock(signed=BUILT)
    for hours in range(0, 24 * 30, 7):
        at = STARTED + int(hours * HOUR) * SECOND_NS
        assert silent.now(BUILT + hours * HOUR + 3, at) == BUILT + hours * HOUR + 3


def test_time_does_not_go_back_behind_the_ledger() -> None:
    stepped = clock(signed=BUILT)
    assert stepped.now(BUILT + 5 * HOUR, STARTED) == BUILT + 5 * HOUR
    stepped.recorded(BUILT + 5 * HOUR, STARTED)
    assert stepped.now(BUILT + HOUR, STARTED) == BUILT + 5 * HOUR


def test_older_evidence_changes_nothing() -> None:
    known = clock(signed=BUILT + 5 * HOUR)
    known.signed(BUILT + HOUR, STARTED)
    known.recorded(BUILT + HOUR, STARTED)
    assert known.floor(STARTED) == BUILT + 5 * HOUR


def test_a_signed_time_behind_the_floor_still_moves_what_was_signed() -> None:
    ahead = clock(signed=BUILT, recorded=BUILT + 20 * HOUR)
    ahead.signed(BUILT + 10 * HOUR, STARTED)
    assert ahead.floor(STARTED) == BUILT + 20 * HOUR
    ahead.recorded(BUILT + 50 * HOUR, STARTED)
    assert ahead.floor(STARTED) == BUILT + 10 * HOUR + LEASE


def test_a_lying_time_server_and_a_loop_of_restarts_cannot_lock_the_device_out() -> None:
    recorded = BUILT
    for _ in range(1000):
        restarted = clock(signed=BUILT, recorded=recorded)
        lie = restarted.floor(STARTED) + LEASE
        recorded = restarted.now(lie, STARTED) or recorded
    honest = clock(signed=BUILT, recorded=recorded)
    assert honest.floor(STARTED) <= BUILT + LEASE
    honest.signed(BUILT + 2 * LEASE, STARTED)
    assert honest.now(BUILT + 2 * LEASE + 60, STARTED) == BUILT + 2 * LEASE + 60


def test_a_monotonic_clock_that_seems_to_go_back_does_not_lower_the_floor() -> None:
    assert clock().floor(STARTED - 5 * SECOND_NS) == BUILT


times = st.floats(BUILT - 50 * LEASE, BUILT + 50 * LEASE)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("now"), times),
        st.tuples(st.just("recorded"), times),
        st.tuples(st.just("signed"), times),
        st.tuples(st.just("wait"), st.floats(0, 3 * LEASE)),
    ),
    max_size=30,
)


@given(steps)
def test_whatever_happens_the_answer_lies_within_what_was_signed(story: list[tuple[str, float]]) -> None:
    told, at, signed_s, signed_at, last_floor = clock(), STARTED, BUILT, STARTED, BUILT
    for kind, value in story:
        if kind == "wait":
            at += int(value * SECOND_NS)
        elif kind == "signed":
            told.signed(value, at)
            if value > signed_s + (at - signed_at) / 1e9:
                signed_s, signed_at = value, at
        elif kind == "recorded":
            told.recorded(value, at)
        else:
            answer = told.now(value, at)
            proved = signed_s + (at - signed_at) / 1e9
            assert answer is None or proved - 1e-3 <= answer <= proved + 2 * LEASE + 1e-3
            assert answer is None or answer == max(value, told.floor(at))
        assert told.floor(at) >= last_floor - 1e-3
        last_floor = told.floor(at)
