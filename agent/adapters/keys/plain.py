"""Keys in a plain file, for desktops and tests: whoever reads the state folder has the keys.

It refuses to work unless the device config says `insecure_dev = true`. Rules: the file is made once, whole, readable by
its owner only, and never overwritten. CPython cannot wipe memory; the process switches core dumps off (app).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from agent.adapters.keys.erased import ErasedMarks
from agent.adapters.keys.files import FileEpochs
from agent.adapters.keys.source import DeviceKeys, EraseStrength, new_document, read_document
from agent.adapters.keys.whole import write_whole
from agent.errors import VaultError
from agent.units import DeviceId


class PlainKeys(DeviceKeys):
    """Secrets out of a plain file; implements `KeySource`. The epochs and the erased lie beside the file."""

    __slots__ = ()
    backend: Final = "plain"
    erase_strength: Final[EraseStrength] = "best-effort"

    @classmethod
    def create(cls, path: Path, device: DeviceId) -> PlainKeys:
        """Make new keys and the first epoch, and write them; an existing file is never replaced.

        Raises:
            VaultError: there is a key file already.
            DeviceError: the file cannot be written.
        """
        if path.exists():
            raise VaultError(f"{path}: keys exist already and were left as they are; use another state folder")
        write_whole(path, new_document(device), 0o600)
        made = cls.open(path, insecure_dev=True)
        made.epochs.begin()
        return made

    @classmethod
    def open(cls, path: Path, *, insecure_dev: bool) -> PlainKeys:
        """Read the keys.

        Raises:
            VaultError: plain keys are not allowed, the file is missing or malformed, or others can read it.
        """
        if not insecure_dev:
            raise VaultError(
                f"{path}: plain keys are for a desktop: set insecure_dev = true under [device], or use sealed keys"
            )
        try:
            if os.stat(path).st_mode & 0o077:
                raise VaultError(f"{path}: others than its owner can read the keys; chmod 600, or make new keys")
            lasting = read_document(path.read_bytes(), str(path))
        except OSError as error:
            raise VaultError(f"{path}: {error.strerror}; make the device's keys with 'doorward device init'") from None
        return cls(
            lasting,
            FileEpochs(path.parent / "epochs", lasting),
            ErasedMarks(path.parent / "erased", lasting.ledger_key),
        )
