"""From which consents somebody was enrolled here: so that a sealed enrolment is taken once, and not after an erasure.

Rules: a consent is known by a mark under the device's ledger key, which tells nothing without it. Leaves out: who it
was.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from typing import Any, Final

from agent.errors import VaultError
from agent.units import ConsentId

_DAY_S: Final = 86_400


class Taken:
    """A part of the store.

    Args:
        key: 32 bytes; of the ledger.
        read: runs a query.
    """

    def __init__(self, key: bytes, read: Callable[..., list[Any]]) -> None:
        self._key, self._read = key, read

    def has(self, consent: ConsentId) -> bool:
        """Somebody was enrolled from this consent, here or elsewhere, erased since or not."""
        return bool(self._read("SELECT 1 FROM taken WHERE mark = ?", self._mark(consent)))

    def on_day(self, issuer: str, unix_s: float) -> int:
        """How many this key has enrolled from elsewhere on that day (UTC)."""
        count = self._read("SELECT count(*) FROM taken WHERE issuer = ? AND day = ?", issuer, int(unix_s // _DAY_S))
        return int(count[0][0])

    def put(self, db: sqlite3.Connection, consent: ConsentId, unix_s: float | None, issuer: str | None) -> None:
        """Within a transaction.

        Raises:
            VaultError: an enrolment from elsewhere, of a consent that was used before.
        """
        day = None if issuer is None or unix_s is None else int(unix_s // _DAY_S)
        row = (self._mark(consent), issuer, day)
        if not db.execute("INSERT OR IGNORE INTO taken VALUES (?, ?, ?)", row).rowcount and issuer is not None:
            raise VaultError("vault: somebody was enrolled from this consent before; have a new receipt issued")

    def _mark(self, consent: ConsentId) -> bytes:
        return hashlib.blake2b(consent.encode(), digest_size=16, key=self._key, person=b"doorward/taken").digest()
