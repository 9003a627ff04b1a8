"""What systemd hands to a service and hears from it: the listening socket, "ready", and that it is alive.

Rules: without systemd nothing of this is there, and nothing happens. A word that does not get through is lost: then
systemd ends the process, which is what it is for. Sources: sd_notify(3), sd_listen_fds(3).
Leaves out: when the watchdog is fed (app/pulse.py).
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Final

from agent.errors import ConfigError

_NOTIFY: Final = "NOTIFY_SOCKET"
_FIRST: Final = 3
"""SD_LISTEN_FDS_START."""


class Watchdog:
    """The way to systemd.

    Args:
        address: path of its socket, or `@` and an abstract name; None: nobody is there to be told.
    """

    def __init__(self, address: str | None) -> None:
        self._address: Final = None if address is None else address.replace("@", "\0", 1)

    def ready(self) -> None:
        """The service does what it is for; before this its start is not over."""
        self._tell(b"READY=1")

    def feed(self) -> None:
        """It is alive, and need not be ended before WatchdogSec= is over once more."""
        self._tell(b"WATCHDOG=1")

    def stopping(self) -> None:
        self._tell(b"STOPPING=1")

    def _tell(self, word: bytes) -> None:
        if self._address is None:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(word, self._address)


def watchdog() -> Watchdog:
    """As the environment says; processes that this one starts are not told."""
    return Watchdog(os.environ.pop(_NOTIFY, None))


def handed_over() -> socket.socket | None:
    """The listening AF_UNIX socket of the unit's own `.socket`; None: systemd handed over nothing.

    Raises:
        ConfigError: more than one, or another kind of socket.
    """
    given = {name: os.environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")}
    if given["LISTEN_PID"] != str(os.getpid()):
        return None
    try:
        if given["LISTEN_FDS"] != "1":
            raise ValueError
        server = socket.socket(fileno=_FIRST)
        server.set_inheritable(False)
        if (server.family, server.type) != (socket.AF_UNIX, socket.SOCK_STREAM) or not server.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            raise ValueError
    except (OSError, ValueError):
        raise ConfigError("unit: needs one .socket with one ListenStream= path; install the units anew") from None
    return server
