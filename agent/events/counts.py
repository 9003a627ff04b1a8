"""How many decisions there were, so coarsely and so late that nobody can tell from it who came when.

Rules: an hour is told only when it is over, and of each outcome only the five that its number lies in: less than five
are none. Sealed events are visible to the broker as they happen, but not what they decided.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from agent.events.bodies import Hourly
from agent.events.decision import Outcome

HOUR_S: Final = 3600
K: Final = 5


class HourlyCounts:
    """Counts since start; the first hour told is the one of the first decision or of the first asking."""

    def __init__(self) -> None:
        self._hour: int | None = None
        self._now: Counter[Outcome] = Counter()
        self._told: tuple[float, tuple[Hourly, ...]] | None = None

    def count(self, outcome: Outcome, unix_s: float | None) -> None:
        """One decision at a trusted time; None: the time is unknown, and it is in no hour."""
        if unix_s is not None:
            self._turn(unix_s)
            self._now[outcome] += 1

    def closed(self, unix_s: float | None) -> tuple[float | None, tuple[Hourly, ...]]:
        """Beginning of the last hour that is over, and its counts; None and nothing while there is none."""
        if unix_s is not None:
            self._turn(unix_s)
        return self._told or (None, ())

    def _turn(self, unix_s: float) -> None:
        hour = int(unix_s // HOUR_S)
        if self._hour is not None and hour > self._hour:
            counts = tuple(Hourly(outcome=each, at_least=self._now[each] // K * K) for each in Outcome)
            self._told = self._hour * float(HOUR_S), counts
        if hour != self._hour:
            self._hour, self._now = hour, Counter()
