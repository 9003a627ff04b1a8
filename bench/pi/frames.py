"""What a camera gives, frame by frame, held against what every camera is to give."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.policy.frames import CapturedFrame
from agent.ports import Camera
from bench.pi.process import resident_mb

_KEPT: Final = 12
"""Three times as many as a camera has buffers: were they not copied, it would stand still, or change them."""
_WARM: Final = 0.2


@dataclass(frozen=True, slots=True)
class Watched:
    asked: int
    came: int
    shapes: str
    whole: bool
    """Each had the right shape and type."""
    in_order: bool
    """Numbers rose by one, and each was exposed after the one before it and before it came."""
    oldest_ms: float
    changed: int
    """Of the last frames that were kept, how many were not what they had been."""
    fps: float
    grown_mb: float
    """What the process has more at the end than after a fifth of the frames."""
    last: CapturedFrame


def watched(camera: Camera, count: int, scale: int) -> Watched:
    """Read so many frames."""
    kept: list[tuple[CapturedFrame, int]] = []
    whole = in_order = True
    came, number, captured_ns, oldest_ns, before_mb = 0, -1, 0, 0, 0.0
    shapes, began_s = set[str](), time.monotonic()
    last = None
    for place in range(count):
        frame = camera.read(5.0)
        now_ns = time.monotonic_ns()
        assert frame is not None and frame._rgb is not None and frame._luma is not None
        came += 1
        shapes.add(f"{_about(frame._rgb)} + {_about(frame._luma)}")
        whole &= _about(frame._rgb) == "480x640x3 uint8"
        whole &= _about(frame._luma) == f"{480 * scale}x{640 * scale} uint8"
        in_order &= number in (-1, frame.number - 1) and captured_ns < frame.captured_ns <= now_ns
        oldest_ns = max(oldest_ns, now_ns - frame.captured_ns)
        number, captured_ns, last = frame.number, frame.captured_ns, frame
        if place >= count - _KEPT:
            kept.append((frame, _sum(frame)))
        if place == int(count * _WARM):
            before_mb = resident_mb()
    took_s = time.monotonic() - began_s
    changed = sum(_sum(frame) != then for frame, then in kept)
    assert last is not None
    kept.clear()
    return Watched(
        count, came, ", ".join(sorted(shapes)), whole, in_order, oldest_ns / 1e6, changed, came / took_s,
        resident_mb() - before_mb, last,
    )  # fmt: skip


def _about(array: np.ndarray) -> str:
    return f"{'x'.join(str(side) for side in array.shape)} {array.dtype}"


def _sum(frame: CapturedFrame) -> int:
    assert frame._rgb is not None and frame._luma is not None
    return zlib.crc32(frame._luma.tobytes(), zlib.crc32(frame._rgb.tobytes()))
