"""Whether the recogniser does its work, said to systemd's watchdog: a process that only looks alive is ended.

Rules: fed only by both, a gate's outcome on a fresh frame and a commit that the disk took since the last feeding, or
answered with its plain word that there is no room: ending the process would make none (ADR 26). Where the policy keeps
the camera shut the commit alone does, and so it does while the camera itself says that it fails: it is opened again and
again, and a start would do no more (ADR 27). Refusing is an outcome; a frame of long ago is none, and neither is a
camera that does not even say so. Never fed without the threads that carry what is decided. A process that has grown
beyond what its unit allows ends itself, in order: many kernels of small boards do not hold it to that.
"""

from __future__ import annotations

from typing import Final

from agent.adapters.watchdog import Watchdog
from agent.app.measure import rss_kb
from agent.errors import DeviceError

GROWN_KB: Final = 600 * 1024
"""More than at its beginning, 150 MB or so: together `MemoryMax=` of doorward-recogniser.service."""
_FRESH_NS: Final = 2_000_000_000
"""A frame, and an outcome, of longer ago proves nothing about now."""


class Pulse:
    """Told of each of the two by the loop; times are monotonic nanoseconds.

    Args:
        grown_kb: a process that holds so much more memory than now ends, looked at before each feeding.
    """

    def __init__(self, watchdog: Watchdog, grown_kb: int = GROWN_KB) -> None:
        self._watchdog, self._most_kb = watchdog, rss_kb() + grown_kb
        self._judged_ns: int | None = None
        self._committed = False

    def begun(self) -> None:
        """Everything is open, the loop begins."""
        self._watchdog.ready()

    def judged(self, captured_ns: int, now_ns: int) -> None:
        """The gate has said what may be done with the frame that was captured then."""
        if now_ns - captured_ns <= _FRESH_NS:
            self._judged_ns = now_ns

    def shut(self, now_ns: int) -> None:
        """The policy keeps the camera shut: no frame is to be expected."""
        self._judged_ns = now_ns

    def failing(self, now_ns: int) -> None:
        """The camera has said by itself that it gives no frame, and is opened again."""
        self._judged_ns = now_ns

    def committed(self) -> None:
        """The disk has taken a row, or said that there is no room for it."""
        self._committed = True

    def beat(self, now_ns: int, *, carried: bool) -> None:
        """Feed the watchdog if it has earned it.

        Args:
            carried: every thread that carries events and telemetry away runs.

        Raises:
            DeviceError: the process has grown beyond what it may hold.
        """
        fresh = self._judged_ns is not None and now_ns - self._judged_ns <= _FRESH_NS
        if carried and self._committed and fresh:
            self._committed = False
            if (held_kb := rss_kb()) > self._most_kb:
                raise DeviceError(
                    f"memory: holds {held_kb // 1024} MB, and {self._most_kb // 1024} are allowed; the process ends, "
                    "to be started anew; tell who maintains this"
                )
            self._watchdog.feed()

    def ended(self) -> None:
        self._watchdog.stopping()
