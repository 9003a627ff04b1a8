"""What stands on a sign: the texts of the signed notice, fixed words, and the codes, all from one policy.

Rules: nothing is said here that the policy does not say; a policy that recognises nobody needs no such sign.
Leaves out: how it looks (layout.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import segno

from agent.errors import ConfigError
from agent.policy.bundle import PolicyDocument
from agent.policy.declared import Consented, Statute
from agent.policy.fields import Mode
from agent.policy.signage import MARKER_FAMILY
from agent.site.signs.drawing import Steps
from agent.site.signs.icons import BOOK, CARD, CLOCK, DOOR, EQUAL, FACE, LOCK, PERSON, SCALES, SPEECH
from agent.site.signs.typeset import plain
from agent.site.signs.words import WORDS, Words

LANGUAGES_MAX = 3
Rows = tuple[tuple[bool, ...], ...]
"""Modules of a code, True is dark."""


@dataclass(frozen=True, slots=True)
class Block:
    picture: Steps
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Content:
    """One sign; what is said in each language stands in the order of `languages`."""

    languages: tuple[str, ...]
    titles: tuple[str, ...]
    subtitles: tuple[str, ...]
    marked: tuple[str, ...]
    blocks: tuple[tuple[Block, ...], ...]
    valid: tuple[str, ...]
    captions: tuple[str, ...]
    facts: tuple[str, ...]
    subject: str
    mark: Rows
    code: Rows

    def text(self) -> str:
        """Every letter that will be drawn."""
        told = (*self.titles, *self.subtitles, *self.marked, *self.valid, *self.captions, *self.facts)
        return "".join((*told, *(block.heading + block.text for column in self.blocks for block in column)))


def content_of(
    document: PolicyDocument, languages: Sequence[str], *, token: str, marker: int, until: datetime
) -> Content:
    """The sign of this policy.

    Args:
        token: text of the QR code, see token.py.

    Raises:
        ConfigError: the mode recognises nobody, or a language is not the notice's or has no fixed words here.
    """
    if document.mode not in (Mode.VERIFY, Mode.IDENTIFY):
        raise ConfigError(f"mode: {document.mode} recognises nobody; this sign is for verify and identify")
    chosen = _languages(document, languages)
    words = [WORDS[language] for language in chosen]
    consent = isinstance(document.basis, Consented)
    seconds = f"{document.attempt.dwell_s:g}"
    one_to_one = document.mode is Mode.VERIFY
    return Content(
        languages=chosen,
        titles=tuple(each.title for each in words),
        subtitles=tuple(each.by_consent if consent else each.by_statute for each in words),
        marked=tuple(_marked(each, seconds, one_to_one) for each in words),
        blocks=tuple(tuple(_blocks(document, language)) for language in chosen),
        valid=tuple(each.valid.format(date=f"{until:%Y-%m-%d}") for each in words),
        captions=tuple(text for each in words for text in (each.code, each.mark)),
        facts=(
            f"{document.site} · {document.sign.id} · {document.door}",
            f"{document.notice.version} · {document.notice.sha256[:16]}",
        ),
        subject=f"{document.site} {document.sign.id} {document.notice.sha256}",
        mark=mark_of(marker),
        code=code_of(token),
    )


def mark_of(number: int) -> Rows:
    """The ArUco marker with its black border: 6 by 6 modules."""
    family = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, MARKER_FAMILY))
    drawn = cv2.aruco.generateImageMarker(family, number, 6)
    return tuple(tuple(bool(value == 0) for value in row) for row in drawn)


def code_of(text: str) -> Rows:
    """The QR code at level M, without its quiet zone."""
    code = segno.make_qr(text, error="m", boost_error=False)
    return tuple(tuple(bool(dark) for dark in row) for row in code.matrix_iter(border=0))


def _languages(document: PolicyDocument, languages: Sequence[str]) -> tuple[str, ...]:
    told = tuple(document.notice.texts)
    chosen = tuple(dict.fromkeys(languages)) or told[:2]
    if not chosen:
        raise ConfigError("notice.texts: is empty; write the notice and publish it first")
    if len(chosen) > LANGUAGES_MAX:
        raise ConfigError(f"--lang: {len(chosen)} languages do not fit one sheet; take {LANGUAGES_MAX} at most")
    for language in chosen:
        if language not in told:
            raise ConfigError(f"--lang: the notice has no texts in {language}; it has {', '.join(told)}")
        if language not in WORDS:
            raise ConfigError(f"--lang: a sign has no fixed words in {language}; it has {', '.join(WORDS)}")
    return chosen


def _marked(words: Words, seconds: str, one_to_one: bool) -> str:
    text = (words.marked_with_pass if one_to_one else words.marked).format(seconds=seconds)
    joint = "" if text.endswith("。") else " "
    return text + joint + words.outside


def _blocks(document: PolicyDocument, language: str) -> Iterator[Block]:
    notice, words = document.notice.texts[language], WORDS[language]
    yield Block(PERSON, words.who, plain(notice.controller))
    yield Block(DOOR, words.purpose, plain(notice.purpose))
    yield Block(FACE, words.necessity, plain(notice.necessity))
    yield Block(LOCK, words.data, plain(notice.method))
    yield Block(CLOCK, words.kept, plain(notice.retention))
    yield Block(EQUAL, words.effect, plain(notice.effect))
    if isinstance(document.basis, Statute):
        yield Block(BOOK, words.basis, plain(document.basis.law))
    yield Block(CARD, words.alternative, plain(notice.alternative))
    stop, after = ("。", "") if language.startswith("zh") else (".", " ")
    rights, contact = plain(notice.rights), plain(notice.contact)
    yield Block(SPEECH, words.rights, rights + ("" if rights.endswith(stop) else stop) + after + contact)
    yield Block(SCALES, words.complaint, plain(notice.complaint))
