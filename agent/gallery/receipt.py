"""The consent receipt as a document, after ISO/IEC TS 27560:2023: header, processing, parties, events.

Terms that others must understand are plain IRIs of the W3C's Data Privacy Vocabulary 2. Rules: one receipt is for one
purpose; a term that does not fit our own word beside it is refused; the guardian's agreement is a document of its own,
signed by itself, and stands in the receipt whole. Leaves out: signatures and times (consent.py), issuing
(site/consents.py).
"""

from __future__ import annotations

import json
from enum import StrEnum, unique
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, model_validator

from agent.policy.declared import Text
from agent.policy.document import Strict
from agent.policy.fields import AgeBand, Hex32, Name, Purpose

RECEIPT_CONTEXT: Final = "doorward/receipt/2"
"""Signature context of receipts; also their schema."""
GUARDIAN_CONTEXT: Final = "doorward/guardian/1"
"""The same of a guardian's agreement."""
_DPV: Final = "https://w3id.org/dpv#"
EXPLICIT_CONSENT: Final = f"{_DPV}ExplicitlyExpressedConsent"
CONSENT_GIVEN: Final = f"{_DPV}ConsentGiven"
PURPOSE_IRI: Final = {
    Purpose.RESIDENT_ENTRY: f"{_DPV}EnforceAccessControl",
    Purpose.STAFF_ENTRY: f"{_DPV}EnforceAccessControl",
    Purpose.GUEST_ENTRY: f"{_DPV}EnforceAccessControl",
    Purpose.VISITOR_ENTRY: f"{_DPV}EnforceAccessControl",
    Purpose.PUPIL_ENTRY: f"{_DPV}EnforceAccessControl",
    Purpose.IDENTITY_CHECK: f"{_DPV}IdentityVerification",
    Purpose.PAYMENT: f"{_DPV}PaymentManagement",
    Purpose.BOARDING: f"{_DPV}IdentityVerification",
    Purpose.DISPENSER: f"{_DPV}ServiceProvision",
    Purpose.PUBLIC_SECURITY: f"{_DPV}EnforceSecurity",
}
"""The nearest wider term for each of our purposes."""
Signature = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


@unique
class DataCategory(StrEnum):
    """What is processed of a person. The values are terms of DPV's extension for personal data."""

    BIOMETRIC = "https://w3id.org/dpv/pd#Biometric"
    AGE_RANGE = "https://w3id.org/dpv/pd#AgeRange"


@unique
class WithdrawalRoute(StrEnum):
    """How consent is taken back. The values are wire names and never change."""

    DOOR_CODE = "door-code"
    """Holding the receipt's code before a door's camera: at once, for that device, without a network."""
    OPERATOR = "operator"
    """Asking whoever runs the door, who does it at the device."""
    AUTHORITY = "authority"
    """Asking whoever signs the policy, who does it for all devices."""


class Header(Strict):
    id: Name
    version: Annotated[int, Field(ge=1)]
    """Of this record; a consent to anything else is a new record."""
    subject: Name
    """Pseudonym, never a name."""


class NoticeRead(Strict):
    version: Name
    sha256: Hex32


class Kept(Strict):
    """How long at most, as the policy said when the person agreed."""

    max_days: Annotated[int, Field(ge=1, le=3650)]
    max_idle_days: Annotated[int, Field(ge=1, le=3650)]


class Processing(Strict):
    purpose: Purpose
    purpose_iri: str
    basis: Literal["https://w3id.org/dpv#ExplicitlyExpressedConsent"]
    data: Annotated[tuple[DataCategory, ...], Field(min_length=1, max_length=len(DataCategory))]
    notice: NoticeRead
    retention: Kept
    transmission_consent: bool = False
    """The template may be made at a station and sent, sealed, to the devices named (Measures art. 8)."""

    @model_validator(mode="after")
    def _terms_fit(self) -> Processing:
        if self.purpose_iri != PURPOSE_IRI[self.purpose]:
            raise ValueError(f"purpose_iri of {self.purpose.value} is {PURPOSE_IRI[self.purpose]}")
        if DataCategory.BIOMETRIC not in self.data:
            raise ValueError("data names what is processed: it lacks the biometric category")
        return self


class Controller(Strict):
    """Who answers for it; name and contact are the notice's, None where it has no texts."""

    site: Name
    name: Text | None = None
    contact: Text | None = None


class Parties(Strict):
    controller: Controller
    devices: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000)]


class Given(Strict):
    """The one event of a receipt; a withdrawal is told by the device's erasure receipt."""

    type: Literal["https://w3id.org/dpv#ConsentGiven"]
    at: AwareDatetime
    until: AwareDatetime

    @model_validator(mode="after")
    def _times_in_order(self) -> Given:
        if self.until <= self.at:
            raise ValueError("until must lie after at")
        return self


class Withdrawal(Strict):
    routes: Annotated[tuple[WithdrawalRoute, ...], Field(min_length=1, max_length=len(WithdrawalRoute))]
    code: Annotated[str, Field(pattern=r"^DW0:[0-9A-Z $%*+./:-]{1,396}$")]
    """What the person shows to the camera, see withdrawal.py."""


class GuardianDocument(Strict):
    """One guardian's agreement for one child, taken and signed by the enrolment authority; the guardian has a copy."""

    schema_: Annotated[Literal["doorward/guardian/1"], Field(alias="schema")]
    id: Name
    guardian: Name
    subject: Name
    """Pseudonym of the child."""
    site: Name
    purpose: Purpose
    notice: NoticeRead
    transmission_consent: bool = False
    at: AwareDatetime
    until: AwareDatetime
    key: Hex32
    signature: Signature

    @model_validator(mode="after")
    def _times_in_order(self) -> GuardianDocument:
        if self.until <= self.at:
            raise ValueError("until must lie after at")
        return self


class GuardianReceipt(Strict):
    """The agreement itself, and what a ledger or a file on paper calls it."""

    id: Name
    sha256: Hex32
    """Of the agreement as `canonical` writes it."""
    agreement: GuardianDocument

    @model_validator(mode="after")
    def _is_what_it_names(self) -> GuardianReceipt:
        if self.id != self.agreement.id:
            raise ValueError("guardian: id is not that of the agreement")
        return self


class ReceiptDocument(Strict):
    """The receipt as JSON; the signature is over `signed_part`."""

    schema_: Annotated[Literal["doorward/receipt/2"], Field(alias="schema")]
    header: Header
    processing: Processing
    parties: Parties
    age: AgeBand
    """As it was declared."""
    guardian: GuardianReceipt | None = None
    """Needed below the age that the policy's profile sets (Measures art. 7)."""
    events: Annotated[tuple[Given, ...], Field(min_length=1, max_length=1)]
    withdrawal: Withdrawal
    key: Hex32
    """Public key of the issuer."""
    signature: Signature


def canonical(document: dict[str, Any]) -> bytes:
    """JSON with sorted keys, no spaces and ASCII only: the same document is always the same bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def signed_part(document: dict[str, Any]) -> bytes:
    """What a signature covers: all fields but the signature."""
    return canonical({name: value for name, value in document.items() if name != "signature"})


def agreement_sha256(agreement: dict[str, Any]) -> str:
    """The hash by which a receipt names a guardian's agreement, its signature included."""
    return sha256(canonical(agreement)).hexdigest()


def schemas() -> dict[str, dict[str, object]]:
    """File stem -> JSON Schema (2020-12) of each document; the files in `schemas/` are these."""
    documents: dict[str, type[Strict]] = {"receipt": ReceiptDocument, "guardian": GuardianDocument}
    return {
        name: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **document.model_json_schema(by_alias=True),
        }
        for name, document in documents.items()
    }
