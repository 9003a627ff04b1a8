"""The signed site repository as the device sees it."""

from agent.adapters.updates.client import Fetch, Verified
from agent.adapters.updates.folder import Updates, pin_root

__all__ = ["Fetch", "Updates", "Verified", "pin_root"]
