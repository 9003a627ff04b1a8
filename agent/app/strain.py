"""Heat and power: what the machine says of itself, and how many frames it is spared for that.

Rules: under throttling or under-voltage there are fewer frames and each is judged in full: no rule, no check and no
record is left out. What a machine does not say is None and never means well; it slows nothing down either.
Sources: `get_throttled` of the Raspberry Pi's firmware (documentation of vcgencmd), thermal zones of the kernel.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FIRMWARE: Final = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
ZONES: Final = Path("/sys/class/thermal")
_UNDER_VOLTAGE: Final = 0x1
_SLOWED: Final = 0x2 | 0x4 | 0x8
"""Frequency capped, throttled, soft limit of temperature: all of the present moment."""
_HOT_C: Final = 80.0
"""A Pi begins to slow down here; on a machine without such firmware this alone counts."""
_LOOK_S: Final = 2.0
_HOLD_S: Final = 30.0
"""A machine that has cooled because it was spared is spared a while longer."""
_GAP_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Strained:
    temperature_c: float | None
    """The hottest that the machine measures in itself; None: it measures nothing."""
    throttled: bool | None
    """It has slowed itself down, or is as hot as that; None: it says neither."""
    under_voltage: bool | None
    """Its power supply is too weak; None: it does not say."""


class Strain:
    """Looks every two seconds, whoever asks.

    Args:
        report: told once when it begins, in one line.
    """

    def __init__(
        self,
        report: Callable[[str], None],
        *,
        firmware: Path = FIRMWARE,
        zones: Path = ZONES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._report, self._firmware, self._zones, self._clock = report, firmware, zones, clock
        self._looked_s = self._until_s = float("-inf")
        self._found = Strained(None, None, None)

    def now(self) -> Strained:
        now_s = self._clock()
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s, self._found = now_s, self._look()
            if self._found.throttled or self._found.under_voltage:
                if now_s >= self._until_s:
                    self._report(
                        "power: too low; see to supply and cable, meanwhile fewer frames are looked at"
                        if self._found.under_voltage
                        else "heat: this machine slows itself down; cool it, meanwhile fewer frames are looked at"
                    )
                self._until_s = now_s + _HOLD_S
        return self._found

    def gap_s(self) -> float:
        """Seconds that lie at least between two frames that are looked at; 0: every frame."""
        self.now()
        return _GAP_S if self._clock() < self._until_s else 0.0

    def _look(self) -> Strained:
        hot_c = temperature_c(self._zones)
        bits: int | None = None
        with contextlib.suppress(OSError, ValueError):  # not a Raspberry Pi, or not to be read here
            bits = int(self._firmware.read_text("ascii"), 16)
        if bits is None:
            return Strained(hot_c, None if hot_c is None else hot_c >= _HOT_C, None)
        return Strained(hot_c, bool(bits & _SLOWED), bool(bits & _UNDER_VOLTAGE))


def temperature_c(zones: Path = ZONES) -> float | None:
    """The hottest of the machine's own thermal zones in °C; None where it has none or they say nothing that can be."""
    found = []
    for zone in zones.glob("thermal_zone*/temp"):
        with contextlib.suppress(OSError, ValueError):  # a zone whose sensor is off
            found.append(int(zone.read_text("ascii")) / 1000)
    return max((each for each in found if -100 <= each <= 200), default=None)
