"""A link process and the recogniser's end of its socket, for the tests that need both running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent import crypto
from agent.adapters.channel import Channel
from agent.app.link_settings import LinkSettings
from agent.crypto import BoxSecret, SignSecret
from agent.events.bodies import (
    Acknowledge,
    Answer,
    Backend,
    Body,
    CameraPlace,
    Compliance,
    EraseStrength,
    Hourly,
    Ledger,
    Met,
    Metrics,
    Mode,
    Models,
    Notice,
    NoticeZone,
    Obliged,
    Purpose,
    RefusedFrames,
    Stage,
    StageTime,
    State,
    Status,
    View,
)
from agent.events.command import Result
from agent.events.decision import Decision, Outcome
from agent.events.seal import SealedEvent, seal_event
from agent.events.telemetry import sign_telemetry
from agent.policy.grounds import Ground
from agent.policy.proof import Evidence, Proof
from agent.policy.rules import OBLIGATIONS
from agent.policy.zones import ZoneClass
from agent.units import DeviceId, DoorId, SiteId, SubjectId

SITE, DEVICE, DOOR = SiteId("yard"), DeviceId("gate-1"), DoorId("main")
SIGN_SECRET = SignSecret(bytes(range(32)))
EVENTS_SECRET = BoxSecret(bytes(range(32, 64)))
JPEG = b"\xff\xd8" + b"a picture" + b"\xff\xd9"

_START = """
import json, sys
from pathlib import Path
from agent.app.link import main
from agent.app.link_settings import LinkSettings
given = json.loads(sys.argv[1])
paths = {"socket", "ca", "cert", "key", "password_file", "repository_ca"}
sys.exit(main(LinkSettings(**{k: Path(v) if k in paths and v is not None else v for k, v in given.items()})))
"""


def until(condition: Callable[[], Any], timeout_s: float = 10.0, what: str = "the condition") -> Any:
    """Wait for a true value and give it back."""
    ends = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < ends, f"{what} did not come true within {timeout_s} s"
        time.sleep(0.02)
    return found


class LinkProcess:
    """The real process; what it says on stderr is kept."""

    def __init__(self, settings: LinkSettings) -> None:
        given = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(settings).items()}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(given)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )
        self.said: list[str] = []
        assert self.process.stderr is not None
        stderr = self.process.stderr
        self._listener = threading.Thread(target=lambda: self.said.extend(stderr), daemon=True)
        self._listener.start()

    def ready(self) -> str:
        """Address of the page, once the process says that it is ready."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "".join(self.said)
        page: str = json.loads(line)["page"]
        return page

    def wait_said(self, words: str, timeout_s: float = 10.0) -> str:
        lines: list[str] = until(lambda: [line for line in self.said if words in line], timeout_s, f"{words!r} said")
        return lines[0]

    def rss_kb(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(timeout=10)
        self._listener.join(timeout=2)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code


@contextmanager
def link_process(settings: LinkSettings) -> Iterator[LinkProcess]:
    process = LinkProcess(settings)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def recogniser(socket: Path) -> Iterator[Channel]:
    """The recogniser's end of the socket."""
    channel = Channel.listen(socket)
    try:
        yield channel
    finally:
        channel.close()


class Teller:
    """Signs and sends as the recogniser does, with a sequence that rises."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._sequence = time.time_ns() // 1_000_000

    def tell(self, body: Body, unix_s: float | None = None) -> bytes:
        self._sequence += 1
        signed = sign_telemetry(
            body,
            site=SITE,
            device=DEVICE,
            sequence=self._sequence,
            unix_s=time.time() if unix_s is None else unix_s,
            secret=SIGN_SECRET,
        )
        self._channel.send_telemetry(signed.kind, signed.payload)
        return signed.payload


def event(sequence: int, outcome: Outcome = Outcome.MATCH, *, in_clear: bool = True) -> SealedEvent:
    subject = SubjectId("p-7") if outcome in (Outcome.MATCH, Outcome.PASS_ACCEPTED) else None
    ground = "pass-expired" if outcome is Outcome.PASS_REFUSED else None
    return seal_event(
        Decision(outcome, DOOR, time.time(), captured_ns=1, frame=1, policy_version=3, subject=subject, ground=ground),
        sequence=sequence,
        site=SITE,
        device=DEVICE,
        events_key=crypto.box_public(EVENTS_SECRET),
        sign_secret=SIGN_SECRET,
        outcome_in_clear=in_clear,
    )


def status(*grounds: Ground) -> Status:
    return Status(
        state=State.REFUSED if grounds else State.ONLINE,
        grounds=grounds,
        agent="0.1.0",
        policy_version=3,
        mode=Mode.IDENTIFY,
        models=Models(detector="a" * 64, embedder="b" * 64, runtime="ai-edge-litert-2.3.0"),
        key_backend=Backend.PLAIN,
        erase_strength=EraseStrength.BEST_EFFORT,
        single_key=True,
        acknowledge=Acknowledge.CONSUMER,
    )


PROOFS = {
    Ground.POLICY_NOT_IN_FORCE: Evidence(kind=Proof.POLICY, ids=("7" * 64,)),
    Ground.ASSESSMENT_STALE: Evidence(kind=Proof.ASSESSMENT, ids=("8" * 64,)),
    Ground.NOTICE_MISMATCH: Evidence(kind=Proof.NOTICE, ids=("d" * 64,)),
    Ground.SIGN_MISSING: Evidence(kind=Proof.INSPECTION, ids=("9" * 64,)),
    Ground.MODEL_NOT_ALLOWED: Evidence(kind=Proof.MODELS, ids=("a" * 64, "b" * 64)),
    Ground.LEDGER_UNWRITABLE: Evidence(kind=Proof.CHECKPOINT, ids=("5f3c" * 16,)),
}


def compliance(*unmet: Ground, expiring: Mapping[Ground, float] | None = None) -> Compliance:
    """What is not among `unmet` is met, on the evidence of `PROOFS` where there is any; `expiring` until then."""
    since_s, ends = time.time() - 90, expiring or {}

    def obliged(ground: Ground) -> Obliged:
        if ground in unmet:
            return Obliged(ground=ground, state=Met.UNMET, since_s=since_s)
        state, proof = Met.EXPIRING if ground in ends else Met.MET, PROOFS.get(ground)
        return Obliged(ground=ground, state=state, since_s=since_s, until_s=ends.get(ground), evidence=proof)

    return Compliance(obligations=tuple(obliged(each.ground) for each in OBLIGATIONS))


def metrics() -> Metrics:
    medians = {Stage.CODES: 2.1, Stage.GATE: 0.4, Stage.DETECT: 5.2, Stage.EMBED: 7.8, Stage.FRAME: 16.3}
    return Metrics(
        fps=15.0,
        stages=tuple(StageTime(stage=stage, median_ms=ms) for stage, ms in medians.items()),
        queue=0,
        frames=1350,
        refused=(RefusedFrames(ground=Ground.SIGN_MISSING, frames=120),),
        rss_kb=158_000,
        hour_s=1_799_996_400.0,
        hourly=tuple(Hourly(outcome=outcome, at_least=15) for outcome in Outcome),
    )


def checkpoint() -> Ledger:
    return Ledger(size=42, root="5f3c" * 16, at_s=time.time(), key="c" * 64, signature="A" * 86 + "==")


def answer() -> Answer:
    return Answer(id="0123456789abcdef", result=Result.DONE, stopped_until_s=1_800_003_600.0)


def notice() -> Notice:
    square = ((13.4040, 52.5203), (13.4046, 52.5203), (13.4046, 52.5206), (13.4040, 52.5206), (13.4040, 52.5203))
    playground = {
        "id": "playground",
        "class": ZoneClass.SCHOOL,
        "geometry": {"type": "Polygon", "coordinates": (square,)},
        "buffer_m": 4.0,
        "timed": False,
    }
    return Notice(
        controller="yard-operator",
        purpose=Purpose.RESIDENT_ENTRY,
        mode=Mode.IDENTIFY,
        version="notice-2",
        sha256="d" * 64,
        sign="sign-1",
        door=DOOR,
        view=View(width=640, height=480),
        attempt=((200.0, 120.0), (460.0, 120.0), (460.0, 470.0), (200.0, 470.0)),
        excluded=(((0.0, 0.0), (110.0, 0.0), (110.0, 480.0), (0.0, 480.0)),),
        zones=(NoticeZone.model_validate(playground),),
        margin_m=5.0,
        camera=CameraPlace(
            lat_deg=52.5200, lon_deg=13.4050, sigma_m=1.5, bearing_deg=140.0, view_deg=62.0, reach_m=12.0
        ),
    )


def everything(teller: Teller) -> None:
    """One message of each kind of telemetry."""
    for body in (status(), compliance(), metrics(), checkpoint(), notice()):
        teller.tell(body)
