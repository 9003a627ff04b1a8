"""USB cameras and others with a V4L2 driver, through OpenCV.

Rules: the driver keeps one frame, so that the newest is read; its own time of exposure counts where it says one. A
camera that goes silent is waited for no longer than `stall_s`, so that it is told and opened again. A driver that hangs
in the kernel is the eye's to notice: no time-out of this process ends that.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np

from agent.adapters.camera.exposed import DriverTime
from agent.adapters.fitting import HEIGHT, WIDTH, fitted, fitted_luma
from agent.errors import DeviceError
from agent.policy.frames import CapturedFrame
from agent.ports import Clock

_MJPG: Final = cv2.VideoWriter.fourcc(*"MJPG")
_SELECT_S: Final = "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"
"""Whole seconds that OpenCV waits for a frame; without it ten, which nobody can tell from a driver that hangs."""


def opened(device: str) -> cv2.VideoCapture:
    """The device as OpenCV opens it; closed when it cannot."""
    return cv2.VideoCapture(device, cv2.CAP_V4L2)


class V4l2Camera:
    """`ports.Camera` over a V4L2 device.

    Args:
        code_scale: luma for codes is taken so many times finer, if the camera can.
        backlight: the camera's own compensation, in its steps; None leaves it.
        stall_s: how long a frame is waited for; counts from the first camera of the process on.
        open_device: opens the device file; another one in tests.

    Raises:
        DeviceError: it cannot be opened, or has no compensation of backlight.
    """

    def __init__(
        self,
        device: str,
        clock: Clock,
        *,
        fps: int = 15,
        code_scale: int = 1,
        backlight: int | None = None,
        stall_s: float = 2.0,
        open_device: Callable[[str], Any] = opened,
    ) -> None:
        self._device, self._clock, self._scale = device, clock, code_scale
        self._number = 0
        os.environ[_SELECT_S] = str(math.ceil(stall_s))
        self._time = DriverTime(clock.monotonic_ns())
        self._video = open_device(device)
        if not self._video.isOpened():
            raise DeviceError(f"camera: {device}: cannot be opened; see to camera, cable and the group 'video'")
        # A camera that cannot do one of these does what is nearest; the picture is fitted anyway.
        for key, value in (
            (cv2.CAP_PROP_FOURCC, _MJPG),
            (cv2.CAP_PROP_FRAME_WIDTH, WIDTH * code_scale),
            (cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT * code_scale),
            (cv2.CAP_PROP_FPS, fps),
            (cv2.CAP_PROP_BUFFERSIZE, 1),
        ):
            self._video.set(key, value)
        if backlight is not None and not self._video.set(cv2.CAP_PROP_BACKLIGHT, backlight):
            self._video.release()
            raise DeviceError(f"camera: {device}: cannot compensate backlight; remove camera.backlight")

    def read(self, timeout_s: float) -> CapturedFrame | None:
        """The next frame.

        Raises:
            DeviceError: the camera gives none; it was unplugged, or its driver has timed out. Or what it says of time
                cannot be.
        """
        before_ns = self._clock.monotonic_ns()
        self._wait(timeout_s)
        done, bgr = self._video.read()
        now_ns = self._clock.monotonic_ns()
        if not done or bgr is None:
            raise DeviceError(f"camera: {self._device}: gives no frame; see to camera and cable")
        if now_ns - before_ns > timeout_s * 1e9:
            raise DeviceError(f"camera: {self._device}: no frame within {timeout_s:g} s; see to camera and cable")
        taken = np.asarray(bgr, np.uint8)
        stamp_ns = round(self._video.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
        number, self._number = self._number, self._number + 1
        captured_ns = self._time.exposed_ns(stamp_ns, now_ns)
        return CapturedFrame(number, captured_ns, fitted(taken), fitted_luma(taken, self._scale))

    def _wait(self, timeout_s: float) -> None:
        """OpenCV by itself waits ten seconds for a driver that gives nothing, whatever it is told."""
        if self._video.getBackendName() != "V4L2":
            return  # a file's next frame is there
        try:
            ready, _ = cv2.VideoCapture.waitAny([self._video], timeoutNs=round(timeout_s * 1e9))
        except cv2.error:  # the driver has reported an error
            raise DeviceError(f"camera: {self._device}: gives no frame; see to camera and cable") from None
        if not ready:
            raise DeviceError(f"camera: {self._device}: no frame within {timeout_s:g} s; see to camera and cable")

    def close(self) -> None:
        self._video.release()
