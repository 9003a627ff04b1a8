"""Consent: what one person agreed to, as a signed receipt, and whether it is in force now.

Rules: a `Consent` is made from a receipt whose signature was checked, and in no other way; one receipt is for one
purpose, one site and one version of the notice; outside its time it is not in force, and no time at all is outside.
Leaves out: withdrawal (a tombstone in the store and a restriction target), and who the pseudonym is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from typing import Annotated, Any, Literal, Protocol, final

from pydantic import AwareDatetime, Field, model_validator

from agent.crypto import SignPublic, verify
from agent.errors import PolicyError
from agent.gallery._mint import MINT, Mint, Unforgeable, demand
from agent.policy.document import Strict, read
from agent.policy.fields import AgeBand, Hex32, Name, Purpose
from agent.units import ConsentId, DeviceId, Sha256, SiteId, SubjectId

RECEIPT_CONTEXT = "doorward/receipt/1"
"""Signature context of receipts; also their schema."""


class ReceiptDocument(Strict):
    """The receipt as JSON; the signature is over `signed_part`."""

    schema_: Annotated[Literal["doorward/receipt/1"], Field(alias="schema")]
    id: Name
    subject: Name
    purpose: Purpose
    notice_sha256: Hex32
    site: Name
    devices: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000)]
    age: AgeBand
    guardian: Name | None = None
    """Pseudonym of the guardian who agreed; needed below the age that the profile sets (Measures art. 7)."""
    given: AwareDatetime
    until: AwareDatetime
    key: Hex32
    """Public key of the issuer."""
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    @model_validator(mode="after")
    def _times_in_order(self) -> ReceiptDocument:
        if self.until <= self.given:
            raise ValueError("until must lie after given")
        return self


class IssuerKey(Protocol):
    """What the policy says of one enrolment key; see `EnrolmentKey` of policy/bundle.py."""

    @property
    def key(self) -> str: ...

    @property
    def until(self) -> AwareDatetime: ...


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Consent(Unforgeable):
    """One person's consent, its signature checked. Times are Unix seconds."""

    mint: InitVar[Mint]
    id: ConsentId
    subject: SubjectId
    purpose: Purpose
    site: SiteId
    devices: frozenset[DeviceId]
    age: AgeBand
    guardian: SubjectId | None
    notice_sha256: Sha256
    given_s: float
    until_s: float
    receipt: bytes
    """The signed document itself: the vault keeps it with the template, so that consent and template never part."""

    def __post_init__(self, mint: Mint) -> None:
        demand(mint, "Consent")

    def in_force(
        self, *, purpose: Purpose, site: SiteId, notice_sha256: Sha256, unix_s: float, guardian_below: int
    ) -> bool:
        """For exactly this purpose, site and notice, at this time; never for a time that is not a number.

        Args:
            guardian_below: age below which it takes a guardian's consent too.
        """
        return (
            (self.guardian is not None or self.age.youngest >= guardian_below)
            and self.purpose is purpose
            and self.site == site
            and self.notice_sha256 == notice_sha256
            and self.given_s <= unix_s < self.until_s
        )


def signed_part(document: dict[str, Any]) -> bytes:
    """What a receipt's signature covers: all fields but the signature, as JSON with sorted keys and no spaces."""
    rest = {name: value for name, value in document.items() if name != "signature"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def read_receipt(data: bytes, keys: Sequence[IssuerKey], unix_s: float, source: str = "receipt") -> Consent:
    """Admit a receipt that a person brings for enrolment.

    Args:
        keys: the enrolment keys of the policy in force; the issuer must be among them, in its time.
        unix_s: trusted time.
        source: what to call the document in an error.

    Raises:
        PolicyError: names the field that is malformed, unknown, expired or not covered by the signature.
    """
    document = read(data, ReceiptDocument, source)
    issuers = [each for each in keys if each.key == document.key]
    if not issuers:
        raise PolicyError(f"{source}: key: the policy names no such enrolment key; have the receipt issued again")
    if not any(unix_s < each.until.timestamp() for each in issuers):
        raise PolicyError(f"{source}: key: this enrolment key has expired; have the receipt issued with a present one")
    consent = _checked(data, document, source)
    if not unix_s < consent.until_s:
        raise PolicyError(f"{source}: until: the consent has expired; ask the person again")
    if not consent.given_s <= unix_s:
        raise PolicyError(f"{source}: given: lies in the future; check the clock of the issuer")
    return consent


def read_kept_receipt(data: bytes) -> Consent:
    """The consent of a receipt that was admitted before and kept in the vault; its signature is checked again.

    The issuer's key may have left the policy since: expiry and replacement of a key do not undo what it issued.

    Raises:
        PolicyError: malformed, or the signature does not fit.
    """
    return _checked(data, read(data, ReceiptDocument, "kept receipt"), "kept receipt")


def _checked(data: bytes, document: ReceiptDocument, source: str) -> Consent:
    issuer, signature = SignPublic(bytes.fromhex(document.key)), bytes.fromhex(document.signature)
    if not verify(issuer, RECEIPT_CONTEXT, signed_part(json.loads(data)), signature):
        raise PolicyError(f"{source}: signature: does not fit the document; have the receipt issued again")
    return Consent(
        mint=MINT,
        id=ConsentId(document.id),
        subject=SubjectId(document.subject),
        purpose=document.purpose,
        site=SiteId(document.site),
        devices=frozenset(DeviceId(device) for device in document.devices),
        age=document.age,
        guardian=None if document.guardian is None else SubjectId(document.guardian),
        notice_sha256=Sha256(document.notice_sha256),
        given_s=document.given.timestamp(),
        until_s=document.until.timestamp(),
        receipt=data,
    )
