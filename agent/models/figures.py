"""What was measured, as the manifest says it: numbers with what they are of, and the threshold for attacks.

Leaves out: what a threshold on faces is, and for how many people (manifest.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.models.table import Table
from agent.units import Sha256

PAD_LABELS: Final = ("simulated",)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, with what it was measured on."""

    data: str
    name: str
    value: float
    of: int
    """How many trials stand behind it."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measured rate with its 95 % bounds."""

    value: float
    low: float
    high: float
    of: int
    """How many people stand behind it."""


@dataclass(frozen=True, slots=True)
class PadPoint:
    """A threshold on the score that a face is bona fide: at or above it is."""

    label: str
    """`simulated`: no licensed set of attacks stands behind it."""
    model: Sha256
    threshold: float
    chosen: str
    """How it was chosen, one sentence."""
    figures: tuple[Figure, ...]


def read_figure(table: Table) -> Figure:
    """One figure; every fault is a `DeviceError`."""
    made = Figure(
        table.text("data"), table.text("name"), table.number("value", -1e9, 1e9), table.integer("of", 0, 10**12)
    )
    table.end()
    return made


def read_measure(table: Table) -> Measure:
    """One rate; every fault is a `DeviceError`."""
    value, low, high = (table.number(name, 0.0, 1.0) for name in ("value", "low", "high"))
    made = Measure(value, low, high, table.integer("of", 1, 10**12))
    table.end()
    return made


def read_pad_point(table: Table) -> PadPoint:
    """One threshold for attacks; every fault is a `DeviceError`."""
    made = PadPoint(
        table.one_of("label", PAD_LABELS),
        Sha256(table.digest("model")),
        table.number("threshold", 1e-6, 1.0 - 1e-6),
        table.text("chosen"),
        tuple(read_figure(part) for part in table.tables("figure")),
    )
    table.end()
    return made
