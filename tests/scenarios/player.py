"""Plays a scene into a real core as fast as the models run: without processes, broker and real time.

Every call of the embedder is recorded, so that a test can weigh it against what is true in the scene.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, LiteRtPad, LoadedModel, held, load_pad
from agent.adapters.markers import ArucoReader
from agent.adapters.qr import ZxingReader
from agent.adapters.simulated import SceneStart, SimulatedCamera, SimulatedLocator
from agent.adapters.store import Store
from agent.app.erasure import Erasure
from agent.app.recogniser import open_gallery
from agent.core import Core, Decided, FrameArrived, GalleryChanged, LawChanged, MeterOn
from agent.demo import policies
from agent.demo.device import Device, make
from agent.demo.people import enrol_cast
from agent.events.decision import Decision
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
from agent.scene.scene import Scene
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


@dataclass(frozen=True)
class Moment:
    """What came of one frame."""

    at_s: float
    decisions: list[Decision]
    grounds: tuple[Ground, ...]
    """Of the refusal that stands after it; empty: permitted."""


class Player:
    """A device whose people are enrolled, before one scene."""

    def __init__(
        self, scene: Scene, device: Device, models: tuple[LoadedModel, LoadedModel], pad: LoadedModel | None = None
    ) -> None:
        self._scene, self._device, self._models, self._pad = scene, device, models, pad
        self._law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, device.data), device.id))
        self.gate, self._embedder = Gate(self._law), RecordingEmbedder(LiteRtEmbedder(models[1]))

    @property
    def looks(self) -> list[tuple[int, Polygon]]:
        """Frame and place of every face that was embedded so far."""
        return self._embedder.looks

    def play(self, texts: Mapping[str, str], *, metering: bool = True) -> Iterator[Moment]:
        """The whole scene, frame by frame; `texts` of its passes by their names.

        Args:
            metering: whether the camera can expose for a part of its picture.
        """
        detector, embedder = self._models
        core = Core(
            self.gate, LiteRtDetector(detector), self._embedder, ArucoReader(), ZxingReader(), NoStopwatch(), Uses(),
            None if self._pad is None else LiteRtPad(self._pad),
        )  # fmt: skip
        store = Store.open(
            self._device.store, site=self._device.site, device=self._device.id, ledger_key=self._device.keys.ledger_key
        )  # fmt: skip
        identity = ModelIdentity(embedder.sha256, embedder.runtime)
        gallery = open_gallery(store, Erasure(store, self._device.keys, print), identity)
        store.close()
        core.receive(LawChanged(self._law))
        core.receive(GalleryChanged(gallery, frozenset()))
        start, began = SceneStart(0), time.time()
        camera = SimulatedCamera(self._scene, dict(texts), Still(), start, paced=False)
        locator = SimulatedLocator(self._scene, start)
        while (frame := camera.read(1.0)) is not None:
            at_s = frame.captured_ns / NS
            around = Surroundings(
                unix_s=began + at_s,
                lease_until_s=began + 3600,
                fix=locator.fix(frame.captured_ns),
                models=held(*self._models, self._pad),
                keys_sealed=True,
                ledger_writable=True,
                stopped=False,
                moved=False,
                stock=len(self._scene.script.enrolled),
                crossed_s=None,
                models_work=True,
                codes_read=True,
            )
            outputs = core.receive(FrameArrived(frame, around, frame.number % 2 == 0, False))
            if metering:
                camera.meter(next((output.region for output in outputs if isinstance(output, MeterOn)), None))
            decisions = [output.decision for output in outputs if isinstance(output, Decided)]
            yield Moment(at_s, decisions, core.state.grounds if isinstance(core.state, Refusal) else ())


@dataclass
class Played:
    """What came of a whole scene."""

    scene: Scene
    looks: list[tuple[int, Polygon]]
    moments: list[Moment]

    @property
    def made(self) -> list[tuple[float, str, str | None]]:
        """Time, outcome, subject of each decision."""
        return [(now.at_s, each.outcome.value, each.subject) for now in self.moments for each in now.decisions]

    @property
    def decisions(self) -> list[tuple[str, str]]:
        return sorted((outcome, subject or "") for _, outcome, subject in self.made)

    @property
    def looked_at(self) -> Counter[str]:
        found = (truth.whose(self.scene, number, quad) for number, quad in self.looks)
        return Counter("nobody" if person is None else person.person for person in found)

    def refused_for(self, ground: Ground) -> list[float]:
        """Times of the frames on which recognition was refused for it."""
        return [now.at_s for now in self.moments if ground in now.grounds]


def play(
    scene: Scene,
    models: tuple[LoadedModel, LoadedModel],
    folder: Path,
    *,
    metering: bool = True,
    pad: LoadedModel | None = None,
) -> Played:
    """A scene of its own, from a policy made for it and its people enrolled in `folder` to its last frame."""
    device = make(folder, policies.for_scene(scene.script, read_manifest(MODELS), datetime.now(UTC)))
    try:
        enrol_cast(device, scene, *models, pad=load_pad(MODELS) if scene.script.attempt.pad else None)
    finally:
        device.server.close()
    player = Player(scene, device, models, pad)
    moments = list(player.play({}, metering=metering))
    return Played(scene, player.looks, moments)
