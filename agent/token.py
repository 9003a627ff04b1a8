"""What a person may present to be named instead of a pass: the number of a card, or a PIN, in one closed form.

Rules: a token is opaque, short and of a known kind, or there is none; only the signed policy says what it stands for.
It never shows in a repr, an error or a log. Where it came from rides with it, since what comes over the network may
name a person and never opens. Leaves out: lines and messages that bring it (adapters), whose it is (gallery/named.py).
Imports the standard library alone: the link process reads tokens too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class TokenKind(StrEnum):
    """Wire names."""

    CARD = "card"
    PIN = "pin"


@unique
class TokenWay(StrEnum):
    """How a token came; wire names."""

    SERIAL = "serial"
    GPIO = "gpio"
    MQTT = "mqtt"


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    kind: TokenKind
    text: str
    way: TokenWay

    @property
    def at_the_device(self) -> bool:
        """Somebody presented it here; over the network anybody may have sent it."""
        return self.way is not TokenWay.MQTT


LONGEST: Final = 64
"""Bytes of a line; a longer one is none, whatever it ends with."""
_LONGEST_MESSAGE: Final = 200
_FORMS: Final = {TokenKind.CARD: re.compile(r"[0-9A-F]{8,32}"), TokenKind.PIN: re.compile(r"[0-9]{4,12}")}


def token(kind: str, text: str, way: TokenWay) -> Token | None:
    """The token, or None when kind or text are none: a card is 8 to 32 upper-case hex digits, a PIN 4 to 12 digits."""
    if kind not in list(TokenKind) or not _FORMS[TokenKind(kind)].fullmatch(text):
        return None
    return Token(TokenKind(kind), text, way)


def read_line(line: bytes, way: TokenWay) -> Token | None:
    """The token in a reader's line, `CARD 04A2B3C4D5E6F7` or `PIN 482913`, CR or not at its end; None: it is none."""
    if len(line) > LONGEST:
        return None
    kind, space, text = line.removesuffix(b"\r").decode("ascii", "replace").partition(" ")
    return token(kind.lower(), text, way) if space and kind.isupper() else None


def read_message(payload: bytes) -> Token | None:
    """The token in a message from the network, `{"kind":"card","text":"04A2B3C4D5E6F7"}`; None: it is none."""
    try:
        found = json.loads(payload) if len(payload) <= _LONGEST_MESSAGE else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.keys() != {"kind", "text"}:
        return None
    kind, text = found["kind"], found["text"]
    return token(kind, text, TokenWay.MQTT) if isinstance(kind, str) and isinstance(text, str) else None
