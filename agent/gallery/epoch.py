"""A device's present epoch as it tells it to an enrolment station: the box key that dies with the epoch.

Rules: the device signs it with its signing key, which the policy names; a template is sealed to no other key. Nothing
in it is secret. Leaves out: where the keys of epochs come from (adapters/keys.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from typing import Annotated, Final, Literal, final

from pydantic import Field

from agent.crypto import BoxPublic, SignPublic, SignSecret, sign, sign_public, verify
from agent.errors import PolicyError
from agent.gallery._mint import MINT, Mint, Unforgeable, demand
from agent.gallery.receipt import Signature, signed_part
from agent.policy.document import Strict, read
from agent.policy.fields import Hex32, Name
from agent.units import DeviceId

EPOCH_CONTEXT: Final = "doorward/epoch/1"


class EpochDocument(Strict):
    """`epoch.json`; the signature is over all other fields."""

    schema_: Annotated[Literal["doorward/epoch/1"], Field(alias="schema")]
    device: Name
    epoch: Annotated[int, Field(ge=1, lt=1 << 63)]
    box_key: Hex32
    key: Hex32
    """The device's signing key."""
    signature: Signature


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class DeviceEpoch(Unforgeable):
    """One device's epoch, told by the device itself: the only thing to which a template can be sealed."""

    mint: InitVar[Mint]
    device: DeviceId
    epoch: int
    box_key: BoxPublic

    def __post_init__(self, mint: Mint) -> None:
        demand(mint, "DeviceEpoch")


def epoch_json(device: DeviceId, epoch: int, box_key: BoxPublic, secret: SignSecret) -> bytes:
    """The document as a file, signed by the device."""
    document: dict[str, object] = {
        "schema": EPOCH_CONTEXT,
        "device": device,
        "epoch": epoch,
        "box_key": box_key.hex(),
        "key": sign_public(secret).hex(),
    }
    document["signature"] = sign(secret, EPOCH_CONTEXT, signed_part(document)).hex()
    return json.dumps(document, indent=1).encode() + b"\n"


def read_epoch(data: bytes, devices: Mapping[str, SignPublic], source: str = "epoch") -> DeviceEpoch:
    """Read an `epoch.json`.

    Args:
        devices: id and signing key of each device that the policy names.

    Raises:
        PolicyError: malformed, of a device that the policy does not name, or not signed by it.
    """
    document = read(data, EpochDocument, source)
    known = devices.get(document.device)
    if known is None:
        raise PolicyError(f"{source}: device: the policy names no {document.device}; admit it with 'doorward site'")
    raw = json.loads(data)
    if known.hex() != document.key or not verify(
        known, EPOCH_CONTEXT, signed_part(raw), bytes.fromhex(document.signature)
    ):
        raise PolicyError(f"{source}: signature: is not this device's; run 'doorward device epoch' there again")
    return DeviceEpoch(
        mint=MINT,
        device=DeviceId(document.device),
        epoch=document.epoch,
        box_key=BoxPublic(bytes.fromhex(document.box_key)),
    )
