"""The frames that cross the gate. Who holds one of these values holds a permission.

`CapturedFrame` keeps its pixels to itself; only gate.py opens it. `CodeFrame` is for marker and QR readers, also under
a refusal. `PermittedFrame` is what models may see. `Preview` is what people may see. None can be copied, pickled,
subclassed outside the room, or made without the room's key.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Final, final

from agent.policy._mint import Mint, Unforgeable, demand
from agent.policy.fields import Purpose
from agent.units import Luma, Polygon, Rgb, Sha256


@final
class CapturedFrame(Unforgeable):
    """One camera frame that nobody may look at yet.

    Args:
        number: counts up by at least one a frame.
        captured_ns: CLOCK_MONOTONIC nanoseconds of the exposure.
        rgb: (height, width, 3) uint8.
        luma: (k*height, k*width) uint8 of the same view, k a whole number; finer luma reads codes from farther away.
    """

    __slots__ = ("_luma", "_rgb", "captured_ns", "number")

    def __init__(self, number: int, captured_ns: int, rgb: Rgb, luma: Luma) -> None:
        self.number: Final = number
        self.captured_ns: Final = captured_ns
        self._rgb: Rgb | None = rgb
        self._luma: Luma | None = luma


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class CodeFrame(Unforgeable):
    """Luma for marker and QR readers only; excluded regions are black unless the policy marks one as code-readable."""

    key: InitVar[Mint]
    luma: Luma
    scale: int
    """Luma pixels per pixel of the recognition picture."""
    number: int
    captured_ns: int

    def __post_init__(self, key: Mint) -> None:
        demand(key, "CodeFrame")


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Permit(Unforgeable):
    """Leave to recognise on one frame, for one purpose."""

    key: InitVar[Mint]
    purpose: Purpose
    policy_version: int
    notice_sha256: Sha256
    threshold: float
    unix_s: float
    """Trusted time of the frame."""
    guardian_below: int
    """Age below which only those whose guardian agreed may be named."""

    def __post_init__(self, key: Mint) -> None:
        demand(key, "Permit")


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class PermittedFrame(Unforgeable):
    """A frame that models may see: excluded regions already black, read-only, with its permit."""

    key: InitVar[Mint]
    pixels: Rgb
    permit: Permit
    number: int
    captured_ns: int
    cards: tuple[Polygon, ...] | None
    """No-recognition cards on this very frame; None: it was not searched for them, and nobody may be looked at."""

    def __post_init__(self, key: Mint) -> None:
        demand(key, "PermittedFrame")


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Preview(Unforgeable):
    """What people may look at: the commissioned empty picture, and coarse blocks wherever the live frame differs."""

    key: InitVar[Mint]
    picture: Rgb
    number: int

    def __post_init__(self, key: Mint) -> None:
        demand(key, "Preview")
