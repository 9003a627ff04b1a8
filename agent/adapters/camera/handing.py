"""The other end of `handed.py`: where `doorward rtsp` listens, and hands frames to the one recogniser.

Rules: nobody but the owner of the socket's path may connect to it; only the user who owns the path is served, one at a
time. Both, since in a namespace of users all but this one and root have the same number. Whoever takes no frame for
`_STALL_S` is cut off.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
from pathlib import Path
from typing import Final

from agent.adapters.camera import raw
from agent.errors import ConfigError
from agent.units import Luma, Rgb

_PATH_BYTES: Final = 107
_STALL_S: Final = 5.0
_CREDENTIALS: Final = struct.Struct("3i")
"""struct ucred: process, user and group, as the kernel knows them (unix(7), SO_PEERCRED)."""


class Handing:
    """One listening socket and at most one recogniser.

    Args:
        path: taken away at the end; None: the socket is systemd's and outlives this process.

    Raises:
        ConfigError: others than its owner may connect.
    """

    def __init__(self, server: socket.socket, path: Path | None = None) -> None:
        self._server, self._path = server, path
        found = os.stat(server.getsockname())
        if found.st_mode & 0o077:
            raise ConfigError(f"{server.getsockname()}: open to other users; its .socket needs SocketMode=0600")
        self._owner: Final = found.st_uid
        self._peer: socket.socket | None = None
        self._number = 0

    @classmethod
    def listen(cls, path: Path) -> Handing:
        """Listen at `path`; its folder must be the owner's alone and is made so if it is new.

        Raises:
            ConfigError: the folder is open to others, the path is too long for a socket, or it cannot be made.
        """
        if len(os.fsencode(path)) > _PATH_BYTES:
            raise ConfigError(f"{path}: longer than {_PATH_BYTES} bytes, too long for a socket; shorten camera.socket")
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.parent.stat().st_mode & 0o077:
                raise ConfigError(f"{path.parent}: open to other users; run 'chmod 700' on it")
            path.unlink(missing_ok=True)
            server.bind(str(path))
            path.chmod(0o600)
            server.listen(1)
        except OSError as error:
            server.close()
            raise ConfigError(f"{path}: cannot listen there ({error.strerror}); correct camera.socket") from None
        except ConfigError:
            server.close()
            raise
        return cls(server, path)

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
            _, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
            if uid == self._owner:
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
