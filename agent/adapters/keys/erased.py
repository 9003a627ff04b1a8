"""The list of who was erased on this device, beside the keys and apart from the store.

Rules: a mark is a keyed hash (gallery/tombstone.py), so the list names nobody; it only grows; it is written whole, with
a code under the device's ledger key: one changed bit would otherwise forget a person in silence. A list that cannot be
read is an error and never an empty list.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

from agent.adapters.keys.whole import write_whole
from agent.errors import DeviceError, VaultError
from agent.gallery.tombstone import MARK_BYTES

_HEAD: Final = b"doorward/erased/2\n"
_CODE_BYTES: Final = 32


class ErasedMarks:
    """The list in one file; a missing file is an empty list.

    Args:
        key: the device's ledger key.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._path: Final = path
        self._key = key

    def read(self) -> frozenset[bytes]:
        """All marks, 32 bytes each.

        Raises:
            VaultError: the file was changed, or is another device's.
            DeviceError: it cannot be read.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise DeviceError(f"{self._path}: {error.strerror}; check the folder, its owner and the disk") from None
        head, code, body = data[: len(_HEAD)], data[len(_HEAD) :][:_CODE_BYTES], data[len(_HEAD) + _CODE_BYTES :]
        if head != _HEAD or not hmac.compare_digest(code, self._code(body)) or len(body) % MARK_BYTES:
            raise VaultError(f"{self._path}: is damaged; restore the list of who was erased from a copy")
        return frozenset(body[at : at + MARK_BYTES] for at in range(0, len(body), MARK_BYTES))

    def add(self, marks: AbstractSet[bytes]) -> None:
        """Keep these too, durable when this returns.

        Raises:
            VaultError, DeviceError: see `read`; or it cannot be written.
        """
        before = self.read()
        if not marks <= before:
            body = b"".join(sorted(before | marks))
            write_whole(self._path, _HEAD + self._code(body) + body, 0o600)

    def _code(self, body: bytes) -> bytes:
        return hashlib.blake2b(body, digest_size=_CODE_BYTES, key=self._key, person=b"doorward/erasure").digest()
