"""Whom to compare 1:1: a pass, a card or a PIN names one person, for one attempt; and how often that may fail.

Rules: a naming is good for one attempt of one track within `NAMED_S`. An attempt counts as failed from its first look
on until it matches, so that nothing that cuts it off gives it back. After `MOST` failed ones of a person within
`WITHIN_S` only a pass that opens by itself helps that person, until one was accepted or the time is over. After as many
wrong tokens by one way, no token is taken by that way; said once, since a flood is not to fill the ledger. Times are
the frames' own. A start gives nothing back: what was spent counts as spent at the start, since no clock that can be
trusted says how long the device was off. Nothing here shows a token, its digest or a person. Pure; leaves out:
comparing (gallery.py), keeping over a start.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from pydantic import AwareDatetime

from agent.crypto import stretch
from agent.gallery.passes_uses import PassUse
from agent.token import Token, TokenKind, TokenWay
from agent.units import Box, DoorId, SubjectId

if TYPE_CHECKING:
    from agent.policy.attempt import TrackId

NAMED_S: Final = 10.0
"""How long after somebody was named they may step up to be compared."""
MOST: Final = 5
WITHIN_S: Final = 900.0


@unique
class TokenFault(StrEnum):
    """Why a token, or a naming, was refused. The values are wire names and never change."""

    UNKNOWN = "token-unknown"
    WRONG_DOOR = "token-wrong-door"
    EXPIRED = "token-expired"
    NAMES_ONLY = "token-names-only"
    """It opens nothing by itself, and here no face is compared 1:1."""
    TOKENS_SPENT = "tokens-spent"
    ATTEMPTS_SPENT = "attempts-spent"
    BUSY = "naming-busy"
    """Somebody else is being compared at this moment, or was named at the device and may step up."""
    CLOCK_UNTRUSTED = "clock-untrusted"


@dataclass(frozen=True, slots=True, repr=False)
class Known:
    subject: SubjectId
    opens: bool


@dataclass(slots=True, repr=False)
class Naming:
    """One person, for one attempt; `track` is whoever stepped up, from the first look on."""

    subject: SubjectId
    use: PassUse | None
    """What a match uses up of the pass that named; None: a card or a PIN."""
    until_ns: int
    from_afar: bool
    """It came over the network."""
    track: TrackId | None = None

    @classmethod
    def of(cls, subject: SubjectId, use: PassUse | None, now_ns: int, *, from_afar: bool = False) -> Naming:
        return cls(subject, use, now_ns + round(NAMED_S * 1e9), from_afar)

    def keeps_out(self, now_ns: int, *, from_afar: bool) -> bool:
        """Another naming has to wait: this one is being compared, or is not to be displaced over the network."""
        return now_ns < self.until_ns and (self.track is not None or (from_afar and not self.from_afar))

    def stepped_up(self, faces: Mapping[TrackId, Box]) -> TrackId | None:
        """Which of these tracks may be compared: the one that began, else the nearest (widest) face; None: nobody."""
        if self.track is not None:
            return self.track if self.track in faces else None
        return max(faces, key=lambda track: faces[track].width, default=None)


class TokenEntry(Protocol):
    """What the policy says of one token; see policy/tokens.py."""

    @property
    def digest(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def doors(self) -> tuple[str, ...]: ...

    @property
    def until(self) -> AwareDatetime: ...

    @property
    def opens(self) -> bool: ...


class Tokens(Protocol):
    @property
    def salt(self) -> str: ...

    @property
    def passes(self) -> int: ...

    @property
    def memory_kib(self) -> int: ...

    @property
    def entries(self) -> Sequence[TokenEntry]: ...


Key = TypeVar("Key", bound=Hashable)


class Budget(Generic[Key]):
    """At most `MOST` within `WITHIN_S` for each key; forgets what is older.

    Args:
        spent: how often each was spent before, as if that had been at `now_ns`.
    """

    __slots__ = ("_spent",)

    def __init__(self, spent: Mapping[Key, int], now_ns: int) -> None:
        # More than one too many says nothing more, and comes from a disk.
        self._spent: dict[Key, list[int]] = {key: [now_ns] * min(times, MOST + 1) for key, times in spent.items()}

    def spend(self, key: Key, now_ns: int) -> None:
        self.forget(now_ns)
        self._spent.setdefault(key, []).append(now_ns)

    def give_back(self, key: Key) -> None:
        """The latest one did not count after all."""
        if self._spent.get(key):
            self._spent[key].pop()

    def clear(self, key: Key) -> None:
        self._spent.pop(key, None)

    def left(self, key: Key, now_ns: int) -> int:
        self.forget(now_ns)
        return MOST - len(self._spent.get(key, ()))

    def forget(self, now_ns: int) -> None:
        """What is older than `WITHIN_S`."""
        if self._spent:
            kept = {key: [at for at in times if now_ns - at < WITHIN_S * 1e9] for key, times in self._spent.items()}
            self._spent = {key: times for key, times in kept.items() if times}

    def keep(self, known: Callable[[Key], bool]) -> None:
        """Forget all others."""
        self._spent = {key: times for key, times in self._spent.items() if known(key)}

    def spent(self) -> dict[Key, int]:
        """How often each was spent."""
        return {key: len(times) for key, times in self._spent.items() if times}


@dataclass(frozen=True, slots=True, repr=False)
class Spent:
    """What must survive a start: how often each was tried of late, without when and without what."""

    failed: Mapping[SubjectId, int] = field(default_factory=dict)
    """Failed attempts of each person."""
    wrong: Mapping[TokenWay, int] = field(default_factory=dict)
    """Wrong tokens by each way; more than `MOST`: that was said too."""


class Names:
    """Who was named and how often that failed, over sessions; neither a refusal nor a start gives anything back.

    Args:
        spent: before this start.
        now_ns: when that counts as spent, CLOCK_MONOTONIC.
    """

    __slots__ = ("_failed", "_told", "_wrong")

    def __init__(self, spent: Spent | None = None, now_ns: int = 0) -> None:
        self._told = Spent() if spent is None else spent
        self._failed = Budget[SubjectId](self._told.failed, now_ns)
        self._wrong = Budget[TokenWay](self._told.wrong, now_ns)

    def news(self, now_ns: int | None) -> Spent | None:
        """What is spent now, to be kept before anything else is done; None: as when this was asked before.

        Args:
            now_ns: what is too old by then is forgotten; None: nothing is.
        """
        if now_ns is not None:
            self._failed.forget(now_ns)
            self._wrong.forget(now_ns)
        now = Spent(self._failed.spent(), self._wrong.spent())
        if now == self._told:
            return None
        self._told = now
        return now

    def keep(self, known: Callable[[SubjectId], bool]) -> None:
        """Nothing is remembered of people who are not known any more."""
        self._failed.keep(known)

    def judge(
        self, token: Token, tokens: Tokens | None, door: DoorId, unix_s: float | None, now_ns: int, *, one_to_one: bool
    ) -> Known | TokenFault | None:
        """Whom a token names here and now; None: nothing is said about it, since that was said before.

        Args:
            tokens: of the policy in force; None knows none.
            unix_s: trusted time; None refuses.
            one_to_one: whoever is named may be compared.
        """
        left = self._wrong.left(token.way, now_ns)
        if left <= 0:
            return self._said_once(token.way, left, now_ns)
        found = self._fault(token, tokens, door, unix_s, now_ns, one_to_one)
        if found is TokenFault.UNKNOWN or (isinstance(found, TokenFault) and not token.at_the_device):
            self._wrong.spend(token.way, now_ns)
        return found

    def _said_once(self, way: TokenWay, left: int, now_ns: int) -> TokenFault | None:
        if left < 0:
            return None
        self._wrong.spend(way, now_ns)  # one more than there are: so the next is not the first
        return TokenFault.TOKENS_SPENT

    def _fault(
        self,
        token: Token,
        tokens: Tokens | None,
        door: DoorId,
        unix_s: float | None,
        now_ns: int,
        one_to_one: bool,
    ) -> Known | TokenFault:
        if unix_s is None or unix_s != unix_s:
            return TokenFault.CLOCK_UNTRUSTED
        named = [] if tokens is None else _named(token, tokens)
        here = [each for each in named if door in each.doors]
        if not here:
            return TokenFault.WRONG_DOOR if named else TokenFault.UNKNOWN
        valid = [each for each in here if unix_s < each.until.timestamp()]
        if not valid:
            return TokenFault.EXPIRED
        subject = SubjectId(valid[0].subject)
        if any(each.subject != subject for each in valid):
            return TokenFault.UNKNOWN  # it would name two people: it names nobody
        if token.at_the_device and any(each.opens for each in valid):
            return Known(subject, opens=True)
        if not one_to_one:
            return TokenFault.NAMES_ONLY
        return TokenFault.ATTEMPTS_SPENT if self.only_pass(subject, now_ns) else Known(subject, opens=False)

    def only_pass(self, subject: SubjectId, now_ns: int) -> bool:
        """This person's attempts are spent: nothing but the pass helps now."""
        return self._failed.left(subject, now_ns) <= 0

    def begin(self, naming: Naming, track: TrackId, now_ns: int) -> None:
        """A first look at this track under this naming; the next ones of the same attempt count no more."""
        if naming.track is None:
            naming.track = track
            self._failed.spend(naming.subject, now_ns)

    def matched(self, naming: Naming) -> None:
        self._failed.give_back(naming.subject)

    def passed(self, subject: SubjectId | None) -> None:
        """A pass of this person was accepted."""
        if subject is not None:
            self._failed.clear(subject)


def digest(kind: TokenKind, text: str, salt: bytes, passes: int, memory_kib: int) -> str:
    """What stands in the policy for a token: Argon2id of kind and text, lower-case hex.

    Raises:
        ValueError: salt or cost are none, or there is not the memory for it.
    """
    return stretch(f"doorward/token/{kind}:{text}", salt, passes, memory_kib * 1024).hex()


def _named(token: Token, tokens: Tokens) -> list[TokenEntry]:
    try:
        found = digest(token.kind, token.text, bytes.fromhex(tokens.salt), tokens.passes, tokens.memory_kib)
    except ValueError:
        return []
    return [each for each in tokens.entries if each.digest == found]
