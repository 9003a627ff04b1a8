"""Key files of the authority: one secret each, in the clear or under a passphrase, and the root that they are for.

Rules: made once and never overwritten; a file in the clear is readable by its owner only; a locked one may lie on a
medium without owners. The first key of a role is `permission.ed25519`, later ones `permission.2.ed25519` and so on, so
that an old one stays until somebody deletes it. Nothing of a secret is in a repr or an error.
Leaves out: which key signs what (keys.py, roles.py), asking for a passphrase (the command).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from nacl.pwhash import argon2id
from pydantic import Field

from agent.crypto import BoxSecret, SignSecret, box_public, lock_away, random_bytes, sign_public, stretch, take_out
from agent.errors import ConfigError, PolicyError
from agent.policy.document import Strict, read
from agent.policy.fields import Hex32

Role = Literal["root", "targets", "snapshot", "timestamp", "permission", "restriction", "enrolment", "pass"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Kind = Literal[Role, "events"]
"""`events` is the box key that the site's events are sealed to."""
Ask = Callable[[Path], Iterable[str]]
"""The passphrases to try on the locked files of a folder, one after the other."""
PASSPHRASE_MIN: Final = 12
_PINNED: Final = "root.sha256"
_NAME = re.compile(rf"({'|'.join(ROLES)}|events)(?:\.([2-9]|[1-9][0-9]{{1,3}}))?\.(ed25519|x25519)")


class _Locked(Strict):
    """A secret under a passphrase; the public half says in the clear whose key it is."""

    schema_: Annotated[Literal["doorward/site-key/1"], Field(alias="schema")]
    public: Hex32
    kdf: Literal["argon2id"]
    passes: Annotated[int, Field(ge=1, le=64)]
    memory_bytes: Annotated[int, Field(ge=8192, le=1 << 31)]
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    box: Annotated[str, Field(pattern=r"^[0-9a-f]{144}$")]


class KeyFile:
    """One key at hand; a locked one is opened when its secret is first needed."""

    __slots__ = ("_secret", "kind", "number", "path", "public")

    def __init__(self, kind: Kind, secret: bytes | Callable[[], bytes], public: bytes, number: int = 1) -> None:
        self.kind, self.number, self.public = kind, number, public
        self._secret = secret

    def secret(self) -> bytes:
        """32 bytes.

        Raises:
            ConfigError: no passphrase opens the file.
        """
        if not isinstance(self._secret, bytes):
            self._secret = self._secret()
        return self._secret


def public_of(kind: Kind, secret: bytes) -> bytes:
    return box_public(BoxSecret(secret)) if kind == "events" else sign_public(SignSecret(secret))


def nobody(folder: Path) -> Iterable[str]:
    """For keys in the clear: there is no passphrase to try."""
    return ()


def read_folder(folder: Path, ask: Ask) -> list[KeyFile]:
    """All keys of one folder.

    Raises:
        ConfigError: the folder holds no keys, or a file is damaged or open to others.
    """
    found, lock = [], _Lock(folder, ask)
    for path in _names(folder):
        matched = _NAME.fullmatch(path.name)
        if matched is None:
            continue
        kind: Kind = matched[1]  # type: ignore[assignment]
        found.append(_read(path, kind, int(matched[2] or 1), lock))
    if not found:
        raise ConfigError(f"{folder}: holds no key; name the folder of a key holder, or of the site's 'keys'")
    return found


def read_file(path: Path, kind: Kind, ask: Ask) -> KeyFile:
    """One key, whatever its file is called.

    Raises:
        ConfigError: it cannot be read, is damaged or open to others.
    """
    return _read(path, kind, 1, _Lock(path.parent, ask))


def write_folder(
    folder: Path, secrets: Mapping[Kind, bytes], passphrase: str | None, *, beside: bool = False
) -> dict[Kind, int]:
    """Write new keys into a folder, made if it is missing.

    Args:
        passphrase: locks every file; None writes them in the clear.
        beside: older keys of the same role may be there, and stay.

    Returns:
        The number that each key got.

    Raises:
        ConfigError: there is such a key already, the passphrase is too short, or the folder cannot be written.
    """
    if passphrase is not None and len(passphrase) < PASSPHRASE_MIN:
        raise ConfigError(f"passphrase: shorter than {PASSPHRASE_MIN} signs; take a longer one")
    text, numbers = _Locker(passphrase), dict[Kind, int]()
    with _disk("choose a folder that can be written"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = [path.name for path in _names(folder)]
        for kind, secret in secrets.items():
            number = 1
            while beside and _name(kind, number) in taken:
                number += 1
            numbers[kind] = number
            _write_new(folder / _name(kind, number), text(kind, secret))
        _sync(folder)
    return numbers


def pin(folder: Path, root_sha256: str) -> None:
    """Write down which root the keys of this folder are for; once."""
    if pinned(folder) is None:
        with _disk("choose a folder that can be written"):
            _write_new(folder / _PINNED, root_sha256)
            _sync(folder)


def pinned(folder: Path) -> str | None:
    """The fingerprint of the root that the keys of this folder are for; None when nobody has written it down.

    Raises:
        ConfigError: the file holds something else.
    """
    path = folder / _PINNED
    try:
        text = path.read_text("ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a folder that can be read") from None
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ConfigError(f"{path}: is 64 hex digits; restore the file from your copy")
    return text


class _Lock:
    """What opens the files of one folder: it asks only when it must, and stretches a passphrase once."""

    def __init__(self, folder: Path, ask: Ask) -> None:
        self._folder, self._ask = folder, ask
        self._asked: Iterator[str] | None = None
        self._tried: list[str] = []
        self._stretched: dict[tuple[str, str, int, int], bytes] = {}

    def open(self, path: Path, kind: Kind, locked: _Locked) -> bytes:
        for passphrase in self._passphrases():
            try:
                secret = take_out(self._key(passphrase, locked), bytes.fromhex(locked.box))
            except ValueError as error:
                raise ConfigError(f"{path}: {error}; restore the file from your copy") from None
            if secret is not None and public_of(kind, secret).hex() == locked.public:
                return secret
        raise ConfigError(f"{path}: no passphrase given opens it; give its holder's with --passphrase-file, or type it")

    def _passphrases(self) -> Iterator[str]:
        yield from tuple(self._tried)
        if self._asked is None:
            self._asked = iter(self._ask(self._folder))
        for passphrase in self._asked:
            self._tried.append(passphrase)
            yield passphrase

    def _key(self, passphrase: str, locked: _Locked) -> bytes:
        named = (passphrase, locked.salt, locked.passes, locked.memory_bytes)
        if named not in self._stretched:
            self._stretched[named] = stretch(passphrase, bytes.fromhex(locked.salt), locked.passes, locked.memory_bytes)
        return self._stretched[named]


class _Locker:
    """Writes the text of key files; one salt and one stretching for all that are written together."""

    def __init__(self, passphrase: str | None) -> None:
        self._salt = random_bytes(argon2id.SALTBYTES)
        self._cost = argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE
        self._key = None if passphrase is None else stretch(passphrase, self._salt, *self._cost)

    def __call__(self, kind: Kind, secret: bytes) -> str:
        if self._key is None:
            return secret.hex()
        return json.dumps(
            {
                "schema": "doorward/site-key/1",
                "public": public_of(kind, secret).hex(),
                "kdf": "argon2id",
                "passes": self._cost[0],
                "memory_bytes": self._cost[1],
                "salt": self._salt.hex(),
                "box": lock_away(self._key, secret).hex(),
            },
            indent=1,
        )


def _name(kind: Kind, number: int) -> str:
    return f"{kind}{'' if number == 1 else f'.{number}'}.{'x25519' if kind == 'events' else 'ed25519'}"


def _names(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"{folder}: {error.strerror}; 'doorward site init' makes the keys of a site") from None


def _read(path: Path, kind: Kind, number: int, lock: _Lock) -> KeyFile:
    with _disk("name a folder that can be read"):
        data, mode = path.read_bytes(), path.stat().st_mode
    if data.startswith(b"{"):
        try:
            locked = read(data, _Locked, str(path))
        except PolicyError as error:
            raise ConfigError(f"{str(error).splitlines()[0]}; restore the file from your copy") from None
        return KeyFile(kind, lambda: lock.open(path, kind, locked), bytes.fromhex(locked.public), number)
    if mode & 0o077:
        raise ConfigError(f"{path}: others may read this key; run 'chmod 600' on it")
    text = data.decode("ascii", errors="replace").strip()
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ConfigError(f"{path}: a key is 64 hex digits; restore the file from your copy")
    secret = bytes.fromhex(text)
    return KeyFile(kind, secret, public_of(kind, secret), number)


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk(what_to_do: str) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise ConfigError(f"{error.filename}: is there already; keys are never overwritten") from None
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}; {what_to_do}") from None
