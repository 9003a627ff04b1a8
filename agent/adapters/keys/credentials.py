"""Keys as a systemd credential: encrypted on the disk, given to the service alone, in memory that is not swapped.

The unit says `LoadCredentialEncrypted=doorward-keys:STATE/doorward-keys.cred`, and systemd puts the opened document
into the read-only folder that $CREDENTIALS_DIRECTORY names (systemd.exec(5), "Credentials"). Its key is the machine's
own file (/var/lib/systemd/credential.secret), never a TPM: that is the backend `tpm2`. The epochs' secrets change
while the device runs, so they lie in the state folder, encrypted under a key out of the credential: `best-effort`,
since an older image of the disk still opens with today's credential.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from agent.adapters.keys.erased import ErasedMarks
from agent.adapters.keys.files import FileEpochs
from agent.adapters.keys.source import DeviceKeys, EraseStrength, Lasting, new_document, read_document
from agent.adapters.keys.whole import write_whole
from agent.errors import DeviceError, VaultError
from agent.units import DeviceId

CREDENTIAL: Final = "doorward-keys"
_FOLDER: Final = "CREDENTIALS_DIRECTORY"
_TIMEOUT_S: Final = 60.0


class CredentialKeys(DeviceKeys):
    """Secrets out of a systemd credential; implements `KeySource`."""

    __slots__ = ()
    backend: Final = "systemd-credentials"
    erase_strength: Final[EraseStrength] = "best-effort"

    @classmethod
    def create(cls, state: Path, device: DeviceId) -> CredentialKeys:
        """Make new keys and the first epoch; the document goes to `systemd-creds encrypt` on its standard input.

        Raises:
            VaultError: there is a credential already.
            DeviceError: systemd-creds does not encrypt (it needs root), or the disk does not take it.
        """
        path = state / f"{CREDENTIAL}.cred"
        if path.exists():
            raise VaultError(f"{path}: keys exist already and were left as they are; use another state folder")
        document = new_document(device)
        # Left to itself it takes a TPM that is there, bound to the state of the boot: an update of the firmware would
        # lock everybody out. Bound to no PCR, systemd 252 makes what it does not open (`TPM2 PCR bank invalid`).
        command = ("systemd-creds", "encrypt", "--with-key=host", f"--name={CREDENTIAL}", "-", "-")
        try:
            done = subprocess.run(command, input=document, capture_output=True, timeout=_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired):
            raise DeviceError("systemd-creds: cannot be run; install systemd 250 or newer, or take tpm2") from None
        if done.returncode != 0 or not done.stdout:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
            raise DeviceError(f"systemd-creds: does not encrypt ({said[-1]}); run it as root, or take tpm2")
        write_whole(path, done.stdout, 0o600)
        keys = cls._of(read_document(document, CREDENTIAL), state)
        keys.epochs.begin()
        return keys

    @classmethod
    def open(cls, state: Path, folder: str | None = None) -> CredentialKeys:
        """Read the keys that systemd gave to this process.

        Args:
            folder: where credentials lie; None asks the environment.

        Raises:
            VaultError: no credential was given, or it is malformed.
        """
        named = folder or os.environ.get(_FOLDER)
        if named is None:
            raise VaultError(
                f"keys: no ${_FOLDER}; start it as a unit with LoadCredentialEncrypted={CREDENTIAL}:"
                f"{state / CREDENTIAL}.cred, or with systemd-run -p of the same"
            )
        path = Path(named) / CREDENTIAL
        try:
            data = path.read_bytes()
        except OSError as error:
            raise VaultError(
                f"{path}: {error.strerror}; add LoadCredentialEncrypted={CREDENTIAL}:… to the unit"
            ) from None
        return cls._of(read_document(data, str(path)), state)

    @classmethod
    def _of(cls, lasting: Lasting, state: Path) -> CredentialKeys:
        return cls(lasting, FileEpochs(state / "epochs", lasting), ErasedMarks(state / "erased", lasting.ledger_key))
