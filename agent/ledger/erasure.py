"""The erasure receipt: the device signs that it has erased one person, and why.

It names nobody. Whoever knows the pseudonym checks it against the commitment, whose salt stands beside it; so the
receipt goes to the site sealed, to the person, and nowhere else: pseudonyms are short enough to be tried out. The
ledger keeps its hash. Leaves out: erasing (the store), when to (gallery/retention.py), sealing (events/seal.py).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from agent import crypto
from agent.crypto import SignPublic, SignSecret, sign, sign_public, verify
from agent.errors import VaultError
from agent.events.bodies import EraseStrength
from agent.events.seal import SealedEvent
from agent.gallery.retention import Ended
from agent.ledger.entry import canonical, commitment, milliseconds
from agent.policy.document import Strict, read
from agent.policy.fields import Hex32, Name
from agent.units import DeviceId, SiteId, SubjectId

ERASURE_CONTEXT: Final = "doorward/erasure/1"
"""Signature context of erasure receipts; also their schema."""
_SALT_BYTES: Final = 16


class Erasure(Strict):
    """The receipt as JSON; the signature is over its canonical JSON without the signature."""

    schema_: Annotated[Literal["doorward/erasure/1"], Field(alias="schema")]
    site: Name
    device: Name
    commitment: Hex32
    """SHA-256 over salt and pseudonym."""
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    reason: Ended
    time_ms: Annotated[int, Field(ge=0)] | None
    """Unix milliseconds by the trusted clock; None while it was not trusted: a withdrawal does not wait for it."""
    epoch: Annotated[int, Field(ge=1)] | None
    """The epoch under which the template was kept, to be destroyed with it as far as `erase_strength` says; None: the
    device held no template of this person."""
    erase_strength: EraseStrength
    key: Hex32
    """The device's public signing key; it counts only if the policy, or device.json, names it."""
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    def concerns(self, subject: str) -> bool:
        """Whether it is of this person."""
        return hmac.compare_digest(self.commitment, commitment(bytes.fromhex(self.salt), subject))


@dataclass(frozen=True, slots=True, repr=False)
class Closed:
    """What stays of an erased person: the receipt, and the event that brings it to the site."""

    receipt: bytes
    event: SealedEvent | None
    """None: no policy has ever named a key to seal it to; nobody can have been enrolled then."""


Close = Callable[[SubjectId, Ended, int | None, int], Closed]
"""Makes it within the transaction that erases: pseudonym, reason, epoch that ends or None, the event's sequence."""


def make_erasure(
    subject: SubjectId,
    reason: Ended,
    *,
    site: SiteId,
    device: DeviceId,
    unix_s: float | None,
    epoch: int | None,
    erase_strength: EraseStrength,
    secret: SignSecret,
    random: Callable[[int], bytes] = crypto.random_bytes,
) -> bytes:
    """The receipt as canonical JSON; see `Erasure`.

    Args:
        random: gives that many random bytes, for the salt.
    """
    salt = random(_SALT_BYTES)
    statement: dict[str, object] = {
        "schema": ERASURE_CONTEXT,
        "site": site,
        "device": device,
        "commitment": commitment(salt, subject),
        "salt": salt.hex(),
        "reason": reason.value,
        "time_ms": milliseconds(unix_s),
        "epoch": epoch,
        "erase_strength": erase_strength.value,
        "key": sign_public(secret).hex(),
    }
    statement["signature"] = sign(secret, ERASURE_CONTEXT, canonical(statement)).hex()
    return canonical(statement)


def read_erasure(data: bytes, source: str = "receipt") -> Erasure:
    """A receipt whose signature fits the key that it names; whose key that is, is the caller's question.

    Raises:
        PolicyError: malformed, every fault by its field.
        VaultError: the signature does not fit.
    """
    erasure = read(data, Erasure, source)
    unsigned = erasure.model_dump(mode="json", by_alias=True, exclude={"signature"})
    public, signature = SignPublic(bytes.fromhex(erasure.key)), bytes.fromhex(erasure.signature)
    if not verify(public, ERASURE_CONTEXT, canonical(unsigned), signature):
        raise VaultError(f"{source}: signature: does not fit; the receipt was changed: ask the site for another copy")
    return erasure


def erasure_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of a receipt; `schemas/erasure.json` is this."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Erasure.model_json_schema()}
