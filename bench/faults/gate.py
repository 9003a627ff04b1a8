"""One device with all that is round it, its state on a disk of its own: what `scripts/prove faults` disturbs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from agent.adapters.broker import EmbeddedBroker
from agent.demo.device import Device
from agent.demo.subscriber import Heard, LinkSaid, Subscriber
from agent.events import wire
from agent.events.bodies import Status
from agent.events.seal import OpenedEvent
from agent.ledger.entry import Decided
from bench.faults.far import NetworkCamera, Receiver
from bench.faults.supervisor import Supervisor
from tests.adapters.pipe import Pipe
from tests.app.door import day_passes, enrol, ledger, publish, site

ROOT: Final = Path(__file__).resolve().parents[2]
NEVER_S, TRY_S = 90.0, 2.5
_RECORDING: Final = 'kind = "recording"'


class Gate:
    """A recogniser under a supervisor, its link, broker, site and subscriber.

    Args:
        folder: of the bench; what the recogniser's ports hang by lies in it.
        disk: where the device's state goes.
        camera: of the network; None: one in the recogniser, which `folder` rules.
        receiver: the policy asks for it; None: the place is surveyed.
    """

    def __init__(
        self, folder: Path, disk: Path, camera: NetworkCamera | None = None, receiver: Receiver | None = None
    ) -> None:
        self.folder, self._camera = folder, camera
        self.broker = EmbeddedBroker()
        self.broker.start()
        located: dict[str, Any] = {} if receiver is None else {"location": {"kind": "gnss"}}
        self.device: Device = site(disk / "gate", **located)
        self.version = 1
        enrol(self.device)
        self.wire, self.site_wire = Pipe(self.broker.port), Pipe(int(self.device.server.url.rsplit(":", 1)[1][:-1]))
        self._configure(camera, receiver)
        self._passes = day_passes(self.device, 200)
        self.offered = 0
        self.status: Status | None = None
        self.gone = False
        """The link has said that the recogniser is lost."""
        self.heard: set[int] = set()
        self.subscriber = Subscriber(
            self.broker.port,
            site=self.device.site,
            device=self.device.id,
            device_key=self.device.key,
            events_secret=self.device.events_secret,
            hear=self._hear,
        )
        start = "from agent.cli import main; main()"
        command = [sys.executable, "-c", start, "link", "--config", str(self.device.config)]
        with (folder / "link-said").open("w") as said:
            self.link = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said)
        if camera is not None:
            camera.read_by(self.device.config)
        module = [sys.executable, "-m", "bench.faults.recogniser", str(self.device.config), str(folder)]
        self.supervisor = Supervisor(module, folder, ROOT)

    def _configure(self, camera: NetworkCamera | None, receiver: Receiver | None) -> None:
        config = self.device.config.read_text()
        config = config.replace("port = 1883", f"port = {self.wire.port}")
        config = config.replace(self.device.server.url, f"http://127.0.0.1:{self.site_wire.port}/")
        if camera is not None:
            network = f'kind = "rtsp"\naddress = "rtsp://127.0.0.1:{camera.port}/door"'
            lines = [network if line == _RECORDING else line for line in config.splitlines()]
            config = "\n".join(line for line in lines if not line.startswith("file = ")) + "\n"
        if receiver is not None:
            config += f'[position]\nkind = "serial"\nport = "{receiver.port}"\nbaud = 9600\n'
        self.device.config.write_text(config)

    def _hear(self, heard: Heard) -> None:
        if isinstance(heard, OpenedEvent):
            self.heard.add(heard.sequence)
        elif isinstance(heard, LinkSaid):
            self.gone |= heard.payload == wire.RECOGNISER_LOST
        elif isinstance(body := getattr(heard, "body", None), Status):
            self.status = body

    def forget(self) -> None:
        """What was said before the next fault is no word on it."""
        self.status, self.gone = None, False

    def pulses(self) -> int:
        file = self.folder / "pulses"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def show(self, text: str) -> None:
        """A pass, `face`, or nothing."""
        if self._camera is not None:
            return self._camera.show(text)
        part = self.folder / "show.part"
        part.write_text(text)
        part.replace(self.folder / "show")
        return None

    def offer(self) -> None:
        """Show a fresh pass."""
        self.show(self._passes.pop())
        self.offered += 1

    def opens(self, patience_s: float = NEVER_S) -> float | None:
        """Seconds until a fresh pass opens the door; None: it does not in time."""
        began, before = time.monotonic(), self.pulses()
        while time.monotonic() - began < patience_s:
            self.offer()
            tried = time.monotonic()
            while time.monotonic() - tried < TRY_S:
                if self.pulses() > before:
                    spent_s = time.monotonic() - began
                    self.show("")
                    time.sleep(0.3)
                    return spent_s
                time.sleep(0.02)
        return None

    def refuses(self, patience_s: float) -> tuple[float, str] | None:
        """Seconds until it says why it refuses, and the grounds, or that the link says that it is gone."""
        began = time.monotonic()
        while time.monotonic() - began < patience_s:
            if self.status is not None and self.status.grounds:
                return time.monotonic() - began, " ".join(self.status.grounds)
            if self.gone:
                return time.monotonic() - began, "recogniser-lost"
            time.sleep(0.02)
        return None

    def recognises(self) -> bool:
        """The newest status knows no ground."""
        return self.status is not None and not self.status.grounds

    def delivered(self) -> bool:
        """The subscriber has every decision."""
        return len(self.heard) >= len(ledger(self.device))

    def publish(self) -> None:
        self.version += 1
        publish(self.device, self.version)

    def follows(self) -> bool:
        """The newest policy is in force."""
        return self.status is not None and self.status.policy_version == self.version

    def on_medium(self, medium: Callable[[Path], AbstractContextManager[Path]]) -> list[Decided]:
        """The decisions that a power cut would leave; the recogniser stands still meanwhile.

        Args:
            medium: gives a copy of a database as it is on the medium.
        """
        self.supervisor.send(signal.SIGSTOP)
        try:
            with medium(self.device.store) as copy:
                return ledger(self.device, copy)
        finally:
            self.supervisor.send(signal.SIGCONT)

    def close(self) -> None:
        self.supervisor.close()
        self.link.send_signal(signal.SIGCONT)
        self.link.terminate()
        self.link.wait(20)
        self.subscriber.close()
        self.device.server.close()
        for each in (self.wire, self.site_wire):
            each.close()
        self.broker.close()
