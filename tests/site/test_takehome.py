"""The sheet that a person takes home says what was agreed to, and its code takes it back."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pypdfium2
import pytest
import zxingcpp

from agent.crypto import sign_public
from agent.errors import ConfigError, PolicyError
from agent.gallery.withdrawal import judge_withdrawal
from agent.policy.bundle import PolicyDocument
from agent.policy.declared import notice_sha256
from agent.policy.fields import AgeBand, Purpose
from agent.site.consents import issue_guardian, issue_receipt
from agent.site.signs.takehome import make_takehome
from agent.site.signs.takehome_words import TAKE_HOME
from agent.site.signs.words import WORDS
from agent.units import SiteId, SubjectId
from tests.policy.given import NOW_S, TEXTS
from tests.site.test_consents import ANN, ENROLMENT, P1, policy

CHINESE = dict.fromkeys(TEXTS["en"], "虚构的告知内容") | {"rights": "可随时撤回", "contact": "desk@quay.example"}
BOTH = {"en": TEXTS["en"], "zh-Hans": CHINESE, "de": dict.fromkeys(TEXTS["en"], "erdachter Hinweis")}


def told(texts: dict[str, dict[str, str]] = BOTH) -> PolicyDocument:
    return policy(notice={"version": "v-1", "sha256": notice_sha256(texts), "texts": texts})


def receipt(under: PolicyDocument, **changes: Any) -> bytes:
    return issue_receipt(under, ENROLMENT, P1, **({"given_s": NOW_S, "days": 30} | changes))


def drawn(kind: str = "png", languages: tuple[str, ...] = (), **changes: Any) -> bytes:
    under = told()
    return make_takehome(receipt(under, **changes), under, kind=kind, languages=languages, now_s=NOW_S)


def page(data: bytes) -> np.ndarray:
    return np.asarray(pypdfium2.PdfDocument(data)[0].render(scale=3).to_pil().convert("L"))


def text_of(data: bytes) -> str:
    return "".join(pypdfium2.PdfDocument(data)[0].get_textpage().get_text_bounded().split())


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_its_code_withdraws_the_person_and_nobody_else(kind: str) -> None:
    data = drawn(kind)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) if kind == "png" else page(data)
    (code,) = zxingcpp.read_barcodes(picture)
    assert judge_withdrawal(code.text, (sign_public(ENROLMENT).hex(),), SiteId("quay")) == P1


def test_its_code_is_read_where_a_module_has_two_and_a_half_pixels() -> None:
    picture = cv2.imdecode(np.frombuffer(drawn("png"), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    small = cv2.resize(picture, (300, 424), interpolation=cv2.INTER_AREA)
    assert [code.text[:4] for code in zxingcpp.read_barcodes(small)] == ["DW0:"]


def test_the_picture_is_the_print() -> None:
    """Our own drawing of letters and shapes against that of a PDF reader: the same ink in the same places."""
    printed = cv2.resize(page(drawn("pdf")), (630, 891), interpolation=cv2.INTER_AREA).astype(float)
    shown = cv2.imdecode(np.frombuffer(drawn("png"), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shown is not None
    shown = cv2.resize(shown, (630, 891), interpolation=cv2.INTER_AREA).astype(float)
    # The record's id differs: it is drawn at random.
    assert float(np.mean(np.abs(cv2.blur(printed, (5, 5)) - cv2.blur(shown, (5, 5))))) < 4.0


def test_it_says_who_what_for_until_when_where_and_whom_to_ask() -> None:
    said = text_of(drawn("pdf", age=AgeBand.UNDER_14, guardian=agreement()))
    for words in (
        *("p-1", "under14", "g-ann", "Openingthedoortoresidents", "2030-03-17to2030-04-16(UTC)", "gate-1", "main"),
        *("No.Itstaysinthedevice", "therightsofthequay", "thecontactofthequay", "thecomplaintofthequay"),
        *("您对人脸识别的同意", "可随时撤回", "desk@quay.example", "为住户开门", "未满十四周岁"),
    ):
        assert words in said, words
    assert "erdachter" not in said, "the first two languages"


def agreement() -> bytes:
    return issue_guardian(told(), ENROLMENT, ANN, P1, given_s=NOW_S - 60, days=30)


def test_transmission_is_said() -> None:
    assert "sealed,tothedevicesnamedabove" in text_of(drawn("pdf", ("en",), transmission=True))


def test_one_language_can_be_chosen_and_svg_tells_those_who_cannot_see() -> None:
    svg = drawn("svg", ("de",)).decode()
    assert "Ihre Einwilligung" in svg and "Your consent" not in svg


@pytest.mark.parametrize(
    ("languages", "words"),
    [(("fr",), "no texts in fr"), (("en", "de", "zh-Hans"), "one or two languages")],
)
def test_languages_that_cannot_be_are_named(languages: tuple[str, ...], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        drawn(languages=languages)


def test_a_sheet_is_made_for_the_notice_that_was_read_and_for_a_good_receipt_alone() -> None:
    under = told()
    with pytest.raises(ConfigError, match="another site or version of the notice"):
        make_takehome(receipt(under), policy(), kind="pdf", languages=(), now_s=NOW_S)
    with pytest.raises(PolicyError, match="signature"):
        make_takehome(receipt(under).replace(b"p-1", b"p-2"), under, kind="pdf", languages=(), now_s=NOW_S)


def test_a_notice_that_is_too_long_is_refused_not_cut() -> None:
    long = {"en": {name: "much to say " * 150 for name in TEXTS["en"]}}
    under = told(long)
    with pytest.raises(ConfigError, match="too long for one sheet"):
        make_takehome(receipt(under), under, kind="pdf", languages=(), now_s=NOW_S)


def test_every_language_of_the_signs_has_every_word() -> None:
    assert set(TAKE_HOME) == set(WORDS)
    for words in TAKE_HOME.values():
        assert (set(words.purposes), set(words.ages)) == (set(Purpose), set(AgeBand))
        assert "{id}" in words.record and "{start}" in words.span
    assert SubjectId("p-1") == P1
