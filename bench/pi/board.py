"""A board's Debian on this machine: an arm64 system in a folder, whose programs qemu-user runs, without a network.

What is right or wrong on the board's processor shows here; how fast it is does not, and nothing of that is measured.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress

from bench.debian import Making, NotRun, cache_folder, made
from bench.installed.system import INSIDE, STICK, System
from tests.conftest import ROOT

__all__ = ["CHECKOUT", "PROCESSORS", "STICK", "Board", "answer", "entered", "image"]

PACKAGES: Final = ("ca-certificates", "python3", "sudo", "systemd-sysv")
"""What Raspberry Pi OS has of what the install looks for."""
PROCESSORS: Final = {"cortex-a72": "Raspberry Pi 4", "cortex-a76": "Raspberry Pi 5"}
"""What qemu-user can be; the later one has instructions for int8 that the former has not (dot product)."""
CHECKOUT: Final = "/media/checkout"
_FORMATS: Final = Path("/proc/sys/fs/binfmt_misc")
_QEMU: Final = Path("/usr/lib/binfmt.d/qemu-aarch64.conf")
_ENTER: Final = """
set -e
mount --make-rprivate /
ip link set lo up
mount -t proc none "$1/proc"
mount -t devpts -o mode=620,ptmxmode=666 none "$1/dev/pts"
mkdir -p "$1$2" "$1$4"
mount --bind "$3" "$1$2"
mount --bind "$5" "$1$4"
mount -o remount,bind,ro "$1$2"
mount -o remount,bind,ro "$1$4"
root=$1
shift 5
exec chroot "$root" "$@"
"""
"""Mounts of its own, seen by nobody else and gone with it; stick and checkout can only be read there."""
_TOOLS: Final = ("chroot", "ip", "mount", "unshare")


class Board(System):
    """`entered` makes it.

    Args:
        processor: one of `PROCESSORS`.
    """

    def __init__(self, root: Path, stick: Path, processor: str) -> None:
        super().__init__(root)
        self._stick, self._processor = stick, processor

    def command(self, *words: str) -> list[str]:
        return ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER,
                "sh", str(self.root), STICK, str(self._stick), CHECKOUT, str(ROOT), *INSIDE,
                f"QEMU_CPU={self._processor}", *words]  # fmt: skip

    def as_another(self, processor: str) -> Board:
        """The same disk in a board of another kind."""
        return Board(self.root, self._stick, processor)

    def answer(self, what: str, *words: str) -> Any:
        """Run something that says how far it is, two numbers a line, and at the end its answer as JSON.

        Args:
            what: stands at the bar.
        """
        return answer(what, self.command(*words))


def answer(what: str, words: list[str]) -> Any:
    """See `Board.answer`; on this machine.

    Raises:
        RuntimeError: it failed, with its last words.
    """
    last = ""
    with tempfile.TemporaryFile("w+") as errors, Progress(transient=True) as bar, subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
    ) as process:  # fmt: skip
        job = bar.add_task(what, total=None)
        assert process.stdout is not None
        for line in process.stdout:
            if re.fullmatch(r"\d+ \d+\n", line):
                done, total = map(int, line.split())
                bar.update(job, completed=done, total=total)
            last = line
        process.wait()
        errors.seek(0)
        said = errors.read()
    if process.returncode != 0:
        raise RuntimeError(f"{what}: exit {process.returncode}: {said[-2000:]}")
    return json.loads(last)


def image(suite: str) -> Path:
    """Its folder, made at the first call: some ten minutes, and 0.4 GB on disk. Nobody may change it: take a copy.

    Raises:
        NotRun: not root, no archive or no emulator within reach, or the disk is full.
    """
    return made(f"board-{suite}", "\n".join((suite, *PACKAGES)), lambda part, making: _make(suite, part, making))


def _make(suite: str, part: Path, making: Making) -> None:
    if platform.machine() != "aarch64":
        emulated(making)
    making.debootstrap(suite, PACKAGES, part, "arm64")


def emulated(making: Making | None = None) -> None:
    """Let the kernel run programs of the board's processor.

    Args:
        making: installs the emulator, if it is missing; None does without.

    Raises:
        NotRun: it cannot.
    """
    if not _QEMU.exists() and making is not None:
        making.run("qemu-user", ["apt-get", "install", "--yes", "--no-install-recommends", "qemu-user-static"])
    if not _QEMU.exists():
        raise NotRun("qemu-user is missing; run: apt-get install qemu-user-static")
    if not (_FORMATS / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "binfmt_misc", _FORMATS], capture_output=True)
    try:
        if not (_FORMATS / "qemu-aarch64").exists():
            (_FORMATS / "register").write_text(_QEMU.read_text().strip())
    except OSError as error:
        raise NotRun(f"the kernel does not let programs of aarch64 be registered ({error.strerror})") from None


@contextmanager
def entered(image: Path, stick: Path) -> Iterator[Board]:
    """A copy of the image as a Raspberry Pi 4; gone at the end.

    Raises:
        NotRun: a tool is missing, or its programs do not run here.
    """
    missing = [name for name in _TOOLS if shutil.which(name) is None]
    if missing:
        raise NotRun(f"missing: {', '.join(missing)}; run: apt-get install coreutils iproute2 mount util-linux")
    if platform.machine() != "aarch64":
        emulated()
    root = cache_folder() / f"board-{os.getpid()}"
    subprocess.run(["cp", "-a", "--reflink=auto", image, root], check=True)
    try:
        (root / "etc/hostname").write_text("gate\n")
        (root / "etc/hosts").write_text("127.0.0.1 localhost gate\n")
        # What sudo starts is emulated as the same processor.
        (root / "etc/sudoers.d/processor").write_text('Defaults env_keep += "QEMU_CPU"\n')
        board = Board(root, stick, next(iter(PROCESSORS)))
        said = board.run("uname", "-m")
        if said.text != "aarch64":
            raise NotRun(f"programs of aarch64 do not run here: {said.text[-200:]}")
        yield board
    finally:
        shutil.rmtree(root, ignore_errors=True)
