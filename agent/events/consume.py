"""For who consumes a site's events: what may be acted on, what is only written down, what is nothing at all.

Rules: an event counts if its device signed it, it opens with the site's key, and it came on that device's topic and not
as a retained message. It may be acted on once, if it is the newest of its device and its time is not over; a repeated,
delayed or reordered one opens nothing, and an erasure receipt never does. Write `held()` down before the
acknowledgement is published: the device forgets an event when it hears it. Pure: bring a clock and an MQTT client.
docs/consumers.md has examples.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from itertools import pairwise
from typing import Final

from agent.crypto import BoxSecret, SignPublic
from agent.errors import LinkError
from agent.events import wire
from agent.events.acknowledge import acknowledgement
from agent.events.seal import ACT_WITHIN_S, OpenedErasure, OpenedEvent, open_event
from agent.units import DeviceId, SiteId

_NONCES: Final = 1024
"""Of so many events of each device it is known whether another one has taken their number."""


@unique
class Verdict(StrEnum):
    ACT = "act"
    """New, in order and in time."""
    RECORD = "record"
    """Genuine and new, but late or behind a newer one: for the record."""
    AGAIN = "again"
    """Held already: acknowledge it once more."""
    REFUSED = "refused"
    """Nobody's word. Acknowledge nothing."""


@dataclass(frozen=True, slots=True, repr=False)
class Taken:
    verdict: Verdict
    event: OpenedEvent | OpenedErasure | None = None
    """None exactly when it was refused; a decision whenever it may be acted on."""
    acknowledgement: tuple[str, bytes] | None = None
    """Topic and payload, to be published at QoS 1; None likewise."""
    reason: str = ""
    """Why it was refused."""


class Consumer:
    """One site's events.

    Args:
        devices: the signing key of each, from the policy.
        held: what `held()` gave before the restart; without it everything counts as new.
    """

    def __init__(
        self,
        site: SiteId,
        events_secret: BoxSecret,
        devices: Mapping[DeviceId, SignPublic],
        held: Mapping[str, Sequence[Sequence[int]]] | None = None,
    ) -> None:
        self._site, self._secret = site, events_secret
        self._devices = {wire.topic(site, device, wire.Kind.EVENTS): (device, key) for device, key in devices.items()}
        self._held = {_name(device, key): _Numbers() for device, key in devices.items()}
        for name, spans in (held or {}).items():
            if name in self._held:
                self._held[name].spans = [(first, last) for first, last in spans]

    def take(self, topic: str, payload: bytes, *, retained: bool, unix_s: float) -> Taken:
        """Judge one message; never raises on what somebody published."""
        if topic not in self._devices or retained:
            return Taken(Verdict.REFUSED, reason="retained" if retained else "not a topic of events of these devices")
        device, key = self._devices[topic]
        try:
            event = open_event(payload, self._secret, key)
            if event.device != device:
                raise LinkError("events: of another device; look at who can publish on the broker")
        except LinkError as error:
            return Taken(Verdict.REFUSED, reason=str(error))
        numbers = self._held[_name(device, key)]
        if numbers.other_nonce(event.sequence, event.nonce):
            return Taken(Verdict.REFUSED, reason="a number used twice; the device was set back, make its keys anew")
        newest = event.sequence > numbers.highest
        verdict = Verdict.RECORD if numbers.add(event.sequence, event.nonce) else Verdict.AGAIN
        if newest and isinstance(event, OpenedEvent) and _timely(event, unix_s):
            verdict = Verdict.ACT
        word = wire.acknowledge_topic(self._site, device), acknowledgement(event.sequence, event.nonce)
        return Taken(verdict, event, word)

    def held(self) -> dict[str, list[tuple[int, int]]]:
        """First and last number of each unbroken run that was taken, by device and key; to be kept as JSON."""
        return {name: list(numbers.spans) for name, numbers in self._held.items()}

    def gaps(self, device: DeviceId) -> list[tuple[int, int]]:
        """First and last number of each run that is missing between those that were taken."""
        spans = next(numbers.spans for name, numbers in self._held.items() if name.startswith(f"{device}/"))
        return [(left[1] + 1, right[0] - 1) for left, right in pairwise(spans)]


class _Numbers:
    """Which sequence numbers of one device were taken."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = []
        self._nonces: dict[int, bytes] = {}

    @property
    def highest(self) -> int:
        return self.spans[-1][1] if self.spans else 0

    def other_nonce(self, number: int, nonce: bytes) -> bool:
        return self._nonces.get(number, nonce) != nonce

    def add(self, number: int, nonce: bytes) -> bool:
        """False if it is there already."""
        at = bisect_right(self.spans, (number, 2**63))
        if at and self.spans[at - 1][1] >= number:
            return False
        first = last = number
        if at < len(self.spans) and self.spans[at][0] == number + 1:
            last = self.spans.pop(at)[1]
        if at and self.spans[at - 1][1] == number - 1:
            at -= 1
            first = self.spans.pop(at)[0]
        self.spans.insert(at, (first, last))
        self._nonces[number] = nonce
        if len(self._nonces) > _NONCES:
            del self._nonces[next(iter(self._nonces))]
        return True


def _timely(event: OpenedEvent, unix_s: float) -> bool:
    return event.not_after_s - 2 * ACT_WITHIN_S <= unix_s < event.not_after_s


def _name(device: DeviceId, key: SignPublic) -> str:
    """A device with new keys counts its events anew."""
    return f"{device}/{key.hex()}"
