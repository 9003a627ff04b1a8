"""The way to the pins: gpiozero over lgpio, that is the kernel's own character device, without root."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agent.adapters.gpio.resting import factory
from agent.errors import DeviceError


def pins() -> Any:
    """gpiozero's pin factory for this machine.

    Raises:
        DeviceError: the libraries are not there, the machine has no pins that this user may use, or the pipe of their
            changes is not this process's alone.
    """
    try:
        with _pipe_of_our_own():
            import gpiozero.pins.lgpio  # noqa: F401  # what resting.py builds on must be there
            import lgpio
    except ImportError:
        raise DeviceError(
            "pins: gpiozero or lgpio is not there; install 'doorward[pi]' (with Python 3.13 also the system's "
            "python3-lgpio), or remove the pins from the device config"
        ) from None
    except OSError as error:
        raise DeviceError(
            f"pins: no folder for lgpio's pipe: {error.strerror}; see to RUNTIME_DIRECTORY or TMPDIR and their rights"
        ) from None
    if not _ours_alone(lgpio):
        raise DeviceError("pins: lgpio's pipe may be open to others; see to what else in this process imports lgpio")
    try:
        return factory()
    except Exception as error:  # lgpio has errors of its own
        raise DeviceError(
            f"pins: cannot be used here ({type(error).__name__}); see to /dev/gpiochip0 and the group 'gpio'"
        ) from None


@contextmanager
def _pipe_of_our_own() -> Iterator[None]:
    """While lgpio is imported: it moves to `LG_WD`, makes a pipe of a fixed name there, and believes what it reads.

    Whoever could make that pipe first, or write into it, could press the button that opens the door. So the folder is
    new and this user's alone, and it is gone once both ends are open.
    """
    # A service may write nowhere but there; there may be several, a colon between them.
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    folder = tempfile.mkdtemp(prefix="pins-", dir=runtime or None)
    here, former = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), os.environ.get("LG_WD")
    os.environ["LG_WD"] = folder
    try:
        yield
    finally:
        os.fchdir(here)
        os.close(here)
        del os.environ["LG_WD"]
        if former is not None:
            os.environ["LG_WD"] = former
        shutil.rmtree(folder, ignore_errors=True)


def _ours_alone(lgpio: Any) -> bool:
    """Whether the pipe from which lgpio reads is one, of this user's, that has no name by which it could be opened."""
    try:
        pipe = os.fstat(lgpio._notify_thread._file.fileno())
    except (AttributeError, OSError, ValueError):
        return False
    return stat.S_ISFIFO(pipe.st_mode) and pipe.st_uid == os.geteuid() and pipe.st_nlink == 0
