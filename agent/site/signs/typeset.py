"""Breaking text into lines: Latin words stay whole where they can, Chinese breaks between any two signs.

Closing punctuation never begins a line and opening punctuation never ends one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from agent.site.signs.fonts import Face

_NOT_FIRST: Final = frozenset("、。，．：；？！…）」』】》〉”’％·,.:;?!)%")
_NOT_LAST: Final = frozenset("（「『【《〈“‘(")


def plain(text: str) -> str:
    """One line of composed letters: no control signs, no line breaks, no doubled spaces."""
    letters = (
        " " if unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") else each
        for each in unicodedata.normalize("NFC", text)
    )
    return " ".join("".join(letters).split())


def lines_of(text: str, face: Face, size: float, width: float) -> list[str]:
    """The text in lines that are at most `width` millimetres wide."""
    lines, line, used = list[str](), "", 0.0
    for piece in _pieces(text, face, size, width):
        if line and used + face.width(piece.rstrip(), size) > width:
            lines.append(line.rstrip())
            line, used = "", 0.0
        line, used = line + piece, used + face.width(piece, size)
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str, face: Face, size: float, width: float) -> Iterator[str]:
    """What must stay together, each with the spaces that follow it."""
    piece = ""
    for found in re.findall(r"\s+|[^\s\u2e80-\uffef]+|[\u2e80-\uffef]", text):
        sticks = found.isspace() or (found[0] in _NOT_FIRST and bool(piece)) or (piece and piece[-1] in _NOT_LAST)
        if piece and not sticks:
            yield piece
            piece = ""
        if face.width(found, size) > width:  # an address that is wider than a column
            *parts, found = _cut(found, face, size, width)
            yield from parts
        piece += found
    if piece:
        yield piece


def _cut(word: str, face: Face, size: float, width: float) -> list[str]:
    parts = [""]
    for letter in word:
        if parts[-1] and face.width(parts[-1] + letter, size) > width:
            parts.append("")
        parts[-1] += letter
    return parts
