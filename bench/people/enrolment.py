"""How long one person's enrolment takes: part of `scripts/prove people`.

At the camera: the simulated one in real time, from the exposure of the first good frame to the row in the vault, the
turning of the head included. From pictures: from the first look to the row. Models, gate, keys and store are real.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.adapters.clock import SystemClock
from agent.adapters.door import NoDoor
from agent.adapters.litert import LoadedModel, load_models
from agent.adapters.recording import handed_in
from agent.adapters.simulated import SceneStart, SimulatedCamera
from agent.app.capture import Taken, capture
from agent.app.desk import Desk, Kept
from agent.app.parts import Parts
from agent.demo.device import Device
from agent.gallery.consent import Consent
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.law import Law
from agent.scene.scene import load
from agent.site.consents import issue_receipt
from agent.units import SubjectId
from tests.app.door import face, opened, site

ROOT: Final = Path(__file__).resolve().parent.parent.parent
RUNS: Final = 5
LIMIT_S: Final = 5.0

ATTEMPT: Final = {
    "region": [[180, 60], [460, 60], [460, 470], [180, 470]],
    "dwell_s": 0.5,
    "probes": 3,
    "window_s": 0.5,
    "leave_s": 2.0,
    "inter_eye_px": 40.0,
}
"""A marked space, as a door has one."""
Enrol = Callable[[Desk, Consent], Kept]


def enrolment_seconds(console: Console, runs: int = RUNS) -> float:
    """Median seconds of an enrolment at the camera; prints those from pictures too.

    Raises:
        AssertionError: somebody was not enrolled.
    """
    models = load_models(ROOT / "models")
    table = Table(title=f"Enrolment of one person, {runs} runs each, seconds to the row in the vault")
    for heading in ("how", "median", "longest"):
        table.add_column(heading, justify="left" if heading == "how" else "right")
    ways: dict[str, Enrol] = {"at the camera, guided": at_the_camera, "from six pictures": from_pictures}
    medians = []
    for how, enrol in ways.items():
        seconds = [_once(enrol, models) for _ in range(runs)]
        medians.append(median(seconds))
        table.add_row(how, f"{medians[-1]:.2f}", f"{max(seconds):.2f}")
    console.print(table)
    return medians[0]


def at_the_camera(desk: Desk, consent: Consent) -> Kept:
    scene = load(ROOT / "scenes" / "enrolment.toml")
    camera = SimulatedCamera(scene, {}, SystemClock(), SceneStart())
    parts = Parts(open_camera=lambda: camera, open_locator=None, open_door=NoDoor)
    taken = capture(desk, consent, parts, lambda view: None, stall_s=2.0)
    assert isinstance(taken, Taken), taken
    kept = desk.keep(taken.reference, taken.since_s)
    assert isinstance(kept, Kept), kept
    return kept


def from_pictures(desk: Desk, consent: Consent) -> Kept:
    pictures = [np.ascontiguousarray(face(name=f"enrol-{place}")[..., ::-1]) for place in range(1, 7)]
    kept = desk.enrol(consent, [handed_in(place, bgr) for place, bgr in enumerate(pictures)])
    assert isinstance(kept, Kept), kept
    return kept


def _once(enrol: Enrol, models: tuple[LoadedModel, LoadedModel]) -> float:
    """On a fresh device, so that nobody is there yet."""
    with tempfile.TemporaryDirectory(prefix="doorward-enrolment-") as folder:
        device = site(Path(folder), attempt=ATTEMPT)
        law, now = _law(device), time.time()
        secret = device.repository.keys.sign_secret("enrolment")
        receipt = issue_receipt(device.policy, secret, SubjectId("p-1"), given_s=now - 60, days=30)
        with closing(opened(device)) as store:
            desk = Desk(store, device.keys, law, *models, unix_s=now, lease_until_s=now + 3600)
            seconds = enrol(desk, desk.consent(receipt)).seconds
            assert [row.subject for row in store.references()] == ["p-1"]
    return seconds


def _law(device: Device) -> Law:
    return Law(Policy(VerifiedTarget("permission", POLICY_PATH, device.data), device.id))
