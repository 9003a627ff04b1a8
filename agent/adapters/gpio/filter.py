"""The filter against infrared light of a day and night camera, on a pin: high by day."""

from __future__ import annotations

import contextlib
from typing import Any

from agent.errors import DeviceError


class PinFilter:
    """
    Args:
        factory: gpiozero's, of `pins()` or its mock.

    Raises:
        DeviceError: the pin cannot be used.
    """

    def __init__(self, pin: int, factory: Any) -> None:
        from gpiozero import OutputDevice

        try:
            self._device = OutputDevice(pin, initial_value=True, pin_factory=factory)
        except Exception as error:
            raise DeviceError(
                f"camera: pin {pin}: {type(error).__name__}; see to camera.ir_cut_pin and who else uses it"
            ) from None

    def by_day(self, day: bool) -> None:
        self._device.value = day

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._device.close()
