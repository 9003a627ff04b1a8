"""What is at the far end of a device's wires: a camera of the network with its reader, and a receiver of positions."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from agent.units import Rgb
from bench.faults.supervisor import UNITS, Supervisor
from tests.adapters.receivers import Epoch
from tests.app.door import WALL, shown

ROOT: Final = Path(__file__).resolve().parents[2]
_EVERY_S: Final = 1.0
"""A receiver says where it is once a second."""


class NetworkCamera:
    """An RTSP server that shows what is held before it, and `doorward rtsp` under a supervisor."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._picture = folder, folder / "picture"
        with socket.create_server(("127.0.0.1", 0)) as tried:
            self.port: int = tried.getsockname()[1]
        self._silent: socket.socket | None = None
        self._reader: Supervisor | None = None
        self.show("")
        self._server = self._serve()

    def _serve(self) -> subprocess.Popen[str]:
        command = ["/usr/bin/python3", str(Path(__file__).with_name("rtsp_server.py")), str(self.port)]
        server = subprocess.Popen([*command, str(self._picture)], stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        if server.stdout.readline() != "ready\n":
            raise SystemExit("faults: there is no RTSP server here; scripts/test installs it when it is started once")
        return server

    def read_by(self, config: Path) -> None:
        """Start the reader that this config asks for."""
        start = [sys.executable, "-c", "from agent.cli import main; main()", "rtsp", "--config", str(config)]
        (self._folder / "reader").mkdir()
        self._reader = Supervisor(start, self._folder / "reader", ROOT, UNITS / "doorward-rtsp.service")

    def show(self, text: str) -> None:
        picture: Rgb = shown(text) if text else WALL
        part = self._picture.with_suffix(".part")
        part.write_bytes(np.ascontiguousarray(picture).tobytes())
        part.replace(self._picture)

    def freeze(self) -> None:
        """In the midst of the stream; its connections stay, and the kernel takes new ones."""
        self._server.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._server.send_signal(signal.SIGCONT)

    def fall_silent(self) -> None:
        """Another server is there now, which takes connections and says nothing."""
        self._end()
        self._silent = socket.socket()
        self._silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._silent.bind(("127.0.0.1", self.port))
        self._silent.listen(64)

    def speak(self) -> None:
        if self._silent is not None:
            self._silent.close()
        self._silent, self._server = None, self._serve()

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._end()
        if self._silent is not None:
            self._silent.close()

    def _end(self) -> None:
        self.thaw()
        self._server.kill()
        self._server.wait()
        assert self._server.stdout is not None
        self._server.stdout.close()


class Receiver:
    """A receiver of positions at the far end of a pty, whose place never changes."""

    def __init__(self) -> None:
        self._far, self._near = os.openpty()
        self.port = os.ttyname(self._near)
        self._said = self.good
        self._closing = threading.Event()
        self._began_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def good(self) -> bytes:
        return b"".join(Epoch(time.monotonic() - self._began_s + 3600).sentences())

    def silent(self) -> bytes:
        return b""

    def garbage(self) -> bytes:
        """Noise, a text without an end, and sentences of which a byte fell over on the way."""
        spoilt = [each[:9] + bytes([each[9] ^ 4]) + each[10:] for each in Epoch(1.0).sentences()]
        return os.urandom(1024) + b"$GNGGA," + b"9" * 2048 + b"".join(spoilt)

    def say(self, what: Callable[[], bytes]) -> None:
        """`good`, `silent` or `garbage`, from now on."""
        self._said = what

    def close(self) -> None:
        self._closing.set()
        self._thread.join(5)
        for end in (self._far, self._near):
            os.close(end)

    def _run(self) -> None:
        os.set_blocking(self._far, False)
        while not self._closing.wait(_EVERY_S):
            with contextlib.suppress(BlockingIOError):  # nobody reads just now
                os.write(self._far, self._said())
