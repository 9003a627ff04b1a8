"""A device with people in its vault, which can be started, erased from, copied, killed and searched for remains.

The people are directions of their own with signed receipts; keys, store and erasure are those of the agent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from agent.adapters.keys import CredentialKeys, KeySource, PlainKeys, TpmKeys
from agent.adapters.keys.source import new_document
from agent.adapters.store import Store
from agent.app.erasure import Erasure
from agent.errors import VaultError
from agent.face.probe import ProbeTemplate
from agent.gallery.reference import Reference, average
from agent.gallery.retention import Ended
from agent.gallery.vault import Rotation, VaultContext, VaultKeys, VaultRow, lock, unlock
from agent.policy.frames import Permit
from agent.units import SubjectId, Vector
from tests.app.kills import killed
from tests.gallery.given import DEVICE, MODEL, SITE, consent, permit, vector
from tests.policy.given import NOW_S

CONTEXT: Final = VaultContext(DEVICE, SITE, MODEL)
LENGTH: Final = 512
WATCHED: Final = ("/agent/app/erasure", "/agent/adapters/keys/", "/agent/adapters/store/")
"""Code in which a kill is tried at any line."""
BACKENDS: Final = ("plain", "systemd-credentials", "tpm2")


@cache
def _permit() -> Permit:
    return permit()


def probe(of: Vector) -> ProbeTemplate:
    return ProbeTemplate(of, _permit())


def person(number: int) -> SubjectId:
    return SubjectId(f"p-{number}")


def rows(numbers: Iterable[int], keys: VaultKeys, length: int = LENGTH) -> Iterable[VaultRow]:
    """A sealed row for each of these people."""
    turn = Rotation(keys.gallery, CONTEXT.rotation, length)
    for number in numbers:
        template = average([probe(vector(number, length))] * 5, MODEL)
        yield lock(Reference(template, consent(person(number))), CONTEXT, keys, turn)


class VaultDevice:
    """One state folder and its keys; each method opens what it needs and closes it again, as a process would.

    Args:
        folder: new; holds `state`, and `credentials` for that backend.
        backend: one of `BACKENDS`.
        tcti: of a running TPM; for tpm2 only.
    """

    def __init__(self, folder: Path, backend: str = "plain", tcti: str | None = None) -> None:
        self.state, self.backend, self.tcti = folder / "state", backend, tcti
        self._given = folder / "credentials"
        self.said: list[str] = []
        self.state.mkdir(mode=0o700, parents=True)
        if backend == "plain":
            PlainKeys.create(self.state / "keys.json", DEVICE)
        elif backend == "tpm2":
            TpmKeys.create(self.state / "tpm.json", DEVICE, tcti)
        else:
            self._given.mkdir()
            (self._given / "doorward-keys").write_bytes(new_document(DEVICE))
            CredentialKeys.open(self.state, str(self._given)).epochs.begin()

    def keys(self, state: Path | None = None) -> KeySource:
        """The keys, or those of a copy of the state folder."""
        state = state or self.state
        if self.backend == "plain":
            return PlainKeys.open(state / "keys.json", insecure_dev=True)
        if self.backend == "tpm2":
            return TpmKeys.open(state / "tpm.json", self.tcti)
        return CredentialKeys.open(state, str(self._given))

    def store(self, state: Path | None = None) -> Store:
        path = (state or self.state) / "store.sqlite"
        return Store.open(path, site=SITE, device=DEVICE, ledger_key=self.keys().ledger_key)

    def enrol(self, numbers: Iterable[int], watch: Callable[[], object] = lambda: None) -> None:
        """Enrol these people, without waiting for the disk each time."""
        with closing(self.store()) as store:
            keys = self.erasure(store).vault_keys()
            store._db.execute("PRAGMA synchronous = OFF")
            for row in rows(numbers, keys):
                store.put_reference(row, NOW_S)
                watch()

    def start(self) -> tuple[int | None, list[SubjectId] | None]:
        """What a start finds: the epoch, and whom the vault opens to; None when it does not open."""
        with closing(self.store()) as store:
            erasure = self.erasure(store)
            erasure.settle(NOW_S)
            try:
                keys = erasure.vault_keys()
                found = [unlock(row, CONTEXT, keys).consent.subject for row in store.references()]
            except VaultError as error:
                self.said.append(str(error))
                return store.epochs.present, None
            return store.epochs.present, found

    def erase(self, numbers: Collection[int]) -> None:
        with closing(self.store()) as store:
            self.erasure(store).erase(dict.fromkeys(map(person, numbers), Ended.WITHDRAWN), NOW_S)

    def killed(self, numbers: Collection[int], at: int | None) -> int | None:
        """Erase in a process that is killed at this line; None: how many lines there are."""

        def work(begin: Callable[[], None]) -> None:
            erasure = self.erasure(self.store())
            begin()
            erasure.erase(dict.fromkeys(map(person, numbers), Ended.WITHDRAWN), NOW_S)

        return killed(work, WATCHED, at)

    def remains(self, traces: Iterable[bytes], state: Path | None = None) -> int:
        """How many of these byte strings are still on the disk, by any window of 16 bytes in steps of 8."""
        files = [path.read_bytes() for path in (state or self.state).rglob("*") if path.is_file()]
        disk = b"\x00".join(files)
        return sum(any(trace[at : at + 16] in disk for at in range(0, len(trace) - 15, 8)) for trace in traces)

    def traces(self, numbers: Collection[int]) -> list[bytes]:
        """What lies on the disk of each of these people now: their sealed row and wrapped key."""
        wanted = {person(number) for number in numbers}
        with closing(self.store()) as store:
            return [row.sealed + row.wrapped for row in store.references() if row.subject in wanted]

    def erasure(self, store: Store) -> Erasure:
        return Erasure(store, self.keys(), self.said.append)
