"""The TPM, through tpm2-tools as subprocesses: the only place that calls them.

Rules: a secret goes in on standard input and comes out on standard output; what the tools want as files are memfds,
which have no name and never touch a disk. After each command that leaves an object in the TPM it is flushed, since
without a resource manager there is room for three. Leaves out: what is kept in there (tpm.py).
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from agent.errors import DeviceError

_TIMEOUT_S: Final = 30.0
_OWNED: Final = "ownerread|ownerwrite|no_da"
_SEALED: Final = "fixedtpm|fixedparent|userwithauth|noda"
_PARENT: Final = "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda"
"""Without `noda` a start after a power cut counts as a wrong password, and after some the TPM locks for hours."""
_HANDLE: Final = re.compile(r"0x[0-9a-fA-F]+")
_TCTI: Final = "TPM2TOOLS_TCTI"


@dataclass(frozen=True, slots=True, repr=False)
class SealedBlob:
    """A secret that only the TPM that made it can give back; the two parts as tpm2-tools write them."""

    public: bytes
    private: bytes


class TpmTools:
    """One TPM.

    Args:
        tcti: how to reach it, as tpm2-tools name it, for instance `device:/dev/tpmrm0`; None takes the environment's
            TPM2TOOLS_TCTI, or the tools' own choice.

    Every method raises DeviceError when the TPM does not do it.
    """

    def __init__(self, tcti: str | None) -> None:
        self._environment: Final = dict(os.environ) if tcti is None else {**os.environ, _TCTI: tcti}

    def seal(self, secret: bytes) -> SealedBlob:
        """Seal at most 128 bytes under the owner's primary key, which every boot makes anew from the TPM's seed."""
        with self._primary() as primary, _memory() as public, _memory() as private:
            self._run(
                *("tpm2_create", "-Q", "-C", _path(primary), "-a", _SEALED, "-i", "-"),
                *("-u", _path(public), "-r", _path(private)),
                given=secret,
                files=(primary, public, private),
            )
            return SealedBlob(_content(public), _content(private))

    def unseal(self, blob: SealedBlob) -> bytes:
        with (
            self._primary() as primary,
            _memory(blob.public) as public,
            _memory(blob.private) as private,
            _memory() as loaded,
        ):
            self._run(
                *("tpm2_load", "-Q", "-C", _path(primary), "-u", _path(public), "-r", _path(private)),
                *("-c", _path(loaded)),
                files=(primary, public, private, loaded),
            )
            self._flush()
            return self._run("tpm2_unseal", "-c", _path(loaded), files=(loaded,))

    def indices(self) -> frozenset[int]:
        """The handles of all NV indices that are defined."""
        listed = self._run("tpm2_getcap", "handles-nv-index").decode("ascii", "replace")
        return frozenset(int(handle, 16) for handle in _HANDLE.findall(listed))

    def define(self, index: int, data: bytes) -> None:
        """Define an NV index and write it."""
        self._run("tpm2_nvdefine", "-Q", hex(index), "-C", "o", "-s", str(len(data)), "-a", _OWNED)
        self._run("tpm2_nvwrite", "-Q", hex(index), "-C", "o", "-i", "-", given=data)

    def read(self, index: int, size: int) -> bytes | None:
        """What a defined index holds; None when it was never written."""
        if "written" not in self._run("tpm2_nvreadpublic", hex(index)).decode("utf-8", "replace"):
            return None
        return self._run("tpm2_nvread", hex(index), "-C", "o", "-s", str(size))

    def undefine(self, index: int) -> None:
        self._run("tpm2_nvundefine", "-Q", hex(index), "-C", "o")

    @contextmanager
    def _primary(self) -> Iterator[int]:
        with _memory() as context:
            self._run(
                *("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-a", _PARENT, "-c", _path(context)),
                files=(context,),
            )
            self._flush()
            try:
                yield context
            finally:
                self._flush()

    def _flush(self) -> None:
        self._run("tpm2_flushcontext", "-t")

    def _run(self, *command: str, given: bytes = b"", files: Sequence[int] = ()) -> bytes:
        try:
            done = subprocess.run(
                command, input=given, capture_output=True, pass_fds=files, env=self._environment, timeout=_TIMEOUT_S
            )
        except FileNotFoundError:
            raise DeviceError(f"TPM: {command[0]} is not installed; install tpm2-tools") from None
        except (OSError, subprocess.TimeoutExpired):
            raise DeviceError(f"TPM: {command[0]} did not end; check keys.tcti and the TPM") from None
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            why = next((line for line in said if line.startswith("ERROR")), "no reason given").removeprefix("ERROR")
            raise DeviceError(f"TPM: {command[0]} failed ({why.strip(': ')}); check keys.tcti, the TPM and its group")
        return done.stdout


@contextmanager
def _memory(content: bytes = b"") -> Iterator[int]:
    """A file without a name, in memory; its descriptor."""
    handle = os.memfd_create("doorward", os.MFD_CLOEXEC)
    try:
        os.write(handle, content)
        os.lseek(handle, 0, os.SEEK_SET)
        yield handle
    finally:
        os.close(handle)


def _content(handle: int) -> bytes:
    return os.pread(handle, os.fstat(handle).st_size, 0)


def _path(handle: int) -> str:
    return f"/dev/fd/{handle}"
