"""Whether the disk takes what must be written: what is owed, what a full disk says, and when it is not believed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.adapters.store import Store
from agent.app.writing import Writing
from agent.ledger.entry import refusal_changed
from agent.units import DeviceId, SiteId

RETRY_NS = 2_000_000_000


class Clock:
    """Implements `ports.Clock`; stands where it is put."""

    now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def unix_s(self) -> float:
        return 0.0


class Bench:
    """A store without room for another page, and what was said of it."""

    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.said = store, Clock(), list[str]()
        self.writing = Writing(store, self.clock, self.said.append)

    def note(self) -> None:
        self.store.note(refusal_changed((), None))

    def room(self, pages: int) -> None:
        self.store._db.execute(f"PRAGMA max_page_count = {pages}")

    def fill(self) -> None:
        self.room(self.store._db.execute("PRAGMA page_count").fetchone()[0])
        while self.writing.written(self.note):
            pass

    def later(self) -> None:
        self.clock.now_ns += RETRY_NS
        self.writing.retry()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = Store.open(tmp_path / "store.sqlite", site=SiteId("yard"), device=DeviceId("gate-1"), ledger_key=bytes(32))
    with closing(store):
        yield Bench(store)


def test_what_is_owed_is_the_first_thing_that_is_written(bench: Bench) -> None:
    bench.writing.owe(bench.note)
    assert bench.store.frontier.size == 1 and bench.said == []
    bench.fill()
    size, said = bench.store.frontier.size, list(bench.said)
    bench.writing.owe(bench.note)
    bench.writing.retry()
    assert (bench.store.frontier.size, bench.said) == (size, said), "nothing is tried before its time"
    bench.room(1_000_000)
    bench.later()
    assert bench.writing.possible and bench.store.frontier.size == size + 1
    bench.writing.retry()
    assert bench.store.frontier.size == size + 1, "once"


def test_a_disk_that_says_that_it_is_full_while_its_file_system_has_room_is_not_believed(bench: Bench) -> None:
    assert bench.writing.answered
    bench.fill()
    assert not bench.writing.possible and not bench.writing.answered
    bench.room(1_000_000)
    bench.later()
    assert bench.writing.possible and bench.writing.answered


def test_an_outbox_that_has_reached_its_share_is_no_disk_that_hangs(bench: Bench) -> None:
    bench.store.rows.limit_bytes = 0
    assert not bench.writing.written(bench.store.rows.demand_room)
    bench.later()
    assert not bench.writing.possible and bench.writing.answered


def test_a_store_that_somebody_else_holds_may_be_one_that_hangs(bench: Bench) -> None:
    other = Store.open(bench.store.path, site=SiteId("yard"), device=DeviceId("gate-1"), ledger_key=bytes(32))
    bench.store._db.execute("PRAGMA busy_timeout = 10")
    with closing(other), other._transaction():
        assert not bench.writing.written(bench.note) and not bench.writing.answered
        bench.later()
        assert not bench.writing.answered
    bench.later()
    assert bench.writing.possible and bench.writing.answered
