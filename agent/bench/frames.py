"""What a frame costs, all of it, beside the bare models: the recogniser's own loop on a visit that is played again.

Rules: model and agent take turns within each frame's time, each first on every second visit, so that both meet the same
machine; per picture of the visit the median over all visits counts, so that what others do on this machine does not.
The frame's cost runs from the moment that the loop has it until the loop is free for the next, ledger included.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from agent.adapters.door import NoDoor
from agent.adapters.litert import LoadedModel, load_models
from agent.adapters.watchdog import watchdog
from agent.app.config import load
from agent.app.parts import Parts
from agent.app.pulse import Pulse
from agent.app.recogniser import opened_loop
from agent.bench.camera import PlayedCamera, Receiver, pictures
from agent.bench.figures import Figure, median
from agent.bench.played import visit
from agent.bench.rig import Rig
from agent.demo.source import MODELS
from agent.errors import DeviceError
from agent.events.bodies import Stage
from agent.face.detect import Finder
from agent.session import Session

VISIT_S: Final = 2.6
AWAY_S: Final = 2.4
_START_S: Final = 30.0


@dataclass(slots=True)
class _Picture:
    """What one picture of the visit cost in ms, each time that it was shown."""

    face: bool = False
    whole: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    """Without code reading."""
    looks: list[int] = field(default_factory=list)
    detector: list[float] = field(default_factory=list)
    embedder: list[float] = field(default_factory=list)

    def add(self, whole_ms: float, laps: Mapping[Stage, float], bare_ms: tuple[float, float]) -> None:
        self.whole.append(whole_ms)
        self.plain.append(whole_ms - laps.get(Stage.CODES, 0.0))
        self.looks.append(Stage.EMBED in laps)
        self.detector.append(bare_ms[0])
        self.embedder.append(bare_ms[1])

    def bare_ms(self) -> float:
        """The detector, and the embedder where a face is compared on most showings of this picture."""
        return median(self.detector) + (median(self.embedder) if median(self.looks) else 0.0)


@dataclass(frozen=True, slots=True)
class Visits:
    """What came of the visits."""

    figures: list[Figure]
    stages: dict[str, float]
    """Stage -> median ms of the frames that have it."""
    good: int
    """The first picture of the visit that has a good probe."""


def frames(rig: Rig, rounds: int, say: Callable[[str], None]) -> Visits:
    """Plays a visit so many times.

    Raises:
        DeviceError: the recogniser takes no frame.
    """
    play = visit(rig.scene, rig.folder / "visit.bin", VISIT_S, AWAY_S)
    seen: dict[int, _Picture] = defaultdict(_Picture)
    models = load_models(MODELS)
    find = Finder(models[0].run).find
    for place, rgb in enumerate(pictures(play)):
        seen[place].face = bool(find(rgb))
    stages: dict[Stage, list[float]] = defaultdict(list)
    good: list[int] = []
    stop, config = threading.Event(), load(rig.device.config)
    with ExitStack() as opened:
        parts = Parts(lambda: PlayedCamera(play), lambda: Receiver(play.fix), NoDoor)
        loop = opened_loop(config, parts, Pulse(watchdog()), opened)
        loop.begin()
        measure, begun_ns, shown, until_s = loop.measure, 0, -1, time.monotonic() + _START_S
        while shown < (rounds + 1) * len(play.order):
            bare_first = shown // len(play.order) % 2 == 0
            before, taken = measure.frames, _bare(models) if bare_first else (0.0, 0.0)
            loop.turn(stop)
            whole_ms = measure.since_start_ms()
            if measure.frames == before:
                if time.monotonic() > until_s:
                    raise DeviceError("bench: the recogniser takes no frame; start again, and see docs/operations.md")
                continue
            taken = taken if bare_first else _bare(models)
            begun_ns, until_s = begun_ns or measure.captured_ns, time.monotonic() + _START_S
            shown = round((measure.captured_ns - begun_ns) * play.fps / 1e9)
            say(f"a frame beside the bare models, visit {shown // len(play.order)} of {rounds}")
            if shown < len(play.order):
                continue  # the first visit is for warming up
            place, laps, state = shown % len(play.order), measure.latest_ms, loop.state
            seen[play.order[place]].add(whole_ms, laps, taken)
            for stage in laps:
                stages[stage].append(laps[stage])
            if isinstance(state, Session) and (Stage.EMBED in laps or state.choice.begun):
                good.append(place)
    return Visits(
        _figures([each for each in seen.values() if each.whole]),
        {stage.value: median(stages[stage]) for stage in Stage if stage is not Stage.FRAME and stages[stage]},
        min(good, default=0),
    )


def _bare(models: Sequence[LoadedModel]) -> tuple[float, float]:
    began = time.perf_counter()
    models[0].bare()
    between = time.perf_counter()
    models[1].bare()
    return (between - began) * 1e3, (time.perf_counter() - between) * 1e3


def _figures(shown: list[_Picture]) -> list[Figure]:
    with_face = [each for each in shown if each.face]
    bare = sum(each.bare_ms() for each in with_face)
    whole = sum(median(each.whole) for each in with_face)
    plain = sum(median(each.plain) for each in with_face)
    looked = [each for each in with_face if median(each.looks)]
    count = len(with_face)
    empty = [each for each in shown if not each.face]
    return [
        Figure("frame_ratio", "a frame with a face, without code reading ÷ bare models", plain / bare, "×", 1.10),
        Figure("frame_ratio_codes", "a frame with a face, with code reading ÷ bare models", whole / bare, "×", 1.25),
        Figure("frame_face_ms", "a frame with a face, all of it", whole / count, "ms"),
        Figure("frame_face_plain_ms", "a frame with a face, without code reading", plain / count, "ms"),
        Figure("frame_bare_ms", "the bare models on such a frame", bare / count, "ms"),
        Figure("look_ratio", "a frame on which a face is compared, without code reading ÷ bare models",
               _ratio(looked), "×"),
        Figure("frame_empty_ms", "a frame without a face, all of it",
               median([median(each.whole) for each in empty]), "ms"),
        Figure("bare_detector_ms", "bare detector", median([t for each in shown for t in each.detector]), "ms"),
        Figure("bare_embedder_ms", "bare embedder", median([t for each in shown for t in each.embedder]), "ms"),
    ]  # fmt: skip


def _ratio(shown: list[_Picture]) -> float | None:
    bare = sum(each.bare_ms() for each in shown)
    return sum(median(each.plain) for each in shown) / bare if bare else None
