"""A pass as a card to print: the code large enough to be read at arm's length, and what the pass opens, in words.

A7; the code is 6 cm wide with the paper's own white round it. No name and no pseudonym stands on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.errors import ConfigError
from agent.policy.bundle import utc
from agent.site.passes import pass_code
from agent.site.signs.drawing import Line, Shape, Sheet, modules, rectangle
from agent.site.signs.fonts import Face, family_for
from agent.site.signs.icons import WHITE
from agent.site.signs.layout import HEAD, INK
from agent.site.signs.pdf import pdf
from agent.site.signs.typeset import lines_of

_WIDTH, _HEIGHT, _CODE = 74.0, 105.0, 60.0
_HEAD: Final = 11.0
_EM: Final = 2.9


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    how: str


WORDS: Final = {
    "en": Words("Pass", "Hold the code 10 to 60 cm before the camera. No face is looked at."),
    "zh-Hans": Words("通行证", "请将二维码置于摄像头前10至60厘米处。不使用人脸。"),
}


def make_card(
    text: str, facts: Sequence[str], *, languages: Sequence[str], now_s: float, font: Path | None = None
) -> bytes:
    """The card as PDF.

    Args:
        facts: what the pass opens and when, a line each.

    Raises:
        ConfigError: a language without fixed words, or no font for it; the pass is too long for a printed code.
    """
    chosen = tuple(dict.fromkeys(languages)) or ("en",)
    for language in chosen:
        if language not in WORDS:
            raise ConfigError(f"--lang: there are no fixed words in {language}; there are in {', '.join(WORDS)}")
    words = [WORDS[language] for language in chosen]
    title = " · ".join(each.title for each in words)
    family = family_for("".join((title, *facts, *(each.how for each in words))), font)
    rows = tuple(tuple(bool(dark) for dark in row) for row in pass_code(text).matrix)
    left = (_WIDTH - _CODE) / 2
    items: list[Shape | Line] = [
        Shape(rectangle(0, 0, _WIDTH, _HEAD), HEAD),
        Line(left, _HEAD / 2 + 1.8, 5.0, title, WHITE, bold=True),
        Shape(modules(rows, left, _HEAD + left, _CODE / len(rows)), (0, 0, 0)),
    ]
    top, em = _HEAD + 2 * left + _CODE, _EM
    told = _told(facts, words, family.regular, em)
    while top + 1.3 * em * len(told) > _HEIGHT - 2:
        em *= 0.95
        told = _told(facts, words, family.regular, em)
    items += [Line(left, top + 1.3 * em * place, em, line, INK) for place, line in enumerate(told)]
    sheet = Sheet(_WIDTH, _HEIGHT, chosen[0], title, "A pass of Doorward", tuple(items))
    return pdf(sheet, family, utc(now_s))


def _told(facts: Sequence[str], words: Sequence[Words], face: Face, em: float) -> list[str]:
    texts = (*facts, *(each.how for each in words))
    return [line for text in texts for line in lines_of(text, face, em, _CODE)]
