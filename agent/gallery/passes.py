"""The alternative to the face: a signed pass in a small QR code, judged without any face processing.

Printed, a pass is good for whoever holds it, as often as it says. One that names a phone's key is good only with a code
that the phone signed within `FRESH_S` of the trusted clock, and each code once. What the key may do (doors, length, a
day's number, its own end) is judged here too, and not left to whoever issues.

Pure: which passes were used comes in from the store, which were revoked from the law, time from the trusted clock. An
unknown time refuses. Nothing that is held before the camera raises. Leaves out: issuing (site/passes.py), the form
(passes_text.py), and holding one pass up for many frames (the core counts that as one).
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final, Protocol

from pydantic import AwareDatetime

from agent.crypto import SignPublic, verify
from agent.gallery.passes_text import (
    ANY_NUMBER,
    CODE_CONTEXT,
    PASS_CONTEXT,
    PREFIX,
    QUARTER_S,
    Shown,
    door_digest,
    showing,
    shown,
    site_digest,
)
from agent.gallery.passes_uses import DAY_S, PassUse, Uses
from agent.units import DoorId, PassId, SiteId, SubjectId

FRESH_S: Final = 30
"""How far a phone's code may lie from the trusted clock, either way."""
_SUMMER_QUARTERS: Final = 4
"""A span of whole local days may be an hour longer where clocks change."""
_SHOWING_S: Final = 2.0


@unique
class PassFault(StrEnum):
    """Why a pass was refused. The values are wire names and never change."""

    MALFORMED = "pass-malformed"
    UNSIGNED = "pass-unsigned"
    EXPIRED = "pass-expired"
    NOT_YET = "pass-not-yet"
    WRONG_DOOR = "pass-wrong-door"
    WRONG_HOUR = "pass-wrong-hour"
    USED = "pass-used"
    REVOKED = "pass-revoked"
    STALE = "pass-stale"
    TOO_LONG = "pass-too-long"
    OVER_LIMIT = "pass-over-limit"
    CLOCK_UNTRUSTED = "clock-untrusted"


@dataclass(frozen=True, slots=True, repr=False)
class Accepted:
    use: PassUse
    """What opening with it uses up."""
    subject: SubjectId | None
    """The pseudonym that the pass names; None for a visitor's."""
    compare: bool
    """It only names the person for a 1:1 comparison."""

    def to_compare(self, withdrawn: Container[SubjectId]) -> SubjectId | None:
        """Who is to be compared 1:1 before the door opens; None: the pass opens it by itself.

        Who has withdrawn can be compared no more: then even such a pass is the alternative without a face.
        """
        return self.subject if self.compare and self.subject not in withdrawn else None


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

    @property
    def max_days(self) -> int: ...

    @property
    def per_day(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Here:
    """Where and when a pass is shown."""

    site: SiteId
    door: DoorId
    unix_s: float | None
    """Trusted time; None refuses."""
    utc_offset_s: float | None = None
    """How far the policy's timezone is ahead of UTC then; None: unknown, and a pass with hours is refused."""


class Showings:
    """Which texts are newly held up: one showing, however many frames long, is one decision."""

    __slots__ = ("_opened", "_seen")

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._opened: dict[str, int] = {}
        """Showings that have opened the door, by when they were last seen."""

    def new(self, texts: Sequence[str], now_ns: int) -> list[str]:
        """Those of the texts read on this frame that were not read within the last `_SHOWING_S`.

        A phone's next code is not new while the pass that has just opened the door is still held up.
        """
        self._seen, self._opened = _recent(self._seen, now_ns), _recent(self._opened, now_ns)
        self._opened |= {held: now_ns for text in texts if (held := showing(text)) in self._opened}
        fresh = [text for text in dict.fromkeys(texts) if text not in self._seen and showing(text) not in self._opened]
        self._seen |= dict.fromkeys(texts, now_ns)
        return fresh

    def opened(self, text: str, now_ns: int) -> None:
        """This text has just opened the door."""
        self._opened[showing(text)] = now_ns


def _recent(seen: dict[str, int], now_ns: int) -> dict[str, int]:
    return {text: at_ns for text, at_ns in seen.items() if now_ns - at_ns < _SHOWING_S * 1e9}


def judge(
    text: str,
    keys: Sequence[IssuingKey],
    here: Here,
    uses: Uses,
    revoked: AbstractSet[PassId] = frozenset(),
) -> Accepted | Rejected | None:
    """Whether this text opens this door now. Never raises, whatever the text; uses nothing up.

    Args:
        keys: the pass keys of the policy in force.

    Returns:
        None for a code that is not a Doorward pass: nothing is said about it and nothing is written down.
    """
    if not text.startswith(PREFIX):
        return None
    held = shown(text)
    if held is None:
        return Rejected(None, PassFault.MALFORMED)
    issuers = [each for each in keys if _signed(each.key, PASS_CONTEXT, held.body, held.signature)]
    phone = held.content.phone
    if not issuers or (phone is not None and not _signed(phone.hex(), CODE_CONTEXT, held.before, held.code)):
        return Rejected(None, PassFault.UNSIGNED)
    pass_id = PassId(held.content.pass_id.hex())
    if pass_id in revoked:
        return Rejected(pass_id, PassFault.REVOKED)
    content = held.content
    issuers = [each for each in issuers if here.door in each.doors]
    if content.site != site_digest(here.site) or door_digest(here.door) not in content.doors or not issuers:
        return Rejected(pass_id, PassFault.WRONG_DOOR)
    if here.unix_s is None or here.unix_s != here.unix_s:
        return Rejected(pass_id, PassFault.CLOCK_UNTRUSTED)
    fault = _untimely(held, here.unix_s, here.utc_offset_s) or _used_up(held, pass_id, uses)
    if fault is not None:
        return Rejected(pass_id, fault)
    limited = _within_limits(issuers, held, here.unix_s, uses)
    if isinstance(limited, PassFault):
        return Rejected(pass_id, limited)
    use = PassUse(pass_id, limited.key, int(here.unix_s // DAY_S), held.moment)
    return Accepted(use, content.subject, content.compare)


def _untimely(held: Shown, unix_s: float, utc_offset_s: float | None) -> PassFault | None:
    content = held.content
    if unix_s < content.from_quarter * QUARTER_S:
        return PassFault.NOT_YET
    if unix_s >= content.until_quarter * QUARTER_S:
        return PassFault.EXPIRED
    if content.hours is not None:
        if utc_offset_s is None:
            return PassFault.CLOCK_UNTRUSTED
        if not content.hours.cover(unix_s + utc_offset_s):
            return PassFault.WRONG_HOUR
    if held.moment is not None and abs(unix_s - held.moment) > FRESH_S:
        return PassFault.STALE
    return None


def _used_up(held: Shown, pass_id: PassId, uses: Uses) -> PassFault | None:
    if held.moment is not None and held.moment <= uses.last_code(pass_id):
        return PassFault.USED
    counted = held.content.uses != ANY_NUMBER
    return PassFault.USED if counted and uses.of(pass_id) >= held.content.uses else None


def _within_limits(issuers: Sequence[IssuingKey], held: Shown, unix_s: float, uses: Uses) -> IssuingKey | PassFault:
    """The key under whose limits the pass opens, or why under none of them."""
    fault = PassFault.EXPIRED
    quarters = held.content.until_quarter - held.content.from_quarter
    for each in issuers:
        if unix_s >= each.until.timestamp():
            continue
        if quarters > each.max_days * DAY_S // QUARTER_S + _SUMMER_QUARTERS:
            fault = PassFault.TOO_LONG
        elif uses.on(each.key, int(unix_s // DAY_S)) >= each.per_day:
            fault = PassFault.OVER_LIMIT
        else:
            return each
    return fault


def _signed(key: str, context: str, message: bytes, signature: bytes) -> bool:
    try:
        public = SignPublic(bytes.fromhex(key))
    except ValueError:
        return False
    return verify(public, context, message, signature)
