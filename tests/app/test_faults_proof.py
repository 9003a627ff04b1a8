"""What `scripts/prove soak` and `scripts/prove faults` judge by: visits, a slope, and what a unit file says."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from bench.faults.supervisor import UNIT, seconds
from bench.soak.slope import Sample, steady
from bench.soak.visits import A_PASS, DAY_S, Way, moments, way_of


def test_a_day_has_its_visits_and_its_time_only_rises() -> None:
    turns = list(moments(24, 1_000, 6.0))
    assert {each.visit for each in turns if each.way is not None} == set(range(1_000))
    assert all(before.at_s < after.at_s for before, after in pairwise(turns))
    assert DAY_S - 90 < turns[-1].at_s < DAY_S
    ways = Counter(way_of(visit) for visit in range(1_000))
    assert ways == {Way.PASS: 1_000 // A_PASS, Way.FACE: 100, Way.CARD: 1_000 - 1_000 // A_PASS - 100}


def test_the_slope_is_of_what_comes_after_the_beginning() -> None:
    samples = [Sample(day, 500.0 if day < 1 else 100 + 2 * day) for day in (0.0, 0.5, 1.0, 2.0, 3.0)]
    slope, end = steady(samples, 1.0)
    assert (round(slope, 6), round(end, 6)) == (2.0, 106.0)
    assert steady(samples[:1], 0.0) == (float("inf"), 500.0) and steady([], 0.0) == (float("inf"), 0.0)


def test_the_watchdog_is_the_units() -> None:
    unit = UNIT.read_text("utf-8")
    assert seconds(unit, "WatchdogSec") + seconds(unit, "RestartSec") < 30
    with pytest.raises(SystemExit, match="Nothing= is no number"):
        seconds(unit, "Nothing")
