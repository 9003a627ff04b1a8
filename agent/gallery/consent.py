"""Consent: what one person agreed to, as a signed receipt, and whether it is in force now.

Rules: a `Consent` is made from a receipt whose signature was checked, and in no other way; one receipt is for one
purpose, one site and one version of the notice; outside its time it is not in force, and no time at all is outside.
A guardian's agreement counts only for the same child, purpose, site and notice, and the consent ends with it.
Leaves out: the document's fields (receipt.py), withdrawal (a tombstone in the store and a restriction target), and who
the pseudonym is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass
from typing import Any, Protocol, final

from pydantic import AwareDatetime

from agent.crypto import SignPublic, verify
from agent.errors import PolicyError
from agent.gallery._mint import MINT, Mint, Unforgeable, demand
from agent.gallery.receipt import (
    GUARDIAN_CONTEXT,
    RECEIPT_CONTEXT,
    GuardianDocument,
    ReceiptDocument,
    agreement_sha256,
    signed_part,
)
from agent.gallery.withdrawal import judge_withdrawal
from agent.policy.document import read
from agent.policy.fields import AgeBand, Purpose
from agent.units import ConsentId, DeviceId, Sha256, SiteId, SubjectId


class IssuerKey(Protocol):
    """What the policy says of one enrolment key; see `EnrolmentKey` of policy/bundle.py."""

    @property
    def key(self) -> str: ...

    @property
    def until(self) -> AwareDatetime: ...


@dataclass(frozen=True, slots=True, repr=False)
class Terms:
    """What somebody agreed to, beside when; the same for many."""

    purpose: Purpose
    site: SiteId
    notice_sha256: Sha256
    age: AgeBand
    guarded: bool
    """A guardian agreed."""

    def allow(self, *, purpose: Purpose, site: SiteId, notice_sha256: Sha256, guardian_below: int) -> bool:
        """For exactly this purpose, site and notice.

        Args:
            guardian_below: age below which it takes a guardian's consent too.
        """
        return (
            (self.guarded or self.age.youngest >= guardian_below)
            and self.purpose is purpose
            and self.site == site
            and self.notice_sha256 == notice_sha256
        )


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
    transmission: bool
    """The template may travel; see `Transmissible`."""
    issuer: SignPublic
    given_s: float
    until_s: float
    """The guardian's end, where that comes first."""
    receipt: bytes
    """The signed document itself: the vault keeps it with the template, so that consent and template never part."""

    def __post_init__(self, mint: Mint) -> None:
        demand(mint, "Consent")

    @property
    def terms(self) -> Terms:
        return Terms(self.purpose, self.site, self.notice_sha256, self.age, self.guardian is not None)

    def in_force(
        self, *, purpose: Purpose, site: SiteId, notice_sha256: Sha256, unix_s: float, guardian_below: int
    ) -> bool:
        """For exactly this purpose, site and notice, at this time; never for a time that is not a number.

        Args:
            guardian_below: age below which it takes a guardian's consent too.
        """
        allowed = self.terms.allow(
            purpose=purpose, site=site, notice_sha256=notice_sha256, guardian_below=guardian_below
        )
        return allowed and self.given_s <= unix_s < self.until_s


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Transmissible(Unforgeable):
    """A consent whose receipt says `transmission_consent`: what sealing a template for another device takes."""

    mint: InitVar[Mint]
    consent: Consent

    def __post_init__(self, mint: Mint) -> None:
        demand(mint, "Transmissible")


def transmissible(consent: Consent) -> Transmissible | None:
    """Leave to send the template of this person to the devices of the receipt; None when it was not given."""
    return Transmissible(mint=MINT, consent=consent) if consent.transmission else None


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
    _demand_known(document.key, keys, unix_s, f"{source}: key")
    if document.guardian is not None:
        _demand_known(document.guardian.agreement.key, keys, None, f"{source}: guardian.agreement.key")
    consent = _checked(data, document, source)
    if not unix_s < consent.until_s:
        raise PolicyError(f"{source}: until: the consent has expired; ask the person again")
    if not consent.given_s <= unix_s:
        raise PolicyError(f"{source}: events.at: lies in the future; check the clock of the issuer")
    return consent


def read_kept_receipt(data: bytes, source: str = "kept receipt") -> Consent:
    """The consent of a receipt that was admitted before and kept in the vault; its signature is checked again.

    The issuer's key may have left the policy since: expiry and replacement of a key do not undo what it issued.

    Raises:
        PolicyError: malformed, or the signature does not fit.
    """
    return _checked(data, read(data, ReceiptDocument, source), source)


def read_guardian(data: bytes, keys: Iterable[IssuerKey], unix_s: float, source: str = "guardian") -> GuardianDocument:
    """A guardian's agreement that somebody brings to have a receipt issued on it.

    Raises:
        PolicyError: malformed, not signed by a key of the policy, or not in its time.
    """
    document = read(data, GuardianDocument, source)
    _demand_known(document.key, keys, None, f"{source}: key")
    _demand_signed(json.loads(data), GUARDIAN_CONTEXT, source)
    if not document.at.timestamp() <= unix_s < document.until.timestamp():
        raise PolicyError(f"{source}: until: the agreement is not in its time; ask the guardian again")
    return document


def _demand_known(key: str, keys: Iterable[IssuerKey], unix_s: float | None, where: str) -> None:
    issuers = [each for each in keys if each.key == key]
    if not issuers:
        raise PolicyError(f"{where}: the policy names no such enrolment key; have the receipt issued again")
    if unix_s is not None and not any(unix_s < each.until.timestamp() for each in issuers):
        raise PolicyError(f"{where}: this enrolment key has expired; have the receipt issued with a present one")


def _demand_signed(raw: dict[str, Any], context: str, source: str) -> None:
    public, signature = SignPublic(bytes.fromhex(raw["key"])), bytes.fromhex(raw["signature"])
    if not verify(public, context, signed_part(raw), signature):
        raise PolicyError(f"{source}: signature: does not fit the document; have the receipt issued again")


def _checked(data: bytes, document: ReceiptDocument, source: str) -> Consent:
    raw = json.loads(data)
    _demand_signed(raw, RECEIPT_CONTEXT, source)
    header, processing, event = document.header, document.processing, document.events[0]
    site, subject = SiteId(document.parties.controller.site), SubjectId(header.subject)
    if judge_withdrawal(document.withdrawal.code, (document.key,), site) != subject:
        raise PolicyError(f"{source}: withdrawal.code: would not withdraw this consent; have the receipt issued again")
    given_s, until_s, transmission = event.at.timestamp(), event.until.timestamp(), processing.transmission_consent
    guardian: SubjectId | None = None
    if document.guardian is not None:
        agreement = document.guardian.agreement
        _demand_guardian(document, raw["guardian"]["agreement"], source)
        guardian = SubjectId(agreement.guardian)
        given_s, until_s = max(given_s, agreement.at.timestamp()), min(until_s, agreement.until.timestamp())
        transmission = transmission and agreement.transmission_consent
    return Consent(
        mint=MINT,
        id=ConsentId(header.id),
        subject=subject,
        purpose=processing.purpose,
        site=site,
        devices=frozenset(DeviceId(device) for device in document.parties.devices),
        age=document.age,
        guardian=guardian,
        notice_sha256=Sha256(processing.notice.sha256),
        transmission=transmission,
        issuer=SignPublic(bytes.fromhex(document.key)),
        given_s=given_s,
        until_s=until_s,
        receipt=data,
    )


def _demand_guardian(document: ReceiptDocument, raw: dict[str, Any], source: str) -> None:
    """The agreement is signed, is the one that the receipt names, and is for this child and for nothing else."""
    guardian = document.guardian
    assert guardian is not None
    _demand_signed(raw, GUARDIAN_CONTEXT, f"{source}: guardian.agreement")
    if guardian.sha256 != agreement_sha256(raw):
        raise PolicyError(f"{source}: guardian.sha256: is not of the agreement; have the receipt issued again")
    agreement, processing = guardian.agreement, document.processing
    for field, agreed, wanted in (
        ("subject", agreement.subject, document.header.subject),
        ("site", agreement.site, document.parties.controller.site),
        ("purpose", agreement.purpose, processing.purpose),
        ("notice", agreement.notice, processing.notice),
    ):
        if agreed != wanted:
            raise PolicyError(f"{source}: guardian.agreement.{field}: is another; ask the guardian for this one")
