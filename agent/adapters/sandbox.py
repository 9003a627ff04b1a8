"""What a process gives up at its start: the network, core dumps, and files that others can read.

Must run before any thread exists and before any third-party library is imported.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import threading
from typing import Final

_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_M_ARENA_MAX: Final = -8
_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4


def keep_private() -> None:
    """No core dumps, no ptrace by other users, new files for the owner alone."""
    no_core_dumps()
    os.umask(0o077)


def no_core_dumps() -> None:
    """No core dumps and no ptrace by other users: for whoever is about to hold keys."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def one_heap() -> None:
    """One heap for all threads: glibc gives each its own, and every one of them holds what it held at its fullest.

    Before any thread exists. Where the C library has no such switch nothing happens.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


def leave_network() -> bool:
    """Move this process into an empty network namespace; False where the kernel does not allow it.

    An AF_UNIX socket with a path is found through the file system and goes on working.
    """
    if threading.active_count() > 1:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) == 0:
        return True
    if os.geteuid() == 0:
        return False  # root that may not: a container without the right; a user namespace would change who owns files
    uid, gid = os.geteuid(), os.getegid()
    dumpable = libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)  # a process that is not dumpable may not write its own files of /proc
    try:
        if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
            return False
        with contextlib.suppress(OSError):  # without the maps it only has another name for itself
            for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
                with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                    file.write(line)
    finally:
        libc.prctl(_PR_SET_DUMPABLE, dumpable, 0, 0, 0)
    return True
