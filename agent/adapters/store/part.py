"""What the parts of the store have in common: its transaction, its queries, and single words kept by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


class Part:
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

    def _word(self, name: str) -> str | None:
        """What is kept under this name; None: nothing is."""
        rows = self._read("SELECT value FROM about WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    @staticmethod
    def _keep(db: sqlite3.Connection, name: str, word: str) -> None:
        """Within a transaction: under this name, in place of what was there."""
        db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, word))

    @staticmethod
    def _drop(db: sqlite3.Connection, name: str) -> None:
        """Within a transaction: nothing is kept under this name any more."""
        db.execute("DELETE FROM about WHERE name = ?", (name,))
