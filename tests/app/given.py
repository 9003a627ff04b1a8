"""A device's keys as values, and what stands over a store with them."""

from __future__ import annotations

from collections.abc import Callable

from agent.adapters.keys import PlainKeys
from agent.adapters.store import Store
from agent.app.custody import Custody
from agent.app.standing import MakeGallery, Standing
from agent.crypto import BoxSecret, SignSecret
from agent.gallery.vault import VaultKeys
from agent.units import DeviceId
from tests.gallery.given import KEYS as VAULT_KEYS


def keys(device: DeviceId, vault: VaultKeys = VAULT_KEYS) -> PlainKeys:
    return PlainKeys(device, SignSecret(b"\x05" * 32), BoxSecret(b"\x04" * 32), vault)


def custody(store: Store, report: Callable[[str], None]) -> Custody:
    return Custody(store, keys(store.device), report)


def standing(store: Store, gallery: MakeGallery, report: Callable[[str], None]) -> Standing:
    return Standing(store, custody(store, report), gallery, report)
