"""The cameras' adapters on the real picamera2 and the real V4L2: a Debian that boots in QEMU and shows it by itself.

The guest's processor is emulated, so nothing in it tells how fast a Raspberry Pi is; and its cameras are virtual ones
(libcamera's, and the kernel's vivid), which have no exposure, no lens and no light. What they cannot show, rows call
"not on a virtual camera".
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.debian import NotRun, cache_folder
from bench.pi import Found
from bench.pi.image import INIT, Image, image
from tests.conftest import ROOT

_QEMU: Final = "qemu-system-x86_64"
_CARRIED: Final = ("agent", "bench", "models", "pyproject.toml", "scenes", "tests")
_SILENT_S: Final = 600.0
"""A guest that says no row for so long hangs; its longest part takes about a minute here."""


def proven(found: Found) -> None:
    """Boot it, and add the rows that it says.

    Raises:
        NotRun: QEMU or what makes the guest is missing; the text says what.
    """
    if shutil.which(_QEMU) is None and shutil.which("apt-get") is not None:
        with Console().status("installing qemu-system-x86 with apt"):
            subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", "qemu-system-x86"],
                           stdin=subprocess.DEVNULL, capture_output=True)  # fmt: skip
    if shutil.which(_QEMU) is None:
        raise NotRun("QEMU is missing, so picamera2 was not run; run: apt-get install qemu-system-x86")
    made, began_s = image(), time.monotonic()
    ended = False
    with tempfile.TemporaryDirectory(prefix="doorward-guest-") as scratch:
        for said in _rows(made, checkout(Path(scratch))):
            if said is None:
                ended = True
            else:
                found(*said)
    took_s = time.monotonic() - began_s
    found("camera guest, from power on to off", f"{took_s:.0f} s" if ended else f"ended early; see {_console()}",
          "every row said", ended)  # fmt: skip


def _console() -> Path:
    """All else that the guest says; of the last run."""
    return cache_folder() / "camera-guest.console"


def checkout(folder: Path) -> Path:
    """The working tree, with what is not committed yet, as a disk that the guest only reads."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *_CARRIED]
    try:
        names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        raise NotRun("git does not say which files the checkout has, so the guest was not started") from None
    disk = folder / "checkout.tar"
    with tarfile.open(disk, "w") as tar:
        for name in filter(None, names):
            if (ROOT / name).is_file():
                tar.add(ROOT / name, name)
    return disk


def _rows(made: Image, checkout: Path) -> Iterator[tuple[str, str, str, bool] | None]:
    """What the guest says, as it says it; None is its own word that this was all.

    KVM is left alone: not every machine has it, and rows must not differ.
    """
    words = [
        _QEMU, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
        "-nodefaults", "-no-reboot", "-display", "none", "-nic", "none",
        "-kernel", str(made.kernel), "-initrd", str(made.initrd),
        "-append", f"root=/dev/vda rw console=ttyS0 quiet panic=-1 no_timer_check init={INIT}",
        "-drive", f"file={made.disk},format=raw,if=virtio,snapshot=on",
        "-drive", f"file={checkout},format=raw,if=virtio,readonly=on",
        "-serial", f"file:{_console()}", "-chardev", "stdio,id=rows,signal=off", "-serial", "chardev:rows",
    ]  # fmt: skip
    status = Console().status("a guest boots, emulated")
    status.start()
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as qemu:
        assert qemu.stdout is not None and qemu.stderr is not None
        rest = b""
        try:
            while select.select([qemu.stdout], [], [], _SILENT_S)[0] and (came := os.read(qemu.stdout.fileno(), 65536)):
                *lines, rest = (rest + came).split(b"\n")
                for line in lines:
                    status.stop()
                    row = json.loads(line)
                    yield None if row == "end" else (str(row[0]), str(row[1]), str(row[2]), bool(row[3]))
        finally:
            status.stop()
            qemu.kill()
            fault = qemu.stderr.read().decode("utf-8", "replace").strip()
    if fault:
        raise NotRun(f"QEMU does not run a guest here, so picamera2 was not run: {fault.splitlines()[-1][:200]}")


if __name__ == "__main__":
    proven(lambda what, value, goal, good: print(f"{'' if good else '!! '}{what}: {value} (goal: {goal})", flush=True))
