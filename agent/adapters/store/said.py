"""What the site has said and must survive a restart: its restrictions, and where events are addressed.

Rules: a restriction stays beside every later version of the same target. A withdrawal that has been carried out is
taken away again, since it names a person: their mark stays (marks.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from agent.adapters.store.part import Part
from agent.crypto import BoxPublic
from agent.events.seal import Addressee
from agent.units import DoorId

_NAME: Final = "addressee"


class Said(Part):
    """A part of the store."""

    def remember(self, path: str, document: bytes) -> None:
        """Keep a verified restriction beside all others, an earlier version of the same target included."""
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO restriction VALUES (?, ?)", (path, document))

    def restrictions(self) -> list[tuple[str, bytes]]:
        """Path and document of each, in the order of their paths."""
        return [
            (path, document) for path, document in self._read("SELECT path, document FROM restriction ORDER BY 1, 2")
        ]

    def carried_out(self, withdrawals: Iterable[tuple[str, bytes]]) -> None:
        """Take away withdrawals, path and document, of people who are erased and marked."""
        with self._transaction() as db:
            db.executemany("DELETE FROM restriction WHERE path = ? AND document = ?", withdrawals)

    def addressee(self) -> Addressee | None:
        """That of the last policy that was adopted; None: there never was one."""
        word = self._word(_NAME)
        if word is None:
            return None
        key, door = word.split()
        return Addressee(BoxPublic(bytes.fromhex(key)), DoorId(door))

    def address(self, addressee: Addressee) -> None:
        with self._transaction() as db:
            self._keep(db, _NAME, f"{addressee.key.hex()} {addressee.door}")
