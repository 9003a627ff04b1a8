"""The recogniser's end of the socket to the link.

Rules: the recogniser never waits for the link. What it sends goes into bounded places that one thread empties: the
latest telemetry of each kind, the latest preview, the latest `_ANSWERS` answers, at most `_EVENTS` events (the outbox
keeps the rest, and `send_event` says so). One link at a time, and only of the user who owns the socket's path; one that
takes nothing for `_STALL_S` or says what cannot be parsed is cut off.
Leaves out: what the bytes mean (events/wire.py) and when to try an event again (the owner of the outbox).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from agent.adapters.meeting import is_of, listening, owner, shut
from agent.errors import LinkError
from agent.events import wire
from agent.events.fetched import fetched
from agent.events.wire import Acknowledgement, BrokerThere, CommandArrived, FetchReply, FromRecogniser, Kind
from agent.token import Token

_EVENTS: Final = 256
_ANSWERS: Final = 32
_STALL_S: Final = 5
_CHUNK: Final = 64 * 1024
_FETCH_S: Final = 45.0
"""The link tries an address for 5 s, two that lead nowhere before the one that answers, and reads for 30 s at most."""
Report = Callable[[str], None]


def _silent(line: str) -> None: ...


class Channel:
    """The recogniser's end: listens, and gives everything to whichever link is connected.

    Callbacks run on a thread of the channel and must be quick.
    """

    def __init__(self, server: socket.socket, path: Path | None = None, report: Report = _silent) -> None:
        """A listening socket; `path` is taken away at the end, None: it is systemd's and outlives this process.

        `report` is told once, in a line without anything of a picture, that previews cannot be made.
        """
        self._server, self._path, self._report = server, path, report
        self._owner: Final = owner(server)
        self._peer: socket.socket | None = None
        self._closing = threading.Event()
        self._wake = threading.Condition()
        self.link = 0
        """How many have connected so far: the number of the present one, or of the last."""
        self._latest: dict[Kind, bytes] = {}
        """What a new link gets at once, so that its broker has every retained topic."""
        self._due: set[Kind] = set()
        self._events: deque[wire.Event] = deque()
        self._answers: deque[bytes] = deque(maxlen=_ANSWERS)
        self._order: bytes | None = None
        self.broker = False  # there is a link, and it has a broker
        self.thinned = 0
        """Metrics that never went out: a newer one came first, or there was no link."""
        self._preview: Callable[[], bytes] | None = None
        self._requests: deque[wire.FetchRequest] = deque()
        self._replies: dict[int, FetchReply | None] = {}
        self._number = 0
        self._acknowledged: Callable[[Sequence[Acknowledgement]], None] = lambda found: None
        self._commanded: Callable[[bytes], None] = lambda payload: None
        self._connected: Callable[[], None] = lambda: None
        self._named: Callable[[Token], None] = lambda token: None
        work = {"channel-in": self._serve, "channel-out": self._write}
        self._threads = [threading.Thread(target=each, name=name, daemon=True) for name, each in work.items()]

    @classmethod
    def listen(cls, path: Path, report: Report = _silent) -> Channel:
        """Listen at `path`; raises ConfigError, see meeting.py."""
        return cls(listening(path, "the state path"), path, report).started()

    def started(self) -> Channel:
        for thread in self._threads:
            thread.start()
        return self

    def on_acknowledge(self, callback: Callable[[Sequence[Acknowledgement]], None]) -> None:
        """`callback(found)` with what has come at once of the word that somebody holds an event."""
        self._acknowledged = callback

    def on_token(self, callback: Callable[[Token], None]) -> None:
        """`callback(token)` for each token that the link hands on; it came over the network, whatever the link says."""
        self._named = callback

    def on_command(self, callback: Callable[[bytes], None]) -> None:
        """`callback(payload)` for whatever somebody published on the command topic."""
        self._commanded = callback

    def on_connect(self, callback: Callable[[], None]) -> None:
        """`callback()` when a new link is there: give it the pending outbox again. Called at once if one is there."""
        self._connected = callback
        if self.connected:
            callback()

    @property
    def alive(self) -> bool:
        """Both threads run; else what is said here goes nowhere any more, and the process should end."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def connected(self) -> bool:
        return self._peer is not None

    def send_event(self, sequence: int, envelope: bytes, link: int | None = None) -> bool:
        """Put one sealed event on its way; False when there is no link or no room: it stays in the outbox.

        Args:
            link: to this one alone, which has had those before it; None: to whichever is there.
        """
        event = wire.Event(sequence, envelope)
        with self._wake:
            if self._peer is None or len(self._events) >= _EVENTS or link not in (None, self.link):
                return False
            self._events.append(event)
            self._wake.notify_all()
        return True

    def send_telemetry(self, kind: Kind, payload: bytes) -> None:
        """The latest of its kind replaces one that has not gone out yet. Kept for the next link, if retained."""
        with self._wake:
            if kind is Kind.ACK:
                self._answers.append(payload)
            else:
                self.thinned += kind is Kind.METRICS and kind in self._due
                self._latest[kind] = payload
                self._due.add(kind)
            self._wake.notify_all()

    def send_order(self, payload: bytes) -> None:
        """Before anything else, and to the link that is there now or to none."""
        with self._wake:
            self._order = payload if self.connected else None
            self._wake.notify_all()

    def send_preview(self, make: Callable[[], bytes]) -> None:
        """The latest replaces one that has not gone out yet; without a link it is dropped.

        `make` gives the JPEG picture, on the channel's own thread.
        """
        with self._wake:
            self._preview = make if self.connected else None
            self._wake.notify_all()

    def fetch(self, path: str, limit: int, timeout_s: float = _FETCH_S) -> bytes | None:
        """Untrusted bytes of one file of the site repository; None when the repository has no such file.

        Not for the thread that handles frames: it waits.

        Args:
            limit: most bytes to take; never more than `wire.MAX_FETCH`.

        Raises:
            LinkError: no link, no answer in time, or the link could not fetch it.
        """
        with self._wake:
            if self._peer is None:
                raise LinkError(f"{path}: no link process is connected; start it")
            self._number = number = self._number % 0xFFFFFFFF + 1
            self._replies[number] = None
            self._requests.append(wire.FetchRequest(number, min(limit, wire.MAX_FETCH), path))
            self._wake.notify_all()
            answered = self._wake.wait_for(
                lambda: self._replies.get(number) is not None or number not in self._replies, timeout_s
            )
            reply = self._replies.pop(number, None)
        if reply is None:
            why = "the link was lost" if answered else f"no answer within {timeout_s:g} s"
            raise LinkError(f"{path}: {why}; it is tried again at the next refresh")
        return fetched(path, reply, limit)

    def close(self) -> None:
        """Cut the link off, stop listening and remove the socket; safe to call twice."""
        with self._wake:
            self._closing.set()
            self._wake.notify_all()
        for end in (self._server, self._peer):
            if end is not None:
                shut(end)
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=_STALL_S + 1)
        self._server.close()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                peer, _ = self._server.accept()
            except OSError:
                return
            if not is_of(peer, self._owner):
                peer.close()
                continue
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("@ll", _STALL_S, 0))
            with self._wake:
                if self._closing.is_set():
                    peer.close()
                    return
                self._peer, self.link = peer, self.link + 1
                self._due |= self._latest.keys() & wire.RETAINED
                self._wake.notify_all()
            self._connected()
            with contextlib.suppress(OSError, LinkError):
                self._read(peer)
            with self._wake:
                self._peer, self._preview, self._order, self.broker = None, None, None, False
                self._events.clear()
                self._requests.clear()
                self._replies.clear()
                self._wake.notify_all()
            peer.close()

    def _read(self, peer: socket.socket) -> None:
        frames = wire.Frames()
        while data := peer.recv(_CHUNK):
            held: list[Acknowledgement] = []
            for frame in frames.feed(data):
                match wire.link_message(frame):
                    case Acknowledgement() as acknowledgement:
                        held.append(acknowledgement)
                    case Token() as token:
                        self._named(token)
                    case CommandArrived(payload):
                        self._commanded(payload)
                    case BrokerThere(there):
                        self.broker = there
                    case FetchReply() as reply:
                        with self._wake:
                            if reply.number in self._replies:
                                self._replies[reply.number] = reply
                                self._wake.notify_all()
            if held:
                self._acknowledged(held)

    def _write(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._closing.is_set() or self._ready())
                if self._closing.is_set():
                    return
                peer, following = self._peer, self._next()
            if peer is None:
                continue
            message = self._made(following) if callable(following) else following
            if message is None:
                continue
            try:
                peer.sendall(wire.pack(message))
            except OSError:
                shut(peer)  # the reader notices and waits for the next link
                with self._wake:
                    while self._peer is peer and not self._closing.is_set():
                        self._wake.wait()
            except LinkError:
                continue  # larger than its kind allows: not for the wire

    def _made(self, make: Callable[[], bytes]) -> wire.PreviewPicture | None:
        """The preview; None: it cannot be made, and everything else goes on."""
        try:
            return wire.PreviewPicture(make())
        except Exception as error:  # of an array or of the encoder, whose text could hold anything
            report, self._report = self._report, _silent
            report(f"preview: cannot be made ({type(error).__name__}); all else goes on: tell who maintains this")
            return None

    def _ready(self) -> bool:
        return self._peer is not None and bool(
            self._order or self._requests or self._answers or self._due or self._events or self._preview
        )

    def _next(self) -> FromRecogniser | Callable[[], bytes]:
        """What matters most goes first; previews are what gives way."""
        if self._order:
            order, self._order = self._order, None
            return wire.OrderGiven(order)
        if self._requests:
            return self._requests.popleft()
        if self._answers:
            return wire.Telemetry(Kind.ACK, self._answers.popleft())
        if self._events:
            return self._events.popleft()
        if self._due:
            kind = self._due.pop()
            return wire.Telemetry(kind, self._latest[kind])
        assert self._preview is not None  # else nothing was ready
        make, self._preview = self._preview, None
        return make
