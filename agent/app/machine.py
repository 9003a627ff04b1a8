"""What a machine cannot keep of what a device promises: limits of memory that hold, and a disk that remembers.

Rules: warnings only; it looks and changes nothing. What cannot be read is not warned of. Sources: `cgroups(7)`,
`proc_pid_mountinfo(5)`; kernels of Raspberry Pi OS start without the memory controller.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.app.check import Finding, Level

CONTROLLERS: Final = Path("/sys/fs/cgroup/cgroup.controllers")
_MOUNTS: Final = Path("/proc/self/mountinfo")
_FORGETFUL: Final = frozenset({"overlay", "tmpfs", "ramfs"})


def machine(state: Path, controllers: Path = CONTROLLERS) -> Iterator[Finding]:
    """What the installer, or who has set up the machine, is to see to.

    Args:
        state: the device's state folder, or where it will be.
        controllers: the kernel's list of what it limits; not there on a system without cgroup v2.
    """
    try:
        limits = controllers.read_text("ascii").split()
    except OSError:
        limits = ["memory"]
    if "memory" not in limits:
        yield Finding(
            Level.WARNING,
            "memory",
            "this kernel limits no service's memory, and templates may reach a swap file; add cgroup_enable=memory to "
            "/boot/firmware/cmdline.txt and start anew",
        )
    kind = _file_system(state)
    if kind in _FORGETFUL:
        yield Finding(
            Level.WARNING,
            "device.state",
            f"{state} lies on {kind}: unless that outlives a start, ledger, events, used passes and erasures do not; "
            "switch the overlay file system off, or give the folder a disk",
        )


def _file_system(path: Path) -> str | None:
    """Kind of the file system of a path, or of the nearest folder above that is there; None: not found."""
    try:
        while not path.exists():
            path = path.parent
        number, mounts = path.stat().st_dev, _MOUNTS.read_text("utf-8", "replace")
    except OSError:  # a folder that its owner alone looks into
        return None
    device = f"{os.major(number)}:{os.minor(number)}"
    for line in mounts.splitlines():
        mount, _, kind = line.partition(" - ")
        if mount.split()[2] == device:
            return kind.split()[0]
    return None
