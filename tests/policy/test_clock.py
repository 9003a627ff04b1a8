"""The trusted clock: every rule of it, and that no story of lies and restarts gets past them."""

from __future__ import annotations

import math
from collections.abc import Callable

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


def test_the_same_word_of_the_site_again_forgets_nothing() -> None:
    known = clock(signed=BUILT, recorded=BUILT + 5 * HOUR)
    known.signed(BUILT, STARTED)
    assert known.floor(STARTED) == BUILT + 5 * HOUR


@pytest.mark.parametrize("say", [TrustedClock.ran, TrustedClock.recorded])
def test_evidence_of_what_was_known_asks_for_no_newer_word_of_the_site(
    say: Callable[[TrustedClock, float, int], None],
) -> None:
    later = STARTED + 3600 * SECOND_NS
    lied = clock(signed=BUILT + 100)
    say(lied, lied.floor(later), later)
    assert lied.now(BUILT + 100 * LEASE, later) is None
    lied.signed(BUILT + 100, later)
    assert lied.now(BUILT + 2 * HOUR, later) == BUILT + 2 * HOUR


def test_a_newer_word_of_the_site_makes_what_nobody_signed_forgotten() -> None:
    ahead = clock(signed=BUILT, recorded=BUILT + 20 * HOUR)
    assert ahead.floor(STARTED) == BUILT + 20 * HOUR
    ahead.signed(BUILT + 10 * HOUR, STARTED)
    assert ahead.floor(STARTED) == BUILT + 10 * HOUR
    ahead.recorded(BUILT + 50 * HOUR, STARTED)
    assert ahead.floor(STARTED) == BUILT + 10 * HOUR + LEASE


def test_how_far_time_had_run_before_a_restart_is_kept_whatever_is_signed() -> None:
    ran = clock(signed=BUILT)
    ran.ran(BUILT + 7 * HOUR, STARTED)
    ran.ran(BUILT + 6 * HOUR, STARTED)
    assert ran.floor(STARTED) == ran.proved(STARTED) == BUILT + 7 * HOUR
    ran.signed(BUILT + 5 * HOUR, STARTED)
    assert ran.floor(STARTED) == BUILT + 7 * HOUR
    assert ran.floor(STARTED + SECOND_NS) == BUILT + 7 * HOUR + 1


def test_a_false_future_within_the_lease_does_not_shorten_every_lease_to_come() -> None:
    recorded = BUILT
    lied = clock(signed=BUILT)
    recorded = lied.now(BUILT + 23 * HOUR, STARTED) or recorded  # a time server lies for a moment, then no more
    for day in range(1, 5):
        restarted = clock(signed=BUILT + (day - 1) * 6 * HOUR, recorded=recorded)
        issued = BUILT + day * 6 * HOUR
        restarted.signed(issued, STARTED)
        told = restarted.now(issued + HOUR, STARTED)
        assert told == issued + HOUR
        recorded = told


def test_a_future_that_a_stolen_key_signed_is_void_once_the_key_is_taken_away() -> None:
    stolen = clock(signed=BUILT + 300 * LEASE, recorded=BUILT + 301 * LEASE)
    assert stolen.now(BUILT + LEASE, STARTED) == BUILT + 301 * LEASE
    stolen.voided(BUILT + LEASE, STARTED)
    assert stolen.floor(STARTED) == BUILT + LEASE
    assert stolen.now(BUILT + LEASE + 5, STARTED) == BUILT + LEASE + 5
    stolen.signed(BUILT + 2 * LEASE, STARTED)
    assert stolen.floor(STARTED) == BUILT + 2 * LEASE
    stolen.voided(BUILT - LEASE, STARTED)
    assert stolen.floor(STARTED) == BUILT


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
        st.tuples(st.just("ran"), st.floats(0, LEASE)),
        st.tuples(st.just("signed"), times),
        st.tuples(st.just("wait"), st.floats(0, 3 * LEASE)),
    ),
    max_size=30,
)


@given(steps)
def test_whatever_happens_the_answer_lies_within_what_is_proved(story: list[tuple[str, float]]) -> None:
    told, at, proved_s, proved_at, last_proved, last_floor = clock(), STARTED, BUILT, STARTED, BUILT, BUILT
    for kind, value in story:
        proved = proved_s + (at - proved_at) / 1e9
        if kind == "wait":
            at += int(value * SECOND_NS)
        elif kind == "recorded":
            told.recorded(value, at)
        elif kind == "now":
            answer = told.now(value, at)
            assert answer is None or proved - 1e-3 <= answer <= proved + 2 * LEASE + 1e-3
            assert answer is None or answer == max(value, told.floor(at))
        else:
            said = value if kind == "signed" else proved + value - LEASE / 2
            (told.signed if kind == "signed" else told.ran)(said, at)
            if said > proved:
                proved_s, proved_at = said, at
        assert told.floor(at) >= told.proved(at) >= last_proved - 1e-3
        assert kind == "signed" or told.floor(at) >= last_floor - 1e-3
        last_proved, last_floor = told.proved(at), told.floor(at)
