"""From the signed policy to a file to print."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from agent.crypto import SignSecret
from agent.errors import ConfigError
from agent.policy.bundle import PolicyDocument, utc
from agent.policy.declared import Statute
from agent.policy.signage import OPT_OUT_MARKER
from agent.site.signs.content import content_of
from agent.site.signs.drawing import Sheet
from agent.site.signs.fonts import Family, family_for
from agent.site.signs.layout import PAPERS, lay_out
from agent.site.signs.pdf import pdf
from agent.site.signs.refusing import card_sheet, refusing_sheet
from agent.site.signs.svg import svg
from agent.site.signs.token import issue_token

Kind = Literal["pdf", "svg"]
DAYS: Final = 365


def make_sign(
    document: PolicyDocument,
    secret: SignSecret,
    *,
    kind: Kind,
    size: str,
    languages: Sequence[str],
    now_s: float,
    days: int = DAYS,
    marker: int | None = None,
    font: Path | None = None,
) -> tuple[bytes, float]:
    """The printable sign, and the Unix time until which it holds.

    Args:
        secret: of the pass key that the policy names for its door.
        days: how long the sign holds; never longer than a legal basis that it names, or the date in the policy.
        marker: its number; without it that of the policy, or one that is always the same for this sign.

    Raises:
        ConfigError: the sign cannot be made; one line says why.
    """
    ends = [now_s + days * 86_400]
    if document.sign.until is not None:
        ends.append(document.sign.until.timestamp())
    if isinstance(document.basis, Statute):
        ends.append(document.basis.until.timestamp())
    until_s = min(ends)
    if until_s <= now_s:
        raise ConfigError("sign.until: the policy's sign or legal basis is over; publish a policy with a later date")
    number = marker_of(document) if marker is None else marker
    token = issue_token(document, secret, marker=number, until_s=until_s)
    content = content_of(document, languages, token=token, marker=number, until=utc(until_s))
    family = family_for(content.text(), font)
    return _printed(lay_out(content, PAPERS[size], family), family, kind, now_s), until_s


def make_refusing(
    *, kind: Kind, size: str, languages: Sequence[str], now_s: float, font: Path | None = None, alone: bool = False
) -> bytes:
    """The no-recognition sign, or one person's card: the same for every site, and anybody may print it.

    Args:
        alone: the card, which speaks for whoever holds it and for nobody else.

    Raises:
        ConfigError: a language without fixed words, or no font for it.
    """
    sheet, text = (card_sheet if alone else refusing_sheet)(size, languages)
    family = family_for(text, font)
    return _printed(sheet(family), family, kind, now_s)


def marker_of(document: PolicyDocument) -> int:
    """The number in the policy, or one that follows from the names of site and sign."""
    if document.sign.marker is not None:
        return document.sign.marker.number
    named = sha256(f"doorward/sign/marker\x00{document.site}\x00{document.sign.id}".encode()).digest()
    return int.from_bytes(named[:4], "big") % OPT_OUT_MARKER


def _printed(sheet: Sheet, family: Family, kind: Kind, now_s: float) -> bytes:
    return svg(sheet, family) if kind == "svg" else pdf(sheet, family, utc(now_s))
