"""Whether the recogniser does its work, said to systemd's watchdog: a process that only looks alive is ended.

Rules: fed only by both, a gate's outcome on a fresh frame and a commit that the disk took since the last feeding, or
answered with its plain word that there is no room: ending the process would make none (ADR 26). Where the policy keeps
the camera shut the commit alone does. Refusing is an outcome; a frame of long ago is none.
"""

from __future__ import annotations

from typing import Final

from agent.adapters.watchdog import Watchdog

_FRESH_NS: Final = 2_000_000_000
"""A frame, and an outcome, of longer ago proves nothing about now."""


class Pulse:
    """Told of each of the two by the loop; times are monotonic nanoseconds."""

    def __init__(self, watchdog: Watchdog) -> None:
        self._watchdog = watchdog
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

    def committed(self) -> None:
        """The disk has taken a row, or said that there is no room for it."""
        self._committed = True

    def beat(self, now_ns: int) -> None:
        """Feed the watchdog if it has earned it."""
        if self._committed and self._judged_ns is not None and now_ns - self._judged_ns <= _FRESH_NS:
            self._committed = False
            self._watchdog.feed()

    def ended(self) -> None:
        self._watchdog.stopping()
