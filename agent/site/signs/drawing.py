"""What a sheet is made of: filled shapes and lines of text, in millimetres, y down from the sheet's top left corner.

One path holds all dark modules of a code, so that no hairline shows between them. Paths are filled even-odd.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

Step = tuple[str, tuple[float, ...]]
"""One step of a path: `M` and `L` with x, y; `C` with two control points and the end; `Z` with nothing."""
Steps = tuple[Step, ...]
Colour = tuple[int, int, int]

_ROUND: Final = 0.5522847498
"""How far a cubic's control points lie from the ends of a quarter circle of radius 1."""


@dataclass(frozen=True, slots=True)
class Shape:
    steps: Steps
    colour: Colour


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text that begins at x on the baseline y."""

    x: float
    y: float
    size: float
    """Millimetres of the em."""
    text: str
    colour: Colour
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    width: float
    height: float
    language: str
    title: str
    subject: str
    items: tuple[Shape | Line, ...]


def moved(steps: Iterable[Step], x: float, y: float, scale: float = 1.0) -> Steps:
    """The steps scaled round their origin, then moved to (x, y)."""
    return tuple(
        (name, tuple(value * scale + (x if place % 2 == 0 else y) for place, value in enumerate(numbers)))
        for name, numbers in steps
    )


def polygon(*corners: tuple[float, float]) -> Steps:
    return (("M", corners[0]), *(("L", corner) for corner in corners[1:]), ("Z", ()))


def rectangle(x: float, y: float, width: float, height: float) -> Steps:
    return polygon((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def rounded(x: float, y: float, width: float, height: float, radius: float) -> Steps:
    """A rectangle with round corners; with a radius of half its side a circle."""
    k, x1, y1 = radius * (1 - _ROUND), x + width, y + height
    return (
        ("M", (x + radius, y)),
        ("L", (x1 - radius, y)),
        ("C", (x1 - k, y, x1, y + k, x1, y + radius)),
        ("L", (x1, y1 - radius)),
        ("C", (x1, y1 - k, x1 - k, y1, x1 - radius, y1)),
        ("L", (x + radius, y1)),
        ("C", (x + k, y1, x, y1 - k, x, y1 - radius)),
        ("L", (x, y + radius)),
        ("C", (x, y + k, x + k, y, x + radius, y)),
        ("Z", ()),
    )


def circle(x: float, y: float, radius: float) -> Steps:
    return rounded(x - radius, y - radius, 2 * radius, 2 * radius, radius)


def bar(x0: float, y0: float, x1: float, y1: float, thick: float) -> Steps:
    """A straight stroke as a polygon."""
    length = math.hypot(x1 - x0, y1 - y0)
    dx, dy = (y1 - y0) / length * thick / 2, (x0 - x1) / length * thick / 2
    return polygon((x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy))


def modules(rows: Sequence[Sequence[bool]], x: float, y: float, module: float) -> Steps:
    """The dark squares of a code, joined along each row, as one path; (x, y) is the corner of its first module."""
    steps: list[Step] = []
    for place, row in enumerate(rows):
        start: int | None = None
        for column, dark in enumerate((*row, False)):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                steps += rectangle(x + start * module, y + place * module, (column - start) * module, module)
                start = None
    return tuple(steps)
