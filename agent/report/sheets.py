"""A report as a PDF to print and to keep: the same parts as the page has, laid out on A4.

Text stays text, so it can be searched and copied; it takes the libraries that draw signs and an installed font with
the report's letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final, assert_never

from agent.report.document import (
    Band,
    Bands,
    Bars,
    Block,
    Columns,
    Document,
    List,
    Note,
    Section,
    Steps,
    Table,
    Terms,
    Text,
    Tick,
    Tile,
    Tiles,
    Tone,
)  # fmt: skip
from agent.report.flow import COLOURS, FAINT, GROUNDS, INK, INKS, LEADING, LEFT, LINE, SOFT, WIDE, Flow
from agent.report.pictures import HEIGHT, SHAPES
from agent.site.signs.drawing import circle, polygon
from agent.site.signs.fonts import family_for
from agent.site.signs.pdf import pdf_of

_BODY: Final = 3.5
_SMALL: Final = 2.9
_LABEL: Final = 58.0
_FIGURE: Final = 34.0
_BAND_X: Final = LEFT + _LABEL + 4
_BAND: Final = WIDE - _LABEL - _FIGURE - 8
_BAND_HIGH: Final = 4.2
_PLOT_HIGH: Final = 30.0


def pdf(document: Document, made_ms: int, font: Path | None = None) -> bytes:
    """The report on A4.

    Args:
        made_ms: the date that the file bears; taken from the report, so that the same report is the same file.
        font: a font file to take instead of an installed one.

    Raises:
        ConfigError: no installed font has the letters.
    """
    flow = Flow(family_for("".join(sorted(set(_words(document)))), font))
    flow.text("Doorward", _SMALL, SOFT, bold=True)
    flow.y += 1
    flow.text(document.title, 8.4, bold=True)
    flow.text(document.subtitle, _BODY, SOFT)
    flow.y += 4
    _note(flow, document.verdict)
    for section in document.sections:
        _section(flow, section)
    flow.space(8)
    flow.text(document.foot, _SMALL, SOFT)
    made = datetime.fromtimestamp(made_ms / 1000, UTC)
    return pdf_of(flow.sheets(document.language, document.title, document.title), flow.family, made)


def _words(document: Document) -> str:
    """Every letter of the report."""
    return f"Doorward 0123456789/–{document}"


def _section(flow: Flow, section: Section) -> None:
    high = section.level == 2
    flow.space(9 if high else 7)
    flow.text(section.title, 5.6 if high else 4.4, bold=True, keep=40)
    flow.y += 1.5
    for block in section.blocks:
        _block(flow, block)
        flow.y += 3


def _block(flow: Flow, block: Block) -> None:
    match block:
        case Text():
            flow.text(block.text, _BODY, SOFT if block.quiet else INK)
        case Note():
            _note(flow, block)
        case Tiles():
            _tiles(flow, block.tiles)
        case Bands():
            _bands(flow, block)
        case Bars():
            _named(flow, block.title)
            for bar in block.bars:
                height = _row(flow, bar.label, bar.note, bar.figure, SOFT)
                top = flow.y + (height - _BAND_HIGH) / 2
                flow.box(_BAND_X, top, _BAND, _BAND_HIGH, FAINT)
                flow.box(_BAND_X, top, max(_BAND * bar.length, 0.3), _BAND_HIGH, COLOURS[Tone.BAD])
                flow.y += height
            _caption(flow, block.caption)
        case Columns():
            _named(flow, block.title)
            hours = tuple(Tick(hour / 24, f"{hour:02d}:00") for hour in range(0, 24, 6))
            base = _plot(flow, block.top, hours)
            for hour, height in enumerate(block.heights):
                x = LEFT + (hour + 0.1) / 24 * WIDE
                flow.box(x, base - height * _PLOT_HIGH, 0.8 / 24 * WIDE, height * _PLOT_HIGH, COLOURS[Tone.GOOD])
            _caption(flow, block.caption)
        case Steps():
            _named(flow, block.title)
            base = _plot(flow, block.top, block.ticks)
            ends = (*(place for place, _ in block.points[1:]), 1.0)
            for (place, height), end in zip(block.points, ends, strict=True):
                x, wide, high = LEFT + place * WIDE, (end - place) * WIDE, height * _PLOT_HIGH
                flow.box(x, base - high, wide, high, GROUNDS[Tone.GOOD])
                flow.box(x, base - high - 0.25, wide, 0.5, COLOURS[Tone.GOOD])
            _caption(flow, block.caption)
        case Table():
            _table(flow, block)
        case Terms():
            for term, value in block.pairs:
                words, lines = flow.lines(term, _BODY, 52), flow.lines(value, _BODY, WIDE - 56)
                flow.room(max(len(words), len(lines)) * _BODY * LEADING)
                flow.column(LEFT, flow.y, words, _BODY, SOFT)
                flow.column(LEFT + 56, flow.y, lines, _BODY)
                flow.y += max(len(words), len(lines)) * _BODY * LEADING
        case List():
            for item in block.items:
                lines = flow.lines(item, _BODY, WIDE - 5)
                flow.room(len(lines) * _BODY * LEADING)
                flow.put(LEFT, flow.y, "–", _BODY, SOFT)
                flow.y += flow.column(LEFT + 5, flow.y, lines, _BODY) + 1.2
        case _:
            assert_never(block)


def _note(flow: Flow, note: Note) -> None:
    title, text = flow.lines(note.title, 4.4, WIDE - 22, bold=True), flow.lines(note.text, _BODY, WIDE - 22)
    height = len(title) * 4.4 * LEADING + len(text) * _BODY * LEADING + 7
    flow.room(height)
    top, colour = flow.y, COLOURS[note.tone if note.tone in GROUNDS else Tone.WAIT]
    flow.box(LEFT, top, WIDE, height, GROUNDS.get(note.tone, FAINT))
    flow.shape(circle(LEFT + 9, top + 8, 4.2), colour)
    x, y, white = LEFT + 9, top + 8, (255, 255, 255)
    if note.tone is Tone.GOOD:
        tick = ((-2.1, 0.1), (-1.4, -0.6), (-0.5, 0.3), (1.5, -1.9), (2.2, -1.2), (-0.5, 1.8))
        flow.shape(polygon(*((x + dx, y + dy) for dx, dy in tick)), white)
    elif note.tone is Tone.BAD:
        flow.box(x - 0.45, y - 2.3, 0.9, 3, white)
        flow.box(x - 0.45, y + 1.3, 0.9, 0.9, white)
    else:
        flow.box(x - 1.8, y - 0.45, 3.6, 0.9, white)
    ink = INKS.get(note.tone, INK)
    down = top + 3.5 + flow.column(LEFT + 17, top + 3.5, title, 4.4, ink, bold=True)
    flow.column(LEFT + 17, down, text, _BODY, ink)
    flow.y = top + height


def _tiles(flow: Flow, tiles: Sequence[Tile]) -> None:
    wide = (WIDE - 4 * (len(tiles) - 1)) / len(tiles)
    labels = [flow.lines(each.label, _SMALL, wide - 7) for each in tiles]
    height = 12 + max(len(lines) for lines in labels) * _SMALL * LEADING
    flow.room(height)
    for place, (each, lines) in enumerate(zip(tiles, labels, strict=True)):
        x = LEFT + place * (wide + 4)
        flow.box(x, flow.y, wide, height, FAINT)
        flow.box(x, flow.y, 0.9, height, COLOURS[each.tone] if each.tone is not Tone.NONE else COLOURS[Tone.WAIT])
        flow.put(x + 4, flow.y + 2.5, each.figure, 6.2, bold=True)
        flow.column(x + 4, flow.y + 10, lines, _SMALL, SOFT)
    flow.y += height + 2


def _bands(flow: Flow, block: Bands) -> None:
    _named(flow, block.title)
    x = LEFT
    for tone, name in block.legend:
        _piece(flow, x, flow.y + 0.4, 7, 3.2, tone)
        flow.put(x + 9, flow.y, name, _SMALL, SOFT)
        x += 9 + flow.width(name, _SMALL) + 6
    flow.y += 6.5
    _axis(flow, block.ticks, _BAND_X, _BAND)
    for heading, bands in block.groups:
        if heading:
            flow.y += 1.2
            if flow.room(14):
                _axis(flow, block.ticks, _BAND_X, _BAND)
            flow.text(heading, _SMALL, SOFT, bold=True)
        for band in bands:
            _band(flow, block, band)
    flow.y += 1.5
    _caption(flow, block.caption)


def _band(flow: Flow, block: Bands, band: Band) -> None:
    if flow.room(12):
        _axis(flow, block.ticks, _BAND_X, _BAND)
    height = _row(flow, band.label, band.note, band.figure, INKS[Tone.BAD] if band.tone is Tone.BAD else SOFT)
    top = flow.y + (height - _BAND_HIGH) / 2
    for piece in band.pieces:
        _piece(flow, _BAND_X + piece.start * _BAND, top, (piece.end - piece.start) * _BAND, _BAND_HIGH, piece.tone)
    for tick in block.ticks:
        flow.box(_BAND_X + tick.place * _BAND, top, 0.12, _BAND_HIGH, LINE)
    flow.y += height


def _piece(flow: Flow, x: float, y: float, width: float, height: float, tone: Tone) -> None:
    top, high = SHAPES[tone]
    flow.box(x, y + top / HEIGHT * height, width, high / HEIGHT * height, COLOURS[tone])


def _row(flow: Flow, label: str, note: str, figure: str, colour: tuple[int, int, int]) -> float:
    """Label, note and figure of a row with a picture between them; how high it is. The place stays where it is."""
    name, small = flow.lines(label, 3.3, _LABEL), flow.lines(note, 2.7, _LABEL) if note else []
    figures = flow.lines(figure, _SMALL, _FIGURE)
    height = max(
        len(name) * 3.3 * LEADING + len(small) * 2.7 * LEADING, len(figures) * _SMALL * LEADING, _BAND_HIGH
    ) + 2.2  # fmt: skip
    flow.room(height)
    flow.box(LEFT, flow.y, WIDE, 0.15, FAINT)
    y = flow.y + 1.1
    y += flow.column(LEFT, y, name, 3.3)
    flow.column(LEFT, y, small, 2.7, SOFT)
    middle = flow.y + (height - len(figures) * _SMALL * LEADING) / 2
    flow.column(_BAND_X + _BAND + 4, middle, figures, _SMALL, colour)
    return height


def _axis(flow: Flow, ticks: Sequence[Tick], x: float, width: float) -> None:
    for tick in ticks:
        flow.box(x + tick.place * width, flow.y, 0.15, 3.6, LINE)
        flow.put(x + tick.place * width + 0.8, flow.y, tick.label, 2.5, SOFT)
    flow.y += 4.6


def _plot(flow: Flow, top: str, ticks: Sequence[Tick]) -> float:
    """The frame of a picture over the whole width; where its base line is."""
    flow.room(_PLOT_HIGH + 12)
    flow.put(LEFT, flow.y, top, 2.5, SOFT)
    base = flow.y + 4 + _PLOT_HIGH
    flow.box(LEFT, base, WIDE, 0.25, SOFT)
    flow.y = base + 0.8
    _axis(flow, ticks, LEFT, WIDE)
    return base


def _named(flow: Flow, title: str) -> None:
    flow.text(title, 3.7, bold=True, keep=24)
    flow.y += 1


def _caption(flow: Flow, text: str) -> None:
    flow.y += 0.8
    flow.text(text, _SMALL, SOFT)


def _table(flow: Flow, table: Table) -> None:
    _named(flow, table.title)
    widths = _widths(flow, table)
    _cells(flow, table.head, widths, SOFT, _SMALL, bold=True)
    for row in table.rows:
        flow.box(LEFT, flow.y, WIDE, 0.15, LINE)
        _cells(flow, row, widths, INK, 3.2)
    if table.caption:
        _caption(flow, table.caption)


def _cells(
    flow: Flow, row: Sequence[str], widths: Sequence[float], colour: tuple[int, int, int], size: float, *,
    bold: bool = False,
) -> None:  # fmt: skip
    cells = [flow.lines(cell, size, wide - 3, bold=bold) for cell, wide in zip(row, widths, strict=True)]
    height = max(len(lines) for lines in cells) * size * LEADING + 1.6
    flow.room(height)
    x = LEFT
    for lines, wide in zip(cells, widths, strict=True):
        flow.column(x, flow.y + 0.8, lines, size, colour, bold=bold)
        x += wide
    flow.y += height


def _widths(flow: Flow, table: Table) -> list[float]:
    """What the columns would like to have; where that is too much, the wide ones give."""
    wanted = [
        max(flow.width(cell, 3.2, bold=True) for cell in column) + 4
        for column in zip(*chain([table.head], table.rows), strict=True)
    ]
    over = sum(wanted) - WIDE
    if over <= 0:
        return [wide - over / len(wanted) for wide in wanted]
    most = max(WIDE / len(wanted), WIDE - sum(wide for wide in wanted if wide < WIDE / 2))
    limited = [min(wide, most) for wide in wanted]
    return [wide * WIDE / sum(limited) for wide in limited]
