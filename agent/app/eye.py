"""The camera's thread: it reads, and the main loop always gets the newest frame.

Rules: one slot, no queue: a frame that is not taken in time is dropped unseen, and so are some while the machine is
under strain. A camera that fails in whatever way, or hangs, is reported once, counted, and opened again after a pause
that grows; meanwhile there are no frames, and that is a refusal. One that fails for very long ends the process: its
software may hold what only a new process lets go of. Whether the thread comes back from the camera's code is known at
any time: only one that does not is beyond help from here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from agent.app.reopening import pause_s
from agent.app.strain import Strain
from agent.errors import DeviceError, DoorwardError
from agent.policy.frames import CapturedFrame
from agent.ports import Camera, MeteredCamera
from agent.units import Box

_GRACE_S: Final = 1.0
"""A camera is to say by itself that no frame came in time; one that does not even say so hangs."""

_METER_S: Final = 1.0
"""A wish for an exposure holds this long; while somebody waits in bad light it is said on every frame."""


LOST_S: Final = 1800.0
"""Longer than the quarter of an hour for which wrong tokens count: a start counts them anew, see ADR 27."""


class Eye:
    """Opens the camera when told to, never before.

    Args:
        open_camera: makes the camera; called on the eye's own thread.
        stall_s: a camera that gives nothing for this long has failed.
        report: told once about each failure, in one line without anything personal.
        strain: says how many frames the machine is spared.
        lost_s: one that has failed for this long is for another process to open.
    """

    def __init__(
        self,
        open_camera: Callable[[], Camera],
        stall_s: float,
        report: Callable[[str], None],
        strain: Strain,
        lost_s: float = LOST_S,
    ) -> None:
        self.strain: Final = strain
        self.restarts = 0
        """How often the camera was opened again because it had failed."""
        self._open = open_camera
        self._stall_s = stall_s
        self._report, self._lost_s = report, lost_s
        self._ready = threading.Condition()
        self._frame: CapturedFrame | None = None
        self._failed_s: float | None = None
        """Since when it has failed without a frame, on the monotonic clock; None: it has not."""
        self._over = False
        self._taken_s = self._heard_s = 0.0
        """When a frame was taken, and when the camera last gave one, on the monotonic clock."""
        self._inside_s: float | None = None
        """Since when the thread has not come back from the camera's code; None: it is not in there."""
        self._wish: tuple[Box | None, float] = (None, 0.0)
        """Part of the picture to expose for, and until when."""
        self._closing = threading.Event()
        """Of the thread that runs; a new thread gets a new one, lest one that hangs comes back to life."""
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        if self._thread is None:
            self._closing, self._inside_s = threading.Event(), time.monotonic()
            self._failed_s = None if self._failed_s is None else self._inside_s
            self._thread = threading.Thread(target=self._run, args=(self._closing,), name="eye", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(self._stall_s + _GRACE_S)
            self._thread = None
        self._frame = self._inside_s = None

    @property
    def over(self) -> bool:
        """A recording or scene has come to its end and every frame was offered."""
        return self._over and self._frame is None

    @property
    def failed(self) -> bool:
        return self._failed_s is not None

    @property
    def hangs(self) -> bool:
        """The thread is in the camera's code and should have come back from it by now, with a frame or a reason."""
        since_s = self._inside_s
        return since_s is not None and time.monotonic() - since_s > self._stall_s + _GRACE_S

    def meter(self, region: Box) -> None:
        """Let a camera that can expose for this part of its picture, until `_METER_S` after the last such wish."""
        self._wish = region, time.monotonic() + _METER_S

    def take(self, timeout_s: float) -> CapturedFrame | None:
        """The newest frame that was not taken yet; None when none came in time.

        Raises:
            DeviceError: the camera has failed for so long that only another process may still open it.
        """
        early_s = self._taken_s + self.strain.gap_s() - time.monotonic()
        if early_s > 0:  # what comes meanwhile is replaced by what is newer
            time.sleep(min(early_s, timeout_s))
            if early_s > timeout_s:
                return None
        with self._ready:
            self._ready.wait_for(lambda: self._frame is not None or self._over or self.failed, timeout_s)
            frame, self._frame = self._frame, None
        if frame is not None:
            self._taken_s = time.monotonic()
        failed_s = self._failed_s
        if failed_s is not None and time.monotonic() - failed_s > self._lost_s:
            since = f"for {self._lost_s / 60:g} minutes"
            raise DeviceError(
                f"camera: fails {since}; the process ends, since a new one may open it; see to the camera"
            )
        if frame is None and self.hangs and failed_s is None:
            self._fail(f"camera: hangs: neither frame nor reason for {self._stall_s + _GRACE_S:g} s; see to its driver")
        return frame

    def _run(self, closing: threading.Event) -> None:
        failures = 0
        while not closing.is_set() and not self._over:
            before_s = self._heard_s
            self._within(closing, True)
            try:
                self._watch(self._open(), closing)
            except DoorwardError as error:
                reason = str(error)
            except Exception as error:  # a driver's or a decoder's own; without its text, which could hold anything
                reason = f"camera: failed ({type(error).__name__}); see to camera and driver"
            else:
                self._within(closing, False)
                return
            if not closing.is_set():
                self._within(closing, False)
                self._fail(reason)
                failures = 0 if self._heard_s > before_s else failures
                wait_s, failures = pause_s(failures), failures + 1
                if not closing.wait(wait_s):
                    self.restarts += 1

    def _watch(self, camera: Camera, closing: threading.Event) -> None:
        try:
            while not closing.is_set():
                if isinstance(camera, MeteredCamera):
                    region, until_s = self._wish
                    camera.meter(region if time.monotonic() < until_s else None)
                frame = camera.read(self._stall_s)
                if closing.is_set():
                    return
                with self._ready:
                    self._frame, self._failed_s, self._over = frame or self._frame, None, frame is None
                    self._heard_s = time.monotonic()
                    self._ready.notify()
                self._within(closing, frame is not None)
                if frame is None:
                    return
        finally:
            camera.close()

    def _within(self, closing: threading.Event, inside: bool) -> None:
        """It enters the camera's code, or enters it anew, or has come out of it; one that was given up says nothing."""
        if not closing.is_set():
            self._inside_s = time.monotonic() if inside else None

    def _fail(self, reason: str) -> None:
        with self._ready:
            first, self._frame = not self.failed, None
            if first:
                self._failed_s = time.monotonic()
            self._ready.notify()
        if first:
            self._report(reason)
