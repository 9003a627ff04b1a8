"""The site's own subscriber: hears what the broker hands out, opens the sealed events, and says that it holds them.

Rules: independent of both processes of the agent; it trusts only what the device signed. Every message is counted by
its topic. An event is handed on once, however often it comes, and acknowledged each time, with the nonce that only who
can open it knows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.adapters.mqtt import Address, Broker, Connection
from agent.crypto import BoxSecret, SignPublic
from agent.errors import LinkError
from agent.events import wire
from agent.events.acknowledge import acknowledgement
from agent.events.seal import OpenedErasure, OpenedEvent, open_event
from agent.events.telemetry import Message, read_telemetry
from agent.events.wire import Kind

_CLIENT: Final = "doorward-demo-site"


@dataclass(frozen=True, slots=True)
class LinkSaid:
    """The link's own unsigned word that the device is not to be trusted now."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Joined:
    """The broker let the subscriber in (again), or it is gone."""

    connected: bool


Heard = OpenedEvent | OpenedErasure | Message | LinkSaid | Joined


class Subscriber:
    """One device's messages, from the first connect until `close`.

    Args:
        hear: called on a thread of the connection with everything that is new.
    """

    def __init__(
        self,
        port: int,
        *,
        site: str,
        device: str,
        device_key: SignPublic,
        events_secret: BoxSecret,
        hear: Callable[[Heard], None],
    ) -> None:
        self._site, self._device = site, device
        self._device_key, self._events_secret = device_key, events_secret
        self._hear = hear
        self._seen: set[int] = set()
        self._prefix = wire.prefix(site, device) + "/"
        self.topics: Counter[str] = Counter()
        """Messages by the part of the topic behind site and device."""
        self.forged = 0
        """Messages that the device did not sign, or that do not open with the site's key."""
        self._connection = self._connect(port)

    def _connect(self, port: int) -> Connection:
        connection = Connection(
            Address("127.0.0.1", port),
            _CLIENT,
            subscribe=(f"{wire.TOPIC_ROOT}/#",),
            changed=self._changed,
            received=self._received,
        )
        connection.start()
        return connection

    def rejoin(self, port: int) -> None:
        """Connect anew at once, instead of waiting for the next try: who stopped the broker knows that it is back."""
        self._connection.close()
        self._connection = self._connect(port)

    @property
    def connected(self) -> bool:
        return self._connection.state is Broker.CONNECTED

    def close(self) -> None:
        self._connection.close()

    def _changed(self, state: Broker, detail: str) -> None:
        self._hear(Joined(state is Broker.CONNECTED))

    def _received(self, topic: str, payload: bytes, retained: bool) -> None:
        name = topic.removeprefix(self._prefix)
        self.topics[name] += 1
        try:
            if name == Kind.EVENTS:
                self._event(payload)
            elif name == Kind.STATUS and payload in (wire.OFFLINE, wire.RECOGNISER_LOST):
                self._hear(LinkSaid(payload))
            elif name in Kind.__members__.values():
                self._hear(read_telemetry(Kind(name), payload, self._device_key))
        except LinkError:
            self.forged += 1

    def _event(self, payload: bytes) -> None:
        event = open_event(payload, self._events_secret, self._device_key)
        self._connection.publish(
            wire.acknowledge_topic(self._site, self._device),
            acknowledgement(event.sequence, event.nonce),
            qos=1,
            retain=False,
        )
        if event.sequence not in self._seen:
            self._seen.add(event.sequence)
            self._hear(event)
