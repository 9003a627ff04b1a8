"""Plain processes that are ended by SIGABRT: this machine writes core files where nothing forbids it.

Part of `scripts/prove people`; what the recogniser does under the same signal is seen in captured.py.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CANARY: Final = "core-canary-" + "qzjx" * 5
_PROGRAM: Final = f"import ctypes, os, sys; held = {_CANARY!r}; {{}}; os.abort()"
_NOT_DUMPABLE: Final = "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)"
"""All that the recogniser does besides its limit; see adapters/sandbox.py."""
WORDS: Final = "raised: from outside before the signal, where this machine allows it"


@dataclass(frozen=True, slots=True)
class Ended:
    limit: str
    ended: str
    """`dumped` or `killed`, by the kernel's word."""
    files: int
    canary: bool
    """Whether what the process held in memory is in a core file."""


def plain_abort(*, dumpable: bool = True) -> Ended:
    """With the highest limit that this machine allows."""
    program = _PROGRAM.format("None" if dumpable else _NOT_DUMPABLE)
    with tempfile.TemporaryDirectory(prefix="core-") as folder:
        before = resource.getrlimit(resource.RLIMIT_CORE)
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1])),
        )
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None and ended.si_status == signal.SIGABRT
        process.wait()
        files = [path for path in Path(folder).iterdir() if path.is_file()]
        return Ended(
            limit="unlimited" if before[1] == resource.RLIM_INFINITY else str(before[1]),
            ended="dumped" if ended.si_code == os.CLD_DUMPED else "killed",
            files=len(files),
            canary=any(_CANARY.encode() in path.read_bytes() for path in files),
        )
