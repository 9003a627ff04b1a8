"""The system's two clocks, and its table of time zones."""

from __future__ import annotations

import time
from datetime import datetime
from zoneinfo import ZoneInfo


class SystemClock:
    """Implements `ports.Clock`."""

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def unix_s(self) -> float:
        return time.time()


def utc_offset_s(timezone: str, unix_s: float) -> float | None:
    """How far an IANA time zone is ahead of UTC at that time; None: the system does not know the zone or the time."""
    try:
        ahead = datetime.fromtimestamp(unix_s, ZoneInfo(timezone)).utcoffset()
    except (KeyError, ValueError, OSError, OverflowError):
        return None
    return None if ahead is None else ahead.total_seconds()
