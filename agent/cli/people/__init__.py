"""`doorward people …`: those who agreed, from the receipt that they sign to its end."""

from __future__ import annotations

from agent.cli.people import code, consent, enrol, erased, receipts, records
from agent.cli.people.group import people

__all__ = ["code", "consent", "enrol", "erased", "people", "receipts", "records"]
