"""What has been used up of the passes: how often each, which code of a phone last, how many of each key on a day.

Rules: what is taken for a decision that then cannot be written down is given back, and only then. Leaves out: the
store, which keeps the same account on disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agent.units import PassId

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, repr=False)
class PassUse:
    """What one opening uses up."""

    pass_id: PassId
    key: str
    """Public pass key that signed it, in hex."""
    day: int
    """Days since 1970 in UTC: the day on which it counts against the key."""
    code: int | None
    """The moment of the phone's code; None for a pass without a phone's key."""


class Uses:
    """The account of one device.

    Args:
        passes: openings of each pass.
        codes: the last code of each phone's pass that was accepted; it and all older ones are used.
        days: openings of each key on a day.
    """

    __slots__ = ("_codes", "_days", "_passes")

    def __init__(
        self,
        passes: Mapping[PassId, int] | None = None,
        codes: Mapping[PassId, int] | None = None,
        days: Mapping[tuple[str, int], int] | None = None,
    ) -> None:
        self._passes, self._codes, self._days = dict(passes or {}), dict(codes or {}), dict(days or {})

    def of(self, pass_id: PassId) -> int:
        return self._passes.get(pass_id, 0)

    def last_code(self, pass_id: PassId) -> int:
        """The newest used code of a phone's pass; -1: none is."""
        return self._codes.get(pass_id, -1)

    def on(self, key: str, day: int) -> int:
        """How many openings passes of this key made on this day."""
        return self._days.get((key, day), 0)

    def take(self, use: PassUse) -> None:
        self._passes[use.pass_id] = self.of(use.pass_id) + 1
        self._days = {named: count for named, count in self._days.items() if named[1] >= use.day - 1}
        self._days[use.key, use.day] = self.on(use.key, use.day) + 1
        if use.code is not None:
            self._codes[use.pass_id] = max(use.code, self.last_code(use.pass_id))

    def give_back(self, use: PassUse) -> None:
        """Undo `take`: nothing was opened. Codes older than the one given back stay used."""
        self._passes[use.pass_id] = self.of(use.pass_id) - 1
        self._days[use.key, use.day] = self.on(use.key, use.day) - 1
        if use.code is not None:
            self._codes[use.pass_id] = use.code - 1
