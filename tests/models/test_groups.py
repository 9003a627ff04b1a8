"""Figures by group: pairs within a group are counted, many numbers become bands, worst is held against best."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.models.faceset import Faces
from agent.models.groups import Group, banded, groups, ratios
from agent.models.rates import Rate

EAST, NORTH, BETWEEN = (1.0, 0.0), (0.0, 1.0), (0.8, 0.6)


def faces(subjects: str, **columns: str) -> Faces:
    files = tuple(Path(f"{place}.png") for place in range(len(subjects)))
    return Faces("x", files, tuple(subjects), {name: tuple(values) for name, values in columns.items()})


def test_pairs_are_counted_within_a_group_and_a_persons_own_in_each_of_theirs() -> None:
    listed = faces("aabbcd", hand="llrrlr", mood="nsnsns")
    rows = np.array([EAST, NORTH, EAST, EAST, BETWEEN, (0.0, 0.0)], np.float32)
    found = groups(rows, listed, 0.7)
    left, right = found["hand"]["l"], found["hand"]["r"]
    # Left: a0 a1 c. Of a with c 0.8 and 0.6; a with a 0.
    assert (left.false_match, left.false_non_match) == (Rate(1, 2), Rate(1, 1))
    # Right: b0 b1 d, and d has no face: it matches nobody.
    assert (right.false_match, right.false_non_match) == (Rate(0, 2), Rate(0, 1))
    assert (left.failure_to_acquire, right.failure_to_acquire) == (Rate(0, 3), Rate(1, 3))
    assert (left.pictures, left.people, right.people) == (3, 2, 2)
    # Everybody's own pairs are of both moods: each counts in either.
    assert found["mood"]["n"].false_non_match == found["mood"]["s"].false_non_match == Rate(1, 2)
    assert found["mood"]["n"].false_match == Rate(3, 3), "a0 b0 c"


def test_many_numbers_are_put_into_bands_and_few_are_not() -> None:
    ages = ["18", "19", "20", "29", "30", "41", "52", "63", "NA", ""]
    assert banded(ages) == ["10-19"] * 2 + ["20-29"] * 2 + ["30-39", "40-49", "50-59", "60-69", "NA", "NA"]
    assert banded(ages[:7]) == ages[:7]
    words = [*ages[:8], "old"]
    assert banded(words) == words


def group(hits: int, of: int) -> Group:
    return Group(1, 1, Rate(0, 1), Rate(hits, of), Rate(0, 0))


def test_worst_is_held_against_best_and_against_the_best_that_has_any() -> None:
    found = ratios({"a": group(40, 1000), "b": group(4, 1000), "c": group(0, 10), "d": group(0, 0), "NA": group(9, 9)})
    assert [(each.worst, each.best) for each in found] == [("a", "c"), ("a", "b")]
    none_seen, seen = found
    assert (none_seen.value, none_seen.high, none_seen.within_goal) == (None, None, None)
    assert seen.value == pytest.approx(10) and seen.high is not None
    assert 1 < seen.low < 10 < seen.high and seen.within_goal is None


@pytest.mark.parametrize(("worst", "best", "within"), [(900, 10, False), (300, 290, True), (60, 10, None)])
def test_within_the_goal_only_if_the_bounds_say_so(worst: int, best: int, within: bool | None) -> None:
    (found,) = ratios({"a": group(best, 10_000), "b": group(worst, 10_000)})
    assert found.within_goal is within


def test_one_group_and_equal_groups() -> None:
    assert ratios({"a": group(1, 10)}) == ratios({}) == ratios({"a": group(1, 10), "b": group(0, 0)}) == ()
    (equal,) = ratios({"a": group(0, 10), "b": group(0, 20)})
    assert (equal.worst, equal.best, equal.value) == ("a", "b", None)
