"""What the authority signs for people: receipts, guardians' agreements and withdrawal codes that a device reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.crypto import SignSecret, sign_public
from agent.errors import ConfigError
from agent.gallery.consent import read_guardian, read_receipt, transmissible
from agent.gallery.withdrawal import judge_withdrawal
from agent.policy.bundle import POLICY_PATH, PolicyDocument
from agent.policy.document import read
from agent.policy.fields import AgeBand
from agent.site.consents import issue_guardian, issue_receipt
from agent.site.withdrawals import withdrawal_code
from agent.units import SiteId, SubjectId
from tests.policy.given import NOW_S, document, iso

ENROLMENT, PASS, STRANGER = (SignSecret(bytes([each]) * 32) for each in (7, 9, 8))
P1, ANN = SubjectId("p-1"), SubjectId("g-ann")


def policy(**changes: Any) -> PolicyDocument:
    until = iso(NOW_S + 1000)
    keys = {
        "enrolment_keys": [{"key": sign_public(ENROLMENT).hex(), "until": until}],
        "pass_keys": [{"key": sign_public(PASS).hex(), "doors": ["main"], "until": until}],
    }
    return read(json.dumps(document(**(keys | changes))).encode(), PolicyDocument, POLICY_PATH)


def agreement(**changes: Any) -> bytes:
    asked: dict[str, Any] = {"given_s": NOW_S - 60, "days": 30} | changes
    return issue_guardian(policy(), ENROLMENT, ANN, P1, **asked)


def issued(**changes: Any) -> bytes:
    return issue_receipt(policy(), ENROLMENT, P1, **({"given_s": NOW_S, "days": 30} | changes))


def test_a_receipt_is_read_by_the_device_and_carries_the_code_that_withdraws_it() -> None:
    data = issued(transmission=True)
    consent = read_receipt(data, policy().enrolment_keys, NOW_S)
    assert (consent.subject, consent.issuer) == (P1, sign_public(ENROLMENT))
    assert (
        transmissible(consent) is not None
        and transmissible(read_receipt(issued(), policy().enrolment_keys, NOW_S)) is None
    )
    told = json.loads(data)
    assert told["parties"]["controller"]["name"] and told["parties"]["controller"]["contact"]
    code = told["withdrawal"]["code"]
    assert judge_withdrawal(code, (sign_public(ENROLMENT).hex(),), SiteId(policy().site)) == P1


def test_no_texts_no_name() -> None:
    bare = policy(notice={"version": "v-1", "sha256": "a" * 64})
    data = issue_receipt(bare, ENROLMENT, P1, given_s=NOW_S, days=1)
    assert json.loads(data)["parties"]["controller"] == {"site": bare.site}


def test_a_child_takes_the_agreement_of_a_guardian() -> None:
    with pytest.raises(ConfigError, match="--guardian: needed below"):
        issued(age=AgeBand.UNDER_14)
    data = issued(age=AgeBand.UNDER_14, guardian=agreement())
    assert read_receipt(data, policy().enrolment_keys, NOW_S).guardian == ANN
    assert read_guardian(agreement(), policy().enrolment_keys, NOW_S).subject == P1


@pytest.mark.parametrize(
    ("guardian", "words"),
    [
        (b"{}", "--guardian: schema"),
        (agreement(given_s=NOW_S + 60), "not in its time"),
        (agreement().replace(b"p-1", b"p-2"), "signature"),
        (issue_guardian(policy(), ENROLMENT, ANN, SubjectId("p-2"), given_s=NOW_S - 60, days=9), "agreement.subject"),
    ],
)
def test_another_agreement_is_refused(guardian: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        issued(age=AgeBand.UNDER_14, guardian=guardian)


def test_a_guardian_who_did_not_agree_to_transmission_keeps_it_back() -> None:
    with pytest.raises(ConfigError, match="did not agree to that"):
        issued(age=AgeBand.UNDER_14, guardian=agreement(), transmission=True)
    both = issued(age=AgeBand.UNDER_14, guardian=agreement(transmission=True), transmission=True)
    assert read_receipt(both, policy().enrolment_keys, NOW_S).transmission


def test_a_guardian_is_somebody_else_and_has_a_pseudonym() -> None:
    for name, words in (("p-1", "is the person itself"), ("Ann Smith", "--guardian: a pseudonym")):
        with pytest.raises(ConfigError, match=words):
            issue_guardian(policy(), ENROLMENT, SubjectId(name), P1, given_s=NOW_S, days=1)


@pytest.mark.parametrize("secret", [ENROLMENT, PASS])
def test_both_kinds_of_key_make_a_withdrawal_code(secret: SignSecret) -> None:
    text = withdrawal_code(policy(), secret, P1)
    assert judge_withdrawal(text, (sign_public(secret).hex(),), SiteId(policy().site)) == P1


def test_no_other_key_makes_one() -> None:
    with pytest.raises(ConfigError, match="does not name this key"):
        withdrawal_code(policy(), STRANGER, P1)
