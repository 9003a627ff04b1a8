"""The operating point: which threshold a gallery takes, and what cannot be signed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.policy.operating import ALONE, OperatingPoint


def point(*steps: tuple[int, float], threshold: float = 0.5) -> OperatingPoint:
    search = [{"people": people, "threshold": at} for people, at in steps]
    return OperatingPoint.model_validate_json(json.dumps({"label": "real", "threshold": threshold, "search": search}))


def test_each_size_takes_the_threshold_of_the_smallest_gallery_that_holds_it() -> None:
    made = point((10, 0.5), (100, 0.6), (800, 0.65))
    asked = {0: 0.5, 10: 0.5, 11: 0.6, 100: 0.6, 101: 0.65, 800: 0.65, 801: None}
    assert {people: made.among(people) for people in asked} == asked


def test_one_threshold_alone_covers_few() -> None:
    assert (point().among(ALONE), point().among(ALONE + 1)) == (0.5, None)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([(10, 0.5), (10, 0.6)], "people: must rise"),
        ([(100, 0.5), (10, 0.6)], "people: must rise"),
        ([(10, 0.6), (100, 0.5)], "must not fall"),
        ([(10, 0.4)], "nor be below the point's own"),
        ([(0, 0.5)], "greater than or equal to 1"),
        ([(10, 1.5)], "less than or equal to 0.99"),
    ],
)
def test_what_would_let_more_through_among_more_cannot_be_signed(steps: list[tuple[int, float]], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        point(*steps)


@given(st.lists(st.tuples(st.integers(1, 10**7), st.integers(50, 99)), max_size=6), st.integers(0, 10**7))
def test_more_people_never_take_less(raw: list[tuple[int, Any]], people: int) -> None:
    sizes = sorted({size for size, _ in raw})
    made = point(*zip(sizes, sorted(at / 100 for _, at in raw), strict=False))
    here, with_one_more = made.among(people), made.among(people + 1)
    assert with_one_more is None or (here is not None and here <= with_one_more)
