"""The no-recognition sign: a wall's, or a card that a person holds up; unsigned, since anyone may narrow.

The mark is what cameras look for on every frame that might be recognised; the small code says the same to a reader.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from agent.errors import ConfigError
from agent.policy.signage import FORBIDDING_MARKER, FORBIDDING_TEXT
from agent.site.signs.content import code_of, mark_of
from agent.site.signs.drawing import Line, Shape, Sheet, modules, rectangle
from agent.site.signs.fonts import Family
from agent.site.signs.icons import FACE, WHITE, struck_out
from agent.site.signs.layout import HEAD, INK
from agent.site.signs.typeset import lines_of
from agent.site.signs.words import WORDS, Words

_RED: Final = (168, 28, 36)
SIZES: Final = {"A4": (210.0, 297.0), "A5": (148.0, 210.0), "A6": (105.0, 148.0)}


def refusing_sheet(size: str, languages: Sequence[str]) -> tuple[Callable[[Family], Sheet], str]:
    """How to draw it, once there is a font for the text that comes with it.

    Raises:
        ConfigError: a language without fixed words.
    """
    chosen = tuple(dict.fromkeys(languages)) or ("en", "zh-Hans")
    for language in chosen:
        if language not in WORDS:
            raise ConfigError(f"--lang: there are no fixed words in {language}; there are in {', '.join(WORDS)}")
    words = [WORDS[language] for language in chosen[:3]]
    width, height = SIZES[size]

    def draw(family: Family) -> Sheet:
        unit, items = width / 100, list[Shape | Line]()
        head = (10 + 7.4 * len(words)) * unit
        items.append(Shape(rectangle(0, 0, width, head), HEAD))
        items += struck_out(FACE, 14 * unit, head / 2, 9 * unit, _RED)
        title = min(6.6 * unit, *(70 * unit / family.face(True).width(each.refusing, 1.0) for each in words))
        for place, each in enumerate(words):
            y = head / 2 + (place - (len(words) - 1) / 2) * 8.4 * unit + 0.36 * title
            items.append(Line(27 * unit, y, title, each.refusing, WHITE, bold=True))
        side = 74 * unit
        items.append(Shape(modules(mark_of(FORBIDDING_MARKER), 13 * unit, head + 10 * unit, side / 6), (0, 0, 0)))
        top, code = head + side + 17 * unit, code_of(FORBIDDING_TEXT)
        small = 13 * unit
        items.append(Shape(modules(code, width - 8 * unit - small, top, small / len(code)), (0, 0, 0)))
        em = 2.9 * unit
        told = _told(words, family, em, width - 24 * unit - small)
        while (len(told) * 1.3 + 0.7) * em > height - top:
            em *= 0.96
            told = _told(words, family, em, width - 24 * unit - small)
        items += [Line(8 * unit, top + (0.8 + 1.3 * place) * em, em, line, INK) for place, line in enumerate(told)]
        return Sheet(width, height, chosen[0], words[0].refusing, FORBIDDING_TEXT, tuple(items))

    return draw, "".join(each.refusing + each.refusing_text + each.card for each in words)


def _told(words: Sequence[Words], family: Family, em: float, width: float) -> list[str]:
    texts = [text for each in words for text in (each.refusing_text, each.card)]
    return [line for text in texts for line in lines_of(text, family.regular, em, width)]
