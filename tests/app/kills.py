"""A power cut at any line: work in a process of its own that is killed by SIGKILL where the test says."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any


def killed(work: Callable[[Callable[[], None]], object], watched: Sequence[str], at: int | None) -> int | None:
    """Do the work in a child process that is killed at this line; None: how many lines there are.

    Args:
        work: calls what it is given where the lines begin to count.
        watched: parts of the names of files whose lines count.
    """
    lines, told = [0], os.pipe()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not any(part in frame.f_code.co_filename for part in watched):
            return None
        if event == "line":
            lines[0] += 1
            if lines[0] == at:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    child = os.fork()
    if child == 0:
        try:
            work(lambda: sys.settrace(trace))
            sys.settrace(None)
            os.write(told[1], str(lines[0]).encode())
        finally:
            os._exit(0)
    status = os.waitpid(child, 0)[1]
    os.close(told[1])
    with os.fdopen(told[0]) as said:
        counted = said.read()
    assert os.WIFSIGNALED(status) == (not counted)
    return int(counted) if counted else None
