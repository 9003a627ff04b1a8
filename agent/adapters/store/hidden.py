"""Pseudonyms as they lie in the store: enciphered under the device's ledger key, so that a stolen disk names nobody.

Rules: one pseudonym always looks the same, so that a row is found by it; all are of one length. What does not open is
carried on under a name that nobody has: such a row is left as it is, and nothing of it opens.
"""

from __future__ import annotations

import hashlib
from typing import Final

from agent.crypto import decrypt, encrypt_alike
from agent.errors import VaultError
from agent.units import SubjectId

_NAME_BYTES: Final = 64
"""No pseudonym has more signs."""
_BOUND: Final = b"doorward/name/1"


class Hidden:
    """A part of the store.

    Args:
        key: 32 bytes, the device's ledger key.
    """

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(digest_size=32, key=key, person=b"doorward/name").digest()

    def hide(self, subject: SubjectId) -> bytes:
        return encrypt_alike(self._key, subject.encode().ljust(_NAME_BYTES, b"\x00"), _BOUND)

    def show(self, kept: object) -> SubjectId:
        """Raises VaultError where it never was hidden: the store is of an earlier version."""
        if not isinstance(kept, bytes):
            raise VaultError("store: is of an earlier version; move it away, make the device anew, and enrol again")
        name = decrypt(self._key, kept, _BOUND)
        return SubjectId(f"?{kept[:12].hex()}" if name is None else name.rstrip(b"\x00").decode())
