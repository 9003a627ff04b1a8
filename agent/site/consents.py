"""Issuing consent receipts: what the operator signs after a person has read the notice and agreed.

Rules: a receipt is for the purpose, notice and site of the policy as it stands, for devices that the policy names,
and no longer than its retention. What is written is read back by the device's own reader before it is given out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from agent.crypto import SignSecret, random_bytes, sign, sign_public
from agent.errors import ConfigError
from agent.gallery.consent import RECEIPT_CONTEXT, ReceiptDocument, signed_part
from agent.policy.bundle import PolicyDocument, utc
from agent.policy.document import read
from agent.policy.fields import AgeBand, Name
from agent.policy.profiles import PROFILES
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
    guardian: str | None = None,
) -> bytes:
    """A signed receipt as JSON.

    Args:
        secret: of a key that the policy names among its enrolment keys.
        subject: pseudonym, lower-case letters, digits and hyphens.
        given_s: when the person agreed.
        days: how long it holds; at most the policy's retention.
        devices: ids; none names all of the policy.
        age: as the person declares it.
        guardian: pseudonym of the guardian who agreed; needed below the age of the policy's profile.

    Raises:
        ConfigError: the subject is no pseudonym, the time too long, a device unknown, a guardian missing, or the key
            not the policy's.
    """
    _demand(policy, secret, subject, days, devices)
    below = PROFILES[policy.profile].guardian_below
    if guardian is None and age.youngest < below:
        raise ConfigError(f"--guardian: needed below {below} (profile {policy.profile}); name the guardian who agreed")
    document: dict[str, object] = {
        "schema": RECEIPT_CONTEXT,
        "id": f"c-{random_bytes(8).hex()}",
        "subject": subject,
        "purpose": policy.purpose.value,
        "notice_sha256": policy.notice.sha256,
        "site": policy.site,
        "devices": list(devices) or [device.id for device in policy.devices],
        "age": age.value,
        **({} if guardian is None else {"guardian": demand_pseudonym(guardian)}),
        "given": utc(int(given_s)).isoformat(),
        "until": utc(int(given_s) + days * _DAY_S).isoformat(),
        "key": sign_public(secret).hex(),
    }
    document["signature"] = sign(secret, RECEIPT_CONTEXT, signed_part(document)).hex()
    data = json.dumps(document, indent=1).encode() + b"\n"
    read(data, ReceiptDocument, "receipt")
    return data


def demand_pseudonym(subject: str) -> SubjectId:
    """The subject, if it is a pseudonym as the documents write it.

    Raises:
        ConfigError: it is not.
    """
    try:
        return SubjectId(TypeAdapter(Name).validate_python(subject, strict=True))
    except ValidationError:
        raise ConfigError(
            "--subject: a pseudonym is up to 63 lower-case letters, digits and hyphens, such as p-104; never a name"
        ) from None


def _demand(policy: PolicyDocument, secret: SignSecret, subject: str, days: int, devices: Sequence[str]) -> None:
    demand_pseudonym(subject)
    if not 1 <= days <= policy.retention.max_days:
        raise ConfigError(f"--days: {days} is not within 1 to {policy.retention.max_days}, the policy's retention")
    for device in set(devices) - {each.id for each in policy.devices}:
        raise ConfigError(f"--device: the policy names no device {device}; admit it with 'doorward site' first")
    if sign_public(secret).hex() not in {each.key for each in policy.enrolment_keys}:
        raise ConfigError("keys: the policy does not name this enrolment key; publish a policy that does")
