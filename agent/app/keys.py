"""The one door to the device's keys: whatever process or command opens or makes them comes through here.

Rules: the backend is the config's choice; keys of another device are refused; from now on the process leaves no core
dump and is not traced.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, assert_never

from agent.adapters.keys import (
    CredentialKeys,
    KeySource,
    PlainKeys,
    TpmKeys,
    device_document,
    overwrite,
    write_whole,
)
from agent.adapters.sandbox import no_core_dumps
from agent.app.config import DeviceConfig, Keys
from agent.errors import ConfigError, VaultError
from agent.units import DeviceId

_PLAIN, _TPM = "keys.json", "tpm.json"
_ALL: Final = (_TPM, _PLAIN, "doorward-keys.cred")


def open_keys(config: DeviceConfig) -> KeySource:
    """The device's keys, by the config's choice of backend.

    Raises:
        VaultError: there are none, they do not open, or this backend is not allowed.
        ConfigError: they are another device's.
        DeviceError: the disk or the TPM failed.
    """
    no_core_dumps()
    keys = _open(config)
    if keys.device != config.device.id:
        raise ConfigError(
            f"{config.state}: keys of device {keys.device}, not {config.device.id}; correct device.id or device.state"
        )
    return keys


def make_keys(state: Path, device: DeviceId, chosen: Keys) -> KeySource:
    """New keys in a state folder that has none.

    Raises:
        VaultError: there are keys already, of whatever backend; they were left as they are.
        DeviceError: the disk, the TPM or systemd does not do it.
    """
    no_core_dumps()
    for name in _ALL:
        if (state / name).exists():
            raise VaultError(f"{state / name}: keys exist already and were left as they are; use another state folder")
    match chosen.backend:
        case "plain":
            return PlainKeys.create(state / _PLAIN, device)
        case "systemd-credentials":
            return CredentialKeys.create(state, device)
        case "tpm2":
            return TpmKeys.create(state / _TPM, device, chosen.tcti)
        case _:
            assert_never(chosen.backend)


def introduce(state: Path, keys: KeySource) -> Path:
    """Write `device.json`, what the operator admits the device by, if a cut came between it and the keys.

    Raises:
        DeviceError: the disk does not take it.
    """
    path = state / "device.json"
    if not path.exists():
        write_whole(path, device_document(keys), 0o644)
    return path


def destroy_keys(config: DeviceConfig) -> tuple[str, ...]:
    """Destroy every secret of the device: the chip's indices, the epochs' files, then what opens them.

    Returns:
        What was destroyed; empty if there was nothing. A credential needs not be opened for it, a TPM must answer.

    Raises:
        DeviceError: the disk or the TPM failed; run it again.
        VaultError: the TPM does not open its file: it was cleared, and then its indices are gone already.
    """
    gone: list[str] = []
    if (config.state / _TPM).exists():
        keys = TpmKeys.open(config.state / _TPM, config.keys.tcti)
        for epoch in sorted(keys.epochs.known()):
            keys.epochs.destroy(epoch)
            gone.append(f"epoch {epoch} in the TPM")
    for path in (*sorted((config.state / "epochs").glob("*.key")), *(config.state / name for name in _ALL)):
        if path.exists():
            overwrite(path)
            gone.append(path.name)
    return tuple(gone)


def _open(config: DeviceConfig) -> KeySource:
    match config.keys.backend:
        case "plain":
            return PlainKeys.open(config.state / _PLAIN, insecure_dev=config.device.insecure_dev)
        case "systemd-credentials":
            return CredentialKeys.open(config.state)
        case "tpm2":
            return TpmKeys.open(config.state / _TPM, config.keys.tcti)
        case _:
            assert_never(config.keys.backend)
