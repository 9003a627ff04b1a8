"""Files of which a power cut leaves all or nothing, and files that are overwritten before they go."""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path

from agent.errors import DeviceError


def write_whole(path: Path, data: bytes, mode: int) -> None:
    """Write a new file so that a power cut leaves all of it or nothing.

    Raises:
        DeviceError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
        _keep_names(path.parent)
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror}; check the folder, its owner and the disk") from None


def overwrite(path: Path) -> None:
    """Overwrite a file with zeros, on the disk, and take its name away; one that is not there stays away.

    A card of flash memory may keep the old block all the same: that is what `best-effort` means.

    Raises:
        DeviceError: it cannot be written; it or its folder is a link, which is never followed.
    """
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            with own_file(path, os.O_RDWR, folder) as file:
                file.write(bytes(os.fstat(file.fileno()).st_size))
                os.fsync(file.fileno())
            os.unlink(path.name, dir_fd=folder)
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror}; check the folder, its owner and the disk") from None


def own_file(path: Path, flags: int, folder: int | None = None) -> FileIO:
    """Open a file that is no link, pipe or device: who may do more than the folder's owner must not be led elsewhere.

    Args:
        flags: of open(2), for reading and writing; nothing is cut off. A file that is made is its owner's alone.
        folder: descriptor of the folder that it lies in; None goes by the whole path.

    Raises:
        DeviceError: something else lies in its place.
        OSError: it cannot be opened.
    """
    name = path if folder is None else path.name
    try:  # a pipe would wait for its other end, a terminal might become this process's own
        handle = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o600, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENXIO):
            raise
        handle = None
    if handle is None or not stat.S_ISREG(os.fstat(handle).st_mode):
        if handle is not None:
            os.close(handle)
        raise DeviceError(f"{path}: is a link, or no file; see who has put it there, and take it away")
    return os.fdopen(handle, "r+b", buffering=0)


def _keep_names(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
