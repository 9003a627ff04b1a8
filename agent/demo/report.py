"""The figures of a whole run of the demo, and what is wrong with them.

A figure that needs ground truth is null for a recording. Figures of several loops are added up; times are pooled,
memory is the greatest seen. `schema.json` beside this file is the JSON Schema of what `--json` writes. Leaves out:
showing them to people (table.py).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal

from agent.demo.judge import Count, Verdict, percentile
from agent.errors import ConfigError
from agent.events.decision import Outcome


@dataclass(slots=True)
class Played:
    """What one loop left behind: facts as measured, not yet weighed."""

    seconds: float = 0.0
    frames: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Frames refused by ground, as the device's last metrics say."""
    decisions: Counter[Outcome] = field(default_factory=Counter)
    """As the site received them."""
    verdict: Verdict | None = None
    """None for a recording: nobody knows who is in it."""
    embeddings: int = 0
    unlawful: int | None = None
    stages_ms: dict[str, float] = field(default_factory=dict)
    recogniser_kb: int = 0
    link_kb: int = 0
    topics: Counter[str] = field(default_factory=Counter)
    ledger_entries: int = 0
    ledger_decisions: int = 0
    ledger_fault: str | None = None
    """What offline verification found; None: it verifies."""
    outbox: int = 0
    """Events that nobody had acknowledged when the device had stopped."""
    interfaces: tuple[str, ...] = ()
    sockets: int | None = None
    faults: list[str] = field(default_factory=list)
    """What went wrong besides, one line each."""


Mode = Literal["scene", "recording", "recording-without-inspection"]


@dataclass(slots=True)
class Report:
    mode: Mode
    source: str
    first_frame_s: float | None = None
    """From the start of the demo's process."""
    first_decision_s: float | None = None
    loops: list[Played] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def flawless(self) -> bool:
        """Nothing wrong, nothing missed, nothing unlawful, nothing lost, and every ledger verifies."""
        return bool(self.loops) and not self.problems()

    def problems(self) -> list[str]:
        found = list(self.faults)
        for number, loop in enumerate(self.loops, 1):
            where = f"loop {number}: " if len(self.loops) > 1 else ""
            found += [where + fault for fault in loop.faults]
            found += [where + fault for fault in self._of_recording(loop)]
            if loop.verdict is not None and not loop.verdict.flawless:
                found.append(where + "a decision was wrong or missed")
            if loop.unlawful:
                found.append(where + f"{loop.unlawful} unlawful embeddings")
            if loop.ledger_fault is not None:
                found.append(where + f"ledger: {loop.ledger_fault}")
            if loop.outbox:
                found.append(where + f"{loop.outbox} events were never acknowledged")
            if loop.ledger_decisions != loop.decisions.total():
                found.append(
                    where + f"{loop.ledger_decisions} decisions in the ledger, {loop.decisions.total()} at the site"
                )
        return found

    def _of_recording(self, loop: Played) -> Iterator[str]:
        """Nobody in a recording is enrolled; without an attested sign not one frame may be looked at."""
        if self.mode == "scene":
            return
        if loop.decisions.total() != loop.decisions[Outcome.NO_MATCH]:
            yield "somebody in the recording was let in"
        if self.mode == "recording" and not loop.embeddings:
            yield "no face of the recording was looked at: none was near (20 px between the eyes), straight and sharp"
        if self.mode == "recording-without-inspection" and (loop.embeddings or loop.decisions.total()):
            yield "a face was looked at although no sign was attested"

    def figures(self) -> dict[str, Any]:
        loops = self.loops
        judged = [loop.verdict for loop in loops if loop.verdict is not None]
        seconds = sum(loop.seconds for loop in loops)
        frames = sum(loop.frames for loop in loops)
        recogniser = max((loop.recogniser_kb for loop in loops), default=0)
        link = max((loop.link_kb for loop in loops), default=0)
        known = bool(judged) or self.mode == "scene"
        return {
            "schema": "doorward/demo/1",
            "mode": self.mode,
            "source": self.source,
            "ok": self.flawless(),
            "problems": self.problems(),
            "loops": len(loops),
            "seconds": round(seconds, 2),
            "frames": frames,
            "fps": round((frames - len(loops)) / seconds, 2) if seconds else 0.0,
            "frames_refused": dict(sorted(sum((loop.refused for loop in loops), Counter[str]()).items())),
            "decisions": {outcome.value: self._count(outcome, judged, known) for outcome in Outcome},
            "embeddings": sum(loop.embeddings for loop in loops),
            "unlawful_embeddings": sum(loop.unlawful or 0 for loop in loops) if known else None,
            "latency_ms": _spread([ms for verdict in judged for ms in verdict.face_ms]) if known else None,
            "pass_latency_ms": _spread([ms for verdict in judged for ms in verdict.pass_ms]) if known else None,
            "stages_ms": self._stages(),
            "peak_rss_kb": {"recogniser": recogniser, "link": link, "together": recogniser + link},
            "mqtt": dict(sorted(sum((loop.topics for loop in loops), Counter[str]()).items())),
            "ledger": {
                "entries": sum(loop.ledger_entries for loop in loops),
                "decisions": sum(loop.ledger_decisions for loop in loops),
                "verified": bool(loops) and all(loop.ledger_fault is None for loop in loops),
            },
            "outbox_pending": sum(loop.outbox for loop in loops),
            "network": {
                "interfaces": sorted({name for loop in loops for name in loop.interfaces}),
                "sockets": max((loop.sockets for loop in loops if loop.sockets is not None), default=None),
            },
            "start_s": {"first_frame": self.first_frame_s, "first_decision": self.first_decision_s},
        }

    def _count(self, outcome: Outcome, judged: list[Verdict], known: bool) -> dict[str, int | None]:
        sums = Count()
        for verdict in judged:
            count = verdict.counts[outcome]
            sums.right += count.right
            sums.wrong += count.wrong
            sums.missed += count.missed
        received = sum(loop.decisions[outcome] for loop in self.loops)
        if not known:
            return {"received": received, "right": None, "wrong": None, "missed": None}
        return {"received": received, "right": sums.right, "wrong": sums.wrong, "missed": sums.missed}

    def _stages(self) -> dict[str, float]:
        pooled: dict[str, list[float]] = {}
        for loop in self.loops:
            for stage, ms in loop.stages_ms.items():
                pooled.setdefault(stage, []).append(ms)
        return {stage: round(median(times), 2) for stage, times in pooled.items()}

    def try_out(self, path: Path) -> None:
        """See whether `write` can write there, before a long run was for nothing.

        Raises:
            ConfigError: it cannot.
        """
        with _named(path):
            part = _part(path)
            part.write_text("", "utf-8")
            part.unlink()

    def write(self, path: Path) -> None:
        """Write the figures as JSON, whole or not at all.

        Raises:
            ConfigError: the file cannot be written.
        """
        with _named(path):
            part = _part(path)
            part.write_text(json.dumps(self.figures(), indent=2) + "\n", "utf-8")
            os.replace(part, path)


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What the disk says about a file, as an error that names it."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"--json {path}: cannot be written ({error.strerror}); name another file") from None


def _spread(values: list[float]) -> dict[str, float | int | None]:
    return {"count": len(values), "p50": percentile(values, 50), "p95": percentile(values, 95)}
