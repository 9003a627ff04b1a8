"""How a sign is laid out: headline, marked space, the notice row by row, and at the foot mark and code.

Rules: the mark is 15 cm on A3 and as large as the text allows on A4, with white round it; the text is as large as fits
and never below what can be read in passing. What does not fit is refused, not cut. Leaves out: the words (content.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agent.errors import ConfigError
from agent.site.signs.content import Block, Content
from agent.site.signs.drawing import Colour, Line, Shape, Sheet, modules, rectangle
from agent.site.signs.fonts import Family
from agent.site.signs.icons import FACE, SPACE, WHITE, icon
from agent.site.signs.typeset import lines_of

INK: Final[Colour] = (20, 24, 33)
SOFT: Final[Colour] = (84, 92, 107)
HEAD: Final[Colour] = (16, 42, 67)
ACCENT: Final[Colour] = (0, 105, 120)
PALE: Final[Colour] = (226, 241, 243)
_LEADING: Final = 1.3
Items = list[Shape | Line]


@dataclass(frozen=True, slots=True)
class Paper:
    """A sheet in millimetres. White round mark and code is `edge` at least; one module of the code is `module`."""

    width: float
    height: float
    marks: tuple[float, ...]
    """Sides of the mark, the largest first; a smaller one is taken only where the text needs the room."""
    edge: float
    module: float
    smallest: float
    """Em of the smallest text."""

    def mark_at(self, mark: float) -> tuple[float, float]:
        return self.edge, self.height - self.edge - mark

    def code_at(self, side: int) -> tuple[float, float]:
        """Corner of a code of so many modules: at the foot, on the right."""
        return self.width - self.edge - side * self.module, self.height - self.edge - side * self.module


PAPERS: Final = {
    "A3": Paper(297.0, 420.0, marks=(150.0,), edge=20.0, module=2.0, smallest=3.1),
    "A4": Paper(210.0, 297.0, marks=(100.0, 95.0, 90.0, 85.0, 80.0, 75.0, 70.0), edge=14.0, module=1.5, smallest=2.6),
}


def lay_out(content: Content, paper: Paper, family: Family) -> Sheet:
    """One printable page.

    Raises:
        ConfigError: the text does not fit.
    """
    items, unit = Items(), paper.width / 100
    y = _headline(items, content, paper, family, unit)
    y = _marked_space(items, content, paper, family, unit, y) + 2.6 * unit
    least = _Notice(content, family, paper, paper.smallest)
    mark = next((mark for mark in paper.marks if least.height <= _foot_at(paper, mark) - y), None)
    if mark is None:
        raise ConfigError(
            "sign: the notice is too long for this sheet; take --size A3, fewer languages (--lang), or shorter texts"
        )
    items += _largest(content, family, paper, least, _foot_at(paper, mark) - y).drawn(y)
    items += _foot(content, paper, mark, family, unit)
    return Sheet(paper.width, paper.height, content.languages[0], content.titles[0], content.subject, tuple(items))


def _headline(items: Items, content: Content, paper: Paper, family: Family, unit: float) -> float:
    left, size = paper.edge + 14 * unit, (4.6 if len(content.titles) == 1 else 3.5) * unit
    widest = paper.width - left - paper.edge
    size = min(size, *(widest / family.face(True).width(title, 1.0) for title in content.titles))
    height = 3.6 * unit + len(content.titles) * 1.92 * size
    items.append(Shape(rectangle(0, 0, paper.width, height), HEAD))
    radius = min(6.4 * unit, 0.42 * height)
    items += icon(FACE, paper.edge + 0.87 * radius, height / 2, radius, ACCENT)
    y = 1.6 * unit + 1.06 * size
    for title, subtitle in zip(content.titles, content.subtitles, strict=True):
        items.append(Line(left, y, size, title, WHITE, bold=True))
        small = min(0.5 * size, widest / family.regular.width(subtitle, 1.0))
        items.append(Line(left, y + 0.7 * size, small, subtitle, PALE))
        y += 1.92 * size
    return height


def _marked_space(items: Items, content: Content, paper: Paper, family: Family, unit: float, top: float) -> float:
    size, left = 1.7 * unit, paper.edge + 14 * unit
    told = [lines_of(text, family.face(True), size, paper.width - left - paper.edge) for text in content.marked]
    text_height = (sum(len(lines) for lines in told) * _LEADING + 0.3 * (len(told) - 1)) * size
    height = max(9.6 * unit, text_height + 2.8 * unit)
    items.append(Shape(rectangle(0, top, paper.width, height), PALE))
    items += icon(SPACE, paper.edge + 5.4 * unit, top + height / 2, 4.1 * unit, ACCENT)
    y = top + (height - text_height) / 2 + size
    for lines in told:
        for line in lines:
            items.append(Line(left, y, size, line, INK, bold=True))
            y += _LEADING * size
        y += 0.3 * size
    return top + height


def _foot_at(paper: Paper, mark: float) -> float:
    """Where the white above the mark begins."""
    return paper.mark_at(mark)[1] - 0.6 * paper.edge


def _largest(content: Content, family: Family, paper: Paper, least: _Notice, room: float) -> _Notice:
    """The notice as large as it fits, found by halving."""
    low, high, best = paper.smallest, paper.width / (45 if len(content.blocks) == 1 else 60), least
    for _ in range(7):
        tried = _Notice(content, family, paper, (low + high) / 2)
        if tried.height <= room:
            low, best = (low + high) / 2, tried
        else:
            high = (low + high) / 2
    return best


class _Notice:
    """All of the notice in one size of letters; one language alone stands in two columns."""

    def __init__(self, content: Content, family: Family, paper: Paper, size: float) -> None:
        inside = paper.width - 2 * paper.edge
        halves = 2 if len(content.blocks) == 1 else 1
        width = (inside - 0.6 * paper.edge * (halves - 1)) / halves
        rows = [_Row(row, family, size, width) for row in zip(*content.blocks, strict=True)]
        cut = len(rows) if halves == 1 else _cut([row.height for row in rows])
        self._columns = ((paper.edge, rows[:cut]), (paper.edge + inside - width, rows[cut:]))
        self.height = max(sum(row.height for row in column) for _, column in self._columns)

    def drawn(self, top: float) -> Items:
        items = Items()
        for x, rows in self._columns:
            y = top
            for row in rows:
                items += row.drawn(x, y)
                y += row.height
        return items


class _Row:
    """One icon, and beside it the same matter in each language."""

    def __init__(self, blocks: Sequence[Block], family: Family, size: float, width: float) -> None:
        self._blocks, self._size, self._radius = blocks, size, 1.3 * size
        self._left = 2 * self._radius + 0.7 * size
        self._gap = 1.3 * size
        self._column = (width - self._left - self._gap * (len(blocks) - 1)) / len(blocks)
        self._lines = [lines_of(block.text, family.regular, size, self._column) for block in blocks]
        deepest = max(map(len, self._lines))
        self.height = max(2 * self._radius, (1.1 + _LEADING * deepest) * size) + 0.6 * size

    def drawn(self, x: float, y: float) -> Items:
        size = self._size
        items: Items = [*icon(self._blocks[0].picture, x + self._radius, y + self._radius, self._radius, ACCENT)]
        for place, (block, lines) in enumerate(zip(self._blocks, self._lines, strict=True)):
            at = x + self._left + place * (self._column + self._gap)
            items.append(Line(at, y + 0.85 * size, 0.92 * size, block.heading, ACCENT, bold=True))
            items += [
                Line(at, y + (2.1 + _LEADING * number) * size, size, line, INK) for number, line in enumerate(lines)
            ]
        return items


def _cut(heights: Sequence[float]) -> int:
    """Where two columns are about as high."""
    return min(range(1, len(heights)), key=lambda place: max(sum(heights[:place]), sum(heights[place:])))


def _foot(content: Content, paper: Paper, mark: float, family: Family, unit: float) -> Items:
    (x, y), (code_x, code_y) = paper.mark_at(mark), paper.code_at(len(content.code))
    items: Items = [
        Shape(modules(content.mark, x, y, mark / len(content.mark)), (0, 0, 0)),
        Shape(modules(content.code, code_x, code_y, paper.module), (0, 0, 0)),
    ]
    width, size = len(content.code) * paper.module, 1.35 * unit
    lines: list[tuple[str, bool, Colour]] = [(line, True, INK) for line in content.valid]
    for text in (*content.facts, *content.captions):
        lines += [(line, False, SOFT) for line in lines_of(text, family.regular, size, width)]
    room = code_y - 4 * paper.module - y
    size = min(size, room / (len(lines) * _LEADING))
    for place, (text, bold, colour) in enumerate(lines):
        items.append(Line(code_x, y + (0.8 + _LEADING * place) * size, size, text, colour, bold))
    return items
