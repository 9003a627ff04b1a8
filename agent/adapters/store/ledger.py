"""The ledger's own statements: appending, signing the head, and dropping the oldest part by right.

Rules: each is within the transaction of its caller, who takes the new right edge over from the file when it has
committed. What is dropped is covered by a signed checkpoint, and so is the entry that says so; the edge of what was
dropped stays, so that the rest goes on being verified to the last byte.
"""

from __future__ import annotations

import sqlite3

from agent.adapters.store.file import read_begin, read_frontier
from agent.crypto import SignSecret
from agent.ledger.checkpoint import make_checkpoint, read_checkpoint
from agent.ledger.entry import Entry, encode
from agent.ledger.merkle import leaf_hash
from agent.units import DeviceId, SiteId

_DAY_MS = 86_400_000


def append(db: sqlite3.Connection, entry: Entry) -> int:
    """Write one entry; returns its position."""
    data, before = encode(entry), read_frontier(db)
    after = before.append(leaf_hash(data))
    db.execute("INSERT INTO ledger VALUES (?, ?)", (before.size, data))
    db.execute("UPDATE frontier SET size = ?, peaks = ?", (after.size, b"".join(after.peaks)))
    return before.size


def sign_head(
    db: sqlite3.Connection, site: SiteId, device: DeviceId, secret: SignSecret, unix_s: float | None
) -> bytes:
    """The checkpoint of the ledger as it is now; the last one again if nothing was added since."""
    frontier = read_frontier(db)
    last = db.execute("SELECT statement FROM checkpoint ORDER BY number DESC LIMIT 1").fetchone()
    if last is not None and read_checkpoint(last[0]).size == frontier.size:
        return bytes(last[0])
    statement = make_checkpoint(frontier, site, device, secret, unix_s)
    db.execute("INSERT INTO checkpoint (statement) VALUES (?)", (statement,))
    return statement


def droppable(db: sqlite3.Connection, days: int, unix_s: float) -> int:
    """How many entries, counted from the very first, a checkpoint older than so many days covers; 0: none to drop."""
    (covered,) = db.execute(
        "SELECT max(json_extract(CAST(statement AS TEXT), '$.size')) FROM checkpoint"
        " WHERE json_extract(CAST(statement AS TEXT), '$.time_ms') <= ?",
        (unix_s * 1000 - days * _DAY_MS,),
    ).fetchone()
    return int(covered) if covered is not None and covered > read_begin(db).size else 0


def drop(db: sqlite3.Connection, first: int) -> None:
    """Drop the entries before position `first`; the caller writes an entry that says so and signs the head."""
    begin = read_begin(db)
    for (data,) in db.execute("SELECT entry FROM ledger WHERE position < ? ORDER BY position", (first,)):
        begin = begin.append(leaf_hash(data))
    db.execute("DELETE FROM ledger WHERE position < ?", (first,))
    db.execute("UPDATE ledger_begin SET size = ?, peaks = ?", (begin.size, b"".join(begin.peaks)))
