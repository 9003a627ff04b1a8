"""Issuing consent receipts: what the operator signs after a person has read the notice and agreed.

Rules: a receipt is for the purpose, notice and site of the policy as it stands, for devices that the policy names,
and no longer than its retention. A guardian agrees in a document of their own, which is signed first and then stands in
the child's receipt. What is written is read back by the device's own reader before it is given out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from agent.crypto import SignSecret, random_bytes, sign, sign_public
from agent.errors import ConfigError, PolicyError
from agent.gallery.consent import read_guardian, read_kept_receipt
from agent.gallery.receipt import (
    CONSENT_GIVEN,
    EXPLICIT_CONSENT,
    GUARDIAN_CONTEXT,
    PURPOSE_IRI,
    RECEIPT_CONTEXT,
    DataCategory,
    GuardianDocument,
    WithdrawalRoute,
    agreement_sha256,
    signed_part,
)
from agent.policy.bundle import PolicyDocument, utc
from agent.policy.document import read
from agent.policy.fields import AgeBand, Name
from agent.policy.profiles import PROFILES
from agent.site.withdrawals import withdrawal_code
from agent.units import SubjectId

_DAY_S = 86_400


def issue_receipt(
    policy: PolicyDocument,
    secret: SignSecret,
    subject: SubjectId,
    *,
    given_s: float,
    days: int,
    devices: Sequence[str] = (),
    age: AgeBand = AgeBand.ADULT,
    guardian: bytes | None = None,
    transmission: bool = False,
) -> bytes:
    """A signed receipt as JSON.

    Args:
        secret: of a key that the policy names among its enrolment keys.
        subject: pseudonym, lower-case letters, digits and hyphens.
        given_s: when the person agreed.
        days: how long it holds; at most the policy's retention.
        devices: ids; none names all of the policy.
        age: as the person declares it.
        guardian: the guardian's agreement, see `issue_guardian`; needed below the age of the policy's profile.
        transmission: the person agrees that the template is made at a station and sent to these devices, sealed.

    Raises:
        ConfigError: the subject is no pseudonym, the time too long, a device unknown, a guardian missing or agreeing
            to something else, or the key not the policy's.
    """
    _demand(policy, secret, subject, days, devices)
    below = PROFILES[policy.profile].guardian_below
    if guardian is None and age.youngest < below:
        raise ConfigError(
            f"--guardian: needed below {below} (profile {policy.profile}); sign the guardian's agreement with "
            "'doorward people guardian' and name its file"
        )
    notice = {"version": policy.notice.version, "sha256": policy.notice.sha256}
    texts = next(iter(policy.notice.texts.values()), None)
    named = {} if texts is None else {"name": texts.controller, "contact": texts.contact}
    document: dict[str, object] = {
        "schema": RECEIPT_CONTEXT,
        "header": {"id": f"c-{random_bytes(8).hex()}", "version": 1, "subject": subject},
        "processing": {
            "purpose": policy.purpose.value,
            "purpose_iri": PURPOSE_IRI[policy.purpose],
            "basis": EXPLICIT_CONSENT,
            "data": [DataCategory.BIOMETRIC, DataCategory.AGE_RANGE],
            "notice": notice,
            "retention": {
                "max_days": policy.retention.max_days,
                "max_idle_days": policy.retention.max_idle_days,
            },
            "transmission_consent": transmission,
        },
        "parties": {
            "controller": {"site": policy.site, **named},
            "devices": list(devices) or [device.id for device in policy.devices],
        },
        "age": age.value,
        **({} if guardian is None else {"guardian": _guardian(policy, guardian, transmission, given_s)}),
        "events": [
            {
                "type": CONSENT_GIVEN,
                "at": utc(int(given_s)).isoformat(),
                "until": utc(int(given_s) + days * _DAY_S).isoformat(),
            }
        ],
        "withdrawal": {"routes": list(WithdrawalRoute), "code": withdrawal_code(policy, secret, subject)},
        "key": sign_public(secret).hex(),
    }
    data = _signed(document, secret, RECEIPT_CONTEXT)
    try:
        read_kept_receipt(data)
    except PolicyError as error:  # of all that is in it, only the guardian's agreement was made elsewhere
        raise ConfigError(f"--guardian: {error}") from None
    return data


def issue_guardian(
    policy: PolicyDocument,
    secret: SignSecret,
    guardian: SubjectId,
    subject: SubjectId,
    *,
    given_s: float,
    days: int,
    transmission: bool = False,
) -> bytes:
    """A guardian's agreement for one child as JSON, for the policy's one purpose; arguments as for `issue_receipt`.

    Args:
        guardian: pseudonym of the guardian.
        subject: pseudonym of the child.

    Raises:
        ConfigError: no pseudonyms, one and the same, the time too long, or the key not the policy's.
    """
    demand_pseudonym(guardian, "--guardian")
    _demand(policy, secret, subject, days, ())
    if guardian == subject:
        raise ConfigError("--guardian: is the person itself; a guardian is somebody else")
    document: dict[str, object] = {
        "schema": GUARDIAN_CONTEXT,
        "id": f"g-{random_bytes(8).hex()}",
        "guardian": guardian,
        "subject": subject,
        "site": policy.site,
        "purpose": policy.purpose.value,
        "notice": {"version": policy.notice.version, "sha256": policy.notice.sha256},
        "transmission_consent": transmission,
        "at": utc(int(given_s)).isoformat(),
        "until": utc(int(given_s) + days * _DAY_S).isoformat(),
        "key": sign_public(secret).hex(),
    }
    data = _signed(document, secret, GUARDIAN_CONTEXT)
    read(data, GuardianDocument, "guardian")
    return data


def _guardian(policy: PolicyDocument, data: bytes, transmission: bool, given_s: float) -> dict[str, object]:
    try:
        agreement = read_guardian(data, policy.enrolment_keys, given_s, "--guardian")
    except PolicyError as error:
        raise ConfigError(str(error)) from None
    if transmission and not agreement.transmission_consent:
        raise ConfigError(
            "--guardian: transmission_consent: the guardian did not agree to that; leave it, or ask again"
        )
    raw = json.loads(data)
    return {"id": agreement.id, "sha256": agreement_sha256(raw), "agreement": raw}


def _signed(document: dict[str, object], secret: SignSecret, context: str) -> bytes:
    document["signature"] = sign(secret, context, signed_part(document)).hex()
    return json.dumps(document, indent=1).encode() + b"\n"


def demand_pseudonym(subject: str, option: str = "--subject") -> SubjectId:
    """The subject, if it is a pseudonym as the documents write it.

    Args:
        option: what the command calls it.

    Raises:
        ConfigError: it is not.
    """
    try:
        return SubjectId(TypeAdapter(Name).validate_python(subject, strict=True))
    except ValidationError:
        raise ConfigError(
            f"{option}: a pseudonym is up to 63 lower-case letters, digits and hyphens, such as p-104; never a name"
        ) from None


def _demand(policy: PolicyDocument, secret: SignSecret, subject: str, days: int, devices: Sequence[str]) -> None:
    demand_pseudonym(subject)
    if not 1 <= days <= policy.retention.max_days:
        raise ConfigError(f"--days: {days} is not within 1 to {policy.retention.max_days}, the policy's retention")
    for device in set(devices) - {each.id for each in policy.devices}:
        raise ConfigError(f"--device: the policy names no device {device}; admit it with 'doorward site' first")
    if sign_public(secret).hex() not in {each.key for each in policy.enrolment_keys}:
        raise ConfigError("keys: the policy does not name this enrolment key; publish a policy that does")
