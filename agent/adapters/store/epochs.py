"""Which epoch of the vault counts, and the data keys that its secret wraps.

Rules: the number here is the truth; it changes in the very transaction that wraps the data keys anew. A new store takes
over the number of its first row. Leaves out: the secrets, and when they are destroyed (app/erasure.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from agent.adapters.store.hidden import Hidden
from agent.adapters.store.part import Part
from agent.errors import VaultError
from agent.units import SubjectId

_EPOCH: Final = "epoch"
_OWED: Final = "epoch_owed"


@dataclass(frozen=True, slots=True)
class Renewal:
    """The step from one epoch to the next."""

    old: int
    new: int
    rewrap: Callable[[SubjectId, bytes], bytes | None]
    """A person's wrapped data key -> the same key, wrapped for the new epoch; None leaves it: it opens no more."""


class Epochs(Part):
    """A part of the store; the first two arguments as for `Part`."""

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
        read: Callable[..., list[Any]],
        names: Hidden,
    ) -> None:
        super().__init__(transaction, read)
        self._names = names

    @property
    def present(self) -> int | None:
        """The epoch whose secret opens the vault; None in a store that never held a row."""
        word = self._word(_EPOCH)
        return None if word is None else int(word)

    @property
    def owed(self) -> bool:
        """A row was deleted or replaced, and the epoch that wrapped its data key still is the present one."""
        return self._word(_OWED) is not None

    def adopt(self, epoch: int) -> None:
        """Take over the first epoch.

        Raises:
            VaultError: the store is at another one.
        """
        with self._transaction() as db:
            self.demand(db, epoch)

    def demand(self, db: sqlite3.Connection, epoch: int) -> None:
        """Within a transaction: this epoch is the present one, or becomes the first.

        Raises:
            VaultError: the store is at another one.
        """
        db.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (_EPOCH, str(epoch)))
        if self.present != epoch:
            raise VaultError("vault: the keys are of another epoch than the store; restore the newest of both")

    def keep(self, db: sqlite3.Connection, subject: SubjectId, epoch: int, wrapped: bytes) -> None:
        """Within a transaction: one person's data key. If it takes an earlier one's place, a new epoch is owed.

        Until it has come, whoever writes to the disk could put the earlier row back in its place.
        """
        self.demand(db, epoch)
        hidden = self._names.hide(subject)
        if db.execute("SELECT 1 FROM data_key WHERE subject = ?", (hidden,)).fetchone():
            self._keep(db, _OWED, "1")
        db.execute("INSERT OR REPLACE INTO data_key VALUES (?, ?, ?)", (hidden, epoch, wrapped))

    def forget(self, db: sqlite3.Connection, subject: SubjectId) -> int | None:
        """Within a transaction: without a data key nothing of the person opens, even before the epoch ends.

        Returns:
            The epoch that the data key was of; None: there was none.
        """
        hidden = self._names.hide(subject)
        row = db.execute("DELETE FROM data_key WHERE subject = ? RETURNING epoch", (hidden,)).fetchone()
        return None if row is None else int(row[0])

    def renew(self, db: sqlite3.Connection, renewal: Renewal | None) -> None:
        """Within a transaction: wrap all data keys for the new epoch, which is then the present one.

        Args:
            renewal: None if there is no new epoch to be had now; then it is owed.
        """
        if renewal is None:
            self._keep(db, _OWED, "1")
            return
        kept = db.execute("SELECT subject, wrapped FROM data_key WHERE epoch = ?", (renewal.old,)).fetchall()
        wrapped = ((renewal.rewrap(self._names.show(subject), key), subject) for subject, key in kept)
        db.executemany(
            "UPDATE data_key SET epoch = ?, wrapped = ? WHERE subject = ?",
            ((renewal.new, key, subject) for key, subject in wrapped if key is not None),
        )
        self._keep(db, _EPOCH, str(renewal.new))
        self._drop(db, _OWED)
