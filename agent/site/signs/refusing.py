"""What forbids recognition on paper, unsigned, since anyone may narrow: a sign for all, and one person's own card.

The mark is what cameras look for on every frame that might be recognised. The sign's small code says the same to a
reader; the card has none, because a code does not tell who holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from agent.errors import ConfigError
from agent.policy.signage import FORBIDDING_MARKER, FORBIDDING_TEXT, OPT_OUT_MARKER
from agent.site.signs.content import code_of, mark_of
from agent.site.signs.drawing import Line, Shape, Sheet, modules, rectangle
from agent.site.signs.fonts import Family
from agent.site.signs.icons import FACE, WHITE, struck_out
from agent.site.signs.layout import HEAD, INK
from agent.site.signs.typeset import lines_of
from agent.site.signs.words import WORDS, Words

_RED: Final = (168, 28, 36)
SIZES: Final = {"A4": (210.0, 297.0), "A5": (148.0, 210.0), "A6": (105.0, 148.0)}


@dataclass(frozen=True, slots=True)
class _Says:
    marker: int
    code: str | None
    titles: tuple[str, ...]
    """One for each language, the first one's first."""
    texts: tuple[str, ...]


def refusing_sheet(size: str, languages: Sequence[str]) -> tuple[Callable[[Family], Sheet], str]:
    """The sign: how to draw it, once there is a font for the text that comes with it.

    Raises:
        ConfigError: a language without fixed words.
    """
    language, words = _words(languages)
    texts = tuple(text for each in words for text in (each.refusing_text, each.hold))
    return _drawn(
        size, language, _Says(FORBIDDING_MARKER, FORBIDDING_TEXT, tuple(each.refusing for each in words), texts)
    )


def card_sheet(size: str, languages: Sequence[str]) -> tuple[Callable[[Family], Sheet], str]:
    """One person's card: as `refusing_sheet`.

    Raises:
        ConfigError: a language without fixed words.
    """
    language, words = _words(languages)
    texts = tuple(text for each in words for text in (each.alone_text, each.hold, each.alone_else))
    return _drawn(size, language, _Says(OPT_OUT_MARKER, None, tuple(each.alone for each in words), texts))


def _words(languages: Sequence[str]) -> tuple[str, list[Words]]:
    chosen = tuple(dict.fromkeys(languages)) or ("en", "zh-Hans")
    for language in chosen:
        if language not in WORDS:
            raise ConfigError(f"--lang: there are no fixed words in {language}; there are in {', '.join(WORDS)}")
    return chosen[0], [WORDS[language] for language in chosen[:3]]


def _drawn(size: str, language: str, says: _Says) -> tuple[Callable[[Family], Sheet], str]:
    width, height = SIZES[size]

    def draw(family: Family) -> Sheet:
        unit, items = width / 100, list[Shape | Line]()
        head = (10 + 7.4 * len(says.titles)) * unit
        items.append(Shape(rectangle(0, 0, width, head), HEAD))
        items += struck_out(FACE, 14 * unit, head / 2, 9 * unit, _RED)
        em = min(6.6 * unit, *(70 * unit / family.face(True).width(each, 1.0) for each in says.titles))
        for place, title in enumerate(says.titles):
            y = head / 2 + (place - (len(says.titles) - 1) / 2) * 8.4 * unit + 0.36 * em
            items.append(Line(27 * unit, y, em, title, WHITE, bold=True))
        side = 74 * unit
        items.append(Shape(modules(mark_of(says.marker), 13 * unit, head + 10 * unit, side / 6), (0, 0, 0)))
        top, small = head + side + 17 * unit, 0.0
        if says.code is not None:
            code, small = code_of(says.code), 13 * unit
            items.append(Shape(modules(code, width - 8 * unit - small, top, small / len(code)), (0, 0, 0)))
        em = 2.9 * unit
        told = _told(says.texts, family, em, width - 24 * unit - small)
        while (len(told) * 1.3 + 0.7) * em > height - top:
            em *= 0.96
            told = _told(says.texts, family, em, width - 24 * unit - small)
        items += [Line(8 * unit, top + (0.8 + 1.3 * place) * em, em, line, INK) for place, line in enumerate(told)]
        return Sheet(width, height, language, says.titles[0], says.code or says.titles[0], tuple(items))

    return draw, "".join((*says.titles, *says.texts))


def _told(texts: Sequence[str], family: Family, em: float, width: float) -> list[str]:
    return [line for text in texts for line in lines_of(text, family.regular, em, width)]
