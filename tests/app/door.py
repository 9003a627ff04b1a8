"""A site, a device and the link's place beside it, for tests of the whole recogniser in this process or its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from agent.adapters.clock import SystemClock
from agent.adapters.fitting import fitted
from agent.adapters.link_end import LinkEnd
from agent.adapters.litert import LoadedModel, load_models
from agent.adapters.recording import decoded, handed_in
from agent.adapters.store import Store, read_ledger
from agent.app.config import load
from agent.app.desk import Desk, Kept
from agent.app.parts import Parts
from agent.app.recogniser import run
from agent.demo import policies
from agent.demo.device import Device, make, write_config
from agent.errors import DeviceError
from agent.events import wire
from agent.events.bodies import Body, Status
from agent.events.seal import OpenedErasure, OpenedEvent, open_event
from agent.events.telemetry import read_telemetry
from agent.events.wire import FetchOutcome, FetchReply, FetchRequest, FromRecogniser
from agent.ledger.entry import Decided, decode
from agent.ledger.verify import verify_ledger
from agent.models.manifest import read_manifest
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.frames import CapturedFrame
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.ports import Clock, Embedder, TokenReader
from agent.site.consents import issue_receipt
from agent.site.passes import issue_pass, pass_code
from agent.site.policy_draft import draft_policy
from agent.units import DoorId, Rgb, SubjectId
from tests.app.running import until
from tests.conftest import ROOT

MODELS = ROOT / "models"
CAST = ROOT / "scenes" / "cast"
P1 = SubjectId("p-1")
WALL = np.full((480, 640, 3), 120, np.uint8)
"""Nobody is there; red first."""


def face(person: str = "p1", name: str = "enrol-1") -> Rgb:
    """A person of the synthetic cast, as large as the frame; red first."""
    bgr = decoded((CAST / f"{person}-{name}.webp").read_bytes())
    assert bgr is not None
    return fitted(bgr)


def shown(text: str) -> Rgb:
    """A pass that somebody holds up."""
    picture = WALL.copy()
    rows = np.array([[bool(cell) for cell in row] for row in pass_code(text).matrix_iter(scale=7, border=4)])
    height, width = rows.shape
    picture[40 : 40 + height, 60 : 60 + width] = np.where(rows, 0, 255).astype(np.uint8)[..., None]
    return picture


def site(folder: Path, **decided: Any) -> Device:
    """A new site whose policy is that of a hall with an inspected sign, and its device."""
    folder.mkdir(exist_ok=True)
    made = make(folder, policies.for_recording(read_manifest(MODELS), datetime.now(UTC), inspected=True) | decided)
    configure(made, folder / "stills")
    return made


def configure(device: Device, camera: Path, models: Path = MODELS, **changes: str) -> None:
    """Write its config anew; `changes` replace the value of a key."""
    camera.mkdir(exist_ok=True)
    write_config(
        device,
        broker_port=1883,
        websocket="ws://127.0.0.1:9001",
        page_port=0,
        models=models,
        camera=f'kind = "recording"\nfile = "{camera}"\nstall_s = 0.5',
        empty=None,
    )
    lines = device.config.read_text().splitlines()
    for key, value in {"check_every_s": "0.5", **changes}.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in lines]
    device.config.write_text("\n".join(lines) + "\n")


def publish(device: Device, version: int, **decided: Any) -> None:
    """A new version of the site's policy."""
    fields = policies.for_recording(read_manifest(MODELS), datetime.now(UTC), inspected=True) | decided
    named = [each.model_dump(mode="json") for each in device.policy.devices]
    data = draft_policy(
        fields, site=device.site, version=version, keys=device.repository.keys, devices=named, now_s=time.time() - 1
    )
    device.repository.publish({POLICY_PATH: data})


def opened(device: Device) -> Store:
    return Store.open(device.store, site=device.site, device=device.id, ledger_key=device.keys.ledger_key)


def enrol(
    device: Device, models: tuple[LoadedModel, LoadedModel] | None = None, *, ago_s: float = 60, days: int = 30
) -> None:
    """P1, who agreed so long ago for so many days, is enrolled, as at the desk."""
    now = time.time()
    law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, device.data), device.id))
    secret = device.repository.keys.sign_secret("enrolment")
    with contextlib.closing(opened(device)) as store:
        desk = Desk(store, device.keys, law, *(models or load_models(MODELS)), unix_s=now, lease_until_s=now + 3600)
        receipt = issue_receipt(device.policy, secret, P1, given_s=now - ago_s, days=days)
        pictures = [np.ascontiguousarray(face(name=f"enrol-{place}")[..., ::-1]) for place in range(1, 7)]
        frames = [handed_in(place, bgr) for place, bgr in enumerate(pictures)]
        assert isinstance(desk.enrol(desk.consent(receipt), frames), Kept)


def day_passes(device: Device, count: int, uses: int = 1) -> list[str]:
    secret, now = device.repository.keys.sign_secret("pass"), time.time()
    door = device.policy.door
    return [
        issue_pass(device.policy, secret, doors=(door,), from_s=now - 60, until_s=now + 86_400, uses=uses)
        for _ in range(count)
    ]


def ledger(device: Device, store: Path | None = None) -> list[Decided]:
    """The decisions in the ledger, which is verified as a whole with the device's key; `store`: of a copy of it."""
    with read_ledger(store or device.store) as copy:
        verify_ledger(copy, device.key, device=device.id)
    with read_ledger(store or device.store) as copy:
        return [entry for _, data in copy.entries if isinstance(entry := decode(data), Decided)]


class Peer:
    """In the link's place: fetches from the site's folder, and keeps what the recogniser says.

    Args:
        acknowledging: says at once, with its nonce, that it holds an event.
        joining: False stays away.
    """

    def __init__(self, device: Device, *, acknowledging: bool = True, joining: bool = True) -> None:
        self._device, self.acknowledging = device, acknowledging
        self._files = device.folder / "site" / "repository"
        self.events: list[OpenedEvent] = []
        self.erasures: list[OpenedErasure] = []
        self.said: list[Body] = []
        self.previews: list[bytes] = []
        self.there: list[bool] = []
        self.end = LinkEnd(device.state / "link.sock", self._received, self.there.append, retry_s=0.05)
        if joining:
            self.end.start()

    def _received(self, message: FromRecogniser) -> None:
        match message:
            case FetchRequest(number, limit, path):
                file = self._files / path
                data = file.read_bytes() if file.is_file() else None
                outcome = FetchOutcome.ABSENT if data is None else FetchOutcome.BYTES
                self.end.send(FetchReply(number, outcome, (data or b"")[: limit + 1]))
            case wire.Telemetry(kind, payload):
                self.said.append(read_telemetry(kind, payload, self._device.key).body)
            case wire.Event(_, envelope):
                event = open_event(envelope, self._device.events_secret, self._device.key)
                if isinstance(event, OpenedErasure):
                    self.erasures.append(event)
                else:
                    self.events.append(event)
                if self.acknowledging:
                    self.end.send(wire.Acknowledgement(event.sequence, event.nonce))
            case wire.PreviewPicture(jpeg):
                self.previews.append(jpeg)

    def last(self, kind: type[Body]) -> Any:
        return next((body for body in reversed(list(self.said)) if isinstance(body, kind)), None)

    def wait_grounds(self, *grounds: Ground, timeout_s: float = 20.0) -> None:
        """Wait until the latest status has exactly these grounds; none: recognition is on."""

        def told() -> bool:
            status = self.last(Status)
            return status is not None and status.grounds == grounds

        until(told, timeout_s, f"a status with {[ground.value for ground in grounds]}")

    def wait_events(self, count: int, timeout_s: float = 20.0) -> list[OpenedEvent]:
        until(lambda: len(self.events) >= count, timeout_s, f"{count} events")
        return self.events[:count]

    def close(self) -> None:
        self.end.close()


class TestCamera:
    """Implements `ports.Camera`: gives what the test holds before it, about thirty times a second."""

    __test__ = False

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        bench.openings += 1

    def read(self, timeout_s: float) -> CapturedFrame | None:
        time.sleep(1 / 30)
        self._bench.number += 1
        if self._bench.fault is not None:
            raise self._bench.fault
        rgb = self._bench.view
        luma = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
        captured_ns = self._bench.clock.monotonic_ns() - self._bench.age_ns
        return CapturedFrame(self._bench.number, captured_ns, rgb.copy(), luma)

    def close(self) -> None:
        """There is nothing to give back."""


class Bench:
    """The recogniser in this process: what its camera sees, and how often its door was told to open."""

    def __init__(
        self,
        device: Device,
        embedder: Callable[[Embedder], Embedder] = lambda real: real,
        reader: Callable[[], TokenReader] | None = None,
    ) -> None:
        self.device, self._reader = device, reader
        self.view = WALL
        self.clock: Clock = SystemClock()
        self.fault: Exception | None = None
        self.number = self.openings = 0
        self.age_ns = 0
        """How old the frames are when the camera gives them."""
        self.opened = 0
        self.pressed = self.tampered = False
        self.embedder = embedder

    def pulse(self, door: DoorId) -> None:
        """Implements `ports.Door`; only now the decision may have been told."""
        with contextlib.closing(opened(self.device)) as store:
            assert store.frontier.size > 0
        self.opened += 1

    def exit_asked(self, now_ns: int) -> int | None:
        """Implements `ports.Contacts`."""
        pressed, self.pressed = self.pressed, False
        return now_ns if pressed else None

    def close(self) -> None:
        """Implements `ports.Door` and `ports.Contacts`."""

    def play(self, script: Callable[[Peer], None], *, linked: bool = True) -> int:
        """Run it on this thread while the script plays on another, and end it by SIGTERM; the exit code.

        Args:
            linked: False leaves the link's place empty.
        """
        failed: list[BaseException] = []
        over = threading.Event()

        def act() -> None:
            peer = Peer(self.device, joining=linked)
            try:
                script(peer)
            except BaseException as error:
                failed.append(error)
            finally:
                if not over.is_set():
                    os.kill(os.getpid(), signal.SIGTERM)
                over.wait(20)
                peer.close()

        former = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
        player = threading.Thread(target=act)
        player.start()
        try:
            parts = Parts(
                open_camera=lambda: TestCamera(self),
                open_locator=None,
                open_door=lambda: self,
                embedder=self.embedder,
                open_reader=self._reader,
                open_contacts=lambda: self,
                clock=self.clock,
            )
            return run(load(self.device.config), parts)
        finally:
            over.set()
            player.join(30)
            for number, handler in former.items():
                signal.signal(number, handler)
            if failed:
                raise failed[0]


class Process:
    """The recogniser as its own process, started by the command of an installer."""

    def __init__(self, device: Device, *prefix: str) -> None:
        start = "from agent.cli import main; main()"
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-c", start, "recogniser", "--config", str(device.config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.lines: list[str] = []
        assert self.process.stderr is not None
        stderr = self.process.stderr
        self._listener = threading.Thread(target=lambda: self.lines.extend(stderr), daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_said(self, words: str) -> str:
        lines: list[str] = until(lambda: [line for line in self.lines if words in line], 20, f"{words!r} said")
        return lines[0]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal if it still runs, wait for its end; the exit code. It never leaves a traceback."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(20)
        finally:
            self.process.kill()
            self._listener.join(5)
            for stream in (self.process.stdout, self.process.stderr):
                assert stream is not None
                stream.close()
        assert "Traceback" not in "".join(self.lines), "".join(self.lines)
        return code


@contextmanager
def process(device: Device, *prefix: str) -> Iterator[Process]:
    running = Process(device, *prefix)
    try:
        yield running
    finally:
        if running.process.returncode is None:
            running.end(signal.SIGKILL)


def video(path: Path, pictures: list[Rgb], fps: int = 5) -> None:
    """A film of these pictures."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (640, 480))
    if not writer.isOpened():
        raise DeviceError(f"{path}: OpenCV cannot write it")
    for rgb in pictures:
        writer.write(np.ascontiguousarray(rgb[..., ::-1]))
    writer.release()
