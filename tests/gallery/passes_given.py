"""Passes for the tests: a good one, a phone's, and what the policy says of the key that signed them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

from agent.crypto import SignSecret, sign, sign_public
from agent.gallery.passes import Accepted, Here, Rejected, judge
from agent.gallery.passes_text import (
    CODE_CONTEXT,
    PASS_CONTEXT,
    PREFIX,
    QUARTER_S,
    Pass,
    base45,
    door_digest,
    site_digest,
    text_of,
    unbase45,
)
from agent.gallery.passes_uses import Uses
from agent.policy.bundle import PassKey, utc
from agent.units import DoorId, PassId, SiteId, SubjectId
from tests.policy.given import NOW_S

SITE, MAIN, SIDE = SiteId("quay"), DoorId("main"), DoorId("side")
ISSUER, OTHER, PHONE = (SignSecret(bytes([number]) * 32) for number in (11, 12, 13))
KEY = PassKey(key=sign_public(ISSUER).hex(), doors=("main",), until=utc(NOW_S + 86_400))
QUARTER = int(NOW_S) // QUARTER_S
DAY = int(NOW_S) // 86_400
ID = PassId("0102030405060708")
GOOD = Pass(
    site_digest(SITE), bytes.fromhex(ID), (door_digest(MAIN),), QUARTER, QUARTER + 4, 2, subject=SubjectId("p-1")
)
ON_PHONE = replace(GOOD, phone=sign_public(PHONE), uses=255)


def text(content: Pass = GOOD, secret: SignSecret = ISSUER, context: str = PASS_CONTEXT) -> str:
    return text_of(content, sign(secret, context, content.body()))


def turned(held: str, moment: int = int(NOW_S), secret: SignSecret = PHONE, context: str = CODE_CONTEXT) -> str:
    """What a phone shows at a moment."""
    before = (unbase45(held[len(PREFIX) :]) or b"") + moment.to_bytes(4, "big")
    return PREFIX + base45(before + sign(secret, context, before))


def shown(
    code: str,
    unix_s: float | None = NOW_S,
    uses: Uses | None = None,
    *,
    door: DoorId = MAIN,
    site: SiteId = SITE,
    keys: tuple[PassKey, ...] = (KEY,),
    offset_s: float | None = None,
    revoked: AbstractSet[PassId] = frozenset(),
) -> Accepted | Rejected | None:
    return judge(code, keys, Here(site, door, unix_s, offset_s), uses or Uses(), revoked)
