"""Waiting: full jitter between tries, and a deadline for the broker's word, by a clock of the test's own."""

from __future__ import annotations

from agent.adapters.mqtt.waiting import FIRST_S, LONGEST_S, Backoff, Outstanding


def test_bounds_double_to_twenty_seconds_and_waits_are_drawn_from_nothing_to_the_bound() -> None:
    asked: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        asked.append((low, high))
        return high / 2

    backoff = Backoff(draw)
    waits = [backoff.next_s() for _ in range(12)]
    assert [low for low, _ in asked] == [0.0] * 12
    assert [high for _, high in asked][:4] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S, 8 * FIRST_S]
    assert max(high for _, high in asked) == LONGEST_S == 20.0
    assert waits[-1] == 10.0
    backoff.reset()
    assert backoff.next_s() == FIRST_S / 2


def test_real_draws_differ() -> None:
    assert len({Backoff().next_s() for _ in range(20)}) > 1


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_stalled_is_who_acknowledges_nothing_and_not_who_is_slow() -> None:
    clock = Clock()
    out = Outstanding(10.0, clock)
    clock.now += 1000
    assert not out.stalled()  # nothing is waited for
    assert not out.sent(1, 7) and not out.sent(2, 8) and not out.sent(3, None)
    clock.now += 9
    assert not out.answered
    assert out.acknowledged(1) == 7 and out.answered
    clock.now += 9  # the second one has waited for 18 s, behind one that was acknowledged 9 s ago
    assert not out.stalled()
    clock.now += 1.5
    assert out.stalled()
    assert out.refused(2) == 8 and out.refused(2) is None
    assert not out.stalled()
    assert out.acknowledged(3) is None
    clock.now += 100
    assert not out.stalled()


def test_one_that_is_forgotten_among_others_is_not_waited_for_for_ever() -> None:
    clock = Clock()
    out = Outstanding(10.0, clock)
    out.sent(1, 1)
    for number in range(2, 8):
        clock.now += 9.9
        assert not out.stalled()
        out.sent(number, number)
        out.acknowledged(number)
    clock.now += 1
    assert out.stalled()


def test_an_acknowledgement_may_come_before_the_sender_knows_the_number() -> None:
    out = Outstanding(10.0, Clock())
    assert out.acknowledged(5) is None
    assert out.sent(5, 1)
    assert not out.sent(5, 2)
    out.clear()
    assert out.acknowledged(5) is None
