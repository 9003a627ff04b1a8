"""The demo's scene before a real recogniser whose clock waits for it: each frame is judged before the next is due.

Rules: time is the scene's. It moves with the frames and stands still while one is judged, so that a machine that is
slow, or pretends to be another one, decides by the same times as a fast one; no limit of the product is widened for it.
What the scene lets happen (somebody withdraws, the broker is away) is done between two frames and waited for.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from agent.adapters.link_end import LinkEnd
from agent.adapters.litert import load_models, load_pad
from agent.adapters.simulated import SceneStart, SimulatedCamera, SimulatedLocator
from agent.adapters.store import Store, read_ledger
from agent.adapters.watchdog import watchdog
from agent.app.config import load as load_config
from agent.app.parts import Parts
from agent.app.pulse import Pulse
from agent.app.recogniser import opened_loop
from agent.demo import expect, policies
from agent.demo.device import Device, make, passes, write_config
from agent.demo.judge import Judge, Made
from agent.demo.people import enrol_cast
from agent.demo.recorder import Embedded
from agent.demo.source import MODELS, SCENE
from agent.errors import DeviceError
from agent.events import wire
from agent.events.seal import OpenedErasure, OpenedEvent, open_event
from agent.events.wire import FetchOutcome, FetchReply, FetchRequest, FromRecogniser
from agent.face.probe import Probe, ProbeTemplate
from agent.ledger.verify import verify_ledger
from agent.models.manifest import read_manifest
from agent.policy.frames import CapturedFrame
from agent.ports import Embedder
from agent.scene.scene import Scene, load
from agent.site.repository import SiteRepository
from agent.site.restrictions import withdrawal
from agent.units import DoorId

_NS: Final = 1_000_000_000
_ACT_S: Final = 25.0
"""The longest wait for what the scene lets happen; behind it the recogniser would give the camera up as hanging."""
_QUIET_S: Final = 8.0
"""Longer than the recogniser takes until it offers an event once more."""


class SceneTime(Pulse):
    """Implements `ports.Clock`, and is told by the loop when a frame was judged.

    `now_ns` is of the scene; both clocks begin with it at what they were on this machine.
    """

    def __init__(self) -> None:
        super().__init__(watchdog())
        self.start_ns, self.start_s = time.monotonic_ns(), time.time()
        self.now_ns = 0
        self.done = threading.Semaphore()
        """The frame before has been judged, or there was none."""

    def monotonic_ns(self) -> int:
        return self.start_ns + self.now_ns

    def unix_s(self) -> float:
        return self.start_s + self.now_ns / _NS

    def judged(self, captured_ns: int, now_ns: int) -> None:
        super().judged(captured_ns, now_ns)
        self.done.release()


class Link:
    """In the link's place, without a network: fetches from the site's folder, keeps what is said, acknowledges."""

    def __init__(self, device: Device) -> None:
        self._device, self._files = device, device.folder / "site" / "repository"
        self.away = False
        """The broker is: nobody acknowledges."""
        self.events: dict[int, OpenedEvent] = {}
        self.erased = threading.Event()
        self.sealed = dict[int, bytes]()
        self.telemetry = list[tuple[str, bytes]]()
        self.heard_s = time.monotonic()
        self._end = LinkEnd(device.state / "link.sock", self._received, lambda there: None, retry_s=0.05)
        self._end.start()

    def _received(self, message: FromRecogniser) -> None:
        match message:
            case FetchRequest(number, limit, path):
                file = self._files / path
                data = file.read_bytes() if file.is_file() else None
                outcome = FetchOutcome.ABSENT if data is None else FetchOutcome.BYTES
                self._end.send(FetchReply(number, outcome, (data or b"")[: limit + 1]))
            case wire.Telemetry(kind, payload):
                self.telemetry.append((kind.value, payload))
            case wire.Event(_, envelope):
                self.heard_s = time.monotonic()
                event = open_event(envelope, self._device.events_secret, self._device.key)
                self.sealed[event.sequence] = envelope
                if isinstance(event, OpenedErasure):
                    self.erased.set()
                else:
                    self.events[event.sequence] = event
                if not self.away:
                    self._end.send(wire.Acknowledgement(event.sequence, event.nonce))
            case wire.PreviewPicture() | wire.OrderGiven():
                pass

    def close(self) -> None:
        self._end.close()


@dataclass
class Stage:
    """Implements `ports.Camera`, `ports.Door` and, by `watched`, `ports.Embedder`."""

    scene: Scene
    device: Device
    link: Link
    time: SceneTime
    camera: SimulatedCamera
    stop: threading.Event
    every: int
    """One frame in so many is seen, as by a camera or a board that is not faster."""
    told: Callable[[int, int], None]
    """The frame that is given, and how many there are."""
    looks: list[Embedded] = field(default_factory=list)
    opened_s: list[float] = field(default_factory=list)
    frames: int = 0
    openings: int = 0

    def __post_init__(self) -> None:
        self._acts, self._next = list(expect.acts(self.scene)), 0
        self._authority = SiteRepository.open(self.device.folder / "site", clock=self.time.unix_s)

    def open_camera(self) -> Stage:
        self.openings += 1
        return self

    def read(self, timeout_s: float) -> CapturedFrame | None:
        """Raises:
        DeviceError: the frame before was not judged in time.
        """
        if not self.time.done.acquire(timeout=timeout_s):
            raise DeviceError("scene: the frame before was not judged in time")
        while self._acts and self._next >= self._acts[0].t * self.scene.script.fps:
            self._act()
        # A moment behind the exposure: this is the newest frame then, and the camera has none to wait for.
        self.time.now_ns = self._next * _NS // self.scene.script.fps + 1
        frame = self.camera.read(timeout_s)
        if frame is None:
            threading.Thread(target=self._end, name="scene-end", daemon=True).start()
            return None
        self.frames, self._next = self.frames + 1, frame.number + self.every
        self.told(frame.number, self.scene.script.frames)
        return frame

    def _act(self) -> None:
        event = self._acts.pop(0)
        if event.kind == "withdraw":
            path, data = withdrawal(expect.pseudonym(event.person or ""))
            self._authority.publish({path: data})
            if not self.link.erased.wait(_ACT_S):
                raise DeviceError("scene: nobody was erased after the withdrawal")
        else:
            self.link.away = event.kind == "broker-stops"

    def _end(self) -> None:
        while time.monotonic() - self.link.heard_s < _QUIET_S:
            time.sleep(0.2)
        self.stop.set()

    def pulse(self, door: DoorId) -> None:
        self.opened_s.append(self.time.now_ns / _NS)

    def close(self) -> None:
        """There is nothing to give back."""

    def watched(self, real: Embedder) -> Embedder:
        self._embedder = real
        return self

    def embed(self, probe: Probe) -> ProbeTemplate:
        self.looks.append(Embedded(probe.number, probe.quad))
        return self._embedder.embed(probe)


def play(folder: Path, every: int, told: Callable[[int, int], None]) -> dict[str, Any]:
    """A site, a device and its people of their own in `folder`, and the whole scene: what came of it.

    Besides, `folder/said.json` gets all that was sealed and signed, for somebody else to check.
    """
    scene, folder = load(SCENE), folder.resolve()
    folder.mkdir()
    device = make(folder, policies.for_scene(scene.script, read_manifest(MODELS), datetime.now(UTC)))
    device.server.close()
    enrol_cast(device, scene, *load_models(MODELS), pad=load_pad(MODELS))
    shown = passes(device, {each.name: each.person for each in scene.script.pass_})
    write_config(device, broker_port=1883, websocket="ws://127.0.0.1:9001", page_port=0, models=MODELS,
                 camera=f'kind = "simulated"\nscene = "{SCENE}"\nstall_s = 30.0', empty=None)  # fmt: skip
    link, clock, stop = Link(device), SceneTime(), threading.Event()
    start = SceneStart(clock.start_ns)
    camera = SimulatedCamera(scene, shown, clock, start)
    stage = Stage(scene, device, link, clock, camera, stop, every, told)
    parts = Parts(stage.open_camera, lambda: SimulatedLocator(scene, start), lambda: stage, clock=clock,
                  embedder=stage.watched)  # fmt: skip
    with contextlib.closing(link), ExitStack() as opened:
        opened_loop(load_config(device.config), parts, clock, opened).run(stop)
    _keep(folder / "said.json", device, link)
    return _account(stage)


def _keep(file: Path, device: Device, link: Link) -> None:
    said = {
        "device": device.id,
        "key": device.key.hex(),
        "root_sha256": device.repository.root_sha256,
        "events": [b64encode(link.sealed[number]).decode() for number in sorted(link.sealed)],
        "telemetry": [[kind, b64encode(payload).decode()] for kind, payload in link.telemetry],
    }
    file.write_text(json.dumps(said), "utf-8")


def _account(stage: Stage) -> dict[str, Any]:
    device, judge, decisions = stage.device, Judge(expect.expectations(stage.scene)), []
    for _, event in sorted(stage.link.events.items()):
        at_s = round(event.unix_s - stage.time.start_s, 3)
        judge.decide(Made(event.outcome, event.subject, at_s, event.ground))
        decisions.append([event.outcome.value, event.subject, event.ground, at_s])
    verdict = judge.close(stage.time.now_ns / _NS, stage.opened_s)
    with read_ledger(device.store) as copy:
        kinds = verify_ledger(copy, device.key, device=device.id).kinds
    with contextlib.closing(
        Store.open(device.store, site=device.site, device=device.id, ledger_key=device.keys.ledger_key)
    ) as store:
        pending = store.pending()
    counts = verdict.counts.values()
    return {
        "frames": stage.frames,
        "openings": stage.openings,
        "decisions": decisions,
        "opened_s": [round(at_s, 3) for at_s in stage.opened_s],
        "right": sum(each.right for each in counts),
        "wrong": sum(each.wrong for each in counts),
        "missed": sum(each.missed for each in counts),
        "looks": len(stage.looks),
        "unlawful": expect.unlawful(stage.scene, stage.looks),
        "in_ledger": kinds.get("decision", 0),
        "pending": pending,
    }
