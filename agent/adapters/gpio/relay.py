"""A door opened by a relay on a pin.

Rules: from the moment when it is opened the pin rests; only a pulse moves it, and each pulse ends by itself, on a
thread of its own, whatever the rest of the process does. It rests at the end too: on SIGTERM, after an exception, and
when the interpreter exits. A killed process cannot do that: then the kernel gives the line back, and the pin's own
resistor decides; where a kernel keeps the last level (`pinctrl_bcm2835.persist_gpio_outputs`), the next start ends it.
Leaves out: whether the door may open.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Literal

from agent.errors import DeviceError
from agent.units import DoorId

_AGAIN_S: Final = 0.1


class Relay:
    """Implements `ports.Door`.

    Args:
        lock: `fail-secure`: the relay rests without current, and a pulse switches it on. `fail-safe`: it is on for as
            long as this lives, and a pulse switches it off; without the process the door is open.
        active_low: the relay is on when its input is low.
        pulse_s: how long a pulse lasts; one that comes during another begins it anew.
        report: told in one line that the pin cannot be moved, once until it can.
        factory: gpiozero's, of `pins()` or its mock.

    Raises:
        DeviceError: the pin cannot be used.
    """

    def __init__(
        self,
        pin: int,
        *,
        lock: Literal["fail-secure", "fail-safe"],
        active_low: bool,
        pulse_s: float,
        report: Callable[[str], None],
        factory: Any,
    ) -> None:
        from gpiozero import OutputDevice

        self._pin, self._pulse_s, self._report = pin, pulse_s, report
        self._rest = lock == "fail-safe"
        try:
            self._device = OutputDevice(pin, active_high=not active_low, initial_value=self._rest, pin_factory=factory)
        except Exception as error:
            raise DeviceError(
                f"door: pin {pin}: {type(error).__name__}; see to door.pin and who else uses it"
            ) from None
        self._due = threading.Condition()
        self._until_s: float | None = None
        """End of the pulse; None: it rests."""
        self._closing = self._reported = False
        self._thread = threading.Thread(target=self._end_pulses, name="door", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # gpiozero's own way out frees the pin without letting it rest

    def pulse(self, door: DoorId) -> None:
        """Open once; returns at once."""
        with self._due:
            if self._closing:
                return
            self._until_s = time.monotonic() + self._pulse_s
            self._move(not self._rest)
            self._due.notify()

    def _end_pulses(self) -> None:
        with self._due:
            while not self._closing:
                left_s = None if self._until_s is None else self._until_s - time.monotonic()
                if left_s is None or left_s > 0:
                    self._due.wait(left_s)
                elif self._move(self._rest):
                    self._until_s = None
                else:
                    self._until_s = time.monotonic() + _AGAIN_S

    def _move(self, on: bool) -> bool:
        try:
            self._device.value = on
        except Exception as error:  # gpiozero and lgpio have errors of their own
            said, self._reported = self._reported, True
            if not said:
                with contextlib.suppress(Exception):  # nobody may be listening; the door is closed all the same
                    self._report(f"door: pin {self._pin}: cannot be moved ({type(error).__name__}); see to door.pin")
            return False
        self._reported = False
        return True

    def close(self) -> None:
        """End a pulse and give the pin back; safe to call twice."""
        with self._due:
            first, self._closing = not self._closing, True
            if first:
                self._move(self._rest)
            self._due.notify()
        self._thread.join()
        atexit.unregister(self.close)
        if first:
            with contextlib.suppress(Exception):  # it rests, or nothing in here can make it rest
                self._device.close()
