"""The font of a sign: one installed font that has every letter on it; nothing is shipped with Doorward.

Text is set from left to right, letter by letter. Scripts that need more (Arabic, Hebrew, Indic, Thai) are refused in
words instead of being set wrong. Sizes are millimetres of the em.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fontTools.pens.svgPathPen import SVGPathPen
from fontTools.ttLib import TTFont, TTLibError

from agent.errors import ConfigError

_FOLDERS: Final = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
_KNOWN: Final[tuple[tuple[str, str | None, int], ...]] = (
    ("NotoSansCJK-Regular.ttc", "NotoSansCJK-Bold.ttc", 2),
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf", 0),
    ("OpenSans-Regular.ttf", "OpenSans-Bold.ttf", 0),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf", 0),
    ("wqy-microhei.ttc", None, 0),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", 0),
)
"""File, its bold companion, place in a collection; the first one that has all letters is taken."""
_PACKAGE: Final = "fonts-wqy-microhei"
"""Debian's smallest font with Latin and Chinese letters; licensed under Apache 2.0."""


@dataclass(frozen=True, slots=True)
class FontFile:
    path: Path
    place: int
    """In a collection of fonts; 0 otherwise."""


class Face:
    """One weight of a font: its letters, widths and outlines."""

    def __init__(self, file: FontFile) -> None:
        self.file = file
        self._font: Any = TTFont(file.path, fontNumber=file.place, lazy=True)
        self._glyphs: dict[int, str] = self._font.getBestCmap() or {}
        self.glyph_set: Any = self._font.getGlyphSet()
        self.units: int = self._font["head"].unitsPerEm
        self._advances: dict[str, float] = {}

    def lacks(self, text: str) -> str:
        """The first letter of the text that the font does not have; empty when it has them all."""
        return next((letter for letter in text if ord(letter) not in self._glyphs), "")

    def glyphs(self, text: str) -> list[str]:
        return [self._glyphs[ord(letter)] for letter in text]

    def advance(self, glyph: str) -> float:
        """In parts of the em."""
        if glyph not in self._advances:
            self._advances[glyph] = float(self.glyph_set[glyph].width) / self.units
        return self._advances[glyph]

    def width(self, text: str, size: float) -> float:
        return size * sum(self.advance(glyph) for glyph in self.glyphs(text))

    def outline(self, glyph: str) -> str:
        """The glyph as an SVG path in font units, y up."""
        pen = SVGPathPen(self.glyph_set, ntos=lambda value: str(round(value)))
        self.glyph_set[glyph].draw(pen)
        return str(pen.getCommands())


@dataclass(frozen=True, slots=True)
class Family:
    regular: Face
    bold: Face | None
    """None: the regular one is drawn with a heavier pen."""

    def face(self, bold: bool) -> Face:
        return self.bold or self.regular if bold else self.regular


def family_for(text: str, chosen: Path | None = None, folders: Sequence[str] = _FOLDERS) -> Family:
    """A font that has every letter of the text.

    Args:
        chosen: a font file to take instead of an installed one.
        folders: where installed fonts lie.

    Raises:
        ConfigError: no such font, or a script that is not set here.
    """
    for letter in text:
        if unicodedata.bidirectional(letter) in ("R", "AL") or unicodedata.category(letter) in ("Mn", "Mc", "Me"):
            name = unicodedata.name(letter, "a sign")
            raise ConfigError(f"sign: {name} is of a script that is not set here; leave that language out")
    if chosen is not None:
        face = _opened(FontFile(chosen, 0))
        if lacking := face.lacks(text):
            raise ConfigError(f"--font: {chosen}: has no {_called(lacking)}; choose another font")
        return Family(face, None)
    lacking = ""
    for regular, bold in _installed(folders):
        face = _opened(regular)
        if not (lacking := face.lacks(text)):
            return Family(face, None if bold is None else _opened(bold))
    what = f"has {_called(lacking)}" if lacking else "is there"
    raise ConfigError(f"sign: no installed font {what}; run: apt-get install {_PACKAGE}, or name a font with --font")


def _installed(folders: Sequence[str]) -> Iterator[tuple[FontFile, FontFile | None]]:
    files = {
        path.name: path
        for folder in folders
        for path in sorted(Path(folder).expanduser().rglob("*.tt[cf]"))
        if path.is_file()
    }
    for name, bold, place in _KNOWN:
        if name in files:
            companion = files.get(bold or "")
            yield FontFile(files[name], place), None if companion is None else FontFile(companion, place)


def _opened(file: FontFile) -> Face:
    try:
        return Face(file)
    except (OSError, TTLibError, KeyError, AssertionError) as error:
        raise ConfigError(f"{file.path}: is no font that can be read ({error}); choose another") from None


def _called(letter: str) -> str:
    return f"letter {letter!r} ({unicodedata.name(letter, 'without a name')})"
