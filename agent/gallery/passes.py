"""The alternative to the face: a signed pass in a small QR code, judged without any face processing.

The text is `DW1:` and a Base45 string (RFC 9285), whose 45 signs are just those of QR's alphanumeric mode: a pass
with a pseudonym of up to 35 signs fits version 6 (41 modules). Inside are, in this order: site (8 bytes of its
digest), pass id (8), door (4 bytes of its digest), first and last quarter of an hour since 1970 (3 + 3, the last
one excluded), uses (1), pseudonym (the rest, may be empty), Ed25519 signature over all that (64). Digests are
enough since the key is the site's.

Pure: which passes were used comes in from the store, time from the trusted clock. An unknown time refuses. Nothing
that is held before the camera raises. Leaves out: issuing (site/passes.py), and holding one pass up for many frames
(the core counts that as one).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final, Protocol

from pydantic import AwareDatetime

from agent.crypto import SignPublic, verify
from agent.units import DoorId, PassId, SiteId, SubjectId

PREFIX: Final = "DW1:"
PASS_CONTEXT: Final = "doorward/pass/1"
QUARTER_S: Final = 900
SUBJECT_MAX: Final = 35
"""Signs of a pseudonym on a pass, so that the code stays at version 6."""
_SHOWING_S: Final = 2.0
_SIGNATURE: Final = 64
_FIXED: Final = 27
_TEXT_MAX: Final = 400
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {sign: value for value, sign in enumerate(_ALPHABET)}
_SUBJECT: Final = re.compile(r"[a-z0-9][a-z0-9-]*\Z")


@unique
class PassFault(StrEnum):
    """Why a pass was refused. The values are wire names and never change."""

    MALFORMED = "pass-malformed"
    UNSIGNED = "pass-unsigned"
    EXPIRED = "pass-expired"
    NOT_YET = "pass-not-yet"
    WRONG_DOOR = "pass-wrong-door"
    USED = "pass-used"
    CLOCK_UNTRUSTED = "clock-untrusted"


@dataclass(frozen=True, slots=True, repr=False)
class Accepted:
    pass_id: PassId
    subject: SubjectId | None
    """The pseudonym that the pass names; None for a visitor's."""


@dataclass(frozen=True, slots=True)
class Rejected:
    pass_id: PassId | None
    """None when the signature does not hold: then nothing inside is believed, the id included."""
    reason: PassFault


class IssuingKey(Protocol):
    """What the policy says of one pass key; see `PassKey` of policy/bundle.py."""

    @property
    def key(self) -> str: ...

    @property
    def doors(self) -> tuple[str, ...]: ...

    @property
    def until(self) -> AwareDatetime: ...


@dataclass(frozen=True, slots=True, repr=False)
class Pass:
    """What a pass says. Quarters are whole quarters of an hour since 1970, `from_quarter` included, `until` not."""

    site: bytes
    pass_id: bytes
    door: bytes
    from_quarter: int
    until_quarter: int
    uses: int
    subject: SubjectId | None

    def body(self) -> bytes:
        """The bytes that are signed."""
        times = self.from_quarter.to_bytes(3, "big") + self.until_quarter.to_bytes(3, "big")
        subject = (self.subject or "").encode("ascii")
        return self.site + self.pass_id + self.door + times + bytes((self.uses,)) + subject


class Showings:
    """Which texts are newly held up: one showing, however many frames long, is one decision."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def new(self, texts: Sequence[str], now_ns: int) -> list[str]:
        """Those of the texts read on this frame that were not read within the last `_SHOWING_S`."""
        self._seen = {text: seen for text, seen in self._seen.items() if now_ns - seen < _SHOWING_S * 1e9}
        fresh = [text for text in dict.fromkeys(texts) if text not in self._seen]
        self._seen |= dict.fromkeys(texts, now_ns)
        return fresh


def site_digest(site: SiteId) -> bytes:
    return hashlib.sha256(b"doorward/pass/site\x00" + site.encode()).digest()[:8]


def door_digest(door: DoorId) -> bytes:
    return hashlib.sha256(b"doorward/pass/door\x00" + door.encode()).digest()[:4]


def text_of(content: Pass, signature: bytes) -> str:
    """The text to print as a QR code."""
    return PREFIX + base45(content.body() + signature)


def judge(
    text: str,
    keys: Sequence[IssuingKey],
    site: SiteId,
    door: DoorId,
    unix_s: float | None,
    used: Mapping[PassId, int],
) -> Accepted | Rejected | None:
    """Whether this text opens this door now. Never raises, whatever the text.

    Args:
        keys: the pass keys of the policy in force.
        unix_s: trusted time; None refuses.
        used: how often each pass has opened a door.

    Returns:
        None for a code that is not a Doorward pass: nothing is said about it and nothing is written down.
    """
    if not text.startswith(PREFIX):
        return None
    data = None if len(text) > _TEXT_MAX else unbase45(text[len(PREFIX) :])
    content = None if data is None else _content(data[:-_SIGNATURE])
    if data is None or content is None:
        return Rejected(None, PassFault.MALFORMED)
    issuers = [each for each in keys if _signed_by(each, data)]
    if not issuers:
        return Rejected(None, PassFault.UNSIGNED)
    pass_id = PassId(content.pass_id.hex())
    fault = _fault(content, issuers, site, door, unix_s, used.get(pass_id, 0))
    return Accepted(pass_id, content.subject) if fault is None else Rejected(pass_id, fault)


def _fault(
    content: Pass, issuers: Sequence[IssuingKey], site: SiteId, door: DoorId, unix_s: float | None, used: int
) -> PassFault | None:
    if content.site != site_digest(site) or content.door != door_digest(door):
        return PassFault.WRONG_DOOR
    for_door = [each for each in issuers if door in each.doors]
    if not for_door:
        return PassFault.WRONG_DOOR
    if unix_s is None or unix_s != unix_s:
        return PassFault.CLOCK_UNTRUSTED
    if unix_s < content.from_quarter * QUARTER_S:
        return PassFault.NOT_YET
    if unix_s >= content.until_quarter * QUARTER_S or not any(unix_s < each.until.timestamp() for each in for_door):
        return PassFault.EXPIRED
    return PassFault.USED if used >= content.uses else None


def _signed_by(issuer: IssuingKey, data: bytes) -> bool:
    try:
        public = SignPublic(bytes.fromhex(issuer.key))
    except ValueError:
        return False
    return verify(public, PASS_CONTEXT, data[:-_SIGNATURE], data[-_SIGNATURE:])


def _content(body: bytes) -> Pass | None:
    """The fields of a pass; None when they are cut short or cannot be meant."""
    if not _FIXED <= len(body) <= _FIXED + SUBJECT_MAX:
        return None
    name = body[_FIXED:].decode("latin-1")
    content = Pass(
        site=body[:8],
        pass_id=body[8:16],
        door=body[16:20],
        from_quarter=int.from_bytes(body[20:23], "big"),
        until_quarter=int.from_bytes(body[23:26], "big"),
        uses=body[26],
        subject=SubjectId(name) if name else None,
    )
    if content.uses == 0 or (name and not _SUBJECT.match(name)):
        return None
    return content


def base45(data: bytes) -> str:
    """RFC 9285: two bytes in three signs, a last single byte in two."""
    signs: list[str] = []
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            value, rest = divmod(value, 45)
            signs.append(_ALPHABET[rest])
    return "".join(signs)


def unbase45(text: str) -> bytes | None:
    """The bytes of a Base45 string, or None when it is none."""
    data = bytearray()
    for at in range(0, len(text), 3):
        group = [_VALUES.get(sign, -1) for sign in text[at : at + 3]]
        if -1 in group or len(group) == 1:
            return None
        value = sum(digit * 45**power for power, digit in enumerate(group))
        if value >= 256 ** (len(group) - 1):
            return None
        data += value.to_bytes(len(group) - 1, "big")
    return bytes(data)
