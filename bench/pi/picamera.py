"""`agent/adapters/camera/picamera.py` on the real picamera2, in the guest."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from agent.adapters.camera.picamera import Look, PiCamera
from agent.adapters.clock import SystemClock
from agent.errors import DeviceError
from agent.policy.frames import CapturedFrame
from agent.units import Box
from bench.pi import Found
from bench.pi.frames import FLAT_MB, rows, watched
from bench.pi.process import descriptors, resident_mb, threads
from bench.pi.restarts import STALL_S, restarted

_FRAMES: Final = {2: 500, 1: 100, 3: 30}
"""How many are read at each code_scale."""
_BARS: Final = {
    "white": (255, 255, 255), "yellow": (255, 255, 0), "cyan": (0, 255, 255), "green": (0, 255, 0),
    "magenta": (255, 0, 255), "red": (255, 0, 0), "blue": (0, 0, 255), "black": (0, 0, 0),
}  # fmt: skip
_NEAR: Final = 60
"""The bars go through YUV of a television's range and back."""
_TIMES: Final = 10
_NOT_HERE: Final = "not on a virtual camera"


def proven(found: Found) -> None:
    _controls(found)
    _wrong(found)
    _stalled(found)
    _again(found)
    for scale, count in _FRAMES.items():
        _frames(found, scale, count)


def opened(look: Look | None = None) -> PiCamera:
    return PiCamera(0, SystemClock(), look or Look(), pixels="NV12")


def _frames(found: Found, scale: int, count: int) -> None:
    camera = opened(Look(code_scale=scale))
    config = camera._camera.camera_configuration()
    streams = {name: config[name]["size"] for name in ("main", "lores") if config[name]}
    try:
        seen = watched(camera, count, scale)
    finally:
        camera.close()
    name = f"picamera2, code_scale {scale}"
    found(f"{name}: streams", str(streams), "recognition picture 640x480",
          streams["main" if scale == 1 else "lores"] == (640, 480))  # fmt: skip
    rows(name, seen, scale, found)
    colours = _colours(seen.last)
    found(f"{name}: colours of the bars", ", ".join(colours), "all eight, red as red", len(colours) == len(_BARS))


def _colours(frame: CapturedFrame) -> list[str]:
    """The bars of the camera's own pattern that are in the picture: red and blue would be exchanged unnoticed."""
    assert frame._rgb is not None
    row = frame._rgb[240].astype(int)
    return [name for name, bar in _BARS.items() if (np.abs(row - bar).max(1) <= _NEAR).sum() >= 40]


def _controls(found: Found) -> None:
    """What this camera has is taken, what it lacks refused in one line, and nothing left out in silence."""
    camera = opened()
    has = sorted(camera._camera.camera_controls)
    camera.meter(Box(100, 100, 300, 300))
    frame = camera.read(5.0)
    camera.close()
    found("picamera2: controls of the virtual camera", ", ".join(has) or "none", "its frame time is taken",
          "FrameDurationLimits" in has)  # fmt: skip
    found("picamera2: meter() where there is no exposure", "frames go on", "frames go on", frame is not None)
    for key, control, look in (
        ("exposure", "AeExposureMode", Look(exposure="short")),
        ("metering", "AeMeteringMode", Look(metering="spot")),
        ("brighter_ev", "ExposureValue", Look(brighter_ev=1.0)),
        ("hdr", "HdrMode", Look(hdr="processor")),
        ("focus_m", "AfMode", Look(focus_m=1.0)),
    ):
        if control in has:
            opened(look).close()
            said = "taken"
        else:
            said = _refused(partial(opened, look))
        found(f"picamera2: camera.{key}, which this camera cannot do", said, "refused in one line",
              f"cannot do camera.{key} " in said)  # fmt: skip
    said = _refused(partial(opened, Look(hdr="sensor")))
    found(
        "picamera2: camera.hdr = 'sensor' without that sensor", said, "refused in one line", said.startswith("camera: ")
    )
    opened(Look(upside_down=True)).close()
    for what in ("fps kept by the sensor", "exposure, metering and brighter_ev obeyed", "HDR of sensor and processor",
                 "focus", "upside_down obeyed (it says yes, and turns nothing)", "IR cut by lux"):  # fmt: skip
        found(f"picamera2: {what}", _NOT_HERE, "a Raspberry Pi", True)


def _other(number: int) -> PiCamera:
    return PiCamera(number, SystemClock(), Look(), pixels="NV12")


def _refused(act: Callable[[], PiCamera]) -> str:
    try:
        act().close()
    except DeviceError as error:
        return str(error)
    return "taken, and left out in silence"


def _again(found: Found) -> None:
    """Opened and closed, as whenever a policy lets a camera be open and then does not."""
    for _ in range(_TIMES):  # libraries keep what they take at first
        opened().close()
    before = (descriptors(), threads(), resident_mb())
    took_s, came = [], 0
    for _ in range(_TIMES):
        began_s = time.monotonic()
        camera = opened()
        came += camera.read(5.0) is not None
        camera.close()
        took_s.append(time.monotonic() - began_s)
    after = (descriptors(), threads(), resident_mb())
    found(f"picamera2: opened, read and closed {_TIMES} times", f"{came} frames, {max(took_s):.1f} s at most",
          f"{_TIMES} frames", came == _TIMES)  # fmt: skip
    _held(found, f"picamera2: {_TIMES} times open and closed", before, after)


def _held(found: Found, what: str, before: tuple[int, int, float], after: tuple[int, int, float]) -> None:
    more = tuple(new - old for old, new in zip(before, after, strict=True))
    found(f"{what}: descriptors, threads, memory more", f"{more[0]}, {more[1]}, {more[2]:+.1f} MB",
          f"0, 0, ≤ {FLAT_MB:g} MB", more[0] <= 0 and more[1] <= 0 and more[2] <= FLAT_MB)  # fmt: skip


def _wrong(found: Found) -> None:
    """No such camera, one in use already, one that cannot give the size: one line each, and nothing kept of any."""
    for what, number, held in (("no such camera", 5, None), ("another size alone", 1, None), ("in use", 0, opened())):
        said = {_refused(partial(_other, number)) for _ in range(_TIMES)}  # libraries keep what they take at first
        before = (descriptors(), threads(), resident_mb())
        said |= {_refused(partial(_other, number)) for _ in range(_TIMES)}
        after = (descriptors(), threads(), resident_mb())
        found(f"picamera2: {what}", " / ".join(said), "one line", all(each.startswith("camera: ") for each in said))
        _held(found, f"picamera2: {what}, tried {_TIMES} times", before, after)
        if held is not None:
            on = _reads(held)
            found("picamera2: in use: whoever has it goes on", on, "a frame", on == "a frame")
            held.close()


def _reads(camera: PiCamera) -> str:
    try:
        return "a frame" if camera.read(5.0) is not None else "the end"
    except DeviceError as error:
        return str(error)


def _stalled(found: Found) -> None:
    """All its memory for frames is borrowed and not given back, so that it has none to fill."""
    cameras: list[PiCamera] = []
    kept: list[Any] = []

    def open_camera() -> PiCamera:
        cameras.append(opened())
        return cameras[-1]

    def starve() -> None:
        def keep(request: Any) -> None:
            request.acquire()
            kept.append(request)

        cameras[-1]._camera.pre_callback = keep

    before = threads()
    seen = restarted(open_camera, starve, lambda: None)
    found("picamera2: stalled in the agent's eye", seen.value,
          f"noticed ≤ {STALL_S + 1:g} s, again ≤ 30 s, 1 restart",
          (seen.noticed_s or 99) <= STALL_S + 1 and (seen.back_s or 99) <= 30 and seen.restarts == 1)  # fmt: skip
    found("picamera2: stalled: cameras opened, threads left of them", f"{len(cameras)}, {threads() - before}", "2, 0",
          len(cameras) == 2 and threads() <= before)  # fmt: skip
