"""Where two processes of this device meet: a listening AF_UNIX socket, and only the user who owns it is served.

Rules: the socket's folder is the owner's alone, or the socket is systemd's and its owner is the unit's. Leaves out:
what is said there.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path
from typing import Final

from agent.errors import ConfigError

_PATH_BYTES: Final = 107
"""`sun_path` without its end (unix(7))."""
_CREDENTIALS: Final = struct.Struct("3i")
"""struct ucred: process, user and group, as the kernel knows them (unix(7), SO_PEERCRED)."""


def listening(path: Path, named: str) -> socket.socket:
    """Listen at `path`; its folder must be the owner's alone and is made so if it is new.

    Args:
        named: what of the device config is to be corrected where that does not go.

    Raises:
        ConfigError: the folder is open to others, the path is too long for a socket, or it cannot be made.
    """
    if len(os.fsencode(path)) > _PATH_BYTES:
        raise ConfigError(f"{path}: longer than {_PATH_BYTES} bytes, too long for a socket; shorten {named}")
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
        raise ConfigError(f"{path}: cannot listen there ({error.strerror}); correct {named}") from None
    except ConfigError:
        server.close()
        raise
    return server


def owner(server: socket.socket) -> int:
    """The user who owns the path of a listening socket.

    Raises:
        ConfigError: others may connect there.
    """
    found = os.stat(server.getsockname())
    if found.st_mode & 0o077:
        raise ConfigError(f"{server.getsockname()}: open to other users; its .socket needs SocketMode=0600")
    return found.st_uid


def is_of(peer: socket.socket, user: int) -> bool:
    """Whether a process of this user is at the other end."""
    _, found, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return bool(found == user)


def shut(end: socket.socket) -> None:
    """Wake whoever waits on this end, wherever they wait: there is nothing more to come."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
