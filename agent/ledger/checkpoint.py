"""A checkpoint: the device signs how long its ledger is and what its root is.

Whoever holds one (the broker's retained topic, a collector, an auditor) can tell later whether the ledger still
begins with the same entries. Leaves out: when to make one (the store's owner), proofs (merkle.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agent.crypto import SignPublic, SignSecret, sign, sign_public, verify
from agent.errors import PolicyError, VaultError
from agent.ledger.entry import canonical, milliseconds
from agent.ledger.merkle import Frontier
from agent.policy.document import Strict, read
from agent.policy.fields import Hex32, Name
from agent.units import DeviceId, SiteId

CHECKPOINT_CONTEXT = "doorward/checkpoint/1"


class Checkpoint(Strict):
    """The signed statement; the signature is over its canonical JSON without the signature."""

    schema_: Annotated[Literal["doorward/checkpoint/1"], Field(alias="schema")]
    site: Name
    device: Name
    size: Annotated[int, Field(ge=0)]
    root: Hex32
    time_ms: Annotated[int, Field(ge=0)] | None
    key: Hex32
    """The device's public signing key; it counts only if the policy, or whoever asks, names it."""
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


def make_checkpoint(
    frontier: Frontier, site: SiteId, device: DeviceId, secret: SignSecret, unix_s: float | None
) -> bytes:
    """The checkpoint of this frontier as canonical JSON."""
    statement: dict[str, object] = {
        "schema": CHECKPOINT_CONTEXT,
        "site": site,
        "device": device,
        "size": frontier.size,
        "root": frontier.root().hex(),
        "time_ms": milliseconds(unix_s),
        "key": sign_public(secret).hex(),
    }
    statement["signature"] = sign(secret, CHECKPOINT_CONTEXT, canonical(statement)).hex()
    return canonical(statement)


def read_checkpoint(data: bytes) -> Checkpoint:
    """A checkpoint whose signature fits the key that it names; whose key that is, is the caller's question.

    Raises:
        VaultError: malformed, or the signature does not fit.
    """
    try:
        checkpoint = read(data, Checkpoint, "checkpoint")
    except PolicyError as error:
        raise VaultError(str(error).splitlines()[0]) from None
    unsigned = checkpoint.model_dump(mode="json", by_alias=True, exclude={"signature"})
    public, signature = SignPublic(bytes.fromhex(checkpoint.key)), bytes.fromhex(checkpoint.signature)
    if not verify(public, CHECKPOINT_CONTEXT, canonical(unsigned), signature):
        raise VaultError("checkpoint: signature: does not fit")
    return checkpoint
