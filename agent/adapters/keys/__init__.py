"""Where the device's secrets come from: one backend a file, all behind `KeySource`."""

from agent.adapters.keys.plain import PlainKeys
from agent.adapters.keys.source import EpochKeys, KeySource, device_document, vault_keys
from agent.adapters.keys.whole import write_whole

__all__ = ["EpochKeys", "KeySource", "PlainKeys", "device_document", "vault_keys", "write_whole"]
