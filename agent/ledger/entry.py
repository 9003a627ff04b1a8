"""What the ledger says: a closed set of entries, each as the one JSON text that is hashed.

Rules: no field holds a pseudonym, a place in a picture or free text. Who was concerned stands there as a commitment,
SHA-256 over a salt and the pseudonym; the salt is made from a secret of that person and the entry's position, so the
same person's entries cannot be told to be the same. The store keeps the secret as long as the person; when it is
destroyed, the entry still proves that something was done, and no longer to whom. Checkpoints are not entries.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from agent.crypto import sha256
from agent.errors import VaultError
from agent.events.decision import Decision, Outcome
from agent.gallery.retention import Ended
from agent.policy.document import Strict
from agent.policy.fields import Hex32, Name
from agent.policy.grounds import Ground
from agent.units import DeviceId, SiteId, SubjectId

_LIMIT_BYTES: Final = 4096


class _Timed(Strict):
    time_ms: Annotated[int, Field(ge=0)] | None
    """Unix milliseconds by the trusted clock; None while it is not trusted."""


class Start(_Timed):
    """The recogniser started: whose ledger it is."""

    kind: Literal["start"] = "start"
    site: Name
    device: Name
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,40}$")]


class PolicyAdopted(_Timed):
    kind: Literal["policy"] = "policy"
    version: Annotated[int, Field(ge=1)]
    sha256: Hex32


class Decided(_Timed):
    """A decision at the door and the event that tells the site of it."""

    kind: Literal["decision"] = "decision"
    event: Annotated[int, Field(ge=1)]
    outcome: Outcome
    door: Name
    policy: Annotated[int, Field(ge=0)]
    subject: Hex32 | None
    """Commitment; None for strangers and visitors."""
    ground: Name | None


class Enrolled(_Timed):
    kind: Literal["enrolment"] = "enrolment"
    subject: Hex32
    consent: Hex32
    """SHA-256 of the receipt's id under the same salt."""


class Withdrawn(_Timed):
    kind: Literal["withdrawal"] = "withdrawal"
    subject: Hex32


class Erased(_Timed):
    """A person was erased; the receipt says who, to whoever holds it and knows the pseudonym."""

    kind: Literal["erasure"] = "erasure"
    reason: Ended
    receipt: Hex32
    """SHA-256 of the erasure receipt."""


class Shortened(_Timed):
    """The first entries were dropped because the policy keeps them no longer; checkpoints stay."""

    kind: Literal["shortening"] = "shortening"
    first: Annotated[int, Field(ge=1)]
    """So many entries are gone, counted from the very first: as many as a signed checkpoint covers."""
    days: Annotated[int, Field(ge=1)]
    """The policy's `retention.ledger_days` then; all that was dropped was older."""


class RefusalChanged(_Timed):
    """The grounds of refusal changed; none means that recognition was permitted again."""

    kind: Literal["refusal-change"] = "refusal-change"
    grounds: tuple[Ground, ...]


class Aimed(_Timed):
    """Somebody began, or ended, to look through the camera in order to aim it; nobody was recognised meanwhile."""

    kind: Literal["aim"] = "aim"
    open: bool


Entry = Start | PolicyAdopted | Decided | Enrolled | Withdrawn | Erased | Shortened | RefusalChanged | Aimed

_ENTRY: Final[TypeAdapter[Entry]] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")])


def encode(entry: Entry) -> bytes:
    """The one text of an entry: the bytes that are stored and hashed."""
    return canonical(entry.model_dump(mode="json"))


def decode(data: bytes) -> Entry:
    """Read an entry back.

    Raises:
        VaultError: not an entry of a known kind, or not in its one text.
    """
    try:
        if len(data) > _LIMIT_BYTES:
            raise ValueError("too long")
        entry = _ENTRY.validate_json(data)
    except (ValidationError, ValueError):
        raise VaultError("an entry is not of a known kind") from None
    if encode(entry) != data:
        raise VaultError("an entry is not written in its one form")
    return entry


def canonical(document: dict[str, Any]) -> bytes:
    """JSON with sorted keys, no spaces and ASCII only: the same document is always the same bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def salt(secret: bytes, position: int) -> bytes:
    """16 bytes; the person's 32-byte secret opens the commitments of all positions that concern this person."""
    return hashlib.blake2b(position.to_bytes(8, "big"), digest_size=16, key=secret, person=b"doorward/salt").digest()


def commitment(salt: bytes, word: str) -> str:
    """SHA-256 over salt and word, lower-case hex."""
    return hashlib.sha256(salt + word.encode()).hexdigest()


def milliseconds(unix_s: float | None) -> int | None:
    return None if unix_s is None else max(0, round(unix_s * 1000))


def started(site: SiteId, device: DeviceId, version: str, unix_s: float | None) -> Start:
    return Start(time_ms=milliseconds(unix_s), site=site, device=device, version=version)


def policy_adopted(version: int, sha256: str, unix_s: float | None) -> PolicyAdopted:
    return PolicyAdopted(time_ms=milliseconds(unix_s), version=version, sha256=sha256)


def refusal_changed(grounds: tuple[Ground, ...], unix_s: float | None) -> RefusalChanged:
    return RefusalChanged(time_ms=milliseconds(unix_s), grounds=grounds)


def decided(decision: Decision, event: int, salt: bytes | None) -> Decided:
    """What happened at the door; the salt is None exactly when the decision names nobody."""
    subject: SubjectId | None = decision.subject
    return Decided(
        time_ms=milliseconds(decision.unix_s),
        event=event,
        outcome=decision.outcome,
        door=decision.door,
        policy=decision.policy_version,
        subject=None if subject is None or salt is None else commitment(salt, subject),
        ground=decision.ground,
    )


def enrolled(subject: SubjectId, consent_id: str, unix_s: float | None, salt: bytes) -> Enrolled:
    return Enrolled(
        time_ms=milliseconds(unix_s), subject=commitment(salt, subject), consent=commitment(salt, consent_id)
    )


def withdrawn(subject: SubjectId, unix_s: float | None, salt: bytes) -> Withdrawn:
    return Withdrawn(time_ms=milliseconds(unix_s), subject=commitment(salt, subject))


def erased(reason: Ended, receipt: bytes, unix_s: float | None) -> Erased:
    return Erased(time_ms=milliseconds(unix_s), reason=reason, receipt=sha256(receipt))


def shortened(first: int, days: int, unix_s: float) -> Shortened:
    return Shortened(time_ms=milliseconds(unix_s), first=first, days=days)


def aimed(*, open: bool, unix_s: float | None) -> Aimed:
    return Aimed(time_ms=milliseconds(unix_s), open=open)
