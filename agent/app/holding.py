"""Events that the link holds: which are on their way, which the broker has, and which may go out once more.

Rules: an event that is on its way on this connection is not sent again on it. What the broker has acknowledged, and
only the consumer frees, goes out again after a while that doubles, or when the broker has forgotten its sessions; so
does what it acknowledged shortly before the connection ended, since a broker that is killed may lose its last words.
What does not fit stays in the recogniser's outbox, which offers it again. Leaves out: publishing, locks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

ON_THE_WAY: Final = 512
"""Events without the broker's word at most: a window of the outbox's, and a round of those that nobody has freed."""
AT_THE_BROKER: Final = 4096
"""Events without the consumer's word at most; of older ones it is forgotten that they went out."""
AGAIN_S: Final = 15.0
"""And the outbox's round of 5 s: what a consumer without a session has missed comes 20 s later at most."""
LONGEST_S: Final = 600.0
LAST_WORDS_S: Final = 1.0
"""What was acknowledged so shortly before the end of a connection is not counted as kept."""


@dataclass(slots=True, repr=False)
class _Held:
    envelope: bytes
    sent: bool
    """On the present connection."""
    wait_s: float = AGAIN_S
    taken_s: float = 0.0
    """When the broker acknowledged it, by the clock."""


class Holding:
    """One device's events.

    Args:
        consumer: the consumer's word frees an event; else the broker's does.
    """

    def __init__(self, *, consumer: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._consumer, self._clock = consumer, clock
        self._ended_s = 0.0
        self._paused = True
        """Nothing goes out: there is no connection, or the broker is being heard first. What comes just when there is
        one again would overtake what has waited for it."""
        self._done: set[int] = set()
        """Freed in the pause, perhaps before they were offered."""
        self._way: dict[int, _Held] = {}
        self._broker: dict[int, _Held] = {}

    def offered(self, sequence: int, envelope: bytes) -> bool:
        """The recogniser offers an event, perhaps not for the first time; True: publish it now."""
        if sequence in self._done:
            return False  # if that word was no good, it is offered again
        for held_here in (self._way, self._broker):
            if sequence in held_here and held_here[sequence].envelope != envelope:
                del held_here[sequence]  # another one of the same number: the device's store was made anew
        if (held := self._way.get(sequence)) is not None:
            held.sent, before = held.sent or not self._paused, held.sent
            return not before and not self._paused
        held = self._broker.get(sequence)
        if (held is not None and self._clock() < held.taken_s + held.wait_s) or len(self._way) >= ON_THE_WAY:
            return False
        if held is not None:
            del self._broker[sequence]
            held.wait_s = min(held.wait_s * 2, LONGEST_S)
            held.sent = not self._paused
        self._way[sequence] = held or _Held(envelope, not self._paused)
        return not self._paused

    def not_sent(self, sequence: int) -> None:
        """There was no broker to take it."""
        if (held := self._way.get(sequence)) is not None:
            held.sent = False

    def taken(self, sequence: int) -> None:
        """The broker has acknowledged it."""
        held = self._way.pop(sequence, None)
        if held is not None and self._consumer:
            held.taken_s = self._clock()
            self._broker[sequence] = held
            if len(self._broker) > AT_THE_BROKER:
                del self._broker[next(iter(self._broker))]

    def freed(self, sequence: int) -> None:
        """The consumer holds it."""
        self._way.pop(sequence, None)
        self._broker.pop(sequence, None)
        if self._paused:
            self._done.add(sequence)

    def lost(self) -> None:
        """The connection has ended."""
        self._ended_s = self._clock()
        self.pause()

    def pause(self) -> None:
        """Nothing goes out before `connected`: on a new connection the broker may have things to say first."""
        self._paused = True
        for held in self._way.values():
            held.sent = False

    def connected(self, *, resumed: bool) -> list[tuple[int, bytes]]:
        """A new connection; what must be published on it, oldest first.

        Args:
            resumed: the broker has kept what it acknowledged.
        """
        self._paused = False
        self._done.clear()
        since_s = self._ended_s - LAST_WORDS_S
        for sequence, held in list(self._broker.items()):
            if not resumed or held.taken_s >= since_s:
                self._way[sequence] = self._broker.pop(sequence)
        for held in self._way.values():
            held.sent = True
        return sorted((sequence, held.envelope) for sequence, held in self._way.items())

    def forget(self) -> None:
        """The recogniser is gone; one that comes back sends its outbox again."""
        self._way.clear()
        # What the broker has is remembered: the outbox offers it again at once, and it need not go out twice.
