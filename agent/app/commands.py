"""What is done about commands: stopped or not, how often somebody may ask, and the signed answer.

Rules: a stop takes effect on the next frame and outlives a restart; a later, shorter one shortens nothing. Asking is
limited, but a stop that is needed is never refused for its rate: only while one is in force may another be. A look at
the site that comes too early is made as soon as it may be. Everything here is on the main thread but `arrived`.
Leaves out: who may command what (events/command.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Final

from agent.adapters.store import Store
from agent.app.rate import Bucket
from agent.errors import DoorwardError
from agent.events.bodies import Answer
from agent.events.command import Check, Denied, Result, Resume, Stop, judge
from agent.policy.bundle import CommandKey

_WAITING: Final = 16
"""Commands between two frames; more are nobody's that means well."""


class Commands:
    """One device's commands.

    Args:
        keys: of the policy in force, at the time of asking.
        look: asks the authority's thread to look at the site now.
        answer: signs and sends.
        report: told in one line when the disk takes no order.
    """

    def __init__(
        self,
        store: Store,
        *,
        keys: Callable[[], Iterable[CommandKey]],
        look: Callable[[], None],
        answer: Callable[[Answer], None],
        report: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._keys = store, keys
        self._look, self._answer, self._report = look, answer, report
        self._came: Queue[bytes] = Queue(_WAITING)
        self._stops, self._looks = Bucket(4, 15.0, clock), Bucket(3, 5.0, clock)
        self._answers = Bucket(20, 0.5, clock)
        """Nonsense that comes in floods is not answered in floods."""
        self._look_due = False
        self._until_s, self._taken = store.orders.stopped_until_s(), store.orders.sequence()

    def arrived(self, payload: bytes) -> None:
        """Any thread; what does not fit is dropped, and whoever sent it hears no answer."""
        with suppress(Full):
            self._came.put_nowait(payload)

    def stopped(self, unix_s: float | None) -> bool:
        """Whether a stop is in force; an untrusted clock (None) ends none."""
        return self._until_s is not None and (unix_s is None or unix_s < self._until_s)

    def work(self, unix_s: float | None, dated_s: float) -> None:
        """Do what has come since the last time.

        Args:
            unix_s: trusted time; None while the clock is not trusted.
            dated_s: the trusted time, or the earliest that it can be.
        """
        if self._look_due and self._looks.take():
            self._look_due = False
            self._look()
        while True:
            try:
                payload = self._came.get_nowait()
            except Empty:
                return
            self._one(payload, unix_s, dated_s)

    def _one(self, payload: bytes, unix_s: float | None, dated_s: float) -> None:
        try:
            found = judge(
                payload,
                site=self._store.site,
                device=self._store.device,
                keys=self._keys(),
                unix_s=unix_s,
                taken=self._taken,
            )
            if isinstance(found, Denied):
                result, id_ = found.result, found.id
            else:
                result, id_ = self._do(found.command, unix_s, dated_s), found.command.id
        except DoorwardError as error:
            self._report(str(error))
            result, id_ = Result.NOT_WRITTEN, None
        if self._answers.take():
            until_s = self._until_s if self.stopped(unix_s) else None
            self._answer(Answer(id=id_, result=result, stopped_until_s=until_s))

    def _do(self, command: Stop | Check | Resume, unix_s: float | None, dated_s: float) -> Result:
        match command:
            case Stop(minutes=minutes):
                return self._stop(dated_s + 60 * minutes, unix_s)
            case Check():
                if not self._looks.take():
                    self._look_due = True
                    return Result.RATE_LIMITED
                self._look()
            case Resume(sequence=sequence):
                self._store.orders.resume(sequence)
                self._until_s, self._taken = None, sequence
        return Result.DONE

    def _stop(self, until_s: float, unix_s: float | None) -> Result:
        if self.stopped(unix_s):
            if not self._stops.take():
                return Result.RATE_LIMITED
            until_s = max(until_s, self._until_s or 0.0)
        self._until_s = until_s  # in force even if the disk does not take it; then until the next start
        self._store.orders.stop(until_s)
        return Result.DONE
