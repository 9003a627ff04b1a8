"""A withdrawal code takes back the consent of the person it names, whoever shows it; nothing else does, or raises."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from agent.crypto import SignPublic, SignSecret, sign, sign_public
from agent.gallery.passes_text import PASS_CONTEXT, base45, site_digest
from agent.gallery.withdrawal import (
    PREFIX,
    WITHDRAW_CONTEXT,
    Rejected,
    WithdrawalFault,
    judge_withdrawal,
    withdrawal_body,
    withdrawal_text,
)
from agent.site.withdrawals import signed_withdrawal
from agent.units import SiteId, SubjectId

SITE, P1, P2 = SiteId("quay"), SubjectId("p-1"), SubjectId("p-2")
ISSUER, OTHER = SignSecret(b"\x07" * 32), SignSecret(b"\x08" * 32)
KEYS = ("00", "no key", sign_public(ISSUER).hex())
CODE = signed_withdrawal(SITE, ISSUER, P1)


def kept(subject: SubjectId) -> SignPublic | None:
    """The gallery: P1's receipt was issued with a key that the policy no longer names."""
    return sign_public(OTHER) if subject == P1 else None


def test_names_whose_consent_it_takes_back() -> None:
    assert judge_withdrawal(CODE, KEYS, SITE) == P1
    longest = SubjectId("p" * 63)
    assert judge_withdrawal(signed_withdrawal(SITE, ISSUER, longest), KEYS, SITE) == longest


def test_the_key_of_the_kept_receipt_counts_for_its_own_person_alone() -> None:
    assert judge_withdrawal(signed_withdrawal(SITE, OTHER, P1), (), SITE, kept) == P1
    refused = Rejected(WithdrawalFault.UNSIGNED)
    assert judge_withdrawal(signed_withdrawal(SITE, OTHER, P2), KEYS, SITE, kept) == refused
    assert judge_withdrawal(signed_withdrawal(SITE, OTHER, P1), KEYS, SITE) == refused


def test_a_signature_for_something_else_withdraws_nobody() -> None:
    passing = withdrawal_text(SITE, P1, sign(ISSUER, PASS_CONTEXT, withdrawal_body(SITE, P1)))
    assert judge_withdrawal(passing, KEYS, SITE) == Rejected(WithdrawalFault.UNSIGNED)
    assert judge_withdrawal(CODE, KEYS, SiteId("pier")) == Rejected(WithdrawalFault.WRONG_SITE)


def test_other_codes_are_nobodys_business() -> None:
    for text in ("", "DW1:ABC", "DS1:ABC", "dw0:abc", "https://example.org"):
        assert judge_withdrawal(text, KEYS, SITE) is None


@pytest.mark.parametrize("name", [b"", b"-p", b"P-1", b"p_1", b"p-1\n", b"\xff", b"p" * 64])
def test_a_name_that_is_no_pseudonym_is_malformed_even_when_signed(name: bytes) -> None:
    body = site_digest(SITE) + name
    text = PREFIX + base45(body + sign(ISSUER, WITHDRAW_CONTEXT, body))
    assert judge_withdrawal(text, KEYS, SITE) == Rejected(WithdrawalFault.MALFORMED)


@pytest.mark.parametrize("text", [PREFIX, f"{PREFIX}A", f"{PREFIX}é", PREFIX + "A" * 400, f"{PREFIX}ABC"])
def test_damaged_codes_are_malformed(text: str) -> None:
    assert judge_withdrawal(text, KEYS, SITE) == Rejected(WithdrawalFault.MALFORMED)


@given(at=strategies.integers(0, len(CODE) - 1), sign=strategies.characters())
def test_no_changed_sign_withdraws_anybody(at: int, sign: str) -> None:
    changed = CODE[:at] + sign + CODE[at + 1 :]
    verdict = judge_withdrawal(changed, KEYS, SITE, kept)
    assert changed == CODE or verdict is None or isinstance(verdict, Rejected)


@given(strategies.text(max_size=450))
def test_any_text_is_answered(text: str) -> None:
    for shown in (text, PREFIX + text):
        verdict = judge_withdrawal(shown, KEYS, SITE, kept)
        assert verdict is None or isinstance(verdict, Rejected)
