"""The device's one SQLite file: ledger, outbox, vault rows, withdrawals, restrictions, used passes.

Rules: a decision, its ledger entry, its outbox row and what it uses up are one transaction, durable before `record`
returns (WAL, `synchronous=FULL`); a failed one leaves nothing. After an input or output error nothing more is
written: the process must end, since nobody knows what the disk holds. Deleted rows are overwritten and the WAL is
cut, which is `best-effort` on flash. One connection under one lock: any thread may call. Leaves out: what rows
mean, and all keys but the one that salts the ledger's commitments.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent.adapters.store.file import code, connect, fault, read_frontier
from agent.adapters.store.orders import Orders
from agent.adapters.store.rows import Rows
from agent.adapters.store.times import Times
from agent.crypto import SignSecret
from agent.errors import DeviceError, DoorwardError, VaultError
from agent.events.decision import Decision, Outcome
from agent.events.seal import SealedEvent
from agent.gallery.vault import VaultRow
from agent.ledger.checkpoint import make_checkpoint, read_checkpoint
from agent.ledger.entry import Entry, decided, encode, enrolled, salt, withdrawn
from agent.ledger.merkle import Frontier, leaf_hash
from agent.units import ConsentId, DeviceId, PassId, Sha256, SiteId, SubjectId

_VAULT_COLUMNS: Final = "device, gallery, subject, consent_id, epoch, model_sha256, runtime, sealed"


@dataclass(frozen=True, slots=True, repr=False)
class OutboxRow:
    sequence: int
    envelope: bytes


class Store:
    """An open store. `open` makes it; `close` ends it.

    Every method raises DeviceError when the disk fails or is full, VaultError when the file's content is not sound.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, site: SiteId, device: DeviceId, ledger_key: bytes) -> None:
        self.path: Final = path
        self.site: Final = site
        self.device: Final = device
        self._db = db
        self._key = ledger_key
        self._lock = threading.RLock()
        self._broken = False
        self._frontier = read_frontier(db)
        self.times: Final = Times(self._transaction, self._read)
        self.rows: Final = Rows(path, db, self._transaction, self._read)
        self.orders: Final = Orders(self._transaction, self._read)

    @classmethod
    def open(cls, path: Path, *, site: SiteId, device: DeviceId, ledger_key: bytes) -> Store:
        """Open the store of this device, or make it when there is no such file yet.

        Args:
            ledger_key: 32 bytes that salt the ledger's commitments.

        Raises:
            DeviceError: the file cannot be read or written.
            VaultError: the file is damaged, no store at all, or another device's. It is left as it is.
        """
        return cls(path, connect(path, site, device), site, device, ledger_key)

    def close(self) -> None:
        with self._lock:
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
        if self.rows.full:
            return False
        try:
            with self._transaction() as db:
                db.execute("INSERT OR REPLACE INTO about VALUES ('alive', '1')")
        except DoorwardError:
            return False
        return True

    # The ledger and the outbox.

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
            row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
            sequence: int = 1 if row is None else row[0] + 1
            event = make(sequence)
            db.execute("INSERT INTO outbox VALUES (?, ?, ?)", (sequence, event.envelope, event.nonce))
            self._append(db, decided(decision, sequence, self._salt()))
            if decision.pass_used is not None and decision.opens:
                db.execute(
                    "INSERT INTO pass_use VALUES (?, 1) ON CONFLICT (pass_id) DO UPDATE SET uses = uses + 1",
                    (decision.pass_used,),
                )
            if decision.outcome is Outcome.MATCH:
                db.execute("UPDATE reference SET last_use_s = ? WHERE subject = ?", (decision.unix_s, decision.subject))
            return sequence

    def checkpoint(self, secret: SignSecret, unix_s: float | None) -> bytes:
        """Sign the ledger as it is now and keep the statement; the last one again if nothing was added since."""
        with self._transaction() as db:
            last = db.execute("SELECT statement FROM checkpoint ORDER BY number DESC LIMIT 1").fetchone()
            if last is not None and read_checkpoint(last[0]).size == self._frontier.size:
                return bytes(last[0])
            statement = make_checkpoint(self._frontier, self.site, self.device, secret, unix_s)
            db.execute("INSERT INTO checkpoint (statement) VALUES (?)", (statement,))
            return statement

    def outbox(self, after: int = 0, limit: int = 100) -> list[OutboxRow]:
        """Unacknowledged events with a sequence number above `after`, oldest first."""
        rows = self._read("SELECT sequence, envelope FROM outbox WHERE sequence > ? ORDER BY 1 LIMIT ?", after, limit)
        return [OutboxRow(*row) for row in rows]

    def acknowledge(self, sequence: int, nonce: bytes) -> bool:
        """Free one row if the nonce is the one inside its sealed event; False if not, or if the row is gone."""
        return bool(self.rows.free([(sequence, nonce)], broker_counts=False))

    def release(self, sequence: int) -> bool:
        """Free one row on the broker's word alone: only where no consumer acknowledges, and the state says so."""
        return bool(self.rows.free([(sequence, None)], broker_counts=True))

    def pending(self) -> int:
        """Number of unacknowledged events."""
        return int(self._read("SELECT count(*) FROM outbox")[0][0])

    # The vault.

    def put_reference(self, row: VaultRow, unix_s: float | None) -> None:
        """Keep one person's row, in place of an earlier one, with its ledger entry.

        Raises:
            VaultError: the person has withdrawn: a pseudonym is never used again after that.
        """
        with self._transaction() as db:
            if db.execute("SELECT 1 FROM tombstone WHERE subject = ?", (row.subject,)).fetchone():
                raise VaultError("vault: this pseudonym has withdrawn; enrol with a new receipt under a new pseudonym")
            values = (row.device, row.gallery, row.subject, row.consent_id, row.epoch, row.model_sha256, row.runtime)
            db.execute(
                f"INSERT OR REPLACE INTO reference ({_VAULT_COLUMNS}, enrolled_s) VALUES (?,?,?,?,?,?,?,?,?)",
                (*values, row.sealed, unix_s),
            )
            self._append(db, enrolled(row.subject, row.consent_id, unix_s, self._salt()))

    def references(self) -> list[VaultRow]:
        return [
            VaultRow(DeviceId(d), SiteId(g), SubjectId(s), ConsentId(c), epoch, Sha256(m), runtime, sealed)
            for d, g, s, c, epoch, m, runtime, sealed in self._read(
                f"SELECT {_VAULT_COLUMNS} FROM reference ORDER BY 3"
            )
        ]

    def withdraw(self, subject: SubjectId, unix_s: float | None) -> bool:
        """Tombstone, deletion and ledger entry in one transaction, then `purge`; doing it twice changes nothing.

        Returns:
            What `purge` returns. The withdrawal itself holds in either case.
        """
        with self._transaction() as db:
            if db.execute("INSERT OR IGNORE INTO tombstone VALUES (?, ?)", (subject, unix_s)).rowcount:
                self._append(db, withdrawn(subject, unix_s, self._salt()))
            db.execute("DELETE FROM reference WHERE subject = ?", (subject,))
        return self.purge()

    def purge(self) -> bool:
        """Write overwritten pages home and cut the WAL; False while another process reads the file: try again later."""
        return not self._read("PRAGMA wal_checkpoint(TRUNCATE)")[0][0]

    def stock(self, filing_at: int | None, unix_s: float | None) -> tuple[int, float | None]:
        """How many people are enrolled, and when that first reached `filing_at` (None: never, or no such duty).

        The time is written down when it is first seen, so that later withdrawals do not move it.
        """
        people = int(self._read("SELECT count(*) FROM reference")[0][0])
        if filing_at is None:
            return people, None
        crossed_s = self.times.number(f"reached_{filing_at}_s")
        if crossed_s is None and people >= filing_at and unix_s is not None:
            with self._transaction() as db:
                self.times.rise(db, f"reached_{filing_at}_s", unix_s)
            crossed_s = unix_s
        return people, crossed_s

    def tombstones(self) -> frozenset[SubjectId]:
        """Who has withdrawn."""
        return frozenset(SubjectId(row[0]) for row in self._read("SELECT subject FROM tombstone"))

    # Restrictions and passes.

    def remember(self, path: str, document: bytes) -> None:
        """Keep a verified restriction beside all others, an earlier version of the same target included."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO restriction VALUES (?, ?)", (path, document))

    def restrictions(self) -> list[tuple[str, bytes]]:
        """Path and document of each, in the order of their paths."""
        return [
            (path, document) for path, document in self._read("SELECT path, document FROM restriction ORDER BY 1, 2")
        ]

    def passes_used(self) -> dict[PassId, int]:
        return {PassId(pass_id): uses for pass_id, uses in self._read("SELECT pass_id, uses FROM pass_use")}

    # How it is done.

    def _append(self, db: sqlite3.Connection, entry: Entry) -> int:
        """Within a transaction; `_transaction` takes the new frontier over from the file when it has committed."""
        data, before = encode(entry), read_frontier(db)
        after = before.append(leaf_hash(data))
        db.execute("INSERT INTO ledger VALUES (?, ?)", (before.size, data))
        db.execute("UPDATE frontier SET size = ?, peaks = ?", (after.size, b"".join(after.peaks)))
        if entry.time_ms is not None:
            self.times.written(db, entry.time_ms / 1000)
        return before.size

    def _salt(self) -> bytes:
        return salt(self._key, self._frontier.size)

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
                self._frontier = frontier
            except BaseException as error:
                self._undo()
                if isinstance(error, sqlite3.Error):
                    self._broken = code(error) == sqlite3.SQLITE_IOERR
                    raise fault(error, self.path) from None
                raise

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
