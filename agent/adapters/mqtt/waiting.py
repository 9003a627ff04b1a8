"""How long a connection waits: between two tries, and for the broker's word on what was handed to it.

Rules: tries are spread by full jitter, so that a hundred doors do not come back at the same moment; a broker that takes
messages and acknowledges none is gone, whatever the socket says. Leaves out: sockets and threads.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Final

FIRST_S: Final = 0.25
LONGEST_S: Final = 20.0
"""A broker that is back is spoken to within half a minute; while it is away, a hundred doors try ten times a second."""
_FORGOTTEN: Final = 6
"""Of so many deadlines a single message may wait while others are acknowledged."""


class Backoff:
    """Full jitter: each wait is drawn between nothing and a bound that doubles up to `LONGEST_S`.

    Args:
        draw: gives a number between its two arguments.
    """

    def __init__(self, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._draw = draw
        self._bound_s = FIRST_S

    def next_s(self) -> float:
        wait_s = self._draw(0.0, self._bound_s)
        self._bound_s = min(self._bound_s * 2, LONGEST_S)
        return wait_s

    def reset(self) -> None:
        self._bound_s = FIRST_S


class Outstanding:
    """What the broker has not acknowledged yet on one connection. Any thread may call.

    Args:
        deadline_s: how long nothing at all may be acknowledged while something is outstanding.
        clock: seconds that never go back.
    """

    def __init__(self, deadline_s: float, clock: Callable[[], float]) -> None:
        self._deadline_s, self._clock = deadline_s, clock
        self._lock = threading.Lock()
        self._tokens: dict[int, tuple[int | None, float]] = {}
        """Message id -> token and when it was handed over, oldest first."""
        self._early: set[int] = set()
        """Ids that were acknowledged before `sent` was told of them."""
        self._heard_s = clock()
        self.answered = False
        """Something was acknowledged on this connection: the broker works."""

    def clear(self) -> None:
        """A new connection: ids begin anew, and nothing of before is waited for."""
        with self._lock:
            self._tokens.clear()
            self._early.clear()
            self._heard_s, self.answered = self._clock(), False

    def sent(self, number: int, token: int | None) -> bool:
        """One more is outstanding; True when it was acknowledged before this could be said."""
        with self._lock:
            if number in self._early:
                self._early.discard(number)
                return True
            self._tokens[number] = (token, self._clock())
            return False

    def acknowledged(self, number: int) -> int | None:
        """The token of what was acknowledged; None when it has none, or is not known yet."""
        with self._lock:
            self._heard_s, self.answered = self._clock(), True
            if number not in self._tokens:
                self._early.add(number)
                return None
            return self._tokens.pop(number)[0]

    def refused(self, number: int) -> int | None:
        """The broker answered and did not take it: it lives, and somebody must send it again. The token, if any."""
        with self._lock:
            self._heard_s = self._clock()
            return self._tokens.pop(number, (None, 0.0))[0]

    def stalled(self) -> bool:
        with self._lock:
            if not self._tokens:
                return False
            _, oldest_s = next(iter(self._tokens.values()))
            now_s = self._clock()
            silent = now_s - max(oldest_s, self._heard_s) > self._deadline_s
            return silent or now_s - oldest_s > _FORGOTTEN * self._deadline_s
