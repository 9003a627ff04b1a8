"""The outbox's rows: what they take of the disk, and how they are freed.

Rules: a row goes by its nonce or, where the caller says so, by the broker's word; never because there is no room. Where
the rows have reached their share, the next decision is refused instead, and the door says why. Many acknowledgements
are one transaction, which waits for no disk: a power cut may bring rows back, and they go out twice. The WAL is written
home beside the decisions, on a connection of its own: whose commit would fill it need not wait for that.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from agent.adapters.store.file import fault
from agent.adapters.store.part import Part
from agent.errors import DeviceError

_BESIDE: Final = 132
"""Bytes of a row beside its sealed part: signature, nonce, number, door, and what SQLite leaves empty on a page."""
_HOME_EVERY: Final = 2000
"""Changes between two times that the WAL is written home: as many pages or fewer."""
_COUNTED: Final = f"""
CREATE TEMP TABLE held AS SELECT count(*) AS rows, coalesce(sum(length(sealed) + {_BESIDE}), 0) AS bytes FROM outbox;
CREATE TEMP TRIGGER grown AFTER INSERT ON main.outbox
BEGIN UPDATE held SET rows = rows + 1, bytes = bytes + length(NEW.sealed) + {_BESIDE}; END;
CREATE TEMP TRIGGER freed AFTER DELETE ON main.outbox
BEGIN UPDATE held SET rows = rows - 1, bytes = bytes - length(OLD.sealed) - {_BESIDE}; END;
"""
"""A table of this connection alone: it is right whoever adds rows, within a transaction and after one that failed."""


class Rows(Part):
    """A part of the store, for the process that writes it.

    Args:
        db: the store's connection, on which nothing is counted yet.
        transaction: of the store, one that need not be durable when it ends.
        read: runs a query.
    """

    def __init__(
        self,
        path: Path,
        db: sqlite3.Connection,
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
        read: Callable[..., list[Any]],
    ) -> None:
        super().__init__(transaction, read)
        self._path, self._db, self._home_at = path, db, 0
        self._home: sqlite3.Connection | None = None
        self.limit_bytes: int | None = None
        """None: as much as the disk has."""
        db.executescript(_COUNTED)

    @property
    def count(self) -> int:
        """Rows that nobody has acknowledged, at no cost; only those that came and went through this connection."""
        return int(self._read("SELECT rows FROM held")[0][0])

    @property
    def held_bytes(self) -> int:
        return int(self._read("SELECT bytes FROM held")[0][0])

    @property
    def full(self) -> bool:
        return self.limit_bytes is not None and self.held_bytes >= self.limit_bytes

    def demand_room(self) -> None:
        """Raises DeviceError when the rows have reached their share: then nothing more is decided."""
        if self.full:
            raise DeviceError(
                f"{self._path}: the outbox has reached its share of the disk with {self.count} events; "
                "see to the broker and to who acknowledges, or raise device.outbox_share"
            )

    def free(self, found: Iterable[tuple[int, bytes | None]], *, broker_counts: bool) -> list[int]:
        """Free rows by sequence number and nonce, some hundreds at most; the numbers of those that went.

        Args:
            broker_counts: None in place of a nonce (a PUBACK) frees as well.
        """
        words = dict[int, list[bytes | None]]()
        for sequence, nonce in found:
            words.setdefault(sequence, []).append(nonce)
        places = ",".join("?" * len(words))
        with self._transaction() as db:  # two statements however many: each of them lets another thread go first
            kept = db.execute(
                f"SELECT sequence, nonce FROM outbox WHERE sequence IN ({places}) ORDER BY 1", tuple(words)
            ).fetchall()
            freed = [
                sequence
                for sequence, nonce in kept
                if any(broker_counts if word is None else hmac.compare_digest(nonce, word) for word in words[sequence])
            ]
            db.execute(f"DELETE FROM outbox WHERE sequence IN ({','.join('?' * len(freed))})", freed)
        return freed

    def write_home(self) -> None:
        """Write the WAL home if there is enough of it; for one thread, which is not the one that decides.

        Raises:
            DeviceError: the disk failed.
        """
        try:
            if self._db.total_changes - self._home_at < _HOME_EVERY:
                return
            self._home_at = self._db.total_changes
            if self._home is None:
                self._home = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
            self._home.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise fault(error, self._path) from None

    def close(self) -> None:
        if self._home is not None:
            self._home.close()
