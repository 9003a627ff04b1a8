"""Events on their way out: each is offered to the link until somebody who holds it says so.

Rules: the store is the outbox; nothing here remembers an event. A row goes only when its acknowledgement is good: the
nonce from inside the sealed event where a consumer acknowledges, the broker's word where the config says `puback`.
Offers go round: a hundred events that nobody can open never keep back the ones behind them.
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
        """For the two below: the main thread and the channel's both offer."""
        self._after = 0
        """Offers go on behind this sequence number; 0 begins with the oldest."""
        self._last = 0
        """Sequence number of the last one offered; its acknowledgement asks for more."""
        channel.on_acknowledge(self._acknowledged)
        channel.on_connect(self._begin)

    def offer_again(self) -> None:
        """Once more what is not acknowledged when the last offer is a while ago: a broker may have died with it."""
        if time.monotonic() >= self._again_at and self._channel.connected:
            self._offer()

    def _begin(self) -> None:
        with self._turn:
            self._after = 0
        self._offer()

    def _offer(self) -> None:
        """The next batch, oldest first, as far as the channel takes it; behind the newest comes the oldest again."""
        self._again_at = time.monotonic() + _AGAIN_S
        try:
            with self._turn:
                rows = self._store.outbox(self._after, _BATCH)
                for row in rows:
                    if not self._channel.send_event(row.sequence, row.envelope):
                        return
                    self._after = self._last = row.sequence
                if len(rows) < _BATCH:
                    self._after = 0
        except DoorwardError as error:
            self._report(str(error))

    def _acknowledged(self, found: Sequence[Acknowledgement]) -> None:
        try:
            freed = self._store.rows.free(
                [(each.sequence, each.nonce) for each in found], broker_counts=not self._consumer
            )
        except DoorwardError as error:
            self._report(str(error))
            return
        if self._last in freed and self._after != 0:
            self._offer()
