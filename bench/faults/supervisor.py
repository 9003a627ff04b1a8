"""Does for one process what systemd does by its unit: hears that it is alive, ends it, starts it again.

Rules: by the unit's WatchdogSec=, TimeoutAbortSec= and RestartSec=; `READY=1` and `WATCHDOG=1` count (sd_notify(3)).
Leaves out: the pause before a service that ends soon after its start (systemd/pause), and the unit's limits.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

UNITS: Final = Path(__file__).resolve().parents[2] / "systemd"
UNIT: Final = UNITS / "doorward-recogniser.service"


def seconds(unit: str, key: str) -> float:
    """A whole number of seconds of a unit file."""
    found = re.search(rf"^{key}=(\d+)$", unit, re.MULTILINE)
    if found is None:
        raise SystemExit(f"a unit of {UNITS.name}/: {key}= is no number of seconds")
    return float(found.group(1))


class Supervisor:
    """Keeps one command running until `close`.

    Args:
        folder: takes the socket and what is said on standard error.
        unit: whose seconds count.
    """

    def __init__(self, command: Sequence[str], folder: Path, cwd: Path, unit: Path = UNIT) -> None:
        text = unit.read_text("utf-8")
        self._watchdog_s, self._abort_s, self._restart_s = (
            seconds(text, key) for key in ("WatchdogSec", "TimeoutAbortSec", "RestartSec")
        )
        self._command, self._cwd, self._log = command, cwd, (folder / "said").open("a")
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(str(folder / "notify"))
        self._line.settimeout(0.1)
        self._environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify")}
        self.starts = self.kills = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, number: signal.Signals) -> None:
        """Send the process that runs now a signal, if one does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def close(self) -> None:
        self._closing.set()
        self._thread.join(30)
        self._line.close()
        self._log.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            self.process = process = subprocess.Popen(
                self._command, cwd=self._cwd, stdout=subprocess.DEVNULL, stderr=self._log, env=self._environment
            )
            self.starts += 1
            fed_s, ready = time.monotonic(), False
            while process.poll() is None and not self._closing.is_set():
                try:
                    word = self._line.recv(64)
                except TimeoutError:
                    word = b""
                ready |= word == b"READY=1"
                if word in (b"READY=1", b"WATCHDOG=1"):
                    fed_s = time.monotonic()
                if ready and time.monotonic() - fed_s > self._watchdog_s:
                    self.kills += 1
                    self._end(process, signal.SIGABRT, self._abort_s)
            if process.poll() is None:
                self._end(process, signal.SIGTERM, 10)
            self._closing.wait(self._restart_s)

    @staticmethod
    def _end(process: subprocess.Popen[bytes], number: signal.Signals, patience_s: float) -> None:
        process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)
