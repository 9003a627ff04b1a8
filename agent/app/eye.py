"""The camera's thread: it reads, and the main loop always gets the newest frame.

Rules: one slot, no queue: a frame that is not taken in time is dropped unseen. A camera that fails is closed, reported
once, and opened again after a pause; meanwhile there are no frames, and that is a refusal.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from agent.errors import DeviceError
from agent.policy.frames import CapturedFrame
from agent.ports import Camera

_PAUSE_S: Final = 1.0


class Eye:
    """Opens the camera when told to, never before.

    Args:
        open_camera: makes the camera; called on the eye's own thread.
        stall_s: a camera that gives nothing for this long has failed.
        report: told once about each failure, in one line without anything personal.
    """

    def __init__(self, open_camera: Callable[[], Camera], stall_s: float, report: Callable[[str], None]) -> None:
        self._open = open_camera
        self._stall_s = stall_s
        self._report = report
        self._ready = threading.Condition()
        self._frame: CapturedFrame | None = None
        self._failed = False
        self._over = False
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        if self._thread is None:
            self._closing.clear()
            self._thread = threading.Thread(target=self._run, name="eye", daemon=True)
            self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread is not None:
            self._thread.join(self._stall_s + 1)
            self._thread = None
        self._frame = None

    @property
    def over(self) -> bool:
        """A recording or scene has come to its end and every frame was offered."""
        return self._over and self._frame is None

    @property
    def failed(self) -> bool:
        return self._failed

    def take(self, timeout_s: float) -> CapturedFrame | None:
        """The newest frame that was not taken yet; None when none came in time."""
        with self._ready:
            self._ready.wait_for(lambda: self._frame is not None or self._over or self._failed, timeout_s)
            frame, self._frame = self._frame, None
            return frame

    def _run(self) -> None:
        while not self._closing.is_set() and not self._over:
            try:
                self._watch(self._open())
            except DeviceError as error:
                self._fail(str(error))
                self._closing.wait(_PAUSE_S)

    def _watch(self, camera: Camera) -> None:
        try:
            while not self._closing.is_set():
                frame = camera.read(self._stall_s)
                with self._ready:
                    self._frame, self._failed, self._over = frame or self._frame, False, frame is None
                    self._ready.notify()
                if frame is None:
                    return
        finally:
            camera.close()

    def _fail(self, reason: str) -> None:
        with self._ready:
            first, self._failed, self._frame = not self._failed, True, None
            self._ready.notify()
        if first:
            self._report(reason)
