"""Sealed enrolments as the authority publishes them: one `enrolment` target for each person and device.

Rules: what is not addressed to a device of the policy, or not signed by one of its keys that may enrol elsewhere, is
refused here already. Nothing inside can be read here. Leaves out: making them (app/station.py), publishing
(repository.py).
"""

from __future__ import annotations

import json

from agent.crypto import SignPublic, verify
from agent.errors import ConfigError, PolicyError
from agent.gallery.envelope import ENVELOPE_CONTEXT, envelope_name, read_envelope
from agent.gallery.receipt import signed_part
from agent.policy.bundle import PolicyDocument


def enrolment_target(data: bytes, policy: PolicyDocument, source: str) -> tuple[str, bytes]:
    """Path and bytes of the target.

    Args:
        policy: as it is published.
        source: what to call the file in an error.

    Raises:
        ConfigError: no envelope, for another site or device, or its key may not do this.
    """
    try:
        found = read_envelope(data, source)
    except PolicyError as error:
        raise ConfigError(str(error)) from None
    if found.site != policy.site or found.device not in {each.id for each in policy.devices}:
        raise ConfigError(f"{source}: is for {found.device} of {found.site}, which this site's policy does not name")
    named = [each for each in policy.enrolment_keys if each.key == found.key]
    public, signature = SignPublic(bytes.fromhex(found.key)), bytes.fromhex(found.signature)
    if not named or not verify(public, ENVELOPE_CONTEXT, signed_part(json.loads(data)), signature):
        raise ConfigError(f"{source}: signature: is not of an enrolment key of the policy; seal it again with one")
    if all(each.elsewhere is None for each in named):
        raise ConfigError(
            f"{source}: key: may not enrol elsewhere; set enrolment_keys.N.elsewhere with 'doorward site edit'"
        )
    return f"enrolment/{envelope_name(data, found.device)}", data
