"""Who has withdrawn, and the secrets that open the ledger's commitments: both without a name.

Rules: a person stands here as a mark, BLAKE2b of the pseudonym keyed with the device's ledger key, which tells nothing
without that key. A person's secret is made with the first entry of the ledger that concerns them, and destroyed with
their erasure, or when the last such entry is dropped; it opens nothing without the ledger key, so that a stolen disk
does not tell when whom a door was opened for.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, Final

from agent.crypto import random_bytes
from agent.ledger.entry import salt
from agent.units import SubjectId

_SECRET_BYTES: Final = 32


class Marks:
    """A part of the store.

    Args:
        key: 32 bytes, the device's ledger key.
        read: runs a query.
    """

    def __init__(self, key: bytes, read: Callable[..., list[Any]]) -> None:
        self._key, self._read = key, read

    def withdrawn(self, subject: SubjectId) -> bool:
        return bool(self._read("SELECT 1 FROM tombstone WHERE mark = ?", self._mark(subject)))

    def count(self) -> int:
        """How many have withdrawn."""
        return int(self._read("SELECT count(*) FROM tombstone")[0][0])

    def secret(self, subject: SubjectId) -> bytes | None:
        """Opens the commitments of this person by `salt` of ledger/entry.py; None: there is no entry to open."""
        rows = self._read("SELECT secret FROM subject_salt WHERE mark = ?", self._mark(subject))
        return self._keyed(rows[0][0], b"doorward/secret") if rows else None

    # Within a transaction.

    def put(self, db: sqlite3.Connection, subject: SubjectId, unix_s: float | None) -> bool:
        """Write down that this person has withdrawn; False: it is written already."""
        return db.execute("INSERT OR IGNORE INTO tombstone VALUES (?, ?)", (self._mark(subject), unix_s)).rowcount == 1

    def salt(self, db: sqlite3.Connection, subject: SubjectId, position: int) -> bytes:
        """The salt of this person's commitment in the entry at `position`, which is about to be written."""
        row = (self._mark(subject), random_bytes(_SECRET_BYTES), position)
        db.execute(
            "INSERT INTO subject_salt VALUES (?, ?, ?) ON CONFLICT (mark) DO UPDATE SET last = excluded.last", row
        )
        (secret,) = db.execute("SELECT secret FROM subject_salt WHERE mark = ?", row[:1]).fetchone()
        return salt(self._keyed(secret, b"doorward/secret"), position)

    def forget(self, db: sqlite3.Connection, subject: SubjectId) -> None:
        """Destroy this person's secret: the ledger's entries stay, and are nobody's."""
        db.execute("DELETE FROM subject_salt WHERE mark = ?", (self._mark(subject),))

    def forget_before(self, db: sqlite3.Connection, position: int, but: Iterable[SubjectId]) -> None:
        """Destroy the secrets that open no entry at or behind `position`, but for people who are still enrolled."""
        kept = {self._mark(subject) for subject in but}
        found = {row[0] for row in db.execute("SELECT mark FROM subject_salt WHERE last < ?", (position,))}
        db.executemany("DELETE FROM subject_salt WHERE mark = ?", [(mark,) for mark in found - kept])

    def _mark(self, subject: SubjectId) -> bytes:
        return self._keyed(subject.encode(), b"doorward/mark")

    def _keyed(self, data: bytes, person: bytes) -> bytes:
        return hashlib.blake2b(data, digest_size=32, key=self._key, person=person).digest()
