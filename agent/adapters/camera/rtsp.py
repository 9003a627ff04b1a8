"""A camera of the network, decoded with OpenCV's FFmpeg, in the process that has the network and no keys.

Rules: every wait of FFmpeg has a time-out, and none of them is trusted: a frozen server has held `read` three times as
long as it was told, so app/rtsp.py watches from outside. What FFmpeg says names the address; it is silenced.
"""

from __future__ import annotations

import os
import time
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import cv2
import numpy as np

from agent.adapters.camera.exposed import StreamTime
from agent.adapters.fitting import fitted, fitted_luma
from agent.errors import DeviceError
from agent.units import Luma, Rgb

_OPEN_MS: Final = 5_000


def address_with(address: str, user: str | None, password: str | None) -> str:
    """The address as FFmpeg takes it; it never leaves this process."""
    if user is None:
        return address
    parts = urlsplit(address)
    login = quote(user, safe="") + ("" if password is None else ":" + quote(password, safe=""))
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))


class RtspStream:
    """One connection to a camera.

    Args:
        address: with the login in it.
        stall_s: FFmpeg is told to wait no longer than this for a frame.

    Raises:
        DeviceError: there is no stream. FFmpeg does not tell why.
    """

    def __init__(self, address: str, *, transport: str, code_scale: int, stall_s: float) -> None:
        self._scale, self._time = code_scale, StreamTime()
        # Read by OpenCV when it opens; `timeout` is that of the socket, in microseconds.
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = (
            f"rtsp_transport;{transport}|timeout;{round(stall_s * 1e6)}|fflags;nobuffer|max_delay;200000"
        )
        waits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(stall_s * 1000)]
        self._video = cv2.VideoCapture(address, cv2.CAP_FFMPEG, waits)
        if not self._video.isOpened():
            raise DeviceError(
                "camera: no stream; see whether it is reachable, to camera.address, to camera.user and password_file"
            )

    def read(self) -> tuple[int, Rgb, Luma]:
        """Exposure (monotonic ns), RGB and luma of the next frame that can be dated, decoded and fitted.

        Raises:
            DeviceError: the stream has ended or is broken, or stays behind.
        """
        while True:
            done, bgr = self._video.read()
            now_ns = time.monotonic_ns()
            if not done or bgr is None:
                raise DeviceError("camera: the stream has ended; see to the camera and its network")
            captured_ns = self._time.exposed_ns(round(self._video.get(cv2.CAP_PROP_POS_MSEC) * 1e6), now_ns)
            if captured_ns is not None:
                taken = np.asarray(bgr, np.uint8)
                return captured_ns, fitted(taken), fitted_luma(taken, self._scale)

    def close(self) -> None:
        self._video.release()
