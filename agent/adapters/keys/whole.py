"""Files of which a power cut leaves all or nothing, and files that are overwritten before they go."""

from __future__ import annotations

import os
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
        DeviceError: it cannot be written.
    """
    try:
        with path.open("r+b", buffering=0) as file:
            file.write(bytes(os.fstat(file.fileno()).st_size))
            os.fsync(file.fileno())
        path.unlink()
        _keep_names(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DeviceError(f"{path}: {error.strerror}; check the folder, its owner and the disk") from None


def _keep_names(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
