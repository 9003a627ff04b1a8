"""What a pass says, as bytes and as the text of its QR code.

The text is `DW1:` and a Base45 string (RFC 9285), whose 45 signs are just those of QR's alphanumeric mode: a pass for
one door, with a pseudonym of up to 35 signs and without hours, fits version 6 (41 modules). Inside are, in this order:
a byte of flags and number of doors, site (8 bytes of its digest), pass id (8), first and last quarter of an hour since
1970 (3 + 3, the last one excluded), uses (1), doors (4 bytes of each digest), days and hours (3, where flagged), the
phone's Ed25519 key (32, where flagged), pseudonym (the rest, may be empty), Ed25519 signature of the pass key over all
that (64). A pass with a phone's key ends, besides, in a moment (4 bytes of Unix seconds) and the phone's signature over
all before it (64). Digests are enough since the key is the site's.

Pure. Leaves out: whether a pass is any good (passes.py).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from agent.units import DoorId, SiteId, SubjectId

PREFIX: Final = "DW1:"
PASS_CONTEXT: Final = "doorward/pass/1"
CODE_CONTEXT: Final = "doorward/pass/code/1"
QUARTER_S: Final = 900
SUBJECT_MAX: Final = 35
"""Signs of a pseudonym on a pass, so that the code of a plain one stays at version 6."""
DOORS_MAX: Final = 8
ANY_NUMBER: Final = 255
"""This many uses mean: as often as wished, within what the pass key may admit in a day."""
SIGNATURE: Final = 64
CODE: Final = 4 + SIGNATURE
"""Bytes that a phone adds: the moment and its signature."""
_HOURS, _PHONE, _COMPARE, _UNKNOWN = 0x10, 0x20, 0x40, 0x80
_FIXED: Final = 24
_TEXT_MAX: Final = 500
_TURNING_MIN: Final = 290
"""No text of a pass without a phone's key is as long as this, and none with one is shorter."""
_TURNING: Final = 105
"""Signs at the end of such a text that change with the phone's code."""
_DAY_S: Final = 86_400
_EPOCH_WEEKDAY: Final = 3
"""1 January 1970 was a Thursday; Monday is 0."""
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {sign: value for value, sign in enumerate(_ALPHABET)}
_SUBJECT: Final = re.compile(r"[a-z0-9][a-z0-9-]*\Z")


@dataclass(frozen=True, slots=True)
class Hours:
    """Times of a week by the clock on the wall, in the policy's timezone. An end before the beginning lies on the next
    day, and those hours belong to the day on which they began.
    """

    days: int
    """Bit 0 is Monday, bit 6 Sunday; at least one."""
    begin: int
    """Quarters of an hour since midnight, 0 to 95."""
    end: int
    """1 to 96, not the same as `begin`; excluded."""

    def __post_init__(self) -> None:
        if not (0 < self.days < 128 and 0 <= self.begin < 96 and 0 < self.end <= 96 and self.begin != self.end):
            raise ValueError("hours that cannot be")

    def cover(self, local_s: float) -> bool:
        """`local_s` counts as Unix seconds do, in local time."""
        day, quarter = int(local_s // _DAY_S), local_s % _DAY_S / QUARTER_S
        today, yesterday = (bool(self.days >> (day + _EPOCH_WEEKDAY - back) % 7 & 1) for back in (0, 1))
        if self.begin < self.end:
            return today and self.begin <= quarter < self.end
        return (today and quarter >= self.begin) or (yesterday and quarter < self.end)


@dataclass(frozen=True, slots=True, repr=False)
class Pass:
    """What a pass says. Quarters are whole quarters of an hour since 1970, `from_quarter` included, `until` not."""

    site: bytes
    pass_id: bytes
    doors: tuple[bytes, ...]
    """One to `DOORS_MAX` digests."""
    from_quarter: int
    until_quarter: int
    uses: int
    """1 to 254, or `ANY_NUMBER`."""
    hours: Hours | None = None
    """None: at all hours."""
    phone: bytes | None = None
    """The public key whose fresh signature every showing needs; None: printed, it is good as it is."""
    subject: SubjectId | None = None
    compare: bool = False
    """It only names its person for a 1:1 comparison; where faces are compared so, it opens nothing by itself."""

    def body(self) -> bytes:
        """The bytes that the pass key signs."""
        hours = b"" if self.hours is None else bytes((self.hours.days, self.hours.begin, self.hours.end))
        phone = self.phone or b""
        flags = (
            len(self.doors) | (_HOURS if hours else 0) | (_PHONE if phone else 0) | (_COMPARE if self.compare else 0)
        )
        times = self.from_quarter.to_bytes(3, "big") + self.until_quarter.to_bytes(3, "big")
        head = bytes((flags,)) + self.site + self.pass_id + times + bytes((self.uses,))
        return head + b"".join(self.doors) + hours + phone + (self.subject or "").encode("ascii")


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """A text taken apart; nothing of it is believed yet."""

    content: Pass
    body: bytes
    signature: bytes
    moment: int | None
    """Unix second at which the phone says it signed; None for a pass without a phone's key."""
    before: bytes
    """What the phone signed."""
    code: bytes
    """The phone's signature; empty without one."""


def site_digest(site: SiteId) -> bytes:
    return hashlib.sha256(b"doorward/pass/site\x00" + site.encode()).digest()[:8]


def door_digest(door: DoorId) -> bytes:
    return hashlib.sha256(b"doorward/pass/door\x00" + door.encode()).digest()[:4]


def text_of(content: Pass, signature: bytes) -> str:
    """The text to print as a QR code; of a pass with a phone's key, what the phone adds its codes to."""
    return PREFIX + base45(content.body() + signature)


def showing(text: str) -> str:
    """What stays the same while one pass is held up: of a phone's pass, all but its turning code."""
    return text[:-_TURNING] if len(text) >= _TURNING_MIN else text


def shown(text: str) -> Shown | None:
    """The parts of a text that begins with `PREFIX`; None when they are cut short or cannot be meant."""
    data = None if len(text) > _TEXT_MAX else unbase45(text[len(PREFIX) :])
    if not data:
        return None
    turning = CODE if data[0] & _PHONE else 0
    signed = data[: len(data) - turning]
    content = _content(signed[:-SIGNATURE])
    if content is None:
        return None
    before = data[:-SIGNATURE] if turning else b""
    moment = int.from_bytes(before[-4:], "big") if turning else None
    return Shown(
        content, signed[:-SIGNATURE], signed[-SIGNATURE:], moment, before, data[-SIGNATURE:] if turning else b""
    )


def _content(body: bytes) -> Pass | None:
    flags = body[0] if body else _UNKNOWN
    doors = flags & 0x0F
    at = _FIXED + 4 * doors
    hours_at = at
    at += 3 if flags & _HOURS else 0
    phone_at = at
    at += 32 if flags & _PHONE else 0
    if flags & _UNKNOWN or not 0 < doors <= DOORS_MAX or not at <= len(body) <= at + SUBJECT_MAX:
        return None
    name = body[at:].decode("latin-1")
    if body[23] == 0 or (name and not _SUBJECT.match(name)) or (flags & _COMPARE and not name):
        return None
    try:
        hours = Hours(*body[hours_at : hours_at + 3]) if flags & _HOURS else None
    except ValueError:
        return None
    return Pass(
        site=body[1:9],
        pass_id=body[9:17],
        doors=tuple(body[start : start + 4] for start in range(_FIXED, hours_at, 4)),
        from_quarter=int.from_bytes(body[17:20], "big"),
        until_quarter=int.from_bytes(body[20:23], "big"),
        uses=body[23],
        hours=hours,
        phone=body[phone_at:at] if flags & _PHONE else None,
        subject=SubjectId(name) if name else None,
        compare=bool(flags & _COMPARE),
    )


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
