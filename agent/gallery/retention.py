"""How long a person may stay in the gallery: until which day, and why not longer.

Rules: the earliest end counts. The receipt's own date; the policy's longest time since it was given; too long unused;
another purpose or site; another notice, or a policy whose time is over. For minors, and where the age is unknown, both
of the policy's limits are halved and at most 180 days. A time that is no number is no time to erase by, and nobody is
in force at it (consent.py). What a newer word of the site could change (purpose, notice, policy) counts only while the
site's lease is fresh: a device that has been cut off does not erase everybody over a policy that has long been renewed.
Leaves out: erasing (app/custody.py, the store), withdrawal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from agent.gallery.consent import Consent
from agent.policy.bundle import PolicyDocument
from agent.policy.declared import Retention
from agent.policy.fields import AgeBand, Purpose
from agent.units import Sha256, SiteId

DAY_S: Final = 86_400.0
_GROWN_UP: Final = 18
_MINOR_DAYS: Final = 180.0


@unique
class Ended(StrEnum):
    """Why somebody was erased. The values are wire names and never change."""

    WITHDRAWN = "withdrawn"
    UNTIL = "until"
    IDLE = "idle"
    PURPOSE_ENDED = "purpose-ended"
    POLICY_ENDED = "policy-ended"


@dataclass(frozen=True, slots=True, repr=False)
class Agreed:
    """What of a consent decides how long it lasts; times are Unix seconds."""

    given_s: float
    until_s: float
    age: AgeBand
    purpose: Purpose
    site: SiteId
    notice_sha256: Sha256

    @classmethod
    def of(cls, consent: Consent) -> Agreed:
        return cls(
            consent.given_s, consent.until_s, consent.age, consent.purpose, consent.site, consent.notice_sha256
        )  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Stay:
    """One person in the gallery."""

    agreed: Agreed
    enrolled_s: float | None
    """None: the clock was not trusted then; the day on which consent was given counts."""
    last_use_s: float | None
    """None: not used yet."""

    @property
    def seen_s(self) -> float:
        """When it was last used; enrolment counts as a use."""
        return max(each for each in (self.agreed.given_s, self.enrolled_s, self.last_use_s) if each is not None)


def limits(age: AgeBand, retention: Retention) -> tuple[float, float]:
    """Most days since consent was given, and most days unused."""
    if age.youngest >= _GROWN_UP:
        return float(retention.max_days), float(retention.max_idle_days)
    return min(retention.max_days / 2, _MINOR_DAYS), min(retention.max_idle_days / 2, _MINOR_DAYS)


def end(stay: Stay, retention: Retention | None) -> tuple[float, Ended]:
    """The Unix time at which this stay ends by itself, and why.

    Args:
        retention: the policy's; None while there is no policy, and then only the receipt's own date is known.
    """
    ends = [(stay.agreed.until_s, Ended.UNTIL)]
    if retention is not None:
        most_days, idle_days = limits(stay.agreed.age, retention)
        ends.append((stay.agreed.given_s + most_days * DAY_S, Ended.UNTIL))
        ends.append((stay.seen_s + idle_days * DAY_S, Ended.IDLE))
    return min(ends, key=lambda each: each[0])


def ended(stay: Stay, document: PolicyDocument | None, unix_s: float, *, fresh: bool) -> Ended | None:
    """Why this person must be erased now; None: may stay.

    Args:
        document: the policy in use; None while there is none.
        unix_s: trusted time.
        fresh: the site's lease is in force, so `document` is what the site says now.
    """
    at_s, why = end(stay, None if document is None else document.retention)
    if unix_s >= at_s:
        return why
    if document is None or not fresh:
        return None
    if (stay.agreed.purpose, stay.agreed.site) != (document.purpose, document.site):
        return Ended.PURPOSE_ENDED
    over = unix_s >= document.until.timestamp()
    return Ended.POLICY_ENDED if over or stay.agreed.notice_sha256 != document.notice.sha256 else None
