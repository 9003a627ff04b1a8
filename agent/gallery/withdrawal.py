"""The withdrawal code: what a person shows to the camera to take consent back, at once and without a network.

The text is `DW0:` and a Base45 string like that of a pass. Inside are, in this order: site (8 bytes of its digest),
pseudonym (1 to 63 signs), Ed25519 signature over both (64 bytes).

It holds no secret and never ends: whoever shows it can only narrow. So the keys of the policy count even when they
have expired, and for a person in the gallery the key counts that issued the kept receipt, although the policy may have
dropped it since. Nothing that is held before the camera raises. Leaves out: making codes (site/withdrawals.py), and
erasure (the store).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from agent.crypto import SignPublic, verify
from agent.gallery.passes_text import base45, site_digest, unbase45
from agent.units import SiteId, SubjectId

PREFIX: Final = "DW0:"
WITHDRAW_CONTEXT: Final = "doorward/withdraw/1"
_SITE: Final = 8
_SIGNATURE: Final = 64
_TEXT_MAX: Final = 400
_SUBJECT: Final = re.compile(rb"[a-z0-9][a-z0-9-]{0,62}")

Issuer = Callable[[SubjectId], SignPublic | None]
"""The key that issued the receipt kept for a person; None: no such person is in the gallery."""


@unique
class WithdrawalFault(StrEnum):
    """Why a withdrawal code was refused. The values are wire names and never change."""

    MALFORMED = "withdrawal-malformed"
    WRONG_SITE = "withdrawal-wrong-site"
    UNSIGNED = "withdrawal-unsigned"


@dataclass(frozen=True, slots=True)
class Rejected:
    reason: WithdrawalFault


def withdrawal_body(site: SiteId, subject: SubjectId) -> bytes:
    """The bytes that are signed."""
    return site_digest(site) + subject.encode("ascii")


def withdrawal_text(site: SiteId, subject: SubjectId, signature: bytes) -> str:
    """The text to print as a QR code."""
    return PREFIX + base45(withdrawal_body(site, subject) + signature)


def judge_withdrawal(
    text: str, keys: Iterable[str], site: SiteId, issuer: Issuer = lambda subject: None
) -> SubjectId | Rejected | None:
    """Whose consent this text takes back. Never raises, whatever the text.

    Args:
        keys: public keys in hex, the enrolment and pass keys of the policy; their end does not matter.
        issuer: see `Issuer`.

    Returns:
        None for a code that is no withdrawal: nothing is said about it and nothing is written down.
    """
    if not text.startswith(PREFIX):
        return None
    data = None if len(text) > _TEXT_MAX else unbase45(text[len(PREFIX) :])
    if data is None or not _SUBJECT.fullmatch(data[_SITE:-_SIGNATURE]):
        return Rejected(WithdrawalFault.MALFORMED)
    body, signature = data[:-_SIGNATURE], data[-_SIGNATURE:]
    subject = SubjectId(body[_SITE:].decode("ascii"))
    if body[:_SITE] != site_digest(site):
        return Rejected(WithdrawalFault.WRONG_SITE)
    kept = issuer(subject)
    publics = [] if kept is None else [kept]
    publics += [SignPublic(public) for key in keys if (public := _bytes(key)) is not None]
    if not any(verify(public, WITHDRAW_CONTEXT, body, signature) for public in publics):
        return Rejected(WithdrawalFault.UNSIGNED)
    return subject


def _bytes(key: str) -> bytes | None:
    try:
        return bytes.fromhex(key)
    except ValueError:
        return None
