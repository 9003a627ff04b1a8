"""A whole device, both processes of it: back after a restart of the broker, announced again, and soon narrowed."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import cv2

from agent.demo.device import Device
from agent.events import command, homeassistant, wire
from agent.events.wire import Kind
from agent.policy.grounds import Ground
from agent.site.restrictions import stop_order
from bench.wire.run import free_port
from tests.adapters.mosquitto import Mosquitto, Observer
from tests.app.door import WALL, configure, process, site
from tests.app.test_whole_wire import Watcher, link

RESTARTS, BIRTHS = 5, 5
_PREFIX = "homeassistant"
_BIRTH_S = 5.0
_NEVER_S = 60.0


@dataclass(frozen=True, slots=True)
class Whole:
    back_s: float
    """The longest time from a broker that is there again to a signed status and the state of every entity."""
    births: int
    """So many of `BIRTHS` times that Home Assistant said that it had started, everything was announced again."""
    narrowed_s: float
    """From publishing a stop order to the signed word that it is in force, told by "look for updates now"."""


def whole(folder: Path) -> Whole:
    folder.mkdir(parents=True)
    broker = Mosquitto(folder, free_port())
    broker.start()
    device = site(folder / "gate")
    with contextlib.closing(device.server):
        configure(device, device.folder / "stills", check_every_s="3600.0")
        config = device.config.read_text().replace("port = 1883", f'port = {broker.port}\nhome_assistant = "{_PREFIX}"')
        device.config.write_text(config)
        for name in ("a.png", "b.png"):
            cv2.imwrite(str(device.folder / "stills" / name), WALL)
        try:
            with process(device), link(device):
                _everything(broker, device)
                back_s = max(_restart(broker, device) for _ in range(RESTARTS))
                births = sum(_birth(broker, device) for _ in range(BIRTHS))
                return Whole(back_s, births, _narrow(broker, device))
        finally:
            broker.stop()


def _restart(broker: Mosquitto, device: Device) -> float:
    """The broker keeps nothing."""
    broker.stop(signal.SIGKILL)
    time.sleep(1)
    broker.start()
    began = time.monotonic()
    _everything(broker, device)
    return time.monotonic() - began


def _everything(broker: Mosquitto, device: Device) -> None:
    """Wait for the description, a signed status, and every state that an entity shows."""
    observer = Observer(broker.port)
    try:
        about = homeassistant.discovery_topic(_PREFIX, device.site, device.id)
        found = json.loads(observer.next(about, timeout_s=30).payload)
        shown = {each["state_topic"] for each in found["components"].values() if "state_topic" in each}
        status = wire.topic(device.site, device.id, Kind.STATUS)
        # What is not retained (metrics, each 5 s, and decisions) is no state: an entity keeps the last that it heard.
        states = {wire.topic(device.site, device.id, kind) for kind in wire.RETAINED}
        alive = status in {each.topic for each in observer.seen if b'"by"' not in each.payload}
        waited = ((shown & states) | {status}) - {each.topic for each in observer.seen}
        ends = time.monotonic() + _NEVER_S
        while waited or not alive:
            assert time.monotonic() < ends, f"these did not come: {sorted(waited)}"
            came = observer.next(*waited, status, timeout_s=_NEVER_S)
            alive |= came.topic == status and b'"by"' not in came.payload
            waited.discard(came.topic)
    finally:
        observer.close()


def _birth(broker: Mosquitto, device: Device) -> bool:
    observer = Observer(broker.port)
    try:
        about = homeassistant.discovery_topic(_PREFIX, device.site, device.id)
        assert observer.next(about).retained
        observer.publish(homeassistant.birth_topic(_PREFIX), homeassistant.BIRTH)
        with contextlib.suppress(AssertionError):
            return not observer.next(about, timeout_s=_BIRTH_S).retained
        return False
    finally:
        observer.close()


def _narrow(broker: Mosquitto, device: Device) -> float:
    with contextlib.closing(Watcher(broker, device)) as watcher:
        watcher.wait_grounds()
        path, data = stop_order("fair")
        device.repository.publish({path: data})
        began = time.monotonic()
        watcher.command(command.check())
        watcher.wait_grounds(Ground.STOPPED)
        return time.monotonic() - began
