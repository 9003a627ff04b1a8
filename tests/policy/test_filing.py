"""The reminder before a filing is due: from four fifths on, and in other words when nobody more is enrolled."""

from __future__ import annotations

import pytest

from agent.policy.bundle import utc
from agent.policy.declared import Filing
from agent.policy.filing import filing_advice
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
    said = filing_advice(people, most, filing)
    assert said is None if words is None else said is not None and words in said
