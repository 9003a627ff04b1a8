"""The link's end of the socket to the recogniser.

Rules: it connects, hands on what comes, and connects again when the recogniser was gone; what cannot be parsed ends the
connection. Leaves out: what is done with a message (app/link.py) and what the bytes mean (events/wire.py).
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.errors import LinkError
from agent.events import wire
from agent.events.wire import FromLink, FromRecogniser

_CHUNK: Final = 64 * 1024


class LinkEnd:
    """The link's end: connects, hands on what comes, and connects again when the recogniser was gone."""

    def __init__(
        self,
        path: Path,
        received: Callable[[FromRecogniser], None],
        changed: Callable[[bool], None],
        retry_s: float = 0.25,
    ) -> None:
        """`received(message)` for each message; `changed(there)` when a recogniser appears or is lost.

        Both run on the channel's own thread.
        """
        self._path, self._received, self._changed, self._retry_s = path, received, changed, retry_s
        self._socket: socket.socket | None = None
        self._sending = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="channel", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def send(self, message: FromLink) -> bool:
        """Send one message; False when the recogniser is gone: it asks again, and so does who presents a token."""
        frame = wire.pack(message)
        with self._sending, contextlib.suppress(OSError):
            if self._socket is not None:
                self._socket.sendall(frame)
                return True
        return False

    def close(self) -> None:
        self._closing.set()
        if (end := self._socket) is not None:
            _shut(end)
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._closing.is_set():
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
                with contextlib.suppress(OSError, LinkError):
                    end.connect(str(self._path))
                    with self._sending:
                        self._socket = end
                    self._changed(True)
                    self._read(end)
                with self._sending:
                    was_there, self._socket = self._socket is not None, None
            if was_there:
                self._changed(False)
            self._closing.wait(self._retry_s)

    def _read(self, end: socket.socket) -> None:
        frames = wire.Frames()
        while data := end.recv(_CHUNK):
            for frame in frames.feed(data):
                self._received(wire.recogniser_message(frame))


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
