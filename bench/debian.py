"""A Debian of its own in a folder, made once and kept outside the repository, for proofs that need a whole system.

Debian's archive is the one that apt is set up with, Python's index the one that pip is set up with. What cannot be had
ends in `NotRun`, which says why: a proof that was not run proves nothing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from rich.progress import Progress

from agent.crypto import sha256

_LINES: Final = 900
"""About what debootstrap and pip say; the bar needs it no more exactly."""


class NotRun(Exception):
    """Here it cannot be proved; the text says why and what to do."""


def made(name: str, recipe: str, make: Callable[[Path, Making], None]) -> Path:
    """The folder of the Debian of this name and recipe, made at the first call.

    Args:
        make: given the empty place and what runs the steps.

    Raises:
        NotRun: not root, no archive or index within reach, or the disk is full.
    """
    if os.geteuid() != 0:
        raise NotRun("a Debian of its own can be made and entered by root only")
    cache = cache_folder()
    root = cache / f"{name}-{sha256(recipe.encode())[:12]}"
    with (cache / f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two starts at once the second finds the work done
        if not root.exists():
            part = cache / f"{root.name}.part"
            _cleared(part)
            with Progress(transient=True) as bar:
                make(part, Making(bar, cache / f"{root.name}.log"))
            part.rename(root)
    return root


def cache_folder() -> Path:
    """What proofs keep from run to run."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "doorward"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


class Making:
    """Runs the steps; what they say goes to a log, and moves the bar."""

    def __init__(self, bar: Progress, log: Path) -> None:
        self._bar, self._log = bar, log
        self._job = bar.add_task("", total=_LINES)
        log.write_bytes(b"")

    def debootstrap(self, suite: str, packages: tuple[str, ...], part: Path, machine: str | None = None) -> None:
        """Debian's smallest set and these packages.

        Args:
            machine: Debian's name for it; None: this one. The kernel must run the programs of another.

        Raises:
            NotRun: it could not be had.
        """
        if shutil.which("debootstrap") is None:
            self.run("apt", ["apt-get", "install", "--yes", "--no-install-recommends", "debootstrap"])
        wanted = [f"--include={','.join(packages)}", *([] if machine is None else [f"--arch={machine}"])]
        self.run("Debian", ["debootstrap", "--variant=minbase", *wanted, suite, str(part), _archive()])

    def run(self, what: str, command: list[str], environment: Mapping[str, str] | None = None) -> str:
        """What it said.

        Raises:
            NotRun: it failed.
        """
        lines: list[str] = []
        given = os.environ if environment is None else environment
        with self._log.open("a", buffering=1) as log, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=given
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                log.write(line)
                self._bar.update(self._job, advance=1, description=f"{what}: {line.strip()[:50]}")
        if process.returncode != 0:
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            raise NotRun(f"{what} could not be had: {last[:200]}; all of it: {self._log}")
        return "".join(lines)


def _cleared(part: Path) -> None:
    """Take away what a start that was stopped has left: debootstrap may have mounted something there."""
    for name in ("proc", "sys"):
        if (part / name).is_mount():
            subprocess.run(["umount", part / name], check=True)
    if part.exists():
        shutil.rmtree(part)


def _archive() -> str:
    """Where apt has Debian from."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    try:
        found = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        found = []
    archives = [each for each in found if not each.rstrip("/").endswith("-security")]
    if not archives:
        raise NotRun("apt knows no archive of Debian; run: apt-get update")
    return archives[0]
