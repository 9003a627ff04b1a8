"""Receivers for tests: what one says in NMEA 0183, and a serial line on which it says it (a pty)."""

from __future__ import annotations

import fcntl
import math
import os
import struct
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import xor
from pathlib import Path

from agent.adapters.gnss import SerialLocator
from agent.units import Fix
from tests.app.running import until

SECOND = 1_000_000_000
MIDNIGHT_NS = 1_000 * SECOND
"""When the receivers' day begins, on the monotonic clock."""
GATE = (48.1173, 11.5166667)


def sentence(content: str) -> bytes:
    return f"${content}*{reduce(xor, content.encode()):02X}\r\n".encode()


def _angle(deg: float, digits: int, sides: str) -> str:
    whole, minutes = divmod(round(abs(deg) * 60, 5), 60)
    return f"{whole:0{digits}.0f}{minutes:08.5f},{sides[deg < 0]}"


@dataclass(frozen=True)
class Epoch:
    """All that a receiver says about one instant, in the order of a common one."""

    t: float
    """Seconds after midnight, and so after `MIDNIGHT_NS`."""
    lat_deg: float = GATE[0]
    lon_deg: float = GATE[1]
    sigma_m: float | None = 2.0
    """None: no GST."""
    quality: int = 1
    satellites: str = "09"
    hdop: str = "0.92"
    status: str = "A"
    mode: str = "A"

    @property
    def time(self) -> str:
        return f"{self.t // 3600:02.0f}{self.t // 60 % 60:02.0f}{self.t % 60:05.2f}"

    def sentences(self) -> list[bytes]:
        place = f"{_angle(self.lat_deg, 2, 'NS')},{_angle(self.lon_deg, 3, 'EW')}" if self.quality else ",,,"
        said = [
            f"GNRMC,{self.time},{self.status},{place},0.012,,251126,,,{self.mode},V",
            "GNVTG,,T,,M,0.012,N,0.022,K,A",
            f"GNGGA,{self.time},{place},{self.quality},{self.satellites},{self.hdop},545.4,M,46.9,M,,",
            "GNGSA,A,3,23,29,07,08,09,18,26,28,,,,,1.94,0.92,1.65,1",
            "GPGSV,3,1,09,07,79,048,42,08,51,205,40,09,30,284,38,18,44,131,41,1",
        ]
        if self.sigma_m is not None:
            each = self.sigma_m / math.sqrt(2)
            said.append(f"GNGST,{self.time},24,,,,{each:.4f},{each:.4f},3.4")
        return [sentence(each) for each in said]


@dataclass
class SimulatedClock:
    """Implements `ports.Clock`; stands where it is put, and counts how often it is asked."""

    now_ns: int = MIDNIGHT_NS
    asked: int = 0

    def monotonic_ns(self) -> int:
        self.asked += 1
        return self.now_ns

    def unix_s(self) -> float:
        return 0.0


class Line:
    """A serial line with a receiver at its far end and the real adapter at the near one."""

    def __init__(self, port: Path, uere_m: float | None = None) -> None:
        self.port, self.clock, self.said = port, SimulatedClock(), list[str]()
        self.plug()
        self.locator = SerialLocator(str(port), 9600, self.clock, self.said.append, uere_m, again_s=0.01)
        self.wait_open()

    def plug(self) -> None:
        self.far, self.near = os.openpty()
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(os.ttyname(self.near))

    def unplug(self) -> None:
        for end in (self.far, self.near):
            os.close(end)

    def slow_down(self) -> None:
        """As it is before somebody opens it."""
        mode = termios.tcgetattr(self.near)
        mode[4] = mode[5] = termios.B38400
        termios.tcsetattr(self.near, termios.TCSANOW, mode)

    def waiting(self) -> int:
        """Bytes at the near end that nobody has read."""
        return int(struct.unpack("i", fcntl.ioctl(self.near, termios.FIONREAD, bytes(4)))[0])

    def wait_open(self) -> None:
        """What was written before the adapter has opened the line is thrown away; a pty begins with another speed."""
        until(lambda: termios.tcgetattr(self.near)[5] == termios.B9600, what="the line opened")

    def write(self, data: bytes) -> None:
        """Say it, and wait until it has been heard."""
        heard = self.locator.lines + data.count(b"\n")
        for begin in range(0, len(data), 1024):
            os.write(self.far, data[begin : begin + 1024])
        until(lambda: self.locator.lines == heard, what="the receiver heard")

    def hear(self, *epochs: Epoch) -> list[Fix | None]:
        """Each at its time; the fix after each."""
        fixes = []
        for epoch in epochs:
            self.clock.now_ns = MIDNIGHT_NS + round(epoch.t * SECOND)
            self.write(b"".join(epoch.sentences()))
            fixes.append(self.fix())
        return fixes

    def fix(self, t: float | None = None) -> Fix | None:
        """The fix at this time of the receivers' day; None: now."""
        return self.locator.fix(self.clock.now_ns if t is None else MIDNIGHT_NS + round(t * SECOND))


@contextmanager
def line(folder: Path, uere_m: float | None = None) -> Iterator[Line]:
    made = Line(folder / "receiver", uere_m)
    try:
        yield made
    finally:
        made.locator.close()
        made.unplug()
