"""Both processes of a device and a real broker: what a command does at the door, and how soon."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest

from agent.crypto import SignSecret, sign_public
from agent.demo.device import Device
from agent.events import command, wire
from agent.events.bodies import Status
from agent.events.command import Result
from agent.events.telemetry import AnswerMessage, read_telemetry
from agent.events.wire import Kind
from agent.policy.grounds import Ground
from agent.site.restrictions import stop_order
from tests.adapters.mosquitto import Mosquitto, Observer
from tests.app.door import WALL, configure, process, publish, site
from tests.conftest import ROOT

COMMANDER = SignSecret(bytes(range(32)))


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[Mosquitto]:
    made = Mosquitto(tmp_path, free_port)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def device(tmp_path: Path, broker: Mosquitto) -> Iterator[Device]:
    """It looks at its site once an hour, unless it is told to."""
    made = site(tmp_path / "gate")
    with contextlib.closing(made.server):
        configure(made, made.folder / "stills", check_every_s="3600.0")
        made.config.write_text(made.config.read_text().replace("port = 1883", f"port = {broker.port}"))
        for name in ("a.png", "b.png"):
            cv2.imwrite(str(made.folder / "stills" / name), WALL)
        yield made


@contextmanager
def link(device: Device) -> Iterator[None]:
    start = "from agent.cli import main; main()"
    running = subprocess.Popen([sys.executable, "-c", start, "link", "--config", str(device.config)], cwd=ROOT)
    try:
        yield
    finally:
        running.terminate()
        assert running.wait(20) == 0


class Watcher:
    """Somebody at the broker who reads what the device signs, and commands."""

    def __init__(self, broker: Mosquitto, device: Device) -> None:
        self._device = device
        self._observer = Observer(broker.port, wanted="doorward/#")
        self._topics = {kind: wire.topic(device.site, device.id, kind) for kind in Kind}

    def wait_grounds(self, *grounds: Ground) -> Status:
        while True:
            payload = self._observer.next(self._topics[Kind.STATUS], timeout_s=30).payload
            if json.loads(payload).get("by") != "link":
                body = read_telemetry(Kind.STATUS, payload, self._device.key).body
                assert isinstance(body, Status)
                if body.grounds == grounds:
                    return body

    def command(self, payload: bytes) -> None:
        self._observer.publish(wire.command_topic(self._device.site, self._device.id), payload)

    def answered(self) -> Result:
        payload = self._observer.next(self._topics[Kind.ACK]).payload
        message = read_telemetry(Kind.ACK, payload, self._device.key)
        assert isinstance(message, AnswerMessage)
        return message.body.result

    def close(self) -> None:
        self._observer.close()


@pytest.mark.alone
def test_a_command_is_done_at_the_door_within_two_seconds(broker: Mosquitto, device: Device) -> None:
    keys = [{"key": sign_public(COMMANDER).hex(), "until": device.policy.until.isoformat()}]
    publish(device, 2, command_keys=keys)
    watcher = Watcher(broker, device)
    with process(device) as running, link(device), contextlib.closing(watcher):
        status = watcher.wait_grounds()
        assert (status.policy_version, status.acknowledge) == (2, "consumer")

        watcher.command(command.stop(5))
        assert watcher.answered() is Result.DONE
        watcher.wait_grounds(Ground.STOPPED)
        watcher.command(command.resume(COMMANDER, site=device.site, device=device.id, unix_s=time.time() - 600))
        assert watcher.answered() is Result.OUT_OF_DATE
        signed = command.resume(COMMANDER, site=device.site, device=device.id, unix_s=time.time())
        watcher.command(signed)
        assert watcher.answered() is Result.DONE
        watcher.wait_grounds()
        watcher.command(signed)
        assert watcher.answered() is Result.REPLAYED

        path, data = stop_order("fair")
        device.repository.publish({path: data})
        began = time.monotonic()
        watcher.command(command.check())
        assert watcher.answered() is Result.DONE
        watcher.wait_grounds(Ground.STOPPED)
        took_s = time.monotonic() - began
        print(f"from publishing to the new restriction in force: {took_s * 1000:.0f} ms")  # noqa: T201
        assert took_s <= 2.0
        assert running.end() == 0
