"""The judge: what is right, wrong and missed, and how long the door took."""

from __future__ import annotations

import pytest

from agent.demo.judge import Count, Expected, Judge, Made, percentile
from agent.events.decision import Outcome

P1 = Expected(Outcome.MATCH, "P1", "p1", 2.0, 4.0)
STRANGER = Expected(Outcome.NO_MATCH, "P4", None, 10.0, 12.0)
PASS = Expected(Outcome.PASS_ACCEPTED, None, None, 20.0, 23.0)
USED = Expected(Outcome.PASS_REFUSED, None, None, 30.0, 33.0)
EVERY = (P1, STRANGER, PASS, USED)
UNSEEN = (Outcome.TOO_LATE, Outcome.ATTACK_DENIED, Outcome.EXIT)
FAULTLESS = (
    Made(Outcome.MATCH, "p1", 2.1),
    Made(Outcome.NO_MATCH, None, 10.6),
    Made(Outcome.PASS_ACCEPTED, None, 20.2),
    Made(Outcome.PASS_REFUSED, None, 30.1, "pass-used"),
)


def test_a_faultless_run_is_flawless_and_its_delays_are_measured_from_the_first_good_frame() -> None:
    judge = Judge(EVERY)
    assert [judge.decide(made) for made in FAULTLESS] == list(EVERY)
    verdict = judge.close(90.0, [2.15, 20.25])
    assert verdict.flawless
    assert verdict.counts == {each: Count(right=int(each not in UNSEEN)) for each in Outcome}
    assert verdict.face_ms == pytest.approx((150.0,))
    assert verdict.pass_ms == pytest.approx((250.0,))


@pytest.mark.parametrize(
    "made",
    [
        Made(Outcome.MATCH, "p2", 2.1),  # somebody else's name
        Made(Outcome.MATCH, "p1", 1.5),  # before the person has opted in
        Made(Outcome.MATCH, "p1", 5.5),  # long after the person has gone
        Made(Outcome.NO_MATCH, None, 2.1),  # not recognised
        Made(Outcome.PASS_REFUSED, None, 20.2),  # a good pass
        Made(Outcome.PASS_ACCEPTED, None, 30.2),  # a used one
    ],
)
def test_a_decision_that_nothing_demands_is_wrong_and_what_was_demanded_is_missed(made: Made) -> None:
    judge = Judge(EVERY)
    assert judge.decide(made) is None
    verdict = judge.close(90.0, [])
    assert verdict.counts[made.outcome].wrong == 1
    assert not verdict.flawless
    assert sum(count.missed for count in verdict.counts.values()) == 4


def test_the_second_decision_on_one_attempt_is_wrong() -> None:
    judge = Judge((P1,))
    assert judge.decide(FAULTLESS[0]) is P1
    assert judge.decide(Made(Outcome.MATCH, "p1", 2.6)) is None
    assert judge.close(90.0, [2.15, 2.65]).counts[Outcome.MATCH] == Count(right=1, wrong=1)


def test_a_decision_whose_door_never_moved_is_missed() -> None:
    judge = Judge((P1,))
    judge.decide(FAULTLESS[0])
    assert judge.close(90.0, []).counts[Outcome.MATCH] == Count(missed=1)


def test_a_door_that_moved_without_a_decision_is_wrong() -> None:
    judge = Judge((P1,))
    judge.decide(FAULTLESS[0])
    assert judge.close(90.0, [2.15, 50.0]).counts[Outcome.MATCH] == Count(right=1, wrong=1)


def test_what_a_cut_off_run_had_no_time_for_is_not_missed() -> None:
    judge = Judge(EVERY)
    judge.decide(FAULTLESS[0])
    assert judge.close(10.9, [2.15]).flawless
    assert not judge.close(11.0, [2.15]).flawless


def test_two_strangers_at_once_take_one_decision_each() -> None:
    first, second = Expected(Outcome.NO_MATCH, "P4", None, 5.0, 7.0), Expected(Outcome.NO_MATCH, "P5", None, 5.2, 7.0)
    judge = Judge((first, second))
    assert judge.decide(Made(Outcome.NO_MATCH, None, 5.7)) is first
    assert judge.decide(Made(Outcome.NO_MATCH, None, 5.8)) is second
    assert judge.close(90.0, []).flawless


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([], 95) is None
    assert percentile([7.0], 50) == 7.0
    assert percentile(range(1, 101), 50) == 50
    assert percentile(range(1, 101), 95) == 95
    assert percentile([1.0, 2.0, 3.0], 95) == 3.0
