"""A receipt either becomes a consent for exactly what it says, or an error that names the field."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, strategies

from agent.crypto import SignSecret, sign, sign_public
from agent.errors import PolicyError
from agent.gallery import _mint
from agent.gallery.consent import (
    Consent,
    Transmissible,
    read_guardian,
    read_kept_receipt,
    read_receipt,
    transmissible,
)
from agent.gallery.receipt import RECEIPT_CONTEXT, signed_part
from agent.policy.bundle import EnrolmentKey, utc
from agent.policy.fields import AgeBand, Purpose
from agent.site.withdrawals import signed_withdrawal
from agent.units import Sha256, SiteId, SubjectId
from tests.gallery.given import ISSUER, ISSUERS, SITE, agreement, consent, receipt
from tests.policy.given import NOTICE_SHA256, NOW_S, iso

ASKED: dict[str, Any] = {
    "purpose": Purpose.RESIDENT_ENTRY,
    "site": SITE,
    "notice_sha256": Sha256(NOTICE_SHA256),
    "unix_s": NOW_S,
    "guardian_below": 14,
}
YOUNGEST = {AgeBand.UNDER_14: 0, AgeBand.FROM_14: 14, AgeBand.FROM_16: 16, AgeBand.ADULT: 18, AgeBand.UNKNOWN: 0}


def test_says_what_the_receipt_says() -> None:
    data = receipt()
    found = read_receipt(data, ISSUERS, NOW_S)
    assert (found.subject, found.id, found.site, found.devices) == ("p-1", "c-1", "quay", {"gate-1"})
    assert (found.given_s, found.until_s, found.receipt) == (NOW_S - 100, NOW_S + 100, data)
    assert found.in_force(**ASKED)


@pytest.mark.parametrize(
    "other",
    [
        {"purpose": Purpose.STAFF_ENTRY},
        {"site": SiteId("pier")},
        {"notice_sha256": Sha256("b" * 64)},
        {"unix_s": NOW_S - 101},
        {"unix_s": NOW_S + 100},
        {"unix_s": float("nan")},
        {"unix_s": float("inf")},
    ],
)
def test_is_for_one_purpose_site_notice_and_time(other: dict[str, Any]) -> None:
    assert not consent().in_force(**(ASKED | other))


@pytest.mark.parametrize("age", AgeBand)
@pytest.mark.parametrize("below", [14, 16, 18])
def test_minors_and_unknown_ages_take_a_guardian(age: AgeBand, below: int) -> None:
    asked = ASKED | {"guardian_below": below}
    assert consent(age=age.value).in_force(**asked) is (YOUNGEST[age] >= below)
    assert consent("p-1", age=age.value, guardian=agreement()).in_force(**asked)


def test_its_first_second_counts_and_its_last_does_not() -> None:
    found = consent()
    assert found.in_force(**(ASKED | {"unix_s": NOW_S - 100}))
    assert found.in_force(**(ASKED | {"unix_s": NOW_S + 99.999}))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"schema": "doorward/receipt/1"}, "schema"),
        ({"id": None}, "id"),
        ({"subject": "Ada Lovelace"}, "subject"),
        ({"purpose": "marketing"}, "purpose"),
        ({"purpose": ["resident-entry", "staff-entry"]}, "purpose"),
        ({"devices": []}, "devices"),
        ({"until": "tomorrow"}, "until"),
        ({"until": iso(NOW_S - 100)}, "until must lie after at"),
        ({"until": iso(NOW_S - 1)}, "until"),
        ({"given": iso(NOW_S + 1)}, "events.at"),
        ({"purpose_iri": "https://w3id.org/dpv#Marketing"}, "purpose_iri"),
        ({"basis": "https://w3id.org/dpv#LegitimateInterest"}, "basis"),
        ({"data": ["https://w3id.org/dpv/pd#AgeRange"]}, "biometric"),
        ({"routes": ["by-letter"]}, "routes"),
        ({"routes": []}, "routes"),
        ({"code": "DW0:ABC"}, "withdrawal.code"),
        ({"code": signed_withdrawal(SITE, ISSUER, SubjectId("p-2"))}, "withdrawal.code"),
        ({"code": signed_withdrawal(SiteId("pier"), ISSUER, SubjectId("p-1"))}, "withdrawal.code"),
        ({"guardian": "g-1"}, "guardian"),
        ({"key": "0" * 64}, "key"),
        ({"signature": "0" * 128}, "signature"),
        ({"signature": "0"}, "signature"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_wrong_receipt_names_its_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(PolicyError, match=field):
        read_receipt(receipt(**changes), ISSUERS, NOW_S, "ann.json")


def test_a_key_that_the_policy_does_not_name_issues_nothing() -> None:
    with pytest.raises(PolicyError, match="no such enrolment key"):
        read_receipt(receipt(SignSecret(b"\x08" * 32)), ISSUERS, NOW_S)


def test_an_expired_key_issues_nothing_new_but_what_it_issued_is_kept() -> None:
    expired = (EnrolmentKey(key=sign_public(ISSUER).hex(), until=utc(NOW_S)),)
    with pytest.raises(PolicyError, match="expired"):
        read_receipt(receipt(), expired, NOW_S)
    assert read_kept_receipt(receipt()).subject == "p-1"


def test_a_signature_of_another_context_does_not_count() -> None:
    document = json.loads(receipt())
    document["signature"] = sign(ISSUER, "doorward/pass/1", signed_part(document)).hex()
    with pytest.raises(PolicyError, match="signature"):
        read_receipt(json.dumps(document).encode(), ISSUERS, NOW_S)


@given(at=strategies.integers(min_value=0), mask=strategies.integers(1, 255))
def test_no_changed_byte_changes_what_was_agreed(at: int, mask: int) -> None:
    data = bytearray(receipt())
    data[at % len(data)] ^= mask
    try:
        changed = read_receipt(bytes(data), ISSUERS, NOW_S)
    except PolicyError:
        return
    # A change that JSON does not see (white space) leaves the document what it was.
    assert json.loads(changed.receipt) == json.loads(receipt())


@given(strategies.binary(max_size=300))
def test_any_bytes_give_an_error_of_the_five(data: bytes) -> None:
    with pytest.raises(PolicyError):
        read_receipt(data, ISSUERS, NOW_S)
    with pytest.raises(PolicyError):
        read_kept_receipt(data)


def test_nobody_else_makes_copies_or_shows_one() -> None:
    found = consent()
    fields = {name: getattr(found, name) for name in Consent.__slots__}
    with pytest.raises(TypeError, match="only the gallery"):
        Consent(mint=_mint.Mint(), **fields)
    for forge in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be copied"):
            forge(found)
    with pytest.raises(TypeError, match="cannot be copied"):
        found.__reduce_ex__(2)
    with pytest.raises(TypeError, match=r"only agent\.gallery"):
        type("Forged", (_mint.Unforgeable,), {"__module__": "tests"})
    assert "p-1" not in repr(found)


def test_the_schema_is_the_signature_context() -> None:
    assert json.loads(receipt())["schema"] == RECEIPT_CONTEXT


def test_a_guardian_narrows_the_time_and_is_known_by_pseudonym() -> None:
    short = agreement(at=iso(NOW_S - 50), until=iso(NOW_S + 50))
    found = consent("p-1", age="under-14", guardian=short)
    assert (found.guardian, found.given_s, found.until_s) == ("g-ann", NOW_S - 50, NOW_S + 50)


@pytest.mark.parametrize(
    ("guardian", "field"),
    [
        (agreement(subject="p-2"), "guardian.agreement.subject"),
        (agreement(site="pier"), "guardian.agreement.site"),
        (agreement(purpose="pupil-entry"), "guardian.agreement.purpose"),
        (agreement(notice={"version": "v-1", "sha256": "b" * 64}), "guardian.agreement.notice"),
        (agreement(schema="doorward/receipt/2"), "guardian.agreement.schema"),
        (agreement(signature="0" * 128), "guardian.agreement: signature"),
        (agreement(SignSecret(b"\x08" * 32)), "guardian.agreement.key"),
        (agreement(until=iso(NOW_S - 100)), "until must lie after at"),
        (agreement(until=iso(NOW_S - 1)), "until: the consent has expired"),
        (agreement() | {"id": "g-2"}, "id is not that of the agreement"),
        (agreement() | {"sha256": "0" * 64}, "guardian.sha256"),
    ],
)
def test_a_guardian_agrees_for_this_child_and_to_nothing_else(guardian: dict[str, Any], field: str) -> None:
    with pytest.raises(PolicyError, match=field):
        read_receipt(receipt(age="under-14", guardian=guardian), ISSUERS, NOW_S)


@pytest.mark.parametrize("mine", [False, True])
@pytest.mark.parametrize("guardians", [False, True])
def test_a_template_travels_only_if_all_who_must_agree_did(mine: bool, guardians: bool) -> None:
    found = consent("p-1", transmission_consent=mine, guardian=agreement(transmission_consent=guardians))
    leave = transmissible(found)
    assert (leave is not None) is (mine and guardians)
    assert leave is None or leave.consent is found
    assert transmissible(consent()) is None
    with pytest.raises(TypeError, match="only the gallery"):
        Transmissible(mint=_mint.Mint(), consent=found)


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (agreement(SignSecret(b"\x08" * 32)), "key: the policy names no such"),
        (agreement(signature="0" * 128), "signature"),
        (agreement(at=iso(NOW_S + 1)), "not in its time"),
        (agreement(until=iso(NOW_S)), "not in its time"),
        (agreement(guardian="Ann Smith"), "guardian"),
    ],
)
def test_an_agreement_is_taken_only_while_it_holds(made: dict[str, Any], field: str) -> None:
    with pytest.raises(PolicyError, match=field):
        read_guardian(json.dumps(made["agreement"]).encode(), ISSUERS, NOW_S)
    assert read_guardian(json.dumps(agreement()["agreement"]).encode(), ISSUERS, NOW_S).guardian == "g-ann"
