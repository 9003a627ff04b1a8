"""Where the device's secrets come from: one backend a file, all behind `KeySource`."""

from agent.adapters.keys.credentials import CredentialKeys
from agent.adapters.keys.erased import ErasedMarks
from agent.adapters.keys.plain import PlainKeys
from agent.adapters.keys.source import (
    KEY_BYTES,
    EpochKeys,
    KeySource,
    Lasting,
    device_document,
    epoch_box,
    vault_keys,
)
from agent.adapters.keys.tpm import TpmKeys
from agent.adapters.keys.whole import overwrite, own_file, write_whole

__all__ = [
    "KEY_BYTES",
    "CredentialKeys",
    "EpochKeys",
    "ErasedMarks",
    "KeySource",
    "Lasting",
    "PlainKeys",
    "TpmKeys",
    "device_document",
    "epoch_box",
    "overwrite",
    "own_file",
    "vault_keys",
    "write_whole",
]
