"""The one door to the device's keys: whatever process or command opens them comes through here.

Rules: the backend is the config's choice; keys of another device are refused; from now on the process leaves no core
dump and is not traced.
"""

from __future__ import annotations

from agent.adapters.keys import KeySource, PlainKeys
from agent.adapters.sandbox import no_core_dumps
from agent.app.config import DeviceConfig
from agent.errors import ConfigError


def open_keys(config: DeviceConfig) -> KeySource:
    """The device's keys, by the config's choice of backend.

    Raises:
        VaultError: there are none, they do not open, or this backend is not allowed.
        ConfigError: they are another device's.
        DeviceError: the disk or the TPM failed.
    """
    no_core_dumps()
    keys = PlainKeys.open(config.state / "keys.json", insecure_dev=config.device.insecure_dev)
    if keys.device != config.device.id:
        raise ConfigError(
            f"{config.state}: keys of device {keys.device}, not {config.device.id}; correct device.id or device.state"
        )
    return keys
