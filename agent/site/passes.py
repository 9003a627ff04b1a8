"""Issuing day passes: the alternative for people who do not use their face.

A pass is a short signed text; printed or on a screen it is a QR code of version 6 at most. The reader is
gallery/passes.py. Leaves out: handing passes out, and limits on their number.
"""

from __future__ import annotations

import math

import segno

from agent.crypto import SignSecret, random_bytes, sign, sign_public
from agent.errors import ConfigError
from agent.gallery.passes import (
    PASS_CONTEXT,
    QUARTER_S,
    SUBJECT_MAX,
    Pass,
    door_digest,
    site_digest,
    text_of,
)
from agent.policy.bundle import PolicyDocument
from agent.site.consents import demand_pseudonym
from agent.units import DoorId, SiteId, SubjectId

VERSION_MAX = 6


def issue_pass(
    policy: PolicyDocument,
    secret: SignSecret,
    *,
    door: str,
    from_s: float,
    until_s: float,
    uses: int = 1,
    subject: str | None = None,
) -> str:
    """The text of a new pass.

    Args:
        secret: of a key that the policy names for this door.
        from_s: taken down to the quarter of an hour.
        until_s: taken up to the quarter of an hour; the pass ends there.
        uses: how often it opens the door, 1 to 255.
        subject: pseudonym of the person whose pass it is; None for a visitor's.

    Raises:
        ConfigError: the door, times, number of uses or pseudonym cannot be, or the key is not the policy's.
    """
    named: SubjectId | None = None if subject is None else demand_pseudonym(subject)
    if named is not None and len(named) > SUBJECT_MAX:
        raise ConfigError(f"--subject: a pass has room for {SUBJECT_MAX} signs; use a shorter pseudonym")
    if not 1 <= uses <= 255:
        raise ConfigError(f"--uses: {uses} is not within 1 to 255")
    if not 0 <= from_s < until_s < QUARTER_S * 2**24:
        raise ConfigError("--days: the pass would end before it begins; give at least one day")
    public = sign_public(secret).hex()
    if not any(each.key == public and door in each.doors for each in policy.pass_keys):
        raise ConfigError(f"keys: the policy does not name this pass key for door {door}; publish a policy that does")
    content = Pass(
        site=site_digest(SiteId(policy.site)),
        pass_id=random_bytes(8),
        door=door_digest(DoorId(door)),
        from_quarter=math.floor(from_s / QUARTER_S),
        until_quarter=math.ceil(until_s / QUARTER_S),
        uses=uses,
        subject=named,
    )
    return text_of(content, sign(secret, PASS_CONTEXT, content.body()))


def pass_code(text: str) -> segno.QRCode:
    """The QR code of a pass: as much error correction as version 6 has room for."""
    for level in ("m", "l"):
        try:
            return segno.make_qr(text, mode="alphanumeric", error=level, version=VERSION_MAX, boost_error=False)
        except segno.DataOverflowError:
            continue
    raise ConfigError("pass: too long for a QR code of version 6; use a shorter pseudonym")
