"""What the tests of the gallery start from: one issuer, people with signed receipts, and vectors for templates."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from agent.crypto import SignSecret, sign, sign_public
from agent.face.probe import ProbeTemplate
from agent.gallery.consent import RECEIPT_CONTEXT, Consent, read_receipt, signed_part
from agent.gallery.gallery import Gallery
from agent.gallery.reference import ModelIdentity, ProtectedReference, Reference, average
from agent.gallery.vault import Rotation, VaultContext, VaultKeys, lock, unlock
from agent.policy.bundle import EnrolmentKey, utc
from agent.policy.frames import Permit, PermittedFrame
from agent.policy.gate import Gate
from agent.units import DeviceId, Sha256, SiteId, Vector
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
    """A receipt in force at `NOW_S`, signed after the changes; None removes a field."""
    document: dict[str, Any] = {
        "schema": RECEIPT_CONTEXT,
        "id": "c-1",
        "subject": "p-1",
        "purpose": "resident-entry",
        "notice_sha256": NOTICE_SHA256,
        "site": SITE,
        "devices": [DEVICE],
        "age": "adult",
        "given": iso(NOW_S - 100),
        "until": iso(NOW_S + 100),
        "key": sign_public(secret).hex(),
    }
    document = {name: value for name, value in (document | changes).items() if value is not None}
    document.setdefault("signature", sign(secret, RECEIPT_CONTEXT, signed_part(document)).hex())
    return json.dumps(document).encode()


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
