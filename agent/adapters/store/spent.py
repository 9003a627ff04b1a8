"""What wrong tokens and failed attempts have used up, on disk: however a process ends, that gives nothing back.

Rules: written before the decision that follows from it. Neither a token nor a time is kept, and people only enciphered.
Leaves out: how often is too often (gallery/named.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from agent.adapters.store.hidden import Hidden
from agent.adapters.store.part import Part
from agent.gallery.named import Spent
from agent.token import TokenWay
from agent.units import SubjectId


class Spendings(Part):
    """A part of the store; the first two arguments as for `Part`."""

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
        read: Callable[..., list[Any]],
        names: Hidden,
    ) -> None:
        super().__init__(transaction, read)
        self._names = names

    def known(self) -> Spent:
        """As it was kept last; what was spent by a way that nobody knows was spent by each."""
        wrong = dict[TokenWay, int]()
        for kept, times in self._read("SELECT * FROM spent_way"):
            for way in [each for each in TokenWay if each.value == kept] or TokenWay:
                wrong[way] = max(wrong.get(way, 0), times)
        failed = {self._names.show(who): times for who, times in self._read("SELECT * FROM spent_person")}
        return Spent(failed, wrong)

    def keep(self, spent: Spent) -> None:
        """In place of what was kept."""
        failed = sorted((self._names.hide(who), times) for who, times in spent.failed.items())
        with self._transaction() as db:
            db.execute("DELETE FROM spent_person")
            db.execute("DELETE FROM spent_way")
            db.executemany("INSERT INTO spent_person VALUES (?, ?)", failed)
            db.executemany("INSERT INTO spent_way VALUES (?, ?)", [(way.value, n) for way, n in spent.wrong.items()])

    def forget(self, db: sqlite3.Connection, subject: SubjectId) -> None:
        """Within a transaction: of an erased person nothing is kept."""
        db.execute("DELETE FROM spent_person WHERE subject = ?", (self._names.hide(subject),))
