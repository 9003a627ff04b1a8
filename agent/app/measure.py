"""Numbers about the process, never about people: stage times, frame rate, refused frames by ground, memory.

Rules: bounded memory; medians over the last few hundred frames; counts only grow.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Final

from agent.events.bodies import Stage
from agent.policy.gate import Refusal

_KEPT: Final = 300


class Measure:
    """Implements `ports.Stopwatch`; `start` begins a frame, each `lap` ends a stage of it, `frame` the whole."""

    def __init__(self) -> None:
        self._begin = self._mark = time.perf_counter_ns()
        self._stages: dict[Stage, deque[float]] = {}
        self._frames: deque[int] = deque(maxlen=_KEPT)
        self.frames = 0
        self.captured_ns = 0
        """Of the latest frame."""
        self.latest_ms: dict[Stage, float] = {}
        """Its stages so far; `frame` is all of it."""
        self.refused: Counter[str] = Counter()

    def start(self, captured_ns: int) -> None:
        self.frames += 1
        self._frames.append(captured_ns)
        self.captured_ns, self.latest_ms = captured_ns, {}
        self._begin = self._mark = time.perf_counter_ns()

    def lap(self, stage: Stage) -> None:
        now = time.perf_counter_ns()
        began = self._begin if stage is Stage.FRAME else self._mark
        took_ms = (now - began) / 1e6
        self._stages.setdefault(stage, deque(maxlen=_KEPT)).append(took_ms)
        self.latest_ms[stage] = self.latest_ms.get(stage, 0.0) + took_ms
        self._mark = now

    def since_start_ms(self) -> float:
        """How long ago the latest frame was begun."""
        return (time.perf_counter_ns() - self._begin) / 1e6

    def judged(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            self.refused.update(ground.value for ground in refusal.grounds)

    def medians_ms(self) -> dict[Stage, float]:
        return {stage: round(median(times), 3) for stage, times in self._stages.items()}

    def fps(self) -> float:
        """Frames a second over the last frames that were handled; 0 before the second one."""
        if len(self._frames) < 2 or self._frames[-1] == self._frames[0]:
            return 0.0
        return round((len(self._frames) - 1) * 1e9 / (self._frames[-1] - self._frames[0]), 2)


def rss_kb(pid: int | str = "self") -> int:
    """Resident memory of a process in kB; 0 where the system does not say."""
    return _status(pid, "VmRSS:")


def peak_rss_kb(pid: int | str = "self") -> int:
    return _status(pid, "VmHWM:")


def _status(pid: int | str, field: str) -> int:
    try:
        lines: Iterable[str] = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)
