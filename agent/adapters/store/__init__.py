"""The device's one SQLite file: the only adapter that speaks SQL."""

from agent.adapters.store.epochs import Renewal
from agent.adapters.store.file import read_ledger
from agent.adapters.store.outbox import OutboxRow
from agent.adapters.store.people import Use
from agent.adapters.store.store import Store

__all__ = ["OutboxRow", "Renewal", "Store", "Use", "read_ledger"]
