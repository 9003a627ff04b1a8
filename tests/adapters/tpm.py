"""A TPM 2.0 in software (swtpm), reached over a socket in a folder, as the agent reaches one without a network."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_tpm(folder: Path) -> Iterator[str]:
    """Start a TPM whose memory is `folder` (made if need be; short, for a socket's name) and stop it at the end.

    Yields:
        its TCTI, for tpm2-tools.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    socket = folder / "s"
    served = subprocess.Popen(
        [
            *("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--flags", "not-need-init,startup-clear"),
            *("--server", f"type=unixio,path={socket}", "--ctrl", f"type=unixio,path={socket}.ctrl"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 10
        while not socket.exists() and served.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        yield f"swtpm:path={socket}"
    finally:
        served.terminate()
        served.wait(10)
        for left in (socket, folder / "s.ctrl"):
            with contextlib.suppress(FileNotFoundError):
                left.unlink()
