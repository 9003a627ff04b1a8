"""Many simulated doors behind one broker: each signs with a key of its own and speaks as often as a real one."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from agent import crypto
from agent.crypto import SignSecret
from agent.events import wire
from agent.events.bodies import Body, Compliance, Hourly, Ledger, Metrics, Obliged, RefusedFrames
from agent.events.decision import Decision, Outcome
from agent.events.seal import seal_event
from agent.events.telemetry import sign_telemetry
from agent.events.wire import Kind
from agent.ledger.checkpoint import make_checkpoint, read_checkpoint
from agent.ledger.merkle import Frontier, leaf_hash
from agent.policy.fields import ProfileName
from agent.policy.grounds import Ground
from agent.policy.proof import soon
from agent.units import DeviceId, DoorId, SiteId
from tests.adapters.mosquitto import Mosquitto
from tests.app.running import EVENTS_SECRET, compliance, metrics, notice, status

DAY_S = 86_400
HEARTBEAT_S, METRICS_S = 15.0, 5.0


class Broker:
    """Debian's mosquitto with a WebSocket listener beside the plain one, and a client that publishes."""

    def __init__(self, opened: ExitStack, folder: Path, lines: Iterable[str] = ("allow_anonymous true",)) -> None:
        plain, self.port_websocket = _free_ports(2)
        listener = (f"listener {self.port_websocket} 127.0.0.1", "protocol websockets", "max_queued_messages 100000")
        self._mosquitto = Mosquitto(folder, plain, (*lines, *listener))
        self._mosquitto.start()
        opened.callback(self._mosquitto.stop)
        self._plain = plain

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port_websocket}"

    def client(self, opened: ExitStack, user: str = "", password: str = "") -> Client:
        made = Client(CallbackAPIVersion.VERSION2, f"doors-{time.monotonic_ns()}", protocol=MQTTv5)
        if user:
            made.username_pw_set(user, password)
        ready = threading.Event()
        made.on_connect = lambda *_: ready.set()
        made.connect("127.0.0.1", self._plain)
        made.loop_start()
        opened.callback(lambda: (made.disconnect(), made.loop_stop()))
        assert ready.wait(10)
        return made


@dataclass(slots=True)
class SimulatedDoor:
    """One device as a watcher hears it."""

    client: Client
    site: str
    device: str
    grounds: tuple[Ground, ...] = ()
    assessment_days: float | None = 200.0
    filing_left: int | None = 9_000
    size: int = 40
    queue: int = 0
    _sequence: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    _frames: int = 0
    _stood: dict[Ground, Obliged] = field(default_factory=dict)

    @property
    def secret(self) -> SignSecret:
        return SignSecret(hashlib.sha256(f"{self.site}/{self.device}".encode()).digest())

    @property
    def public(self) -> dict[str, str]:
        """What `device.json` of it says."""
        return {
            "schema": "doorward/device/1",
            "id": self.device,
            "signing_key": crypto.sign_public(self.secret).hex(),
            "box_key": hashlib.sha256(self.device.encode()).hexdigest(),
        }

    def topic(self, kind: Kind) -> str:
        return wire.topic(self.site, self.device, kind)

    def signed(self, body: Body, *, unix_s: float | None = None) -> tuple[Kind, bytes]:
        self._sequence += 1
        message = sign_telemetry(
            body,
            site=SiteId(self.site),
            device=DeviceId(self.device),
            sequence=self._sequence,
            unix_s=time.time() if unix_s is None else unix_s,
            secret=self.secret,
        )
        return message.kind, message.payload

    def tell(self, body: Body, *, unix_s: float | None = None) -> None:
        kind, payload = self.signed(body, unix_s=unix_s)
        self.put(kind, payload)

    def put(self, kind: Kind, payload: bytes) -> None:
        self.client.publish(
            self.topic(kind), payload, qos=1 if kind in wire.RETAINED else 0, retain=kind in wire.RETAINED
        )

    def beat(self, *grounds: Ground, at_s: float | None = None) -> None:
        self.grounds = grounds
        self.tell(status(*grounds), unix_s=at_s)
        self.tell(self._compliance())

    def everything(self) -> None:
        self.beat(*self.grounds)
        self.tell(self.metrics())
        self.tell(self.head())
        self.tell(notice())

    def _compliance(self) -> Compliance:
        until = None if self.assessment_days is None else time.time() + self.assessment_days * DAY_S
        more = {
            "profile": ProfileName.CN_2025,
            "consents": 128,
            "assessment_until_s": until,
            "filing_left": self.filing_left,
        }
        expiring = {} if until is None or not soon(until, time.time()) else {Ground.ASSESSMENT_STALE: until}
        told = compliance(*self.grounds, expiring=expiring)
        return told.model_copy(update={**more, "obligations": tuple(map(self._since, told.obligations))})

    def _since(self, each: Obliged) -> Obliged:
        """As a device says it: since when an obligation is what it is does not move while it stays so."""
        if self._stood.get(each.ground, each).state is not each.state:
            del self._stood[each.ground]
        since_s = self._stood.setdefault(each.ground, each).since_s
        return each.model_copy(update={"since_s": since_s})

    def metrics(self) -> Metrics:
        self._frames += 75
        hour_s = time.time() // 3600 * 3600 - 3600
        hourly = tuple(
            Hourly(outcome=each, at_least=at_least)
            for each, at_least in zip(Outcome, (45, 10, 20, 0, 0, 0, 0), strict=True)
        )
        refused = (RefusedFrames(ground=Ground.SIGN_MISSING, frames=self._frames // 5),)
        said = {
            "frames": self._frames,
            "queue": self.queue,
            "temperature_c": 51.5,
            "hour_s": hour_s,
            "hourly": hourly,
            "refused": refused,
        }
        return metrics().model_copy(update=said)

    def head(self) -> Ledger:
        frontier = Frontier()
        for number in range(self.size):
            frontier = frontier.append(leaf_hash(f"{self.device} {number}".encode()))
        made = make_checkpoint(frontier, SiteId(self.site), DeviceId(self.device), self.secret, time.time())
        signed = read_checkpoint(made)
        return Ledger(
            size=signed.size,
            root=signed.root,
            at_s=(signed.time_ms or 0) / 1000,
            key=signed.key,
            signature=b64encode(bytes.fromhex(signed.signature)).decode(),
        )

    def event(self, sequence: int, outcome: Outcome = Outcome.MATCH) -> bytes:
        sealed = seal_event(
            Decision(outcome, DoorId("main"), time.time(), captured_ns=1, frame=1, policy_version=3),
            sequence=sequence,
            site=SiteId(self.site),
            device=DeviceId(self.device),
            events_key=crypto.box_public(EVENTS_SECRET),
            sign_secret=self.secret,
            outcome_in_clear=True,
        )
        return sealed.envelope


def _free_ports(count: int) -> list[int]:
    with ExitStack() as probes:
        bound = [probes.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(each.getsockname()[1]) for each in bound]


def policy_of(doors: Sequence[SimulatedDoor]) -> str:
    """What `policy.json` of their site says of the keys, as text."""
    devices = [{name: value for name, value in door.public.items() if name != "schema"} for door in doors]
    return json.dumps({"schema": "doorward/policy/1", "site": doors[0].site, "devices": devices})
