"""The wire: topic names on MQTT and the kinds of message on the socket between recogniser and link.

Rules: a frame on the socket is a 4-byte length, one byte of kind and a payload whose size is limited by its kind; what
does not parse is a `LinkError` and nothing else. The direction decides which half of a kind may come: the recogniser
sends events, telemetry, previews, fetch requests and orders to open; the link sends acknowledgements of events, fetched
bytes, commands, tokens, and whether it has a broker. Leaves out what is inside them (seal.py, telemetry.py, command.py,
order.py, acknowledge.py), sockets, threads, and heavy imports.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum, unique
from typing import Final

from agent.errors import LinkError
from agent.token import Token, TokenKind, TokenWay, token

TOPIC_ROOT: Final = "doorward/v1"
NONCE_BYTES: Final = 16
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")


@unique
class Kind(StrEnum):
    """What is published; the last part of a topic."""

    STATUS = "status"
    COMPLIANCE = "compliance"
    METRICS = "metrics"
    EVENTS = "events"
    LEDGER = "ledger"
    NOTICE = "notice"
    ACK = "ack"
    """The recogniser's signed answers to commands."""


RETAINED: Final = frozenset({Kind.STATUS, Kind.COMPLIANCE, Kind.LEDGER, Kind.NOTICE})
"""Kinds that a late subscriber must find; `events` is never among them: a replayed match opens no door."""

OFFLINE: Final = b'{"by":"link","state":"offline","unverified":true,"v":1}'
"""The link's last will on `status`. It is unsigned, so it can only narrow what a watcher believes."""
RECOGNISER_LOST: Final = b'{"by":"link","state":"recogniser-lost","unverified":true,"v":1}'


def prefix(site: str, device: str) -> str:
    """Where everything of one device is published.

    Raises:
        LinkError: site or device is no name, and could hold a wildcard.
    """
    for field, name in (("site", site), ("device", device)):
        if not _NAME.fullmatch(name):
            raise LinkError(f"{field}: {name!r} is no name for a topic; use lower-case letters, digits and hyphens")
    return f"{TOPIC_ROOT}/{site}/{device}"


def topic(site: str, device: str, kind: Kind) -> str:
    return f"{prefix(site, device)}/{kind}"


def acknowledge_topic(site: str, device: str) -> str:
    """Where the consumer of events says which of them it holds."""
    return f"{topic(site, device, Kind.EVENTS)}/ack"


def token_topic(site: str, device: str) -> str:
    """Where a card or PIN may be named to a device; nothing is ever retained there."""
    return f"{prefix(site, device)}/token"


def order_topic(site: str, device: str) -> str:
    """Where a door that MQTT opens is told so; nothing is ever retained there. See order.py."""
    return f"{prefix(site, device)}/open"


def command_topic(site: str, device: str) -> str:
    """Where commands are published; answers come on the topic of `Kind.ACK`."""
    return f"{prefix(site, device)}/cmd"


@dataclass(frozen=True, slots=True, repr=False)
class Acknowledgement:
    """The consumer holds the event. Only who opened it knows the nonce; None is a broker's PUBACK, which knows none."""

    sequence: int
    nonce: bytes | None


@unique
class FetchOutcome(IntEnum):
    BYTES = 0
    ABSENT = 1
    """The repository answered that there is no such file; a TUF client asks for the next root until then."""
    UNREACHABLE = 2
    REFUSED = 3
    TOO_LARGE = 4


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """A sealed event on its way out; the link reads its sequence and nothing else."""

    sequence: int
    envelope: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Telemetry:
    kind: Kind
    payload: bytes
    """Signed by the recogniser; see telemetry.py."""


@dataclass(frozen=True, slots=True, repr=False)
class PreviewPicture:
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class FetchRequest:
    number: int
    limit: int
    """Most bytes that the recogniser will take."""
    path: str
    """Relative to the site repository, plain parts only."""


@dataclass(frozen=True, slots=True, repr=False)
class FetchReply:
    number: int
    outcome: FetchOutcome
    data: bytes = b""
    """Untrusted bytes; empty unless the outcome is BYTES."""


@dataclass(frozen=True, slots=True, repr=False)
class CommandArrived:
    """Untrusted bytes that somebody published on the command topic."""

    payload: bytes


@dataclass(frozen=True, slots=True, repr=False)
class OrderGiven:
    """Signed word to open a door; see order.py. It is for now or never: who cannot publish it lets it go."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class BrokerThere:
    """Whether the link has a broker that lets it in; said on each change, and to each new recogniser."""

    there: bool


FromRecogniser = Event | Telemetry | PreviewPicture | FetchRequest | OrderGiven
FromLink = Acknowledgement | FetchReply | CommandArrived | Token | BrokerThere

MAX_FETCH: Final = 4 * 1024 * 1024
MAX_COMMAND: Final = 1024
_LIMITS: Final = {b"E": 8 * 1024, b"T": 128 * 1024, b"P": 512 * 1024, b"F": MAX_FETCH + 64, b"C": MAX_COMMAND, b"N": 64}
"""Kind byte -> most payload bytes: event, telemetry, preview, fetch, command or order, naming."""
_HEAD: Final = struct.Struct(">I")
_SEQUENCE: Final = struct.Struct(">Q")
_REQUEST: Final = struct.Struct(">II")
_REPLY: Final = struct.Struct(">IB")
_TOKENS: Final = tuple(TokenKind)
_TELEMETRY: Final = tuple(kind for kind in Kind if kind is not Kind.EVENTS)


def pack(message: FromRecogniser | FromLink) -> bytes:
    """One frame.

    Raises:
        LinkError: the message is larger than its kind allows, or not one that the other side would take.
    """
    try:
        frame = _frame(message)
    except (struct.error, ValueError):
        raise LinkError("socket: a number or kind that the other side would not take") from None
    parse = recogniser_message if isinstance(message, FromRecogniser) else link_message
    parse(frame)  # what the other side would refuse does not leave this one
    return _HEAD.pack(len(frame)) + frame


def _frame(message: FromRecogniser | FromLink) -> bytes:
    match message:
        case Event(sequence, envelope):
            return b"E" + _SEQUENCE.pack(sequence) + envelope
        case Acknowledgement(sequence, nonce):
            return b"E" + _SEQUENCE.pack(sequence) + (nonce or b"")
        case Telemetry(kind, payload):
            return b"T" + bytes([_TELEMETRY.index(kind)]) + payload
        case PreviewPicture(jpeg):
            return b"P" + jpeg
        case Token(kind, text):
            return b"N" + bytes([_TOKENS.index(kind)]) + text.encode("ascii", "replace")
        case FetchRequest(number, limit, path):
            return b"F" + _REQUEST.pack(number, limit) + path.encode("ascii", "replace")
        case CommandArrived(payload) | OrderGiven(payload):
            return b"C" + payload
        case BrokerThere(there):
            return b"T" + bytes([there])
        case _:
            return b"F" + _REPLY.pack(message.number, message.outcome) + message.data


class Frames:
    """Cuts a stream into frames; keeps at most one unfinished frame."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Frames that are now complete, kind byte first, length cut off.

        Raises:
            LinkError: a length or kind that cannot be; the stream is lost and must be closed.
        """
        self._held += data
        while len(self._held) > _HEAD.size:
            (size,) = _HEAD.unpack_from(self._held)
            limit = _LIMITS.get(bytes(self._held[_HEAD.size : _HEAD.size + 1]))
            if limit is None or not 1 <= size <= limit + 1:
                raise LinkError("socket: not a Doorward frame; start recogniser and link from the same release")
            if len(self._held) < _HEAD.size + size:
                return
            frame = bytes(self._held[_HEAD.size : _HEAD.size + size])
            del self._held[: _HEAD.size + size]
            yield frame


def recogniser_message(frame: bytes) -> FromRecogniser:
    """Parse one frame that the recogniser sent.

    Raises:
        LinkError: it is none.
    """
    kind, payload = _split(frame)
    if kind == b"E" and len(payload) > _SEQUENCE.size:
        return Event(_sequence(payload), payload[_SEQUENCE.size :])
    if kind == b"T" and len(payload) > 1 and payload[0] < len(_TELEMETRY):
        return Telemetry(_TELEMETRY[payload[0]], payload[1:])
    if kind == b"P" and payload.startswith(b"\xff\xd8") and payload.endswith(b"\xff\xd9"):
        return PreviewPicture(payload)
    if kind == b"F" and _REQUEST.size < len(payload) <= _REQUEST.size + 255:
        number, limit = _REQUEST.unpack_from(payload)
        path = payload[_REQUEST.size :].decode("ascii", "replace")
        if 0 < limit <= MAX_FETCH and _PATH.fullmatch(path):
            return FetchRequest(number, limit, path)
    if kind == b"C" and payload:
        return OrderGiven(payload)
    raise LinkError("socket: not a message that a recogniser sends")


def link_message(frame: bytes) -> FromLink:
    """Parse one frame that the link sent.

    Raises:
        LinkError: it is none.
    """
    kind, payload = _split(frame)
    if kind == b"C" and payload:
        return CommandArrived(payload)
    if kind == b"T" and payload in (b"\0", b"\1"):
        return BrokerThere(payload == b"\1")
    if kind == b"E" and len(payload) in (_SEQUENCE.size, _SEQUENCE.size + NONCE_BYTES):
        return Acknowledgement(_sequence(payload), payload[_SEQUENCE.size :] or None)
    if kind == b"F" and len(payload) >= _REPLY.size:
        number, outcome = _REPLY.unpack_from(payload)
        data = payload[_REPLY.size :]
        if outcome in list(FetchOutcome) and (outcome == FetchOutcome.BYTES or not data) and len(data) <= MAX_FETCH:
            return FetchReply(number, FetchOutcome(outcome), data)
    if kind == b"N" and len(payload) > 1 and payload[0] < len(_TOKENS):
        named = token(_TOKENS[payload[0]], payload[1:].decode("ascii", "replace"), TokenWay.MQTT)
        if named is not None:
            return named
    raise LinkError("socket: not a message that a link sends")


def _split(frame: bytes) -> tuple[bytes, bytes]:
    kind, payload = frame[:1], frame[1:]
    if len(payload) > _LIMITS.get(kind, -1):
        raise LinkError("socket: a frame larger than its kind allows")
    return kind, payload


def _sequence(payload: bytes) -> int:
    sequence: int = _SEQUENCE.unpack_from(payload)[0]
    if not 0 < sequence < 2**63:
        raise LinkError("socket: a sequence that is no positive whole number")
    return sequence
