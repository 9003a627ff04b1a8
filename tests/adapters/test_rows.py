"""The outbox's share of the disk, and its counts that are right whatever fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.store import Store
from agent.errors import DeviceError
from agent.events.decision import Decision, Outcome
from agent.events.seal import SealedEvent
from agent.units import DeviceId, DoorId, SiteId
from tests.events.given import given_event

SITE, DEVICE = SiteId("yard"), DeviceId("gate-1")


def opened(path: Path) -> Store:
    return Store.open(path, site=SITE, device=DEVICE, ledger_key=bytes(32))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with contextlib.closing(opened(tmp_path / "store.sqlite")) as made:
        yield made


def decide(store: Store, count: int = 1, size: int = 1000) -> None:
    def make(sequence: int) -> SealedEvent:
        return given_event(sequence, bytes(size), sequence.to_bytes(16, "big"))

    for _ in range(count):
        store.record(Decision(Outcome.NO_MATCH, DoorId("main"), 1.9e9, 1, 1, 3), make)


def test_counts_follow_what_comes_and_goes_over_a_restart(store: Store) -> None:
    assert (store.rows.count, store.rows.held_bytes) == (0, 0)
    decide(store, 3)
    assert (store.rows.count, store.rows.held_bytes) == (3, 3 * 1132)
    store.close()
    with contextlib.closing(opened(store.path)) as again:
        assert (again.rows.count, again.rows.held_bytes) == (3, 3 * 1132)
        assert again.rows.free([(2, (2).to_bytes(16, "big"))], broker_counts=False) and again.rows.free(
            [(1, None)], broker_counts=True
        )
        assert (again.rows.count, again.rows.held_bytes) == (1, 1132)


def test_a_decision_that_fails_counts_for_nothing(store: Store) -> None:
    def fail(sequence: int) -> SealedEvent:
        raise DeviceError("no")

    with pytest.raises(DeviceError):
        store.record(Decision(Outcome.NO_MATCH, DoorId("main"), 1.9e9, 1, 1, 3), fail)
    assert store.rows.count == store.pending() == 0


def test_a_full_share_refuses_the_next_decision_and_drops_nothing(store: Store) -> None:
    store.rows.limit_bytes = 3300
    decide(store, 3)
    assert store.rows.full and not store.writable()
    with pytest.raises(DeviceError, match="outbox has reached its share of the disk with 3 events; see to the broker"):
        decide(store)
    assert [row.sequence for row in store.outbox()] == [1, 2, 3]
    assert store.frontier.size == 3
    store.rows.free([(1, None)], broker_counts=True)
    assert store.writable()
    decide(store)
    assert [row.sequence for row in store.outbox()] == [2, 3, 4]


def test_many_acknowledgements_are_one_transaction_and_each_is_judged(store: Store) -> None:
    decide(store, 4)
    nonce = (2).to_bytes(16, "big")
    found = [(1, None), (2, nonce), (2, nonce), (3, bytes(16)), (9, nonce), (4, None)]
    assert store.rows.free(found, broker_counts=False) == [2]
    assert store.rows.free(found, broker_counts=True) == [1, 4]
    assert [row.sequence for row in store.outbox()] == [3]


def test_orders_are_kept(store: Store) -> None:
    assert (store.orders.stopped_until_s(), store.orders.sequence()) == (None, 0)
    store.orders.stop(1_800_000_000.25)
    store.close()
    with contextlib.closing(opened(store.path)) as again:
        assert again.orders.stopped_until_s() == 1_800_000_000.25
        again.orders.resume(2**62)
        assert (again.orders.stopped_until_s(), again.orders.sequence()) == (None, 2**62)


def test_the_wal_is_written_home_beside_once_there_is_enough_of_it(store: Store) -> None:
    decide(store, 10)
    store.rows.write_home()
    before = store.path.stat().st_size
    decide(store, 500)
    store.rows.write_home()
    assert store.path.stat().st_size > before + 400 * 1000
    wal = store.path.with_name("store.sqlite-wal").stat().st_size
    decide(store, 50)  # from its beginning again
    assert store.path.with_name("store.sqlite-wal").stat().st_size == wal
    store.close()
    with pytest.raises(DeviceError, match="cannot be read or written"):
        store.rows.write_home()


def test_freeing_waits_for_no_disk_and_a_decision_still_does(store: Store) -> None:
    decide(store, 2)
    said: list[str] = []
    store._db.set_trace_callback(said.append)
    assert store.rows.free([(1, None)], broker_counts=True) == [1]
    store._db.set_trace_callback(None)
    assert (said[0], said[-1]) == ("PRAGMA synchronous=NORMAL", "PRAGMA synchronous=FULL")
    with pytest.raises(TypeError):
        store.rows.free([(2, 5)], broker_counts=True)  # type: ignore[list-item]
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    decide(store)
    assert [row.sequence for row in store.outbox()] == [2, 3]
