"""Passes as the authority issues them: what cannot be is refused in words, and the print is what the device reads."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest

from agent.adapters.qr import ZxingReader
from agent.crypto import SignSecret, sign_public
from agent.errors import ConfigError
from agent.gallery.passes import Accepted, Here, judge
from agent.gallery.passes_text import ANY_NUMBER, Hours
from agent.gallery.passes_text import shown as taken_apart
from agent.gallery.passes_uses import Uses
from agent.policy.bundle import PolicyDocument
from agent.site.passes import issue_pass, pass_code
from agent.site.signs.card import make_card
from agent.units import DoorId, Luma
from tests.policy.given import NOW_S, iso, policy

SECRET, OTHER = SignSecret(b"\x05" * 32), SignSecret(b"\x06" * 32)
DOORS = ("main", "side", "yard", "barn", "lift", "lab", "roof", "shed")
KEY = {"key": sign_public(SECRET).hex(), "doors": DOORS, "until": iso(NOW_S + 86_400 * 40), "max_days": 31}


def document(**changes: Any) -> PolicyDocument:
    return policy(**({"pass_keys": [KEY], "timezone": "Europe/Berlin"} | changes)).document


def issued(secret: SignSecret = SECRET, rules: PolicyDocument | None = None, **changes: Any) -> str:
    options: dict[str, Any] = {"doors": ("main",), "from_s": NOW_S, "until_s": NOW_S + 86_400} | changes
    return issue_pass(rules or document(), secret, **options)


def test_what_is_issued_opens_each_of_its_doors() -> None:
    rules = document()
    held = issued(doors=DOORS, hours=Hours(127, 0, 96), uses=ANY_NUMBER, subject="p-7")
    for door in DOORS:
        found = judge(held, rules.pass_keys, Here(policy().site, DoorId(door), NOW_S, 3600.0), Uses())
        assert isinstance(found, Accepted) and (found.subject, found.compare) == ("p-7", False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"doors": ()}, "1 to 8 doors"),
        ({"doors": tuple(f"door-{number}" for number in range(9))}, "1 to 8 doors"),
        ({"doors": ("main", "cellar")}, "for door cellar"),
        ({"secret": OTHER}, "does not name this pass key"),
        ({"uses": 0}, "--uses"),
        ({"uses": 256}, "--uses"),
        ({"subject": "p" * 36}, "shorter pseudonym"),
        ({"subject": "Ada Lovelace"}, "pseudonym"),
        ({"compare": True}, "--subject"),
        ({"until_s": NOW_S}, "end before it begins"),
        ({"until_s": NOW_S + 33 * 86_400}, "31 days at most"),
        ({"hours": Hours(127, 0, 96), "rules": document(timezone=None)}, "timezone"),
    ],
)
def test_what_cannot_be_is_not_signed(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        issued(**changes)


def test_a_pass_of_whole_days_may_be_an_hour_longer_in_autumn() -> None:
    assert taken_apart(issued(until_s=NOW_S + 31 * 86_400 + 3_600)) is not None


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({}, 6),
        ({"subject": "p" * 35}, 6),
        ({"subject": "p-104", "hours": Hours(31, 32, 72), "doors": DOORS[:3]}, 6),
        ({"subject": "p" * 35, "hours": Hours(31, 32, 72), "doors": DOORS[:3]}, 7),
    ],
)
def test_the_code_is_as_small_as_it_can_be(changes: dict[str, Any], version: int) -> None:
    code = pass_code(issued(**changes))
    assert code.version == version


def test_no_printed_code_is_made_of_what_is_for_a_phone() -> None:
    with pytest.raises(ConfigError, match="too long"):
        pass_code(issued(phone=sign_public(OTHER), doors=DOORS, subject="p" * 35, hours=Hours(127, 0, 96)))


def page(data: bytes) -> Luma:
    grey = pypdfium2.PdfDocument(data)[0].render(scale=4, grayscale=True).to_numpy()
    return np.ascontiguousarray(grey.reshape(grey.shape[:2]), np.uint8)


@pytest.mark.parametrize("languages", [(), ("en", "zh-Hans")])
def test_the_card_holds_the_code_and_says_what_it_opens(languages: tuple[str, ...]) -> None:
    held = issued(subject="p-104")
    data = make_card(held, ["opens main", "2026-11-25", "no. 00ff"], languages=languages, now_s=NOW_S)
    assert ZxingReader().in_picture(page(data)) == (held,)
    paper = pypdfium2.PdfDocument(data)[0]
    assert [round(side * 25.4 / 72) for side in paper.get_size()] == [74, 105]
    words = paper.get_textpage().get_text_bounded()
    assert "opens main" in words and "no. 00ff" in words and "p-104" not in words
    assert ("通行证" in words) == bool(languages)


def test_many_facts_stay_on_the_card() -> None:
    facts = [f"opens door number {number} of the long corridor on the third floor" for number in range(8)]
    data = make_card(issued(), facts, languages=("en", "zh-Hans"), now_s=NOW_S)
    rows = np.flatnonzero((page(data) < 128).any(axis=1))
    assert rows[-1] < page(data).shape[0] - 8 and cv2.countNonZero(255 - page(data)) > 0


def test_a_card_in_an_unknown_language_is_refused() -> None:
    with pytest.raises(ConfigError, match="--lang"):
        make_card(issued(), [], languages=("fr",), now_s=NOW_S)
