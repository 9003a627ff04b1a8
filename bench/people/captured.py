"""A real run of the demo's two processes and broker, with canaries enrolled, and all that it leaves anywhere.

Part of `scripts/prove people`. The link finds the recogniser behind a relay that keeps every byte between them; a
subscriber of `#` keeps every message of the broker; the state folder is read before, during and after the run, the log
of SQLite with it; standard error and the folder for temporary files are read in the end. A hundred canaries are erased
before the run, one passes the door with a pass in their name, one withdraws there with their code; the people of the
scene are recognised meanwhile. Leaves out: a withdrawal that the site publishes; that document names its pseudonym.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from types import SimpleNamespace
from typing import Any, Final

from agent.adapters.broker import EmbeddedBroker
from agent.adapters.litert import load_models
from agent.adapters.mqtt import Address, Connection
from agent.adapters.store import Store
from agent.app.custody import Custody
from agent.app.erasure import Erasure
from agent.demo.case import Case, CaseFile, ExpectedOutcome
from agent.demo.device import Device
from agent.demo.pair import Inbox, Pair, _tell
from agent.demo.prepare import prepare
from agent.demo.recorder import Framed, Over
from agent.demo.source import MODELS, Source
from agent.demo.subscriber import Subscriber
from agent.events.seal import OpenedEvent
from agent.gallery.consent import read_receipt
from agent.gallery.reference import PROBES_MIN, ModelIdentity, Reference, average
from agent.gallery.vault import Rotation, VaultContext, lock
from agent.models.manifest import read_manifest
from agent.scene.scene import Scene
from agent.site.consents import issue_receipt
from agent.site.passes import issue_pass
from agent.site.withdrawals import withdrawal_code
from agent.units import SubjectId, Vector
from bench.people import canaries
from bench.people.relay import Relay

COUNT: Final = 1_000
ERASED: Final = 100
PASSING, LEAVING = COUNT - 1, COUNT - 2
"""Who shows a pass, and who withdraws at the door."""
PLANTED: Final = b"planted on purpose: "
_SNAPSHOT_S: Final = 25.0
_LONGEST_S: Final = 150.0
Watch = Callable[[float, str], None]
"""Told how far it is, 0 to 1, and what is done."""


@dataclass(frozen=True, slots=True)
class Captured:
    places: dict[str, bytes]
    names: list[str]
    gone: list[str]
    """Of these, who is erased."""
    templates: list[Vector]
    rotated: list[Vector]
    """The same as the gallery keeps them, inside the vault's encryption."""
    scene: Scene
    passes: dict[str, str]
    frames: list[int]
    """Numbers of the frames that the camera gave."""
    decisions: Counter[str]
    planted: dict[str, bytes]
    """What was written on purpose, by the place where it must be found."""
    core: str
    """How the recogniser ended by SIGABRT: `dumped` or `killed`."""
    limits: str
    """Its own limits for core files, soft and hard; `raised` if they could be raised from outside before the signal."""
    left: list[Path]
    """Core files that are there now and were not before."""


def capture(folder: Path, watch: Watch) -> Captured:
    """Make everything in `folder`, play the scene to its end, and collect.

    Raises:
        DoorwardError: the run cannot begin.
    """
    temporary = folder / "tmp"
    temporary.mkdir()
    before = set(_cores(folder))
    os.environ["TMPDIR"] = str(temporary)  # for the two processes: what they leave there is looked at too
    inbox: Inbox = Queue()
    pair, broker = Pair(folder, inbox), EmbeddedBroker()
    try:
        broker.start()
        ready = prepare(folder, Source(case=_crowd()), MODELS, broker, 0, lambda what: None)
        assert ready.scene is not None
        with closing(ready.device.server):
            return _run(folder, ready.device, ready.scene, pair, inbox, broker, before, watch)
    finally:
        pair.stop()
        broker.close()


def _crowd() -> Case:
    """The demo's own site with a policy that lets one be searched for among so many."""
    threshold = read_manifest(MODELS).threshold("synthetic-cast")
    search = [{"people": 2 * COUNT, "threshold": threshold}]
    point = {"label": "synthetic-cast", "threshold": threshold, "search": search}
    expected = ExpectedOutcome(camera="open", refused=())
    return Case("crowd", CaseFile(title="", story="", policy={"operating_point": point}, expected=expected))


def _run(
    folder: Path, device: Device, scene: Scene, pair: Pair, inbox: Inbox, broker: EmbeddedBroker,
    before: set[Path], watch: Watch,
) -> Captured:  # fmt: skip
    people = canaries.names(COUNT)
    vectors, rotated = _enrol(device, people, watch)
    texts = _texts(device, people)
    passes = folder / "passes.json"
    passes.write_text(json.dumps(texts), "utf-8")
    relay = Relay(folder / "relay" / "link.sock", device.state / "link.sock")
    behind = folder / "link.toml"
    behind.write_text(device.config.read_text("utf-8").replace('state = "state"', 'state = "relay"'), "utf-8")
    messages = bytearray()
    every = Connection(
        Address("127.0.0.1", broker.port), "doorward-capture", subscribe=("#",),
        received=lambda topic, payload, retained: messages.extend(topic.encode() + b" " + payload + b"\n"),
    )  # fmt: skip
    every.start()
    site = Subscriber(
        broker.port, site=device.site, device=device.id, device_key=device.key, events_secret=device.events_secret,
        hear=inbox.put,
    )  # fmt: skip
    disk = [_files(device.state)]
    _tell(pair.link, str(behind))
    _tell(pair.recogniser, f"{device.config}\t{passes}")
    frames, decisions = _listen(inbox, lambda: disk.append(_files(device.state)), scene, watch)
    planted = {place: PLANTED + place.encode() for place in ("disk", "standard error", "AF_UNIX", "MQTT", "temporary")}
    (device.state / "planted").write_bytes(planted["disk"])
    (folder / "tmp" / "planted").write_bytes(planted["temporary"])
    (folder / "planted.err").write_bytes(planted["standard error"])
    every.publish("planted", planted["MQTT"], qos=1, retain=False)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(folder / "relay" / "link.sock"))
        client.sendall(planted["AF_UNIX"])
        time.sleep(0.5)
    limits, core = _abort(pair)
    pair.link.stop()
    every.close()
    site.close()
    relay.close()
    disk.append(_files(device.state))
    with closing(_store(device)) as store:
        left_people = {row.subject for row in store.references()}
    cores = [path for path in _cores(folder) if path not in before]
    return Captured(
        places={
            "disk": b"".join(disk),
            "standard error": b"".join(path.read_bytes() for path in folder.glob("*.err")),
            "AF_UNIX": bytes(relay.heard),
            "MQTT": bytes(messages),
            "temporary": _files(folder / "tmp"),
            **({"core": b"".join(path.read_bytes() for path in cores)} if cores else {}),
        },
        names=people,
        gone=[name for name in people if name not in left_people],
        templates=vectors,
        rotated=rotated,
        scene=scene,
        passes=texts,
        frames=frames,
        decisions=decisions,
        planted=planted,
        core=core,
        limits=limits,
        left=cores,
    )


def _enrol(device: Device, people: list[str], watch: Watch) -> tuple[list[Vector], list[Vector]]:
    """A reference of random direction for each, as the desk keeps it; the first hundred are erased again."""
    _, embedder = load_models(MODELS)
    model, secret, now = ModelIdentity(embedder.sha256, embedder.runtime), device.repository.keys, time.time()
    vectors = canaries.templates(len(people), embedder.dimensions)
    with closing(_store(device)) as store:
        erasure = Erasure(store, device.keys, lambda line: None)
        context = VaultContext(device.id, device.site, model)
        keys = erasure.vault_keys()
        turn = Rotation(keys.gallery, context.rotation, embedder.dimensions)
        for place, (name, vector) in enumerate(zip(people, vectors, strict=True)):
            subject = SubjectId(name)
            receipt = issue_receipt(device.policy, secret.sign_secret("enrolment"), subject, given_s=now - 60, days=30)
            consent = read_receipt(receipt, device.policy.enrolment_keys, now)
            probe: Any = SimpleNamespace(vector=vector, permit=None)  # all that is asked of one here
            made = Reference(average([probe] * PROBES_MIN, model), consent)
            store.put_reference(lock(made, context, keys, turn), now)
            watch(place / len(people), "enrolling canaries")
        Custody(store, device.keys, erasure, lambda line: None).withdraw(list(map(SubjectId, people[:ERASED])), now)
    return vectors, [turn.apply(vector) for vector in vectors]


def _texts(device: Device, people: list[str]) -> dict[str, str]:
    """What is held before the camera: a pass that names one canary, and the withdrawal code of another."""
    secret, now = device.repository.keys, time.time()
    shown = issue_pass(
        device.policy, secret.sign_secret("pass"), doors=(device.policy.door,), from_s=now - 60, until_s=now + 86_400,
        subject=people[PASSING],
    )  # fmt: skip
    code = withdrawal_code(device.policy, secret.sign_secret("enrolment"), SubjectId(people[LEAVING]))
    return {"day": shown, "evening": code}


def _listen(
    inbox: Inbox, snapshot: Callable[[], None], scene: Scene, watch: Watch
) -> tuple[list[int], Counter[str]]:  # fmt: skip
    frames, decisions = list[int](), Counter[str]()
    began = taken = time.monotonic()
    while time.monotonic() - began < _LONGEST_S:
        if time.monotonic() - taken > _SNAPSHOT_S:
            taken = time.monotonic()
            snapshot()
        with contextlib.suppress(Empty):
            match inbox.get(timeout=0.2):
                case Framed(number, _):
                    frames.append(number)
                    watch(number / scene.script.frames, "playing the scene")
                case OpenedEvent() as event:
                    decisions[event.outcome.value] += 1
                case Over():
                    time.sleep(2.0)
                    break
                case _:
                    pass
    return frames, decisions


def _abort(pair: Pair) -> tuple[str, str]:
    """The recogniser's limit, and how it ends by SIGABRT although the limit was raised for it from outside."""
    process = pair.recogniser.process
    limits = [str(limit) for limit in resource.prlimit(process.pid, resource.RLIMIT_CORE)]
    with contextlib.suppress(OSError, ValueError):  # only root may
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        limits.append("raised")
    process.send_signal(signal.SIGABRT)
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    return " ".join(limits), "dumped" if ended is not None and ended.si_code == os.CLD_DUMPED else "killed"


def _store(device: Device) -> Store:
    return Store.open(device.store, site=device.site, device=device.id, ledger_key=device.keys.ledger_key)


def _files(folder: Path) -> bytes:
    """Every file's bytes, whatever comes and goes meanwhile."""
    read = []
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(OSError):
            if path.is_file():
                read.append(path.read_bytes())
    return b"\x00".join(read)


def _cores(folder: Path) -> list[Path]:
    return [path for place in (Path.cwd(), folder) for path in place.glob("core*") if path.is_file()]
