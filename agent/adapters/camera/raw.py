"""Raw frames between `doorward rtsp` and the recogniser: one header of fixed size, then RGB, then luma.

Rules: everything but time, number and fineness is fixed, so whoever speaks on the other end can send pictures and
nothing else; a header that says anything else ends the connection. Leaves out: sockets.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from agent.adapters.fitting import HEIGHT, WIDTH
from agent.errors import DeviceError

_HEADER: Final = struct.Struct("<8sBQQ")
_MAGIC: Final = b"doorwrd1"
SIZE: Final = _HEADER.size
SCALE_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Header:
    number: int
    captured_ns: int
    """CLOCK_MONOTONIC, which is one and the same for all processes of a machine."""
    scale: int
    """Luma is so many times finer than the RGB of 640 x 480."""

    @property
    def luma_shape(self) -> tuple[int, int]:
        return HEIGHT * self.scale, WIDTH * self.scale


def packed(header: Header) -> bytes:
    return _HEADER.pack(_MAGIC, header.scale, header.number, header.captured_ns)


def read(data: bytes) -> Header:
    """
    Raises:
        DeviceError: it is no header of ours.
    """
    magic, scale, number, captured_ns = _HEADER.unpack(data)
    if magic != _MAGIC or not 1 <= scale <= SCALE_MAX or captured_ns >= 2**63:
        raise DeviceError("camera: what comes from 'doorward rtsp' is no frame; see that both are of one version")
    return Header(number, captured_ns, scale)
