"""A stand-in for picamera2: as much of its way of working as the adapter uses, and cameras' bad manners on demand."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from agent.adapters.camera.picamera import PiCamera
from agent.units import Luma

CONTROLS = (
    "AeExposureMode", "AeMeteringMode", "AfMode", "ExposureValue", "FrameDurationLimits", "HdrMode", "LensPosition",
)  # fmt: skip


class Request:
    """A frame that belongs to the camera until it is released; then its memory is used again."""

    def __init__(self, camera: StandIn, streams: dict[str, Luma]) -> None:
        self.config = camera.config
        self.streams = streams
        self._camera = camera
        camera.borrowed += 1

    def get_metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": time.monotonic_ns() - 1_000_000, **self._camera.about}

    def release(self) -> None:
        self._camera.borrowed -= 1
        for each in self.streams.values():
            each[:] = 255  # the next frame is written over it


class StandIn:
    """Implements what `PiCamera` uses of `Picamera2`."""

    def __init__(
        self, controls: tuple[str, ...] = CONTROLS, stride_more: int = 0, only: tuple[int, int] | None = None
    ) -> None:
        self.camera_controls = {name: (0, 1, 0) for name in controls}
        self.about: dict[str, Any] = {}
        self.luma = 120
        self.borrowed = self.taken = 0
        self.told: list[dict[str, Any]] = []
        self.started = self.closed = self.stalled = self.stuck = False
        self.config: dict[str, Any] = {}
        self.modes: list[tuple[int, bool]] = []
        self._more = stride_more
        self._only = only
        """The one size that it has; None: any."""
        self._asked: list[threading.Event] = []

    def opened(self, number: int, hdr_of_sensor: bool) -> tuple[StandIn, Any]:
        self.modes.append((number, hdr_of_sensor))
        return self, mapped

    def create_video_configuration(self, **about: Any) -> dict[str, Any]:
        self.told.append(about["controls"])
        return about

    def configure(self, about: dict[str, Any]) -> None:
        self.config = {}
        for name in ("main", "lores"):
            if name in about:
                size = self._only or about[name]["size"]  # libcamera takes the nearest, without an error
                self.config[name] = {**about[name], "size": size, "stride": size[0] + self._more}

    def camera_configuration(self) -> dict[str, Any]:
        return self.config

    def start(self) -> None:
        self.started = True

    def capture_request(self, wait: bool) -> threading.Event:
        assert self.started and not wait
        self._asked.append(threading.Event())
        return self._asked[-1]

    def wait(self, job: threading.Event, timeout: float) -> Request:
        if self.stalled:
            job.wait(timeout)
            raise TimeoutError
        time.sleep(0.01)
        self._asked.remove(job)
        self.taken += 1
        streams = {}
        for name, about in self.config.items():
            (width, height), stride = about["size"], about["stride"]
            array = np.full(stride * height * 3 // 2, 128, np.uint8)
            array[: stride * height].reshape(height, stride)[:, :width] = self.luma + self.taken % 3
            streams[name] = array
        return Request(self, streams)

    def set_controls(self, controls: dict[str, Any]) -> None:
        self.told.append(controls)

    def stop(self) -> None:
        """Waits behind what was asked for before: for ever, if that is a frame that does not come."""
        self.stuck = bool(self._asked)
        assert not self.stuck
        self.started = False

    def close(self) -> None:
        """Stops it too, and waits for nobody."""
        self.started, self.closed = False, True


@contextlib.contextmanager
def mapped(request: Request, stream: str) -> Iterator[Any]:
    class View:
        array = request.streams[stream]

    yield View


def light(camera: PiCamera) -> float:
    """Mean luma of the next frame."""
    frame = camera.read(1.0)
    assert frame is not None and frame._luma is not None
    return float(frame._luma.mean())
