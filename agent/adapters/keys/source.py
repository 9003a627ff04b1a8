"""What every backend gives: the device's lasting secrets, and the secrets of epochs, which are made to be destroyed.

An epoch is the time between two erasures. Its secret wraps the data key of each person in the vault; whoever is erased
is left out when the data keys are wrapped for the next epoch, and with the old secret destroyed no copy of the old rows
opens again. The box key that others seal references to is made from the epoch's secret too, and dies with it.
Rules: a secret is 32 bytes, is made here, and is never replaced. Leaves out: which epoch the store is at, and in which
order things are erased (app/erasure.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Final, Literal, Protocol

from pydantic import Field

from agent.adapters.keys.erased import ErasedMarks
from agent.crypto import BoxSecret, SignSecret, box_public, random_bytes, sign_public
from agent.errors import PolicyError, VaultError
from agent.gallery.vault import VaultKeys
from agent.introduction import device_json
from agent.policy.document import Strict, read
from agent.policy.fields import Hex32, Name
from agent.units import DeviceId

KEY_BYTES: Final = 32
_SECRETS: Final = ("signing", "box", "gallery", "ledger", "epochs")

EraseStrength = Literal["hardware", "split", "best-effort"]


class EpochKeys(Protocol):
    """The epochs' secrets, by numbers that count up from 1.

    Every method raises DeviceError when the disk or the TPM fails.
    """

    def known(self) -> AbstractSet[int]:
        """The epochs whose secret is here."""
        ...

    @property
    def present(self) -> int:
        """The latest of them. While an erasure is under way there are two, and the store says which one counts.

        Raises:
            VaultError: there is none.
        """
        ...

    def secret(self, epoch: int) -> bytes:
        """32 bytes.

        Raises:
            VaultError: destroyed, never made here, or changed.
        """
        ...

    def begin(self) -> int:
        """Make the secret of a new epoch, durable when this returns; its number, one above the latest."""
        ...

    def destroy(self, epoch: int) -> None:
        """Make a secret unreadable, as well as the backend can; one that is gone stays gone."""
        ...


class KeySource(Protocol):
    """All secrets of one device."""

    @property
    def device(self) -> DeviceId: ...

    @property
    def backend(self) -> str:
        """Wire name of where the keys are kept, told in every heartbeat."""
        ...

    @property
    def erase_strength(self) -> EraseStrength: ...

    @property
    def sign_secret(self) -> SignSecret: ...

    @property
    def box_secret(self) -> BoxSecret:
        """Of the device itself; `epoch_box` makes the one that enrolments are sealed to."""
        ...

    @property
    def gallery_key(self) -> bytes:
        """Of the rotation of templates."""
        ...

    @property
    def ledger_key(self) -> bytes:
        """Salts the ledger's commitments and marks the erased."""
        ...

    @property
    def epochs(self) -> EpochKeys: ...

    @property
    def erased(self) -> ErasedMarks:
        """Who was erased here, kept apart from the store, so that an old copy of the store is erased again."""
        ...


class KeyDocument(Strict):
    """The lasting secrets as JSON: a plain file, a credential, or sealed by what the TPM holds."""

    schema_: Annotated[Literal["doorward/keys/2"], Field(alias="schema")]
    device: Name
    signing: Hex32
    box: Hex32
    gallery: Hex32
    ledger: Hex32
    epochs: Hex32
    """Goes into every epoch's secret: what lies in the state folder or the TPM is of no use without it."""


@dataclass(frozen=True, slots=True, repr=False)
class Lasting:
    """The lasting secrets of a device."""

    device: DeviceId
    sign_secret: SignSecret
    box_secret: BoxSecret
    gallery_key: bytes
    ledger_key: bytes
    epoch_key: bytes


class DeviceKeys:
    """A device's secrets, wherever a backend took them from; it adds `backend` and `erase_strength`."""

    __slots__ = ("_lasting", "epochs", "erased")

    def __init__(self, lasting: Lasting, epochs: EpochKeys, erased: ErasedMarks) -> None:
        self._lasting: Final = lasting
        self.epochs: Final = epochs
        self.erased: Final = erased

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.device}>"

    @property
    def device(self) -> DeviceId:
        return self._lasting.device

    @property
    def sign_secret(self) -> SignSecret:
        return self._lasting.sign_secret

    @property
    def box_secret(self) -> BoxSecret:
        return self._lasting.box_secret

    @property
    def gallery_key(self) -> bytes:
        return self._lasting.gallery_key

    @property
    def ledger_key(self) -> bytes:
        return self._lasting.ledger_key


def new_document(device: DeviceId) -> bytes:
    """New secrets, as the document that keeps them."""
    secrets = {name: random_bytes(KEY_BYTES).hex() for name in _SECRETS}
    return json.dumps({"schema": "doorward/keys/2", "device": device, **secrets}, indent=1).encode() + b"\n"


def read_document(data: bytes, source: str) -> Lasting:
    """Read a key document.

    Raises:
        VaultError: malformed; names the field and no secret.
    """
    try:
        document = read(data, KeyDocument, source)
    except PolicyError as error:
        raise VaultError(str(error).splitlines()[0]) from None
    return Lasting(
        device=DeviceId(document.device),
        sign_secret=SignSecret(bytes.fromhex(document.signing)),
        box_secret=BoxSecret(bytes.fromhex(document.box)),
        gallery_key=bytes.fromhex(document.gallery),
        ledger_key=bytes.fromhex(document.ledger),
        epoch_key=bytes.fromhex(document.epochs),
    )


def vault_keys(keys: KeySource, epoch: int) -> VaultKeys:
    """What opens the vault's rows of this epoch.

    Raises:
        VaultError: the epoch's secret was destroyed.
        DeviceError: the disk or the TPM failed.
    """
    return VaultKeys(secret=keys.epochs.secret(epoch), gallery=keys.gallery_key, epoch=epoch)


def epoch_box(secret: bytes) -> BoxSecret:
    """The box key of an epoch: what is sealed to it cannot be opened once the epoch's secret is destroyed."""
    return BoxSecret(hashlib.blake2b(b"", digest_size=KEY_BYTES, key=secret, person=b"doorward/box").digest())


def device_document(keys: KeySource) -> bytes:
    """`device.json`: the device's id and public keys."""
    return device_json(keys.device, sign_public(keys.sign_secret), box_public(keys.box_secret))
