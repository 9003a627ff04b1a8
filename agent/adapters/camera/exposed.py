"""When a frame was exposed, on the monotonic clock, from what cameras say about it.

A decision on an old frame opens nothing, so a frame must never seem younger than it is.
"""

from __future__ import annotations

import time
from typing import Final

_OLDEST_NS: Final = 60_000_000_000
_PERIOD_NS: Final = 30_000_000_000
"""How long the quickest frame counts. The two clocks drift 100 ppm apart at most: 6 ms within two periods."""


def exposed_ns(stamp_ns: int, now_ns: int) -> int:
    """A driver's own time of exposure where it is one of the last minute, else the time when the frame came.

    Args:
        stamp_ns: of CLOCK_MONOTONIC or CLOCK_BOOTTIME, which differ by the time that the machine has slept; 0: none.
    """
    if stamp_ns > now_ns:
        stamp_ns -= max(0, time.clock_gettime_ns(time.CLOCK_BOOTTIME) - time.monotonic_ns())
    return stamp_ns if now_ns - _OLDEST_NS <= stamp_ns <= now_ns else now_ns


class StreamTime:
    """Exposure of the frames of one stream whose sender counts time in its own way.

    The frame that came quickest after its own time, within the last minute, is taken as fresh; what another one came
    later than that, it has waited somewhere. So frames that were held back do not seem to be new.
    """

    def __init__(self) -> None:
        self._best: int | None = None
        self._before: int | None = None
        self._since_ns = self._last_ns = 0

    def exposed_ns(self, stamp_ns: int, now_ns: int) -> int:
        """
        Args:
            stamp_ns: the frame's own time in the stream.
            now_ns: when it came, CLOCK_MONOTONIC.
        """
        delay = now_ns - stamp_ns
        if self._best is None:
            self._since_ns = now_ns
        elif now_ns - self._since_ns > _PERIOD_NS:
            self._best, self._before, self._since_ns = None, self._best, now_ns
        self._best = delay if self._best is None else min(self._best, delay)
        quickest = self._best if self._before is None else min(self._best, self._before)
        # At first the quickest is still to come; a frame was in any case exposed after the one before it.
        self._last_ns = min(now_ns, max(self._last_ns, now_ns - (delay - quickest)))
        return self._last_ns
