"""The other end of `handed.py`: where `doorward rtsp` listens, and hands frames to the one recogniser.

Rules: nobody but the owner of the socket's path may connect to it; only the user who owns the path is served, one at a
time. Both, since in a namespace of users all but this one and root have the same number. Whoever takes no frame for
`_STALL_S` is cut off.
"""

from __future__ import annotations

import contextlib
import select
import socket
from pathlib import Path
from typing import Final

from agent.adapters.camera import raw
from agent.adapters.meeting import is_of, listening, owner
from agent.units import Luma, Rgb

_STALL_S: Final = 5.0


class Handing:
    """One listening socket and at most one recogniser.

    Args:
        path: taken away at the end; None: the socket is systemd's and outlives this process.

    Raises:
        ConfigError: others than its owner may connect.
    """

    def __init__(self, server: socket.socket, path: Path | None = None) -> None:
        self._server, self._path = server, path
        self._owner: Final = owner(server)
        self._peer: socket.socket | None = None
        self._number = 0

    @classmethod
    def listen(cls, path: Path) -> Handing:
        """Listen at `path`.

        Raises:
            ConfigError: see meeting.py.
        """
        return cls(listening(path, "camera.socket"), path)

    def wanted(self, timeout_s: float) -> bool:
        """Whether a recogniser is there that wants frames, waiting for one; notices that one has gone."""
        if self._peer is not None:
            if not select.select([self._peer], [], [], 0)[0]:
                return True
            self._drop()  # it never says anything: that there is something to read is its end
        if not select.select([self._server], [], [], timeout_s)[0]:
            return False
        with contextlib.suppress(OSError):
            peer, _ = self._server.accept()
            if is_of(peer, self._owner):
                peer.settimeout(_STALL_S)
                self._peer = peer
            else:
                peer.close()
        return self._peer is not None

    def hand(self, captured_ns: int, rgb: Rgb, luma: Luma, scale: int) -> None:
        """Give one frame to whoever is there; who does not take it is cut off, and comes again."""
        if self._peer is None:
            return
        self._number += 1
        try:
            self._peer.sendall(raw.packed(raw.Header(self._number, captured_ns, scale)))
            for part in (rgb, luma):
                self._peer.sendall(part.data.cast("B"))
        except OSError:
            self._drop()

    def _drop(self) -> None:
        if self._peer is not None:
            self._peer.close()
            self._peer = None

    def close(self) -> None:
        self._drop()
        self._server.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
