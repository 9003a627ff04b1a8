"""One loop of the demo: two processes on a fresh device, the scene's acts, what is heard, and the account at the end.

Rules: everything that happens comes through one inbox, in the order in which it is heard, and is handled on the main
thread. The recogniser ends by itself when it is told that enough was seen; whatever ends before that has crashed, and
that is a fault. Nothing is judged that was not heard from the recogniser's pipe or from the broker.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from queue import Empty
from typing import Final

from agent.adapters.broker import EmbeddedBroker
from agent.demo.conduct import Conduct
from agent.demo.device import Device
from agent.demo.pair import Inbox, PageAt, Pair, PipeClosed
from agent.demo.process import Child
from agent.demo.report import Played
from agent.demo.subscriber import Subscriber
from agent.errors import DoorwardError

_START_S: Final = 20.0
"""A recogniser that gives no frame for so long after the start has failed."""
_TICK_S: Final = 0.1
_LOOK_S: Final = 1.0
_DRAIN_S: Final = 3.0
_QUIET_S: Final = 0.8


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
            except DoorwardError as error:  # an act of the scene failed: site or broker
                self._faults.append(str(error))
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
            self._conduct.look_at_closed()
            if at_s is None and now - began > _START_S:
                self._faults.append(f"no frame within {_START_S:g} s: {self._pair.recogniser.last_words()}")
            if at_s is not None and self._until_s is not None and at_s >= self._until_s:
                self._enough()

    def _rejoin(self) -> None:
        self._subscriber.rejoin(self._broker.port)

    def _enough(self) -> None:
        if not self._told_enough:
            self._told_enough = True
            self._pair.enough()

    def _drain(self) -> None:
        """Wait until every event has come and was acknowledged, but not for ever."""
        if not self._faults:
            self._bring_back_broker()
        ends = time.monotonic() + _DRAIN_S
        quiet_since = time.monotonic()
        while time.monotonic() < ends and not self._faults:
            with contextlib.suppress(KeyboardInterrupt):  # a second Ctrl-C changes nothing: this is bounded
                if self._take(_TICK_S):
                    quiet_since = time.monotonic()
                self._watch_children()
            if self._conduct.over and self._conduct.settled and time.monotonic() - quiet_since > _QUIET_S:
                return

    def _bring_back_broker(self) -> None:
        try:
            self._conduct.bring_back(self._broker, self._rejoin)
        except DoorwardError as error:
            self._faults.append(str(error))

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
