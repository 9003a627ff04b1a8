"""Enrolment elsewhere: a template made at a station, sealed to one device, and what that device asks of it.

An envelope names site, device, epoch, consent and model; the pseudonym, the receipt and the template are inside. It is
sealed to the box key of the device's present epoch, so that it cannot be opened once the epoch has ended, and an
enrolment key signs all that stands outside together with the ciphertext, since a sealed box names no sender. The
receipt inside is signed by itself and must be the one that the outside names.

Rules: sealing takes a `Transmissible`, which only a receipt with `transmission_consent` gives; opening asks the same
again. The limits of the key are the policy's. Whatever is wrong is one of `EnvelopeFault`, and nothing is kept.
Pure. Leaves out: once only, the number a day, withdrawals (app/elsewhere.py), and publishing (site/enrolments.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum, unique
from hashlib import sha256
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import Field

from agent.crypto import BoxSecret, SignPublic, SignSecret, open_sealed, seal, sign, sign_public, verify
from agent.errors import PolicyError
from agent.gallery._mint import MINT
from agent.gallery.consent import Consent, Transmissible, read_receipt, transmissible
from agent.gallery.epoch import DeviceEpoch
from agent.gallery.receipt import Signature, signed_part
from agent.gallery.reference import ModelIdentity, Reference, ReferenceTemplate, unit
from agent.policy.bundle import EnrolmentKey
from agent.policy.document import Strict, read
from agent.policy.fields import Hex32, Name
from agent.policy.law import Law
from agent.units import ConsentId, DeviceId, Sha256, SiteId, Vector

ENVELOPE_CONTEXT: Final = "doorward/enrolment/1"
_LENGTH_SLACK: Final = 1e-3


@unique
class EnvelopeFault(StrEnum):
    """Why an envelope was not taken. The values are wire names and never change."""

    MALFORMED = "envelope-malformed"
    OTHER_SITE = "envelope-other-site"
    OTHER_DEVICE = "envelope-other-device"
    UNSIGNED = "envelope-unsigned"
    KEY_EXPIRED = "envelope-key-expired"
    NOT_GRANTED = "envelope-not-granted"
    """The policy does not let this key enrol elsewhere, or not for this door and purpose."""
    OTHER_EPOCH = "envelope-other-epoch"
    OTHER_MODEL = "envelope-other-model"
    UNREADABLE = "envelope-unreadable"
    RECEIPT = "envelope-receipt"
    """The receipt inside is malformed, unsigned, or of another consent, device or site."""
    NOT_AGREED = "envelope-not-agreed"
    """The person did not agree to transmission."""
    NOT_IN_FORCE = "envelope-not-in-force"
    """The consent is for another purpose, notice or time, or lacks a guardian."""
    TEMPLATE = "envelope-template"


class EnvelopeDocument(Strict):
    """An `enrolment` target; the signature is over all other fields."""

    schema_: Annotated[Literal["doorward/enrolment/1"], Field(alias="schema")]
    site: Name
    device: Name
    epoch: Annotated[int, Field(ge=1, lt=1 << 63)]
    consent: Name
    """Id of the receipt; the pseudonym does not stand on a server."""
    model_sha256: Hex32
    runtime: Annotated[str, Field(min_length=1, max_length=100)]
    sealed: Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$", max_length=400_000)]
    key: Hex32
    signature: Signature


@dataclass(frozen=True, slots=True, repr=False)
class Recipient:
    """The device that opens, as it is now."""

    device: DeviceId
    site: SiteId
    epoch: int
    secret: BoxSecret
    model: ModelIdentity
    dimensions: int


@dataclass(frozen=True, slots=True, repr=False)
class Delivered:
    """What an envelope held, and by whose leave it came."""

    reference: Reference
    issuer: str
    per_day: int


def seal_reference(reference: Reference, leave: Transmissible, to: DeviceEpoch, secret: SignSecret) -> bytes:
    """The envelope for one device, as JSON.

    Args:
        leave: of the very consent that the reference was made under.
        to: as the device itself told it.
        secret: of an enrolment key of the policy.

    Raises:
        PolicyError: the leave is another consent's, or the receipt does not name the device.
    """
    consent, template = reference.consent, reference.template
    if leave.consent is not consent:
        raise PolicyError("receipt: transmission_consent: is of another receipt; ask this person")
    if to.device not in consent.devices:
        raise PolicyError(f"receipt: devices: does not name {to.device}; ask for consent to it")
    plain = len(consent.receipt).to_bytes(4, "big") + consent.receipt + template.vector.astype("<f4").tobytes()
    document: dict[str, object] = {
        "schema": ENVELOPE_CONTEXT,
        "site": consent.site,
        "device": to.device,
        "epoch": to.epoch,
        "consent": consent.id,
        "model_sha256": template.model.sha256,
        "runtime": template.model.runtime,
        "sealed": seal(to.box_key, plain).hex(),
        "key": sign_public(secret).hex(),
    }
    document["signature"] = sign(secret, ENVELOPE_CONTEXT, signed_part(document)).hex()
    return json.dumps(document, indent=1).encode() + b"\n"


def read_envelope(data: bytes, source: str = "enrolment") -> EnvelopeDocument:
    """The outside of an envelope; nothing is believed of it yet.

    Raises:
        PolicyError: malformed.
    """
    return read(data, EnvelopeDocument, source)


def envelope_name(data: bytes, device: str) -> str:
    """What its file is called: whose it is, so that no other device fetches it, and a digest that tells nothing."""
    return f"{device}.{sha256(data).hexdigest()[:32]}.json"


def consent_of(data: bytes) -> ConsentId | None:
    """Of which consent an envelope says that it is, before anything else is asked; None when it is malformed."""
    try:
        return ConsentId(read_envelope(data).consent)
    except PolicyError:
        return None


def open_envelope(data: bytes, here: Recipient, law: Law, unix_s: float) -> Delivered | EnvelopeFault:
    """Open and judge an envelope; never raises, whatever the bytes.

    Args:
        law: in force; its enrolment keys, their limits, its purpose, door and notice count.
        unix_s: trusted time.
    """
    try:
        document = read_envelope(data)
    except PolicyError:
        return EnvelopeFault.MALFORMED
    if document.site != here.site or here.site != law.policy.site:
        return EnvelopeFault.OTHER_SITE
    if document.device != here.device:
        return EnvelopeFault.OTHER_DEVICE
    signer = _signer(data, document, law, unix_s)
    if isinstance(signer, EnvelopeFault):
        return signer
    if document.epoch != here.epoch:
        return EnvelopeFault.OTHER_EPOCH
    if ModelIdentity(Sha256(document.model_sha256), document.runtime) != here.model:
        return EnvelopeFault.OTHER_MODEL
    plain = open_sealed(here.secret, bytes.fromhex(document.sealed))
    if plain is None:
        return EnvelopeFault.UNREADABLE
    size = int.from_bytes(plain[:4], "big")
    consent = _consent(plain[4 : 4 + size], document, law, unix_s)
    if isinstance(consent, EnvelopeFault):
        return consent
    vector = _vector(plain[4 + size :], here.dimensions)
    if vector is None:
        return EnvelopeFault.TEMPLATE
    template = ReferenceTemplate(mint=MINT, vector=vector, model=here.model)
    per_day = signer.elsewhere.per_day if signer.elsewhere is not None else 0
    return Delivered(Reference(template, consent), signer.key, per_day)


def _signer(data: bytes, document: EnvelopeDocument, law: Law, unix_s: float) -> EnrolmentKey | EnvelopeFault:
    """The policy's entry of the key that signed, if it may."""
    policy = law.policy.document
    named = [each for each in policy.enrolment_keys if each.key == document.key]
    public = SignPublic(bytes.fromhex(document.key))
    signature = bytes.fromhex(document.signature)
    if not named or not verify(public, ENVELOPE_CONTEXT, signed_part(json.loads(data)), signature):
        return EnvelopeFault.UNSIGNED
    present = [each for each in named if unix_s < each.until.timestamp()]
    if not present:
        return EnvelopeFault.KEY_EXPIRED
    granted = [
        each
        for each in present
        if each.elsewhere is not None
        and policy.door in each.elsewhere.doors
        and policy.purpose in each.elsewhere.purposes
    ]
    return granted[0] if granted else EnvelopeFault.NOT_GRANTED


def _consent(receipt: bytes, document: EnvelopeDocument, law: Law, unix_s: float) -> Consent | EnvelopeFault:
    policy = law.policy.document
    try:
        consent = read_receipt(receipt, policy.enrolment_keys, unix_s)
    except PolicyError:
        return EnvelopeFault.RECEIPT
    if (consent.id, consent.site) != (document.consent, document.site) or document.device not in consent.devices:
        return EnvelopeFault.RECEIPT
    if transmissible(consent) is None:
        return EnvelopeFault.NOT_AGREED
    lawful = consent.in_force(
        purpose=policy.purpose,
        site=law.policy.site,
        notice_sha256=Sha256(policy.notice.sha256),
        unix_s=unix_s,
        guardian_below=law.profile.guardian_below,
    )
    return consent if lawful else EnvelopeFault.NOT_IN_FORCE


def _vector(data: bytes, dimensions: int) -> Vector | None:
    if len(data) != 4 * dimensions:
        return None
    vector = np.frombuffer(data, "<f4").astype(np.float32)
    return unit(vector) if abs(float(np.linalg.norm(vector)) - 1.0) <= _LENGTH_SLACK else None
