"""The outbox within a transaction: sealed events, in the order in which they were decided."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from agent.events.seal import SealedEvent


@dataclass(frozen=True, slots=True, repr=False)
class OutboxRow:
    sequence: int
    envelope: bytes


def following(db: sqlite3.Connection) -> int:
    """The sequence number of the next event; a number is never given twice."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return 1 if row is None else int(row[0]) + 1


def send(db: sqlite3.Connection, event: SealedEvent) -> None:
    db.execute("INSERT INTO outbox VALUES (?, ?, ?)", (event.sequence, event.envelope, event.nonce))
