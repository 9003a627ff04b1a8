"""The device's one SQLite file: ledger, outbox, vault rows, marks of withdrawals, restrictions, used passes.

Rules: a decision, its ledger entry, its outbox row and what it uses up are one transaction, durable before `record`
returns (WAL, `synchronous=FULL`); a failed one leaves nothing. After an input or output error nothing more is
written: the process must end, since nobody knows what the disk holds. Deleted rows are overwritten and the WAL is
cut, which is `best-effort` on flash. One connection under one lock: any thread may call. Leaves out: what rows
mean, and all keys but the one that marks and hidden pseudonyms are made with.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from agent.adapters.store import ledger, outbox
from agent.adapters.store.epochs import Epochs, Renewal
from agent.adapters.store.file import code, connect, fault, no_room, read_frontier
from agent.adapters.store.hidden import Hidden
from agent.adapters.store.marks import Marks
from agent.adapters.store.orders import Orders
from agent.adapters.store.outbox import OutboxRow
from agent.adapters.store.passes import Passes
from agent.adapters.store.people import People
from agent.adapters.store.rows import Rows
from agent.adapters.store.said import Said
from agent.adapters.store.spent import Spendings
from agent.adapters.store.taken import Taken
from agent.adapters.store.times import Times
from agent.crypto import SignSecret
from agent.errors import DeviceError, DoorwardError, VaultError
from agent.events.decision import Decision, Outcome
from agent.events.seal import SealedEvent
from agent.gallery.retention import Ended
from agent.gallery.vault import VaultRow
from agent.ledger.entry import Entry, decided, enrolled, erased, shortened, withdrawn
from agent.ledger.erasure import Close
from agent.ledger.merkle import Frontier
from agent.units import ConsentId, DeviceId, Sha256, SiteId, SubjectId

_VAULT_COLUMNS: Final = "device, gallery, subject, consent_id, rotation, model_sha256, runtime, sealed"


class Store:
    """An open store. `open` makes it; `close` ends it.

    Every method raises DeviceError when the disk fails or is full, VaultError when the file's content is not sound.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, site: SiteId, device: DeviceId, ledger_key: bytes) -> None:
        self.path: Final = path
        self.site: Final = site
        self.device: Final = device
        self._db, self._lock = db, threading.RLock()
        self._broken, self.answers = False, True
        """`answers`: it took the last write, or there is no room, and the file system counts none: the disk lives."""
        self._frontier, self._names = read_frontier(db), Hidden(ledger_key)
        self.times: Final = Times(self._transaction, self._read)
        self.epochs: Final = Epochs(self._transaction, self._read, self._names)
        self.said: Final = Said(self._transaction, self._read)
        self.people: Final = People(self._transaction, self._read, self.times, self._names)
        self.marks: Final = Marks(ledger_key, self._read)
        self.taken: Final = Taken(ledger_key, self._read)
        self.passes: Final = Passes(self._read)
        self.spent: Final = Spendings(self._transaction, self._read, self._names)
        self.rows: Final = Rows(path, db, self._lightly, self._read)
        self.orders: Final = Orders(self._transaction, self._read)

    @classmethod
    def open(cls, path: Path, *, site: SiteId, device: DeviceId, ledger_key: bytes) -> Store:
        """Open the store of this device, or make it when there is no such file yet.

        Args:
            ledger_key: 32 bytes that people's marks are keyed with.

        Raises:
            DeviceError: the file cannot be read or written.
            VaultError: the file is damaged, no store at all, or another device's. It is left as it is.
        """
        return cls(path, connect(path, site, device), site, device, ledger_key)

    def close(self) -> None:
        with self._lock:
            self.rows.close()
            self._db.close()

    @property
    def frontier(self) -> Frontier:
        """The ledger's right edge: size and root."""
        return self._frontier

    @property
    def broken(self) -> bool:
        """The disk has failed under this process: nothing more is written, and the process must end."""
        return self._broken

    def writable(self) -> bool:
        """Whether a small write gets through to the disk now, and the outbox has room; what the gate's rule asks."""
        try:
            with self._transaction() as db:
                db.execute("INSERT OR REPLACE INTO about VALUES ('alive', '1')")
        except DoorwardError:
            return False
        return not self.rows.full

    def note(self, entry: Entry) -> int:
        """Write an entry that concerns nobody (start, policy, change of refusal); returns its position."""
        with self._transaction() as db:
            return self._append(db, entry)

    def record(self, decision: Decision, make: Callable[[int], SealedEvent]) -> int:
        """Make a decision durable: ledger entry, outbox row, pass use and last use, all or nothing.

        Args:
            make: seals the event of the sequence number that it is given; what it raises undoes everything.

        Returns:
            The event's sequence number. Only now may the door open.
        """
        self.rows.demand_room()
        with self._transaction() as db:
            sequence = outbox.following(db)
            outbox.send(db, make(sequence))
            salt = None if decision.subject is None else self._salt(db, decision.subject)
            self._append(db, decided(decision, sequence, salt))
            if decision.pass_used is not None and decision.opens:
                self.passes.take(db, decision.pass_used)
            if decision.outcome is Outcome.MATCH and decision.subject is not None:
                self.people.used(db, decision.subject, decision.unix_s)
            return sequence

    def checkpoint(self, secret: SignSecret, unix_s: float | None) -> bytes:
        """Sign the ledger as it is now and keep the statement; the last one again if nothing was added since."""
        with self._transaction() as db:
            return ledger.sign_head(db, self.site, self.device, secret, unix_s)

    def shorten(self, days: int, secret: SignSecret, unix_s: float) -> int:
        """Drop the entries that are older than so many days, as far as a checkpoint covers them; checkpoints stay.

        Returns:
            How many entries are gone now, counted from the very first; 0: nothing was to be dropped.
        """
        with self._transaction() as db:
            first = ledger.droppable(db, days, unix_s)
            if first:
                ledger.drop(db, first)
                self._append(db, shortened(first, days, unix_s))
                ledger.sign_head(db, self.site, self.device, secret, unix_s)
                self.marks.forget_before(db, first, but=self.people.uses())
        if first:
            self.purge()
        return first

    def outbox(self, after: int = 0, limit: int = 100) -> list[OutboxRow]:
        """Unacknowledged events with a sequence number above `after`, oldest first."""
        return outbox.waiting(self._read, self.site, self.device, after, limit)

    def pending(self) -> int:
        """Number of unacknowledged events."""
        return int(self._read("SELECT count(*) FROM outbox")[0][0])

    def put_reference(self, row: VaultRow, unix_s: float | None, issuer: str | None = None) -> None:
        """Keep one person's row, in place of an earlier one, with its ledger entry.

        Args:
            issuer: key (hex) that signed an enrolment made elsewhere; None: it was made here.

        Raises:
            VaultError: the person has withdrawn: a pseudonym is never used again after that. Or the row is of another
                epoch than the store. Or the enrolment was made elsewhere and somebody was enrolled from this consent
                before.
        """
        with self._transaction() as db:
            if self.marks.withdrawn(row.subject):
                raise VaultError("vault: this pseudonym has withdrawn; enrol with a new receipt under a new pseudonym")
            self.taken.put(db, row.consent_id, unix_s, issuer)
            named = (row.device, row.gallery, self._names.hide(row.subject), row.consent_id)
            db.execute(
                f"INSERT OR REPLACE INTO reference ({_VAULT_COLUMNS}, enrolled_s) VALUES (?,?,?,?,?,?,?,?,?)",
                (*named, row.rotation, row.model_sha256, row.runtime, row.sealed, unix_s),
            )
            self.epochs.keep(db, row.subject, row.epoch, row.wrapped)
            self._append(db, enrolled(row.subject, row.consent_id, unix_s, self._salt(db, row.subject)))

    def references(self) -> list[VaultRow]:
        found = [
            VaultRow(DeviceId(d), SiteId(g), self._names.show(s), ConsentId(c), turn, Sha256(m), *rest)
            for d, g, s, c, turn, m, *rest in self._read(
                f"SELECT {_VAULT_COLUMNS}, coalesce(epoch, 0), coalesce(wrapped, x'') "
                "FROM reference LEFT JOIN data_key USING (subject)"
            )
        ]
        return sorted(found, key=lambda row: row.subject)

    def erase(
        self,
        ended: Mapping[SubjectId, Ended],
        unix_s: float | None,
        renewal: Renewal | None = None,
        close: Close | None = None,
    ) -> bool:
        """Marks, deletions, ledger entries, receipts and the new epoch in one transaction, then `purge`.

        Who has withdrawn is marked and stays so; others may come back. Doing it twice changes nothing but the epoch.
        Called by app/erasure.py, which destroys the old secret.

        Args:
            renewal: None if there is no new epoch to be had now; then it is owed.
            close: makes the erasure receipts; None leaves none behind.

        Returns:
            What `purge` returns; the withdrawal holds in either case.
        """
        with self._transaction() as db:
            for subject, reason in ended.items():
                news = reason is not Ended.WITHDRAWN or self.marks.put(db, subject, unix_s)
                if news and reason is Ended.WITHDRAWN:
                    self._append(db, withdrawn(subject, unix_s, self._salt(db, subject)))
                self._erase(db, subject, reason, unix_s, close if news else None)
            self.epochs.renew(db, renewal)
        return self.purge()

    def purge(self) -> bool:
        """Write overwritten pages home and cut the WAL; False while another process reads the file: try again later."""
        return not self._read("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]

    # How it is done.

    def _append(self, db: sqlite3.Connection, entry: Entry) -> int:
        """Within a transaction; `_transaction` takes the new frontier over from the file when it has committed."""
        if entry.time_ms is not None:
            self.times.written(db, entry.time_ms / 1000)
        return ledger.append(db, entry)

    def _salt(self, db: sqlite3.Connection, subject: SubjectId) -> bytes:
        """For the entry that is appended next."""
        return self.marks.salt(db, subject, read_frontier(db).size)

    def _erase(
        self, db: sqlite3.Connection, subject: SubjectId, reason: Ended, unix_s: float | None, close: Close | None
    ) -> None:
        """Within a transaction: template and secret go, the entry and the sealed receipt come."""
        epoch = self.epochs.forget(db, subject)
        self.people.forget(db, subject)
        self.spent.forget(db, subject)
        self.marks.forget(db, subject)
        if close is not None:
            closed = close(subject, reason, epoch, outbox.following(db))
            self._append(db, erased(reason, closed.receipt, unix_s))
            if closed.event is not None:
                outbox.send(db, closed.event)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._broken:
                raise DeviceError(
                    f"{self.path}: the disk has failed; nothing more is written: check it, then start again"
                )
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                frontier = read_frontier(self._db)
                self._db.execute("COMMIT")
                self._frontier, self.answers = frontier, True
            except BaseException as error:
                self._undo()
                if isinstance(error, sqlite3.Error):
                    self._broken = code(error) == sqlite3.SQLITE_IOERR
                    self.answers = code(error) == sqlite3.SQLITE_FULL and no_room(self.path)
                    raise fault(error, self.path) from None
                raise

    @contextmanager
    def _lightly(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is durable with the next one: for what may come undone in a power cut."""
        with self._lock:
            self._read("PRAGMA synchronous=NORMAL")
            try:
                with self._transaction() as db:
                    yield db
            finally:
                self._read("PRAGMA synchronous=FULL")

    def _undo(self) -> None:
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        except sqlite3.Error:
            self._broken = True

    def _read(self, query: str, *values: object) -> list[Any]:
        with self._lock:
            try:
                return self._db.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise fault(error, self.path) from None
