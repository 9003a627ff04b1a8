"""A whole door beside its broker: recogniser, link, a consumer that acknowledges, and somebody who comes and goes."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2

from agent.adapters.mqtt import Address, Connection
from agent.app.config import load
from agent.app.link_settings import LinkSettings, settings_of
from agent.crypto import SignSecret
from agent.events import command, homeassistant, wire
from agent.events.consume import Consumer
from agent.events.wire import Kind
from tests.adapters.mosquitto import Mosquitto, password_lines
from tests.app.door import WALL, Process, enrol, face, site
from tests.app.running import LinkProcess
from tests.conftest import ROOT

PREFIX: Final = "homeassistant"
READER: Final = "consumer"
_USERS: Final = ("gate-1", READER, PREFIX)
_ACL: Final = ROOT / "device_config" / "mosquitto" / "acl"
_PASSWORD: Final = "of-this-run-only"


class Gate:
    """In a new folder. The broker keeps nothing over a kill, and lets each do only what its ready access list says."""

    def __init__(self, folder: Path, port: int) -> None:
        self.device = device = site(folder / "gate")
        enrol(device)
        for name, picture in (("a", face()[..., ::-1]), ("b", WALL), ("c", WALL)):
            cv2.imwrite(str(device.folder / "stills" / f"{name}.png"), picture)
        secret = folder / "password"
        secret.write_text(_PASSWORD)
        rights = folder / "acl"
        rights.write_text(_ACL.read_text().replace("my-house", device.site))
        rights.chmod(0o600)
        self.broker = Mosquitto(
            folder, port, [*password_lines(folder, dict.fromkeys(_USERS, _PASSWORD)), f"acl_file {rights}"]
        )
        self.broker.start()
        told = f'port = {port}\nuser = "{device.id}"\npassword_file = "{secret}"\nhome_assistant = "{PREFIX}"'
        device.config.write_text(device.config.read_text().replace("port = 1883", told))
        self._consumer = Consumer(device.site, device.events_secret, {device.id: device.key}, None)
        self._secret, self._port = secret, port
        events = wire.topic(device.site, device.id, Kind.EVENTS)
        self.decisions: list[str] = []
        """Outcome of each that came, in order."""
        self.online_at = 0.0
        """When the door's own word last came, monotonic."""
        self.heard: list[tuple[str, bytes]] = []
        """What was published, not retained, on the topics of Home Assistant."""
        self.answers: list[bytes] = []
        self._reader = self._connection(READER, (events, *self._topics(Kind.STATUS, Kind.ACK)), self._received)
        self._listener = self._connection(PREFIX, (f"{PREFIX}/#",), self._overheard)
        self._recogniser = Process(device)
        self.start_link()

    @property
    def entering(self) -> dict[str, object]:
        """What a user of Home Assistant fills in."""
        return {"broker": "127.0.0.1", "port": self._port, "username": PREFIX, "password": _PASSWORD}

    @property
    def settings(self) -> LinkSettings:
        return settings_of(load(self.device.config))

    @property
    def description_topic(self) -> str:
        return homeassistant.discovery_topic(PREFIX, self.device.site, self.device.id)

    def description(self) -> bytes:
        """The last one that went out."""
        return [payload for topic, payload in self.heard if topic == self.description_topic][-1]

    @property
    def command_topic(self) -> str:
        return wire.command_topic(self.device.site, self.device.id)

    def _topics(self, *kinds: Kind) -> tuple[str, ...]:
        return tuple(wire.topic(self.device.site, self.device.id, kind) for kind in kinds)

    def _connection(
        self, user: str, topics: tuple[str, ...], received: Callable[[str, bytes, bool], None]
    ) -> Connection:
        address = Address("127.0.0.1", self._port, "5", None, user, self._secret)
        made = Connection(address, f"bench-{user}", subscribe=topics, received=received)
        made.start()
        return made

    def _received(self, topic: str, payload: bytes, retained: bool) -> None:
        kind = topic.rsplit("/", 1)[1]
        if kind == Kind.STATUS:
            if b'"by":"link"' not in payload:
                self.online_at = time.monotonic()
            return
        if kind == Kind.ACK:
            self.answers.append(payload)
            return
        found = self._consumer.take(topic, payload, retained=retained, unix_s=time.time())
        if found.event is not None and found.acknowledgement is not None:
            self.decisions.append(str(getattr(found.event, "outcome", "erasure")))
            self._reader.publish(*found.acknowledgement, qos=1, retain=False)

    def _overheard(self, topic: str, payload: bytes, retained: bool) -> None:
        if not retained:
            self.heard.append((topic, payload))

    def start_link(self) -> None:
        self.link = LinkProcess(self.settings)

    def kill_link(self) -> None:
        self.link.process.kill()
        self.link.end()

    def forge_resume(self) -> bytes:
        """A command that widens, signed by somebody whom the policy does not name."""
        key = SignSecret(bytes(range(32)))
        return command.resume(key, site=self.device.site, device=self.device.id, unix_s=time.time())

    def retire(self) -> str:
        """By the command of an installer; what it said."""
        self.link.end()
        start = "from agent.cli import main; main()"
        asked = [sys.executable, "-c", start, "device", "retire", "--config", str(self.device.config)]
        return subprocess.run(asked, check=True, capture_output=True, text=True, cwd=ROOT).stdout

    def close(self) -> None:
        with contextlib.suppress(AssertionError):
            self._recogniser.end(signal.SIGTERM)
        self.link.end()
        self._reader.close()
        self._listener.close()
        self.device.server.close()
        self.broker.stop(signal.SIGTERM)
