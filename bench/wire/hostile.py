"""A pipe to a broker that understands as much of MQTT as it takes to lose, double and invent acknowledgements."""

from __future__ import annotations

import contextlib
import random
import re
import select
import socket
from collections import Counter, deque
from collections.abc import Iterator

from bench.wire.capture import Capture
from tests.adapters.pipe import Pipe

_PUBLISH, _PUBACK = 3, 4
_SEQUENCE = re.compile(rb'"sequence":(\d+),"signature"')


class HostilePipe(Pipe):
    """Cuts, goes deaf and slow as `Pipe` does; besides, what the broker acknowledges may be lost, doubled or invented.

    Args:
        rng: draws which.
        out, back: are given all that passes, to the broker and from it.
    """

    def __init__(self, target: int, rng: random.Random, out: Capture, back: Capture) -> None:
        super().__init__(target)
        self._rng = rng
        self.drop = self.double = self.invent = 0
        """So many of the next PUBACKs are treated in this way."""
        self._out, self._back = out, back
        self.latest = deque[bytes](maxlen=1000)
        """Events as they went to the broker."""
        self.done = Counter[str]()
        self.sent = Counter[int]()
        """Sequence number of an event -> how often it went to the broker."""

    def _pass(self, client: socket.socket, broker: socket.socket) -> None:
        packets, sent = _Packets(), _Packets()
        with client, broker, contextlib.suppress(OSError):
            while True:
                for ready in select.select([client, broker], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready in self._deaf:
                        continue
                    self._wait()
                    (self._out if ready is client else self._back).keep(data)
                    if ready is client:
                        broker.sendall(data)
                        for packet in sent.feed(data):
                            if (
                                packet[0] >> 4 == _PUBLISH
                                and (found := _SEQUENCE.search(packet))
                                and b"/events" in packet
                            ):
                                self.sent[int(found[1])] += 1
                                self.latest.append(packet[packet.index(b'{"device"') :])
                        continue
                    for packet in packets.feed(data):
                        client.sendall(self._judged(packet))

    def _judged(self, packet: bytes) -> bytes:
        if packet[0] >> 4 != _PUBACK:
            return packet
        if self.drop:
            self.drop -= 1
            self.done["dropped"] += 1
            return b""
        if self.double:
            self.double -= 1
            self.done["doubled"] += 1
            return packet * 2
        if self.invent:
            self.invent -= 1
            self.done["invented"] += 1
            number = self._rng.randrange(1, 65536)
            return packet + bytes([_PUBACK << 4, 2]) + number.to_bytes(2, "big")
        return packet


class _Packets:
    """Cuts a stream into MQTT packets."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._held += data
        while (size := self._size()) is not None:
            packet = bytes(self._held[:size])
            del self._held[:size]
            yield packet

    def _size(self) -> int | None:
        """Of the first packet, if it is whole."""
        length = shift = 0
        for at, byte in enumerate(self._held[1:5], 1):
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return at + 1 + length if len(self._held) >= at + 1 + length else None
        return None
