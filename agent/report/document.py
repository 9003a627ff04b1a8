"""A report as a list of parts that know no drawing: HTML (html.py) and PDF (sheets.py) are laid out from the same.

Places along a picture are 0 to 1. A tone never speaks alone: it comes with a shape or a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Tone(StrEnum):
    GOOD = "good"
    BAD = "bad"
    WAIT = "wait"
    """Not judged."""
    OPEN = "open"
    """Not binding."""
    NONE = "none"
    """Nothing is recorded."""


class Code(str):
    """A hash, a key, a version: set in a fixed pitch and broken anywhere."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Text:
    text: str
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A word of warning or of assurance in a box of its own."""

    tone: Tone
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Tile:
    figure: str
    label: str
    tone: Tone = Tone.NONE


@dataclass(frozen=True, slots=True)
class Tiles:
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    start: float
    end: float
    tone: Tone


@dataclass(frozen=True, slots=True)
class Band:
    label: str
    note: str
    pieces: tuple[Piece, ...]
    figure: str
    says: str
    """All of it in one sentence, for who cannot see the picture."""
    tone: Tone = Tone.GOOD


@dataclass(frozen=True, slots=True)
class Tick:
    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Bands:
    """States over time, one band for each thing, in groups with a heading (empty: none)."""

    title: str
    groups: tuple[tuple[str, tuple[Band, ...]], ...]
    ticks: tuple[Tick, ...]
    legend: tuple[tuple[Tone, str], ...]
    caption: str


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    note: str
    length: float
    figure: str


@dataclass(frozen=True, slots=True)
class Bars:
    title: str
    bars: tuple[Bar, ...]
    caption: str


@dataclass(frozen=True, slots=True)
class Columns:
    """A count for each hour of the day."""

    title: str
    heights: tuple[float, ...]
    says: tuple[str, ...]
    """One for each column."""
    top: str
    """What the full height is."""
    caption: str


@dataclass(frozen=True, slots=True)
class Steps:
    """A figure that changes by steps."""

    title: str
    points: tuple[tuple[float, float], ...]
    """Place and height of each step, from 0."""
    ticks: tuple[Tick, ...]
    top: str
    says: str
    caption: str


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """Words and what they stand for here."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class List:
    items: tuple[str, ...]


Block = Text | Note | Tiles | Bands | Bars | Columns | Steps | Table | Terms | List


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    level: int
    """2 or 3, as headings count; the document's own title is 1."""
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Document:
    language: str
    title: str
    subtitle: str
    verdict: Note
    sections: tuple[Section, ...]
    foot: str
