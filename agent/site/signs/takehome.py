"""The sheet that a person takes home after agreeing: who, what for, until when, which rights, and how to take it back.

Rules: it says what the signed receipt says and, of the notice, the very texts that the receipt refers to; a policy
whose notice has changed since is refused, since the person has read another one. The code on it is the receipt's own.
Leaves out: letters and files (fonts.py, pdf.py, svg.py, png.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from agent.errors import ConfigError
from agent.gallery.consent import Consent, read_kept_receipt
from agent.gallery.receipt import ReceiptDocument
from agent.policy.bundle import PolicyDocument, utc
from agent.policy.document import read
from agent.site.signs.content import code_of
from agent.site.signs.drawing import Line, Shape, Sheet, modules, rectangle
from agent.site.signs.fonts import Family, family_for
from agent.site.signs.icons import WHITE
from agent.site.signs.layout import ACCENT, HEAD, INK, PALE, SOFT
from agent.site.signs.pdf import pdf
from agent.site.signs.png import png
from agent.site.signs.svg import svg
from agent.site.signs.takehome_words import TAKE_HOME, Words
from agent.site.signs.typeset import lines_of, plain

KINDS: Final = ("pdf", "svg", "png")
_WIDTH, _HEIGHT, _EDGE, _GAP = 210.0, 297.0, 14.0, 8.0
_CODE: Final = 66.0
"""Millimetres: at 30 cm a camera of 640 pixels over 60 degrees has three pixels for a module."""
_LARGEST, _SMALLEST, _LEADING = 3.6, 2.1, 1.3
Items = list[Shape | Line]
Told = tuple[tuple[str, str], ...]
"""Heading and text of each row."""


def make_takehome(
    receipt: bytes,
    policy: PolicyDocument,
    *,
    kind: str,
    languages: Sequence[str],
    now_s: float,
    font: Path | None = None,
    source: str = "receipt",
) -> bytes:
    """The sheet as a file.

    Args:
        source: what to call the receipt in an error.
        receipt: signed; its own signature is checked.
        policy: whose notice the person has read.
        kind: of `KINDS`.
        languages: of the notice; none takes its first two.

    Raises:
        PolicyError: the receipt is malformed or its signature does not fit.
        ConfigError: the policy has another notice or site, a language is missing, or no font has the letters.
    """
    consent, document = read_kept_receipt(receipt, source), read(receipt, ReceiptDocument, source)
    if (consent.site, consent.notice_sha256) != (policy.site, policy.notice.sha256):
        raise ConfigError(
            f"{source}: is for another site or version of the notice; name the site that it was signed for"
        )
    chosen = _languages(policy, languages)
    columns = [tuple(_rows(document, consent, policy, language)) for language in chosen]
    words = [TAKE_HOME[language] for language in chosen]
    family = family_for(_text(words, columns, document), font)
    sheet = _lay_out(document, chosen, words, columns, family)
    if kind == "png":
        return png(sheet, family)
    return svg(sheet, family) if kind == "svg" else pdf(sheet, family, utc(now_s))


def _languages(policy: PolicyDocument, languages: Sequence[str]) -> tuple[str, ...]:
    told = tuple(policy.notice.texts)
    chosen = tuple(dict.fromkeys(languages)) or tuple(each for each in told if each in TAKE_HOME)[:2]
    if not 1 <= len(chosen) <= 2:
        raise ConfigError("--lang: the sheet has room for one or two languages, which the notice must have")
    for language in chosen:
        if language not in told or language not in TAKE_HOME:
            both = ", ".join(each for each in told if each in TAKE_HOME)
            raise ConfigError(f"--lang: there are no texts in {language}; there are in {both}")
    return chosen


def _rows(
    document: ReceiptDocument, consent: Consent, policy: PolicyDocument, language: str
) -> Iterator[tuple[str, str]]:
    words, notice = TAKE_HOME[language], policy.notice.texts[language]
    guardian = "" if consent.guardian is None else f" · {words.guardian} {consent.guardian}"
    yield words.person, f"{consent.subject} · {words.age}: {words.ages[consent.age]}{guardian}"
    yield words.purpose, f"{words.purposes[consent.purpose]} · {plain(notice.purpose)}"
    start, end = (f"{utc(time):%Y-%m-%d}" for time in (consent.given_s, consent.until_s))
    yield words.time, words.span.format(start=start, end=end)
    yield words.where, f"{consent.site} · {policy.door} · {', '.join(sorted(consent.devices))}"
    yield words.transmission, words.sent if consent.transmission else words.kept_here
    yield words.withdraw, words.routes
    yield words.who, plain(notice.controller)
    yield words.data, plain(notice.method)
    yield words.kept, plain(notice.retention)
    yield words.effect, plain(notice.effect)
    yield words.alternative, plain(notice.alternative)
    yield words.rights, f"{plain(notice.rights)} · {plain(notice.contact)}"
    yield words.complaint, plain(notice.complaint)
    named = f"{document.processing.notice.version} {consent.notice_sha256[:16]}"
    yield "", words.record.format(id=consent.id, notice=named)


def _text(words: Sequence[Words], columns: Sequence[Told], document: ReceiptDocument) -> str:
    fixed = "".join(each.title + each.subtitle + each.code for each in words)
    return fixed + "".join(heading + text for column in columns for heading, text in column) + document.header.id


def _lay_out(
    document: ReceiptDocument, languages: Sequence[str], words: Sequence[Words], columns: Sequence[Told], family: Family
) -> Sheet:
    items = Items()
    top = _headline(items, words, family)
    foot = _HEIGHT - _EDGE - _CODE
    width = (_WIDTH - 2 * _EDGE - _GAP * (len(columns) - 1)) / len(columns)
    size = next(
        (
            size
            for size in _sizes()
            if max(_height(column, family, size, width) for column in columns) <= foot - _EDGE / 2 - top
        ),
        None,
    )
    if size is None:
        raise ConfigError("receipt: the notice is too long for one sheet; take one language with --lang")
    for place, column in enumerate(columns):
        _column(items, column, family, size, _EDGE + place * (width + _GAP), top, width)
    _foot(items, document, words, family, foot)
    return Sheet(_WIDTH, _HEIGHT, languages[0], words[0].title, document.header.id, tuple(items))


def _sizes() -> Iterator[float]:
    size = _LARGEST
    while size >= _SMALLEST:
        yield size
        size *= 0.97


def _headline(items: Items, words: Sequence[Words], family: Family) -> float:
    room = _WIDTH - 2 * _EDGE
    height = 8.0 + 15.0 * len(words)
    items.append(Shape(rectangle(0, 0, _WIDTH, height), HEAD))
    for place, each in enumerate(words):
        y = 12.5 + 15.0 * place
        size = min(7.5, room / family.face(True).width(each.title, 1.0))
        small = min(3.8, room / family.regular.width(each.subtitle, 1.0))
        items.append(Line(_EDGE, y, size, each.title, WHITE, bold=True))
        items.append(Line(_EDGE, y + 5.5, small, each.subtitle, PALE))
    return height + 6.0


def _broken(column: Told, family: Family, size: float, width: float) -> list[tuple[str, list[str]]]:
    return [(heading, lines_of(text, family.regular, size, width)) for heading, text in column]


def _height(column: Told, family: Family, size: float, width: float) -> float:
    rows = _broken(column, family, size, width)
    return sum(((1 if heading else 0) + len(lines)) * _LEADING * size + 0.55 * size for heading, lines in rows)


def _column(items: Items, column: Told, family: Family, size: float, x: float, top: float, width: float) -> None:
    y = top + size
    for heading, lines in _broken(column, family, size, width):
        if heading:
            items.append(Line(x, y, 0.92 * size, heading, ACCENT, bold=True))
            y += _LEADING * size
        for line in lines:
            items.append(Line(x, y, size, line, INK if heading else SOFT))
            y += _LEADING * size
        y += 0.55 * size


def _foot(items: Items, document: ReceiptDocument, words: Sequence[Words], family: Family, top: float) -> None:
    code = code_of(document.withdrawal.code)
    items.append(Shape(rectangle(0, top - _EDGE / 2, _WIDTH, 0.4), PALE))
    items.append(Shape(modules(code, _WIDTH - _EDGE - _CODE, top, _CODE / len(code)), (0, 0, 0)))
    width, size = _WIDTH - 3 * _EDGE - _CODE, 3.8
    while _height(tuple((each.withdraw, each.code) for each in words), family, size, width) > _CODE - 3 * size:
        size *= 0.97
    y = top + size
    for each in words:
        items.append(Line(_EDGE, y, 1.1 * size, each.withdraw, ACCENT, bold=True))
        y += 1.5 * size
        for line in lines_of(each.code, family.regular, size, width):
            items.append(Line(_EDGE, y, size, line, INK))
            y += _LEADING * size
        y += size
