"""One running Home Assistant, set up as its user does it: through the same HTTP interface as its pages."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import subprocess
import threading
import urllib.parse
from pathlib import Path
from typing import Any, Final

from bench.homeassistant.chroot import VENV, environment
from tests.app.running import until

INTEGRATIONS: Final = ("api", "auth", "config", "frontend", "http", "mqtt", "onboarding")
_START_S: Final = 300.0
_OWNER: Final = {"name": "Owner", "username": "owner", "password": "of-this-run-only", "language": "en"}


class HomeAssistant:
    """Its own folder and port; `start` and `stop` as often as wanted.

    Args:
        root: of the Debian with Home Assistant in it.
        folder: a new one for its configuration, within `root`.
        port: a free one, on 127.0.0.1.
    """

    def __init__(self, root: Path, folder: Path, port: int) -> None:
        self._root, self._folder, self._port = root, folder, port
        self._process: subprocess.Popen[str] | None = None
        self._token = ""
        self.tokens: dict[str, Any] = {}
        """As a browser of its user holds them."""
        self.said: list[str] = []
        """What it wrote about itself since it was made: one line of its log each."""
        folder.mkdir(parents=True)
        lines = ["homeassistant:", "  name: The site", "  time_zone: UTC", "  unit_system: metric", "logger:",
                 "  default: warning", "  logs:", "    homeassistant.components.mqtt.discovery: info", "http:",
                 "  server_host: 127.0.0.1", f"  server_port: {port}", *(f"{name}:" for name in INTEGRATIONS
                 if name != "http" and name != "auth")]  # fmt: skip
        (folder / "configuration.yaml").write_text("\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        inside = f"/{self._folder.relative_to(self._root)}"
        command = ["chroot", str(self._root), f"{VENV}/bin/hass", "--config", inside, "--skip-pip", "--log-no-color"]
        self._process = process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=environment(),
        )  # fmt: skip
        assert process.stderr is not None
        stderr = process.stderr
        self._listener = threading.Thread(target=lambda: self.said.extend(stderr), daemon=True)
        self._listener.start()
        until(self._serves, _START_S, "an answer of Home Assistant")
        if self._token:
            until(lambda: self.get("/api/config")["state"] == "RUNNING", _START_S, "Home Assistant's start")

    def _serves(self) -> bool:
        assert self._process is not None and self._process.poll() is None, "".join(self.said[-20:])
        try:
            return self._ask("GET", "/api/onboarding")[0] in (200, 401, 404)
        except (OSError, http.client.HTTPException):
            return False

    def stop(self) -> None:
        """It says goodbye and writes down what it knows."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            finally:
                self._process.kill()
            self._listener.join(10)
            assert self._process.stderr is not None
            self._process.stderr.close()
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    # As a user does -----------------------------------------------------------------------------------------------

    def set_up(self, broker: dict[str, Any]) -> None:
        """The first user, and the MQTT integration with this broker; its version is in `version` then."""
        client = f"{self.url}/"
        code = self.post("/api/onboarding/users", {**_OWNER, "client_id": client})["auth_code"]
        asked = urllib.parse.urlencode({"grant_type": "authorization_code", "code": code, "client_id": client})
        status, answer = self._ask("POST", "/auth/token", asked.encode(), "application/x-www-form-urlencoded")
        assert status == 200, answer
        self.tokens = json.loads(answer)
        self._token = self.tokens["access_token"]
        until(lambda: self.get("/api/config")["state"] == "RUNNING", _START_S, "Home Assistant's start")
        flow = self.post("/api/config/config_entries/flow", {"handler": "mqtt"})
        done = self.post(f"/api/config/config_entries/flow/{flow['flow_id']}", broker)
        assert done["type"] == "create_entry", done

    def finish_onboarding(self) -> None:
        """As if its user had answered all it asks at first, some of which would have it look around in the network."""
        self.stop()
        file = self._folder / ".storage" / "onboarding"
        held = json.loads(file.read_text())
        held["data"]["done"] = ["user", "core_config", "analytics", "integration"]
        file.write_text(json.dumps(held))
        self.start()

    @property
    def version(self) -> str:
        return str(self.get("/api/config")["version"])

    def states(self, device: str) -> dict[str, dict[str, Any]]:
        """What it has of the entities of a device, by entity id."""
        found = {each["entity_id"]: each for each in self.get("/api/states")}
        template = f"{{{{ device_entities({device!r}) | tojson }}}}"
        return {name: found[name] for name in json.loads(self.render(template)) if name in found}

    def device(self, identifier: str) -> str | None:
        """Its own id of the device that we call so; None: it has none."""
        template = (
            "{% for id in states | map(attribute='entity_id') | map('device_id') | reject('none') | unique %}"
            "{% if device_attr(id, 'identifiers') and 'IDENTIFIER' in (device_attr(id, 'identifiers') | string) %}"
            "{{ id }}{% endif %}{% endfor %}"
        )
        return self.render(template.replace("IDENTIFIER", identifier)) or None

    def render(self, template: str, **variables: Any) -> str:
        """What it makes of a template."""
        asked = {"template": template, "variables": variables}
        status, answer = self._ask("POST", "/api/template", json.dumps(asked).encode())
        assert status == 200, answer
        return answer.decode().strip()

    def get(self, path: str) -> Any:
        status, answer = self._ask("GET", path)
        assert status == 200, (path, status, answer)
        return json.loads(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        status, answer = self._ask("POST", path, json.dumps(body).encode())
        assert status == 200, (path, status, answer)
        return json.loads(answer)

    def _ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = "application/json"
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = {"Content-Type": kind, **({"Authorization": f"Bearer {self._token}"} if self._token else {})}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
