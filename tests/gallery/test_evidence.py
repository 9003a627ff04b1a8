"""When enough has been seen: one clear comparison, or two that agree; never two that contradict each other."""

from __future__ import annotations

import pytest

from agent.gallery.evidence import Evidence
from agent.gallery.gallery import Match, NoMatch
from agent.policy.attempt import TrackId
from agent.units import ConsentId, SubjectId

ONE, TWO = TrackId(1), TrackId(2)
NOBODY = NoMatch()


def match(who: str, *, clear: bool = False) -> Match:
    return Match(SubjectId(who), ConsentId("c-1"), clear)


def test_a_clear_comparison_is_enough() -> None:
    found = match("p-1", clear=True)
    assert Evidence(3).weigh(ONE, found) is found


@pytest.mark.parametrize("looks, needed", [(1, 1), (2, 2), (3, 2)])
def test_others_must_agree_as_far_as_there_are_looks(looks: int, needed: int) -> None:
    evidence = Evidence(looks)
    found = [evidence.weigh(ONE, match("p-1")) for _ in range(needed)]
    assert found == [None] * (needed - 1) + [match("p-1")]


def test_a_comparison_that_names_nobody_counts_for_nothing() -> None:
    evidence = Evidence(3)
    assert evidence.weigh(ONE, match("p-1")) is None
    assert evidence.weigh(ONE, NOBODY) is None
    assert evidence.weigh(ONE, match("p-1")) == match("p-1")


@pytest.mark.parametrize("clear", [False, True])
def test_two_people_in_one_attempt_are_nobody(clear: bool) -> None:
    evidence = Evidence(3)
    assert evidence.weigh(ONE, match("p-1")) is None
    assert evidence.weigh(ONE, match("p-2", clear=clear)) is None
    assert evidence.weigh(ONE, match("p-1", clear=True)) is None


def test_each_track_has_its_own() -> None:
    evidence = Evidence(3)
    assert evidence.weigh(ONE, match("p-1")) is None
    assert evidence.weigh(TWO, match("p-1")) is None
    assert evidence.weigh(TWO, match("p-1")) == match("p-1")


def test_what_is_forgotten_counts_no_more() -> None:
    evidence = Evidence(3)
    for forget in (lambda: evidence.forget([ONE, TWO]), lambda: evidence.keep([TWO])):
        assert evidence.weigh(ONE, match("p-1")) is None
        forget()
    assert evidence.weigh(ONE, match("p-1")) is None
    evidence.keep([ONE])
    assert evidence.weigh(ONE, match("p-1")) == match("p-1")
