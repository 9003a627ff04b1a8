"""The site that the device belongs to: made with the operator's commands, served beside the device in the container."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent.adapters.store import read_ledger
from agent.demo import policies
from agent.ledger.entry import Decided, RefusalChanged, decode
from agent.models.manifest import read_manifest
from agent.policy.grounds import Ground
from bench.installed.machine import STICK, Machine
from tests.adapters.certificates import issue_client, make_certificates
from tests.app.door import WALL, face, video
from tests.conftest import ROOT

NAME: Final = "my-house"
DEVICE: Final = "gate-1"
REPOSITORY: Final = "http://127.0.0.1:8490/"
_FILM: Final = "/srv/door.avi"
CAMERA: Final = ("127.0.0.2", 8554)
"""Of the network; its address is not the broker's, so that who may reach it alone can be told."""
CAMERA_LOGIN: Final = ("door", "as-the-camera-asks")
_BROKER: Final = """persistence false
allow_anonymous false
user mosquitto
listener 8883 127.0.0.1
cafile /srv/broker/ca.pem
certfile /srv/broker/broker.pem
keyfile /srv/broker/broker.key
require_certificate true
use_identity_as_username true
"""
_EXAMPLE: Final = """# A recording in the place of a camera: there is none in a container.
[device]
id = "gate"
state = "state"
[site]
name = "site"
root_sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
repository = "https://site.example/"
check_every_s = 1.0
[camera]
kind = "recording"
file = "/etc/doorward/door.avi"
[models]
directory = "models"
[broker]
host = "broker.example"
port = 8883
"""


class Site:
    """In a folder of this machine; the stick is what the installer carries to the device."""

    def __init__(self, folder: Path, stick: Path) -> None:
        self._folder = folder
        policy = folder / "policy.json"
        fields = policies.for_recording(read_manifest(ROOT / "models"), datetime.now(UTC), inspected=True)
        policy.write_text(json.dumps(fields, default=str))
        self._policy = policy
        self._command("site", "init", str(folder / "site"), "--site", NAME, "--single-key", "--plain")
        shown = self._command("site", "show", str(folder / "site"))
        found = re.search(r"\b[0-9a-f]{64}\b", shown)
        assert found is not None, shown
        self.root_sha256 = found[0]
        secrets = folder / "tls"
        secrets.mkdir()
        made = issue_client(make_certificates(secrets), DEVICE)
        self._tls = made
        for name, path in (("ca.pem", made.ca), ("gate-1.pem", made.client_cert), ("gate-1.key", made.client_key)):
            shutil.copy(path, stick / name)
        (stick / "gate.toml").write_text(_EXAMPLE)
        (stick / "camera.password").write_text(CAMERA_LOGIN[1])
        # Somebody unknown comes to the door every few seconds, and goes again.
        video(folder / "door.avi", [WALL] * 5 + [face("p4", "scene-1")] * 15 + [WALL] * 15)
        # Who connects to a camera of the network looks at it for some seconds before the first frame.
        video(folder / "long.avi", ([WALL] * 10 + [face("p4", "scene-1")] * 30 + [WALL] * 30) * 30, 10)

    def beside(self, machine: Machine) -> None:
        """Broker, web server, a camera of the network and the film in a camera's place, as units of the site's own."""
        broker = machine.disk("/srv/broker")
        broker.mkdir()
        for name, path in (
            ("ca.pem", self._tls.ca),
            ("broker.pem", self._tls.server_cert),
            ("broker.key", self._tls.server_key),
        ):
            shutil.copy(path, broker / name)
            (broker / name).chmod(0o644)
        (broker / "mosquitto.conf").write_text(_BROKER)
        etc = machine.disk("/etc/doorward")
        etc.mkdir(mode=0o755)
        shutil.copy(self._folder / "door.avi", etc)
        shutil.copy(self._folder / "long.avi", machine.disk(_FILM))
        shutil.copy(ROOT / "bench/installed/network_camera.py", machine.disk("/srv"))
        self._serve(machine)
        self.serve(machine)

    def serve(self, machine: Machine) -> None:
        """Start what is the site's in there; its boot does not."""
        served = ("python3", "-m", "http.server", "8490", "--bind", "127.0.0.1", "--directory", "/srv/site")
        for unit, words in (
            ("site-broker", ("mosquitto", "-c", "/srv/broker/mosquitto.conf")),
            ("site-web", served),
            ("site-camera", ("python3", "/srv/network_camera.py", *map(str, CAMERA), *CAMERA_LOGIN, _FILM)),
        ):
            done = machine.run("systemd-run", "--quiet", f"--unit={unit}", *words)
            assert done.code == 0, done.text

    def admit(self, machine: Machine) -> None:
        """What the operator does once the device is there: admit it, publish the policy, copy the repository."""
        folder = str(self._folder / "site")
        device = machine.disk("/var/lib/doorward/device.json")
        self._command("site", "publish", folder, "--policy", str(self._policy), "--device", str(device))
        self._serve(machine)

    def _serve(self, machine: Machine) -> None:
        place = machine.disk("/srv/site")
        shutil.copytree(self._folder / "site" / "repository", place, dirs_exist_ok=True)

    @staticmethod
    def _command(*words: str) -> str:
        start = "from agent.cli import main; main()"
        done = subprocess.run([sys.executable, "-c", start, *words], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


def decisions(machine: Machine) -> int:
    """How many stand in the device's ledger, read from outside on a copy."""
    try:
        with read_ledger(machine.disk("/var/lib/doorward/store.sqlite")) as copy:
            return sum(isinstance(decode(data), Decided) for _, data in copy.entries)
    except Exception:  # not there yet, or just being made
        return 0


def grounds(machine: Machine) -> tuple[Ground, ...] | None:
    """Of the refusal that stands in the device's ledger last, none while it permits; None: it has said nothing yet."""
    try:
        with read_ledger(machine.disk("/var/lib/doorward/store.sqlite")) as copy:
            told = (decode(data) for _, data in copy.entries)
            return [each.grounds for each in told if isinstance(each, RefusalChanged)][-1]
    except Exception:  # as above
        return None


def wait_grounds(machine: Machine, wanted: Callable[[tuple[Ground, ...]], bool], timeout_s: float) -> float | None:
    """Seconds until the grounds are as wanted; None: they were not in time."""
    began = time.monotonic()
    while time.monotonic() - began < timeout_s:
        found = grounds(machine)
        if found is not None and wanted(found):
            return time.monotonic() - began
        time.sleep(0.2)
    return None


def wait_decisions(machine: Machine, more_than: int, timeout_s: float) -> float | None:
    """Seconds until there are more; None: there were none in time."""
    began = time.monotonic()
    while time.monotonic() - began < timeout_s:
        if decisions(machine) > more_than:
            return time.monotonic() - began
        time.sleep(0.2)
    return None


def stick_path(name: str) -> str:
    return f"{STICK}/{name}"
