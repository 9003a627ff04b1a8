"""Issuing passes: the alternative for people who do not use their face.

A pass is a short signed text; printed or on a screen it is a QR code, of version 6 for the plainest ones. The reader is
gallery/passes.py. Leaves out: handing passes out, and how they look (card.py, phone.py).
"""

from __future__ import annotations

import math

import segno

from agent.crypto import SignPublic, SignSecret, random_bytes, sign, sign_public
from agent.errors import ConfigError
from agent.gallery.passes_text import (
    ANY_NUMBER,
    DOORS_MAX,
    PASS_CONTEXT,
    QUARTER_S,
    SUBJECT_MAX,
    Hours,
    Pass,
    door_digest,
    site_digest,
    text_of,
)
from agent.gallery.passes_uses import DAY_S
from agent.policy.bundle import PassKey, PolicyDocument
from agent.site.consents import demand_pseudonym
from agent.units import DoorId, SiteId

_VERSIONS = ((6, "m"), (6, "l"), (7, "l"), (8, "l"))
"""Of the code of a printed pass, in the order in which they are tried, with the error correction."""


def issue_pass(
    policy: PolicyDocument,
    secret: SignSecret,
    *,
    doors: tuple[str, ...],
    from_s: float,
    until_s: float,
    uses: int = 1,
    hours: Hours | None = None,
    subject: str | None = None,
    compare: bool = False,
    phone: SignPublic | None = None,
) -> str:
    """The text of a new pass.

    Args:
        secret: of a key that the policy names for these doors.
        from_s: taken down to the quarter of an hour.
        until_s: taken up to the quarter of an hour; the pass ends there.
        uses: how often it opens a door, 1 to 254, or `ANY_NUMBER`; each device counts for itself.
        hours: by the policy's timezone; None: at all hours.
        subject: pseudonym of the person whose pass it is; None for a visitor's.
        compare: at a door that compares 1:1 it only names this person, and opens nothing by itself.
        phone: the key of the phone that will sign its codes; None: to be printed.

    Raises:
        ConfigError: doors, times, number of uses or pseudonym cannot be, or the key may not sign such a pass.
    """
    named = None if subject is None else demand_pseudonym(subject)
    if named is not None and len(named) > SUBJECT_MAX:
        raise ConfigError(f"--subject: a pass has room for {SUBJECT_MAX} signs; use a shorter pseudonym")
    if compare and named is None:
        raise ConfigError("--compare: such a pass names a person; give --subject too")
    if not 1 <= uses <= ANY_NUMBER:
        raise ConfigError(f"--uses: {uses} is not within 1 to {ANY_NUMBER - 1}")
    if not 0 <= from_s < until_s < QUARTER_S * 2**24:
        raise ConfigError("--days: the pass would end before it begins; give at least one day")
    if not 1 <= len(set(doors)) <= DOORS_MAX:
        raise ConfigError(f"--door: a pass is for 1 to {DOORS_MAX} doors")
    if hours is not None and policy.timezone is None:
        raise ConfigError("--hours: the policy names no timezone; publish one that does (timezone)")
    _demand_allowed(policy.pass_keys, secret, doors, (until_s - from_s) / DAY_S)
    content = Pass(
        site=site_digest(SiteId(policy.site)),
        pass_id=random_bytes(8),
        doors=tuple(door_digest(DoorId(door)) for door in dict.fromkeys(doors)),
        from_quarter=math.floor(from_s / QUARTER_S),
        until_quarter=math.ceil(until_s / QUARTER_S),
        uses=uses,
        hours=hours,
        phone=phone,
        subject=named,
        compare=compare,
    )
    return text_of(content, sign(secret, PASS_CONTEXT, content.body()))


def _demand_allowed(keys: tuple[PassKey, ...], secret: SignSecret, doors: tuple[str, ...], days: float) -> None:
    """What the device would refuse is not even signed."""
    public = sign_public(secret).hex()
    for door in doors:
        allowed = [each for each in keys if each.key == public and door in each.doors]
        if not allowed:
            raise ConfigError(
                f"keys: the policy does not name this pass key for door {door}; publish a policy that does"
            )
        most = max(each.max_days for each in allowed)
        if math.floor(days) > most:
            raise ConfigError(f"--days: the policy lets this key sign passes of {most} days at most (max_days)")


def pass_code(text: str) -> segno.QRCode:
    """The QR code of a printed pass: the smallest that holds it, from version 6 on."""
    for version, level in _VERSIONS:
        try:
            return segno.make_qr(text, mode="alphanumeric", error=level, version=version, boost_error=False)
        except segno.DataOverflowError:
            continue
    raise ConfigError("pass: too long for a printed code; issue it for fewer doors")
