"""A model that failed rests, ever longer while it goes on failing, and is trusted again after a calm time."""

from __future__ import annotations

from agent.app.faltering import FIRST_S, LONGEST_S, Faltering

NS = 1_000_000_000


def test_one_that_never_failed_does_not_rest() -> None:
    assert not Faltering().rests(0) and not Faltering().rests(7 * NS)


def test_it_rests_for_a_while_and_is_tried_again() -> None:
    models = Faltering()
    assert models.failed(100 * NS) == FIRST_S
    assert models.rests(100 * NS) and models.rests((100 + FIRST_S) * NS - 1)
    assert not models.rests((100 + FIRST_S) * NS)


def test_each_failure_at_once_doubles_the_rest_up_to_the_longest() -> None:
    models, now_ns, rests = Faltering(), 5 * NS, list[int]()
    for _ in range(8):
        rests.append(models.failed(now_ns))
        now_ns += rests[-1] * NS
    assert rests == [10, 20, 40, 80, 160, 320, 320, 320]
    assert models.failed(now_ns + LONGEST_S * NS) == LONGEST_S
    assert models.failed(now_ns + (3 * LONGEST_S + 1) * NS) == FIRST_S, "it was calm for longer than that"
