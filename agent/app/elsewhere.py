"""The device's side of enrolment elsewhere: the sealed references that its site publishes for it.

Rules: a few at each check, so that the door never waits long; each is opened and judged by itself, taken once, and kept
with its ledger entry in one transaction; what is not taken is reported once, by its file's name and the fault's, which
tell nothing of the person. Leaves out: what an envelope must be (gallery/envelope.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from agent.adapters.keys import KeySource, epoch_box
from agent.adapters.store import Store
from agent.app.erasure import Erasure
from agent.crypto import box_public, sha256
from agent.errors import DeviceError, VaultError
from agent.gallery.envelope import EnvelopeFault, Recipient, consent_of, open_envelope
from agent.gallery.epoch import epoch_json
from agent.gallery.reference import ModelIdentity
from agent.gallery.vault import VaultContext, VaultKeys, lock
from agent.policy.bundle import VerifiedTarget
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.policy.rules import room_for_one_more

AT_ONCE: Final = 20
"""People taken at one check of the site; the others wait for the next."""


def epoch_document(keys: KeySource, vault: VaultKeys) -> bytes:
    """`epoch.json` of this device, now.

    Args:
        vault: of the store's present epoch.
    """
    return epoch_json(keys.device, vault.epoch, box_public(epoch_box(vault.secret)), keys.sign_secret)


class Deliveries:
    """Takes sealed enrolments into the vault.

    Args:
        model: what makes the probes' templates here, of this length.
        report: told in one line what was not taken, once.
    """

    def __init__(
        self, store: Store, erasure: Erasure, model: ModelIdentity, dimensions: int, report: Callable[[str], None]
    ) -> None:
        self._store, self._erasure, self._model, self._dimensions = store, erasure, model, dimensions
        self._report = report
        self._told: set[tuple[str, str]] = set()
        self._done: set[str] = set()
        """SHA-256 of those that were taken, now or before: they are not read again at every check."""

    def take(self, targets: Sequence[VerifiedTarget], law: Law, unix_s: float) -> bool:
        """Take those that may be taken now, `AT_ONCE` at the most; True if there was one.

        Args:
            unix_s: trusted time.

        Raises:
            DeviceError: the disk.
        """
        taken = 0
        for target in targets:
            taken += taken < AT_ONCE and self._taken(target, law, unix_s)
        return taken > 0

    def _taken(self, target: VerifiedTarget, law: Law, unix_s: float) -> bool:
        digest = sha256(target.data)
        if digest in self._done:
            return False
        consent = consent_of(target.data)
        if consent is not None and self._store.taken.has(consent):
            self._done.add(digest)  # it stays on the server after it was taken, and after an erasure too
            return False
        try:
            keys = self._erasure.vault_keys()
        except (DeviceError, VaultError):
            return self._refused(target, "vault-closed")
        device, secret = self._store.device, epoch_box(keys.secret)
        here = Recipient(device, law.policy.site, keys.epoch, secret, self._model, self._dimensions)
        found = open_envelope(target.data, here, law, unix_s)
        if isinstance(found, EnvelopeFault):
            return self._refused(target, found.value)
        if self._store.taken.on_day(found.issuer, unix_s) >= found.per_day:
            return self._refused(target, "envelope-day-full")
        stock, _ = self._store.people.stock(law.profile.filing_at, unix_s)
        if not room_for_one_more(law, stock):
            return self._refused(target, Ground.STOCK_UNFILED.value)
        if not law.covers(stock, more=1):
            return self._refused(target, Ground.GALLERY_TOO_LARGE.value)
        context = VaultContext(device, law.policy.site, self._model)
        try:
            self._store.put_reference(lock(found.reference, context, keys), unix_s, found.issuer)
        except VaultError:
            return self._refused(target, "envelope-withdrawn")
        return True

    def _refused(self, target: VerifiedTarget, why: str) -> bool:
        if (target.path, why) not in self._told:
            self._told.add((target.path, why))
            self._report(f"{target.path}: not taken ({why}); look at receipt, station and policy, and seal it again")
        return False
