"""Output pins that have their resting level from the moment at which they are claimed.

gpiozero's own over lgpio are claimed low and raised right after; a relay that rests high is switched for that long, at
each start. Called by `pins()` alone, which sees to lgpio's pipe before.
"""

from __future__ import annotations

from typing import Any


def factory() -> Any:
    """For the chip that this machine's header is on; not every device has the libraries."""
    import lgpio
    from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin

    class RestingPin(LGPIOPin):  # type: ignore[misc]  # gpiozero has no types
        def output_with_state(self, state: float) -> None:
            lgpio.gpio_claim_output(self.factory._handle, self._number, bool(state))

    made = LGPIOFactory()
    made.pin_class = RestingPin
    return made
