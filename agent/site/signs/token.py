"""The signed token in a sign's QR code: which site's sign it is, for which notice and which terms, and until when.

The text is `DS1:` and a Base45 string like that of a pass. Inside are, in this order: site (8 bytes of its digest),
sign (8 bytes of its digest), notice (16 bytes of its SHA-256), terms (16 bytes of their SHA-256), number of the marker
(1), the quarter of an hour since 1970 at which the sign ends (3), Ed25519 signature over all that (64): 178 signs, just
what version 7 of QR holds at level M. It is signed with the site's pass key under a context of its own, so that neither
is ever taken for the other.

Terms are what the sign promises to people, not the policy as a whole: a new device or another end of the policy leaves
a sign as it is, another purpose or retention needs a new one.
Leaves out: drawing (layout.py) and what is in view beside the code (attest.py).
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from agent.crypto import SignPublic, SignSecret, sign, sign_public, verify
from agent.errors import ConfigError
from agent.gallery.passes import QUARTER_S, base45, unbase45
from agent.policy.bundle import PolicyDocument

PREFIX: Final = "DS1:"
SIGN_CONTEXT: Final = "doorward/sign/1"
_SIGNATURE: Final = 64
_BODY: Final = 52
_TEXT_LENGTH: Final = 178


@unique
class SignFault(StrEnum):
    """Why a code does not attest a sign. The values are words for people."""

    MALFORMED = "the code is damaged, or not one that a sign carries"
    OTHER_SITE = "it is another site's sign"
    FORGED = "its signature is not this site's: the code was forged or altered"
    OTHER_SIGN = "it is another sign of this site"
    OTHER_NOTICE = "it refers to another notice than the policy"
    OTHER_TERMS = "it was printed for other terms (purpose, mode, basis, retention, alternatives) than the policy's"
    EXPIRED = "it has expired"


@dataclass(frozen=True, slots=True)
class SignToken:
    """What a sign's code says. `until_quarter` is excluded."""

    site: bytes
    sign: bytes
    notice: bytes
    terms: bytes
    marker: int
    until_quarter: int

    @property
    def until_s(self) -> float:
        return float(self.until_quarter * QUARTER_S)

    def body(self) -> bytes:
        """The bytes that are signed."""
        end = bytes((self.marker,)) + self.until_quarter.to_bytes(3, "big")
        return self.site + self.sign + self.notice + self.terms + end


def terms_sha256(document: PolicyDocument) -> str:
    """The digest of everything that the sign promises, beside the notice's own texts."""
    promised = {
        "site": document.site,
        "sign": document.sign.id,
        "door": document.door,
        "place": document.place,
        "purpose": document.purpose,
        "mode": document.mode,
        "basis": document.basis.model_dump(mode="json"),
        "notice": document.notice.sha256,
        "retention": document.retention.model_dump(mode="json", exclude={"ledger_days"}),
        "alternatives": sorted({each.way for each in document.alternatives}),
        "dwell_s": document.attempt.dwell_s,
    }
    plain = json.dumps(promised, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(plain.encode("ascii")).hexdigest()


def token_of(document: PolicyDocument, marker: int, until_s: float) -> SignToken:
    """The token of a sign for this policy; its end is taken up to the quarter of an hour."""
    return SignToken(
        site=_digest("site", document.site),
        sign=_digest("sign", document.sign.id),
        notice=bytes.fromhex(document.notice.sha256)[:16],
        terms=bytes.fromhex(terms_sha256(document))[:16],
        marker=marker,
        until_quarter=math.ceil(until_s / QUARTER_S),
    )


def issue_token(document: PolicyDocument, secret: SignSecret, *, marker: int, until_s: float) -> str:
    """The text to print as the sign's QR code.

    Args:
        secret: of a pass key that the policy names for its door.

    Raises:
        ConfigError: the key is not the policy's.
    """
    if sign_public(secret).hex() not in _keys(document):
        raise ConfigError(f"keys: the policy does not name this key for door {document.door}; publish one that does")
    token = token_of(document, marker, until_s)
    return PREFIX + base45(token.body() + sign(secret, SIGN_CONTEXT, token.body()))


def judge_sign(text: str, document: PolicyDocument, now_s: float) -> SignToken | SignFault | None:
    """What this text attests about the policy's sign. Never raises, whatever the text.

    Returns:
        None for a code that is no sign's: it is nobody's business.
    """
    if not text.startswith(PREFIX):
        return None
    data = unbase45(text[len(PREFIX) :]) if len(text) == _TEXT_LENGTH else None
    if data is None or len(data) != _BODY + _SIGNATURE:
        return SignFault.MALFORMED
    token, wanted = _content(data[:_BODY]), token_of(document, 0, 0.0)
    if token.site != wanted.site:
        return SignFault.OTHER_SITE
    publics = [SignPublic(bytes.fromhex(key)) for key in _keys(document)]
    if not any(verify(public, SIGN_CONTEXT, data[:_BODY], data[_BODY:]) for public in publics):
        return SignFault.FORGED
    if token.sign != wanted.sign:
        return SignFault.OTHER_SIGN
    if token.notice != wanted.notice:
        return SignFault.OTHER_NOTICE
    if token.terms != wanted.terms:
        return SignFault.OTHER_TERMS
    return token if now_s < token.until_s else SignFault.EXPIRED


def _content(body: bytes) -> SignToken:
    return SignToken(body[:8], body[8:16], body[16:32], body[32:48], body[48], int.from_bytes(body[49:52], "big"))


def _keys(document: PolicyDocument) -> list[str]:
    return [each.key for each in document.pass_keys if document.door in each.doors]


def _digest(what: str, name: str) -> bytes:
    return hashlib.sha256(f"doorward/sign/{what}\x00{name}".encode()).digest()[:8]
