"""What a pass says is what was written into it, and what cannot be meant is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies

from agent.crypto import sign_public
from agent.gallery.passes import PassFault, Rejected
from agent.gallery.passes_text import (
    DOORS_MAX,
    PREFIX,
    SUBJECT_MAX,
    Hours,
    Pass,
    base45,
    showing,
    unbase45,
)
from agent.gallery.passes_text import shown as taken_apart
from agent.units import SubjectId
from tests.gallery.passes_given import GOOD, ON_PHONE, PHONE, shown, text, turned

HOURS = strategies.builds(
    lambda days, begin, length: Hours(days, begin, (begin + length - 1) % 96 + 1),
    strategies.integers(1, 127),
    strategies.integers(0, 95),
    strategies.integers(1, 95),
)
PASSES = strategies.builds(
    Pass,
    site=strategies.binary(min_size=8, max_size=8),
    pass_id=strategies.binary(min_size=8, max_size=8),
    doors=strategies.lists(strategies.binary(min_size=4, max_size=4), min_size=1, max_size=DOORS_MAX).map(tuple),
    from_quarter=strategies.integers(0, 2**24 - 1),
    until_quarter=strategies.integers(0, 2**24 - 1),
    uses=strategies.integers(1, 255),
    hours=HOURS | strategies.none(),
    phone=strategies.sampled_from([None, sign_public(PHONE)]),
    subject=strategies.from_regex(r"[a-z0-9][a-z0-9-]{0,34}", fullmatch=True).map(SubjectId),
    compare=strategies.booleans(),
)


@given(PASSES)
def test_a_pass_says_what_was_written(content: Pass) -> None:
    held = text(content)
    found = taken_apart(turned(held, 77) if content.phone else held)
    assert found is not None
    assert found.content == content
    assert (found.body, found.moment) == (content.body(), 77 if content.phone else None)
    nobody = replace(content, subject=None, compare=False)
    found = taken_apart(turned(text(nobody)) if content.phone else text(nobody))
    assert found is not None and found.content == nobody


@given(PASSES)
def test_what_turns_is_told_from_what_stays(content: Pass) -> None:
    held = text(content)
    assert showing(held) == held or content.phone
    if content.phone:
        codes = [turned(held, moment) for moment in (1, 2**31)]
        assert showing(codes[0]) == showing(codes[1])
        other = text(replace(content, pass_id=bytes(each ^ 1 for each in content.pass_id)))
        assert showing(turned(other, 1)) != showing(codes[0])


def test_sizes_that_the_codes_are_drawn_for() -> None:
    longest = replace(GOOD, subject=SubjectId("p" * SUBJECT_MAX))
    assert len(text(longest)) == 195, "what version 6 holds at level L in alphanumeric mode"
    assert len(text(replace(GOOD, subject=None))) <= 154, "and at level M"
    assert len(turned(text(ON_PHONE))) <= 335, "version 9 at level L"
    most = replace(longest, phone=sign_public(PHONE), doors=GOOD.doors * DOORS_MAX, hours=Hours(127, 0, 96))
    assert len(turned(text(most))) <= 395, "version 10"


@pytest.mark.parametrize(
    "code",
    [
        PREFIX,
        PREFIX + "A",
        PREFIX + "é",
        PREFIX + "::",
        PREFIX + ":::",
        text(replace(GOOD, subject=SubjectId("p-12"))) + "0",
        text(replace(GOOD, uses=0)),
        text(replace(GOOD, doors=())),
        text(replace(GOOD, doors=GOOD.doors * (DOORS_MAX + 1))),
        text(replace(GOOD, subject=None, compare=True)),
        text(replace(GOOD, subject=SubjectId("Ada Lovelace"))),
        text(replace(GOOD, subject=SubjectId("a" * (SUBJECT_MAX + 1)))),
        PREFIX + base45(bytes(90)),
        PREFIX + base45(bytes((0x21,)) * 90),
        PREFIX + base45(b"\x81" + GOOD.body()[1:] + bytes(64)),
        PREFIX + base45(b"\x11" + GOOD.body()[1:28] + bytes((0, 1, 2)) + bytes(64)),
        PREFIX + base45(b"\x21" + bytes(10)),
        text() + "0" * 400,
    ],
)
def test_what_cannot_be_meant_is_malformed(code: str) -> None:
    assert shown(code) == Rejected(None, PassFault.MALFORMED)


def test_a_pass_that_is_cut_short_is_not_signed() -> None:
    assert shown(text()[:-2]) == Rejected(None, PassFault.UNSIGNED)


@pytest.mark.parametrize("code", ["", "DW1", "DW2:ABC", "dw1:abc", "https://example.org/", "WIFI:T:WPA;;"])
def test_other_codes_are_none_of_our_business(code: str) -> None:
    assert shown(code) is None


@pytest.mark.parametrize("days, begin, end", [(0, 0, 4), (128, 0, 4), (1, 96, 4), (1, 4, 4), (1, 0, 0), (1, 0, 97)])
def test_hours_that_cannot_be(days: int, begin: int, end: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Hours(days, begin, end)


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
