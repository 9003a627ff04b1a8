"""The demo as a user calls it: the same entry point, in a process and with a folder for temporary files of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

_PATIENCE_S = 60.0

ISOLATED = """
import runpy, sys
from agent.adapters.sandbox import leave_network
assert leave_network()
sys.argv = ["demo", *sys.argv[1:]]
runpy.run_module("agent.demo", run_name="__main__")
"""
"""The same command on a machine without any network, not even the loopback interface."""


class Demo:
    """One running call of the command.

    Args:
        folder: takes what it says on stderr.
        program: what Python is told to run.
    """

    def __init__(self, folder: Path, *arguments: str, program: tuple[str, ...] = ("-m", "agent.demo")) -> None:
        # Not below `folder`, because the path of a socket must be short.
        self.temporary = Path(tempfile.mkdtemp(prefix="demo-"))
        self._errors = folder / "errors"
        self._changed = threading.Condition()
        self._over = False
        self.lines: list[str] = []
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *program, "--no-browser", *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=ROOT,
                env={**os.environ, "TMPDIR": str(self.temporary), "COLUMNS": "200"},
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip())
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def hear(self, pattern: str) -> re.Match[str]:
        """Wait until a line of its narration matches."""

        def found() -> re.Match[str] | None:
            return next((match for line in self.lines if (match := re.search(pattern, line))), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() or self._over, _PATIENCE_S), pattern
        match = found()
        assert match is not None, f"{pattern!r} not among {self.lines}; {self.errors}"
        return match

    def end(self) -> int:
        """Wait for its end; the exit code."""
        code = self.process.wait(_PATIENCE_S)
        self._reader.join(_PATIENCE_S)
        return code

    @property
    def errors(self) -> str:
        return self._errors.read_text("utf-8")

    @property
    def said(self) -> list[str]:
        """Its own lines on stderr; a native library's are not its own."""
        return [line for line in self.errors.splitlines() if not line.startswith(("INFO:", "WARNING:"))]

    def children(self) -> dict[str, int]:
        """Id of each of its processes that runs, by name."""
        found = {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == self.process.pid:
                continue
            try:
                words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue  # it has ended meanwhile
            if words[1:2] == ["-m"] and words[3:4] == [str(self.process.pid)]:
                found[words[2].removeprefix("agent.demo.")] = int(folder.name)
            elif any(str(self.temporary) in word for word in words):
                found["broker"] = int(folder.name)
        return found

    def left_over(self) -> list[str]:
        """Files and processes of its that are still there."""
        return [*(path.name for path in self.temporary.iterdir()), *self.children()]


@contextmanager
def demo(folder: Path, *arguments: str, program: tuple[str, ...] = ("-m", "agent.demo")) -> Iterator[Demo]:
    """A call that does not outlive the test, whatever happens in it."""
    running = Demo(folder, *arguments, program=program)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.end()
        assert running.process.stdout is not None
        running.process.stdout.close()
        shutil.rmtree(running.temporary, ignore_errors=True)
