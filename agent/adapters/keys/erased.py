"""The list of who was erased on this device, beside the keys and apart from the store.

Rules: a mark is a keyed hash (gallery/tombstone.py), so the list names nobody; it only grows; it is written whole. A
list that cannot be read is an error and never an empty list.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from agent.adapters.keys.whole import write_whole
from agent.errors import DeviceError, VaultError
from agent.gallery.tombstone import MARK_BYTES

_HEAD: Final = b"doorward/erased/1\n"


class ErasedMarks:
    """The list in one file; a missing file is an empty list."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path

    def read(self) -> frozenset[bytes]:
        """All marks, 32 bytes each.

        Raises:
            VaultError: the file is damaged.
            DeviceError: it cannot be read.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise DeviceError(f"{self._path}: {error.strerror}; check the folder, its owner and the disk") from None
        body = data.removeprefix(_HEAD)
        if len(body) == len(data) or len(body) % MARK_BYTES:
            raise VaultError(f"{self._path}: is damaged; restore the list of who was erased from a copy")
        return frozenset(body[at : at + MARK_BYTES] for at in range(0, len(body), MARK_BYTES))

    def add(self, marks: AbstractSet[bytes]) -> None:
        """Keep these too, durable when this returns.

        Raises:
            VaultError, DeviceError: see `read`; or it cannot be written.
        """
        before = self.read()
        if not marks <= before:
            write_whole(self._path, _HEAD + b"".join(sorted(before | marks)), 0o600)
