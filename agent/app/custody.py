"""The people kept on this device: who is due to go, and how they go.

Rules: each erasure leaves a receipt that this device signed, sealed to the site in the outbox, and its hash in the
ledger, in the same transaction. A row that cannot be opened is left as it is: nobody may erase by a wrong key. It is
time to look when the earliest end is reached, when the law is another one, and once a day; receipts are read once.
Leaves out: how long is long enough (gallery/retention.py), who has withdrawn (standing.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Final

from agent.adapters.keys import KeySource
from agent.adapters.store import Store
from agent.errors import VaultError
from agent.events.bodies import EraseStrength
from agent.events.seal import seal_erasure
from agent.gallery.retention import DAY_S, Agreed, Ended, Stay, end, ended
from agent.gallery.vault import consent_of
from agent.ledger.erasure import Close, Closed, make_erasure
from agent.policy.law import Law
from agent.units import ConsentId, SubjectId

_PURGE_S: Final = 60.0


class Custody:
    """Knows the people of one store, and erases them.

    Args:
        report: told in one line about rows that do not open.
    """

    def __init__(self, store: Store, keys: KeySource, report: Callable[[str], None]) -> None:
        self._store, self._keys, self._report = store, keys, report
        self._agreed: dict[tuple[SubjectId, ConsentId], Agreed] = {}
        self._shut: set[tuple[SubjectId, ConsentId]] = set()
        """Rows that do not open."""
        self._told: set[str] = set()
        self._looked: tuple[Law | None, bool] | None = None
        """Under which law, fresh or not, it was looked the last time."""
        self._again_s = self._shorten_s = self._purge_s = -inf
        self._purged = False
        """Nothing that was erased is left in the disk's pages; a process may have died before it was sure of that."""
        self.oldest_s: float | None = None
        """When the oldest template was made, as of the last look; None: there is none."""
        self.next_s: float | None = None
        """When the next person is due to go by themselves; None: nobody is kept."""

    def withdraw(self, subject: SubjectId, unix_s: float | None) -> bytes | None:
        """Erase a person for good; the receipt, or None if this was done before.

        Raises:
            DeviceError: the disk; nothing was done, or all.
        """
        receipts: list[bytes] = []
        self._purged = self._store.withdraw(subject, unix_s, self._close(unix_s, receipts))
        self._again_s = -inf
        return receipts[0] if receipts else None

    def sweep(self, law: Law | None, unix_s: float, *, fresh: bool) -> bool:
        """Erase everybody whose time is over, when it is time to look.

        Args:
            fresh: the site's lease is in force.

        Returns:
            Whether anybody was erased.

        Raises:
            DeviceError: the disk; nothing was done, or all, and it is looked at again.
        """
        if not self._purged and unix_s >= self._purge_s:  # while somebody reads the file, it waits for them
            self._purge_s = unix_s + _PURGE_S
            self._purged = self._store.purge()
        if (law, fresh) == self._looked and unix_s < self._again_s:
            return False
        document = None if law is None else law.policy.document
        stays = self.stays()
        due = {
            subject: reason
            for subject, stay in stays.items()
            if (reason := ended(stay, document, unix_s, fresh=fresh)) is not None
        }
        if due:
            self._purged = self._store.expire(due, unix_s, self._close(unix_s, []))
        left = [stay for subject, stay in stays.items() if subject not in due]
        ends = [end(stay, None if document is None else document.retention)[0] for stay in left]
        self.oldest_s = min((stay.enrolled_s or stay.agreed.given_s for stay in left), default=None)
        self.next_s = min(ends, default=None)
        over_s = inf if document is None else document.until.timestamp()
        self._looked, self._again_s = (law, fresh), min(*ends, unix_s + DAY_S, over_s if over_s > unix_s else inf)
        return bool(due)

    def shorten(self, law: Law, unix_s: float) -> None:
        """Drop what of the ledger is older than the policy keeps it; once a day.

        Raises:
            DeviceError: the disk; it is tried again.
        """
        if unix_s >= self._shorten_s:
            self._store.shorten(law.policy.document.retention.ledger_days, self._keys.sign_secret, unix_s)
            self._shorten_s = unix_s + DAY_S

    def stays(self) -> Mapping[SubjectId, Stay]:
        """Everybody whose row opens, by pseudonym."""
        uses = self._store.people.uses()
        named = {(subject, use.consent_id) for subject, use in uses.items()}
        if not named <= self._agreed.keys() | self._shut:
            self._read()
        self._agreed = {name: agreed for name, agreed in self._agreed.items() if name in named}
        return {
            subject: Stay(self._agreed[subject, use.consent_id], use.enrolled_s, use.last_use_s)
            for subject, use in uses.items()
            if (subject, use.consent_id) in self._agreed
        }

    def _read(self) -> None:
        for row in self._store.references():
            name = (row.subject, row.consent_id)
            if name in self._agreed or name in self._shut:
                continue
            try:
                self._agreed[name] = Agreed.of(consent_of(row, self._keys.vault_keys))
            except VaultError as error:
                self._shut.add(name)
                if str(error) not in self._told:  # a wrong key fits no row: that is one line, not ten thousand
                    self._told.add(str(error))
                    self._report(str(error))

    def _close(self, unix_s: float | None, receipts: list[bytes]) -> Close:
        addressee = self._store.said.addressee()

        def close(subject: SubjectId, reason: Ended, epoch: int | None, sequence: int) -> Closed:
            receipt = make_erasure(
                subject,
                reason,
                site=self._store.site,
                device=self._store.device,
                unix_s=unix_s,
                epoch=epoch,
                erase_strength=EraseStrength(self._keys.erase_strength),
                secret=self._keys.sign_secret,
            )
            receipts.append(receipt)
            if addressee is None:
                return Closed(receipt, None)
            return Closed(receipt, seal_erasure(
                receipt, unix_s=unix_s, sequence=sequence, site=self._store.site, device=self._store.device,
                addressee=addressee, sign_secret=self._keys.sign_secret,
            ))  # fmt: skip

        return close
