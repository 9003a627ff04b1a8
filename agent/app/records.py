"""What a stopped device holds on its people: the list, who are alike, one person's record, a withdrawal at the device.

Rules: no network: what the site published last and this device verified is what counts. A withdrawal takes neither a
policy nor a trusted clock. No template leaves. Leaves out: words and files (the commands).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any

from agent.adapters.clock import SystemClock
from agent.adapters.store import Store, read_ledger
from agent.app.authority import follow
from agent.app.config import DeviceConfig
from agent.app.custody import Custody
from agent.app.erasure import Erasure
from agent.app.standing import Standing
from agent.app.stopped import open_store
from agent.app.timekeeping import hear, trusted_clock
from agent.errors import ConfigError, LinkError, VaultError
from agent.gallery.alike import Looked, look_over
from agent.gallery.reference import ModelIdentity
from agent.gallery.retention import DAY_S, Ended, Stay, end, ended
from agent.gallery.vault import VaultContext, consent_of, unlock
from agent.ledger.entry import Decided, Enrolled, Withdrawn, commitment, decode, salt
from agent.policy.bundle import PolicyDocument, utc
from agent.policy.filing import filing_advice
from agent.policy.proof import SOON_DAYS
from agent.units import SubjectId


@unique
class State(StrEnum):
    IN_FORCE = "in-force"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    UNREADABLE = "unreadable"
    """The row does not open with this device's keys."""


@dataclass(frozen=True, slots=True, repr=False)
class Listed:
    """One person; None: not known, not used, or no end."""

    subject: SubjectId
    state: State
    stay: Stay | None
    ends_s: float | None
    why: Ended | None
    """Why the stay ends, or has ended."""
    days_left: int | None


class Records:
    """Made by `open_records`."""

    def __init__(
        self, store: Store, erasure: Erasure, custody: Custody, standing: Standing, unix_s: float | None
    ) -> None:
        self._store, self._erasure, self._custody, self._standing = store, erasure, custody, standing
        self.unix_s = unix_s
        """Trusted time; None: not trusted, and then everybody counts as expired."""

    @property
    def withdrawn(self) -> int:
        """How many have withdrawn; who they were is no longer known here."""
        return len(self._store.marks.all())

    @property
    def filing(self) -> str | None:
        """See `filing_advice`."""
        law = self._standing.law
        if law is None:
            return None
        people, crossed_s = self._store.people.stock(law.profile.filing_at, self.unix_s)
        return filing_advice(people, law.profile.filing_at, law.policy.document.filing, crossed_s)

    def people(self) -> list[Listed]:
        stays = self._custody.stays()
        return [self._listed(subject, stays.get(subject)) for subject in self._store.people.uses()]

    def look_over(self, opened: Callable[[int], None], seen: Callable[[int], None]) -> tuple[Looked, int]:
        """Compare everybody here with everybody else, at the threshold that an enrolment is compared at.

        Args:
            opened: told after each row that is opened.
            seen: told how many more references are compared.

        Returns:
            What was found, and how many rows did not open.

        Raises:
            ConfigError: no policy was ever verified here, so nobody knows the threshold.
            VaultError: the rows are of several models.
        """
        document = self._document()
        if document is None:
            raise ConfigError("policy: none was verified on this device; let it reach its site once, then check again")
        keys, found, shut = self._erasure.vault_keys(), [], 0
        for row in self._store.references():
            model = ModelIdentity(row.model_sha256, row.runtime)
            try:
                found.append(unlock(row, VaultContext(self._store.device, self._store.site, model), keys))
            except VaultError:
                shut += 1
            opened(1)
        return look_over(found, document.operating_point.threshold, seen), shut

    def withdraw(self, subject: SubjectId) -> bytes:
        """Erase a person for good; the erasure receipt.

        Raises:
            ConfigError: done before; the receipt was made then.
            DeviceError: the disk.
        """
        receipts = self._custody.withdraw([subject], self.unix_s)
        if not receipts:
            raise ConfigError("--subject: has withdrawn here before; the receipt of then stands, and nothing is stored")
        return receipts[0]

    def record(self, subject: SubjectId) -> dict[str, Any]:
        """All that is stored on a person, as JSON can write it; of the template only that it is there.

        Raises:
            ConfigError: nothing is stored.
            VaultError: the person's row does not open.
        """
        row = next((each for each in self._store.references() if each.subject == subject), None)
        secret, use = self._store.marks.secret(subject), self._store.people.uses().get(subject)
        if row is None and secret is None:
            raise ConfigError("--subject: nothing is stored on this person on this device; check the pseudonym")
        held: dict[str, Any] | None = None
        if row is not None and use is not None:
            listed = self._listed(subject, self._custody.stays().get(subject))
            held = {
                "receipt": json.loads(consent_of(row, self._erasure.vault_keys()).receipt),
                "enrolled": _text(use.enrolled_s),
                "last_use": _text(use.last_use_s),
                "state": listed.state.value,
                "ends": _text(listed.ends_s),
                "template": {
                    "kept": "encrypted on this device; it is not given out",
                    "model_sha256": row.model_sha256,
                    "runtime": row.runtime,
                    "epoch": row.epoch,
                },
            }
        return {
            "schema": "doorward/export/1",
            "site": self._store.site,
            "device": self._store.device,
            "subject": subject,
            "made": _text(self.unix_s),
            "enrolment": held,
            "ledger": [] if secret is None else self._entries(subject, secret),
        }

    def _entries(self, subject: SubjectId, secret: bytes) -> list[dict[str, Any]]:
        """The ledger's entries that concern this person, opened by their secret."""
        found: list[dict[str, Any]] = []
        with read_ledger(self._store.path) as copy:
            for position, data in copy.entries:
                entry = decode(data)
                if isinstance(entry, Decided | Enrolled | Withdrawn) and entry.subject == commitment(
                    salt(secret, position), subject
                ):
                    found.append({"position": position, **json.loads(data), "subject": subject})
        return found

    def _listed(self, subject: SubjectId, stay: Stay | None) -> Listed:
        if stay is None:
            return Listed(subject, State.UNREADABLE, None, None, None, None)
        document = self._document()
        ends_s, why = end(stay, None if document is None else document.retention)
        if self.unix_s is None:
            return Listed(subject, State.EXPIRED, stay, ends_s, None, None)
        left = int((ends_s - self.unix_s) // DAY_S)
        gone = ended(stay, document, self.unix_s, fresh=True)
        if gone is not None:
            return Listed(subject, State.EXPIRED, stay, ends_s, gone, min(left, 0))
        return Listed(subject, State.EXPIRING if left < SOON_DAYS else State.IN_FORCE, stay, ends_s, why, left)

    def _document(self) -> PolicyDocument | None:
        law = self._standing.law
        return None if law is None else law.policy.document


@contextmanager
def open_records(config: DeviceConfig, report: Callable[[str], None]) -> Iterator[Records]:
    """The records of a stopped device, under the last law that was verified here, if there was one.

    Raises:
        ConfigError: the recogniser runs, or the keys are another device's.
        VaultError, DeviceError: keys or store cannot be used.
    """

    def unreachable(path: str, limit: int) -> bytes | None:
        raise LinkError("site: is not asked by this command")

    with open_store(config) as (keys, store):
        clock, trusted = SystemClock(), trusted_clock(store)
        erasure = Erasure(store, keys, report)
        custody = Custody(store, keys, erasure, report)
        erasure.settle(trusted.now(clock.unix_s(), clock.monotonic_ns()))
        standing = Standing(store, custody, lambda: None, report)
        try:
            verified = follow(config.state / "tuf", config.site.root_sha256, unreachable).load()
        except LinkError:
            verified = None  # this device never heard of its site
        if verified is not None:
            hear(verified, trusted, store, clock.monotonic_ns())
        now_s = trusted.now(clock.unix_s(), clock.monotonic_ns())
        if verified is not None:
            standing.take(verified, now_s)
        yield Records(store, erasure, custody, standing, now_s)


def _text(unix_s: float | None) -> str | None:
    return None if unix_s is None else utc(unix_s).isoformat(timespec="seconds")
