"""The one place in which a token waits to be judged.

Rules: one token at a time, at most one in `EVERY_S`, none older than `STALE_S`; what comes too fast is dropped, so that
no flood reaches what decides. It is given out once and kept nowhere.
"""

from __future__ import annotations

import threading
from typing import Final

from agent.ports import Clock
from agent.token import Token

EVERY_S: Final = 1.0
STALE_S: Final = 2.0


class Slot:
    """Implements `ports.TokenReader` for whoever brings tokens; both ends may be on threads of their own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: tuple[Token, int] | None = None
        self._taken_ns: int | None = None

    def put(self, token: Token) -> None:
        """Take in one token, or drop it: it came too soon after another."""
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            if self._taken_ns is None or now_ns - self._taken_ns >= EVERY_S * 1e9:
                self._waiting, self._taken_ns = (token, now_ns), now_ns

    def token(self, now_ns: int) -> Token | None:
        with self._lock:
            waiting, self._waiting = self._waiting, None
        return waiting[0] if waiting is not None and now_ns - waiting[1] <= STALE_S * 1e9 else None

    def close(self) -> None:
        with self._lock:
            self._waiting = None
