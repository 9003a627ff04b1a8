"""What a camera gives, frame by frame, held against what every camera is to give."""

from __future__ import annotations

import time
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.policy.frames import CapturedFrame
from agent.ports import Camera
from bench.pi import Found
from bench.pi.process import resident_mb

FLAT_MB: Final = 4.0
_KEPT: Final = 12
"""Three times as many as a camera has buffers: were they not copied, it would stand still, or change them."""
_WARM: Final = 5


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
    warm: int
    grown_mb: float
    """What the process has more at the end than after `warm` frames."""
    last: CapturedFrame


def watched(camera: Camera, count: int, scale: int) -> Watched:
    """Read so many frames."""
    # Kept from the beginning on, so that memory holds as many of them when it is measured first as at the end.
    kept = deque[tuple[CapturedFrame, int]](maxlen=_KEPT)
    warm = max(count // _WARM, _KEPT + 1)
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
        kept.append((frame, _sum(frame)))
        if place == warm:
            before_mb = resident_mb()
    took_s, grown_mb = time.monotonic() - began_s, resident_mb() - before_mb
    changed = sum(_sum(frame) != then for frame, then in kept)
    assert last is not None
    return Watched(
        count, came, ", ".join(sorted(shapes)), whole, in_order, oldest_ns / 1e6, changed, came / took_s, warm,
        grown_mb, last,
    )  # fmt: skip


def rows(name: str, seen: Watched, scale: int, found: Found) -> None:
    """The rows of it that are of every camera."""
    found(f"{name}: frames", f"{seen.came} of {seen.asked}, each {seen.shapes}",
          f"480x640x3 + {480 * scale}x{640 * scale}", seen.came == seen.asked and seen.whole)  # fmt: skip
    found(f"{name}: number and time", f"in order: {seen.in_order}; oldest {seen.oldest_ms:.0f} ms",
          "rise, never of the future", seen.in_order)  # fmt: skip
    found(f"{name}: kept frames that later ones changed", str(seen.changed), "0", seen.changed == 0)
    found(f"{name}: rate", f"{seen.fps:.1f} a second, emulated", "says nothing of a Pi", True)
    found(f"{name}: memory more after {seen.asked} frames than after {seen.warm}", f"{seen.grown_mb:+.1f} MB",
          f"≤ {FLAT_MB:g} MB", seen.grown_mb <= FLAT_MB)  # fmt: skip


def _about(array: np.ndarray) -> str:
    return f"{'x'.join(str(side) for side in array.shape)} {array.dtype}"


def _sum(frame: CapturedFrame) -> int:
    assert frame._rgb is not None and frame._luma is not None
    return zlib.crc32(frame._luma.tobytes(), zlib.crc32(frame._rgb.tobytes()))
