"""What is believed of a receiver: a position with its error, fresh, and where the device can have got to.

Rules: a position without an error estimate is none. The estimate is GST of the same instant, or HDOP times a user
range error that the installer states. One that comes without satellites, over more ground than the elapsed time allows,
with an error ten times another, or with a clock that jumps, is not believed, and neither is the receiver until it has
been consistent for `DISTRUST_S`: radio signals can be jammed and forged. Whoever forges slowly enough is not found out
here; a surveyed device with this receiver as its anchor refuses when it is led away from its place.
Leaves out: the serial line (line.py).
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import Final

from agent.adapters.gnss.nmea import Errors, NoPosition, Position, Sentence
from agent.policy.earth import LEAST_RADIUS_M, apart_m
from agent.units import Fix

STALE_S: Final = 5.0
DISTRUST_S: Final = 5.0
FASTEST_MS: Final = 50.0
"""Metres a second that a device may be carried."""
_SIGMA_TIMES: Final = 10.0
_SIGMA_LEAST_M: Final = 0.5
"""Below this one error is as good as another."""
_CLOCK_S: Final = 2.0
"""Most by which the receiver's clock may run otherwise than ours from one position to the next."""
_DAY_S: Final = 86_400.0
_KEPT: Final = 128


class Receiver:
    """Takes sentences on one thread and gives fixes on others.

    Args:
        uere_m: user equivalent range error; None: only GST gives an error.
    """

    def __init__(self, uere_m: float | None = None) -> None:
        self._uere_m = uere_m
        self._lock = Lock()
        self._waiting: tuple[Position, int] | None = None
        """A position whose error has not come yet, and when it came."""
        self._last: tuple[Fix, float] | None = None
        """The latest position, believed or not, and its time of day."""
        self._fixes: deque[Fix] = deque(maxlen=_KEPT)
        self._trusted_ns = 0
        """From when on it is believed."""

    def hear(self, sentence: Sentence, now_ns: int) -> None:
        with self._lock:
            match sentence:
                case NoPosition():
                    self._distrust(now_ns)
                case Position(hdop=hdop) if self._uere_m is not None:
                    if hdop is not None:
                        self._measured(sentence, now_ns, hdop * self._uere_m, now_ns)
                case Position():
                    self._waiting = sentence, now_ns
                case Errors(time_s, sigma_m) if self._waiting is not None and self._waiting[0].time_s == time_s:
                    (position, taken_ns), self._waiting = self._waiting, None
                    self._measured(position, taken_ns, sigma_m, now_ns)

    def lost(self, now_ns: int) -> None:
        """The line is gone."""
        self.hear(NoPosition(), now_ns)

    def fix(self, now_ns: int) -> Fix | None:
        """The latest fix that was known at `now_ns`; None: none, none that is believed, or too old."""
        with self._lock:
            known = next((fix for fix in reversed(self._fixes) if fix.taken_ns <= now_ns), None)
        return known if known is not None and now_ns - known.taken_ns <= STALE_S * 1e9 else None

    def _measured(self, position: Position, taken_ns: int, sigma_m: float, now_ns: int) -> None:
        fix = Fix(position.lat_deg, position.lon_deg, sigma_m, taken_ns)
        if self._last is not None:
            if position.time_s == self._last[1]:
                return  # said twice, or by two kinds of sentence: nothing new was measured
            if not _plausible(*self._last, fix, position.time_s):
                self._distrust(now_ns)
        self._last = fix, position.time_s
        if now_ns >= self._trusted_ns:
            self._fixes.append(fix)

    def _distrust(self, now_ns: int) -> None:
        self._waiting, self._trusted_ns = None, now_ns + round(DISTRUST_S * 1e9)
        self._fixes.clear()


def _plausible(before: Fix, before_s: float, fix: Fix, time_s: float) -> bool:
    """Whether a device that was there can be here now."""
    elapsed_s = (fix.taken_ns - before.taken_ns) / 1e9
    told_s = (time_s - before_s + _DAY_S / 2) % _DAY_S - _DAY_S / 2
    if not (told_s > 0 and abs(told_s - elapsed_s % _DAY_S) <= _CLOCK_S):
        return False
    metres = apart_m(before.lat_deg, before.lon_deg, fix.lat_deg, fix.lon_deg, LEAST_RADIUS_M)
    if metres - 3 * (before.sigma_m + fix.sigma_m) > FASTEST_MS * elapsed_s:
        return False
    small, large = sorted(max(sigma, _SIGMA_LEAST_M) for sigma in (before.sigma_m, fix.sigma_m))
    return large <= _SIGMA_TIMES * small
