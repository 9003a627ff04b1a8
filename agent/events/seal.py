"""Sealed events: a decision or an erasure receipt that only the site can read, signed by the device that made it.

The clear part names device, sequence, door and until when anybody may act on it, and the outcome class where the policy
grants it. Everything else, the pseudonym and the time included, is in the sealed part, padded to one size so that its
length says nothing. The nonce inside proves, when it comes back, that the consumer opened the event: neither broker nor
link can acknowledge. Leaves out: the outbox (adapters/store.py) and the journey (wire.py).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from agent import crypto
from agent.crypto import BoxPublic, BoxSecret, SignPublic, SignSecret
from agent.errors import LinkError
from agent.events.decision import Decision, Outcome
from agent.events.wire import NONCE_BYTES
from agent.policy.document import Strict
from agent.policy.fields import Name
from agent.units import DeviceId, DoorId, SiteId, SubjectId

CONTEXT: Final = "doorward/event/1"
BUCKET_BYTES: Final = 640
"""Every sealed part holds this many bytes, so that nobody sees which kind it is; the longest of both fit, and five rows
fit on a page of the store."""
ACT_WITHIN_S: Final = 30.0
"""An event that comes later is still recorded, and opens nothing."""

Sequence = Annotated[int, Field(gt=0, lt=2**63)]
Millis = Annotated[int, Field(ge=0, lt=2**53)]
M = TypeVar("M", bound=BaseModel)

Base64 = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=2048)]


class Envelope(Strict):
    """The clear part of an event as it is published; `schemas/events.json` is made from it."""

    v: Literal[1]
    site: Name
    device: Name
    sequence: Sequence
    not_after_ms: Millis
    """Unix milliseconds; afterwards nobody may act on this event."""
    door: Name
    outcome: Outcome | None = None
    """None unless the policy grants the outcome class in clear."""
    sealed: Base64
    signature: Base64


class _Inside(Strict):
    """The sealed part."""

    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    at_ms: Millis
    outcome: Outcome
    door: Name
    subject: Name | None = None
    ground: Name | None = None
    policy_version: Annotated[int, Field(ge=0)]


class _Erasure(Strict):
    """The sealed part of an event that brings an erasure receipt."""

    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    at_ms: Millis
    door: Name
    erasure: dict[str, str | int | None]
    """The receipt without site and device, which the clear part names; see ledger/erasure.py."""


_SEALED: Final[TypeAdapter[_Inside | _Erasure]] = TypeAdapter(_Inside | _Erasure)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Where the events of a device go: the site's key and the door that the clear part names, from the policy."""

    key: BoxPublic
    door: DoorId


@dataclass(frozen=True, slots=True, repr=False)
class SealedEvent:
    """What the outbox takes. The device keeps the nonce to check the acknowledgement, and cannot open the envelope."""

    site: SiteId
    device: DeviceId
    sequence: int
    not_after_ms: int
    door: DoorId
    outcome: Outcome | None
    """None unless it is granted in clear."""
    sealed: bytes
    nonce: bytes
    signature: bytes = b""

    @property
    def document(self) -> dict[str, Any]:  # what is signed
        clear = {} if self.outcome is None else {"outcome": self.outcome.value}
        names = ("site", "device", "sequence", "not_after_ms", "door")
        return clear | {name: getattr(self, name) for name in names} | {"v": 1, "sealed": _text(self.sealed)}

    @property
    def envelope(self) -> bytes:
        """As it is published."""
        return canonical(self.document | {"signature": _text(self.signature)})


@dataclass(frozen=True, slots=True, repr=False)
class OpenedEvent:
    """What the site's consumer reads."""

    device: DeviceId
    sequence: int
    not_after_s: float
    nonce: bytes
    unix_s: float
    outcome: Outcome
    door: DoorId
    subject: SubjectId | None
    ground: str | None
    policy_version: int


@dataclass(frozen=True, slots=True, repr=False)
class OpenedErasure:
    """A person was erased; the site's consumer keeps the receipt for whoever asks."""

    device: DeviceId
    sequence: int
    nonce: bytes
    receipt: bytes
    """Canonical JSON; `read_erasure` of ledger/erasure.py checks it."""


def seal_event(
    decision: Decision,
    *,
    sequence: int,
    site: SiteId,
    device: DeviceId,
    events_key: BoxPublic,
    sign_secret: SignSecret,
    outcome_in_clear: bool,
    random: Callable[[int], bytes] = crypto.random_bytes,
) -> SealedEvent:
    """Seal one decision to the site.

    Args:
        sequence: counts up by one for each event of this device, from 1.
        events_key: the site's public key from the policy.
        outcome_in_clear: the policy's `outcome_class_in_clear`.
        random: gives that many random bytes, for the nonce.

    Raises:
        ValueError: a field is no name of the policy's, or does not fit into the bucket.
    """
    nonce = random(NONCE_BYTES)
    inside = _Inside(
        nonce=nonce.hex(),
        at_ms=round(decision.unix_s * 1000),
        outcome=decision.outcome,
        door=decision.door,
        subject=decision.subject,
        ground=decision.ground,
        policy_version=decision.policy_version,
    )
    made = SealedEvent(
        site, device, sequence, round((decision.unix_s + ACT_WITHIN_S) * 1000), decision.door,
        decision.outcome if outcome_in_clear else None, _box(inside, events_key), nonce,
    )  # fmt: skip
    return _sign(made, sign_secret)


def seal_erasure(
    receipt: bytes,
    *,
    unix_s: float | None,
    sequence: int,
    site: SiteId,
    device: DeviceId,
    addressee: Addressee,
    sign_secret: SignSecret,
    random: Callable[[int], bytes] = crypto.random_bytes,
) -> SealedEvent:
    """Seal one erasure receipt to the site; from outside it looks like any decision.

    Args:
        receipt: canonical JSON, see ledger/erasure.py.
        unix_s: trusted time; None while the clock is not trusted.
        sequence, random: as for `seal_event`.

    Raises:
        ValueError: it is no receipt of this device, or does not fit into the bucket.
    """
    nonce, at_s, erasure = random(NONCE_BYTES), unix_s or 0.0, json.loads(receipt)
    if (erasure.pop("site", None), erasure.pop("device", None)) != (site, device):
        raise ValueError("an erasure receipt of another device")
    inside = _Erasure(nonce=nonce.hex(), at_ms=round(at_s * 1000), door=addressee.door, erasure=erasure)
    box, end_ms = _box(inside, addressee.key), round((at_s + ACT_WITHIN_S) * 1000)
    return _sign(SealedEvent(site, device, sequence, end_ms, addressee.door, None, box, nonce), sign_secret)


def _box(inside: _Inside | _Erasure, key: BoxPublic) -> bytes:
    return crypto.seal(key, _pad(inside.model_dump_json(exclude_none=isinstance(inside, _Inside)).encode()))


def _sign(event: SealedEvent, secret: SignSecret) -> SealedEvent:
    return replace(event, signature=crypto.sign(secret, CONTEXT, canonical(event.document)))


def open_event(envelope: bytes, events_secret: BoxSecret, device_key: SignPublic) -> OpenedEvent | OpenedErasure:
    """Verify and open one event, as its consumer does.

    Raises:
        LinkError: malformed, not signed by this device, or not sealed to this site; drop it and acknowledge nothing.
    """
    clear = read_signed(envelope, Envelope, CONTEXT, device_key, "events")
    padded = crypto.open_sealed(events_secret, b64decode(clear.sealed))
    try:
        inside = _SEALED.validate_json(_unpad(padded or b""))
    except ValidationError:
        raise LinkError(
            "events: sealed: not readable with this site's key; give the consumer keys/events.x25519"
        ) from None
    outcome = inside.outcome if isinstance(inside, _Inside) else None
    if inside.door != clear.door or clear.outcome not in (None, outcome):
        raise LinkError(
            "events: the clear part contradicts the sealed part; the device is faulty, take it out of service"
        )
    if isinstance(inside, _Erasure):
        receipt = canonical(inside.erasure | {"site": clear.site, "device": clear.device})
        return OpenedErasure(DeviceId(clear.device), clear.sequence, bytes.fromhex(inside.nonce), receipt)
    return OpenedEvent(
        device=DeviceId(clear.device),
        sequence=clear.sequence,
        not_after_s=clear.not_after_ms / 1000,
        nonce=bytes.fromhex(inside.nonce),
        unix_s=inside.at_ms / 1000,
        outcome=inside.outcome,
        door=DoorId(inside.door),
        subject=None if inside.subject is None else SubjectId(inside.subject),
        ground=inside.ground,
        policy_version=inside.policy_version,
    )


def canonical(document: Mapping[str, Any]) -> bytes:
    """The one way to write a document that is signed: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def signed(document: Mapping[str, Any], context: str, secret: SignSecret) -> bytes:
    """`document` in canonical form with the device's `signature` (base64) over all the rest."""
    signature = crypto.sign(secret, context, canonical(document))
    return canonical({**document, "signature": _text(signature)})


def read_signed(payload: bytes, kind: type[M], context: str, device_key: SignPublic, source: str) -> M:
    """Parse and verify what `signed` made.

    Raises:
        LinkError: malformed, not in canonical form, or not signed by this device; `source` says what it is.
    """
    try:
        message = kind.model_validate_json(payload)
        document = json.loads(payload)
        signature = b64decode(document.pop("signature"))
        # The last sign of base64 has bits that decoding drops: it is made anew, so that no byte may differ.
        if canonical({**document, "signature": _text(signature)}) != payload:
            raise LinkError(f"{source}: not in canonical form; drop it")
    except (ValueError, RecursionError):
        raise LinkError(f"{source}: malformed; drop it") from None
    if not crypto.verify(device_key, context, canonical(document), signature):
        raise LinkError(f"{source}: not signed by this device; drop it and look at who can publish on the broker")
    return message


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _pad(data: bytes) -> bytes:
    if len(data) + 2 > BUCKET_BYTES:
        raise ValueError("a sealed event does not fit into its bucket")
    return len(data).to_bytes(2, "big") + data + bytes(BUCKET_BYTES - 2 - len(data))


def _unpad(padded: bytes) -> bytes:
    size = int.from_bytes(padded[:2], "big")
    return padded[2 : 2 + size]
