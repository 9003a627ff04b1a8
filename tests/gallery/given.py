"""What the tests of the gallery start from: one issuer, people with signed receipts, and vectors for templates."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from agent.crypto import SignSecret, sign, sign_public
from agent.face.probe import ProbeTemplate
from agent.gallery.consent import Consent, read_receipt
from agent.gallery.gallery import Gallery
from agent.gallery.receipt import (
    CONSENT_GIVEN,
    EXPLICIT_CONSENT,
    GUARDIAN_CONTEXT,
    PURPOSE_IRI,
    RECEIPT_CONTEXT,
    agreement_sha256,
    signed_part,
)
from agent.gallery.reference import ModelIdentity, ProtectedReference, Reference, average
from agent.gallery.vault import Rotation, VaultContext, VaultKeys, lock, unlock
from agent.policy.bundle import EnrolmentKey, utc
from agent.policy.fields import Purpose
from agent.policy.frames import Permit, PermittedFrame
from agent.policy.gate import Gate
from agent.site.withdrawals import signed_withdrawal
from agent.units import DeviceId, Sha256, SiteId, SubjectId, Vector
from tests.policy.given import NOTICE_SHA256, NOW_S, captured, here, iso, law

ISSUER = SignSecret(b"\x07" * 32)
ISSUERS = (EnrolmentKey(key=sign_public(ISSUER).hex(), until=utc(NOW_S + 1000)),)
SITE = SiteId("quay")
DEVICE = DeviceId("gate-1")
MODEL = ModelIdentity(Sha256("e" * 64), "litert 2.3.0")
CONTEXT = VaultContext(DEVICE, SITE, MODEL)
KEYS = VaultKeys(b"\x01" * 32, b"\x02" * 32, 7)
LENGTH = 32
ROTATION = Rotation(KEYS.gallery, 1, LENGTH)


def receipt(secret: SignSecret = ISSUER, **changes: Any) -> bytes:
    """A receipt in force at `NOW_S`, signed after the changes; None removes a field.

    A change is named by the field's own name, or by the way to it with `__` between; a code that was not changed fits
    site, pseudonym and key.
    """
    document: dict[str, Any] = {
        "schema": RECEIPT_CONTEXT,
        "header": {"id": "c-1", "version": 1, "subject": "p-1"},
        "processing": {
            "purpose": "resident-entry",
            "purpose_iri": PURPOSE_IRI[Purpose.RESIDENT_ENTRY],
            "basis": EXPLICIT_CONSENT,
            "data": ["https://w3id.org/dpv/pd#Biometric"],
            "notice": {"version": "v-1", "sha256": NOTICE_SHA256},
            "retention": {"max_days": 365, "max_idle_days": 180},
            "transmission_consent": False,
        },
        "parties": {"controller": {"site": SITE}, "devices": [DEVICE]},
        "age": "adult",
        "events": [{"type": CONSENT_GIVEN, "at": iso(NOW_S - 100), "until": iso(NOW_S + 100)}],
        "withdrawal": {"routes": ["door-code", "operator", "authority"], "code": None},
        "key": sign_public(secret).hex(),
    }
    for name, value in changes.items():
        change(document, name, value)
    code = document.get("withdrawal")
    if isinstance(code, dict) and code["code"] is None:
        subject, site = document["header"].get("subject", ""), document["parties"]["controller"].get("site", "")
        code["code"] = signed_withdrawal(SiteId(str(site)), secret, SubjectId(str(subject)))
    if "signature" not in changes:
        document["signature"] = sign(secret, RECEIPT_CONTEXT, signed_part(document)).hex()
    return json.dumps(document).encode()


_WAYS = {
    **{name: f"header__{name}" for name in ("id", "version", "subject")},
    **{
        name: f"processing__{name}"
        for name in ("purpose", "purpose_iri", "basis", "data", "retention", "transmission_consent")
    },
    **{name: f"withdrawal__{name}" for name in ("routes", "code")},
    "notice_sha256": "processing__notice__sha256",
    "site": "parties__controller__site",
    "devices": "parties__devices",
    "given": "events__0__at",
    "until": "events__0__until",
}


def change(document: dict[str, Any], name: str, value: Any) -> None:
    """Set or, with None, remove one field of a receipt; see `receipt`."""
    parts = _WAYS.get(name, name).split("__")
    here: Any = document
    for part in parts[:-1]:
        here = here[int(part)] if isinstance(here, list) else here[part]
    if value is None:
        here.pop(parts[-1], None)
    else:
        here[parts[-1]] = value
    if name == "purpose" and isinstance(value, str) and value in set(Purpose):
        document["processing"]["purpose_iri"] = PURPOSE_IRI[Purpose(value)]


def agreement(secret: SignSecret = ISSUER, **changes: Any) -> dict[str, Any]:
    """A guardian's agreement for `p-1`, in force at `NOW_S`, as a receipt holds it."""
    document: dict[str, Any] = {
        "schema": GUARDIAN_CONTEXT,
        "id": "g-1",
        "guardian": "g-ann",
        "subject": "p-1",
        "site": SITE,
        "purpose": "resident-entry",
        "notice": {"version": "v-1", "sha256": NOTICE_SHA256},
        "transmission_consent": False,
        "at": iso(NOW_S - 100),
        "until": iso(NOW_S + 100),
        "key": sign_public(secret).hex(),
    } | changes
    if "signature" not in changes:
        document["signature"] = sign(secret, GUARDIAN_CONTEXT, signed_part(document)).hex()
    return {"id": document["id"], "sha256": agreement_sha256(document), "agreement": document}


def consent(subject: str = "p-1", **changes: Any) -> Consent:
    return read_receipt(receipt(subject=subject, **({"id": f"c-{subject}"} | changes)), ISSUERS, NOW_S)


def permit(unix_s: float = NOW_S, **changes: Any) -> Permit:
    """A permit that a gate under a lawful policy has really given."""
    times = {"from": iso(NOW_S - 86_400_000), "until": iso(NOW_S + 86_400_000)}
    frame = Gate(law(**(times | changes))).admit(captured(), here(unix_s=unix_s, lease_until_s=unix_s + 1))
    assert isinstance(frame, PermittedFrame)
    return frame.permit


def vector(seed: int, length: int = LENGTH) -> Vector:
    """A direction of its own for each seed; two of them are nearly at right angles."""
    raw = np.random.default_rng(seed).standard_normal(length)
    return (raw / np.linalg.norm(raw)).astype(np.float32)


def towards(one: Vector, other: Vector, cosine: float) -> Vector:
    """A unit vector at this cosine to `one`, in the plane of the two."""
    across = other - one * float(one @ other)
    across /= np.linalg.norm(across)
    return (one * cosine + across * np.sqrt(1 - cosine**2)).astype(np.float32)


def reference(subject: str, of: Vector, **changes: Any) -> Reference:
    probe = ProbeTemplate(of, permit())
    return Reference(average([probe] * 5, MODEL), consent(subject, **changes))


def protected(subject: str, of: Vector, **changes: Any) -> ProtectedReference:
    return unlock(lock(reference(subject, of, **changes), CONTEXT, KEYS, ROTATION), CONTEXT, KEYS)


def gallery(*people: ProtectedReference) -> Gallery:
    return Gallery(people, ROTATION, MODEL)
