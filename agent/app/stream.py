"""A device's events between the recogniser's socket and the broker: in order, held until somebody has them.

Rules: none overtakes those of a connection before. On a session that the broker has kept, what the consumer has
acknowledged meanwhile is heard first, and what it frees does not go out twice. Any thread may call; no lock is held
while the recogniser is told. Leaves out: which events may go out (holding.py), the connection (adapters/mqtt).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from agent.app.holding import Holding
from agent.events.wire import Acknowledgement

_QUIET_S: Final = 1.0
_HEAR_FIRST_S: Final = 4.0
"""Acknowledgements of an outage are over when none has come for `_QUIET_S`, and not waited for any longer than this."""
_UNSAID: Final = 1024


class Stream:
    """One device's events.

    Args:
        publish: hands an event to the broker; False when there is none.
        tell: the recogniser; False when it is gone.
    """

    def __init__(
        self, *, consumer: bool, publish: Callable[[int, bytes], bool], tell: Callable[[Acknowledgement], bool]
    ) -> None:
        self._consumer, self._publish, self._tell = consumer, publish, tell
        self._order = threading.Lock()
        """Held while events are published."""
        self._lock = threading.Lock()
        """For `_holding`; never held while anything is published or told."""
        self._holding = Holding(consumer=consumer)
        self._unsaid: deque[Acknowledgement] = deque(maxlen=_UNSAID)
        """The consumer's words that came before the recogniser did."""
        self._joined, self._heard_s = 0, 0.0

    def offered(self, sequence: int, envelope: bytes) -> None:
        with self._order:
            with self._lock:
                if not self._holding.offered(sequence, envelope):
                    return
            self._send(sequence, envelope)

    def recogniser_here(self) -> None:
        while self._unsaid:
            self._tell(self._unsaid.popleft())

    def recogniser_gone(self) -> None:
        with self._lock:
            self._holding.forget()

    def lost(self) -> None:
        """The connection to the broker has ended."""
        with self._lock:
            self._holding.lost()

    def connected(self, *, kept: bool, resumed: bool) -> None:
        """There is a new one.

        Args:
            kept: the broker has kept this device's session.
            resumed: and is the one of the last time.
        """
        self._joined += 1
        if kept and self._consumer:
            with self._lock:
                self._holding.pause()
            self._heard_s = time.monotonic()
            self._when_quiet(self._joined, resumed, self._heard_s + _HEAR_FIRST_S)
        else:
            self._go_on(self._joined, resumed)

    def taken(self, sequence: int) -> None:
        """By the broker."""
        with self._lock:
            self._holding.taken(sequence)
        self._tell(Acknowledgement(sequence, None))

    def refused(self, sequence: int) -> None:
        """By the broker; the outbox offers it again."""
        with self._lock:
            self._holding.not_sent(sequence)

    def acknowledged(self, word: Acknowledgement) -> None:
        """By the consumer, as it says; the recogniser checks the nonce."""
        self._heard_s = time.monotonic()
        with self._lock:
            self._holding.freed(word.sequence)
        if not self._tell(word):
            self._unsaid.append(word)

    def _when_quiet(self, joined: int, resumed: bool, latest_s: float) -> None:
        if time.monotonic() < min(self._heard_s + _QUIET_S, latest_s):
            again = threading.Timer(_QUIET_S / 5, self._when_quiet, (joined, resumed, latest_s))
            again.daemon = True
            again.start()
        else:
            self._go_on(joined, resumed)

    def _go_on(self, joined: int, resumed: bool) -> None:
        """Publish what waits, on the connection of this number."""
        with self._order:
            if joined != self._joined:
                return
            with self._lock:
                due = self._holding.connected(resumed=resumed)
            for sequence, envelope in due:
                self._send(sequence, envelope)

    def _send(self, sequence: int, envelope: bytes) -> None:
        if not self._publish(sequence, envelope):
            with self._lock:
                self._holding.not_sent(sequence)
