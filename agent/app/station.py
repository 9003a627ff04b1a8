"""An enrolment station: one person's template, made on a stopped device of the site and sealed for others.

Rules: the consent says that the template may travel and names every device it is sealed for; the template itself ends
here with the call. Leaves out: files and words (the command), publishing (site/enrolments.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.app.desk import Desk
from agent.crypto import SignSecret
from agent.errors import ConfigError, PolicyError
from agent.gallery.consent import transmissible
from agent.gallery.enrol import Rejected, Watch
from agent.gallery.envelope import seal_reference
from agent.gallery.epoch import DeviceEpoch
from agent.gallery.reference import Reference
from agent.policy.frames import CapturedFrame
from agent.units import DeviceId


def sealed_for(
    desk: Desk,
    receipt: bytes,
    source: str,
    to: Sequence[DeviceEpoch],
    secret: SignSecret,
    pictures: Sequence[CapturedFrame],
    watch: Watch | None = None,
) -> dict[DeviceId, bytes] | Rejected:
    """One envelope for each device, or why the pictures do not make a reference.

    Args:
        source: what to call the receipt in an error.
        secret: of an enrolment key of the policy.

    Raises:
        PolicyError: the receipt is not in force, without transmission consent, or not for one of the devices.
        ConfigError: a device is named twice.
        VaultError: this pseudonym has withdrawn.
        DeviceError: a model failed.
    """
    consent = desk.admitted(receipt, source)
    leave = transmissible(consent)
    if leave is None:
        raise PolicyError(
            f"{source}: transmission_consent: was not given; enrol at the device itself, or ask the person for it"
        )
    if len({each.device for each in to}) != len(to):
        raise ConfigError("--for: a device is named twice; name each once, with its present epoch.json")
    for each in to:
        if each.device not in consent.devices:
            raise PolicyError(f"{source}: devices: does not name {each.device}; ask for consent to it")
    made = desk.make(consent, pictures, watch)
    if not isinstance(made, Reference):
        return made
    return {each.device: seal_reference(made, leave, each, secret) for each in to}
