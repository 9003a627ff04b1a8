"""What an obligation that is met stands on, and when that ends."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agent.policy.filing import deadline
from agent.policy.grounds import Ground
from agent.policy.proof import SOON_DAYS, Evidence, Proof, ends_s, evidence, soon
from agent.policy.rules import OBLIGATIONS
from agent.units import Sha256
from tests.policy.given import DATED, DETECTOR, EMBEDDER, NOTICE_SHA256, NOW_S, document, iso, law

DAY_S = 86_400
TOMORROW_S = NOW_S + DAY_S
STATUTE = {
    **DATED,
    "kind": "statute",
    "law": "Law of the quay, art. 7",
    "record_sha256": "7" * 64,
    "shown_on_sign": True,
}
FILING = {"authority": "harbour-office", "number": "f-12", "filed": iso(NOW_S - 9), "covers_people": 12_000}
INSPECTION = {"inspector": "warden-1", "inspected": iso(NOW_S - 60), "until": iso(NOW_S + 5 * DAY_S)}
SIGNED = {**INSPECTION, "key": "4" * 64, "signature": "ab" * 64}


def proof(ground: Ground, **changes: Any) -> tuple[Proof, tuple[str, ...]] | None:
    found = evidence(ground, law(**changes), NOW_S, (DETECTOR, EMBEDDER), Sha256("5" * 64))
    return None if found is None else (found.kind, found.ids)


def inspected(inspection: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "sign-1", "inspection": inspection, **more}


POLICY = (Proof.POLICY, (hashlib.sha256(json.dumps(document()).encode()).hexdigest(),))


@pytest.mark.parametrize(
    ("ground", "found"),
    [
        (Ground.POLICY_NOT_IN_FORCE, POLICY),
        (Ground.NECESSITY_MISSING, POLICY),
        (Ground.BASIS_UNFIT, POLICY),
        (Ground.SIGN_MISSING, POLICY),
        (Ground.DEVICE_MOVED, POLICY),
        (Ground.ASSESSMENT_STALE, (Proof.ASSESSMENT, ("9" * 64,))),
        (Ground.NOTICE_MISMATCH, (Proof.NOTICE, (NOTICE_SHA256,))),
        (Ground.MODEL_NOT_ALLOWED, (Proof.MODELS, (DETECTOR, EMBEDDER))),
        (Ground.LEDGER_UNWRITABLE, (Proof.CHECKPOINT, ("5" * 64,))),
        (Ground.FILING_OVERDUE, None),
        (Ground.STOPPED, None),
        (Ground.KEYS_NOT_SEALED, None),
        (Ground.LEASE_EXPIRED, None),
    ],
)
def test_each_obligation_names_the_record_that_it_stands_on(ground: Ground, found: object) -> None:
    assert proof(ground) == found


def test_a_record_of_its_own_goes_before_the_policy() -> None:
    assert proof(Ground.BASIS_UNFIT, basis=STATUTE) == (Proof.STATUTE, ("7" * 64,))
    filed = hashlib.sha256(b"harbour-office f-12").hexdigest()
    assert proof(Ground.FILING_OVERDUE, filing=FILING) == (Proof.FILING, (filed,))
    seen = hashlib.sha256(bytes.fromhex("ab" * 64)).hexdigest()
    assert proof(Ground.SIGN_MISSING, sign=inspected(SIGNED)) == (Proof.INSPECTION, (seen,))


def test_an_inspection_that_nobody_signed_or_that_is_over_is_no_record_of_its_own() -> None:
    over = {**SIGNED, "until": iso(NOW_S - 1)}
    for each in (INSPECTION, over):
        found = proof(Ground.SIGN_MISSING, sign=inspected(each))
        assert found is not None and found[0] is Proof.POLICY


def test_where_nothing_has_been_loaded_signed_assessed_or_surveyed_there_is_no_record() -> None:
    bare = law(assessment=None, location={"kind": "gnss"})
    for ground in (
        Ground.MODEL_NOT_ALLOWED,
        Ground.LEDGER_UNWRITABLE,
        Ground.ASSESSMENT_MISSING,
        Ground.LOCATION_UNKNOWN,
    ):
        assert evidence(ground, bare, NOW_S) is None


def test_evidence_names_nobody() -> None:
    named = law(sign=inspected(SIGNED), filing=FILING)
    told = [evidence(each.ground, named, NOW_S) for each in OBLIGATIONS]
    assert sum(each is not None for each in told) > 15
    assert "warden" not in "".join(each.model_dump_json() for each in told if isinstance(each, Evidence))


def until(ground: Ground, **changes: Any) -> float | None:
    return ends_s(ground, law(**changes), NOW_S)


def test_what_is_dated_ends_on_its_day_and_the_rest_on_none() -> None:
    dated = {
        Ground.POLICY_NOT_IN_FORCE,
        Ground.NECESSITY_MISSING,
        Ground.ASSESSMENT_STALE,
        Ground.ALTERNATIVE_MISSING,
    }
    assert {each.ground: until(each.ground) for each in OBLIGATIONS} == {
        each.ground: TOMORROW_S if each.ground in dated else None for each in OBLIGATIONS
    }
    assert until(Ground.BASIS_UNFIT, basis=STATUTE) == TOMORROW_S
    for ground in (Ground.NECESSITY_MISSING, Ground.ASSESSMENT_STALE, Ground.ALTERNATIVE_MISSING):
        assert until(ground, necessity=None, assessment=None, alternatives=[]) is None


def test_an_assessment_ends_with_its_profile_s_time_if_that_is_sooner() -> None:
    made = {**document()["assessment"], "on": iso(NOW_S - 364 * DAY_S), "until": iso(NOW_S + 900 * DAY_S)}
    most = law(assessment=made).profile.assessment_days
    assert most is not None
    assert until(Ground.ASSESSMENT_STALE, assessment=made) == NOW_S + (most - 364) * DAY_S
    assert until(Ground.ASSESSMENT_STALE, assessment=made, profile="us-il-bipa") == NOW_S + 900 * DAY_S


def test_the_way_in_that_holds_longest_counts_and_a_pass_only_as_long_as_a_key() -> None:
    staff, long = {**DATED, "way": "staff"}, {"on": iso(NOW_S - 9), "until": iso(NOW_S + 90 * DAY_S), "way": "pass"}
    over = {"on": iso(NOW_S - 9), "until": iso(NOW_S - 5), "way": "key"}
    key = {"key": "6" * 64, "doors": ["main"], "until": iso(NOW_S + 40 * DAY_S)}
    other = {**key, "doors": ["side"], "until": iso(NOW_S + 80 * DAY_S)}
    ways = [staff, long, over]
    assert until(Ground.ALTERNATIVE_MISSING, alternatives=ways, pass_keys=[key, other]) == NOW_S + 40 * DAY_S
    assert until(Ground.ALTERNATIVE_MISSING, alternatives=ways, pass_keys=[other]) == TOMORROW_S
    assert until(Ground.ALTERNATIVE_MISSING, alternatives=[over]) is None


def test_a_sign_ends_with_its_date_or_with_the_look_at_it_where_no_camera_sees_it() -> None:
    printed = {"until": iso(NOW_S + 3 * DAY_S)}
    assert until(Ground.SIGN_MISSING, sign=inspected(INSPECTION)) == NOW_S + 5 * DAY_S
    assert until(Ground.SIGN_MISSING, sign=inspected(INSPECTION, **printed)) == NOW_S + 3 * DAY_S
    marker = document()["sign"]["marker"]
    assert until(Ground.SIGN_MISSING, sign=inspected(INSPECTION, marker=marker)) is None


def test_above_the_filing_threshold_it_ends_with_the_last_day_to_file() -> None:
    def ends(stock: int | None, crossed_s: float | None, **changes: Any) -> float | None:
        return ends_s(Ground.FILING_OVERDUE, law(profile="cn-2025", **changes), NOW_S, stock, crossed_s)

    last = deadline(NOW_S).ends_s
    assert ends(100_000, NOW_S) == last
    assert ends(100_000, NOW_S, filing=FILING) == last
    assert ends(100_000, NOW_S, filing={**FILING, "covers_people": 100_000}) is None
    assert ends(99_999, NOW_S) is ends(None, NOW_S) is ends(100_000, None) is None
    assert ends_s(Ground.FILING_OVERDUE, law(profile="eu-gdpr"), NOW_S, 10**6, NOW_S) is None
    assert not deadline(NOW_S).passed(last - 1) and deadline(NOW_S).passed(last)
    assert datetime.fromtimestamp(last, UTC).hour == 16, "midnight in China"


def test_soon_is_within_thirty_days() -> None:
    limit = NOW_S + SOON_DAYS * DAY_S
    assert soon(limit, NOW_S) and soon(NOW_S, NOW_S)
    assert not soon(limit + 1, NOW_S) and not soon(None, NOW_S)
