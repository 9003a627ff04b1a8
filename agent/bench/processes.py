"""Recogniser and link as processes: what they take while nobody is in view, what they hold, how soon a door opens."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Final

from agent.app.measure import peak_rss_kb, rss_kb
from agent.bench.camera import Play
from agent.bench.figures import Figure, median
from agent.bench.frames import AWAY_S, VISIT_S
from agent.bench.played import nobody, visit
from agent.bench.rig import Rig
from agent.demo.judge import percentile
from agent.demo.process import Child, start
from agent.demo.recorder import Embedded, Framed, Opened, Record, read
from agent.errors import DeviceError

_IDLE_FPS: Final = 10
_SETTLE_S: Final = 4.0
_START_S: Final = 30.0


@contextmanager
def _playing(rig: Rig, play: Play) -> Iterator[tuple[Child, Queue[Record]]]:
    """A recogniser before this play, from its first frame on, and what it records."""
    read_end, write_end = os.pipe()
    heard: Queue[Record] = Queue()
    child = start(
        "recogniser", "agent.bench.recogniser",
        [str(os.getpid()), str(write_end), str(rig.device.config), str(play.write())],
        rig.folder / "recogniser.err", fds=[write_end],
    )  # fmt: skip
    os.close(write_end)

    def listen() -> None:
        with os.fdopen(read_end, encoding="ascii") as pipe:
            for line in pipe:
                heard.put(read(line))

    threading.Thread(target=listen, name="recogniser-pipe", daemon=True).start()
    try:
        try:
            heard.get(timeout=_START_S)
        except Empty:
            raise DeviceError(f"bench: the recogniser gives no frame: {child.last_words()}") from None
        yield child, heard
    finally:
        child.stop()


def idle(rig: Rig, seconds: float, say: Callable[[str], None]) -> list[Figure]:
    """Processor time with nobody in view."""
    say(f"idle: nobody in view, {_IDLE_FPS} frames a second, {seconds:g} s")
    with _playing(rig, nobody(rig.scene, rig.folder / "nobody.bin", _IDLE_FPS)) as (child, _):
        time.sleep(_SETTLE_S)
        began, first = time.monotonic(), [_cpu_s(each.process.pid) for each in (child, rig.link)]
        time.sleep(seconds)
        took = time.monotonic() - began
        spent = [_cpu_s(each.process.pid) - was for each, was in zip((child, rig.link), first, strict=True)]
    return [
        Figure("idle_percent", "recogniser, nobody in view, 10 frames a second", 100 * spent[0] / took, "% of a core",
               5),
        Figure("idle_link_percent", "link, at the same time", 100 * spent[1] / took, "% of a core"),
    ]  # fmt: skip


def _cpu_s(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def visits(rig: Rig, rounds: int, good: int, say: Callable[[str], None]) -> list[Figure]:
    """How soon the door opens, and what the processes hold after so many visits.

    Args:
        good: the first picture of a visit that has a probe good enough to be compared.
    """
    play = visit(rig.scene, rig.folder / "visits.bin", VISIT_S, AWAY_S)
    length, needed_ms, first_ms = len(play.order), list[float](), list[float]()
    with _playing(rig, play) as (child, heard):
        captured: dict[int, int] = {}
        looked = 0
        while max(captured, default=0) < rounds * length:
            match heard.get(timeout=_START_S):
                case Framed(number, captured_ns):
                    captured[number] = captured_ns
                    say(f"to the door, visit {number // length + 1} of {rounds}")
                case Embedded(number):
                    looked = number
                case Opened(at_ns):
                    needed_ms.append((at_ns - captured[looked]) / 1e6)
                    since = captured.get(looked - looked % length + good)
                    if since is not None:
                        first_ms.append((at_ns - since) / 1e6)
                case _:
                    pass
        held = [(rss_kb(each.process.pid), peak_rss_kb(each.process.pid)) for each in (child, rig.link)]
    note = f"{len(needed_ms)} visits of {rounds}, 15 frames a second"
    return [
        _p95("door_needed_ms", "to the door, from the last frame that was needed, p95", needed_ms, 150, note),
        _p95("door_first_ms", "to the door, from the first good frame, p95", first_ms, 400, note),
        Figure("door_median_ms", "to the door, from the last frame that was needed, median",
               median(needed_ms) if needed_ms else None, "ms"),
        Figure("recogniser_mb", "memory of the recogniser", held[0][0] / 1000, "MB", 150, note="resident"),
        Figure("recogniser_peak_mb", "– at its highest", held[0][1] / 1000, "MB"),
        Figure("link_mb", "memory of the link", held[1][0] / 1000, "MB", 60, note="resident"),
        Figure("link_peak_mb", "– at its highest", held[1][1] / 1000, "MB"),
    ]  # fmt: skip


def _p95(key: str, what: str, values: list[float], goal: float, note: str) -> Figure:
    return Figure(key, what, percentile(values, 95), "ms", goal, note=note)
