"""Every cryptographic primitive that Doorward uses, in one file with no options.

Ed25519 signatures are over a context and the message, so that a signature made for one kind of document never passes as
another. XChaCha20-Poly1305 binds its associated data; its 24-byte nonce is random, which is safe for any number of rows
(NaCl's own argument for the extended nonce). A sealed box names no sender: whoever needs one signs the ciphertext.
Passphrases are stretched by Argon2id, whose cost the caller keeps beside the salt, so that it can rise later.
Leaves out: where keys come from (adapters/keys) and TUF's own signatures (python-tuf).
"""

from __future__ import annotations

import hashlib
from typing import NewType

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.pwhash import argon2id
from nacl.secret import Aead, SecretBox
from nacl.signing import SigningKey, VerifyKey
from nacl.utils import random as random_bytes

__all__ = [
    "BoxPublic",
    "BoxSecret",
    "SignPublic",
    "SignSecret",
    "box_public",
    "decrypt",
    "encrypt",
    "encrypt_alike",
    "fingerprint",
    "framed",
    "lock_away",
    "open_sealed",
    "random_bytes",
    "seal",
    "sha256",
    "sign",
    "sign_public",
    "stretch",
    "take_out",
    "verify",
]

SignSecret = NewType("SignSecret", bytes)
"""32-byte Ed25519 seed."""
SignPublic = NewType("SignPublic", bytes)
BoxSecret = NewType("BoxSecret", bytes)
"""32-byte X25519 private key."""
BoxPublic = NewType("BoxPublic", bytes)


def sign_public(secret: SignSecret) -> SignPublic:
    return SignPublic(bytes(SigningKey(secret).verify_key))


def box_public(secret: BoxSecret) -> BoxPublic:
    return BoxPublic(bytes(PrivateKey(secret).public_key))


def sign(secret: SignSecret, context: str, message: bytes) -> bytes:
    """64-byte signature over the context's length, the context, and the message."""
    return SigningKey(secret).sign(framed(context, message)).signature


def verify(public: SignPublic, context: str, message: bytes, signature: bytes) -> bool:
    """True only for a signature made by `sign` with this key, context and message; never raises on bad input."""
    try:
        VerifyKey(public).verify(framed(context, message), signature)
    except (CryptoError, ValueError, TypeError):
        return False
    return True


def seal(recipient: BoxPublic, data: bytes) -> bytes:
    """Only the holder of the recipient's secret key can read the result, the sender included."""
    return SealedBox(PublicKey(recipient)).encrypt(data)


def open_sealed(secret: BoxSecret, data: bytes) -> bytes | None:
    """The plain bytes, or None when they were not sealed to this key or were changed."""
    try:
        return SealedBox(PrivateKey(secret)).decrypt(data)
    except (CryptoError, ValueError, TypeError):
        return None


def encrypt(key: bytes, data: bytes, associated: bytes) -> bytes:
    """XChaCha20-Poly1305 with a fresh random nonce in front; `associated` is bound but not stored."""
    return bytes(Aead(key).encrypt(data, associated))


def encrypt_alike(key: bytes, data: bytes, associated: bytes) -> bytes:
    """The same, but alike for the same data: the nonce is a keyed hash of them. For names that rows are found by.

    That two are equal shows, and nothing else; a nonce comes back only for the very same data (as in RFC 5297).
    """
    apart = hashlib.blake2b(digest_size=32, key=key, person=b"doorward/alike").digest()
    told = len(associated).to_bytes(4, "big") + associated + data
    nonce = hashlib.blake2b(told, digest_size=24, key=apart).digest()
    return bytes(Aead(key).encrypt(data, associated, nonce))


def decrypt(key: bytes, data: bytes, associated: bytes) -> bytes | None:
    """The plain bytes, or None when key, data or associated data are not those of encryption."""
    try:
        return Aead(key).decrypt(data, associated)
    except (CryptoError, ValueError, TypeError):
        return None


def stretch(passphrase: str, salt: bytes, passes: int, memory_bytes: int) -> bytes:
    """A 32-byte key out of a passphrase, by Argon2id; `salt` is 16 bytes.

    Raises:
        ValueError: salt or cost are none that Argon2id takes, or there is not the memory for it.
    """
    try:
        return argon2id.kdf(32, passphrase.encode(), salt, opslimit=passes, memlimit=memory_bytes)
    except (CryptoError, ValueError, TypeError, MemoryError) as error:
        raise ValueError("not a salt and a cost of Argon2id, or more memory than there is") from error


def lock_away(key: bytes, data: bytes) -> bytes:
    """XSalsa20-Poly1305 (NaCl's secret box) with a fresh random nonce in front."""
    return bytes(SecretBox(key).encrypt(data))


def take_out(key: bytes, data: bytes) -> bytes | None:
    """The plain bytes, or None when the key is not the one of `lock_away` or the data were changed."""
    try:
        return SecretBox(key).decrypt(data)
    except (CryptoError, ValueError, TypeError):
        return None


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def fingerprint(public: bytes) -> str:
    """What people compare by eye: the first 80 bits of the key's SHA-256 in groups of four."""
    digest = sha256(public)[:20]
    return " ".join(digest[i : i + 4] for i in range(0, 20, 4))


def framed(context: str, message: bytes) -> bytes:
    """What is signed: context and message, told apart; a phone's page signs by itself."""
    label = context.encode()
    return b"doorward\x00" + len(label).to_bytes(2, "big") + label + message
