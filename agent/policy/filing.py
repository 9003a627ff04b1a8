"""The filing duty of the Measures, art. 15: from a threshold of stored people on, 30 working days to file.

Working days are those of the PRC, make-up days included, from the chinesecalendar package. A year that it does not know
counts every weekday as a working day, which gives the earlier, stricter date, and `Deadline.assumed` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Final

from agent.policy.declared import Filing

WORKING_DAYS: Final = 30
_NEARLY: Final = 0.8
"""From this part of the threshold on, whoever enrols people is reminded."""
_CHINA: Final = timezone(timedelta(hours=8))
"""The authority's days, wherever the device stands; China has one time zone and no summer time."""


@dataclass(frozen=True, slots=True)
class Deadline:
    last_day: date
    """The last day on which filing is in time."""
    assumed: bool
    """Some of the days lie in a year whose holidays are not known; then every weekday was counted."""

    def passed(self, unix_s: float) -> bool:
        return _day(unix_s) > self.last_day

    @property
    def ends_s(self) -> float:
        """Unix time at which the last day is over."""
        return datetime.combine(self.last_day + timedelta(days=1), time(), _CHINA).timestamp()


def deadline(crossed_s: float) -> Deadline:
    """When the filing is due at the latest.

    Args:
        crossed_s: Unix time at which the stock reached the threshold; the days count from the next day on.
    """
    day, left, assumed = _day(crossed_s), WORKING_DAYS, False
    while left:
        day += timedelta(days=1)
        works, known = _works(day)
        assumed |= not known
        left -= works
    return Deadline(day, assumed)


def filing_advice(people: int, most: int | None, filing: Filing | None, crossed_s: float | None) -> str | None:
    """What whoever enrols people must hear about the filing duty; None: there is none, or it is far off.

    Args:
        people: enrolled now, on this device alone: the controller's total over all devices may be higher.
        most: the profile's threshold; None: no such duty.
        filing: the record of a filing in the policy.
        crossed_s: Unix time at which the stock reached the threshold; None: it has not, or nobody knows when.
    """
    if most is None:
        return None
    covered = most if filing is None else max(most, filing.covers_people)
    if people < covered * _NEARLY:
        return None
    if people >= covered:
        full = f"{people} people are enrolled, {covered} is the most without a further filing: nobody more is enrolled"
        return full if crossed_s is None else f"{full}; {_due(deadline(crossed_s))}"
    return f"{people} of {covered} people are enrolled: file with the authority before there are that many"


def _due(deadline: Deadline) -> str:
    due = f"file with the authority by {deadline.last_day}"
    return f"{due} (not all holidays until then are known; every weekday was counted)" if deadline.assumed else due


def _day(unix_s: float) -> date:
    return datetime.fromtimestamp(unix_s, _CHINA).date()


def _works(day: date) -> tuple[bool, bool]:
    """Whether it is a working day, and whether that is known."""
    # Imported here: few devices ever store so many people, and the calendar is a large table.
    from chinese_calendar import is_workday

    try:
        return is_workday(day), True
    except NotImplementedError:
        return day.weekday() < 5, False
