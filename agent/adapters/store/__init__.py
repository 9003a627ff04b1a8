"""The device's one SQLite file: the only adapter that speaks SQL."""

from agent.adapters.store.file import read_ledger
from agent.adapters.store.people import Use
from agent.adapters.store.store import OutboxRow, Store

__all__ = ["OutboxRow", "Store", "Use", "read_ledger"]
