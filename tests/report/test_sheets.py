"""The PDF of a report says what the page says, on pages that can be searched, and comes out the same each time."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pypdfium2
import pytest

from agent.report.content import document
from agent.report.document import Document, List, Note, Section, Table, Terms, Text
from agent.report.flow import BOTTOM, LEFT, WIDE, WIDTH
from agent.report.period import Period
from agent.report.sheets import pdf
from tests.report.given import PEOPLE, WEEK, facts, week


def made(language: str = "en") -> Document:
    return document(facts(), language)


def text_of(data: bytes) -> str:
    pages = pypdfium2.PdfDocument(data)
    return squeezed("".join(page.get_textpage().get_text_bounded() for page in pages))


def squeezed(text: str) -> str:
    return re.sub(r"[\s\ufffe\u00ad]|\d+/\d+FacerecognitionatquayX", "", text)


def said(told: Document) -> list[str]:
    """Every text of the report that is no picture's."""
    found = [told.title, told.subtitle, told.verdict.title, told.verdict.text, told.foot]
    for section in told.sections:
        found.append(section.title)
        for block in section.blocks:
            match block:
                case Text(text):
                    found.append(text)
                case Note(_, title, text):
                    found += [title, text]
                case Table():
                    found += [*block.head, *(cell for row in block.rows for cell in row)]
                case Terms(pairs):
                    found += [word for pair in pairs for word in pair]
                case List(items):
                    found += items
                case _:
                    found += [block.title] if hasattr(block, "title") else []
    return found


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_every_word_of_the_report_is_in_it_as_text(language: str) -> None:
    told = made(language)
    data = pdf(told, WEEK.end_ms)
    text = text_of(data)
    missing = [each for each in said(told) if not all(squeezed(part) in text for part in each.split())]
    assert missing == []
    assert not any(subject in text for subject in PEOPLE)
    document_ = pypdfium2.PdfDocument(data)
    assert document_.get_metadata_dict()["Title"] == told.title
    assert all(page.get_size() == pytest.approx((595.28, 841.89), abs=0.1) for page in document_)


def test_the_same_report_is_the_same_file() -> None:
    assert pdf(made(), WEEK.end_ms) == pdf(made(), WEEK.end_ms)


def test_nothing_runs_over_the_edge_of_a_page() -> None:
    long = "A sentence that is rather long and goes on. " * 40
    table = Table("T", ("a", "b"), tuple((long, "x" * 300) for _ in range(6)), long)
    note = Note(made().verdict.tone, long[:300], long)
    blocks = (Text(long), note, table, Terms(((long[:200], long),)), List((long,) * 9))
    told = replace(made(), sections=(Section(long, 2, blocks), *made().sections))
    pages = pypdfium2.PdfDocument(pdf(told, WEEK.end_ms))
    assert len(pages) > 7
    edge = 72 / 25.4
    for page in pages:
        text = page.get_textpage()
        foot = text.get_text_bounded(top=(297 - BOTTOM) * edge)
        for index in range(text.count_rects()):
            left, bottom, right, top = text.get_rect(index)
            assert left >= LEFT * edge - 1 and right <= (LEFT + WIDE) * edge + 2 and right <= WIDTH * edge
            assert bottom >= (297 - BOTTOM) * edge or text.get_text_bounded(left, bottom, right, top) in foot


def test_pages_are_numbered() -> None:
    pages = pypdfium2.PdfDocument(pdf(made(), WEEK.end_ms))
    for number, page in enumerate(pages, 1):
        assert f"{number} / {len(pages)}" in page.get_textpage().get_text_bounded()


def test_a_period_of_one_day_without_any_entry_is_a_report_too() -> None:
    empty = Period(date(2029, 1, 1), date(2029, 1, 1), "UTC")
    text = text_of(pdf(document(facts(week(), empty, {}), "en"), empty.end_ms))
    assert squeezed("The ledger has no entry in this period.") in text
