"""A pass opens its door on its days as often as it says; nothing else that is held up does, and nothing raises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies

from agent.crypto import SignSecret, sign, sign_public
from agent.gallery.passes import (
    PASS_CONTEXT,
    PREFIX,
    QUARTER_S,
    SUBJECT_MAX,
    Accepted,
    Pass,
    PassFault,
    Rejected,
    Showings,
    base45,
    door_digest,
    judge,
    site_digest,
    text_of,
    unbase45,
)
from agent.policy.bundle import PassKey, utc
from agent.units import DoorId, PassId, SiteId, SubjectId
from tests.policy.given import NOW_S

SITE, MAIN, SIDE = SiteId("quay"), DoorId("main"), DoorId("side")
ISSUER, OTHER = SignSecret(b"\x0b" * 32), SignSecret(b"\x0c" * 32)
KEYS = (PassKey(key=sign_public(ISSUER).hex(), doors=("main",), until=utc(NOW_S + 86_400)),)
QUARTER = int(NOW_S) // QUARTER_S
ID = PassId("0102030405060708")
GOOD = Pass(site_digest(SITE), bytes.fromhex(ID), door_digest(MAIN), QUARTER, QUARTER + 4, 2, SubjectId("p-1"))


def text(content: Pass = GOOD, secret: SignSecret = ISSUER, context: str = PASS_CONTEXT) -> str:
    return text_of(content, sign(secret, context, content.body()))


def shown(
    code: str, unix_s: float | None = NOW_S, used: int = 0, door: DoorId = MAIN, site: SiteId = SITE
) -> Accepted | Rejected | None:
    return judge(code, KEYS, site, door, unix_s, {ID: used})


def test_a_good_pass_opens_and_names_whose_it_is() -> None:
    assert shown(text()) == Accepted(ID, SubjectId("p-1"))
    assert shown(text(replace(GOOD, subject=None))) == Accepted(ID, None)
    assert shown(text(), used=1) == Accepted(ID, SubjectId("p-1"))
    assert "p-1" not in repr(shown(text()))


@pytest.mark.parametrize(
    ("code", "unix_s", "used", "reason"),
    [
        (text(), None, 0, PassFault.CLOCK_UNTRUSTED),
        (text(), float("nan"), 0, PassFault.CLOCK_UNTRUSTED),
        (text(), QUARTER * QUARTER_S - 0.001, 0, PassFault.NOT_YET),
        (text(), (QUARTER + 4) * QUARTER_S, 0, PassFault.EXPIRED),
        (text(), NOW_S, 2, PassFault.USED),
        (text(), NOW_S, 3, PassFault.USED),
        (text(replace(GOOD, door=door_digest(SIDE))), NOW_S, 0, PassFault.WRONG_DOOR),
        (text(replace(GOOD, site=site_digest(SiteId("pier")))), NOW_S, 0, PassFault.WRONG_DOOR),
        (text(replace(GOOD, until_quarter=QUARTER + 1000)), NOW_S + 86_400, 0, PassFault.EXPIRED),
    ],
)
def test_a_refusal_has_a_reason(code: str, unix_s: float | None, used: int, reason: PassFault) -> None:
    assert shown(code, unix_s, used) == Rejected(ID, reason)


def test_the_first_and_the_last_instant() -> None:
    assert isinstance(shown(text(), QUARTER * QUARTER_S), Accepted)
    assert isinstance(shown(text(), (QUARTER + 4) * QUARTER_S - 0.001), Accepted)


def test_a_key_opens_only_the_doors_that_the_policy_gives_it() -> None:
    for_side = text(replace(GOOD, door=door_digest(SIDE)))
    assert shown(for_side, door=SIDE) == Rejected(ID, PassFault.WRONG_DOOR)
    assert shown(text(), site=SiteId("pier")) == Rejected(ID, PassFault.WRONG_DOOR)


def test_no_believed_signature_means_no_believed_content() -> None:
    assert shown(text(secret=OTHER)) == Rejected(None, PassFault.UNSIGNED)
    assert shown(text(context="doorward/receipt/1")) == Rejected(None, PassFault.UNSIGNED)
    assert judge(text(), (), SITE, MAIN, NOW_S, {}) == Rejected(None, PassFault.UNSIGNED)


def test_a_key_that_is_none_signs_nothing() -> None:
    class Broken:
        key, doors, until = "not hex", ("main",), utc(NOW_S + 1)

    assert judge(text(), [Broken()], SITE, MAIN, NOW_S, {}) == Rejected(None, PassFault.UNSIGNED)


@pytest.mark.parametrize(
    "code",
    [
        PREFIX,
        PREFIX + "A",
        PREFIX + "é",
        PREFIX + "::",
        PREFIX + ":::",
        text() + "0",
        text(replace(GOOD, uses=0)),
        text(replace(GOOD, subject=SubjectId("Ada Lovelace"))),
        text(replace(GOOD, subject=SubjectId("a" * (SUBJECT_MAX + 1)))),
        PREFIX + base45(bytes(90)),
        text() + "0" * 400,
    ],
)
def test_what_cannot_be_meant_is_malformed(code: str) -> None:
    assert shown(code) == Rejected(None, PassFault.MALFORMED)


def test_a_pass_that_is_cut_short_is_not_signed() -> None:
    assert shown(text()[:-3]) == Rejected(None, PassFault.UNSIGNED)


@pytest.mark.parametrize("code", ["", "DW1", "DW2:ABC", "dw1:abc", "https://example.org/", "WIFI:T:WPA;;"])
def test_other_codes_are_none_of_our_business(code: str) -> None:
    assert shown(code) is None


@given(strategies.text(max_size=300))
def test_any_text_is_judged_and_never_opens(anything: str) -> None:
    assert not isinstance(shown(anything), Accepted)
    assert isinstance(shown(PREFIX + anything), Rejected)


@given(strategies.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=300))
def test_any_code_is_judged_and_never_opens(anything: str) -> None:
    assert isinstance(shown(PREFIX + anything), Rejected)


@given(at=strategies.integers(min_value=0), mask=strategies.integers(1, 255))
def test_no_changed_byte_opens(at: int, mask: int) -> None:
    data = bytearray(GOOD.body() + sign(ISSUER, PASS_CONTEXT, GOOD.body()))
    data[at % len(data)] ^= mask
    found = shown(PREFIX + base45(bytes(data)))
    assert isinstance(found, Rejected)
    assert found.pass_id is None


@given(
    unix_s=strategies.floats(allow_nan=True) | strategies.none(),
    first=strategies.integers(QUARTER - 9, QUARTER + 9),
    length=strategies.integers(0, 9),
    uses=strategies.integers(1, 255),
    used=strategies.integers(0, 300),
)
def test_opens_exactly_when_all_is_in_order(
    unix_s: float | None, first: int, length: int, uses: int, used: int
) -> None:
    code = text(replace(GOOD, from_quarter=first, until_quarter=first + length, uses=uses))
    for now in (unix_s, NOW_S):
        in_time = now is not None and first * QUARTER_S <= now < (first + length) * QUARTER_S
        # The key's own end lies far behind all these passes.
        assert isinstance(shown(code, now, used), Accepted) == (in_time and used < uses)


def test_base45_is_that_of_rfc_9285() -> None:
    """The three examples of the RFC, section 4.3 and 4.4."""
    for plain, coded in (
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
    ):
        assert base45(plain) == coded
        assert unbase45(coded) == plain


@pytest.mark.parametrize("wrong", ["G", "GGWX", ":::", "AZ:", "::", "a00"])
def test_what_is_no_base45_is_none(wrong: str) -> None:
    assert unbase45(wrong) is None


@given(strategies.binary(max_size=200))
def test_base45_gives_back_what_it_was_given(data: bytes) -> None:
    assert unbase45(base45(data)) == data


def test_one_showing_is_one_however_many_frames_long() -> None:
    showings, second = Showings(), 1_000_000_000
    assert showings.new(["a", "b", "a"], 0) == ["a", "b"]
    assert showings.new(["a"], second) == []
    gone = 3 * second
    assert showings.new(["a"], gone - 1) == [], "held up all the time"
    assert showings.new(["b"], gone) == ["b"], "away for so long, it is shown again"
    assert showings.new([], gone) == []
