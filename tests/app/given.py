"""A device's keys for its store, and what stands over a store with them."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path

from agent.adapters.keys import KEY_BYTES, ErasedMarks, Lasting, PlainKeys
from agent.adapters.store import Store
from agent.app.custody import Custody
from agent.app.erasure import Erasure
from agent.app.standing import MakeGallery, Standing
from agent.crypto import BoxSecret, SignSecret, random_bytes
from agent.errors import VaultError
from agent.units import DeviceId
from tests.gallery.given import KEYS as VAULT_KEYS

SIGNER = SignSecret(b"\x05" * 32)


class EpochsInMemory:
    """Implements `EpochKeys`; the first secret is the one that the tests' rows are wrapped by."""

    def __init__(self) -> None:
        self._secrets = {VAULT_KEYS.epoch: VAULT_KEYS.secret}

    def known(self) -> AbstractSet[int]:
        return frozenset(self._secrets)

    @property
    def present(self) -> int:
        return max(self._secrets)

    def secret(self, epoch: int) -> bytes:
        if epoch not in self._secrets:
            raise VaultError("the secret of this epoch was destroyed")
        return self._secrets[epoch]

    def begin(self) -> int:
        epoch = self.present + 1
        self._secrets[epoch] = random_bytes(KEY_BYTES)
        return epoch

    def destroy(self, epoch: int) -> None:
        self._secrets.pop(epoch, None)


_EPOCHS: dict[Path, EpochsInMemory] = {}
"""By the folder of the store: they outlast its process."""


def keys(folder: Path, device: DeviceId) -> PlainKeys:
    """The keys of the device whose store is in this folder."""
    lasting = Lasting(device, SIGNER, BoxSecret(b"\x04" * 32), VAULT_KEYS.gallery, b"\x06" * 32, b"\x09" * 32)
    return PlainKeys(
        lasting, _EPOCHS.setdefault(folder, EpochsInMemory()), ErasedMarks(folder / "erased", lasting.ledger_key)
    )


def custody(store: Store, report: Callable[[str], None]) -> Custody:
    held = keys(store.path.parent, store.device)
    return Custody(store, held, Erasure(store, held, report), report)


def standing(store: Store, gallery: MakeGallery, report: Callable[[str], None]) -> Standing:
    return Standing(store, custody(store, report), gallery, report)
