"""A whole Debian in a folder, whose commands are run from outside, and typed where it asks.

Leaves out: how one gets into it (machine.py boots it, bench/pi/board.py emulates its processor).
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STICK: Final = "/media/stick"
"""Where what the installer carries is found."""
INSIDE: Final = ("/usr/bin/env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root",
                  "LANG=C.UTF-8", "TERM=dumb", "SYSTEMD_PAGER=cat", "COLUMNS=120")  # fmt: skip
"""Begins each command: nothing of this machine's environment goes in."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    text: str


class System(ABC):
    """`root` is its disk as seen from outside."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @abstractmethod
    def command(self, *words: str) -> list[str]:
        """The words that run this in there, as root."""

    def run(self, *words: str, timeout_s: float = 120.0) -> Said:
        done = subprocess.run(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
        return Said(done.returncode, done.stdout.strip())

    def typed(
        self,
        line: str,
        answers: dict[str, str],
        *,
        folder: str = "/root",
        timeout_s: float = 300.0,
        heard: Callable[[str], bool] = lambda text: False,
    ) -> tuple[Said, list[str]]:
        """Type a line at a terminal, and an answer wherever one of these questions stands at the end of what is said.

        Args:
            answers: what a question begins with, and what is typed then.
            heard: given all that was said so far; true ends the command by SIGKILL.

        Returns:
            What came, and the questions that were answered.
        """
        child, terminal = pty.fork()
        if child == 0:
            words = self.command("/bin/bash", "-c", f"cd {folder} && {line}")
            os.execvp(words[0], words)
        text, asked, seen, ends = "", list[str](), 0, time.monotonic() + timeout_s
        with contextlib.suppress(OSError):  # the other end is closed
            while time.monotonic() < ends:
                if select.select([terminal], [], [], 0.2)[0]:
                    text += os.read(terminal, 65536).decode("utf-8", "replace")
                rest = text[seen:].rsplit("\n", 1)[-1]
                question = next((each for each in answers if rest.startswith(each) and rest.endswith(": ")), None)
                if question is not None:
                    os.write(terminal, f"{answers[question]}\n".encode())
                    asked.append(rest.rstrip(": "))
                    seen = len(text)
                if heard(text):
                    self.run("pkill", "-KILL", "-f", "scripts/install")
                    break
        with contextlib.suppress(ProcessLookupError):
            if time.monotonic() >= ends:
                os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        return Said(os.waitstatus_to_exitcode(status), text.replace("\r\n", "\n").strip()), asked

    def disk(self, path: str) -> Path:
        """This path of its disk, from outside."""
        return self.root / path.lstrip("/")
