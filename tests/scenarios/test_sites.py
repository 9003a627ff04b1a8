"""Each site of this folder, played as fast as the models run: signed policy, scene, and the outcome written down.

The same as `scripts/demo --site NAME` without processes, broker and real time. Every call of the embedder is recorded
and weighed against what is true in the scene.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, LoadedModel, held, load_models
from agent.adapters.markers import ArucoReader
from agent.adapters.qr import ZxingReader
from agent.adapters.simulated import SceneStart, SimulatedCamera, SimulatedLocator
from agent.adapters.store import Store
from agent.app.erasure import Erasure
from agent.app.recogniser import open_gallery
from agent.core import Core, Decided, FrameArrived, GalleryChanged, LawChanged
from agent.demo import case, policies
from agent.demo.device import make, passes
from agent.demo.judge import Judge, Made
from agent.demo.people import enrol_cast
from agent.face.probe import Probe, ProbeTemplate
from agent.gallery.passes_uses import Uses
from agent.gallery.reference import ModelIdentity
from agent.models.manifest import read_manifest
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.circumstances import Surroundings
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.scene import truth
from agent.scene.scene import load
from agent.units import Polygon

MODELS = Path(__file__).resolve().parents[2] / "models"
NS = 1_000_000_000


@dataclass
class RecordingEmbedder:
    """`ports.Embedder` around the real one: notes frame and place of every face that it is given."""

    embedder: LiteRtEmbedder
    looks: list[tuple[int, Polygon]] = field(default_factory=list)

    def embed(self, probe: Probe) -> ProbeTemplate:
        self.looks.append((probe.number, probe.quad))
        return self.embedder.embed(probe)


class Still:
    """`ports.Clock` that stands still: the scene's time is in its frames."""

    def monotonic_ns(self) -> int:
        return 0

    def unix_s(self) -> float:
        return 0.0


class NoStopwatch:
    def lap(self, stage: str) -> None:
        """Nobody asks how long it took."""


@pytest.fixture(scope="module")
def models() -> tuple[LoadedModel, LoadedModel]:
    return load_models(MODELS, threads=2)


def test_every_site_is_here() -> None:
    assert case.names() == [
        *("boarding-gate", "changing-room", "gated-community", "hotel-desk", "hotel-room", "museum", "office-door"),
        *("pavement-door", "public-toilet", "residential-door", "school", "street", "supermarket"),
    ]


@pytest.mark.parametrize("name", case.names())
def test_the_outcome_is_the_one_written_down(
    name: str, models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    site = case.load(name)
    scene, now = load(site.scene), datetime.now(UTC)
    device = make(tmp_path, site.decided(policies.for_scene(scene.script, read_manifest(MODELS), now), now))
    try:
        enrol_cast(device, scene, *models, site.file.consent)
        texts = passes(device, {each.name: each.person for each in scene.script.pass_})
    finally:
        device.server.close()
    law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, device.data), device.id))
    gate, embedder = Gate(law), RecordingEmbedder(LiteRtEmbedder(models[1]))
    if site.file.expected.camera == "closed":
        closed = gate.closed()
        assert isinstance(closed, Refusal) and closed.grounds == site.file.expected.refused
        return
    assert gate.closed() is None
    store = Store.open(device.store, site=device.site, device=device.id, ledger_key=device.keys.ledger_key)
    identity = ModelIdentity(models[1].sha256, models[1].runtime)
    gallery = open_gallery(store, Erasure(store, device.keys, print), identity)
    store.close()
    core = Core(gate, LiteRtDetector(models[0]), embedder, ArucoReader(), ZxingReader(), NoStopwatch(), Uses())
    core.receive(LawChanged(law))
    core.receive(GalleryChanged(gallery, frozenset()))
    start = SceneStart(0)
    camera, locator = SimulatedCamera(scene, texts, Still(), start, paced=False), SimulatedLocator(scene, start)
    judge, opened, began = Judge(site.expectations()), list[float](), time.time()
    grounds: tuple[Ground, ...] = ()
    while (frame := camera.read(1.0)) is not None:
        at_s, number = frame.captured_ns / NS, frame.number
        around = Surroundings(
            unix_s=began + at_s,
            lease_until_s=began + 3600,
            fix=locator.fix(frame.captured_ns),
            models=held(*models),
            keys_sealed=True,
            ledger_writable=True,
            stopped=False,
            moved=False,
            stock=len(scene.script.enrolled),
            crossed_s=None,
            codes_read=True,
        )
        for output in core.receive(FrameArrived(frame, around, number % 2 == 0, False)):
            if isinstance(output, Decided):
                made = output.decision
                assert judge.decide(Made(made.outcome, made.subject, at_s, made.ground)) is not None, made.outcome
                opened += [at_s] if made.opens else []
        grounds = core.state.grounds if isinstance(core.state, Refusal) else ()
    assert judge.close(scene.script.duration_s, opened).flawless
    assert grounds == site.file.expected.refused
    assert truth.unlawful(scene, embedder.looks) == []
    fps = scene.script.fps
    assert all(site.looked_in_time(number / fps) for number, _ in embedder.looks)
