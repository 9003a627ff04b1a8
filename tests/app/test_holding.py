"""Events at the link: sent once on a connection, again after a while, and never more of them than fit."""

from __future__ import annotations

from agent.app.holding import AGAIN_S, AT_THE_BROKER, LAST_WORDS_S, LONGEST_S, ON_THE_WAY, Holding


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def made(*, consumer: bool) -> tuple[Holding, Clock]:
    """One that has just connected for the first time."""
    clock = Clock()
    holding = Holding(consumer=consumer, clock=clock)
    assert holding.connected(resumed=False) == []
    return holding, clock


def test_what_is_on_its_way_is_not_sent_twice_on_one_connection() -> None:
    holding, _ = made(consumer=False)
    assert holding.offered(1, b"a")
    assert not holding.offered(1, b"a")
    holding.not_sent(1)
    holding.not_sent(9)
    assert holding.offered(1, b"a")
    assert holding.offered(2, b"b")
    assert holding.connected(resumed=True) == [(1, b"a"), (2, b"b")]
    assert not holding.offered(2, b"b")
    holding.taken(1)
    holding.taken(1)
    assert holding.connected(resumed=False) == [(2, b"b")]


def test_another_event_of_the_same_number_is_another() -> None:
    holding, _ = made(consumer=True)
    assert holding.offered(1, b"old") and holding.offered(1, b"new")
    holding.taken(1)
    assert not holding.offered(1, b"new") and holding.offered(1, b"newer")


def test_no_more_than_fit_are_held_and_room_is_used_again() -> None:
    holding, _ = made(consumer=False)
    assert all(holding.offered(number, b"x") for number in range(ON_THE_WAY))
    assert not holding.offered(ON_THE_WAY, b"x")
    holding.taken(5)
    assert holding.offered(ON_THE_WAY, b"x")


def test_what_the_broker_has_goes_out_again_after_a_while_that_doubles() -> None:
    holding, clock = made(consumer=True)
    wait_s = AGAIN_S
    assert holding.offered(1, b"a")
    for _ in range(8):
        holding.taken(1)
        clock.now += wait_s - 1
        assert not holding.offered(1, b"a")
        clock.now += 2
        assert holding.offered(1, b"a")
        wait_s = min(2 * wait_s, LONGEST_S)
    holding.freed(1)
    holding.freed(1)
    assert holding.connected(resumed=False) == []


def test_a_broker_that_forgot_gets_everything_again_and_one_that_did_not_only_what_it_has_not_taken() -> None:
    holding, clock = made(consumer=True)
    for number in (1, 2, 3):
        holding.offered(number, b"%d" % number)
    holding.taken(1)
    holding.taken(3)
    clock.now += LAST_WORDS_S + 0.1
    holding.lost()
    assert holding.connected(resumed=True) == [(2, b"2")]
    assert holding.connected(resumed=False) == [(1, b"1"), (2, b"2"), (3, b"3")]


def test_without_a_connection_nothing_goes_out_and_nothing_overtakes_what_waited_for_it() -> None:
    holding = Holding(consumer=False)
    assert not holding.offered(1, b"1") and not holding.offered(1, b"1")
    assert holding.connected(resumed=False) == [(1, b"1")]
    holding.lost()
    assert not holding.offered(1, b"1") and not holding.offered(2, b"2")
    assert holding.connected(resumed=True) == [(1, b"1"), (2, b"2")]


def test_the_last_words_of_a_broker_are_not_believed() -> None:
    holding, clock = made(consumer=True)
    for number in (1, 2, 3):
        holding.offered(number, b"%d" % number)
        clock.now += 0.9
        holding.taken(number)
    holding.lost()
    clock.now += 100
    assert holding.connected(resumed=True) == [(2, b"2"), (3, b"3")]


def test_while_the_broker_tells_what_was_acknowledged_meanwhile_nothing_goes_out() -> None:
    holding, clock = made(consumer=True)
    for number in (1, 2, 3):
        holding.offered(number, b"%d" % number)
    holding.taken(3)
    clock.now += AGAIN_S + 1
    holding.pause()
    assert not holding.offered(1, b"1") and not holding.offered(3, b"3") and not holding.offered(4, b"4")
    holding.freed(1)
    assert holding.connected(resumed=True) == [(2, b"2"), (3, b"3"), (4, b"4")]
    assert not holding.offered(4, b"4") and holding.offered(5, b"5")


def test_a_recogniser_that_comes_back_sends_again_what_the_broker_has_not() -> None:
    holding, _ = made(consumer=True)
    holding.offered(1, b"1")
    holding.offered(2, b"2")
    holding.taken(1)
    holding.forget()
    assert not holding.offered(1, b"1")
    assert holding.offered(2, b"2")


def test_what_the_broker_has_is_remembered_to_a_bound() -> None:
    holding, _ = made(consumer=True)
    for number in range(AT_THE_BROKER + 10):
        assert holding.offered(number, b"x")
        holding.taken(number)
    assert holding.offered(9, b"x") and not holding.offered(10, b"x")
