"""How a reference is kept: rotated by a key of this gallery, inside encryption that is bound to its whole context.

The rotation makes templates of two galleries or rotations unlinkable and lets them be renewed; it is no protection once
its key or enough pairs are known, so it is never used without the encryption. The encryption binds schema, device,
gallery, subject, consent, rotation, model and runtime: a row moved to another place does not open.

The rotation is reproducible everywhere. Its seed is BLAKE2b-256 keyed with the gallery key over epoch and dimension;
SHAKE-256 of the seed gives the uniform numbers (a cipher's stream, where NumPy's generators are neither secret nor
promised to stay the same), Box-Muller makes them normal, and Gram-Schmidt over the columns (QR with a positive
diagonal) turns the square matrix into an orthogonal one, evenly distributed. Platforms differ in the last bits of a
float64 only, and float32 is kept. (LAPACK's QR would do, but it starts threads: on busy cores 90 ms instead of 5.)

Each person has a data key of their own, random, and the row is sealed under it. The data key lies beside the row,
wrapped by the secret of the present epoch. To erase somebody for good is to leave them out when the data keys are
wrapped for the next epoch, and to destroy the secret of this one: no copy of the row opens again, and only the small
wrapped keys are written anew. So there are two numbers: `rotation` counts renewals of the templates, `epoch` counts
erasures; see docs/adr/0016.

Pure: rows are values, the store keeps them. Leaves out: where keys come from and when they are destroyed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final, NoReturn

import numpy as np

from agent.crypto import decrypt, encrypt, random_bytes
from agent.errors import PolicyError, VaultError
from agent.gallery._mint import MINT
from agent.gallery.consent import Consent
from agent.gallery.kept import pack, unpack
from agent.gallery.reference import ModelIdentity, ProtectedReference, Reference, unit
from agent.units import ConsentId, DeviceId, Sha256, SiteId, SubjectId, Vector

SCHEMA: Final = "doorward/vault/2"
_WRAP: Final = "doorward/wrap/1"
_KEY_BYTES: Final = 32
_LENGTH_SLACK: Final = 1e-3
"""How far a kept vector's length may be from one."""


@dataclass(frozen=True, slots=True, repr=False)
class VaultKeys:
    """What opens the rows of one epoch; 32 bytes each, from the device's key source."""

    secret: bytes
    """Of the epoch: wraps the data keys."""
    gallery: bytes
    """Of the rotation."""
    epoch: int


@dataclass(frozen=True, slots=True)
class VaultContext:
    """Where rows belong: they open only in the same context."""

    device: DeviceId
    gallery: SiteId
    model: ModelIdentity
    rotation: int = 1
    """Counts up when all templates are renewed."""


@dataclass(frozen=True, slots=True, repr=False)
class VaultRow:
    """One person's row as it lies on disk: the names of its context, and sealed bytes."""

    device: DeviceId
    gallery: SiteId
    subject: SubjectId
    consent_id: ConsentId
    rotation: int
    model_sha256: Sha256
    runtime: str
    sealed: bytes
    epoch: int
    wrapped: bytes
    """The person's data key under the secret of `epoch`; all that changes when the epoch does."""


class Rotation:
    """The secret rotation of one gallery; cannot be copied, pickled or printed.

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
        rotation=context.rotation,
        model_sha256=context.model.sha256,
        runtime=context.model.runtime,
        sealed=b"",
        epoch=keys.epoch,
        wrapped=b"",
    )
    turn = rotation or Rotation(keys.gallery, context.rotation, len(vector))
    rotated = turn.apply(vector).astype("<f4").tobytes()
    plain = _framed(pack(consent), consent.receipt) + rotated
    data_key = random_bytes(_KEY_BYTES)
    bound = _wrapping(row.device, row.gallery, row.subject, keys.epoch)
    return replace(row, sealed=encrypt(data_key, plain, associated(row)), wrapped=encrypt(keys.secret, data_key, bound))


def rewrap(
    wrapped: bytes, old: VaultKeys, new: VaultKeys, *, device: DeviceId, gallery: SiteId, subject: SubjectId
) -> bytes | None:
    """One person's data key, wrapped for another epoch; None when it is not of the old one, or was changed."""
    data_key = decrypt(old.secret, wrapped, _wrapping(device, gallery, subject, old.epoch))
    if data_key is None:
        return None
    return encrypt(new.secret, data_key, _wrapping(device, gallery, subject, new.epoch))


def unlock(row: VaultRow, context: VaultContext, keys: VaultKeys) -> ProtectedReference:
    """Open a row in its own context; the vector stays rotated.

    Raises:
        VaultError: another device, gallery, epoch, model, runtime or key, or changed bytes. Nothing is overwritten.
    """
    for field, found, wanted in (
        ("device", row.device, context.device),
        ("gallery", row.gallery, context.gallery),
        ("rotation", row.rotation, context.rotation),
        ("epoch", row.epoch, keys.epoch),
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
        mint=MINT, rotated=unit(vector), consent=consent, model=context.model, epoch=context.rotation
    )


def consent_of(row: VaultRow, keys: VaultKeys) -> Consent:
    """The consent in a row, of whatever model and runtime its template is; the template is dropped.

    Raises:
        VaultError: wrong key or changed bytes.
    """
    return _open(row, keys)[0]


def _open(row: VaultRow, keys: VaultKeys) -> tuple[Consent, bytes]:
    """The consent and the bytes of the template."""
    data_key = decrypt(keys.secret, row.wrapped, _wrapping(row.device, row.gallery, row.subject, keys.epoch))
    plain = None if data_key is None else decrypt(data_key, row.sealed, associated(row))
    if plain is None:
        raise VaultError("vault: a row does not open: wrong key or changed bytes; restore the keys, or enrol again")
    kept, rest = _first(plain)
    receipt, rest = _first(rest)
    try:
        consent = unpack(kept, receipt, MINT)
    except ValueError as error:
        raise VaultError(f"vault: a row's consent: {error}; enrol again") from None
    if (consent.subject, consent.id, consent.site) != (row.subject, row.consent_id, row.gallery):
        raise VaultError("vault: a row's consent is of another person or site; enrol again")
    return consent, rest


def associated(row: VaultRow) -> bytes:
    """All that is bound to the sealed bytes; the epoch is bound to the wrapped key, which changes with it."""
    return _framed(
        SCHEMA.encode(),
        row.device.encode(),
        row.gallery.encode(),
        row.subject.encode(),
        row.consent_id.encode(),
        row.rotation.to_bytes(8, "big"),
        row.model_sha256.encode(),
        row.runtime.encode(),
    )


def _wrapping(device: DeviceId, gallery: SiteId, subject: SubjectId, epoch: int) -> bytes:
    """All that is bound to a wrapped data key."""
    return _framed(_WRAP.encode(), device.encode(), gallery.encode(), subject.encode(), epoch.to_bytes(8, "big"))


def _framed(*fields: bytes) -> bytes:
    """Each field with its length in front, so that no two lists encode alike."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def _first(data: bytes) -> tuple[bytes, bytes]:
    """The first field of `_framed`, and the rest."""
    end = 4 + int.from_bytes(data[:4], "big")
    return data[4:end], data[end:]


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
