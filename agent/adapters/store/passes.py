"""What has been used up of the passes, on disk.

Rules: a part of the transaction that makes a decision durable, so that no opening is without its use. Of the days only
the last two are kept. Leaves out: what it is good for (gallery/passes_uses.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from agent.gallery.passes_uses import PassUse, Uses
from agent.units import PassId


class Passes:
    """A part of the store.

    Args:
        read: runs a query.
    """

    def __init__(self, read: Callable[..., list[Any]]) -> None:
        self._read = read

    def used(self) -> Uses:
        rows = self._read("SELECT pass_id, uses, code FROM pass_use")
        return Uses(
            passes={PassId(pass_id): uses for pass_id, uses, _ in rows},
            codes={PassId(pass_id): code for pass_id, _, code in rows if code is not None},
            days={(key, day): uses for key, day, uses in self._read("SELECT key, day, uses FROM pass_day")},
        )

    def take(self, db: sqlite3.Connection, use: PassUse) -> None:
        """Within a transaction: count one opening."""
        db.execute(
            "INSERT INTO pass_use VALUES (?, 1, ?)"
            " ON CONFLICT (pass_id) DO UPDATE SET uses = uses + 1, code = max(ifnull(code, -1), excluded.code)",
            (use.pass_id, use.code),
        )
        db.execute("DELETE FROM pass_day WHERE day < ?", (use.day - 1,))
        db.execute(
            "INSERT INTO pass_day VALUES (?, ?, 1) ON CONFLICT (key, day) DO UPDATE SET uses = uses + 1",
            (use.key, use.day),
        )
