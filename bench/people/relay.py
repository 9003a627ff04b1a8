"""Stands between the link and the recogniser and keeps what goes through: part of `scripts/prove people`."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path


class Relay:
    """Stands between the link and the recogniser and keeps what goes through."""

    def __init__(self, here: Path, there: Path) -> None:
        self.heard = bytearray()
        self._there = there
        here.parent.mkdir(mode=0o700)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(here))
        self._server.listen(4)
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.socket(socket.AF_UNIX)
                with contextlib.suppress(OSError):
                    far.connect(str(self._there))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                self.heard += data
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
