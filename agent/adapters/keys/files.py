"""Epochs' secrets as files in the state folder: what backends without a chip of their own have.

Each file is one secret, encrypted under the device's epoch key and bound to device and number. Destroyed means
overwritten, synced and unlinked: gone for whoever reads the disk, but an older image of the whole disk, or a worn block
of flash, may still hold it. So the strength is `best-effort`.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from agent.adapters.keys.source import KEY_BYTES, Lasting
from agent.adapters.keys.whole import overwrite, write_whole
from agent.crypto import decrypt, encrypt, random_bytes
from agent.errors import DeviceError, VaultError

_NAME: Final = re.compile(r"([1-9][0-9]{0,17})\.key")


class FileEpochs:
    """Implements `EpochKeys` over a folder, which is made at the first `begin`."""

    def __init__(self, folder: Path, lasting: Lasting) -> None:
        self._folder: Final = folder
        self._device, self._key = lasting.device, lasting.epoch_key

    def known(self) -> AbstractSet[int]:
        try:
            names = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise DeviceError(f"{self._folder}: {error.strerror}; check the folder and its owner") from None
        return frozenset(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))

    @property
    def present(self) -> int:
        known = self.known()
        if not known:
            raise VaultError(
                f"{self._folder}: holds no epoch's secret; restore it, or make a new device and enrol again"
            )
        return max(known)

    def secret(self, epoch: int) -> bytes:
        path = self._path(epoch)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise VaultError(
                f"{path}: the secret of this epoch was destroyed by an erasure; restore the newest store, or move the "
                "store away and enrol again"
            ) from None
        except OSError as error:
            raise DeviceError(f"{path}: {error.strerror}; check the folder, its owner and the disk") from None
        secret = decrypt(self._key, data, self._bound(epoch))
        if secret is None:
            raise VaultError(f"{path}: is damaged or another device's; restore it, or enrol again")
        return secret

    def begin(self) -> int:
        epoch = max(self.known(), default=0) + 1
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if self._folder.is_symlink():
                raise DeviceError(f"{self._folder}: is a link; see who has put it there, and take it away")
        except OSError as error:
            raise DeviceError(f"{self._folder}: {error.strerror}; check the folder, its owner and the disk") from None
        write_whole(self._path(epoch), encrypt(self._key, random_bytes(KEY_BYTES), self._bound(epoch)), 0o600)
        return epoch

    def destroy(self, epoch: int) -> None:
        overwrite(self._path(epoch))

    def _path(self, epoch: int) -> Path:
        return self._folder / f"{epoch}.key"

    def _bound(self, epoch: int) -> bytes:
        return b"doorward/epoch/1\x00" + epoch.to_bytes(8, "big") + self._device.encode()
