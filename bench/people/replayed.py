"""Receipts and sealed references that come once more to a device that has taken them, and whether one was taken again.

Part of `scripts/prove vault`. Store, keys, vault and erasure are the device's own; each replay is tried in the process
that took the first and in one that was started anew. Only template and time are made up.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from agent.adapters.keys import PlainKeys, vault_keys
from agent.adapters.store import Store
from agent.app.elsewhere import Deliveries, epoch_document
from agent.app.erasure import Erasure
from agent.crypto import sign_public
from agent.errors import VaultError
from agent.gallery.consent import transmissible
from agent.gallery.envelope import envelope_name, seal_reference
from agent.gallery.epoch import read_epoch
from agent.gallery.retention import Ended
from agent.gallery.vault import VaultContext, lock
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.law import Law
from agent.units import SubjectId
from bench.people.hostile import Attempt
from tests.gallery.given import DEVICE, ISSUER, LENGTH, MODEL, SITE, reference, vector
from tests.policy.given import NOW_S, document, iso

PEOPLE: Final = 60
REPLAYS: Final = PEOPLE * 8
"""At least so many attempts."""


def replays(people: int = PEOPLE) -> Iterator[Attempt]:
    """For each person: taken once, replayed, erased, replayed.

    Raises:
        AssertionError: what comes for the first time is not taken: then the rest proves nothing.
    """
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        device = _Device(Path(folder))
        with closing(device.store):
            for number in range(people):
                yield from device.person(number)


class _Device:
    def __init__(self, folder: Path) -> None:
        self.keys = PlainKeys.create(folder / "keys.json", DEVICE)
        self.store = Store.open(folder / "store.sqlite", site=SITE, device=DEVICE, ledger_key=self.keys.ledger_key)
        self.erasure = Erasure(self.store, self.keys, lambda line: None)
        self.erasure.settle(NOW_S)
        grant = {"doors": ["main"], "purposes": ["resident-entry"], "per_day": 10_000}
        entry = {"key": sign_public(ISSUER).hex(), "until": iso(NOW_S + 1000), "elsewhere": grant}
        fields = document(enrolment_keys=[entry])
        self.law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, json.dumps(fields).encode()), DEVICE))
        self.renew()

    def renew(self) -> None:
        """As a new start of the process."""
        self.deliveries = Deliveries(self.store, self.erasure, MODEL, LENGTH, lambda line: None)

    def sealed(self, subject: str, seed: int, **changes: Any) -> VerifiedTarget:
        """Sealed for the epoch of now."""
        made = reference(subject, vector(seed), transmission_consent=True, **changes)
        leave = transmissible(made.consent)
        assert leave is not None
        told = epoch_document(self.keys, self.erasure.vault_keys())
        epoch = read_epoch(told, {DEVICE: sign_public(self.keys.sign_secret)})
        data = seal_reference(made, leave, epoch, ISSUER)
        return VerifiedTarget("enrolment", f"enrolment/{envelope_name(data, DEVICE)}", data)

    def takes(self, target: VerifiedTarget) -> bool:
        return self.deliveries.take([target], self.law, NOW_S)

    def keeps(self, subject: str, seed: int, **changes: Any) -> bool:
        """Enrolled at the device itself, on a receipt of this pseudonym."""
        made, keys = reference(subject, vector(seed), **changes), vault_keys(self.keys, self.store.epochs.present or 0)
        try:
            self.store.put_reference(lock(made, VaultContext(DEVICE, SITE, MODEL), keys), NOW_S)
        except VaultError:
            return False
        return True

    def person(self, number: int) -> Iterator[Attempt]:
        name = f"p-{number}"
        first, again = self.sealed(name, number), self.sealed(name, number + 10_000)
        assert self.takes(first)
        yield from self._tried("sealed reference: once more", first)
        yield from self._tried("sealed reference: sealed anew from the same receipt", again)
        ended = Ended.WITHDRAWN if number % 2 else Ended.UNTIL
        self.erasure.erase({SubjectId(name): ended}, NOW_S)
        yield from self._tried("sealed reference: once more after an erasure", first)
        yield from self._tried("sealed reference: of the old receipt, for the new epoch", self.sealed(name, number))
        if ended is Ended.WITHDRAWN:
            fresh = self.sealed(name, number, id=f"c-again-{number}")
            yield from self._tried("sealed reference: a new receipt after a withdrawal", fresh)
            yield Attempt("receipt: the old one after a withdrawal", self.keeps(name, number))
            yield Attempt("receipt: a new one after a withdrawal", self.keeps(name, number, id=f"c-new-{number}"))

    def _tried(self, kind: str, target: VerifiedTarget) -> Iterator[Attempt]:
        yield Attempt(kind, self.takes(target))
        self.renew()
        yield Attempt(kind, self.takes(target))
