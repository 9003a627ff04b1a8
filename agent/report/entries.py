"""Reading a ledger's entries for a report: what this version does not know is counted, not failed on.

Whether a ledger is sound is asked elsewhere (ledger/verify.py); a report says the answer beside what it shows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

from agent.errors import VaultError
from agent.ledger.entry import Entry, decode

_KIND: Final = re.compile(r"[a-z][a-z-]{0,39}")


@dataclass(frozen=True, slots=True)
class Unread:
    """An entry of a kind that this version does not know, or one that was damaged."""

    kind: str
    """Its wire name; `unreadable` where there is none."""
    time_ms: int | None


def read_entry(data: bytes) -> Entry | Unread:
    """The entry, or as much of it as can be told."""
    try:
        return decode(data)
    except VaultError:
        pass
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        raw = None
    fields = raw if isinstance(raw, dict) else {}
    kind, time_ms = fields.get("kind"), fields.get("time_ms")
    return Unread(
        kind if isinstance(kind, str) and _KIND.fullmatch(kind) else "unreadable",
        time_ms if type(time_ms) is int and 0 <= time_ms < 2**53 else None,
    )
