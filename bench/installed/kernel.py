"""A disk that fails under the recogniser: it hangs in the kernel, where SIGKILL ends nothing, or is read-only."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.debian import NotRun
from bench.installed.machine import Machine
from bench.installed.proof import Proof
from bench.installed.site import decisions, wait_decisions

STAMP: Final = "/var/lib/doorward-last-resort/started-anew"
_UNIT: Final = "doorward-recogniser.service"
_STATE: Final = "/var/lib/doorward"
_NODE: Final = "/root/disk"
_ANEW_S: Final = 90.0


@contextmanager
def own_disk(machine: Machine) -> Iterator[str]:
    """The state moves to a disk of its own, until the machine starts anew; the device's name.

    Raises:
        NotRun: there is no loop device.
    """
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
            machine.run("rm", "-f", _NODE)
            for words in (
                ("mknod", _NODE, "b", str(number >> 8), str(number & 0xFF)),
                ("mount", "-t", "ext4", _NODE, "/mnt"),
                ("cp", "-a", f"{_STATE}/.", "/mnt"),
                ("umount", "/mnt"),
                ("mount", "-t", "ext4", "-o", "errors=remount-ro", _NODE, _STATE),
            ):
                done = machine.run(*words)
                assert done.code == 0, done.text
            machine.run("systemctl", "start", "doorward.target")
            time.sleep(10)
            yield Path(device).name
        finally:
            subprocess.run(["losetup", "--detach", device], capture_output=True)


def hung(proof: Proof) -> None:
    """Its disk stops: the machine must start anew, and decide untouched."""
    machine = proof.machine
    with own_disk(machine):
        proof.found("on a disk of its own it", machine.fact(_UNIT, "ActiveState"), "active",
                    machine.fact(_UNIT, "ActiveState") == "active")  # fmt: skip
        machine.run("fsfreeze", "--freeze", _STATE)
        took_s = _stamped(proof)
        proof.found("its disk hangs in the kernel, SIGKILL does not end it: the machine starts anew after",
                    f"{took_s:.1f} s", f"≤ {_ANEW_S:.0f} s", took_s < _ANEW_S)  # fmt: skip
        machine.run("fsfreeze", "--unfreeze", _STATE)  # a container has no kernel of its own that ends with it
        up = machine.wait_up()
    _decides(proof, up)


def read_only(proof: Proof) -> None:
    """An error of the medium: the kernel writes to the disk no more, and no start of the recogniser helps."""
    machine = proof.machine
    with proof.limited(), own_disk(machine) as device:
        Path("/sys/fs/ext4", device, "trigger_fs_error").write_text("doorward\n")
        took_s = _stamped(proof)
        why = machine.disk(STAMP).read_text().strip() if took_s < _ANEW_S else "not"
        proof.found("its disk is read-only after an error: the machine starts anew after, and says why",
                    f"{took_s:.1f} s, {why}", f"≤ {_ANEW_S:.0f} s, its disk is read-only",
                    why == "its disk is read-only")  # fmt: skip
        up = machine.wait_up()
    _decides(proof, up)


def _stamped(proof: Proof) -> float:
    """Seconds until the last resort has written why."""
    began, stamp = time.monotonic(), proof.machine.disk(STAMP)
    while not stamp.exists() and time.monotonic() - began < _ANEW_S:
        time.sleep(0.2)
    return time.monotonic() - began


def _decides(proof: Proof, up: bool) -> None:
    count = decisions(proof.machine)
    proof.site.serve(proof.machine)
    more = wait_decisions(proof.machine, count, 60) if up else None
    proof.found("   and decides after its boot, untouched", "yes" if more else "no", "yes", more is not None)
    proof.machine.disk(STAMP).unlink(missing_ok=True)  # as if twelve hours were over
