"""Where the device's secrets come from.

A `KeySource` gives every secret of the device and says honestly how well it keeps them. The backend here is a plain
file for desktops and tests: whoever reads the file has the keys, so it refuses to work unless the device config
says `insecure_dev = true`. Rules: the file is made once, whole, readable by its owner only, and never overwritten.
CPython cannot wipe memory; the process switches core dumps off (app). Leaves out: TPM and systemd credentials.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol

from pydantic import Field

from agent.crypto import BoxSecret, SignSecret, box_public, random_bytes, sign_public
from agent.errors import DeviceError, PolicyError, VaultError
from agent.gallery.vault import VaultKeys
from agent.introduction import device_json
from agent.policy.document import Strict, read
from agent.policy.fields import Hex32, Name
from agent.units import DeviceId

KEY_BYTES: Final = 32


class KeySource(Protocol):
    """All secrets of one device. Secrets are 32 bytes."""

    @property
    def device(self) -> DeviceId: ...

    @property
    def backend(self) -> str:
        """Wire name of where the keys are kept, told in every heartbeat."""
        ...

    @property
    def erase_strength(self) -> Literal["hardware", "split", "best-effort"]: ...

    @property
    def sign_secret(self) -> SignSecret: ...

    @property
    def box_secret(self) -> BoxSecret: ...

    @property
    def vault_keys(self) -> VaultKeys: ...

    @property
    def ledger_key(self) -> bytes:
        """Salts the ledger's commitments."""
        ...


class KeyDocument(Strict):
    """The plain key file."""

    schema_: Annotated[Literal["doorward/keys/1"], Field(alias="schema")]
    device: Name
    signing: Hex32
    box: Hex32
    vault: Hex32
    gallery: Hex32


@dataclass(frozen=True, slots=True, repr=False)
class PlainKeys:
    """Secrets out of a plain file; implements `KeySource`."""

    device: DeviceId
    sign_secret: SignSecret
    box_secret: BoxSecret
    vault_keys: VaultKeys

    backend = "plain"
    erase_strength: Literal["best-effort"] = "best-effort"

    @property
    def ledger_key(self) -> bytes:
        return hashlib.blake2b(
            b"", digest_size=KEY_BYTES, key=self.vault_keys.vault, person=b"doorward/ledger"
        ).digest()

    @classmethod
    def create(cls, path: Path, device: DeviceId) -> PlainKeys:
        """Make new keys and write them; an existing file is never replaced.

        Raises:
            VaultError: there is a key file already.
            DeviceError: the file cannot be written.
        """
        if path.exists():
            raise VaultError(f"{path}: keys exist already and were left as they are; use another state folder")
        secrets = {name: random_bytes(KEY_BYTES).hex() for name in ("signing", "box", "vault", "gallery")}
        document = {"schema": "doorward/keys/1", "device": device, **secrets}
        write_whole(path, json.dumps(document, indent=1).encode() + b"\n", 0o600)
        return cls.open(path, insecure_dev=True)

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
            document = read(path.read_bytes(), KeyDocument, str(path))
        except OSError as error:
            raise VaultError(f"{path}: {error.strerror}; make the device's keys with 'doorward device init'") from None
        except PolicyError as error:
            raise VaultError(str(error).splitlines()[0]) from None
        return cls(
            device=DeviceId(document.device),
            sign_secret=SignSecret(bytes.fromhex(document.signing)),
            box_secret=BoxSecret(bytes.fromhex(document.box)),
            vault_keys=VaultKeys(bytes.fromhex(document.vault), bytes.fromhex(document.gallery)),
        )


def device_document(keys: KeySource) -> bytes:
    """`device.json`: the device's id and public keys."""
    return device_json(keys.device, sign_public(keys.sign_secret), box_public(keys.box_secret))


def write_whole(path: Path, data: bytes, mode: int) -> None:
    """Write a new file so that a power cut leaves all of it or nothing.

    Raises:
        DeviceError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror}; check the folder, its owner and the disk") from None
