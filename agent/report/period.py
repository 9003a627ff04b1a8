"""The days that a report covers, and times in words: whole days of one time zone, from the first to the last."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from agent.errors import ConfigError

_LATEST_MS: Final = 253_370_000_000_000
"""In the year 9998: a later time cannot be written as a date in every zone."""


@dataclass(frozen=True, slots=True)
class Period:
    first: date
    last: date
    """Included."""
    zone: str
    """IANA name."""
    start_ms: int = field(init=False)
    end_ms: int = field(init=False)
    """The first millisecond that is no longer of the period."""

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ConfigError(f"--to: {self.last} lies before {self.first}; give the later day second")
        if self.first.year < 1971 or self.last.year > 9998:
            raise ConfigError("--from, --to: give days between 1971 and 9998")
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise ConfigError(
                f"--timezone: {self.zone!r} is not known here; give an IANA name such as Asia/Shanghai, or install "
                "tzdata"
            ) from None
        object.__setattr__(self, "start_ms", self._midnight_ms(self.first))
        object.__setattr__(self, "end_ms", self._midnight_ms(self.last + timedelta(days=1)))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def holds(self, time_ms: int | None) -> bool:
        return time_ms is not None and self.start_ms <= time_ms < self.end_ms

    def at(self, time_ms: int) -> datetime:
        """Local time; whatever is too late for a date is the latest that is one."""
        return datetime.fromtimestamp(min(max(time_ms, 0), _LATEST_MS) / 1000, ZoneInfo(self.zone))

    def midnights(self) -> tuple[tuple[date, int], ...]:
        """Each day and the Unix milliseconds at which it begins; the day after the last one as well."""
        days = (self.first + timedelta(days=each) for each in range(self.days + 1))
        return tuple((day, self._midnight_ms(day)) for day in days)

    def _midnight_ms(self, day: date) -> int:
        return round(datetime.combine(day, time(), ZoneInfo(self.zone)).timestamp() * 1000)
