"""Entering cards and PINs into a policy: only what they are stretched to is kept, and whose they are.

Rules: one salt and cost for a policy, made with its first entry; a token names one person. A PIN that opens by itself
has at least `OPENING_PIN` digits. Leaves out: asking for the token and keeping the policy (the command), publishing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from agent.crypto import random_bytes
from agent.errors import ConfigError
from agent.gallery.named import digest
from agent.policy.bundle import utc
from agent.site.consents import demand_pseudonym
from agent.site.edit import Document, opened
from agent.site.policy_draft import checked
from agent.token import TokenKind, TokenWay, token

PASSES: Final = 2
MEMORY_KIB: Final = 32_768
"""Some 30 ms on a desktop's core: the device pays it between two frames, so it cannot be much more."""
OPENING_PIN: Final = 6


def with_token(
    document: Document,
    kind: TokenKind,
    text: str,
    *,
    subject: str,
    doors: Sequence[str],
    until_s: float,
    opens: bool = False,
) -> Document:
    """The policy with one entry more; an entry of the same token and person is replaced.

    Raises:
        ConfigError: no token, pseudonym, or end that can be, or somebody else's token; never with the token in it.
    """
    demand_pseudonym(subject)
    if token(kind, text, TokenWay.SERIAL) is None:
        raise ConfigError(f"--kind {kind}: a card is 8 to 32 digits 0-9 and A-F, a PIN 4 to 12 digits 0-9")
    if opens and kind is TokenKind.PIN and len(text) < OPENING_PIN:
        raise ConfigError(f"--opens: a PIN that opens by itself has at least {OPENING_PIN} digits; take a longer one")
    known: dict[str, Any] = document["tokens"] or {
        "salt": random_bytes(16).hex(),
        "passes": PASSES,
        "memory_kib": MEMORY_KIB,
        "entries": [],
    }
    found = digest(kind, text, bytes.fromhex(known["salt"]), known["passes"], known["memory_kib"])
    if any(each["digest"] == found and each["subject"] != subject for each in known["entries"]):
        raise ConfigError("token: names somebody else already; take another one, or 'doorward pass forget' theirs")
    entry = {"digest": found, "subject": subject, "doors": list(doors), "until": utc(until_s).isoformat()}
    kept = [each for each in known["entries"] if each["digest"] != found]
    return opened(checked(document | {"tokens": known | {"entries": [*kept, entry | {"opens": opens}]}}))


def without_tokens(document: Document, subject: str) -> Document:
    """The policy without any card or PIN of this person.

    Raises:
        ConfigError: there is none.
    """
    known = document["tokens"]
    kept = [each for each in known["entries"] if each["subject"] != subject] if known else []
    if not known or len(kept) == len(known["entries"]):
        raise ConfigError("--subject: the policy knows no card or PIN of this person; see its field tokens")
    return opened(checked(document | {"tokens": known | {"entries": kept}}))
