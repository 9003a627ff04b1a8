"""One loop of the demo: two processes on a fresh device, the scene's acts, what is heard, and the account at the end.

Rules: everything that happens comes through one inbox, in the order in which it is heard, and is handled on the main
thread. The recogniser ends by itself when it is told that enough was seen; whatever ends before that has crashed, and
that is a fault. Nothing is judged that was not heard from the recogniser's pipe or from the broker.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from typing import Final

from agent.adapters.broker import EmbeddedBroker
from agent.demo import recorder
from agent.demo.conduct import Conduct
from agent.demo.device import Device
from agent.demo.process import Child, start
from agent.demo.recorder import Record
from agent.demo.report import Played
from agent.demo.subscriber import Heard, Subscriber

_START_S: Final = 20.0
"""A recogniser that gives no frame for so long after the start has failed."""
_TICK_S: Final = 0.1
_LOOK_S: Final = 1.0
_DRAIN_S: Final = 3.0
_QUIET_S: Final = 0.8


class PipeClosed:
    """The recogniser's end of the pipe is gone: it has ended."""


class PageAt:
    """The link serves the page here."""

    def __init__(self, url: str) -> None:
        self.url = url


Inbox = Queue[Record | Heard | PipeClosed | PageAt]


class Pair:
    """Recogniser and link as processes that wait for their config, so that their start overlaps with the site's."""

    def __init__(self, logs: Path, inbox: Inbox) -> None:
        """Main thread only, see `process.start`; `logs` takes what they say on stderr."""
        read_end, write_end = os.pipe()
        me, module = str(os.getpid()), "agent.demo.recogniser"
        self.recogniser = start(
            "recogniser", module, [me, str(write_end)], logs / "recogniser.err", fds=[write_end], ask=True
        )
        os.close(write_end)
        self.link = start("link", "agent.demo.link", [me], logs / "link.err", ask=True, answer=True)
        self._inbox = inbox
        threading.Thread(target=self._listen, args=(read_end,), name="recogniser-pipe", daemon=True).start()
        threading.Thread(target=self._hear_link, name="link-answer", daemon=True).start()

    def go(self, config: Path, passes: Path) -> None:
        """Both configs are written: let them begin."""
        tell(self.link, str(config))
        tell(self.recogniser, f"{config}\t{passes}")

    def _listen(self, read_end: int) -> None:
        with os.fdopen(read_end, encoding="ascii") as pipe:
            for line in pipe:
                self._inbox.put(recorder.read(line))
        self._inbox.put(PipeClosed())

    def _hear_link(self) -> None:
        assert self.link.process.stdout is not None
        with contextlib.suppress(ValueError):  # a link that dies half-way through a line, or is being closed
            for line in self.link.process.stdout:
                self._inbox.put(PageAt(json.loads(line)["page"]))

    def look(self) -> None:
        self.recogniser.look()
        self.link.look()

    def stop(self) -> None:
        """End both, the recogniser first: the link carries its last words."""
        self.recogniser.stop()
        self.link.stop()


def tell(child: Child, line: str) -> None:
    """Say one line to a child's stdin; a child that has ended hears nothing, which is noticed elsewhere."""
    assert child.process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        child.process.stdin.write(line + "\n")
        child.process.stdin.flush()


class Loop:
    """Plays once.

    Args:
        until_s: seconds of the scene to play; None plays to its end.
        page: told the page's address as soon as it is served.
    """

    def __init__(
        self,
        device: Device,
        pair: Pair,
        inbox: Inbox,
        broker: EmbeddedBroker,
        conduct: Conduct,
        until_s: float | None,
        page: Callable[[str], None],
    ) -> None:
        self._device, self._pair, self._inbox, self._broker = device, pair, inbox, broker
        self._conduct, self._until_s, self._page = conduct, until_s, page
        self._subscriber = Subscriber(
            broker.port,
            site=device.site,
            device=device.id,
            device_key=device.key,
            events_secret=device.events_secret,
            hear=inbox.put,
        )
        self._faults: list[str] = []
        self._told_enough = False
        self.interrupted = False

    def play(self) -> Played:
        """Play, end both processes, and give the account."""
        try:
            try:
                self._run()
            except KeyboardInterrupt:
                self.interrupted = True
                self._enough()
            self._drain()
        finally:
            status = self._pair.recogniser.stop()
            self._pair.link.stop()
            self._subscriber.close()
        self._take_all()
        if status != 0 and not self._faults:
            self._faults.append(_obituary(self._pair.recogniser, status))
        played = self._conduct.account(self._subscriber)
        played.recogniser_kb, played.link_kb = self._pair.recogniser.peak_kb, self._pair.link.peak_kb
        played.faults = [*self._faults, *played.faults]
        return played

    def _run(self) -> None:
        began = looked = time.monotonic()
        while not self._conduct.over and not self._faults:
            self._take(_TICK_S)
            now = time.monotonic()
            if now - looked > _LOOK_S:
                looked = now
                self._pair.look()
            self._watch_children()
            self._conduct.act(self._broker, self._rejoin)
            at_s = self._conduct.now_s()
            if at_s is None and now - began > _START_S:
                self._faults.append(f"no frame within {_START_S:g} s: {self._pair.recogniser.last_words()}")
            if at_s is not None and self._until_s is not None and at_s >= self._until_s:
                self._enough()

    def _rejoin(self) -> None:
        self._subscriber.rejoin(self._broker.port)

    def _enough(self) -> None:
        if not self._told_enough:
            self._told_enough = True
            tell(self._pair.recogniser, "enough")

    def _drain(self) -> None:
        """Wait until every event has come and was acknowledged, but not for ever."""
        self._conduct.bring_back(self._broker, self._rejoin)
        ends = time.monotonic() + _DRAIN_S
        quiet_since = time.monotonic()
        while time.monotonic() < ends and not self._faults:
            with contextlib.suppress(KeyboardInterrupt):  # a second Ctrl-C changes nothing: this is bounded
                if self._take(_TICK_S):
                    quiet_since = time.monotonic()
                self._watch_children()
            if self._conduct.over and self._conduct.settled and time.monotonic() - quiet_since > _QUIET_S:
                return

    def _watch_children(self) -> None:
        for child in (self._pair.recogniser, self._pair.link):
            status = child.ended()
            if status is not None:
                self._faults.append(_obituary(child, status))

    def _take(self, timeout_s: float) -> bool:
        """Handle one thing from the inbox; True if it was a decision or a record of the last frames."""
        try:
            thing = self._inbox.get(timeout=timeout_s)
        except Empty:
            return False
        if isinstance(thing, PageAt):
            self._page(thing.url)
            return False
        if isinstance(thing, PipeClosed):
            return False
        return self._conduct.hear(thing)

    def _take_all(self) -> None:
        while not self._inbox.empty():
            self._take(0.0)


def _obituary(child: Child, status: int) -> str:
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"the {child.name} {how}: {child.last_words()}"
