"""Telemetry: the bodies of bodies.py, addressed and signed by the recogniser.

Rules: a message carries site, device, a sequence that rises over restarts too, and the time, all under the signature:
an old or foreign one can be told apart. What is unsigned on these topics may only narrow what a watcher believes.
Leaves out: when to send what (app/recogniser.py) and how it travels (wire.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from agent.crypto import SignPublic, SignSecret
from agent.errors import LinkError
from agent.events.bodies import Answer, Body, Compliance, Ledger, Metrics, Notice, Status, UnixS
from agent.events.command import Command
from agent.events.order import Order
from agent.events.seal import Base64, Envelope, Sequence, read_signed, signed
from agent.events.wire import Kind
from agent.policy.document import Strict
from agent.policy.fields import Name
from agent.token import TokenKind
from agent.units import DeviceId, SiteId

CONTEXT: Final = "doorward/telemetry/1"


class _Message(Strict):
    v: Literal[1]
    site: Name
    device: Name
    sequence: Sequence
    unix_s: UnixS
    signature: Base64


class StatusMessage(_Message):
    kind: Literal["status"]
    body: Status


class ComplianceMessage(_Message):
    kind: Literal["compliance"]
    body: Compliance


class MetricsMessage(_Message):
    kind: Literal["metrics"]
    body: Metrics


class LedgerMessage(_Message):
    kind: Literal["ledger"]
    body: Ledger


class NoticeMessage(_Message):
    kind: Literal["notice"]
    body: Notice


class AnswerMessage(_Message):
    kind: Literal["ack"]
    body: Answer


class LinkStatus(Strict):
    """The link's own, unsigned word on `status`: it can take trust away and gives none."""

    v: Literal[1]
    by: Literal["link"]
    state: Literal["offline", "recogniser-lost"]
    unverified: Literal[True]
    """Nobody signed this."""


class EventAcknowledgement(Strict):
    sequence: Sequence
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class TokenNamed(Strict):
    """What may be published on the token topic; see agent/token.py, which reads it in the link."""

    kind: TokenKind
    text: Annotated[str, Field(pattern=r"^([0-9A-F]{8,32}|[0-9]{4,12})$")]
    """Of a card 8 to 32 hex digits, of a PIN 4 to 12 digits."""


Message = StatusMessage | ComplianceMessage | MetricsMessage | LedgerMessage | NoticeMessage | AnswerMessage

_MESSAGES: Final[dict[Kind, type[Message]]] = {
    Kind.STATUS: StatusMessage,
    Kind.COMPLIANCE: ComplianceMessage,
    Kind.METRICS: MetricsMessage,
    Kind.LEDGER: LedgerMessage,
    Kind.NOTICE: NoticeMessage,
    Kind.ACK: AnswerMessage,
}
_KINDS: Final[dict[type[Body], Kind]] = {
    Status: Kind.STATUS,
    Compliance: Kind.COMPLIANCE,
    Metrics: Kind.METRICS,
    Ledger: Kind.LEDGER,
    Notice: Kind.NOTICE,
    Answer: Kind.ACK,
}


@dataclass(frozen=True, slots=True, repr=False)
class SignedTelemetry:
    """What the channel takes besides sealed events and previews."""

    kind: Kind
    payload: bytes


def sign_telemetry(
    body: Body, *, site: SiteId, device: DeviceId, sequence: int, unix_s: float, secret: SignSecret
) -> SignedTelemetry:
    """Wrap and sign one body; its type decides the topic.

    Args:
        sequence: greater than that of every earlier message of this device, also before a restart (a counter that
            starts at the Unix milliseconds of the start does it).
        unix_s: the device's trusted time, or its best floor.
    """
    kind = _KINDS[type(body)]
    message: dict[str, object] = {
        "v": 1,
        "kind": kind.value,
        "site": site,
        "device": device,
        "sequence": sequence,
        "unix_s": round(unix_s, 3),
        "body": body.model_dump(mode="json", by_alias=True, exclude_none=False),
    }
    return SignedTelemetry(kind, signed(message, CONTEXT, secret))


def read_telemetry(kind: Kind, payload: bytes, device_key: SignPublic) -> Message:
    """Verify and parse one message, as a collector does.

    Raises:
        LinkError: no kind of telemetry, malformed, or not signed by this device.
    """
    if kind not in _MESSAGES:
        raise LinkError(f"{kind}: no telemetry is published there")
    return read_signed(payload, _MESSAGES[kind], CONTEXT, device_key, kind.value)


def schemas() -> dict[str, dict[str, object]]:
    """File stem -> JSON Schema (2020-12) of what is published there; the files in `schemas/` are these."""
    published: dict[str, TypeAdapter[object]] = {
        "status": TypeAdapter(StatusMessage | LinkStatus),
        "compliance": TypeAdapter(ComplianceMessage),
        "metrics": TypeAdapter(MetricsMessage),
        "ledger": TypeAdapter(LedgerMessage),
        "notice": TypeAdapter(NoticeMessage),
        "events": TypeAdapter(Envelope),
        "events-ack": TypeAdapter(EventAcknowledgement),
        "cmd": TypeAdapter(Command),
        "ack": TypeAdapter(AnswerMessage),
        "token": TypeAdapter(TokenNamed),
        "open": TypeAdapter(Order),
    }
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema", **adapter.json_schema()}
        for name, adapter in published.items()
    }
