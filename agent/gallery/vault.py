"""How a reference is kept: rotated by a key of this gallery, inside encryption that is bound to its whole context.

The rotation makes templates of two galleries or epochs unlinkable and lets them be renewed; it is no protection once
its key or enough pairs are known, so it is never used without the encryption. The encryption binds schema, device,
gallery, subject, consent, epoch, model and runtime: a row moved to another place does not open.

The rotation is reproducible everywhere. Its seed is BLAKE2b-256 keyed with the gallery key over epoch and dimension;
SHAKE-256 of the seed gives the uniform numbers (a cipher's stream, where NumPy's generators are neither secret nor
promised to stay the same), Box-Muller makes them normal, and Gram-Schmidt over the columns (QR with a positive
diagonal) turns the square matrix into an orthogonal one, evenly distributed. Platforms differ in the last bits of a
float64 only, and float32 is kept. (LAPACK's QR would do, but it starts threads: on busy cores 90 ms instead of 5.)

Pure: rows are values, the store keeps them. Leaves out: per-subject keys and erasure by key.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np

from agent.crypto import decrypt, encrypt
from agent.errors import PolicyError, VaultError
from agent.gallery._mint import MINT
from agent.gallery.consent import Consent, read_kept_receipt
from agent.gallery.reference import ModelIdentity, ProtectedReference, Reference, unit
from agent.units import ConsentId, DeviceId, Sha256, SiteId, SubjectId, Vector

SCHEMA: Final = "doorward/vault/1"
_LENGTH_SLACK: Final = 1e-3
"""How far a kept vector's length may be from one."""


@dataclass(frozen=True, slots=True, repr=False)
class VaultKeys:
    """32 bytes each; from the device's key source."""

    vault: bytes
    gallery: bytes


@dataclass(frozen=True, slots=True)
class VaultContext:
    """Where rows belong: they open only in the same context."""

    device: DeviceId
    gallery: SiteId
    model: ModelIdentity
    epoch: int = 1


@dataclass(frozen=True, slots=True, repr=False)
class VaultRow:
    """One person's row as it lies on disk: the names of its context, and sealed bytes."""

    device: DeviceId
    gallery: SiteId
    subject: SubjectId
    consent_id: ConsentId
    epoch: int
    model_sha256: Sha256
    runtime: str
    sealed: bytes


class Rotation:
    """The secret rotation of one gallery and epoch; cannot be copied, pickled or printed.

    Args:
        key: 32-byte gallery key.
        epoch: counts up when all templates are renewed.
        dimensions: length of the templates.
    """

    __slots__ = ("_matrix", "dimensions", "epoch")

    def __init__(self, key: bytes, epoch: int, dimensions: int) -> None:
        self.epoch: Final = epoch
        self.dimensions: Final = dimensions
        self._matrix = _orthogonal(key, epoch, dimensions)

    def apply(self, vector: Vector) -> Vector:
        """The vector, shape (dimensions,), turned; lengths and angles stay as they are."""
        turned = vector @ self._matrix
        return np.asarray(turned, np.float32)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Rotation cannot be copied or pickled")

    def __repr__(self) -> str:
        return "<Rotation>"


def lock(reference: Reference, context: VaultContext, keys: VaultKeys, rotation: Rotation | None = None) -> VaultRow:
    """Rotate and encrypt a reference for this device.

    Args:
        rotation: that of the same key and epoch, if it has been made already (it takes milliseconds to make).

    Raises:
        PolicyError: the consent does not cover this device or gallery.
        VaultError: the template is of another model or runtime than the context.
    """
    consent, vector = reference.consent, reference.template.vector
    if context.device not in consent.devices:
        raise PolicyError(f"receipt: devices: does not name {context.device}; ask for consent to it")
    if context.gallery != consent.site:
        raise PolicyError(f"receipt: site: is not {context.gallery}; ask for consent at this site")
    if reference.template.model != context.model:
        raise VaultError("vault: the template was made by another model or runtime; enrol with the present one")
    row = VaultRow(
        device=context.device,
        gallery=context.gallery,
        subject=consent.subject,
        consent_id=consent.id,
        epoch=context.epoch,
        model_sha256=context.model.sha256,
        runtime=context.model.runtime,
        sealed=b"",
    )
    turn = rotation or Rotation(keys.gallery, context.epoch, len(vector))
    rotated = turn.apply(vector).astype("<f4").tobytes()
    plain = len(consent.receipt).to_bytes(4, "big") + consent.receipt + rotated
    sealed = encrypt(keys.vault, plain, associated(row))
    return VaultRow(
        row.device, row.gallery, row.subject, row.consent_id, row.epoch, row.model_sha256, row.runtime, sealed
    )


def unlock(row: VaultRow, context: VaultContext, keys: VaultKeys) -> ProtectedReference:
    """Open a row in its own context; the vector stays rotated.

    Raises:
        VaultError: another device, gallery, epoch, model, runtime or key, or changed bytes. Nothing is overwritten.
    """
    for field, found, wanted in (
        ("device", row.device, context.device),
        ("gallery", row.gallery, context.gallery),
        ("epoch", row.epoch, context.epoch),
        ("model", row.model_sha256, context.model.sha256),
        ("runtime", row.runtime, context.model.runtime),
    ):
        if found != wanted:
            raise VaultError(f"vault: {field}: a row is of another one than that in use; restore it or enrol again")
    consent, rest = _open(row, keys)
    vector = np.frombuffer(rest[: len(rest) // 4 * 4], "<f4").astype(np.float32)
    sound = len(rest) % 4 == 0 and abs(float(np.linalg.norm(vector)) - 1.0) <= _LENGTH_SLACK
    if context.device not in consent.devices or not sound:
        raise VaultError("vault: a row does not fit its receipt or is no template; enrol again")
    return ProtectedReference(
        mint=MINT, rotated=unit(vector), consent=consent, model=context.model, epoch=context.epoch
    )


def consent_of(row: VaultRow, keys: VaultKeys) -> Consent:
    """The consent in a row, of whatever model and runtime its template is; the template is dropped.

    Raises:
        VaultError: wrong key or changed bytes.
    """
    return _open(row, keys)[0]


def _open(row: VaultRow, keys: VaultKeys) -> tuple[Consent, bytes]:
    """The consent and the bytes of the template."""
    plain = decrypt(keys.vault, row.sealed, associated(row))
    if plain is None:
        raise VaultError("vault: a row does not open: wrong key or changed bytes; restore the keys, or enrol again")
    size = int.from_bytes(plain[:4], "big")
    receipt, rest = plain[4 : 4 + size], plain[4 + size :]
    try:
        consent = read_kept_receipt(receipt)
    except PolicyError as error:
        raise VaultError(f"vault: a row's {error}") from None
    if (consent.subject, consent.id, consent.site) != (row.subject, row.consent_id, row.gallery):
        raise VaultError("vault: a row's receipt is of another person or site; enrol again")
    return consent, rest


def associated(row: VaultRow) -> bytes:
    """All that is bound to the sealed bytes: each field with its length in front, so that no two rows encode alike."""
    fields = (
        SCHEMA.encode(),
        row.device.encode(),
        row.gallery.encode(),
        row.subject.encode(),
        row.consent_id.encode(),
        row.epoch.to_bytes(8, "big"),
        row.model_sha256.encode(),
        row.runtime.encode(),
    )
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def _orthogonal(key: bytes, epoch: int, dimensions: int) -> Vector:
    """(dimensions, dimensions) float32; see the module's text."""
    label = epoch.to_bytes(8, "big") + dimensions.to_bytes(4, "big")
    seed = hashlib.blake2b(label, digest_size=32, key=key, person=b"doorward/rotate").digest()
    count = dimensions * dimensions
    raw = np.frombuffer(hashlib.shake_256(seed).digest(16 * count), "<u8").reshape(2, count)
    uniform = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    normal = np.sqrt(-2.0 * np.log(uniform[0])) * np.cos(2.0 * np.pi * uniform[1])
    columns = normal.reshape(dimensions, dimensions).T
    turn = np.empty_like(columns)
    for row, column in enumerate(columns):
        rest = column.copy()
        for _ in range(2):  # once leaves rounding behind, twice is enough
            rest -= (turn[:row] @ rest) @ turn[:row]
        turn[row] = rest / np.sqrt(rest @ rest)
    return np.asarray(turn.T, np.float32)
