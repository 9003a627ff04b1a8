"""The authority's secret keys: one Ed25519 seed a role, and the box key that the site's events are sealed to.

Rules: files in hex, readable by their owner only, written once and never overwritten; nothing of a secret is in a repr
or an error. With `--single-key` all roles hold the same seed. Leaves out: who may sign what (repository.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, get_args

from nacl.signing import SigningKey
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer

from agent.crypto import BoxPublic, BoxSecret, SignPublic, SignSecret, box_public, random_bytes, sign_public
from agent.errors import ConfigError
from agent.tuf_keys import Ed25519Key

Role = Literal["root", "targets", "snapshot", "timestamp", "permission", "restriction", "enrolment", "pass"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
_EVENTS_FILE: Final = "events.x25519"


class Ed25519Signer(Signer):
    """Signs TUF metadata with one seed, by libsodium."""

    def __init__(self, secret: SignSecret) -> None:
        self._key = SigningKey(secret)
        self._public = Ed25519Key.of(SignPublic(bytes(self._key.verify_key)))

    @property
    def public_key(self) -> Ed25519Key:
        return self._public

    def sign(self, payload: bytes) -> Signature:
        return Signature(self._public.keyid, self._key.sign(payload).signature.hex())

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> Signer:
        raise NotImplementedError("keys are read by SiteKeys, not by address")


class SiteKeys:
    """All secrets of one site, from one folder."""

    __slots__ = ("_events", "_seeds")

    def __init__(self, seeds: Mapping[Role, SignSecret], events: BoxSecret) -> None:
        self._seeds, self._events = dict(seeds), events

    @classmethod
    def fresh(cls) -> SiteKeys:
        """One new key for every role, and a box key; in memory only."""
        seed = SignSecret(random_bytes(32))
        return cls({role: seed for role in ROLES}, BoxSecret(random_bytes(32)))

    def save(self, directory: Path) -> None:
        """Write the files into a folder, made if it is missing.

        Raises:
            ConfigError: the folder holds keys already, or cannot be written.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for role in ROLES:
                _write(directory / f"{role}.ed25519", self._seeds[role])
            _write(directory / _EVENTS_FILE, self._events)
        except FileExistsError as error:
            raise ConfigError(f"{error.filename}: is there already; keys are never overwritten") from None
        except OSError as error:
            raise ConfigError(f"{error.filename}: {error.strerror}; choose a folder that can be written") from None

    @classmethod
    def load(cls, directory: Path) -> SiteKeys:
        """Read the folder.

        Raises:
            ConfigError: a file is missing, open to others, or not 64 hex digits.
        """
        seeds = {role: SignSecret(_read(directory / f"{role}.ed25519")) for role in ROLES}
        return cls(seeds, BoxSecret(_read(directory / _EVENTS_FILE)))

    @property
    def single(self) -> bool:
        """One key stands for all roles: labelled as such in the policy and in every heartbeat."""
        return len(set(self._seeds.values())) == 1

    def sign_secret(self, role: Role) -> SignSecret:
        return self._seeds[role]

    def sign_public(self, role: Role) -> SignPublic:
        return sign_public(self._seeds[role])

    def events_secret(self) -> BoxSecret:
        return self._events

    def events_public(self) -> BoxPublic:
        return box_public(self._events)

    def signer(self, role: Role) -> Ed25519Signer:
        return Ed25519Signer(self._seeds[role])


def _write(path: Path, secret: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret.hex() + "\n")
        file.flush()
        os.fsync(descriptor)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path}: others may read this key; run 'chmod 600' on it")
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; 'doorward site init' makes the keys of a site") from None
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ConfigError(f"{path}: a key is 64 hex digits; restore the file from your copy")
    return bytes.fromhex(text)
