"""The reminder before a filing is due: from four fifths on, and in other words when nobody more is enrolled."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from agent.policy.bundle import utc
from agent.policy.declared import Filing
from agent.policy.filing import deadline, filing_advice
from tests.policy.given import NOW_S

FILED = Filing(authority="cac", number="f-1", filed=utc(NOW_S), covers_people=20_000)
FEW = Filing(authority="cac", number="f-1", filed=utc(NOW_S), covers_people=5)


@pytest.mark.parametrize(
    ("people", "most", "filing", "words"),
    [
        (10**9, None, None, None),
        (7_999, 10_000, None, None),
        (8_000, 10_000, None, "8000 of 10000 people are enrolled: file"),
        (9_999, 10_000, None, "9999 of 10000"),
        (10_000, 10_000, None, "nobody more is enrolled"),
        (10_000, 10_000, FILED, None),
        (16_000, 10_000, FILED, "16000 of 20000"),
        (20_000, 10_000, FILED, "nobody more is enrolled"),
        (9_999, 10_000, FEW, "9999 of 10000"),
    ],
)
def test_whoever_enrols_is_reminded_in_time(people: int, most: int | None, filing: Filing | None, words: str) -> None:
    said = filing_advice(people, most, filing, None)
    assert said is None if words is None else said is not None and words in said


@pytest.mark.parametrize(
    ("crossed", "last_day", "assumed"),
    [
        (datetime(2026, 2, 3, 4, tzinfo=UTC), date(2026, 3, 23), False),  # New Year's holidays, and days made up for
        (datetime(2026, 2, 3, 17, tzinfo=UTC), date(2026, 3, 24), False),  # the next day in China
        (datetime(2050, 3, 1, 4, tzinfo=UTC), date(2050, 4, 12), True),  # no holidays are known: six weeks
        (datetime(2004, 12, 31, 4, tzinfo=UTC), date(2005, 2, 17), False),
    ],
)
def test_the_deadline_is_the_thirtieth_working_day_in_china(crossed: datetime, last_day: date, assumed: bool) -> None:
    due = deadline(crossed.timestamp())
    assert (due.last_day, due.assumed) == (last_day, assumed)
    said = filing_advice(10_000, 10_000, None, crossed.timestamp())
    assert said is not None and f"file with the authority by {last_day}" in said
    assert ("not all holidays until then are known" in said) == assumed


def test_on_the_last_day_a_filing_is_in_time() -> None:
    due = deadline(datetime(2050, 3, 1, 4, tzinfo=UTC).timestamp())
    assert not due.passed(datetime(2050, 4, 12, 15, 59, tzinfo=UTC).timestamp())
    assert due.passed(datetime(2050, 4, 12, 16, 1, tzinfo=UTC).timestamp()), "past midnight in China"
