"""Enrolling the scene's cast on a stopped device, as `doorward people enrol` does it, with the models loaded once.

Rules: each person has a receipt, signed for this site, device and notice. A cast that cannot be enrolled is a fault of
the scene.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from agent import __version__
from agent.adapters.litert import LoadedModel
from agent.adapters.recording import handed_in
from agent.adapters.store import Store
from agent.app.desk import Desk, Kept
from agent.crypto import SignSecret
from agent.demo.case import Consenting
from agent.demo.device import Device
from agent.demo.expect import pseudonym
from agent.errors import ConfigError
from agent.ledger.entry import started
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.fields import AgeBand
from agent.policy.law import Law
from agent.scene.scene import Scene
from agent.site.consents import issue_guardian, issue_receipt
from agent.units import SubjectId

CONSENT_DAYS = 30


def enrol_cast(
    device: Device,
    scene: Scene,
    detector: LoadedModel,
    embedder: LoadedModel,
    said: Sequence[Consenting] = (),
    pad: LoadedModel | None = None,
) -> None:
    """Enrol everybody whom the scene names as enrolled.

    Args:
        said: what the receipts of some say beside the usual.
        pad: needed where the policy asks for it.

    Raises:
        ConfigError: the cast's pictures of somebody do not make a reference, or a receipt is issued that must not be.
    """
    now = time.time()
    law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, device.data), device.id))
    secret = device.repository.keys.sign_secret("enrolment")
    store = Store.open(device.store, site=device.site, device=device.id, ledger_key=device.keys.ledger_key)
    try:
        store.note(started(device.site, device.id, __version__, now))
        desk = Desk(store, device.keys, law, detector, embedder, unix_s=now, lease_until_s=now + 3600, pad=pad)
        for person in scene.script.enrolled:
            receipt = _receipt(device, secret, person, said, now)
            pictures = [scene.cast.picture(sprite)[..., ::-1] for sprite in scene.cast.of("enrol", person)]
            frames = [handed_in(place, np.ascontiguousarray(bgr)) for place, bgr in enumerate(pictures)]
            if not isinstance(desk.enrol(desk.consent(receipt), frames), Kept):
                raise ConfigError(f"cast: the pictures of {person} do not make a reference; run scripts/build_cast")
        for each in said:
            if each.refused is not None:
                _refused(device, secret, each, now)
    finally:
        store.close()


def _receipt(device: Device, secret: SignSecret, person: str, said: Sequence[Consenting], now: float) -> bytes:
    subject = SubjectId(pseudonym(person))
    each = next((each for each in said if each.person == person), None)
    age, named = (AgeBand.ADULT, None) if each is None else (each.age, each.guardian)
    policy, at_s = device.policy, now - 60
    guardian = (
        None
        if named is None
        else issue_guardian(policy, secret, SubjectId(named), subject, given_s=at_s, days=CONSENT_DAYS)
    )
    return issue_receipt(policy, secret, subject, given_s=at_s, days=CONSENT_DAYS, age=age, guardian=guardian)


def _refused(device: Device, secret: SignSecret, each: Consenting, now: float) -> None:
    """The authority must not issue this receipt."""
    try:
        _receipt(device, secret, each.person, (each,), now)
    except ConfigError as error:
        if f"--{each.refused}:" in str(error):
            return
        raise
    raise ConfigError(f"{each.person}: a receipt was issued although its {each.refused} forbids it")
