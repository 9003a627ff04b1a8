"""How often somebody may ask: a bucket that refills."""

from __future__ import annotations

import time
from collections.abc import Callable


class Bucket:
    """Holds at most `size` permissions, one more every `every_s`. One thread, or a lock of the caller's."""

    def __init__(self, size: int, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._every_s, self._clock = size, every_s, clock
        self._left, self._at_s = float(size), clock()

    def take(self) -> bool:
        now_s = self._clock()
        self._left = min(float(self._size), self._left + (now_s - self._at_s) / self._every_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
