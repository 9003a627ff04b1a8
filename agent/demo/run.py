"""A whole run of the demo: the broker, one loop after the other on a fresh site and device, then the report.

Rules: the two processes start before anything that takes time is imported here, so that they are ready when site and
people are; nothing outlives the run: no process, no folder. Leaves out: what happens within a loop (play.py).
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Queue
from types import FrameType
from typing import TYPE_CHECKING, Final

from rich.console import Console

from agent.demo.narrate import Narrator
from agent.demo.pair import Inbox, Pair
from agent.demo.report import Mode, Report
from agent.demo.source import MODELS, Source
from agent.errors import ConfigError

if TYPE_CHECKING:
    from agent.adapters.broker import EmbeddedBroker
    from agent.demo.play import Loop

_LONGEST_PATH: Final = 90
"""The socket between the processes lies two folders deeper, and the kernel takes 107 bytes for its path."""
_LEAST_S: Final = 0.5
"""A rest of the time that is shorter than this begins no further loop."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asked for."""

    seconds: float | None
    """Of play in all; None plays until Ctrl-C."""
    source: Source
    models: Path = MODELS


class Run:
    """One call of the demo.

    Args:
        browse: given the page's address once, when it is served.
    """

    def __init__(self, wishes: Wishes, console: Console, browse: Callable[[str], None]) -> None:
        self._wishes, self._browse = wishes, browse
        self._narrator = Narrator(console)
        self._page_port = 0
        self._broker: EmbeddedBroker | None = None
        source = wishes.source
        mode: Mode = "scene"
        if source.video is not None:
            mode = "recording" if source.inspected else "recording-without-inspection"
        self.report = Report(mode, source.name)

    def play(self) -> None:
        """Play until the time is over, Ctrl-C, or something has failed; `report` has the account.

        Raises:
            DoorwardError: scene, recording, models or broker cannot be used; nothing was played then.
        """
        left = self._wishes.seconds
        with _orderly_end():
            try:
                while left is None or left >= _LEAST_S:
                    loop = self._loop(left)
                    once = self._wishes.source.case is not None
                    if once or loop.interrupted or self.report.loops[-1].faults:
                        return
                    left = None if left is None else left - self.report.loops[-1].seconds
            except KeyboardInterrupt:
                if not self.report.loops:
                    self.report.faults.append("interrupted before anything was played")
            finally:
                if self._broker is not None:
                    self._broker.close()

    def _loop(self, left: float | None) -> Loop:
        """Play once, with a new site and a new device."""
        folder = Path(tempfile.mkdtemp(prefix="doorward-demo-"))
        inbox: Inbox = Queue()
        try:
            if len(os.fsencode(folder)) > _LONGEST_PATH:
                raise ConfigError(f"TMPDIR {folder.parent}: too long for a socket; name a folder with a shorter path")
            self._narrator.fact(None, "starting broker, recogniser and link" if not self._page_port else "once more")
            pair = Pair(folder, inbox)
            try:
                loop = self._begin(folder, pair, inbox, left)
            finally:
                pair.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return loop

    def _begin(self, folder: Path, pair: Pair, inbox: Inbox, left: float | None) -> Loop:
        from agent.adapters.broker import EmbeddedBroker
        from agent.demo.conduct import Conduct
        from agent.demo.play import Loop
        from agent.demo.prepare import prepare

        broker = self._broker = self._broker or EmbeddedBroker()
        broker.start()
        done = partial(self._narrator.fact, None)
        ready = prepare(folder, self._wishes.source, self._wishes.models, broker, self._page_port, done)
        with closing(ready.device.server):
            pair.go(ready.device.config, ready.passes)
            conduct = Conduct(ready.device, ready.scene, self._narrator, self._first, self._wishes.source.case)
            loop = Loop(ready.device, pair, inbox, broker, conduct, left, self._page)
            self.report.loops.append(loop.play())
        broker.stop()  # what it retained was signed by a device that is no more
        return loop

    def _page(self, url: str) -> None:
        if not self._page_port:  # later loops serve the page at the same place
            self._page_port = int(url.rstrip("/").rsplit(":", 1)[1])
            self._narrator.say(None, f"watch at {url}")
            self._browse(url)

    def _first(self, what: str) -> None:
        since_s = round(since_start_s(), 2)
        if what == "frame" and self.report.first_frame_s is None:
            self.report.first_frame_s = since_s
        if what == "decision" and self.report.first_decision_s is None:
            self.report.first_decision_s = since_s


def since_start_s() -> float:
    """Seconds since this process began; a script that ends in `exec` counts from its own beginning."""
    with open("/proc/self/stat", encoding="ascii") as stat:
        ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def _orderly_end() -> Iterator[None]:
    """SIGTERM and SIGHUP end the run as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    former = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
