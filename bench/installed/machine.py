"""A device in a container: a copy of a fresh Debian, booted by its own systemd, with the network off."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.debian import NotRun, cache_folder
from bench.installed.system import INSIDE, STICK, System

__all__ = ["STICK", "Machine", "booted"]

_BOOT_S: Final = 90.0
_ANEW: Final = 133
"""How systemd-nspawn ends when the system in it wants to start anew (systemd-nspawn(1), --keep-unit)."""


class Machine(System):
    """`booted` makes it."""

    def __init__(self, root: Path, boot: Callable[[], subprocess.Popen[bytes]]) -> None:
        super().__init__(root)
        self._boot, self._nspawn = boot, boot()
        self._pid = 0
        """Of its first process."""

    def wait_up(self, timeout_s: float = _BOOT_S) -> bool:
        """Wait until it has booted: for the first time, or anew after it was up. False: it has not."""
        former, ends = self._pid, time.monotonic() + timeout_s
        while time.monotonic() < ends:
            if self._nspawn.poll() is not None:
                if self._nspawn.returncode != _ANEW:
                    return False
                self._nspawn = self._boot()  # as firmware does
            children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
            pids = [int(word) for word in children.read_text().split()]
            if pids and pids[0] != former:
                self._pid = pids[0]
                if self.run("systemctl", "is-system-running").text in ("running", "degraded"):
                    return True
            time.sleep(0.2)
        return False

    def off(self) -> None:
        self._nspawn.terminate()
        try:
            self._nspawn.wait(30)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()

    def command(self, *words: str) -> list[str]:
        return ["nsenter", f"--target={self._pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
                "--", *INSIDE, *words]  # fmt: skip

    def fact(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", "-P", name, unit).text


@contextmanager
def booted(image: Path, stick: Path, *, filtered: bool = False) -> Iterator[Machine]:
    """A copy of the image, booted; gone at the end.

    Args:
        filtered: with one hierarchy of control groups and bpf(), without either of which systemd leaves its filter of
            addresses out, in silence. Where this machine has others, systemd 252 loses a group now and then.

    Raises:
        NotRun: systemd-nspawn is missing, or does not boot it here.
    """
    if shutil.which("systemd-nspawn") is None:
        raise NotRun("systemd-nspawn is missing; run: apt-get install systemd-container")
    root = cache_folder() / f"run-{os.getpid()}"
    subprocess.run(["cp", "-a", "--reflink=auto", image, root], check=True)
    (root / "etc/hostname").write_text("gate\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost gate\n")
    log = (cache_folder() / f"run-{os.getpid()}.log").open("w")
    words = ["systemd-nspawn", "--quiet", f"--directory={root}", "--boot", "--private-network", "--register=no",
             "--keep-unit", f"--machine=doorward-{os.getpid()}", f"--bind-ro={stick}:{STICK}", "--link-journal=no",
             "--console=read-only"]  # fmt: skip
    environment = dict(os.environ)
    if filtered:
        words.append("--system-call-filter=bpf")
        environment["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "1"
    machine = Machine(
        root,
        lambda: subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment
        ),
    )
    try:
        if not machine.wait_up():
            raise NotRun("systemd-nspawn does not boot a system here; it needs root and namespaces")
        yield machine
    finally:
        machine.off()
        log.close()
        shutil.rmtree(root, ignore_errors=True)
        Path(log.name).unlink(missing_ok=True)
