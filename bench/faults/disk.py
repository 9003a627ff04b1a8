"""A disk that fills up, fails and can be looked at: ext4 on a loop device over a file that stands for the medium.

Rules: an error of input and output is the kernel's own. The device is told that it is smaller than it is, so every file
lies behind its end, and what is read from it, written home or synced gives EIO; told its size again, it holds what it
held before. Inodes and bitmaps lie in front and stay in reach, and there is no journal: where they fail too, the kernel
gives the file system up until the machine starts anew, which is the part of systemd/last-resort. `medium` is what a
power cut would leave: all that was synced, and of the rest what the kernel happened to write.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SET_STATUS, _GET_STATUS, _STATUS_BYTES, _SIZE_LIMIT_AT = 0x4C04, 0x4C05, 232, 32
"""LOOP_SET_STATUS64, LOOP_GET_STATUS64 and where lo_sizelimit is in struct loop_info64 (linux/loop.h)."""
_INODES: Final = 1024
_FRONT: Final = 2**20
"""Bytes that hold all that is no file's content, and more."""


class Disk:
    """Made by `small_disk`."""

    def __init__(self, at: Path, medium: Path, device: str) -> None:
        self.at, self._medium, self._device = at, medium, device

    def fill(self) -> None:
        with contextlib.suppress(OSError), (self.at / "fill").open("wb", buffering=0) as file:
            size = 65_536
            while size:  # to the last block
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 4

    def make_room(self) -> None:
        """On the medium too: without a journal its blocks would belong to two files after a power cut."""
        (self.at / "fill").unlink()
        # It may report an error of before, which concerns nobody any more.
        subprocess.run(["sync", "--file-system", str(self.at)], capture_output=True, check=False)

    def fail(self) -> None:
        """From now on every input and output is an error."""
        self._limit(_FRONT)

    def mend(self) -> None:
        self._limit(0)

    def _limit(self, size: int) -> None:
        device = os.open(self._device, os.O_RDONLY)
        try:
            status = bytearray(_STATUS_BYTES)
            fcntl.ioctl(device, _GET_STATUS, status)
            struct.pack_into("<Q", status, _SIZE_LIMIT_AT, size)
            fcntl.ioctl(device, _SET_STATUS, bytes(status))
        finally:
            os.close(device)

    @contextlib.contextmanager
    def medium(self, store: Path) -> Iterator[Path]:
        """A copy of a database and its WAL, as they are on the medium now, whatever the kernel has in memory."""
        with tempfile.TemporaryDirectory(prefix="doorward-medium-") as scratch:
            image, seen, copy = (Path(scratch) / name for name in ("image", "seen", "copy"))
            shutil.copyfile(self._medium, image)
            for folder in (seen, copy):
                folder.mkdir()
            subprocess.run(["e2fsck", "-fy", str(image)], capture_output=True, check=False)  # as at the machine's start
            _run("mount", "-o", "loop,ro", str(image), str(seen))
            try:
                there = seen / store.relative_to(self.at)
                for name in (there.name, f"{there.name}-wal"):
                    with contextlib.suppress(FileNotFoundError):
                        shutil.copy(there.with_name(name), copy)
            finally:
                _run("umount", str(seen))
            yield copy / store.name


@contextlib.contextmanager
def small_disk(at: Path, *, mega: int) -> Iterator[Disk]:
    """Needs root and loop devices."""
    medium = at.with_suffix(".image")
    with medium.open("wb") as file:
        file.truncate(mega * 2**20)
    form = ("-b", "4096", "-m", "0", "-N", str(_INODES), "-O", "^has_journal,^resize_inode")
    _run("mkfs.ext4", "-q", *form, str(medium))
    device = _run("losetup", "--find", "--show", str(medium)).strip()
    at.mkdir()
    try:
        _run("mount", device, str(at))
        try:
            at.chmod(0o700)
            with (at / "front").open("wb") as file:  # taken, so that no other file lies there
                os.posix_fallocate(file.fileno(), 0, _FRONT)
            yield Disk(at, medium, device)
        finally:
            _run("umount", "-l", str(at))
    finally:
        _run("losetup", "--detach", device)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"faults: {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
