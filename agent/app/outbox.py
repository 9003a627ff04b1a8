"""Events on their way out: each is offered to the link, in order, until somebody who holds it says so.

Rules: the store is the outbox; nothing here remembers an event. A row goes only when its acknowledgement is good: the
nonce from inside the sealed event where a consumer acknowledges, the broker's word where the config says `puback`. At
most `_WINDOW` are without the broker's word, so that the link never has to let one go and none overtakes another. What
the broker has and nobody has freed is offered again, round and round: a hundred events that nobody can open never keep
back the ones behind them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Literal

from agent.adapters.channel import Channel
from agent.adapters.store import Store
from agent.errors import DoorwardError
from agent.events.wire import Acknowledgement

_AGAIN_S: Final = 5.0
_BATCH: Final = 100
_WINDOW: Final = 200
_YIELD_S: Final = 0.001
"""After rows were freed, for a decision that waits for the store: a lock alone goes to who has just let it go."""


class Outbox:
    """Moves rows from the store to the channel.

    Args:
        report: told in one line when the store fails on the channel's thread.
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
        self._again_at = 0.0
        self._turn = threading.Lock()
        """For the three below: the main thread and the channel's both offer."""
        self._last = 0
        """Sequence number of the newest one that this link was offered; 0: none yet."""
        self._waiting: set[int] = set()
        """Offered to this link, and the broker has not said that it has them."""
        self._round = 0
        """Offers of what is not freed go on behind this number; 0 begins with the oldest."""
        channel.on_acknowledge(self._acknowledged)
        channel.on_connect(self._begin)

    def push(self) -> None:
        """There is a new row: offer it, if those before it have been."""
        if self._channel.connected:
            self._offer(self._forward)

    def offer_again(self) -> None:
        """Once more what is not acknowledged when the last offer is a while ago: a broker may have died with it."""
        if time.monotonic() >= self._again_at and self._channel.connected:
            self._again_at = time.monotonic() + _AGAIN_S
            self._offer(self._forward, self._once_more)

    def _begin(self) -> None:
        with self._turn:
            self._last = self._round = 0
            self._waiting.clear()
        self._again_at = time.monotonic() + _AGAIN_S
        self._offer(self._forward)

    def _offer(self, *ways: Callable[[], None]) -> None:
        try:
            with self._turn:
                for way in ways:
                    way()
        except DoorwardError as error:
            self._report(str(error))

    def _forward(self) -> None:
        """What this link was not offered yet, in order, as far as window and channel take it."""
        while (room := min(_BATCH, _WINDOW - len(self._waiting))) > 0:
            rows = self._store.outbox(self._last, room)
            for row in rows:
                if not self._channel.send_event(row.sequence, row.envelope):
                    return
                self._last = row.sequence
                self._waiting.add(row.sequence)
            if len(rows) < room:
                return

    def _once_more(self) -> None:
        """A batch of what was offered and is not freed; behind the newest comes the oldest again."""
        rows = [row for row in self._store.outbox(self._round, _BATCH) if row.sequence <= self._last]
        for row in rows:
            if not self._channel.send_event(row.sequence, row.envelope):
                return
            self._round = row.sequence
        if len(rows) < _BATCH:
            self._round = 0

    def _acknowledged(self, found: Sequence[Acknowledgement]) -> None:
        try:
            good = [(each.sequence, each.nonce) for each in found if each.nonce is not None or not self._consumer]
            if good:
                self._store.rows.free(good, broker_counts=not self._consumer)
                time.sleep(_YIELD_S)
        except DoorwardError as error:
            self._report(str(error))
            return
        with self._turn:
            waited = len(self._waiting)
            self._waiting.difference_update(each.sequence for each in found)
            room = len(self._waiting) < waited
        if room:
            self._offer(self._forward)
