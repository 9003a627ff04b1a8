"""One run of the bench: everything that is measured, one after the other, on one machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from agent import __version__
from agent.bench.beside import beside
from agent.bench.figures import Figure
from agent.bench.frames import frames
from agent.bench.machine import facts, shared
from agent.bench.processes import idle, visits
from agent.bench.rig import rig
from agent.bench.search import search
from agent.errors import DeviceError

IDLE_S: Final = 20.0
"""So long the empty scene is watched."""
_OTHERS: Final = 4


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a run."""

    figures: tuple[Figure, ...]
    stages: dict[str, float]
    """Stage of a frame -> median ms over the frames that have it."""
    machine: dict[str, str]
    at: str
    shared: bool
    """Others computed on the machine when it began or ended."""

    def document(self) -> dict[str, Any]:
        return {
            "schema": "doorward/bench/1", "agent": __version__, "at": self.at, "machine": self.machine,
            "shared": self.shared, "stages_ms": self.stages,
            "figures": {figure.key: figure.document() for figure in self.figures},
        }  # fmt: skip


def measure(rounds: int, say: Callable[[str], None]) -> Measured:
    """Measure everything, a visit played so many times.

    Raises:
        DoorwardError: the recogniser or what it needs does not start.
    """
    busy, machine = shared(), facts()
    with rig(say) as made:
        seen = frames(made, rounds, say)
        found = [
            *seen.figures,
            *beside(made, _OTHERS, say),
            *search(made.device, say),
            *idle(made, IDLE_S, say),
            *visits(made, rounds, seen.good, say),
        ]
        if made.link.ended() is not None:
            raise DeviceError(f"bench: the link ended: {made.link.last_words()}")
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Measured(tuple(found), seen.stages, machine, at, busy)
