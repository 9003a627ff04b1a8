"""`agent/adapters/camera/v4l2.py` on the kernel's own virtual camera, in the guest."""

from __future__ import annotations

import subprocess
import time
from typing import Final

from agent.adapters.camera.v4l2 import V4l2Camera
from agent.adapters.clock import SystemClock
from agent.errors import DeviceError
from bench.pi import Found
from bench.pi.frames import FLAT_MB, rows, watched
from bench.pi.process import descriptors, resident_mb, threads
from bench.pi.restarts import STALL_S, restarted

_DEVICE: Final = "/dev/video0"
_FRAMES: Final = {1: 200, 2: 60}
_TIMES: Final = 10


def proven(found: Found) -> None:
    _refused(found)
    _silent(found)
    _failing(found)
    _again(found)
    for scale, count in _FRAMES.items():
        _frames(found, scale, count)


def opened(code_scale: int = 1, backlight: int | None = None) -> V4l2Camera:
    return V4l2Camera(_DEVICE, SystemClock(), code_scale=code_scale, backlight=backlight)


def told(name: str, value: int) -> None:
    """Set one of its controls that make it misbehave."""
    subprocess.run(["v4l2-ctl", "-d", _DEVICE, "-c", f"{name}={value}"], check=True, stdout=subprocess.DEVNULL)


def _frames(found: Found, scale: int, count: int) -> None:
    camera = opened(code_scale=scale)
    try:
        seen = watched(camera, count, scale)
    finally:
        camera.close()
    name = f"V4L2 on vivid, code_scale {scale}"
    rows(name, seen, scale, found)


def _again(found: Found) -> None:
    opened().close()
    before, came = (descriptors(), threads(), resident_mb()), 0
    for _ in range(_TIMES):
        camera = opened()
        came += camera.read(5.0) is not None
        camera.close()
    more = descriptors() - before[0], threads() - before[1], resident_mb() - before[2]
    found(f"V4L2 on vivid: opened, read and closed {_TIMES} times; descriptors, threads, memory more",
          f"{came} frames; {more[0]}, {more[1]}, {more[2]:+.1f} MB", f"{_TIMES} frames; 0, 0, ≤ {FLAT_MB:g} MB",
          came == _TIMES and more[0] <= 0 and more[1] <= 0 and more[2] <= FLAT_MB)  # fmt: skip


def _refused(found: Found) -> None:
    try:
        opened(backlight=1).close()
        said = "taken"
    except DeviceError as error:
        said = str(error)
    found("V4L2 on vivid: camera.backlight, which it has not", said, "refused in one line",
          "cannot compensate backlight" in said)  # fmt: skip


def _silent(found: Found) -> None:
    """Every frame is lost in the driver: it gives nothing, and no error either."""
    camera = opened()
    camera.read(5.0)
    told("percentage_of_dropped_buffers", 100)
    try:
        said, began_s = "frames", time.monotonic()
        try:
            for _ in range(20):  # what was on its way already still comes
                began_s = time.monotonic()
                camera.read(STALL_S)
        except DeviceError as error:
            said = str(error)
        took_s = time.monotonic() - began_s
    finally:
        told("percentage_of_dropped_buffers", 0)
        camera.close()
    found(f"V4L2 on vivid: silent, read of {STALL_S:g} s", f"{said}; after {took_s:.1f} s",
          f"no frame; ≤ {STALL_S + 1:g} s", said.startswith("camera: ") and took_s <= STALL_S + 1)  # fmt: skip


def _failing(found: Found) -> None:
    def lost() -> None:
        told("percentage_of_dropped_buffers", 100)

    def kept() -> None:
        told("percentage_of_dropped_buffers", 0)

    def unplugged() -> None:
        told("disconnect", 1)

    def gone() -> None:
        """Once it is closed, its driver goes away with its device file, and is there again seconds later."""
        for _ in range(100):
            if subprocess.run(["modprobe", "-r", "vivid"], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        time.sleep(4.0)
        subprocess.run(["modprobe", "vivid", "n_devs=1", "node_types=0x1"], check=True)

    for what, fail, mend, most in (
        ("silent", lost, kept, 1),
        ("unplugged and plugged in", unplugged, lambda: None, 1),
        ("unplugged, and its device file gone for 4 s", unplugged, gone, 4),
    ):
        before = (descriptors(), threads())
        seen = restarted(opened, fail, mend)
        good = (seen.noticed_s or 99) <= STALL_S + 1.5 and (seen.back_s or 99) <= 30 and 1 <= seen.restarts <= most
        found(f"V4L2 on vivid: {what}, in the agent's eye", seen.value,
              f"noticed ≤ {STALL_S + 1:g} s, again ≤ 30 s, 1 to {most} restarts", good)  # fmt: skip
        more = descriptors() - before[0], threads() - before[1]
        found(f"V4L2 on vivid: {what}: descriptors, threads left", f"{more[0]}, {more[1]}", "0, 0", max(more) <= 0)
