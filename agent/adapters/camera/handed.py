"""The recogniser's end of a network camera: pictures that `doorward rtsp` hands over through an AF_UNIX socket.

Rules: the recogniser has no network and decodes nothing here; bytes go straight into the frame that they become.
`read` keeps its deadline whatever the other process does: stopped, frozen, or sending a byte at a time. A frame that
says it comes from the future, or goes back, ends the connection. Leaves out: connecting again (app/eye.py).
"""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Final

import numpy as np

from agent.adapters.camera import raw
from agent.adapters.fitting import HEIGHT, WIDTH
from agent.errors import DeviceError
from agent.policy.frames import CapturedFrame
from agent.ports import Clock

_CONNECT_S: Final = 1.0


class HandedCamera:
    """`ports.Camera` over the socket of `doorward rtsp`; the camera is open while this is.

    Raises:
        DeviceError: nobody listens there.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._number, self._last_ns = -1, 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_CONNECT_S)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            reason = error.strerror or "no answer"
            raise DeviceError(f"camera: {path}: {reason}; see that 'doorward rtsp' runs, and camera.socket") from None

    def read(self, timeout_s: float) -> CapturedFrame | None:
        """The next frame.

        Raises:
            DeviceError: none was whole within `timeout_s`, the other process has ended, or it sent no frame.
        """
        until_s = time.monotonic() + timeout_s
        head = bytearray(raw.SIZE)
        self._fill(memoryview(head), until_s, timeout_s)
        header = raw.read(bytes(head))
        rgb, luma = np.empty((HEIGHT, WIDTH, 3), np.uint8), np.empty(header.luma_shape, np.uint8)
        for part in (rgb, luma):
            self._fill(part.data.cast("B"), until_s, timeout_s)
        if header.number <= self._number or not self._last_ns <= header.captured_ns <= self._clock.monotonic_ns():
            raise DeviceError("camera: a frame goes back, or comes from the future; start 'doorward rtsp' again")
        self._number, self._last_ns = header.number, header.captured_ns
        return CapturedFrame(header.number, header.captured_ns, rgb, luma)

    def _fill(self, part: memoryview, until_s: float, timeout_s: float) -> None:
        got = 0
        while got < len(part):
            left_s = until_s - time.monotonic()
            try:
                if left_s <= 0:
                    raise TimeoutError
                self._socket.settimeout(left_s)
                count = self._socket.recv_into(part[got:])
            except TimeoutError:
                raise DeviceError(
                    f"camera: no frame within {timeout_s:g} s; see to the camera, its network and 'doorward rtsp'"
                ) from None
            except OSError as error:
                raise DeviceError(f"camera: {self._path}: {error.strerror}; start 'doorward rtsp' again") from None
            if count == 0:
                raise DeviceError("camera: 'doorward rtsp' has ended, or turned this process away; see what it says")
            got += count

    def close(self) -> None:
        self._socket.close()
