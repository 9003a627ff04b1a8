"""Events on their way out: each is offered to the link, in order, until somebody who holds it says so.

Rules: the store is the outbox; nothing here remembers an event. A row goes only when its acknowledgement is good: the
nonce from inside the sealed event where a consumer acknowledges, the broker's word where the config says `puback`. At
most `_WINDOW` are without the broker's word, so that the link never has to let one go and none overtakes another. What
the broker has and nobody has freed is offered again, round and round: a hundred events that nobody can open never keep
back the ones behind them. All of it is the work of one thread of its own, a little at a time: who decides is never kept
waiting for it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Literal

from agent.adapters.channel import Channel
from agent.adapters.store import Store
from agent.errors import DoorwardError
from agent.events.wire import Acknowledgement

_AGAIN_S: Final = 5.0
_AGAIN: Final = 100
_BATCH: Final = 16
"""Rows that are read, or freed, at once while a decision waits. One in a hundred of them waits 4 to 7 ms
with 50 and 4 ms at most with 16, at half the rate (3,000 a second)."""
_WINDOW: Final = 200
_UNHEARD: Final = 1000
"""So many acknowledgements may wait; then the channel does, and with it the link."""
SWITCH_S: Final = 0.0005
"""For `sys.setswitchinterval` of a process that decides: the 5 ms of CPython would be waited for at each commit."""
_YIELD_S: Final = 0.004
"""After a batch, for a decision that waits for the store: a lock alone goes to who has just let it go."""


class Outbox:
    """Moves rows from the store to the channel until it is closed, which is before either of them.

    Args:
        report: told in one line when the store fails on the outbox's thread.
    """

    def __init__(
        self,
        store: Store,
        channel: Channel,
        acknowledge: Literal["consumer", "puback"],
        report: Callable[[str], None],
    ) -> None:
        self._store, self._channel = store, channel
        self._consumer = acknowledge == "consumer"
        self._report = report
        self._wake = threading.Condition()
        """For the five below."""
        self._again_at = 0.0
        self._heard = deque[Acknowledgement]()
        self._new = self._begun = self._again = self._closing = False
        self._link = 0
        """Number of the link that is offered to: the next one begins with the oldest."""
        self._last = 0
        """Sequence number of the newest one that this link was offered; 0: none yet."""
        self._waiting: set[int] = set()
        """Offered to this link, and the broker has not said that it has them."""
        self._round = 0
        """Offers of what is not freed go on behind this number; 0 begins with the oldest."""
        self._thread = threading.Thread(target=self._work, name="outbox", daemon=True)
        self._thread.start()
        channel.on_acknowledge(self._acknowledged)
        channel.on_connect(self._begin)

    @property
    def alive(self) -> bool:
        """Its thread runs; else nothing goes out any more, and the process should end."""
        return self._thread.is_alive()

    def push(self) -> None:
        """There is a new row: offer it, if those before it have been."""
        with self._wake:
            self._new = True
            self._wake.notify_all()

    def offer_again(self) -> None:
        """Once more what is not acknowledged when the last offer is a while ago: a broker may have died with it."""
        if time.monotonic() >= self._again_at and self._channel.connected:
            with self._wake:
                self._again_at = time.monotonic() + _AGAIN_S
                self._new = self._again = True
                self._wake.notify_all()

    def close(self) -> None:
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join()

    def _begin(self) -> None:
        with self._wake:
            self._again_at = time.monotonic() + _AGAIN_S
            self._heard.clear()  # of the link before; what it says of rows that are not freed is heard again
            self._new = self._begun = True
            self._wake.notify_all()

    def _acknowledged(self, found: Sequence[Acknowledgement]) -> None:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or len(self._heard) < _UNHEARD)
            self._heard.extend(found)
            self._wake.notify_all()

    def _work(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closing or self._new or self._heard)
                if self._closing:
                    return
                begun, again = self._begun, self._again
                self._new = self._begun = self._again = False
                found = [self._heard.popleft() for _ in range(min(_BATCH, len(self._heard)))]
                self._wake.notify_all()
            if begun:
                self._link, self._last, self._round = self._channel.link, 0, 0
                self._waiting.clear()
            try:
                self._free(found)
                if self._channel.connected:
                    self._forward()
                    if again:
                        self._once_more()
                self._store.rows.write_home()
            except DoorwardError as error:
                self._report(str(error))

    def _free(self, found: Sequence[Acknowledgement]) -> None:
        good = [(each.sequence, each.nonce) for each in found if each.nonce is not None or not self._consumer]
        if good:
            self._store.rows.free(good, broker_counts=not self._consumer)
            time.sleep(_YIELD_S)
        self._waiting.difference_update(each.sequence for each in found)

    def _forward(self) -> None:
        """What this link was not offered yet, in order, as far as window and channel take it."""
        while (room := min(_BATCH, _WINDOW - len(self._waiting))) > 0:
            rows = self._store.outbox(self._last, room)
            for row in rows:
                if not self._channel.send_event(row.sequence, row.envelope, self._link):
                    return
                self._last = row.sequence
                self._waiting.add(row.sequence)
            if len(rows) < room:
                return

    def _once_more(self) -> None:
        """A batch of what was offered and is not freed; behind the newest comes the oldest again."""
        rows = [row for row in self._store.outbox(self._round, _AGAIN) if row.sequence <= self._last]
        for row in rows:
            if not self._channel.send_event(row.sequence, row.envelope, self._link):
                return
            self._round = row.sequence
        if len(rows) < _AGAIN:
            self._round = 0
