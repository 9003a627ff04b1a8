"""Events on their way out: each is offered to the link until somebody who holds it says so.

Rules: the store is the outbox; nothing here remembers an event. A row goes only when its acknowledgement is good: the
nonce from inside the sealed event where a consumer acknowledges, the broker's word where the config says `puback`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Literal

from agent.adapters.channel import Channel
from agent.adapters.store import Store
from agent.errors import DoorwardError

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
        channel.on_acknowledge(self._acknowledged)
        channel.on_connect(self.offer)

    def offer(self) -> None:
        """Everything that is still unacknowledged, oldest first, as far as the channel takes it."""
        try:
            for row in self._store.outbox(limit=_BATCH):
                if not self._channel.send_event(row.sequence, row.envelope):
                    break
        except DoorwardError as error:
            self._report(str(error))
        self._again_at = time.monotonic() + _AGAIN_S

    def offer_again(self) -> None:
        """The same when the last offer is a while ago: a broker may have died with what it had taken."""
        if time.monotonic() >= self._again_at and self._channel.connected:
            self.offer()

    def _acknowledged(self, sequence: int, nonce: bytes | None) -> None:
        try:
            if nonce is not None:
                self._store.acknowledge(sequence, nonce)
            elif not self._consumer:
                self._store.release(sequence)
        except DoorwardError as error:
            self._report(str(error))
