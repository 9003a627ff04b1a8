"""The outbox within a transaction: sealed events, in the order in which they were decided."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent.events.decision import Outcome
from agent.events.seal import SealedEvent
from agent.units import DeviceId, DoorId, SiteId


@dataclass(frozen=True, slots=True, repr=False)
class OutboxRow:
    sequence: int
    envelope: bytes


def following(db: sqlite3.Connection) -> int:
    """The sequence number of the next event; a number is never given twice."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").fetchone()
    return 1 if row is None else int(row[0]) + 1


def send(db: sqlite3.Connection, event: SealedEvent) -> None:
    outcome = None if event.outcome is None else event.outcome.value
    row = (event.sequence, event.not_after_ms, event.door, outcome, event.sealed, event.nonce, event.signature)
    db.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def waiting(read: Callable[..., list[Any]], site: SiteId, device: DeviceId, after: int, limit: int) -> list[OutboxRow]:
    """The oldest rows with a number above `after`, as they are published."""
    return [
        OutboxRow(
            sequence,
            SealedEvent(
                site, device, sequence, end_ms, DoorId(door), None if outcome is None else Outcome(outcome), *rest
            ).envelope,
        )
        for sequence, end_ms, door, outcome, *rest in read(
            "SELECT * FROM outbox WHERE sequence > ? ORDER BY sequence LIMIT ?", after, limit
        )
    ]
