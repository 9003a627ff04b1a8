"""Debian's mosquitto for the tests that need a real broker, and an observer that shares no code with the agent."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from tests.adapters.certificates import Certificates


class Mosquitto:
    """One broker on 127.0.0.1 that keeps its port over starts and nothing else.

    Args:
        port: free.
        lines: further lines of its configuration, behind the listener's.
    """

    def __init__(self, folder: Path, port: int, lines: Sequence[str] = ("allow_anonymous true",)) -> None:
        self.port = port
        self.said: list[str] = []
        self._config = folder / f"mosquitto-{port}.conf"
        self._process: subprocess.Popen[str] | None = None
        self.configure(lines)

    def configure(self, lines: Sequence[str]) -> None:
        """Holds from the next start on."""
        common = ["user root", "log_dest stderr", "log_type all", f"listener {self.port} 127.0.0.1"]
        self._config.write_text("\n".join([*common, *lines]) + "\n")

    def start(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "the tests of the link need mosquitto; run: apt-get install mosquitto"
        self.said = said = []
        self._process = process = subprocess.Popen([program, "-c", self._config], stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        stderr = process.stderr
        self._listener = threading.Thread(target=lambda: said.extend(stderr), daemon=True)
        self._listener.start()
        self.wait_said(" running")

    def wait_said(self, words: str, times: int = 1, timeout_s: float = 10.0) -> None:
        """Wait until its log holds that many lines with these words."""
        ends = time.monotonic() + timeout_s
        while sum(words in line for line in list(self.said)) < times:
            assert time.monotonic() < ends, f"mosquitto did not say {words!r}:\n" + "".join(self.said)
            time.sleep(0.02)

    def tell(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Let it die; whatever it held is gone."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(10)
            self._listener.join(10)
            assert self._process.stderr is not None
            self._process.stderr.close()
            self._process = None


def tls_lines(certificates: Certificates, server_cert: Path | None = None, *, clients: bool = True) -> list[str]:
    """TLS; with `clients` only for those with a certificate of the same authority."""
    return [
        f"cafile {certificates.ca}",
        f"certfile {server_cert or certificates.server_cert}",
        f"keyfile {certificates.server_key}",
        *(["require_certificate true", "use_identity_as_username true"] if clients else []),
        "allow_anonymous true",
    ]


def password_lines(folder: Path, users: Mapping[str, str]) -> list[str]:
    file = folder / "users"
    file.write_text("".join(f"{name}:{password}\n" for name, password in users.items()))
    subprocess.run(["mosquitto_passwd", "-U", file], check=True, capture_output=True)
    return ["allow_anonymous false", f"password_file {file}"]


@dataclass(frozen=True, slots=True)
class Seen:
    topic: str
    payload: bytes
    retained: bool
    """The broker held it before the observer came."""


class Observer:
    """Subscribes to everything, keeps what comes, and publishes what it is told to."""

    def __init__(self, port: int, certificates: Certificates | None = None, wanted: str = "#") -> None:
        self._came: Queue[Seen] = Queue()
        self.seen: list[Seen] = []
        ready = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, f"observer-{time.monotonic_ns()}", protocol=MQTTv5)
        if certificates is not None:
            context = ssl.create_default_context(cafile=str(certificates.ca))
            context.load_cert_chain(certificates.client_cert, certificates.client_key)
            self._client.tls_set_context(context)

        def heard(client: Client, userdata: Any, message: Any) -> None:
            self._came.put(Seen(message.topic, bytes(message.payload), message.retain))

        self._client.on_message = heard
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe([(wanted, 1), ("mark/#", 1)] if wanted != "#" else wanted, qos=1)
        assert ready.wait(10)

    def next(self, *topics: str, timeout_s: float = 10.0) -> Seen:
        """The next message on one of the topics; what came before it on others is kept in `seen`."""
        ends = time.monotonic() + timeout_s
        while True:
            try:
                found = self._came.get(timeout=max(0.0, ends - time.monotonic()))
            except Empty:
                raise AssertionError(f"nothing came on {topics}; but {[each.topic for each in self.seen]}") from None
            self.seen.append(found)
            if found.topic in topics:
                return found

    def now(self) -> list[Seen]:
        """Everything that the broker had for this observer up to now."""
        mark = f"mark/{time.monotonic_ns()}"
        self.publish(mark, b"")
        self.next(mark)
        return [each for each in self.seen if not each.topic.startswith("mark/")]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
