"""Random walks through time, zones, fixes, signs, expiry, clock and law, with spies in place of the models.

A face stands in the attempt region all the time, and an oracle that shares no code with the gate says for each frame
whether recognition is lawful. Counted is every frame that reached a model without that, every pixel of an excluded
region that a model was shown, and every frame after which a session exists although none may, or none although one
must. A no-recognition sign is looked for on every frame on which a face may be embedded and at least every 400 ms; on
frames between, the oracle is told of it when the device has looked. An embedding under such a sign counts in any case.

    scripts/prove gate [WALKS]        100,000 by default
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from agent.core import Core, FrameArrived, GalleryChanged, LawChanged, Session
from agent.face.detect import Face
from agent.face.probe import Probe, ProbeTemplate
from agent.gallery.passes_uses import Uses
from agent.policy.frames import CapturedFrame, CodeFrame, PermittedFrame
from agent.policy.gate import Gate
from agent.units import Box, Marker, Polygon, QrText
from tests.policy.oracle import (
    DEVIATIONS,
    EXCLUDED,
    LAWS,
    MARKS,
    Facts,
    Oracle,
    Walk,
    frames_of,
    surroundings,
)

WALKS = 100_000
BATCH = 250
LATE_NS = 400_000_000


PICTURE = np.repeat(np.repeat(np.random.default_rng(5).integers(40, 216, (24, 32, 3), np.uint8), 3, 0), 3, 1)
"""Texture, so that the face in it is sharp enough to be compared; (72, 96, 3)."""
BOX = Box(26.0, 14.0, 74.0, 62.0)
PLACES = ((0.25, 0.38), (0.75, 0.38), (0.5, 0.58), (0.5, 0.76), (0.05, 0.42), (0.95, 0.42))
LANDMARKS = np.array([(BOX.x0 + x * BOX.width, BOX.y0 + y * BOX.height) for x, y in PLACES], np.float32)
TEMPLATE = np.eye(1, 8, dtype=np.float32)[0]


class SpyDetector:
    """Always finds the one face, and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: PermittedFrame | None = None

    def forget(self) -> None:
        self.shown = None

    def detect(self, frame: PermittedFrame) -> tuple[Face, ...]:
        self.shown = frame
        return (Face(BOX, LANDMARKS, 0.9),)

    def detect_in(self, frame: PermittedFrame, part: Box) -> tuple[Face, ...]:
        return ()


class SpyEmbedder:
    def __init__(self) -> None:
        self.looked = 0

    def embed(self, probe: Probe) -> ProbeTemplate:
        self.looked += 1
        return ProbeTemplate(TEMPLATE, probe.permit)


class PlayedMarkers:
    """Sees the markers of the walk, and remembers whether it was asked about the whole frame."""

    def __init__(self) -> None:
        self.now: tuple[Marker, ...] = ()
        self.searched = False

    def play(self, now: tuple[Marker, ...]) -> None:
        self.now, self.searched = now, False

    def markers(self, frame: CodeFrame, near: Polygon | None) -> tuple[Marker, ...]:
        self.searched |= near is None
        return self.now


class NoQrs:
    def texts(self, frame: CodeFrame) -> tuple[QrText, ...]:
        return ()


class NoStopwatch:
    def lap(self, stage: str) -> None:
        """Nobody asks how long it took."""


def walk_of(chance: random.Random) -> Walk:
    """Up to ten spells of facts; most differ from lawful ones in a thing or two."""
    walk: Walk = []
    for _ in range(chance.randint(1, 10)):
        changes = dict(chance.sample(DEVIATIONS, chance.choice((0, 0, 1, 1, 2))))
        facts = replace(Facts(), **changes) if chance.random() < 0.8 else replace(Facts(law="gnss"), **changes)
        walk.append((facts, chance.randint(1, 12), chance.choice((67, 100, 250, 500, 3000))))
    return walk


def play(walk: Walk, counts: Counter[str]) -> None:
    """One walk through a real core; adds to the counts."""
    detector, embedder, markers, oracle = SpyDetector(), SpyEmbedder(), PlayedMarkers(), Oracle()
    core = Core(Gate(None), detector, embedder, markers, NoQrs(), NoStopwatch(), Uses())
    core.receive(GalleryChanged(None, frozenset()))
    x0, y0, x1, y1 = EXCLUDED
    law, searched_ns = "none", 0
    for number, at_ns, facts in frames_of(walk):
        if facts.law != law:
            law = facts.law
            core.receive(LawChanged(LAWS[law]))
        markers.play(tuple(MARKS[mark] for mark in facts.marks))
        detector.forget()
        embedder.looked = 0
        core.receive(FrameArrived(frame(number, at_ns, facts), surroundings(facts, at_ns), False, False))
        told = facts if markers.searched else replace(facts, marks=tuple(m for m in facts.marks if m != "forbids"))
        lawful, shown = oracle.lawful(at_ns, told), detector.shown
        searched_ns = at_ns if markers.searched or shown is None else searched_ns
        counts["frames"] += 1
        counts["lawful frames"] += lawful
        counts["faces embedded"] += embedder.looked
        counts["frames that reached a model unlawfully"] += shown is not None and not lawful
        counts["faces embedded unlawfully"] += embedder.looked * (not lawful or "forbids" in facts.marks)
        counts["sign not looked for in time"] += shown is not None and at_ns - searched_ns > LATE_NS
        counts["lawful frames that reached no model"] += shown is None and lawful
        counts["session where none may be, or none where one must"] += isinstance(core.state, Session) is not lawful
        if shown is not None:
            counts["excluded pixels that a model was shown"] += int((shown.pixels[y0:y1, x0:x1] != 0).sum())


def frame(number: int, at_ns: int, facts: Facts) -> CapturedFrame:
    rgb = PICTURE if facts.view else np.ascontiguousarray(PICTURE[:, :92])
    return CapturedFrame(number, at_ns, rgb.copy(), np.ascontiguousarray(rgb[..., 1]))


def batch(first: int, size: int) -> Counter[str]:
    counts: Counter[str] = Counter()
    for seed in range(first, first + size):
        play(walk_of(random.Random(seed)), counts)
    counts["walks"] += size
    return counts


def main() -> int:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else WALKS
    console, counts = Console(highlight=False), Counter[str]()
    starts = range(0, wanted, BATCH)
    sizes = [min(BATCH, wanted - start) for start in starts]
    with ProcessPoolExecutor() as pool:
        done = pool.map(batch, starts, sizes)
        for each in track(done, "walking", total=len(sizes), console=Console(stderr=True)):
            counts.update(each)
    table = Table(title="random walks past the gate")
    table.add_column("what")
    table.add_column("count", justify="right")
    faults = (
        "frames that reached a model unlawfully",
        "faces embedded unlawfully",
        "sign not looked for in time",
        "excluded pixels that a model was shown",
        "session where none may be, or none where one must",
        "lawful frames that reached no model",
    )
    for name in ("walks", "frames", "lawful frames", "faces embedded", *faults):
        table.add_row(name, f"{counts[name]:,}")
    console.print(table)
    return 1 if any(counts[name] for name in faults) else 0


if __name__ == "__main__":
    sys.exit(main())
