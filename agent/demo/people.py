"""Enrolling the scene's cast on a stopped device, as `doorward people enrol` does it, with the models loaded once.

Rules: each person has a receipt, signed for this site, device and notice; the pictures pass the gate like any others;
what is kept is one sealed row of the vault for each person. A cast that cannot be enrolled is a fault of the scene.
"""

from __future__ import annotations

import time

import cv2
import numpy as np

from agent import __version__
from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, LoadedModel
from agent.adapters.recording import fitted
from agent.adapters.store import Store
from agent.demo.device import Device
from agent.demo.expect import pseudonym
from agent.errors import ConfigError
from agent.gallery.consent import read_receipt
from agent.gallery.enrol import enrol
from agent.gallery.reference import ModelIdentity, Reference
from agent.gallery.vault import Rotation, VaultContext, lock
from agent.ledger.entry import started
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.circumstances import Circumstances, LoadedModels, Surroundings
from agent.policy.frames import CapturedFrame
from agent.policy.gate import Gate
from agent.policy.rules import Law
from agent.scene.scene import Scene
from agent.site.consents import issue_receipt
from agent.units import SubjectId

CONSENT_DAYS = 30


def enrol_cast(device: Device, scene: Scene, detector: LoadedModel, embedder: LoadedModel) -> None:
    """Enrol everybody whom the scene names as enrolled.

    Raises:
        ConfigError: the cast's pictures of somebody do not make a reference.
    """
    now = time.time()
    policy = Policy(VerifiedTarget("permission", POLICY_PATH, device.data), device.id)
    gate = Gate(Law(policy))
    here = _indoors(now, LoadedModels(detector.sha256, embedder.sha256))
    identity = ModelIdentity(embedder.sha256, embedder.runtime)
    detect, embed = LiteRtDetector(detector), LiteRtEmbedder(embedder)
    secret = device.repository.keys.sign_secret("enrolment")
    context = VaultContext(device.id, device.site, identity)
    rotation: Rotation | None = None
    store = Store.open(device.store, site=device.site, device=device.id, ledger_key=device.keys.ledger_key)
    try:
        store.note(started(device.site, device.id, __version__, now))
        for person in scene.script.enrolled:
            receipt = issue_receipt(
                device.policy, secret, SubjectId(pseudonym(person)), given_s=now - 60, days=CONSENT_DAYS
            )
            consent = read_receipt(receipt, device.policy.enrolment_keys, now)
            pictures = [_picture(scene, place, person) for place in range(len(scene.cast.of("enrol", person)))]
            made = enrol(pictures, gate, here, detect, embed, consent, identity)
            if not isinstance(made, Reference):
                raise ConfigError(f"cast: the pictures of {person} do not make a reference; run scripts/build_cast")
            rotation = rotation or Rotation(device.keys.vault_keys.gallery, context.epoch, len(made.template.vector))
            store.put_reference(lock(made, context, device.keys.vault_keys, rotation), now)
    finally:
        store.close()


def _picture(scene: Scene, place: int, person: str) -> CapturedFrame:
    rgb = scene.cast.picture(scene.cast.of("enrol", person)[place])
    framed = fitted(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8))
    return CapturedFrame(place, 0, framed, np.asarray(cv2.cvtColor(framed, cv2.COLOR_RGB2GRAY), np.uint8))


def _indoors(now: float, models: LoadedModels) -> Circumstances:
    """At the desk: no sign and no position are needed to look at a picture that was handed in."""
    around = Surroundings(
        unix_s=now, lease_until_s=now + 3600, fix=None, models=models, keys_sealed=True, ledger_writable=True,
        stopped=False,
    )  # fmt: skip
    return Circumstances(0, around, None)
