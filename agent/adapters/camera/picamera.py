"""A camera of the Raspberry Pi's own connector, through picamera2, which is imported when one is opened and not before.

Rules: a frame is borrowed, turned into RGB and luma in one pass each, and given back at once: whoever keeps one stops
the camera, for it has few. The low-resolution stream is the recognition picture; the main stream is only there to read
codes farther away. picamera2 and libcamera come from the system (Raspberry Pi OS's python3-picamera2).
Leaves out: opening it again when it fails (app/eye.py).
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import cv2
import numpy as np

from agent.adapters.camera.exposed import DriverTime
from agent.adapters.fitting import HEIGHT, WIDTH
from agent.errors import DeviceError
from agent.policy.frames import CapturedFrame
from agent.ports import Clock
from agent.units import Box, Luma, Rgb

_TO_RGB: Final = {"YUV420": cv2.COLOR_YUV2RGB_I420, "NV12": cv2.COLOR_YUV2RGB_NV12}
_METERING: Final = {"centre": 0, "spot": 1, "matrix": 2}
"""libcamera's AeMeteringMode."""
_EXPOSURE: Final = {"normal": 0, "short": 1}
"""libcamera's AeExposureMode."""
_HDR_SINGLE: Final = 4
"""libcamera's HdrModeSingleExposure, which the processor of a Pi 5 does by itself."""
_MANUAL_FOCUS: Final = 0
_GREY: Final = 110.0
"""Mean luma that a metered part is exposed to."""
_STOPS: Final = 3.0
_DUSK_LUX, _DAWN_LUX = 3.0, 10.0
_STEADY_FRAMES: Final = 45
"""The filter moves when it has been dark, or light, for so many frames on end: headlights do not move it."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the camera is set up; the words are those of the device config."""

    fps: int = 15
    code_scale: int = 1
    upside_down: bool = False
    exposure: Literal["normal", "short"] = "normal"
    metering: Literal["centre", "spot", "matrix"] = "centre"
    brighter_ev: float = 0.0
    hdr: Literal["off", "sensor", "processor"] = "off"
    focus_m: float | None = None
    """None: as the lens comes."""


class Filter(Protocol):
    """The filter against infrared light in front of a day and night camera."""

    def by_day(self, day: bool) -> None: ...

    def close(self) -> None: ...


Mapped = Callable[[Any, str], contextlib.AbstractContextManager[Any]]
"""A borrowed request and the name of a stream -> a context with `.array`, the stream's bytes as the camera has them."""


def opened(number: int, hdr_of_sensor: bool) -> tuple[Any, Mapped]:
    """The camera of that number as picamera2 opens it, and how its buffers are looked into.

    Raises:
        DeviceError: there is no picamera2, or no such sensor.
    """
    try:
        from picamera2 import MappedArray, Picamera2
    except ImportError:
        raise DeviceError(
            "camera: picamera2 is not there; run 'sudo apt install python3-picamera2', or choose another camera.kind"
        ) from None
    if hdr_of_sensor:
        from picamera2.devices.imx708 import IMX708

        numbers = [about["Num"] for about in Picamera2.global_camera_info()]  # picamera2's own order is another
        try:
            with IMX708(numbers[number]) as sensor:  # only while nobody has it open
                sensor.set_sensor_hdr_mode(True)
        except (IndexError, RuntimeError):
            raise DeviceError("camera: cannot do camera.hdr = 'sensor' (no Camera Module 3); remove that key") from None
    camera = Picamera2.__new__(Picamera2)
    try:
        camera.__init__(number)
    except Exception:
        with contextlib.suppress(Exception):
            if not camera.is_open:
                os.close(camera.notifyme_w)  # it leaves this open, and the eye tries again and again
        raise
    return camera, lambda request, stream: MappedArray(request, stream, reshape=False, write=False)


class PiCamera:
    """`ports.MeteredCamera` over picamera2.

    Args:
        ir_cut: moved by day and by night, and closed with the camera; None: there is no such filter.
        open_camera: as `opened`; a subclass of it, or a stand-in, in tests.
        pixels: what the camera gives; a Pi's own gives either.

    Raises:
        DeviceError: there is no such camera, another program has it, or it cannot do what `look` says.
    """

    def __init__(
        self,
        number: int,
        clock: Clock,
        look: Look,
        *,
        ir_cut: Filter | None = None,
        open_camera: Callable[[int, bool], tuple[Any, Mapped]] = opened,
        pixels: Literal["YUV420", "NV12"] = "YUV420",
    ) -> None:
        self._clock, self._look, self._ir_cut = clock, look, ir_cut
        self._number = 0
        self._ev = look.brighter_ev
        self._region: Box | None = None
        self._day, self._steady = True, 0
        self._camera: Any = None
        self._time = DriverTime(clock.monotonic_ns())
        try:
            self._camera, self._mapped = open_camera(number, look.hdr == "sensor")
            self._start(pixels)
        except DeviceError:
            self.close()
            raise
        except Exception as error:  # picamera2 and libcamera raise whatever they like
            self.close()
            raise DeviceError(
                f"camera: number {number} does not start ({type(error).__name__}); see to cable, camera.number and "
                "whether another program uses it"
            ) from None
        if ir_cut is not None:
            ir_cut.by_day(True)

    def _start(self, pixels: str) -> None:
        look, camera = self._look, self._camera
        streams: dict[str, Any] = {
            "main": {"size": (WIDTH * look.code_scale, HEIGHT * look.code_scale), "format": pixels}
        }
        self._picture = "main"
        if look.code_scale > 1:
            streams["lores"] = {"size": (WIDTH, HEIGHT), "format": pixels}
            self._picture = "lores"
        camera.configure(
            camera.create_video_configuration(
                **streams, buffer_count=4, queue=False, controls=self._controls(), **self._turned()
            )
        )
        self._given(streams)
        camera.start()

    def _given(self, streams: dict[str, Any]) -> None:
        """libcamera puts what it can in the place of what it cannot, without an error: see what it has become."""
        given = self._camera.camera_configuration()
        for name, asked in streams.items():
            if (size := tuple(given[name]["size"])) != asked["size"]:
                raise DeviceError(
                    f"camera: gives {size[0]} x {size[1]} where {asked['size'][0]} x {asked['size'][1]} was asked for; "
                    "choose another code_scale, or another camera"
                )

    def _turned(self) -> dict[str, Any]:
        if not self._look.upside_down:
            return {}
        from libcamera import Transform

        return {"transform": Transform(hflip=True, vflip=True)}

    def _controls(self) -> dict[str, Any]:
        """What the camera is told at start. What is asked for and it does not have is a fault, never left out."""
        look, has = self._look, self._camera.camera_controls
        frame_us = 1_000_000 // look.fps
        wanted: dict[str, tuple[str, Any]] = {}
        if look.metering != "centre":
            wanted["AeMeteringMode"] = "metering", _METERING[look.metering]
        if look.exposure != "normal":
            wanted["AeExposureMode"] = "exposure", _EXPOSURE[look.exposure]
        if look.brighter_ev:
            wanted["ExposureValue"] = "brighter_ev", look.brighter_ev
        if look.hdr == "processor":
            wanted["HdrMode"] = "hdr", _HDR_SINGLE
        if look.focus_m is not None:
            wanted["AfMode"] = "focus_m", _MANUAL_FOCUS
            wanted["LensPosition"] = "focus_m", 1 / look.focus_m  # in dioptres
        for control, (key, _) in wanted.items():
            if control not in has:
                raise DeviceError(f"camera: cannot do camera.{key} (it has no {control}); remove that key")
        return {"FrameDurationLimits": (frame_us, frame_us), **{name: value for name, (_, value) in wanted.items()}}

    def read(self, timeout_s: float) -> CapturedFrame | None:
        """The next frame.

        Raises:
            DeviceError: none came within `timeout_s`, or what the camera says of time cannot be.
        """
        job = self._camera.capture_request(wait=False)
        try:
            request = self._camera.wait(job, timeout=timeout_s)
        except (TimeoutError, TookTooLong):
            raise DeviceError(f"camera: no frame within {timeout_s:g} s; see to camera and cable") from None
        try:
            rgb, luma = self._pixels(request)
            about = request.get_metadata()
        finally:
            request.release()
        self._expose(luma)
        self._by_light(about.get("Lux"))
        number, self._number = self._number, self._number + 1
        captured_ns = self._time.exposed_ns(int(about.get("SensorTimestamp", 0)), self._clock.monotonic_ns())
        return CapturedFrame(number, captured_ns, rgb, luma)

    def _pixels(self, request: Any) -> tuple[Rgb, Luma]:
        """RGB and luma of a borrowed request: one pass for each, and no other copy."""
        with self._mapped(request, self._picture) as mapped:
            rows, form = _rows(mapped.array, request.config[self._picture])
            rgb = np.asarray(cv2.cvtColor(rows, form), np.uint8)[:, :WIDTH]
            if self._picture == "main":
                return rgb, rows[:HEIGHT, :WIDTH].copy()
        scale = self._look.code_scale
        with self._mapped(request, "main") as mapped:
            rows, _ = _rows(mapped.array, request.config["main"])
            return rgb, rows[: HEIGHT * scale, : WIDTH * scale].copy()

    def meter(self, region: Box | None) -> None:
        """Implements `ports.MeteredCamera`: from the next frames on; libcamera knows no such part, so by its bias."""
        self._region = region

    def _expose(self, luma: Luma) -> None:
        """A quarter of the way to the wanted exposure with each frame, in stops; without a part, to the config's."""
        wanted, region, scale = self._look.brighter_ev, self._region, self._look.code_scale
        if region is not None:
            x0, y0, x1, y1 = (max(0, int(side * scale)) for side in (region.x0, region.y0, region.x1, region.y1))
            seen = luma[y0:y1, x0:x1]
            if seen.size:
                wanted = self._ev + math.log2(_GREY / max(1.0, float(seen.mean())))
        wanted = min(_STOPS, max(-_STOPS, wanted)) if region is not None else wanted
        step = (wanted - self._ev) / 4
        if abs(step) < 0.02 or "ExposureValue" not in self._camera.camera_controls:
            return
        self._ev += step
        self._camera.set_controls({"ExposureValue": self._ev})

    def _by_light(self, lux: float | None) -> None:
        """Move the filter when it has become dark or light for a while."""
        if self._ir_cut is None or lux is None:
            return
        other = lux < _DUSK_LUX if self._day else lux > _DAWN_LUX
        self._steady = self._steady + 1 if other else 0
        if self._steady >= _STEADY_FRAMES:
            self._day, self._steady = not self._day, 0
            self._ir_cut.by_day(self._day)

    def close(self) -> None:
        """Give the camera back; safe to call twice.

        Never by picamera2's `stop`: that waits its turn behind each frame that was asked for, and a camera that stalls
        gives none. Its `close` ends whatever waits, and stops too.
        """
        camera, self._camera = self._camera, None
        if camera is not None:
            with contextlib.suppress(Exception):  # it has failed already, and is to be opened again
                camera.close()
        if self._ir_cut is not None:
            self._ir_cut.close()


def _rows(array: Luma, about: Any) -> tuple[Luma, int]:
    """A borrowed picture in rows, luma above the two of colour: (height * 3 / 2, stride), and OpenCV's way to RGB."""
    (width, height), stride, form = about["size"], about["stride"], str(about["format"])
    if form not in _TO_RGB or (form == "YUV420" and stride != width):
        raise DeviceError(f"camera: gives {form} with {stride} bytes a line of {width}; choose another code_scale")
    return array[: stride * height * 3 // 2].reshape(height * 3 // 2, stride), _TO_RGB[form]
