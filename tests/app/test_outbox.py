"""The outbox between a real store and a real socket: a row leaves when it is acknowledged, and not before."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from agent.adapters.channel import Channel
from agent.adapters.link_end import LinkEnd
from agent.adapters.store import Store
from agent.app.outbox import Outbox
from agent.events.decision import Decision, Outcome
from agent.events.seal import SealedEvent
from agent.events.wire import Acknowledgement, Event, FromRecogniser
from tests.app.running import DEVICE, DOOR, SITE, until
from tests.events.given import given_event


class Bench:
    """A store, the recogniser's end of a socket, and a link's end that acknowledges when it is told to."""

    def __init__(self, state: Path, acknowledge: str) -> None:
        self.store = Store.open(state / "store.sqlite", site=SITE, device=DEVICE, ledger_key=bytes(32))
        self.channel = Channel.listen(state / "link.sock")
        self.said: list[str] = []
        self.came: Queue[int] = Queue()
        self._path = state / "link.sock"
        self._end: LinkEnd | None = None
        self.outbox = Outbox(
            self.store, self.channel, "consumer" if acknowledge == "consumer" else "puback", self.said.append
        )

    def decide(self, count: int = 1) -> None:
        for _ in range(count):
            self.store.record(Decision(Outcome.NO_MATCH, DOOR, 1.9e9, 1, 1, 3), sealed)

    def join(self) -> None:
        self._end = LinkEnd(self._path, self._received, lambda there: None, retry_s=0.05)
        self._end.start()
        until(lambda: self.channel.connected)

    def leave(self) -> None:
        if self._end is not None:
            self._end.close()
        until(lambda: not self.channel.connected)

    def _received(self, message: FromRecogniser) -> None:
        assert isinstance(message, Event)
        self.came.put(message.sequence)

    def takes(self, count: int) -> list[int]:
        return [self.came.get(timeout=10) for _ in range(count)]

    def acknowledge(self, sequence: int, nonce: bytes | None) -> None:
        assert self._end is not None
        self._end.send(Acknowledgement(sequence, nonce))

    def close(self) -> None:
        if self._end is not None:
            self._end.close()
        self.outbox.close()
        self.channel.close()
        self.store.close()


def sealed(sequence: int) -> SealedEvent:
    return given_event(sequence, b"sealed %d" % sequence, nonce(sequence))


def nonce(sequence: int) -> bytes:
    return sequence.to_bytes(16, "big")


@pytest.fixture
def consumer(state: Path) -> Iterator[Bench]:
    made = Bench(state, "consumer")
    yield made
    made.close()


@pytest.fixture
def puback(state: Path) -> Iterator[Bench]:
    made = Bench(state, "puback")
    yield made
    made.close()


def test_what_waited_goes_to_each_new_link_oldest_first_until_it_is_acknowledged(consumer: Bench) -> None:
    consumer.decide(3)
    consumer.join()
    assert consumer.takes(3) == [1, 2, 3]
    consumer.acknowledge(2, nonce(2))
    until(lambda: consumer.store.pending() == 2)
    consumer.leave()
    consumer.join()
    assert consumer.takes(2) == [1, 3]


def test_only_the_nonce_from_inside_the_event_frees_a_row(consumer: Bench) -> None:
    consumer.decide(3)
    consumer.join()
    consumer.takes(3)
    consumer.acknowledge(1, None)  # a mere broker's word
    consumer.acknowledge(1, nonce(2))
    consumer.acknowledge(2, bytes(16))
    consumer.acknowledge(9, nonce(9))
    consumer.acknowledge(3, nonce(3))
    until(lambda: consumer.store.pending() == 2)
    assert [row.sequence for row in consumer.store.outbox()] == [1, 2]
    assert consumer.said == []


def test_where_the_config_says_so_the_broker_s_word_frees_a_row(puback: Bench) -> None:
    puback.decide(2)
    puback.join()
    puback.takes(2)
    puback.acknowledge(1, None)
    until(lambda: puback.store.pending() == 1)
    puback.acknowledge(2, nonce(2))
    until(lambda: puback.store.pending() == 0)


def test_what_is_not_acknowledged_is_offered_again_after_a_while_and_not_before(
    consumer: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer.decide(2)
    consumer.outbox.offer_again()  # without a link nothing happens
    consumer.join()
    assert consumer.takes(2) == [1, 2]
    consumer.outbox.offer_again()
    with pytest.raises(Empty):
        consumer.came.get(timeout=0.1)
    later = time.monotonic() + 5.1
    monkeypatch.setattr(time, "monotonic", lambda: later)  # the system's clock, five seconds on
    consumer.outbox.offer_again()
    monkeypatch.undo()
    assert consumer.takes(2) == [1, 2]


def test_a_long_backlog_goes_out_as_fast_as_it_is_acknowledged(puback: Bench) -> None:
    puback.decide(250)
    began = time.monotonic()
    puback.join()
    for sequence in range(1, 251):
        assert puback.takes(1) == [sequence]
        puback.acknowledge(sequence, None)
    until(lambda: puback.store.pending() == 0)
    assert time.monotonic() - began < 5  # and not a hundred every five seconds
    assert puback.came.empty()


def test_events_that_nobody_acknowledges_keep_back_none_of_the_others(
    consumer: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer.decide(250)
    consumer.join()
    assert consumer.takes(200) == list(range(1, 201))
    with pytest.raises(Empty):
        consumer.came.get(timeout=0.2)  # no more without the broker's word
    for sequence in range(1, 101):
        consumer.acknowledge(sequence, None)
    assert consumer.takes(50) == list(range(201, 251))
    assert consumer.store.pending() == 250
    later = time.monotonic()
    for batch in (range(1, 101), range(101, 201), range(201, 251), range(1, 101)):  # round and round
        later += 5.1
        monkeypatch.setattr(time, "monotonic", lambda now=later: now)
        consumer.outbox.offer_again()
        monkeypatch.undo()
        assert consumer.takes(len(batch)) == list(batch)


def test_a_new_event_overtakes_none_that_waits(consumer: Bench) -> None:
    consumer.decide(210)
    consumer.outbox.push()  # to nobody
    consumer.join()
    assert consumer.takes(200) == list(range(1, 201))
    consumer.decide()
    consumer.outbox.push()
    with pytest.raises(Empty):
        consumer.came.get(timeout=0.2)
    for sequence in range(1, 201):
        consumer.acknowledge(sequence, nonce(sequence))
    assert consumer.takes(11) == list(range(201, 212))
    consumer.decide()
    consumer.outbox.push()
    assert consumer.takes(1) == [212]


def test_a_store_that_fails_is_reported_and_the_socket_goes_on(puback: Bench) -> None:
    puback.decide(1)
    puback.join()
    puback.takes(1)
    puback.store.close()
    puback.acknowledge(1, None)
    until(lambda: len(puback.said) == 1)
    puback.leave()
    puback.join()
    until(lambda: len(puback.said) == 2)
    assert all("store.sqlite" in line and "\n" not in line for line in puback.said)
