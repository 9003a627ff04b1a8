"""How many people are enrolled, since when that many, and when each of them was here last. No template, no receipt."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from agent.adapters.store.hidden import Hidden
from agent.adapters.store.part import Part
from agent.adapters.store.times import Times
from agent.units import ConsentId, SubjectId


@dataclass(frozen=True, slots=True, repr=False)
class Use:
    """What stands beside a person's row; times are Unix seconds."""

    consent_id: ConsentId
    enrolled_s: float | None
    """None: the clock was not trusted then."""
    last_use_s: float | None
    """None: not used yet."""


class People(Part):
    """A part of the store; the first two arguments as for `Part`."""

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
        read: Callable[..., list[Any]],
        times: Times,
        names: Hidden,
    ) -> None:
        super().__init__(transaction, read)
        self._times, self._names = times, names

    def uses(self) -> dict[SubjectId, Use]:
        """Everybody in the vault, by pseudonym."""
        rows = self._read("SELECT subject, consent_id, enrolled_s, last_use_s FROM reference")
        found = {self._names.show(hidden): Use(ConsentId(consent), *times) for hidden, consent, *times in rows}
        return {subject: found[subject] for subject in sorted(found)}

    def used(self, db: sqlite3.Connection, subject: SubjectId, unix_s: float) -> None:
        """Within a transaction: they were here."""
        db.execute("UPDATE reference SET last_use_s = ? WHERE subject = ?", (unix_s, self._names.hide(subject)))

    def forget(self, db: sqlite3.Connection, subject: SubjectId) -> None:
        """Within a transaction: their row goes, and what stands beside it."""
        db.execute("DELETE FROM reference WHERE subject = ?", (self._names.hide(subject),))

    def stock(self, filing_at: int | None, unix_s: float | None) -> tuple[int, float | None]:
        """How many people are enrolled, and when that first reached `filing_at` (None: never, or no such duty).

        The time is written down when it is first seen, so that later withdrawals do not move it.
        """
        people = int(self._read("SELECT count(*) FROM reference")[0][0])
        if filing_at is None:
            return people, None
        crossed_s = self._times.number(f"reached_{filing_at}_s")
        if crossed_s is None and people >= filing_at and unix_s is not None:
            with self._transaction() as db:
                self._times.rise(db, f"reached_{filing_at}_s", unix_s)
            crossed_s = unix_s
        return people, crossed_s
