"""The times that must survive a restart: what the site signed, how far time has run since, what the ledger says.

Rules: a time only rises, until the site signs a newer one: then what nobody signed is forgotten. When the keys that
vouched for the signed time are taken away and had signed a time to come, all of it is forgotten.
Leaves out: what time it is (policy/clock.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.adapters.store.part import Part

_SIGNED: Final = "signed_s"
_KEYS: Final = "clock_keys"
_PROVED: Final = "proved_s"
_RECORDED: Final = ("last_time_s", "ahead_s")
_LEDGER: Final = _RECORDED[0]


@dataclass(frozen=True, slots=True)
class Known:
    """Unix seconds; None: nothing is known yet."""

    signed_s: float | None
    """The newest time that the site signed."""
    proved_s: float | None
    """How far time has run since, by a clock that nobody can set."""
    recorded_s: float | None
    """The latest of the ledger's times and of those up to which the process meant to run."""


class Times(Part):
    """A part of the store."""

    def known(self) -> Known:
        recorded = [value for name in _RECORDED if (value := self.number(name)) is not None]
        return Known(self.number(_SIGNED), self.number(_PROVED), max(recorded, default=None))

    def voided(self, issued_s: float, keys: Sequence[str]) -> bool:
        """Whether this word of the site, by these keys, shows that the word before was a lie.

        A key is taken away before its successor signs: one that has signed a later time than its successor has lied.
        """
        signed_s, before = self.number(_SIGNED), self._word(_KEYS)
        if signed_s is None or before is None:
            return False
        return issued_s < signed_s and not set(before.split(",")) <= set(keys)

    def signed(self, issued_s: float, keys: Sequence[str]) -> None:
        """Keep what the site signed; an older time changes nothing."""
        voided, before = self.voided(issued_s, keys), self.number(_SIGNED)
        with self._transaction() as db:
            if voided or before is None or issued_s > before:
                for name in (*_RECORDED, *((_PROVED,) if voided else ())):
                    self._drop(db, name)
                self._keep(db, _SIGNED, repr(issued_s))
                self._keep(db, _KEYS, ",".join(keys))

    def run(self, proved_s: float, ahead_s: float) -> None:
        """Keep how far time has run, and up to when it may run before this is called again."""
        with self._transaction() as db:
            self.rise(db, _PROVED, proved_s)
            self.rise(db, _RECORDED[1], ahead_s)

    def written(self, db: sqlite3.Connection, unix_s: float) -> None:
        """Within a transaction: an entry of the ledger has this time."""
        self.rise(db, _LEDGER, unix_s)

    def number(self, name: str) -> float | None:
        text = self._word(name)
        return None if text is None else float(text)

    def rise(self, db: sqlite3.Connection, name: str, value: float) -> None:
        """Within a transaction: keep the greater number under this name."""
        present = self.number(name)
        if present is None or value > present:
            self._keep(db, name, repr(value))
