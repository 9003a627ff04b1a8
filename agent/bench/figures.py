"""One figure of a run: what was measured, its goal where there is one, and whether it was reached."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of one run."""

    key: str
    """Its name in JSON; never changes."""
    what: str
    value: float | None
    """None: was not measured; `note` says why."""
    unit: str
    goal: float | None = None
    """None: nobody set one."""
    least: bool = False
    """The goal is the least, not the most."""
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """None where there is no goal, or no value."""
        if self.goal is None or self.value is None:
            return None
        return self.value >= self.goal if self.least else self.value <= self.goal

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        return {None: "", True: "reached", False: "not reached"}[self.reached]

    @property
    def told(self) -> str:
        return "–" if self.value is None else f"{number(self.value)} {self.unit}".strip()

    @property
    def aim(self) -> str:
        if self.goal is None:
            return ""
        return f"{'≥' if self.least else '≤'} {number(self.goal)} {self.unit}".strip()

    def document(self) -> dict[str, Any]:
        return {
            "key": self.key, "what": self.what, "value": self.value, "unit": self.unit, "goal": self.goal,
            "least": self.least, "reached": self.reached, "note": self.note,
        }  # fmt: skip


def number(value: float) -> str:
    """Three figures, and no more digits than they need."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def median(values: Sequence[float]) -> float:
    return float(statistics.median(values))
