"""Who is due goes, whoever is not stays, and each who went has a receipt at the site and in the ledger."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.adapters.keys import vault_keys
from agent.adapters.store import Store, read_ledger
from agent.crypto import BoxPublic, BoxSecret, box_public, sha256, sign_public
from agent.errors import DeviceError
from agent.events.decision import Decision, Outcome
from agent.events.seal import Addressee, OpenedErasure, open_event
from agent.gallery.retention import DAY_S, Ended
from agent.gallery.vault import VaultKeys, VaultRow, lock
from agent.ledger.entry import Erased, decode
from agent.ledger.erasure import Erasure, read_erasure
from agent.policy.law import Law
from agent.units import DoorId, SubjectId
from tests.app.given import SIGNER, custody, keys
from tests.events.given import given_event
from tests.gallery.given import CONTEXT, DEVICE, KEYS, ROTATION, SITE, reference, vector
from tests.policy.given import NOW_S, iso, law

EVENTS = BoxSecret(b"\x0c" * 32)
PUBLIC = sign_public(SIGNER)
P1, P2 = SubjectId("p-1"), SubjectId("p-2")
LONG = iso(NOW_S + 1000 * DAY_S)


def row(subject: str, until: str = LONG, **changes: Any) -> VaultRow:
    return lock(reference(subject, vector(7), until=until, **changes), CONTEXT, KEYS, ROTATION)


def policy(**changes: Any) -> Law:
    retention = {"max_days": 365, "max_idle_days": 90, "ledger_days": 200}
    return law(**({"retention": retention, "until": iso(NOW_S + 3650 * DAY_S)} | changes))


class Bench:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self.store = Store.open(path, site=SITE, device=DEVICE, ledger_key=b"\x06" * 32)
        self.custody = custody(self.store, self.said.append)
        self.store.said.address(Addressee(box_public(EVENTS), DoorId("main")))

    def vault_keys(self) -> VaultKeys:
        """Of the epoch that the erasures so far have led to."""
        return vault_keys(keys(self.path.parent, DEVICE), self.store.epochs.present or KEYS.epoch)

    def people(self) -> list[SubjectId]:
        return list(self.store.people.uses())

    def receipts(self) -> list[Erasure]:
        """Those in the outbox, each of which must stand in the ledger, in the same order."""
        opened = [open_event(each.envelope, EVENTS, PUBLIC) for each in self.store.outbox()]
        data = [each.receipt for each in opened if isinstance(each, OpenedErasure)]
        with read_ledger(self.path) as copy:
            entries = [decode(each) for _, each in copy.entries]
        erased = [each for each in entries if isinstance(each, Erased)]
        made = [read_erasure(each) for each in data]
        assert [(each.receipt, each.reason) for each in erased] == [
            (sha256(each), receipt.reason) for each, receipt in zip(data, made, strict=True)
        ]
        return made


@pytest.fixture
def bench(state: Path) -> Iterator[Bench]:
    made = Bench(state / "store.sqlite")
    yield made
    made.store.close()


def test_whoever_is_due_goes_with_a_receipt_and_the_others_stay(bench: Bench) -> None:
    bench.store.put_reference(row("p-1", until=iso(NOW_S + 50)), NOW_S)
    bench.store.put_reference(row("p-2"), NOW_S)
    assert not bench.custody.sweep(policy(), NOW_S, fresh=True)
    assert bench.custody.next_s == NOW_S + 50
    now = policy()
    assert not bench.custody.sweep(now, NOW_S + 49, fresh=True)
    assert bench.custody.sweep(now, NOW_S + 50, fresh=True)
    assert bench.people() == [P2]
    (receipt,) = bench.receipts()
    assert receipt.concerns("p-1") and (receipt.reason, receipt.epoch) == (Ended.UNTIL, KEYS.epoch)
    assert receipt.time_ms == round((NOW_S + 50) * 1000) and receipt.erase_strength.value == "best-effort"
    assert (bench.custody.oldest_s, bench.custody.next_s) == (NOW_S, NOW_S + 90 * DAY_S)
    assert not bench.store.marks.withdrawn(P1), "they may come back"


def test_many_go_together_each_for_their_own_reason(bench: Bench) -> None:
    bench.store.put_reference(row("p-1", age="14-15"), NOW_S)
    bench.store.put_reference(row("p-2"), NOW_S)
    bench.store.put_reference(row("p-3", until=iso(NOW_S + DAY_S)), NOW_S)
    assert bench.custody.sweep(policy(), NOW_S + 89 * DAY_S, fresh=False)
    assert bench.people() == [P2]
    assert [(each.reason, each.concerns("p-1")) for each in bench.receipts()] == [
        (Ended.IDLE, True),
        (Ended.UNTIL, False),
    ]


def test_another_notice_or_purpose_ends_all_while_the_sites_word_is_fresh(bench: Bench) -> None:
    for changes, reason in (
        ({"purpose": "staff-entry"}, Ended.PURPOSE_ENDED),
        ({"notice": {"version": "2", "sha256": "7" * 64}}, Ended.POLICY_ENDED),
    ):
        made = reference("p-1", vector(7), until=LONG)
        bench.store.put_reference(lock(made, CONTEXT, bench.vault_keys(), ROTATION), NOW_S)
        assert not bench.custody.sweep(policy(**changes), NOW_S, fresh=False)
        assert bench.custody.sweep(policy(**changes), NOW_S, fresh=True)
        assert bench.people() == [] and bench.receipts()[-1].reason is reason
    assert (bench.custody.oldest_s, bench.custody.next_s) == (None, None)


def test_it_is_looked_again_when_the_lease_is_fresh_again(bench: Bench) -> None:
    bench.store.put_reference(row("p-1"), NOW_S)
    other = policy(purpose="staff-entry")
    assert not bench.custody.sweep(other, NOW_S, fresh=False)
    assert bench.custody.sweep(other, NOW_S + 1, fresh=True)


def test_it_is_looked_once_a_day_even_if_nobody_is_due(bench: Bench) -> None:
    bench.store.put_reference(row("p-1"), NOW_S)
    now = policy()
    assert not bench.custody.sweep(now, NOW_S, fresh=True)
    bench.store.put_reference(row("p-2", until=iso(NOW_S + 60)), NOW_S)  # nobody told the custody
    assert not bench.custody.sweep(now, NOW_S + DAY_S - 1, fresh=True)
    assert bench.custody.sweep(now, NOW_S + DAY_S, fresh=True)
    assert bench.people() == [P1]


def test_without_a_policy_the_receipts_date_counts(bench: Bench) -> None:
    bench.store.put_reference(row("p-1", until=iso(NOW_S + 60)), NOW_S)
    assert not bench.custody.sweep(None, NOW_S, fresh=False)
    assert bench.custody.sweep(None, NOW_S + 60, fresh=False)


def test_a_row_of_another_key_is_left_alone_and_told_once(bench: Bench) -> None:
    made = row("p-1", until=iso(NOW_S + 60))
    bench.store.put_reference(replace(made, wrapped=made.wrapped[::-1]), NOW_S)
    for _ in range(3):
        assert not bench.custody.sweep(policy(), NOW_S + 500 * DAY_S, fresh=True)
    assert bench.people() == [P1]
    assert len(bench.said) == 1 and "does not open" in bench.said[0] and "p-1" not in bench.said[0]


def test_who_uses_the_door_stays(bench: Bench) -> None:
    bench.store.put_reference(row("p-1"), NOW_S)
    now = policy()
    assert not bench.custody.sweep(now, NOW_S, fresh=True)
    with bench.store._transaction() as db:
        db.execute("UPDATE reference SET last_use_s = ?", (NOW_S + 80 * DAY_S,))
    assert not bench.custody.sweep(now, NOW_S + 90 * DAY_S, fresh=True)
    assert bench.custody.sweep(now, NOW_S + 170 * DAY_S, fresh=True)
    assert bench.receipts()[-1].reason is Ended.IDLE


def test_who_withdraws_has_the_receipt_at_once_and_only_once(bench: Bench) -> None:
    bench.store.put_reference(row("p-1"), NOW_S)
    (receipt,) = bench.custody.withdraw([P1], None)
    erasure = read_erasure(receipt)
    assert erasure == bench.receipts()[0]
    assert (erasure.reason, erasure.time_ms, erasure.epoch) == (Ended.WITHDRAWN, None, KEYS.epoch)
    assert bench.custody.withdraw([P1], NOW_S) == []
    (nobody,) = bench.custody.withdraw([P2], NOW_S)
    assert read_erasure(nobody).epoch is None, "nothing was stored, and that is signed too"


def test_what_a_reader_kept_in_the_pages_goes_when_the_reader_has_gone(bench: Bench) -> None:
    gone = row("p-1")
    bench.store.put_reference(gone, NOW_S)

    def on_disk() -> bool:
        found = b"".join(file.read_bytes() for file in bench.path.parent.iterdir())
        return gone.sealed[:64] in found

    with read_ledger(bench.path) as copy:
        assert list(copy.entries)
        bench.custody.withdraw([P1], NOW_S)
        assert on_disk()
        bench.custody._erasure.retry(NOW_S)
        assert on_disk()
    bench.custody._erasure.retry(NOW_S)
    assert not on_disk()


def test_without_an_addressee_the_ledger_has_it_alone(state: Path) -> None:
    store = Store.open(state / "store.sqlite", site=SITE, device=DEVICE, ledger_key=b"\x06" * 32)
    assert len(custody(store, print).withdraw([P1], NOW_S)) == 1
    assert store.pending() == 0 and store.frontier.size == 2
    store.close()


def test_a_key_that_cannot_be_sealed_to_erases_nobody(bench: Bench) -> None:
    bench.store.put_reference(row("p-1"), NOW_S)
    bench.store.said.address(Addressee(BoxPublic(b"short"), DoorId("main")))
    with pytest.raises(Exception, match="32"):
        bench.custody.withdraw([P1], NOW_S)
    assert bench.people() == [P1] and not bench.store.marks.withdrawn(P1)


def test_the_ledger_is_shortened_by_the_policys_days_once_a_day(bench: Bench) -> None:
    bench.store.put_reference(row("p-1"), NOW_S)
    bench.store.checkpoint(SIGNER, NOW_S)
    bench.custody.shorten(policy(), NOW_S + 199 * DAY_S)
    bench.custody.shorten(policy(), NOW_S + 200 * DAY_S - 1)
    with read_ledger(bench.path) as copy:
        assert copy.begin.size == 0
    bench.custody.shorten(policy(), NOW_S + 200 * DAY_S)
    with read_ledger(bench.path) as copy:
        assert copy.begin.size == 1


@pytest.fixture
def larger_pages(tmp_path: Path) -> Iterator[Bench]:
    """A store of an earlier version, which keeps its pages of 4096 bytes."""
    Bench(path := tmp_path / "old.sqlite").store.close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        for each in ("journal_mode = DELETE", "page_size = 4096"):
            db.execute(f"PRAGMA {each}")
        db.execute("VACUUM")
    bench = Bench(path)
    assert bench.store._db.execute("PRAGMA page_size").fetchone() == (4096,)
    yield bench
    bench.store.close()


def filled(bench: Bench) -> None:
    """Forty people whose time will be over, five decisions, and not a page more."""
    for number in range(40):
        bench.store.put_reference(row(f"p-{number}", until=iso(NOW_S + 60)), NOW_S)
    for _ in range(5):  # a page of the outbox, so that the first receipt needs another before any room is made
        decision = Decision(Outcome.NO_MATCH, DoorId("main"), NOW_S, 1, 1, 3)
        bench.store.record(decision, lambda number: given_event(number, bytes(688), bytes(16)))
    bench.store.purge()
    pages = bench.store._db.execute("PRAGMA page_count").fetchone()[0]
    bench.store._db.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_erases_nobody_by_halves_and_is_tried_again(larger_pages: Bench) -> None:
    filled(bench := larger_pages)
    now = policy()
    with pytest.raises(DeviceError, match="full"):
        bench.custody.sweep(now, NOW_S + 60, fresh=True)
    assert len(bench.people()) == 40 and bench.store.pending() == 5
    assert all(bench.store.rows.free([(number, None)], broker_counts=True) for number in range(1, 6))
    bench.store._db.execute("PRAGMA max_page_count = 1000000")
    assert bench.custody.sweep(now, NOW_S + 60, fresh=True)
    assert bench.people() == [] and len(bench.receipts()) == 40
    assert len({json.dumps(each.model_dump(mode="json")) for each in bench.receipts()}) == 40


def test_in_the_smallest_pages_whoever_is_erased_leaves_room_for_the_receipt(bench: Bench) -> None:
    filled(bench)
    strangers = [SubjectId(f"s-{number}") for number in range(200)]
    with pytest.raises(DeviceError, match="full"):
        bench.custody.withdraw([*strangers, SubjectId("p-1")], NOW_S + 60)  # their marks take room and leave none
    assert not any(bench.store.marks.withdrawn(each) for each in (*strangers, SubjectId("p-1")))
    assert len(bench.people()) == 40 and bench.store.pending() == 5
    assert all(bench.store.rows.free([(number, None)], broker_counts=True) for number in range(1, 6))
    assert bench.custody.sweep(policy(), NOW_S + 60, fresh=True), "on the full disk"
    assert bench.people() == [] and len(bench.receipts()) == 40
