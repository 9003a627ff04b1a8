"""Which card or PIN is whose: the part of the signed policy that names people without showing what they present.

Rules: an entry holds a digest, never the token; all of one policy are made with one salt and cost (Argon2id), so that
judging what is presented takes one stretching. A long random card number cannot be found again from its digest. A short
PIN can: whoever has the policy tries all of them, at the price of one stretching each.
Leaves out: making entries (site/tokens.py), judging tokens (gallery/named.py).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from agent.policy.document import Strict
from agent.policy.fields import Hex32, Name


class TokenEntry(Strict):
    digest: Hex32
    subject: Name
    """Pseudonym of the person whom the token names."""
    doors: Annotated[tuple[Name, ...], Field(min_length=1, max_length=64)]
    until: AwareDatetime
    opens: bool = False
    """Presented at the device itself it opens, without a face; False: it only names for 1:1."""


class Tokens(Strict):
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    passes: Annotated[int, Field(ge=1, le=4)]
    memory_kib: Annotated[int, Field(ge=8_192, le=65_536)]
    """Bounded, since the device pays it for everything that is presented."""
    entries: Annotated[tuple[TokenEntry, ...], Field(max_length=2_000)] = ()
