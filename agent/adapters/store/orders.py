"""What came by command and must survive a restart: how long recognition is stopped, and the last signed command.

Rules: the sequence number only rises. A stop that is on disk holds until its end or until somebody who may has signed
that it is over; a restart ends nothing. Leaves out: who may command what (events/command.py, app/commands.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

_STOP: Final = "command_stop_until_s"
_SEQUENCE: Final = "command_sequence"


class Orders:
    """A part of the store.

    Args:
        transaction: of the store.
        read: runs a query.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
        read: Callable[..., list[Any]],
    ) -> None:
        self._transaction, self._read = transaction, read

    def stopped_until_s(self) -> float | None:
        """Unix seconds; None: nobody has stopped it."""
        text = self._text(_STOP)
        return None if text is None else float(text)

    def sequence(self) -> int:
        """Of the last signed command that was taken; 0: none ever."""
        return int(self._text(_SEQUENCE) or 0)

    def stop(self, until_s: float) -> None:
        with self._transaction() as db:
            _put(db, _STOP, repr(until_s))

    def resume(self, sequence: int) -> None:
        """End a stop by a signed command, in one transaction with its number."""
        with self._transaction() as db:
            db.execute("DELETE FROM about WHERE name = ?", (_STOP,))
            _put(db, _SEQUENCE, str(sequence))

    def _text(self, name: str) -> str | None:
        rows = self._read("SELECT value FROM about WHERE name = ?", name)
        return str(rows[0][0]) if rows else None


def _put(db: sqlite3.Connection, name: str, text: str) -> None:
    db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, text))
