"""Commands from outside: what anybody may ask because it only narrows, and what takes a signature.

Rules: `stop` (for a time) and `check` (look for news of the site now) need no signature. Everything else is signed by a
key that the policy names, addressed to one device, in date, and of a sequence number above all that were taken before:
a broker that repeats, holds back or reorders gains nothing. Nothing here opens a door or permits what the policy does
not. Leaves out: how often somebody may ask (app/commands.py) and how it travels (wire.py).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from agent import crypto
from agent.crypto import SignPublic, SignSecret
from agent.events.seal import Base64, Millis, Sequence, canonical, signed
from agent.policy.bundle import CommandKey
from agent.policy.document import Strict
from agent.policy.fields import Hex32, Name
from agent.units import DeviceId, SiteId

CONTEXT: Final = "doorward/command/1"
STOP_MINUTES_MAX: Final = 24 * 60
GOOD_FOR_S: Final = 300.0
"""How long a signed command may be on its way."""

CommandId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
"""Drawn by who commands, so that the answer can be told from others."""


class Stop(Strict):
    """Recognise nobody for so many minutes. Passes go on."""

    v: Literal[1]
    kind: Literal["stop"]
    id: CommandId | None = None
    minutes: Annotated[int, Field(ge=1, le=STOP_MINUTES_MAX)] = 60


class Check(Strict):
    """Look for news of the site now instead of at the next round."""

    v: Literal[1]
    kind: Literal["check"]
    id: CommandId | None = None


class Resume(Strict):
    """End a `stop` before its time. A stop order of the site's stays in force."""

    v: Literal[1]
    kind: Literal["resume"]
    id: CommandId | None = None
    site: Name
    device: Name
    sequence: Sequence
    not_after_ms: Millis
    key: Hex32
    """Public half of the key that signed."""
    signature: Base64


Command = Annotated[Stop | Check | Resume, Field(discriminator="kind")]
COMMANDS: Final[TypeAdapter[Stop | Check | Resume]] = TypeAdapter(Command)


@unique
class Result(StrEnum):
    """What became of a command; wire names."""

    DONE = "done"
    MALFORMED = "malformed"
    RATE_LIMITED = "rate-limited"
    NOT_PERMITTED = "not-permitted"
    """No key of the policy signed it, or it is for another device."""
    OUT_OF_DATE = "out-of-date"
    """Its time is over, or the device does not know the time."""
    REPLAYED = "replayed"
    """Its sequence number is not above the last that was taken."""
    NOT_WRITTEN = "not-written"
    """The disk did not take it, so it was not done."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command whose form is right and whose right to be done is settled."""

    command: Stop | Check | Resume


@dataclass(frozen=True, slots=True)
class Denied:
    result: Result
    id: str | None


def judge(
    payload: bytes,
    *,
    site: SiteId,
    device: DeviceId,
    keys: Iterable[CommandKey],
    unix_s: float | None,
    taken: int,
) -> Asked | Denied:
    """Whether these bytes may command this device.

    Args:
        keys: of the policy in force; empty while there is none.
        unix_s: trusted time; None: unknown, and then nothing signed is taken.
        taken: sequence number of the last signed command that was done.
    """
    try:
        command = COMMANDS.validate_json(payload)
    except ValidationError:
        return Denied(Result.MALFORMED, None)
    if not isinstance(command, Resume):
        return Asked(command)
    document = command.model_dump(mode="json", exclude_none=True, exclude={"signature"})
    named = (command.site, command.device) == (site, device) and any(
        each.key == command.key and unix_s is not None and unix_s < each.until.timestamp() for each in keys
    )
    key, signature = SignPublic(bytes.fromhex(command.key)), b64decode(command.signature)
    if unix_s is None or unix_s * 1000 >= command.not_after_ms:
        return Denied(Result.OUT_OF_DATE, command.id)
    if not named or not crypto.verify(key, CONTEXT, canonical(document), signature):
        return Denied(Result.NOT_PERMITTED, command.id)
    if command.sequence <= taken:
        return Denied(Result.REPLAYED, command.id)
    return Asked(command)


def stop(minutes: int, id_: str | None = None) -> bytes:
    """Raises ValueError for no such time."""
    return _bytes(Stop(v=1, kind="stop", id=id_, minutes=minutes))


def check(id_: str | None = None) -> bytes:
    return _bytes(Check(v=1, kind="check", id=id_))


def resume(secret: SignSecret, *, site: SiteId, device: DeviceId, unix_s: float, id_: str | None = None) -> bytes:
    """A signed command to one device, good for `GOOD_FOR_S`; a later one has a greater sequence number."""
    document: dict[str, object] = {
        "v": 1,
        "kind": "resume",
        "site": site,
        "device": device,
        "sequence": round(unix_s * 1000),
        "not_after_ms": round((unix_s + GOOD_FOR_S) * 1000),
        "key": crypto.sign_public(secret).hex(),
    }
    if id_ is not None:
        document["id"] = id_
    return signed(document, CONTEXT, secret)


def _bytes(command: Strict) -> bytes:
    return canonical(command.model_dump(mode="json", exclude_none=True))
