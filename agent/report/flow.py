"""Text and boxes that flow over pages of A4, from the top down; millimetres throughout.

Whoever places something asks for room first; what does not fit begins on a new page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from agent.report.document import Tone
from agent.site.signs.drawing import Colour, Line, Shape, Sheet, Steps, rectangle
from agent.site.signs.fonts import Family
from agent.site.signs.typeset import lines_of

WIDTH: Final = 210.0
HEIGHT: Final = 297.0
LEFT: Final = 17.0
WIDE: Final = WIDTH - 2 * LEFT
TOP: Final = 18.0
BOTTOM: Final = HEIGHT - 20.0
LEADING: Final = 1.38
INK: Final[Colour] = (23, 33, 31)
SOFT: Final[Colour] = (86, 99, 95)
LINE: Final[Colour] = (223, 228, 225)
FAINT: Final[Colour] = (233, 237, 235)
COLOURS: Final[dict[Tone, Colour]] = {
    Tone.GOOD: (15, 118, 110),
    Tone.BAD: (180, 83, 9),
    Tone.WAIT: (107, 118, 115),
    Tone.OPEN: (176, 184, 181),
    Tone.NONE: LINE,
}
GROUNDS: Final[dict[Tone, Colour]] = {Tone.GOOD: (217, 238, 234), Tone.BAD: (253, 240, 220)}
INKS: Final[dict[Tone, Colour]] = {Tone.GOOD: (11, 87, 80), Tone.BAD: (122, 55, 6)}


class Flow:
    """The pages that have been written, and the place on the last one."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self.pages: list[list[Shape | Line]] = [[]]
        self.y = TOP

    def room(self, height: float) -> bool:
        """Begin a new page if so much does not fit any more; True if one was begun."""
        if self.y + height <= BOTTOM or self.y == TOP:
            return False
        self.pages.append([])
        self.y = TOP
        return True

    def space(self, height: float) -> None:
        """White, but not at the top of a page."""
        if self.y > TOP:
            self.y += height

    def shape(self, steps: Steps, colour: Colour) -> None:
        self.pages[-1].append(Shape(steps, colour))

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        if width > 0 and height > 0:
            self.shape(rectangle(x, y, width, height), colour)

    def lines(self, text: str, size: float, width: float, *, bold: bool = False) -> list[str]:
        return lines_of(text, self.family.face(bold), size, width)

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        return self.family.face(bold).width(text, size)

    def put(self, x: float, y: float, text: str, size: float, colour: Colour = INK, *, bold: bool = False) -> None:
        """One line whose upper edge is at y."""
        if text:
            self.pages[-1].append(Line(x, y + 0.95 * size, size, text, colour, bold))

    def column(
        self, x: float, y: float, lines: Sequence[str], size: float, colour: Colour = INK, *, bold: bool = False
    ) -> float:
        """Lines one below the other; how high they are."""
        for place, line in enumerate(lines):
            self.put(x, y + place * size * LEADING, line, size, colour, bold=bold)
        return len(lines) * size * LEADING

    def text(self, text: str, size: float, colour: Colour = INK, *, bold: bool = False, keep: float = 0.0) -> None:
        """A paragraph over the whole width.

        Args:
            keep: room that must be left below its first line, so that a heading does not stand alone.
        """
        for place, line in enumerate(self.lines(text, size, WIDE, bold=bold)):
            self.room(size * LEADING + (keep if place == 0 else 0.0))
            self.put(LEFT, self.y, line, size, colour, bold=bold)
            self.y += size * LEADING

    def sheets(self, language: str, title: str, foot: str) -> list[Sheet]:
        """All pages, numbered at the foot."""
        made = list[Sheet]()
        for number, items in enumerate(self.pages, 1):
            count = f"{number} / {len(self.pages)}"
            right = WIDTH - LEFT - self.width(count, 2.9)
            under = (
                Line(LEFT, HEIGHT - 10, 2.9, foot, SOFT),
                Line(right, HEIGHT - 10, 2.9, count, SOFT),
            )
            made.append(Sheet(WIDTH, HEIGHT, language, title, foot, (*items, *under)))
        return made
