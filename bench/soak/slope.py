"""How a process's memory goes up or down over days, by least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Sample:
    day: float
    """Since the start."""
    mb: float


def steady(samples: Sequence[Sample], warm: float) -> tuple[float, float]:
    """MB a day of the straight line through what came after the first `warm` days, and where it ends.

    Fewer than two samples have no slope: then it is infinite, which meets no goal.
    """
    kept = [each for each in samples if each.day >= warm]
    days, mb = (np.array([getattr(each, name) for each in kept]) for name in ("day", "mb"))
    if len(set(days.tolist())) < 2:
        return float("inf"), kept[-1].mb if kept else 0.0
    slope, at_zero = np.polyfit(days, mb, 1)
    return float(slope), float(at_zero + slope * days[-1])
