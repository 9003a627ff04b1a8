"""A chip of pins in the place of the kernel's, under the real gpiozero and lgpio: it tells what it was asked, in order.

To be put in place in a process of its own, before `pins()`: lgpio is imported once, and makes its pipe then.
"""

from __future__ import annotations

import os
from typing import Final

HANDLE: Final = 3
_IS_OUT: Final = 2


class Chip:
    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int]] = []
        """Act, pin and level (claimed as an input: -1)."""
        self._levels: dict[int, int] = {}
        self._out: set[int] = set()

    def put(self) -> None:
        import _lgpio
        from gpiozero.pins.local import LocalPiFactory

        LocalPiFactory._get_revision = lambda _: 0xC03114  # a Pi 4
        _lgpio._gpiochip_open = lambda _: HANDLE
        _lgpio._gpiochip_close = lambda _: 0
        _lgpio._gpio_claim_output = lambda _, flags, pin, level: self._claim(pin, level)
        _lgpio._gpio_claim_input = lambda _, flags, pin: self._claim(pin, None)
        _lgpio._gpio_claim_alert = lambda *_: 0
        _lgpio._gpio_set_debounce_micros = lambda *_: 0
        _lgpio._gpio_free = lambda *_: 0
        _lgpio._gpio_write = lambda _, pin, level: self._write(pin, level)
        _lgpio._gpio_read = lambda _, pin: self._levels.get(pin, 1)
        _lgpio._gpio_get_mode = lambda _, pin: _IS_OUT if pin in self._out else 0

    def _claim(self, pin: int, level: int | None) -> int:
        if level is None:
            self._out.discard(pin)
            self.asked.append(("input", pin, -1))
        else:
            self._out.add(pin)
            self._levels[pin] = int(level)
            self.asked.append(("output", pin, int(level)))
        return 0

    def _write(self, pin: int, level: int) -> int:
        self._levels[pin] = int(level)
        self.asked.append(("write", pin, int(level)))
        return 0


def pipes() -> list[int]:
    """This process's own ends of lgpio's pipe, by descriptor."""
    ends = []
    for each in os.listdir("/proc/self/fd"):
        try:
            name = os.readlink(f"/proc/self/fd/{each}")
        except OSError:
            continue
        if ".lgd-nfy" in name:
            ends.append(int(each))
    return ends
