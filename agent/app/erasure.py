"""Erasing people so that no copy of the vault brings them back, in an order that a crash at any point leaves whole.

1. A secret for the next epoch is made beside the present one.
2. One transaction: tombstones, deletions, ledger entries, all other data keys wrapped anew, the number of the epoch.
3. The WAL is cut; the erased are marked in the list beside the keys.
4. The old secret is destroyed.

The store's number is the truth. Before the commit of 2 the person is there, whole; after it, gone; and every start
finishes what was cut off: every secret but that of the store's epoch is destroyed. A store whose own secret is gone is
an old copy: it is erased again of whoever is marked, nothing of it opens, and no secret is touched, for they belong to
the newer store. Faults of the keys are told and tried again; the deletion of 2 does not wait for them.
Leaves out: who is erased, and why (standing.py, custody.py), and the receipts (custody.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agent.adapters.keys import KeySource, vault_keys
from agent.adapters.store import Renewal, Store
from agent.errors import DeviceError, VaultError
from agent.gallery.retention import Ended
from agent.gallery.tombstone import tombstone
from agent.gallery.vault import VaultKeys, rewrap
from agent.ledger.erasure import Close
from agent.units import SubjectId


class Erasure:
    """Keeps one store and one key source in step.

    Args:
        report: told about keys that fail, in one line.
    """

    def __init__(self, store: Store, keys: KeySource, report: Callable[[str], None]) -> None:
        self._store, self._keys, self._report = store, keys, report
        self._unfinished = self._stale = False
        """Something is still to be done; the store is an old copy, for which nothing can be done."""
        self._fault: DeviceError | VaultError | None = None

    def settle(self, unix_s: float | None) -> None:
        """At start, before anything is read from the vault: finish what was cut off, and erase again who is marked.

        Keys that fail do not stop the process: nobody is recognised, and passes go on.

        Raises:
            DeviceError, VaultError: the store's own.
        """
        try:
            if self._store.epochs.present is None:
                epochs = self._keys.epochs
                self._store.epochs.adopt(epochs.present if epochs.known() else epochs.begin())
            marks, owed = self._keys.erased.read(), self._store.epochs.owed and self._opens()
            self._keys.erased.add(self._store.marks.all())
        except (DeviceError, VaultError) as error:
            self._fault = error  # who was erased is not known
            return
        again = [row.subject for row in self._store.references() if self._mark(row.subject) in marks]
        if again or owed:
            self.erase(dict.fromkeys(again, Ended.WITHDRAWN), unix_s)
        else:
            self._finish()

    def erase(self, ended: Mapping[SubjectId, Ended], unix_s: float | None, close: Close | None = None) -> None:
        """Erase these people; when this returns they are gone from the store, whatever the keys do.

        Args:
            close: makes the receipts; None where they were made before.

        Raises:
            DeviceError, VaultError: the store's own; then nobody is erased.
        """
        self._store.erase(ended, unix_s, self._renewal(), close)
        self._finish(marked=self._mark_erased())

    def purge(self) -> None:
        """Write what was deleted out of the store's pages, now or, while somebody reads the file, by `retry`."""
        self._unfinished |= not self._store.purge()

    def retry(self, unix_s: float | None) -> None:
        """Try again what the keys or a reader of the store have held up; costs nothing when nothing is."""
        if not self._unfinished:
            return
        marked = self._mark_erased()
        if self._store.epochs.owed and not self._stale:
            self.erase({}, unix_s)
        else:
            self._finish(marked=marked)

    def vault_keys(self) -> VaultKeys:
        """What opens the vault now.

        Raises:
            VaultError: the store is an old copy, or who was erased is not known.
            DeviceError: the disk or the TPM failed.
        """
        if self._fault is not None:
            raise self._fault
        return vault_keys(self._keys, self._store.epochs.present or self._keys.epochs.present)

    def _renewal(self) -> Renewal | None:
        """The step to a new epoch, its secret made; None when there is none to be had."""
        present = self._store.epochs.present
        try:
            if present is None or not self._opens():
                return None
            old = vault_keys(self._keys, present)
            new = vault_keys(self._keys, self._keys.epochs.begin())
        except (DeviceError, VaultError) as error:
            self._report(str(error))
            self._unfinished = True
            return None
        device, gallery = self._store.device, self._store.site
        return Renewal(
            old.epoch,
            new.epoch,
            lambda subject, key: rewrap(key, old, new, device=device, gallery=gallery, subject=subject),
        )

    def _finish(self, *, marked: bool = True) -> None:
        """Cut the WAL and destroy every secret but the present epoch's, if that one is here."""
        purged, destroyed = self._store.purge(), self._kept(self._destroy_others)
        self._unfinished = not (purged and destroyed and marked) or (self._store.epochs.owed and not self._stale)

    def _destroy_others(self) -> None:
        known, present = self._keys.epochs.known(), self._store.epochs.present
        self._stale = present not in known
        for epoch in () if self._stale else sorted(known - {present}):
            self._keys.epochs.destroy(epoch)

    def _mark_erased(self) -> bool:
        return self._kept(lambda: self._keys.erased.add(self._store.marks.all()))

    def _opens(self) -> bool:
        return self._store.epochs.present in self._keys.epochs.known()

    def _kept(self, write: Callable[[], None]) -> bool:
        try:
            write()
        except (DeviceError, VaultError) as error:
            self._report(str(error))
            self._unfinished = True
            return False
        return True

    def _mark(self, subject: SubjectId) -> bytes:
        return tombstone(self._keys.ledger_key, subject)
