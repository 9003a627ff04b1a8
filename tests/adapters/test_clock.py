"""The system's clocks, and its time zones: what it does not know is None."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from agent.adapters.clock import SystemClock, utc_offset_s


def unix_s(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_the_clocks_are_the_systems() -> None:
    before = time.monotonic_ns(), time.time()
    clock = SystemClock()
    found = clock.monotonic_ns(), clock.unix_s()
    after = time.monotonic_ns(), time.time()
    assert before[0] <= found[0] <= after[0] and before[1] <= found[1] <= after[1]


@pytest.mark.parametrize(
    ("timezone", "moment", "hours"),
    [
        ("Europe/Berlin", "2026-01-15T12:00:00Z", 1),
        ("Europe/Berlin", "2026-03-29T00:59:59Z", 1),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", 2),
        ("Asia/Shanghai", "2026-07-15T12:00:00Z", 8),
        ("America/St_Johns", "2026-01-15T12:00:00Z", -3.5),
        ("UTC", "2026-01-15T12:00:00Z", 0),
    ],
)
def test_a_timezone_is_ahead_by_its_summer_time_too(timezone: str, moment: str, hours: float) -> None:
    assert utc_offset_s(timezone, unix_s(moment)) == hours * 3600


@pytest.mark.parametrize("timezone", ["Europe/Nowhere", "Europe", "", "../../etc/passwd", "/etc/localtime"])
def test_an_unknown_timezone_is_none(timezone: str) -> None:
    assert utc_offset_s(timezone, 1_800_000_000.0) is None


@pytest.mark.parametrize("moment", [1e18, float("nan"), float("inf")])
def test_an_impossible_time_is_none(moment: float) -> None:
    assert utc_offset_s("Europe/Berlin", moment) is None
