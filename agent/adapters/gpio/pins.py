"""The way to the pins: gpiozero over lgpio, that is the kernel's own character device, without root."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from agent.errors import DeviceError


def pins() -> Any:
    """gpiozero's pin factory for this machine.

    Raises:
        DeviceError: the libraries are not there, or the machine has no pins that this user may use.
    """
    # lgpio makes a pipe in the working directory unless told another; a service's is read-only.
    os.environ.setdefault("LG_WD", os.environ.get("RUNTIME_DIRECTORY", tempfile.gettempdir()).split(":")[0])
    try:
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError:
        raise DeviceError(
            "pins: gpiozero or lgpio is not there; install 'doorward[pi]' (with Python 3.13 also the system's "
            "python3-lgpio), or remove the pins from the device config"
        ) from None
    try:
        return LGPIOFactory()
    except Exception as error:  # lgpio has errors of its own
        raise DeviceError(
            f"pins: cannot be used here ({type(error).__name__}); see to /dev/gpiochip0 and the group 'gpio'"
        ) from None
