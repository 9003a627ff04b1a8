"""How long somebody may stay: the earliest end counts, to the second, and minors' ends are nearer."""

from __future__ import annotations

from typing import Any

import pytest

from agent.gallery.retention import DAY_S, Agreed, Ended, Stay, end, ended, limits
from agent.policy.bundle import PolicyDocument
from agent.policy.declared import Retention
from agent.policy.fields import AgeBand, Purpose
from agent.policy.frames import PermittedFrame
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.units import SiteId
from tests.gallery.given import consent, permit
from tests.policy.given import NOW_S, captured, here, iso, law

YEAR = Retention(max_days=365, max_idle_days=90)
GIVEN_S = NOW_S - 100


def stay(days: float = 1000, **changes: Any) -> Stay:
    """Agreed a hundred seconds ago for so many days, enrolled at once, never used."""
    age = changes.pop("age", AgeBand.ADULT)
    agreed = Agreed.of(consent(until=iso(GIVEN_S + days * DAY_S), age=age.value))
    return Stay(agreed, **({"enrolled_s": GIVEN_S, "last_use_s": None} | changes))


def policy(**changes: Any) -> PolicyDocument:
    fields = {"retention": {"max_days": 365, "max_idle_days": 90}, "until": iso(NOW_S + 3650 * DAY_S)}
    return law(**(fields | changes)).policy.document


@pytest.mark.parametrize(
    ("held", "days", "why"),
    [
        (stay(10), 10, Ended.UNTIL),
        (stay(), 90, Ended.IDLE),
        (stay(enrolled_s=None), 90, Ended.IDLE),
        (stay(last_use_s=GIVEN_S + 50 * DAY_S), 140, Ended.IDLE),
        (stay(enrolled_s=None, last_use_s=GIVEN_S + 50 * DAY_S), 140, Ended.IDLE),
        (stay(enrolled_s=GIVEN_S + 20 * DAY_S), 110, Ended.IDLE),
        (stay(last_use_s=GIVEN_S + 300 * DAY_S), 365, Ended.UNTIL),
        (stay(age=AgeBand.FROM_14), 45, Ended.IDLE),
        (stay(age=AgeBand.UNKNOWN, last_use_s=GIVEN_S + 170 * DAY_S), 180, Ended.UNTIL),
    ],
)
def test_the_earliest_end_counts_and_holds_to_the_second(held: Stay, days: float, why: Ended) -> None:
    ends_s = GIVEN_S + days * DAY_S
    assert end(held, YEAR) == (ends_s, why)
    assert ended(held, policy(), ends_s - 1, fresh=True) is None
    assert ended(held, policy(), ends_s, fresh=False) is why


def test_without_a_policy_the_receipts_own_date_is_all_that_is_known() -> None:
    assert end(stay(1000), None) == (GIVEN_S + 1000 * DAY_S, Ended.UNTIL)
    assert ended(stay(), None, NOW_S + 400 * DAY_S, fresh=True) is None
    assert ended(stay(1), None, NOW_S + DAY_S, fresh=False) is Ended.UNTIL


@pytest.mark.parametrize(
    ("age", "most", "idle"),
    [
        (AgeBand.ADULT, 365.0, 90.0),
        (AgeBand.FROM_16, 180.0, 45.0),
        (AgeBand.FROM_14, 180.0, 45.0),
        (AgeBand.UNDER_14, 180.0, 45.0),
        (AgeBand.UNKNOWN, 180.0, 45.0),
    ],
)
def test_minors_and_unknown_ages_have_half_and_half_a_year_at_most(age: AgeBand, most: float, idle: float) -> None:
    assert limits(age, YEAR) == (most, idle)
    assert limits(AgeBand.FROM_16, Retention(max_days=31, max_idle_days=1000)) == (15.5, 180.0)


@pytest.mark.parametrize(
    ("changes", "at_s", "why"),
    [
        ({}, NOW_S, None),
        ({"purpose": "staff-entry"}, NOW_S, Ended.PURPOSE_ENDED),
        ({"site": "pier"}, NOW_S, Ended.PURPOSE_ENDED),
        ({"until": iso(NOW_S + 60)}, NOW_S + 59, None),
        ({"until": iso(NOW_S + 60)}, NOW_S + 60, Ended.POLICY_ENDED),
        ({"notice": {"version": "2", "sha256": "7" * 64}}, NOW_S, Ended.POLICY_ENDED),
    ],
)
def test_what_the_policy_ends_counts_only_while_the_sites_word_is_fresh(
    changes: dict[str, Any], at_s: float, why: Ended | None
) -> None:
    document = policy(**changes)
    assert ended(stay(), document, at_s, fresh=True) is why
    assert ended(stay(), document, at_s, fresh=False) is None


def test_a_time_that_is_no_number_ends_nothing_and_nobody_is_in_force_at_it() -> None:
    assert ended(stay(), policy(), float("nan"), fresh=True) is None
    granted, agreed = permit(), consent()
    asked: dict[str, Any] = {
        "purpose": Purpose.RESIDENT_ENTRY, "site": SiteId("quay"), "notice_sha256": granted.notice_sha256,
        "guardian_below": 14,
    }  # fmt: skip
    assert agreed.in_force(unix_s=NOW_S, **asked)
    assert not agreed.in_force(unix_s=float("nan"), **asked)


def test_under_an_untrusted_clock_there_is_no_permit_to_search_anybody_with() -> None:
    gate = Gate(law())
    assert isinstance(gate.admit(captured(), here()), PermittedFrame)
    refused = gate.admit(captured(), here(unix_s=None))
    assert isinstance(refused, Refusal) and Ground.CLOCK_UNTRUSTED in refused.grounds
