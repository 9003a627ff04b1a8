"""A dated inspection of a sign, signed by the person who looked at it.

It rides in the policy, which the authority signs; the inspector's own signature says who looked, whoever publishes.
"""

from __future__ import annotations

import json

from agent.crypto import SignPublic, SignSecret, sign, sign_public, verify
from agent.errors import ConfigError
from agent.policy.bundle import PolicyDocument, utc
from agent.policy.declared import Inspection

INSPECTION_CONTEXT = "doorward/inspection/1"


def inspect(
    document: PolicyDocument, secret: SignSecret, *, inspector: str, now_s: float, until_s: float
) -> Inspection:
    """The inspector's statement that the policy's sign hangs there with the policy's notice.

    Args:
        inspector: a role or pseudonym, in the signs of names of the policy.
    """
    unsigned = Inspection(inspector=inspector, inspected=utc(int(now_s)), until=utc(int(until_s)))
    signature = sign(secret, INSPECTION_CONTEXT, _said(document, unsigned)).hex()
    return unsigned.model_copy(update={"key": sign_public(secret).hex(), "signature": signature})


def demand_own_signature(document: PolicyDocument) -> None:
    """An inspection that is signed must be signed for this very sign and notice.

    Raises:
        ConfigError: it is not.
    """
    found = document.sign.inspection
    if found is None or found.key is None or found.signature is None:
        return
    public = SignPublic(bytes.fromhex(found.key))
    if not verify(public, INSPECTION_CONTEXT, _said(document, found), bytes.fromhex(found.signature)):
        raise ConfigError(
            "sign.inspection.signature: is not the inspector's for this site, sign, notice and time; "
            "inspect the sign again with 'doorward sign attest --inspector'"
        )


def _said(document: PolicyDocument, inspection: Inspection) -> bytes:
    said = {
        "site": document.site,
        "sign": document.sign.id,
        "notice_sha256": document.sign.notice_sha256 or document.notice.sha256,
        "inspector": inspection.inspector,
        "inspected": int(inspection.inspected.timestamp()),
        "until": int(inspection.until.timestamp()),
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode("ascii")
