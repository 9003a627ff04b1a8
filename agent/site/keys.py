"""The authority's keys at hand: those of one folder or of several, and what they can sign.

A site of one person (`--single-key`) has one seed for all roles. Otherwise each key holder has a folder with one key
for root, targets and permission, and the site's own folder has the keys that one person or a timer uses alone.
Rules: a secret is opened when it is needed; nothing of it is in a repr or an error. Leaves out: files (keyfiles.py),
how many keys a role takes (roles.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer

from agent.crypto import BoxPublic, BoxSecret, SignPublic, SignSecret, random_bytes
from agent.errors import ConfigError
from agent.site.keyfiles import ROLES, Ask, KeyFile, Kind, Role, nobody, public_of, read_folder, write_folder
from agent.tuf_keys import Ed25519Key

HELD: Final[tuple[Role, ...]] = ("root", "targets", "permission")
"""Roles whose keys are held by several people."""
OWN: Final[tuple[Kind, ...]] = ("snapshot", "timestamp", "restriction", "enrolment", "pass", "events")
"""Keys that stay with the site: one is enough, and they permit nothing by themselves."""


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
    """Some keys of one site."""

    __slots__ = ("_files",)

    def __init__(self, files: Iterable[KeyFile]) -> None:
        self._files = tuple(sorted(files, key=lambda file: file.number))

    @classmethod
    def fresh(cls) -> SiteKeys:
        """One new key for every role, and a box key; in memory only."""
        seed = random_bytes(32)
        return cls.of({role: seed for role in ROLES} | {"events": random_bytes(32)})

    @classmethod
    def fresh_for(cls, kinds: Iterable[Kind]) -> SiteKeys:
        """A new key of its own for each; in memory only."""
        return cls.of({kind: random_bytes(32) for kind in kinds})

    @classmethod
    def of(cls, secrets: dict[Kind, bytes]) -> SiteKeys:
        return cls(KeyFile(kind, secret, public_of(kind, secret)) for kind, secret in secrets.items())

    def save(self, directory: Path, passphrase: str | None = None, *, beside: bool = False) -> SiteKeys:
        """Write one file a key into a folder, see `write_folder`; the same keys with their numbers come back."""
        secrets = {file.kind: file.secret() for file in self._files}
        numbers = write_folder(directory, secrets, passphrase, beside=beside)
        return SiteKeys(KeyFile(file.kind, file.secret(), file.public, numbers[file.kind]) for file in self._files)

    @classmethod
    def load(cls, *folders: Path, ask: Ask = nobody) -> SiteKeys:
        """Read the keys of all folders; a passphrase is asked for when a locked one is used.

        Raises:
            ConfigError: a folder holds no keys, or a file is damaged or open to others.
        """
        return cls(file for folder in folders for file in read_folder(folder, ask))

    def __add__(self, more: SiteKeys) -> SiteKeys:
        return SiteKeys((*self._files, *more._files))

    @property
    def single(self) -> bool:
        """One key stands for all roles: labelled as such in the policy and in every heartbeat."""
        newest = [file.public for role in ROLES if (file := self._newest(role)) is not None]
        return len(newest) == len(ROLES) and len(set(newest)) == 1

    def holds(self, kind: Kind) -> bool:
        return self._newest(kind) is not None

    def sign_secret(self, role: Role) -> SignSecret:
        """The newest key of the role.

        Raises:
            ConfigError: there is none at hand, or it does not open.
        """
        return SignSecret(self._demand(role).secret())

    def sign_public(self, role: Role) -> SignPublic:
        return SignPublic(self._demand(role).public)

    def events_secret(self) -> BoxSecret:
        return BoxSecret(self._demand("events").secret())

    def events_public(self) -> BoxPublic:
        return BoxPublic(self._demand("events").public)

    def signer(self, role: Role) -> Ed25519Signer:
        return Ed25519Signer(self.sign_secret(role))

    def public_key(self, role: Role) -> Ed25519Key:
        return Ed25519Key.of(self.sign_public(role))

    def signers(self, named: Collection[str]) -> list[Ed25519Signer]:
        """One for each key at hand whose id is among those named; others stay shut.

        Raises:
            ConfigError: one of them does not open.
        """
        files = {Ed25519Key.of(SignPublic(file.public)).keyid: file for file in self._files if file.kind != "events"}
        return [Ed25519Signer(SignSecret(file.secret())) for keyid, file in files.items() if keyid in named]

    def _newest(self, kind: Kind) -> KeyFile | None:
        return next((file for file in reversed(self._files) if file.kind == kind), None)

    def _demand(self, kind: Kind) -> KeyFile:
        found = self._newest(kind)
        if found is None:
            raise ConfigError(f"keys: there is no key for {kind} here; name its folder with --keys")
        return found
