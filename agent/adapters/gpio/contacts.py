"""Contacts on pins: the button inside that opens the door, and the one that feels whether the housing is whole.

Rules: both are closed to ground and pulled up, so that a cut wire is an open contact: no request, and a tampered
housing. What cannot be read counts as tampered. Leaves out: what follows from either.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final

from agent.errors import DeviceError
from agent.ports import Clock

_BOUNCE_S: Final = 0.03
_WAITS_NS: Final = 1_000_000_000
"""A press that nobody took for so long is over: whoever pressed it has pressed again, or left."""
_APART_NS: Final = 1_000_000_000
"""A button that is stuck, or a loose wire, opens and writes no more often than this."""


class PinContacts:
    """Implements `ports.Contacts`.

    Args:
        exit_pin: None: there is no such button.
        tamper_pin: None: there is no such contact, and nothing counts as tampered.
        report: told once that a pin cannot be read.
        factory: gpiozero's, of `pins()` or its mock.

    Raises:
        DeviceError: a pin cannot be used.
    """

    def __init__(
        self,
        exit_pin: int | None,
        tamper_pin: int | None,
        clock: Clock,
        report: Callable[[str], None],
        factory: Any,
    ) -> None:
        self._clock, self._report, self._reported = clock, report, False
        self._pressed_ns: int | None = None
        self._taken_ns = -_APART_NS
        self._opened: list[Any] = []
        self._housing = None if tamper_pin is None else self._contact(tamper_pin, "tamper_pin", factory)
        if exit_pin is not None:
            self._contact(exit_pin, "exit_pin", factory).when_activated = self._pressed

    def _contact(self, pin: int, key: str, factory: Any) -> Any:
        from gpiozero import DigitalInputDevice

        try:
            made = DigitalInputDevice(pin, pull_up=True, bounce_time=_BOUNCE_S, pin_factory=factory)
        except Exception as error:
            self.close()
            raise DeviceError(
                f"contacts: pin {pin}: {type(error).__name__}; see to contacts.{key} and who else uses it"
            ) from None
        self._opened.append(made)
        return made

    def _pressed(self) -> None:
        """On a thread of gpiozero's."""
        self._pressed_ns = self._clock.monotonic_ns()

    def exit_asked(self, now_ns: int) -> int | None:
        pressed_ns, self._pressed_ns = self._pressed_ns, None
        if pressed_ns is None or now_ns - pressed_ns > _WAITS_NS or pressed_ns - self._taken_ns < _APART_NS:
            return None
        self._taken_ns = pressed_ns
        return pressed_ns

    @property
    def tampered(self) -> bool:
        if self._housing is None:
            return False
        try:
            return not self._housing.is_active
        except Exception as error:  # gpiozero and lgpio have errors of their own
            if not self._reported:
                self._report(f"contacts: cannot be read ({type(error).__name__}); see to contacts.tamper_pin")
            self._reported = True
            return True

    def close(self) -> None:
        for each in self._opened:
            with contextlib.suppress(Exception):
                each.close()
        self._opened.clear()
