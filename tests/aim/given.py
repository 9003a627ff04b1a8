"""A stopped device at the gate of the demo's scene, and a browser's part without a browser."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from agent.adapters.store import read_ledger
from agent.demo import policies
from agent.demo.device import Device, make, write_config
from agent.ledger.entry import Aimed, decode
from agent.ledger.verify import verify_ledger
from agent.models.manifest import read_manifest
from agent.scene.scene import load
from tests.conftest import ROOT

SCENE: Final = ROOT / "scenes" / "front-gate.toml"
SURVEYED: Final = {"kind": "survey", "lat_deg": 52.0, "lon_deg": 10.0, "sigma_m": 1.0}


def gate(folder: Path, scene: Path = SCENE, **decided: Any) -> Device:
    """Its camera plays the scene from the moment that it is opened; its position was surveyed."""
    folder.mkdir(exist_ok=True)
    fields = policies.for_scene(load(SCENE).script, read_manifest(ROOT / "models"), datetime.now(UTC))
    device = make(folder, fields | {"location": SURVEYED} | decided)
    write_config(
        device, broker_port=1883, websocket="ws://127.0.0.1:9001", page_port=0, models=ROOT / "models",
        camera=f'kind = "simulated"\nscene = "{scene}"\nstall_s = 0.5', empty=None,
    )  # fmt: skip
    return device


def empty_scene(folder: Path, minutes: int = 10) -> Path:
    """The scene's gate with nobody there, for as long as a test may take; sign, light and regions are the same."""
    beside = folder / "scenes"
    beside.symlink_to(SCENE.parent)
    text = SCENE.read_text("utf-8")
    path = folder / "alone" / "gate.toml"
    path.parent.mkdir()
    head = text[: text.index("# 0 s: P1 comes home")].replace("duration_s = 90.0", f"duration_s = {60 * minutes}.0")
    head = head.replace("covered = [[41.0, 52.02]]", "").replace("seed = 7", 'seed = 7\nbeside = "../scenes"')
    path.write_text(head + "\n" + text[text.index("[position]") :], "utf-8")
    return path


def looks(device: Device) -> list[bool]:
    """What the verified ledger says of aiming: True where it began, False where it ended; all of it is signed."""
    with read_ledger(device.store) as copy:
        assert verify_ledger(copy, device.key, device=device.id).unsigned == 0
    return noted(device)


def noted(device: Device) -> list[bool]:
    """The same of whatever stands there, signed or not."""
    with read_ledger(device.store) as copy:
        return [entry.open for _, data in copy.entries if isinstance(entry := decode(data), Aimed)]


class Visitor:
    """Enters by the address that the command says, and asks as the page does."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._session = parts.netloc, ""
        self.entered, said = self._send("enter", {"token": parts.fragment})
        if self.entered == 200:
            self._session = json.loads(said)["session"]

    def _send(self, name: str, body: Any | None) -> tuple[int, bytes]:
        connection = HTTPConnection(self._host, timeout=10)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._session}"}
        data = None if body is None else json.dumps(body)
        connection.request("GET" if body is None else "POST", f"/{name}", data, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        return answer.status, said

    def ask(self, name: str, body: Any) -> tuple[int, Any]:
        status, said = self._send(name, body)
        return status, json.loads(said)

    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._send("facts.json", None)[1])
        return found

    def view(self) -> bytes | None:
        status, picture = self._send("view.jpg", None)
        return picture if status == 200 else None
