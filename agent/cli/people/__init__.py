"""`doorward people …`: those who agreed, from the receipt that they sign to its end."""

from __future__ import annotations

from agent.cli.people import consent, enrol, erased, records
from agent.cli.people.group import people

__all__ = ["consent", "enrol", "erased", "people", "records"]
