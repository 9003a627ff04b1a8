"""TUF's Ed25519 public keys, checked by libsodium.

Rules: no other kind of key is spoken, and a key's id is the hash of the key, so that one key never counts twice towards
a threshold under two ids. python-tuf would otherwise verify in slow pure Python, for want of the `cryptography`
package that nothing else here needs. Importing this module registers the key class with securesystemslib.
Leaves out: signing (site/keys.py).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, Final

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import KEY_FOR_TYPE_AND_SCHEME, Key, Signature

from agent.crypto import SignPublic

_ED25519: Final = "ed25519"
_PUBLIC = re.compile(r"[0-9a-f]{64}")


class Ed25519Key(Key):
    """A public key as it stands in root and delegations."""

    @classmethod
    def of(cls, public: SignPublic) -> Ed25519Key:
        keyval = {"public": public.hex()}
        return cls(_key_id(keyval), _ED25519, _ED25519, keyval)

    @classmethod
    def from_dict(cls, keyid: str, key_dict: dict[str, Any]) -> Ed25519Key:
        """Read one key of a role.

        Raises:
            ValueError: not exactly one Ed25519 public key in hex, or its id is not its hash.
        """
        keyval = key_dict.get("keyval")
        if key_dict != {"keytype": _ED25519, "scheme": _ED25519, "keyval": keyval} or not isinstance(keyval, dict):
            raise ValueError("a key is keytype, scheme and keyval of Ed25519, nothing else")
        public = keyval.get("public")
        if set(keyval) != {"public"} or not isinstance(public, str) or not _PUBLIC.fullmatch(public):
            raise ValueError("keyval is one public key of 64 hex digits")
        if keyid != _key_id(keyval):
            raise ValueError("the id of a key is the hash of the key")
        return cls(keyid, _ED25519, _ED25519, keyval)

    def to_dict(self) -> dict[str, Any]:
        return self._to_dict()

    def verify_signature(self, signature: Signature, data: bytes) -> None:
        """Raise UnverifiedSignatureError unless this key signed exactly `data`."""
        try:
            if signature.keyid != self.keyid:
                raise ValueError("signed by another key")
            VerifyKey(bytes.fromhex(self.keyval["public"])).verify(data, bytes.fromhex(signature.signature))
        except (CryptoError, ValueError, TypeError) as error:
            raise UnverifiedSignatureError(f"key {self.keyid[:8]} did not sign this") from error


def _key_id(keyval: dict[str, str]) -> str:
    canonical = encode_canonical({"keytype": _ED25519, "scheme": _ED25519, "keyval": keyval})
    if canonical is None:
        raise AssertionError("without an output function the text is returned")
    return sha256(canonical.encode()).hexdigest()


KEY_FOR_TYPE_AND_SCHEME.clear()
KEY_FOR_TYPE_AND_SCHEME[(_ED25519, _ED25519)] = Ed25519Key
