"""Keys that only this device's TPM 2.0 gives, with an NV index for each epoch: destroyed in the chip, not on the disk.

The lasting secrets are one encrypted document in the state folder; its key is sealed under the TPM's owner primary.
An epoch's secret is made of 32 random bytes in an NV index and of the document's epoch key, so that neither the chip
nor the disk alone is enough. Undefined means gone from the chip: no image of a disk brings it back, which is the
strength `hardware`. Not bound to PCRs: whoever has the whole device, starts a system of their own on it and has the
state folder can ask the TPM as well. The bus to a TPM of its own chip is not encrypted.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from agent.adapters.keys.erased import ErasedMarks
from agent.adapters.keys.source import KEY_BYTES, DeviceKeys, EraseStrength, Lasting, new_document, read_document
from agent.adapters.keys.tools import SealedBlob, TpmTools
from agent.adapters.keys.whole import write_whole
from agent.crypto import decrypt, encrypt, random_bytes
from agent.errors import DeviceError, PolicyError, VaultError
from agent.policy.document import Strict, read
from agent.units import DeviceId

_FIRST: Final = 0x01800000
"""The owner's NV indices (TCG Registry of Reserved TPM 2.0 Handles and Localities, 2.2.2)."""
_SLOTS: Final = 256
_BLOCKS: Final = 0x4000
_NUMBER_BYTES: Final = 8
_SIZE: Final = _NUMBER_BYTES + KEY_BYTES
_BOUND: Final = b"doorward/tpm/1"
_Hex = Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$", max_length=8192)]


class TpmDocument(Strict):
    """What lies in the state folder: nothing of it opens without the TPM."""

    schema_: Annotated[Literal["doorward/tpm/1"], Field(alias="schema")]
    public: _Hex
    private: _Hex
    first_index: Annotated[int, Field(ge=_FIRST, lt=_FIRST + _SLOTS * _BLOCKS, multiple_of=_SLOTS)]
    document: _Hex
    """The key document, encrypted under the sealed key."""


class NvEpochs:
    """Implements `EpochKeys` over NV indices. Epoch n is at place n mod 256 of the device's own block of indices.

    What the TPM holds is read once: the block is this device's, and one process at a time works on a device.
    """

    def __init__(self, tools: TpmTools, first: int, lasting: Lasting) -> None:
        self._tools, self._first, self._key = tools, first, lasting.epoch_key
        self._held: dict[int, bytes | None] | None = None

    def known(self) -> AbstractSet[int]:
        return {_number(data) for data in self._indices().values() if data is not None}

    @property
    def present(self) -> int:
        known = self.known()
        if not known:
            raise VaultError("TPM: holds no epoch's secret of this device; make a new device and enrol again")
        return max(known)

    def secret(self, epoch: int) -> bytes:
        data = self._indices().get(self._index(epoch))
        if data is None or _number(data) != epoch:
            raise VaultError(
                f"TPM: the secret of epoch {epoch} was destroyed by an erasure; restore the newest store, or move the "
                "store away and enrol again"
            )
        return hashlib.blake2b(data, digest_size=KEY_BYTES, key=self._key, person=b"doorward/epoch").digest()

    def begin(self) -> int:
        epoch = max(self.known(), default=0) + 1
        index, indices = self._index(epoch), self._indices()
        if index in indices:
            self._undefine(index)  # a power cut came between its definition and its content
        data = epoch.to_bytes(_NUMBER_BYTES, "big") + random_bytes(KEY_BYTES)
        indices[index] = None
        self._tools.define(index, data)
        indices[index] = data
        return epoch

    def destroy(self, epoch: int) -> None:
        if epoch in self.known():
            self._undefine(self._index(epoch))

    def _undefine(self, index: int) -> None:
        self._tools.undefine(index)
        del self._indices()[index]

    def _indices(self) -> dict[int, bytes | None]:
        """Every index of the block that is defined, and what it holds; None: it was never written."""
        if self._held is None:
            block = range(self._first, self._first + _SLOTS)
            defined = sorted(index for index in self._tools.indices() if index in block)
            self._held = {index: self._tools.read(index, _SIZE) for index in defined}
        return self._held

    def _index(self, epoch: int) -> int:
        return self._first + epoch % _SLOTS


def _number(data: bytes) -> int:
    return int.from_bytes(data[:_NUMBER_BYTES], "big")


class TpmKeys(DeviceKeys):
    """Secrets that the TPM unseals; implements `KeySource`."""

    __slots__ = ()
    backend: Final = "tpm2"
    erase_strength: Final[EraseStrength] = "hardware"

    @classmethod
    def create(cls, path: Path, device: DeviceId, tcti: str | None) -> TpmKeys:
        """Make new keys and the first epoch; an existing file is never replaced.

        Raises:
            VaultError: there is a file already.
            DeviceError: the TPM or the disk does not do it.
        """
        if path.exists():
            raise VaultError(f"{path}: keys exist already and were left as they are; use another state folder")
        tools, key = TpmTools(tcti), random_bytes(KEY_BYTES)
        taken = {index // _SLOTS for index in tools.indices()}
        free = [block for block in range(_FIRST // _SLOTS, _FIRST // _SLOTS + _BLOCKS) if block not in taken]
        if not free:
            raise DeviceError("TPM: no block of NV indices is free; undefine what nobody uses")
        blob = tools.seal(key)
        made = {
            "schema": "doorward/tpm/1",
            "public": blob.public.hex(),
            "private": blob.private.hex(),
            "first_index": secrets.choice(free) * _SLOTS,
            "document": encrypt(key, new_document(device), _BOUND).hex(),
        }
        write_whole(path, json.dumps(made, indent=1).encode() + b"\n", 0o600)
        keys = cls.open(path, tcti)
        keys.epochs.begin()
        return keys

    @classmethod
    def open(cls, path: Path, tcti: str | None) -> TpmKeys:
        """Have the TPM unseal the keys.

        Raises:
            VaultError: the file is missing, malformed, or of another TPM's making.
            DeviceError: the TPM does not answer.
        """
        try:
            found = read(path.read_bytes(), TpmDocument, str(path))
        except OSError as error:
            raise VaultError(f"{path}: {error.strerror}; make the device's keys with 'doorward device init'") from None
        except PolicyError as error:
            raise VaultError(str(error).splitlines()[0]) from None
        tools = TpmTools(tcti)
        tools.indices()  # a TPM that does not answer is another fault than one that does not know the blob
        try:
            key = tools.unseal(SealedBlob(bytes.fromhex(found.public), bytes.fromhex(found.private)))
        except DeviceError as error:
            raise VaultError(f"{path}: this TPM does not unseal the keys: another TPM, or cleared ({error})") from None
        document = decrypt(key, bytes.fromhex(found.document), _BOUND)
        if document is None:
            raise VaultError(f"{path}: document: was changed; restore the file, or make a new device and enrol again")
        lasting = read_document(document, str(path))
        return cls(
            lasting,
            NvEpochs(tools, found.first_index, lasting),
            ErasedMarks(path.parent / "erased", lasting.ledger_key),
        )
