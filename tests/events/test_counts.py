"""Hourly counts: closed hours, fives, and nothing that changes with one more person."""

from __future__ import annotations

import pytest

from agent.events.counts import HOUR_S, HourlyCounts
from agent.events.decision import Outcome

NINE = 500_000 * HOUR_S


def told(counts: HourlyCounts, unix_s: float | None) -> tuple[float | None, dict[Outcome, int]]:
    hour_s, hourly = counts.closed(unix_s)
    return hour_s, {each.outcome: each.at_least for each in hourly}


@pytest.mark.parametrize(("real", "said"), [(0, 0), (1, 0), (4, 0), (5, 5), (9, 5), (10, 10), (104, 100)])
def test_a_number_is_only_the_five_that_it_lies_in(real: int, said: int) -> None:
    counts = HourlyCounts()
    assert told(counts, NINE) == (None, {})
    for _ in range(real):
        counts.count(Outcome.MATCH, NINE + 60)
    assert told(counts, NINE + HOUR_S - 1) == (None, {}), "the hour is not over"
    zero = dict.fromkeys(Outcome, 0)
    assert told(counts, NINE + HOUR_S) == (NINE, {**zero, Outcome.MATCH: said})


def test_an_hour_is_told_until_the_next_is_over() -> None:
    counts = HourlyCounts()
    for _ in range(6):
        counts.count(Outcome.NO_MATCH, NINE)
    for _ in range(7):
        counts.count(Outcome.PASS_ACCEPTED, NINE + HOUR_S)
    assert told(counts, None) == told(counts, NINE + HOUR_S + 9)
    assert told(counts, None)[1][Outcome.NO_MATCH] == 5
    hour_s, hourly = told(counts, NINE + 2 * HOUR_S)
    assert (hour_s, hourly[Outcome.PASS_ACCEPTED], hourly[Outcome.NO_MATCH]) == (NINE + HOUR_S, 5, 0)


def test_without_a_time_nothing_is_counted_and_a_clock_set_back_tells_nothing_new() -> None:
    counts = HourlyCounts()
    for _ in range(9):
        counts.count(Outcome.MATCH, None)
    assert told(counts, None) == (None, {})
    counts.count(Outcome.MATCH, NINE)
    counts.count(Outcome.MATCH, NINE - HOUR_S)
    assert told(counts, NINE - HOUR_S) == (None, {})
