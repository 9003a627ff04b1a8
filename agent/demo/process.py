"""The demo's child processes: started so that they cannot outlive it, ended in order, and asked why when they fail.

Each child leads a group of its own, so Ctrl-C reaches the demo alone, which then ends them one after the other; should
the demo itself be killed, the kernel ends them (`die_with_parent`). What a child says on stderr goes to a file: one
line of it is all that the demo ever repeats.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

_PR_SET_PDEATHSIG: Final = 1


def die_with_parent(parent: int) -> None:
    """Ask the kernel to end this process when the one that started it ends; `parent` is that process's id."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it ended before the call above
        sys.exit(1)


@dataclass(slots=True)
class Child:
    """One running process of the demo."""

    name: str
    process: subprocess.Popen[str]
    errors: Path
    peak_kb: int = field(default=0)
    """VmHWM when last looked at, kB; a process that has ended has none, so `look` while it runs."""

    def look(self) -> None:
        from agent.app.measure import peak_rss_kb

        self.peak_kb = max(self.peak_kb, peak_rss_kb(self.process.pid))

    def ended(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self.process.poll()

    def last_words(self) -> str:
        """The last line that it wrote to stderr: an error of ours is one line, a traceback ends with its cause."""
        try:
            lines = self.errors.read_text("utf-8", "replace").splitlines()
        except OSError:
            lines = []
        return next((line.strip() for line in reversed(lines) if line.strip()), "it left no word")

    def stop(self, patience_s: float = 10.0) -> int:
        """End it: politely, then not. Returns its exit status."""
        self.look()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        return status


def start(
    name: str,
    module: str,
    arguments: Sequence[str],
    errors: Path,
    *,
    fds: Sequence[int] = (),
    ask: bool = False,
    answer: bool = False,
) -> Child:
    """Run one module of this project in a process of its own.

    Call it from the main thread only: the kernel's promise to end the child is bound to the thread that started it.

    Args:
        fds: open file descriptors that the child inherits under the same numbers.
        ask: keep the child's stdin, to tell it something later.
        answer: keep the child's stdout, to hear from it.
    """
    log: IO[str]
    with errors.open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE if ask else subprocess.DEVNULL,
            stdout=subprocess.PIPE if answer else subprocess.DEVNULL,
            stderr=log,
            pass_fds=tuple(fds),
            start_new_session=True,
            text=True,
            bufsize=1,
        )
    return Child(name, process, errors)
