"""Figures in words of one language: lengths of time, dates, shares, counts, entries of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.report.period import Period
from agent.report.words import Words

_SHOWN: Final = 5


class Saying:
    """Says figures of one period in one language."""

    def __init__(self, words: Words, period: Period) -> None:
        self.words, self.period = words, period

    def length(self, milliseconds: int) -> str:
        """The two largest units of it."""
        w = self.words
        if milliseconds == 0:
            return w.second.format(n=0)
        if milliseconds < 1000:
            return w.under_a_second
        days, rest = divmod(milliseconds // 1000, 86_400)
        hours, rest = divmod(rest, 3600)
        minutes, seconds = divmod(rest, 60)
        parts = [(days, w.day), (hours, w.hour), (minutes, w.minute), (seconds, w.second)]
        first = next(place for place, (number, _) in enumerate(parts) if number)
        return " ".join(unit.format(n=number) for number, unit in parts[first : first + 2] if number)

    def minute(self, time_ms: int | None) -> str:
        """Date and time to the minute."""
        if time_ms is None:
            return self.words.unknown
        return f"{self.period.at(time_ms):%Y-%m-%d %H:%M}"

    def day(self, time_ms: int | None) -> str:
        return self.words.unknown if time_ms is None else f"{self.period.at(time_ms):%Y-%m-%d}"

    def share(self, part: int, whole: int) -> str:
        """In percent; all and nothing only where it is all and nothing."""
        if whole == 0:
            return self.words.none
        tenths = round(1000 * part / whole)
        if 0 < part < whole:
            tenths = min(max(tenths, 1), 999)
        return f"{tenths / 10:g}{self.words.separators[1]}%"

    def number(self, value: int) -> str:
        return f"{value:,}".replace(",", self.words.separators[0])

    def few(self, value: int | None, limit: int) -> str:
        """A count of acts; None: fewer than the limit."""
        return self.words.fewer.format(n=limit) if value is None else self.number(value)

    def positions(self, positions: Sequence[int]) -> str:
        """The first few, and how many there are."""
        shown = ", ".join(str(each) for each in positions[:_SHOWN])
        return shown if len(positions) <= _SHOWN else f"{shown} … ({self.number(len(positions))})"

    def times(self, count: int) -> str:
        return self.words.once if count == 1 else self.words.times.format(n=self.number(count))
