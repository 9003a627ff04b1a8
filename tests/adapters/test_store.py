"""The store on a real disk: all or nothing, refused when foreign, silent about whoever has withdrawn."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from agent.adapters.store import Renewal, Store, Use, read_ledger
from agent.adapters.store.file import connect
from agent.adapters.store.times import Known
from agent.crypto import BoxPublic, SignSecret, random_bytes, sha256, sign_public
from agent.errors import DeviceError, VaultError
from agent.events.decision import Decision, Outcome
from agent.events.seal import Addressee, SealedEvent
from agent.gallery.named import Names, Spent
from agent.gallery.passes_uses import PassUse
from agent.gallery.retention import Ended
from agent.gallery.vault import VaultRow
from agent.ledger.entry import (
    Decided,
    Entry,
    Erased,
    commitment,
    decode,
    policy_adopted,
    refusal_changed,
    salt,
    started,
)
from agent.ledger.erasure import Close, Closed
from agent.ledger.verify import Verified, verify_ledger
from agent.policy.grounds import Ground
from agent.token import Token, TokenKind, TokenWay
from agent.units import ConsentId, DeviceId, DoorId, PassId, Sha256, SiteId, SubjectId
from tests.events.given import given_event

SITE, DEVICE = SiteId("quay"), DeviceId("gate-1")
KEY = b"\x06" * 32
SIGNER = SignSecret(b"\x05" * 32)
NOW_S = 1_900_000_000.5
P1, P2 = SubjectId("p-1"), SubjectId("p-2")


def opened(state: Path) -> Store:
    return Store.open(state / "store.sqlite", site=SITE, device=DEVICE, ledger_key=KEY)


@pytest.fixture
def path(state: Path) -> Path:
    return state / "store.sqlite"


def match(subject: SubjectId = P1, unix_s: float = NOW_S) -> Decision:
    return Decision(Outcome.MATCH, DoorId("main"), unix_s, 1, 1, 3, subject=subject)


def use(pass_id: str, day: int = 20_000, code: int | None = None) -> PassUse:
    return PassUse(PassId(pass_id), "4" * 64, day, code)


def pass_shown(pass_id: str, outcome: Outcome = Outcome.PASS_ACCEPTED) -> Decision:
    return Decision(outcome, DoorId("main"), NOW_S, 1, 1, 3, pass_used=use(pass_id))


def event(sequence: int) -> SealedEvent:
    return given_event(sequence, b"sealed %d" % sequence, bytes([sequence % 256]) * 16, SITE)


def sealed_row(subject: SubjectId = P1, sealed: bytes = b"sealed", consent: str = "c-1") -> VaultRow:
    return VaultRow(
        DEVICE, SITE, subject, ConsentId(consent), 1, Sha256("e" * 64), "litert 2.3.0", sealed, 1, b"w" + sealed
    )


def begin() -> Entry:
    return started(SITE, DEVICE, "0.1.0", NOW_S)


def verified(path: Path) -> Verified:
    with read_ledger(path) as copy:
        return verify_ledger(copy, sign_public(SIGNER))


def unsigned(path: Path) -> Verified:
    with read_ledger(path) as copy:
        return verify_ledger(copy)


def entries(path: Path) -> list[Entry]:
    with read_ledger(path) as copy:
        return [decode(data) for _, data in copy.entries]


def test_a_decision_is_entry_event_and_use_at_once(state: Path, path: Path) -> None:
    store = opened(state)
    assert store.note(begin()) == 0
    assert store.record(match(), event) == 1
    assert store.record(pass_shown("aa"), event) == 2
    assert store.record(pass_shown("aa"), event) == 3
    assert store.record(pass_shown("bb", Outcome.PASS_REFUSED), event) == 4
    assert [(row.sequence, row.envelope) for row in store.outbox()] == [(n, event(n).envelope) for n in range(1, 5)]
    assert [store.passes.used().of(PassId(each)) for each in ("aa", "bb")] == [2, 0], "a refused pass is not used up"
    found, secret = entries(path), store.marks.secret(P1)
    store.close()
    assert [entry.kind for entry in found] == ["start"] + ["decision"] * 4
    first = found[1]
    assert isinstance(first, Decided) and secret is not None
    assert (first.event, first.subject) == (1, commitment(salt(secret, 1), P1))


def test_uses_of_passes_keys_and_codes_are_kept(state: Path) -> None:
    store = opened(state)
    store.note(begin())
    for taken in (use("aa"), use("bb", code=100), use("bb", code=90), use("aa", day=20_001), use("cc", day=20_002)):
        store.record(Decision(Outcome.PASS_ACCEPTED, DoorId("main"), NOW_S, 1, 1, 3, pass_used=taken), event)
    store.close()
    found = opened(state).passes.used()
    assert [found.of(PassId(each)) for each in ("aa", "bb", "cc", "dd")] == [2, 2, 1, 0]
    assert [found.last_code(PassId(each)) for each in ("aa", "bb")] == [-1, 100]
    assert [found.on("4" * 64, day) for day in (20_000, 20_001, 20_002)] == [0, 1, 1], "two days are kept"


def test_what_cannot_be_sealed_leaves_nothing(state: Path, path: Path) -> None:
    store = opened(state)
    store.note(begin())
    before = store.frontier

    def fails(sequence: int) -> SealedEvent:
        raise ValueError("no key")

    with pytest.raises(ValueError, match="no key"):
        store.record(pass_shown("aa"), fails)
    assert (store.pending(), store.passes.used().of(PassId("aa")), store.frontier) == (0, 0, before)
    assert store.record(match(), event) == 1
    store.close()
    assert verified(path).size == 2


def test_everything_is_there_after_a_restart(state: Path, path: Path) -> None:
    store = opened(state)
    store.note(begin())
    store.record(pass_shown("aa"), event)
    store.put_reference(sealed_row(), NOW_S)
    store.said.remember("restriction/r1.json", b"one")
    store.said.remember("restriction/r1.json", b"two")
    store.times.signed(5.0, ["k"])
    store.times.signed(3.0, ["k"])
    kept = store.frontier
    store.close()
    store = opened(state)
    assert store.frontier == kept
    assert store.passes.used().of(PassId("aa")) == 1
    assert [(row.subject, row.sealed, row.runtime) for row in store.references()] == [(P1, b"sealed", "litert 2.3.0")]
    assert store.said.restrictions() == [("restriction/r1.json", b"one"), ("restriction/r1.json", b"two")]
    assert store.times.known() == Known(signed_s=5.0, proved_s=None, recorded_s=None)
    store.close()


def test_times_are_unknown_at_first(state: Path) -> None:
    store = opened(state)
    store.note(started(SITE, DEVICE, "0.1.0", None))
    assert store.times.known() == Known(None, None, None)
    store.close()


def test_a_newer_word_of_the_site_makes_what_nobody_signed_forgotten(state: Path) -> None:
    store = opened(state)
    store.times.signed(5.0, ["k"])
    store.note(begin())
    store.times.run(7.0, 22.0)
    assert store.times.known() == Known(5.0, 7.0, NOW_S)
    store.times.signed(5.0, ["k"])
    assert store.times.known().recorded_s == NOW_S
    store.times.signed(6.0, ["k"])
    assert store.times.known() == Known(6.0, 7.0, None)
    store.times.run(6.5, 21.0)
    assert store.times.known() == Known(6.0, 7.0, 21.0)
    store.close()


def test_a_key_that_was_taken_away_had_lied_if_it_signed_a_later_time_than_its_successor(state: Path) -> None:
    store = opened(state)
    assert not store.times.voided(1.0, ["k"])
    store.times.signed(900.0, ["k", "l"])
    store.times.run(950.0, 965.0)
    assert not store.times.voided(5.0, ["k", "l", "m"])  # an old state: a rollback is not for this to judge
    assert not store.times.voided(901.0, ["m"])
    assert store.times.voided(5.0, ["l", "m"])
    store.times.signed(5.0, ["l", "m"])
    assert store.times.known() == Known(5.0, None, None)
    assert not store.times.voided(4.0, ["l", "m"])
    store.close()


def test_only_the_right_nonce_frees_a_row(state: Path) -> None:
    store = opened(state)
    for _ in range(3):
        store.record(match(), event)
    assert not store.rows.free([(1, b"\x02" * 16)], broker_counts=False)
    assert not store.rows.free([(1, b"")], broker_counts=False)
    assert not store.rows.free([(9, b"\x09" * 16)], broker_counts=False)
    assert store.rows.free([(1, b"\x01" * 16)], broker_counts=False)
    assert not store.rows.free([(1, b"\x01" * 16)], broker_counts=False), "it is gone"
    assert store.rows.free([(2, None)], broker_counts=True)
    assert not store.rows.free([(2, None)], broker_counts=True)
    assert (store.pending(), [row.sequence for row in store.outbox()]) == (1, [3])
    store.close()


def test_a_number_is_never_given_twice(state: Path) -> None:
    store = opened(state)
    for number in (1, 2):
        assert store.record(match(), event) == number
        assert store.rows.free([(number, bytes([number]) * 16)], broker_counts=False)
    store.close()
    store = opened(state)
    assert store.record(match(), event) == 3
    store.close()


def test_the_outbox_comes_in_parts(state: Path) -> None:
    store = opened(state)
    for _ in range(5):
        store.record(match(), event)
    assert [row.sequence for row in store.outbox(limit=2)] == [1, 2]
    assert [row.sequence for row in store.outbox(after=3)] == [4, 5]
    assert "envelope" not in repr(store.outbox()[0])
    store.close()


def test_checkpoints_are_signed_over_what_is_there(state: Path, path: Path) -> None:
    store = opened(state)
    store.note(begin())
    first = store.checkpoint(SIGNER, NOW_S)
    assert store.checkpoint(SIGNER, NOW_S + 9) == first, "nothing was added"
    store.note(policy_adopted(3, "b" * 64, NOW_S))
    store.note(refusal_changed((Ground.SIGN_MISSING,), NOW_S))
    assert store.checkpoint(SIGNER, NOW_S) != first
    found = verified(path)  # the device is running
    assert (found.size, found.checkpoints, found.unsigned) == (3, 2, 0)
    store.close()
    assert verified(path) == found


def test_only_the_owner_can_read_it(state: Path, path: Path) -> None:
    store = opened(state)
    store.record(match(), event)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in state.iterdir()}
    assert modes == {0o600}
    assert len(list(state.iterdir())) == 3, "database, WAL, index of the WAL"
    store.close()
    path.chmod(0o644)
    opened(state).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# Withdrawal.


def whole(state: Path) -> bytes:
    return b"".join(file.read_bytes() for file in state.iterdir())


def test_a_withdrawn_person_is_gone_and_stays_gone(state: Path, path: Path) -> None:
    store = opened(state)
    store.note(begin())
    secrets = {subject: random_bytes(900) for subject in (P1, P2)}
    for subject, secret in secrets.items():
        store.put_reference(sealed_row(subject, secret), NOW_S)
    assert any(secrets[P1][at : at + 16] in whole(state) for at in range(0, 900 - 16, 4))
    assert store.erase({P1: Ended.WITHDRAWN}, NOW_S)
    assert not any(secrets[P1][at : at + 16] in whole(state) for at in range(0, 900 - 16, 4))
    assert any(secrets[P2][at : at + 16] in whole(state) for at in range(0, 900 - 16, 4)), (
        "the scan finds what is there"
    )
    assert store.marks.withdrawn(P1) and not store.marks.withdrawn(P2) and len(store.marks.all()) == 1
    assert [row.subject for row in store.references()] == [P2]
    with pytest.raises(VaultError, match="has withdrawn"):
        store.put_reference(sealed_row(P1, consent="c-2"), NOW_S)
    assert store.erase({P1: Ended.WITHDRAWN}, NOW_S), "again changes nothing"
    store.close()
    assert [entry.kind for entry in entries(path)] == ["start", "enrolment", "enrolment", "withdrawal"]


def closing(receipts: list[tuple[SubjectId, Ended, int | None, int]], sealed: bool = True) -> Close:
    """Makes receipts that are easily told apart, and notes what it was asked."""

    def close(subject: SubjectId, reason: Ended, epoch: int | None, sequence: int) -> Closed:
        receipts.append((subject, reason, epoch, sequence))
        return Closed(b"receipt %d" % sequence, event(sequence) if sealed else None)

    return close


def test_an_erasure_is_deletion_entry_and_event_at_once(state: Path, path: Path) -> None:
    store, asked = opened(state), list[tuple[SubjectId, Ended, int | None, int]]()
    for subject in (P1, P2):
        store.put_reference(sealed_row(subject), NOW_S)
    store.record(match(), event)
    assert store.erase({P1: Ended.WITHDRAWN}, NOW_S, close=closing(asked))
    assert store.erase({P2: Ended.IDLE}, NOW_S, close=closing(asked))
    assert asked == [(P1, Ended.WITHDRAWN, 1, 2), (P2, Ended.IDLE, 1, 3)]
    assert [row.sequence for row in store.outbox()] == [1, 2, 3]
    assert store.erase({P1: Ended.WITHDRAWN}, NOW_S, close=closing(asked)) and len(asked) == 2, (
        "a second time makes no second receipt"
    )
    store.close()
    found = entries(path)
    assert [each.kind for each in found[3:]] == ["withdrawal", "erasure", "erasure"]
    assert [each.receipt for each in found if isinstance(each, Erased)] == [sha256(b"receipt 2"), sha256(b"receipt 3")]


def test_an_erasure_that_cannot_be_receipted_does_not_happen(state: Path) -> None:
    store = opened(state)
    store.put_reference(sealed_row(), NOW_S)
    before = store.frontier

    def fails(subject: SubjectId, reason: Ended, epoch: int | None, sequence: int) -> Closed:
        raise DeviceError("no key")

    with pytest.raises(DeviceError, match="no key"):
        store.erase({P1: Ended.IDLE}, NOW_S, close=fails)
    assert [row.subject for row in store.references()] == [P1] and store.frontier == before
    store.close()


def test_whose_time_was_over_may_come_back_and_who_withdrew_may_not(state: Path) -> None:
    store = opened(state)
    for subject in (P1, P2):
        store.put_reference(sealed_row(subject), NOW_S)
    store.erase({P1: Ended.UNTIL}, NOW_S, close=closing([], sealed=False))
    store.erase({P2: Ended.WITHDRAWN}, NOW_S)
    assert store.pending() == 0
    store.put_reference(sealed_row(P1, consent="c-2"), NOW_S)
    with pytest.raises(VaultError, match="has withdrawn"):
        store.put_reference(sealed_row(P2, consent="c-2"), NOW_S)
    assert store.people.uses() == {P1: Use(ConsentId("c-2"), NOW_S, None)}
    store.close()


def test_erasure_destroys_what_opens_the_ledgers_commitments_and_the_name_is_nowhere(state: Path, path: Path) -> None:
    store = opened(state)
    named = SubjectId("very-long-pseudonym-of-one-person")
    for subject in (named, P2):
        store.put_reference(sealed_row(subject), NOW_S)
        store.record(match(subject), event)
    secrets = {subject: store.marks.secret(subject) for subject in (named, P2)}
    assert None not in secrets.values() and secrets[named] != secrets[P2]
    kept = [bytes(row[0]) for row in store._read("SELECT secret FROM subject_salt ORDER BY last")]
    assert len(kept) == 2 and not set(kept) & set(secrets.values()), "without the ledger key they open nothing"
    store.erase({named: Ended.WITHDRAWN}, NOW_S)
    assert store.marks.secret(named) is None and store.marks.secret(P2) == secrets[P2]
    store.close()
    on_disk = b"".join(file.read_bytes() for file in state.iterdir())
    assert named.encode() not in on_disk and kept[0] not in on_disk
    assert store._names.hide(named) not in on_disk
    assert store._names.hide(P2) in on_disk and kept[1] in on_disk, "the scan finds what is there"
    assert unsigned(path).kinds["withdrawal"] == 1, "the proof stays"


def test_the_disk_names_nobody_who_is_enrolled(state: Path) -> None:
    named = SubjectId("resident-of-flat-9")
    store = opened(state)
    store.put_reference(replace(sealed_row(), subject=named), NOW_S)
    assert [row.subject for row in store.references()] == list(store.people.uses()) == [named]
    assert named.encode() not in b"".join(file.read_bytes() for file in state.iterdir())
    store.close()
    other = Store.open(state / "store.sqlite", site=SITE, device=DEVICE, ledger_key=b"x" * 32)
    (row,) = other.references()
    assert row.subject.startswith("?") and list(other.people.uses()) == [row.subject]
    assert other.erase({named: Ended.UNTIL}, NOW_S) and len(other.references()) == 1, "under another key nobody's"
    with pytest.raises(VaultError, match="earlier version"):
        other._names.show("p-1")  # as it lay in clear there
    other.close()


def test_a_mark_depends_on_the_devices_key(state: Path, tmp_path: Path) -> None:
    marks = []
    for name, key in (("one", KEY), ("two", b"\x07" * 32)):
        store = Store.open(tmp_path / f"{name}.sqlite", site=SITE, device=DEVICE, ledger_key=key)
        store.erase({P1: Ended.WITHDRAWN}, None)
        marks.append(store._read("SELECT mark FROM tombstone")[0][0])
        store.close()
    assert marks[0] != marks[1] and len(marks[0]) == 32


def test_where_events_go_is_remembered(state: Path) -> None:
    store = opened(state)
    assert store.said.addressee() is None
    for door in ("main", "back"):
        store.said.address(Addressee(BoxPublic(b"\x03" * 32), DoorId(door)))
    store.close()
    store = opened(state)
    assert store.said.addressee() == Addressee(BoxPublic(b"\x03" * 32), DoorId("back"))
    store.close()


# The length of the ledger.

DAY_S = 86_400


def test_what_is_too_old_is_dropped_as_far_as_a_checkpoint_covers_it(state: Path, path: Path) -> None:
    store = opened(state)
    store.note(begin())
    store.put_reference(sealed_row(P2), NOW_S)
    store.record(match(P1), event)
    store.record(match(P2), event)
    store.checkpoint(SIGNER, NOW_S)
    store.note(refusal_changed((), NOW_S + 1))
    store.checkpoint(SIGNER, None)
    store.checkpoint(SIGNER, NOW_S + 1)
    assert store.shorten(200, SIGNER, NOW_S + 200 * DAY_S - 1) == 0, "nothing is old enough yet"
    root = store.frontier
    assert store.shorten(200, SIGNER, NOW_S + 200 * DAY_S) == 4
    assert store.frontier.size == root.size + 1
    found = verified(path)
    assert (found.size, found.dropped, found.dropped_days, found.unsigned) == (6, 4, 200, 0)
    assert found.kinds == {"refusal-change": 1, "shortening": 1}
    assert store.shorten(200, SIGNER, NOW_S + 200 * DAY_S) == 0, "done already"
    assert store.marks.secret(P1) is None, "nothing that it opens is left"
    assert store.marks.secret(P2) is not None, "who is enrolled keeps theirs"
    store.record(match(P2), event)
    store.close()
    store = opened(state)
    assert store.shorten(200, SIGNER, NOW_S + 500 * DAY_S) == 6
    assert verified(path).dropped == 6
    store.close()


def test_dropped_entries_cannot_be_read_from_the_disk(state: Path, path: Path) -> None:
    store = opened(state)
    store.note(policy_adopted(3, "abcdef0123456789" * 4, NOW_S))
    store.checkpoint(SIGNER, NOW_S)
    needle = b"abcdef0123456789" * 4
    assert needle in b"".join(file.read_bytes() for file in state.iterdir())
    assert store.shorten(180, SIGNER, NOW_S + 181 * DAY_S) == 1
    assert needle not in b"".join(file.read_bytes() for file in state.iterdir())
    store.close()


def test_more_deleted_than_was_dropped_by_right_is_found(state: Path, path: Path) -> None:
    store = opened(state)
    for number in range(6):
        store.note(refusal_changed((), NOW_S + number))
    store.checkpoint(SIGNER, NOW_S + 6)
    store.note(refusal_changed((), NOW_S + 7))
    store.shorten(180, SIGNER, NOW_S + 181 * DAY_S)
    store.close()
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM ledger WHERE position = 6")
    db.close()
    with pytest.raises(VaultError, match="missing"):
        verified(path)


def test_a_consent_is_taken_from_elsewhere_once_and_counted_by_key_and_day(state: Path) -> None:
    store = opened(state)
    key, other = "a" * 64, "b" * 64
    store.put_reference(sealed_row(P1), NOW_S, key)
    store.put_reference(sealed_row(P1), NOW_S)  # here, where the person stands, it may be used again
    with pytest.raises(VaultError, match="from this consent before"):
        store.put_reference(sealed_row(P2), NOW_S, key)
    assert [row.subject for row in store.references()] == [P1], "nothing half-written"
    store.put_reference(sealed_row(P2, consent="c-2"), NOW_S + 86_400, other)
    counts = [store.taken.on_day(each, when) for each in (key, other) for when in (NOW_S, NOW_S + 86_400)]
    assert counts == [1, 0, 0, 1]
    assert store.taken.has(ConsentId("c-2")) and not store.taken.has(ConsentId("c-3"))
    store.erase({P2: Ended.WITHDRAWN}, NOW_S)
    assert store.taken.has(ConsentId("c-2")), "also after an erasure"
    marks = b"".join(bytes(row[0]) for row in store._read("SELECT mark FROM taken"))
    assert b"c-2" not in marks and len(marks) == 32
    store.close()


def test_someone_never_enrolled_here_can_withdraw(state: Path) -> None:
    store = opened(state)
    assert store.erase({P1: Ended.WITHDRAWN}, None)
    assert store.marks.withdrawn(P1) and not store.marks.withdrawn(P2) and len(store.marks.all()) == 1
    store.close()


def test_a_reader_delays_the_purge_and_not_the_withdrawal(state: Path, path: Path) -> None:
    store = opened(state)
    secret = random_bytes(900)
    store.note(begin())
    store.put_reference(sealed_row(P1, secret), NOW_S)
    with read_ledger(path) as copy:
        assert len(list(copy.entries)) == 2
        assert not store.erase({P1: Ended.WITHDRAWN}, NOW_S)
        assert store.references() == []
    assert store.purge()
    assert secret[:64] not in b"".join(file.read_bytes() for file in state.iterdir())
    store.close()


def test_a_new_reference_takes_the_place_of_the_old(state: Path) -> None:
    store = opened(state)
    store.put_reference(sealed_row(sealed=b"old"), NOW_S)
    store.record(match(), event)
    store.put_reference(sealed_row(sealed=b"new", consent="c-2"), None)
    assert [(row.sealed, row.consent_id) for row in store.references()] == [(b"new", "c-2")]
    store.close()


# Epochs.


def test_a_new_store_takes_over_the_epoch_of_its_first_row(state: Path) -> None:
    store = opened(state)
    assert store.epochs.present is None
    store.put_reference(sealed_row(), NOW_S)
    assert (store.epochs.present, store.epochs.owed) == (1, False)
    with pytest.raises(VaultError, match="another epoch than the store"):
        store.put_reference(replace(sealed_row(P2), epoch=2), NOW_S)
    with pytest.raises(VaultError, match="another epoch than the store"):
        store.epochs.adopt(2)
    assert [row.subject for row in store.references()] == [P1]
    store.close()


def test_a_withdrawal_wraps_all_other_keys_in_the_same_transaction(state: Path) -> None:
    store = opened(state)
    others = [SubjectId(f"p-{number}") for number in range(2, 6)]
    for subject in (P1, *others):
        store.put_reference(sealed_row(subject), NOW_S)

    def rewrap(subject: SubjectId, key: bytes) -> bytes | None:
        return None if subject == others[0] else b"new " + subject.encode() + key

    assert store.erase({P1: Ended.WITHDRAWN}, NOW_S, Renewal(1, 2, rewrap))
    kept = {row.subject: (row.epoch, row.wrapped) for row in store.references()}
    assert kept == {others[0]: (1, b"wsealed")} | {
        subject: (2, b"new " + subject.encode() + b"wsealed") for subject in others[1:]
    }
    assert (store.epochs.present, store.epochs.owed) == (2, False)

    def fails(subject: SubjectId, key: bytes) -> bytes:
        raise VaultError("no key")

    before = store.frontier
    with pytest.raises(VaultError, match="no key"):
        store.erase({P2: Ended.WITHDRAWN}, NOW_S, Renewal(2, 3, fails))
    assert (store.epochs.present, store.frontier, len(store.references())) == (2, before, 4)
    store.close()


def test_a_new_epoch_is_owed_for_a_withdrawal_without_one_and_for_a_second_enrolment(state: Path) -> None:
    store = opened(state)
    store.put_reference(sealed_row(), NOW_S)
    store.put_reference(sealed_row(sealed=b"again"), NOW_S)
    assert store.epochs.owed
    store.erase({}, NOW_S, Renewal(1, 2, lambda subject, key: key))
    assert not store.epochs.owed
    store.erase({P1: Ended.WITHDRAWN}, NOW_S)
    assert (store.epochs.owed, store.epochs.present) == (True, 2)
    store.close()
    store = opened(state)
    assert (store.epochs.owed, store.epochs.present) == (True, 2)
    store.close()


def test_a_row_without_its_data_key_is_of_no_epoch(state: Path) -> None:
    store = opened(state)
    store.put_reference(sealed_row(), NOW_S)
    store._db.execute("DELETE FROM data_key")
    assert [(row.epoch, row.wrapped) for row in store.references()] == [(0, b"")]
    store.close()


# Foreign, damaged, full.


def test_a_file_that_is_no_store_is_left_as_it_is(state: Path, path: Path) -> None:
    path.write_bytes(b"notes of a holiday\n" * 100)
    for attempt in (lambda: opened(state), lambda: verified(path)):
        with pytest.raises(VaultError, match=r"^[^\n]*store\.sqlite: is damaged or not a Doorward store[^\n]*$"):
            attempt()
    assert path.read_bytes() == b"notes of a holiday\n" * 100


def test_another_programs_database_is_left_as_it_is(state: Path, path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE holiday (day TEXT)")
    db.close()
    before, mode = path.read_bytes(), path.stat().st_mode
    for attempt in (lambda: opened(state), lambda: verified(path)):
        with pytest.raises(VaultError, match="is not a Doorward store"):
            attempt()
    assert (path.read_bytes(), path.stat().st_mode) == (before, mode)


@pytest.mark.parametrize(("site", "device"), [("pier", "gate-1"), ("quay", "gate-2")])
def test_another_devices_store_is_left_as_it_is(state: Path, path: Path, site: str, device: str) -> None:
    opened(state).close()
    before = path.read_bytes()
    with pytest.raises(VaultError, match="another device or site"):
        Store.open(path, site=SiteId(site), device=DeviceId(device), ledger_key=KEY)
    assert path.read_bytes() == before


def test_an_empty_file_is_a_new_store(state: Path, path: Path) -> None:
    path.touch()
    store = opened(state)
    assert store.frontier.size == 0
    store.close()


def test_damage_is_found_at_the_start(state: Path, path: Path) -> None:
    store = opened(state)
    for _ in range(50):
        store.put_reference(sealed_row(SubjectId(f"p-{random_bytes(4).hex()}"), random_bytes(900)), NOW_S)
    store.close()
    whole = path.read_bytes()
    refused = 0
    for at in range(4096, len(whole), 4096):
        path.write_bytes(whole[:at] + b"\xff" * 64 + whole[at + 64 :])
        try:
            opened(state).close()
        except (VaultError, DeviceError):
            refused += 1
        for side in (state / "store.sqlite-wal", state / "store.sqlite-shm"):
            side.unlink(missing_ok=True)
    assert refused >= (len(whole) // 4096 - 1) * 0.9, "each page but free ones begins with what SQLite checks"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VaultError, match="is damaged"):
        opened(state)


def test_a_long_ledger_is_looked_through_once_after_each_start_of_the_machine(state: Path, path: Path) -> None:
    store = opened(state)
    for _ in range(200):
        store.note(begin())
    store.close()
    with sqlite3.connect(path) as db:
        (entry,) = db.execute("SELECT entry FROM ledger WHERE position = 100").fetchone()
    db.close()
    whole = path.read_bytes()
    at = whole.index(entry) // 512 * 512  # the page begins with what SQLite checks
    path.write_bytes(whole[:at] + b"\xff" * 64 + whole[at + 64 :])
    opened(state).close()
    with pytest.raises(VaultError, match="is damaged"):
        unsigned(path)

    path.write_bytes(whole)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE about SET value = 'another start' WHERE name = 'boot'")
    db.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + b"\xff" * 64 + whole[at + 64 :])
    for _ in range(2):
        with pytest.raises(VaultError, match="is damaged"):
            opened(state)
    path.write_bytes(whole)
    opened(state).close()
    with sqlite3.connect(path) as db:
        (boot,) = db.execute("SELECT value FROM about WHERE name = 'boot'").fetchone()
    db.close()
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_that_the_boot_cannot_be_noted_is_no_reason_not_to_start(state: Path, path: Path) -> None:
    opened(state).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("UPDATE about SET value = 'another start' WHERE name = 'boot'")
    holder.execute("BEGIN IMMEDIATE")
    connect(path, SITE, DEVICE).close()
    assert holder.execute("SELECT value FROM about WHERE name = 'boot'").fetchall() == [("another start",)]
    holder.close()


def test_a_frontier_that_cannot_be_is_found(state: Path, path: Path) -> None:
    opened(state).close()
    for change in ("UPDATE frontier SET size = 3", "DELETE FROM frontier"):
        with sqlite3.connect(path) as db:
            db.execute(change)
        db.close()
        with pytest.raises(VaultError, match="edge is damaged"):
            opened(state)


@pytest.mark.parametrize("what", ["no folder", "a folder", "a link", "no file"])
def test_a_path_that_cannot_be_is_one_clear_line(state: Path, path: Path, what: str) -> None:
    if what == "a folder":
        path.mkdir()
    elif what == "a link":
        path.symlink_to(state / "elsewhere")
    elif what == "no folder":
        path = state / "missing" / "store.sqlite"
    if what != "no file":
        with pytest.raises(DeviceError, match=r"^[^\n]*store\.sqlite: [^\n]+; check [^\n]+$"):
            Store.open(path, site=SITE, device=DEVICE, ledger_key=KEY)
    if what != "a link":
        with pytest.raises(DeviceError, match="no such file"):
            verified(path)


def test_a_full_disk_refuses_whole_decisions_and_recovers(state: Path, path: Path) -> None:
    store = opened(state)
    store.note(begin())
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages + 4}")
    done = 0
    with pytest.raises(DeviceError, match=r"store\.sqlite: the disk is full; free some space"):
        for _ in range(1000):
            store.record(match(), lambda n: given_event(n, b"x" * 1000, b"n" * 16))
            done += 1
    assert done > 0
    assert (store.pending(), store.frontier.size) == (done, done + 1)
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert store.writable()
    assert store.record(match(), event) == done + 1
    store.close()
    assert verified(path).size == done + 2


FAILING_DISK = """
import resource, sys
from pathlib import Path
from tests.adapters.test_store import *
store = opened(Path(sys.argv[1]))
store.note(begin())
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
done = 0
try:
    while True:
        store.record(match(), event)
        done += 1
except DeviceError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
try:
    store.record(match(), event)
except DeviceError as error:
    print(error)
print(store.writable() or not store.broken, done)
"""


def test_a_failing_disk_ends_all_writing(state: Path, path: Path, root: Path) -> None:
    """Real write errors: the kernel refuses to let the file grow."""
    run = subprocess.run(
        [sys.executable, "-c", FAILING_DISK, state], cwd=root, capture_output=True, text=True, check=True
    )
    first, second, (alive, done) = run.stdout.splitlines()[0], run.stdout.splitlines()[1], run.stdout.split()[-2:]
    assert "cannot be read or written (disk I/O error); check the disk" in first
    assert "the disk has failed; nothing more is written" in second
    assert alive == "False"
    store = opened(state)
    assert store.pending() == int(done) > 0
    store.close()
    assert verified(path).size == int(done) + 1


KILLED = """
import sys
from pathlib import Path
from tests.adapters.test_store import *
store = opened(Path(sys.argv[1]))
while True:
    print(store.record(pass_shown("aa"), event), flush=True)
"""


def test_nothing_that_was_recorded_is_lost_by_a_kill(state: Path, path: Path, root: Path) -> None:
    store = opened(state)
    store.note(begin())
    store.close()
    last = 0
    for wanted in (3, 25, 60):
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, state], cwd=root, stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            for line in writer.stdout:
                last = int(line)
                if last >= wanted:
                    break
            writer.send_signal(signal.SIGKILL)
            last = max([last, *(int(line) for line in writer.stdout if line.endswith("\n"))])
        store = opened(state)
        assert store.pending() >= last
        assert store.pending() == store.passes.used().of(PassId("aa")) == store.frontier.size - 1
        store.close()
    assert verified(path).kinds["decision"] >= last >= 60


def test_a_store_of_an_earlier_build_is_refused_and_left_as_it_is(state: Path, path: Path) -> None:
    opened(state).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 0")
    before = path.read_bytes()
    with pytest.raises(VaultError, match=r"store\.sqlite: is of another build; it was left as it is: move it away"):
        opened(state)
    assert path.read_bytes() == before


class TestSpent:
    """Wrong tokens and failed attempts: over a start, without a name, and gone with the person."""

    SPENT = Spent({P1: 5, P2: 1}, {TokenWay.SERIAL: 6})

    def test_it_outlives_a_process_and_names_nobody(self, state: Path, path: Path) -> None:
        store = opened(state)
        assert store.spent.known() == Spent()
        store.spent.keep(Spent({P2: 3}, {TokenWay.GPIO: 2}))
        store.spent.keep(self.SPENT)
        copy = shutil.copytree(state, state.parent / "killed")  # as a kill leaves it: nothing was closed
        store.close()
        after = opened(copy)
        assert after.spent.known() == self.SPENT
        after.close()
        assert not any(name in each.read_bytes() for each in copy.iterdir() for name in (b"p-1", b"p-2"))

    def test_a_way_that_nobody_knows_counts_for_each_and_no_count_of_a_disk_fills_memory(
        self, state: Path, path: Path
    ) -> None:
        store = opened(state)
        store.spent.keep(self.SPENT)
        store.close()
        with sqlite3.connect(path) as db:
            db.execute(f"INSERT INTO spent_way VALUES ('seriak', {2**60})")
        store = opened(state)
        known = store.spent.known()
        store.close()
        assert dict(known.wrong) == dict.fromkeys(TokenWay, 2**60)
        token = Token(TokenKind.CARD, "0011223344", TokenWay.GPIO)
        names = Names(known, 0)
        assert names.judge(token, None, DoorId("main"), NOW_S, 1, one_to_one=False) is None, "spent, and said"

    def test_an_erased_person_leaves_nothing_there(self, state: Path) -> None:
        store = opened(state)
        store.spent.keep(self.SPENT)
        store.erase({P1: Ended.UNTIL}, NOW_S)
        assert store.spent.known() == Spent({P2: 1}, {TokenWay.SERIAL: 6})
        store.close()

    def test_a_store_from_before_gets_its_place_for_it(self, state: Path, path: Path) -> None:
        store = opened(state)
        store.put_reference(sealed_row(), NOW_S)
        store.close()
        with sqlite3.connect(path) as db:
            db.executescript("DROP TABLE spent_way; DROP TABLE spent_person")
        store = opened(state)
        store.spent.keep(self.SPENT)
        assert store.spent.known() == self.SPENT and [row.subject for row in store.references()] == [P1]
        store.close()

    def test_opening_a_store_writes_nothing_where_there_is_nothing_to_make(self, state: Path, path: Path) -> None:
        opened(state).close()
        before = path.read_bytes()
        opened(state).close()
        assert path.read_bytes() == before


def test_two_threads_write_and_free_at_once(state: Path, path: Path) -> None:
    store = opened(state)
    store.note(begin())
    freed: list[int] = []

    def free() -> None:
        while len(freed) < 60:
            for row in store.outbox(limit=10):
                if store.rows.free([(row.sequence, bytes([row.sequence % 256]) * 16)], broker_counts=False):
                    freed.append(row.sequence)

    sender = threading.Thread(target=free)
    sender.start()
    for _ in range(60):
        store.record(match(), event)
    sender.join(30)
    assert freed == list(range(1, 61))
    assert store.pending() == 0
    store.close()
    assert verified(path).kinds == {"start": 1, "decision": 60}


def test_looking_at_a_copy_leaves_no_file_behind(state: Path, path: Path, tmp_path: Path) -> None:
    store = opened(state)
    store.note(begin())
    store.close()
    evidence = tmp_path / "evidence"
    evidence.mkdir()
    shutil.copy(path, evidence)
    assert verified(evidence / "store.sqlite").size == 1
    assert [file.name for file in evidence.iterdir()] == ["store.sqlite"]


def test_a_bit_of_the_ledger_on_disk_is_found(state: Path, path: Path) -> None:
    store = opened(state)
    store.note(begin())
    for _ in range(4):
        store.record(match(), event)
    store.checkpoint(SIGNER, NOW_S)
    store.close()
    data = path.read_bytes()
    at = data.index(b'"door":"main"') + 9
    path.write_bytes(data[:at] + b"x" + data[at + 1 :])
    with pytest.raises(VaultError, match="ledger: "):
        verified(path)
