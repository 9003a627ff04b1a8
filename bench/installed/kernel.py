"""A recogniser that hangs in the kernel, where SIGKILL does not end it: its disk is frozen under it."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.debian import NotRun
from bench.installed.proof import Proof
from bench.installed.site import decisions, wait_decisions

STAMP: Final = "/var/lib/doorward-last-resort/started-anew"
_UNIT: Final = "doorward-recogniser.service"
_STATE: Final = "/var/lib/doorward"
_NODE: Final = "/root/disk"
_ANEW_S: Final = 90.0


def hung(proof: Proof) -> None:
    """The state moves to a disk of its own, which stops; the machine must start anew, and decide untouched.

    Raises:
        NotRun: there is no loop device.
    """
    machine = proof.machine
    with tempfile.NamedTemporaryFile(suffix=".ext4") as image:
        image.truncate(256 << 20)
        subprocess.run(["mkfs.ext4", "-q", image.name], check=True)
        made = subprocess.run(["losetup", "--find", "--show", image.name], capture_output=True, text=True)
        if made.returncode != 0:
            raise NotRun(f"there is no loop device: {made.stderr.strip()}")
        device = made.stdout.strip()
        try:
            number = Path(device).stat().st_rdev
            machine.run("systemctl", "stop", "doorward-recogniser.socket")
            for words in (
                ("mknod", _NODE, "b", str(number >> 8), str(number & 0xFF)),
                ("mount", "-t", "ext4", _NODE, "/mnt"),
                ("cp", "-a", f"{_STATE}/.", "/mnt"),
                ("umount", "/mnt"),
                ("mount", "-t", "ext4", _NODE, _STATE),
            ):
                done = machine.run(*words)
                assert done.code == 0, done.text
            machine.run("systemctl", "start", "doorward.target")
            time.sleep(10)
            proof.found("on a disk of its own it", machine.fact(_UNIT, "ActiveState"), "active",
                        machine.fact(_UNIT, "ActiveState") == "active")  # fmt: skip
            machine.run("fsfreeze", "--freeze", _STATE)
            began, stamp = time.monotonic(), machine.disk(STAMP)
            while not stamp.exists() and time.monotonic() - began < _ANEW_S:
                time.sleep(0.2)
            took_s = time.monotonic() - began
            proof.found("its disk hangs in the kernel, SIGKILL does not end it: the machine starts anew after",
                        f"{took_s:.1f} s", f"≤ {_ANEW_S:.0f} s", took_s < _ANEW_S)  # fmt: skip
            machine.run("fsfreeze", "--unfreeze", _STATE)  # a container has no kernel of its own that ends with it
            up = machine.wait_up()
        finally:
            subprocess.run(["losetup", "--detach", device], capture_output=True)
    count = decisions(machine)
    proof.site.serve(machine)
    more = wait_decisions(machine, count, 60) if up else None
    proof.found("   and decides after its boot, untouched", "yes" if more else "no", "yes", more is not None)
    stamp.unlink(missing_ok=True)  # as if twelve hours were over
