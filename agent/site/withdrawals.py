"""Making withdrawal codes: for a receipt as it is issued, and for whoever has a pass or has lost the receipt.

The reader is gallery/withdrawal.py. Leaves out: withdrawal by the authority itself (restrictions.py).
"""

from __future__ import annotations

from agent.crypto import SignSecret, sign, sign_public
from agent.errors import ConfigError
from agent.gallery.withdrawal import WITHDRAW_CONTEXT, withdrawal_body, withdrawal_text
from agent.policy.bundle import PolicyDocument
from agent.units import SiteId, SubjectId


def withdrawal_code(policy: PolicyDocument, secret: SignSecret, subject: SubjectId) -> str:
    """The text of the code that withdraws this person's consent at any door of the site.

    Args:
        secret: of an enrolment or pass key that the policy names; it may have expired.
        subject: a pseudonym, see `demand_pseudonym`.

    Raises:
        ConfigError: the key is not the policy's: no device would heed the code.
    """
    if sign_public(secret).hex() not in policy.withdrawal_keys:
        raise ConfigError("keys: the policy does not name this key for receipts or passes; publish a policy that does")
    return signed_withdrawal(SiteId(policy.site), secret, subject)


def signed_withdrawal(site: SiteId, secret: SignSecret, subject: SubjectId) -> str:
    """The same without asking whether the policy names the key."""
    return withdrawal_text(site, subject, sign(secret, WITHDRAW_CONTEXT, withdrawal_body(site, subject)))
