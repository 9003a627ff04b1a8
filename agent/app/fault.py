"""What a process says of its faults, and that it ends with any of its threads: half a process looks alive and is not.

Rules: a line is one line about files, devices and threads, never about people; that nobody reads it any more is no
fault. A thread that ends by an error that nobody foresaw takes the process with it, for systemd starts it anew; named
are the thread and the kind of the error, never its words, which may hold what somebody showed or sent. One that ends
without an error while the process is to go on is as bad.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Set
from typing import Final

ORDERLY_S: Final = 10.0
"""So long the process may take to end in order."""
FED_S: Final = 15.0
"""How often systemd hears that all threads live: a quarter of `WatchdogSec=` of doorward-link.service."""


def report(line: str, program: str = "doorward") -> None:
    """One line to whoever looks after the device."""
    with contextlib.suppress(OSError, ValueError):  # the journal was started anew, or closed
        sys.stderr.write(f"{program}: {line}\n")
        sys.stderr.flush()


@contextlib.contextmanager
def one_fate(told: Callable[[str], object], orderly_s: float = ORDERLY_S) -> Iterator[threading.Event]:
    """Meanwhile a thread's end by an error sends the process SIGTERM, and ends it after `orderly_s` if it is there.

    Yields:
        Set when that has happened: then the process ends with 1.
    """
    died = threading.Event()

    def ended(error: threading.ExceptHookArgs) -> None:
        if error.exc_type is SystemExit:
            return
        name = "unknown" if error.thread is None else error.thread.name
        told(f"thread {name}: ended by {error.exc_type.__name__}; the process ends with it, to be started anew")
        died.set()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(orderly_s)  # in the thread that ends; there may be no room for another
        os._exit(1)

    before, threading.excepthook = threading.excepthook, ended
    try:
        yield died
    finally:
        threading.excepthook = before


def until_told(
    ends: Set[signal.Signals],
    threads: Set[str],
    fed: Callable[[], object],
    told: Callable[[str], object],
    every_s: float = FED_S,
) -> bool:
    """Wait on the main thread for one of the signals `ends`, which are blocked, and feed while all threads live.

    Args:
        threads: the names of those without which the process is half a one.

    Returns:
        Whether a signal came; False: one of the threads is no more, which was told, and the process ends with 1.
    """
    while not (gone := threads - {each.name for each in threading.enumerate()}):
        fed()
        if signal.sigtimedwait(ends, every_s) is not None:
            return True
    told(f"thread {', '.join(sorted(gone))}: is no more; the process ends with it, to be started anew")
    return False
