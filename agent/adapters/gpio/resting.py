"""Output pins that have their resting level from the moment at which they are claimed.

gpiozero's own over lgpio are claimed low and raised right after; a relay that rests high is switched for that long, at
each start. Imported by `pins()` alone, which sees to lgpio's pipe before.
"""

from __future__ import annotations

import lgpio
from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin


class _RestingPin(LGPIOPin):  # type: ignore[misc]  # gpiozero has no types
    def output_with_state(self, state: float) -> None:
        lgpio.gpio_claim_output(self.factory._handle, self._number, bool(state))


def factory() -> LGPIOFactory:
    """For the chip that this machine's header is on."""
    made = LGPIOFactory()
    made.pin_class = _RestingPin
    return made
