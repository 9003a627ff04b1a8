"""What a device does about commands: on a real store, with a clock of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import crypto
from agent.adapters.store import Store
from agent.app.commands import Commands
from agent.app.rate import Bucket
from agent.crypto import SignSecret
from agent.events import command
from agent.events.bodies import Answer
from agent.events.command import Result
from agent.policy.bundle import CommandKey, utc
from tests.app.running import DEVICE, SITE

NOW_S = 1.8e9
SECRET = SignSecret(bytes(range(32)))
KEY = CommandKey(key=crypto.sign_public(SECRET).hex(), until=utc(NOW_S + 86_400))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.answers: list[Answer] = []
        self.said: list[str] = []
        self.looks = 0
        self.start()

    def start(self) -> None:
        self.store = Store.open(self.path, site=SITE, device=DEVICE, ledger_key=bytes(32))
        self.commands = Commands(
            self.store,
            keys=lambda: (KEY,),
            look=self._look,
            answer=self.answers.append,
            report=self.said.append,
            clock=self.clock,
        )

    def _look(self) -> None:
        self.looks += 1

    def tell(self, *payloads: bytes, unix_s: float | None = NOW_S) -> list[Result]:
        told = len(self.answers)
        for payload in payloads:
            self.commands.arrived(payload)
        self.commands.work(unix_s, unix_s or NOW_S - 500)
        return [each.result for each in self.answers[told:]]

    def resume(self, unix_s: float = NOW_S) -> bytes:
        return command.resume(SECRET, site=SITE, device=DEVICE, unix_s=unix_s)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "store.sqlite")
    yield made
    made.store.close()


def test_a_stop_ends_at_its_time_and_outlives_a_restart(bench: Bench) -> None:
    assert not bench.commands.stopped(NOW_S)
    assert bench.tell(command.stop(10, "a" * 16)) == [Result.DONE]
    assert bench.answers[-1] == Answer(id="a" * 16, result=Result.DONE, stopped_until_s=NOW_S + 600)
    for _ in range(2):
        assert bench.commands.stopped(NOW_S + 599) and bench.commands.stopped(None)
        assert not bench.commands.stopped(NOW_S + 600)
        bench.store.close()
        bench.start()


def test_a_stop_while_the_time_is_unknown_lasts_from_the_earliest_that_it_can_be(bench: Bench) -> None:
    bench.tell(command.stop(10), unix_s=None)
    assert bench.commands.stopped(None) and bench.commands.stopped(NOW_S)
    assert not bench.commands.stopped(NOW_S + 100)


def test_a_shorter_stop_shortens_nothing_and_a_longer_one_lengthens(bench: Bench) -> None:
    bench.tell(command.stop(60), command.stop(1))
    assert bench.commands.stopped(NOW_S + 3599)
    bench.tell(command.stop(120))
    assert bench.commands.stopped(NOW_S + 7199)


def test_only_a_signed_command_ends_a_stop_and_only_once(bench: Bench) -> None:
    bench.tell(command.stop(60))
    assert bench.tell(b'{"v":1,"kind":"resume"}') == [Result.MALFORMED]
    assert bench.commands.stopped(NOW_S)
    assert bench.tell(bench.resume()) == [Result.DONE]
    assert not bench.commands.stopped(NOW_S) and bench.answers[-1].stopped_until_s is None
    bench.tell(command.stop(60))
    assert bench.tell(bench.resume()) == [Result.REPLAYED]
    bench.store.close()
    bench.start()
    assert bench.tell(bench.resume()) == [Result.REPLAYED]
    assert bench.commands.stopped(NOW_S)
    assert bench.tell(bench.resume(NOW_S + 1)) == [Result.DONE]


def test_stops_in_force_are_rare_but_one_that_is_needed_is_never_refused(bench: Bench) -> None:
    results = bench.tell(*[command.stop(60)] * 10)
    assert results == [Result.DONE] * 5 + [Result.RATE_LIMITED] * 5
    for second in range(5):
        assert bench.tell(bench.resume(NOW_S + second)) == [Result.DONE]
        assert bench.tell(command.stop(60)) == [Result.DONE]
        assert bench.commands.stopped(NOW_S)


def test_a_look_that_comes_too_early_is_made_later(bench: Bench) -> None:
    results = bench.tell(*[command.check()] * 5)
    assert results == [Result.DONE] * 3 + [Result.RATE_LIMITED] * 2
    assert bench.looks == 3
    bench.clock.now += 4.9
    assert bench.tell() == [] and bench.looks == 3
    bench.clock.now += 0.2
    assert bench.tell() == [] and bench.looks == 4
    bench.clock.now += 60
    assert bench.tell() == [] and bench.looks == 4


def test_floods_are_dropped_and_not_answered_in_floods(bench: Bench) -> None:
    for _ in range(100):
        bench.tell(*[b"nonsense"] * 20)
    assert len(bench.answers) == 20
    assert bench.tell(command.stop(5)) == []
    assert bench.commands.stopped(NOW_S)  # done all the same


def test_a_stop_that_the_disk_does_not_take_holds_until_the_next_start(bench: Bench) -> None:
    bench.store.close()
    assert bench.tell(command.stop(5)) == [Result.NOT_WRITTEN]
    assert bench.commands.stopped(NOW_S)
    assert bench.tell(bench.resume()) == [Result.NOT_WRITTEN]
    assert bench.commands.stopped(NOW_S)
    assert len(bench.said) == 2 and "\n" not in bench.said[0]


def test_a_bucket_refills_to_its_size_and_no_further() -> None:
    clock = Clock()
    bucket = Bucket(2, 10.0, clock)
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    clock.now += 10
    assert [bucket.take() for _ in range(2)] == [True, False]
    clock.now += 1000
    assert [bucket.take() for _ in range(3)] == [True, True, False]
