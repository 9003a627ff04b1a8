"""The link process: the recogniser's only way to the network, and the page.

Rules: it has no camera, no database and no key but its own TLS key or password; it passes on what it can neither read
nor forge. Nothing durable is kept: retained telemetry and unacknowledged events wait in memory, to go out again on each
connect; what does not fit stays in the recogniser's outbox, which tries again. Metrics are for who listens now: those
of an outage are counted and let go. One line on standard error tells each change of state. Leaves out: NumPy, OpenCV
and everything else that would make it large.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Mapping
from functools import partial
from queue import Full, Queue
from typing import Any, Final

from agent import __version__
from agent.adapters.fetch import Repository
from agent.adapters.link_end import LinkEnd
from agent.adapters.mqtt import Broker, Connection, Will
from agent.adapters.page import Page
from agent.adapters.watchdog import watchdog
from agent.app.brokers import TO_DO, addresses
from agent.app.fault import one_fate, report, until_told
from agent.app.link_settings import LinkSettings
from agent.app.rate import Bucket
from agent.app.stream import Stream
from agent.errors import DoorwardError, LinkError
from agent.events import homeassistant, wire
from agent.events.acknowledge import read_acknowledgement
from agent.events.wire import (
    BrokerThere,
    CommandArrived,
    FetchOutcome,
    FetchReply,
    FetchRequest,
    FromRecogniser,
    Kind,
)
from agent.token import read_message

_FETCHES: Final = 16
_TOKEN_EVERY_S: Final = 1.0
"""What comes faster on the token topic is dropped: people do not present cards faster."""
_ORDER_S: Final = 1
"""The broker forgets an order to open that it has not handed on by then."""
_THREADS: Final = frozenset({"channel", "fetch", "mqtt-connection", "page"})
_say: Final = partial(report, program="doorward link")
_SESSION_S: Final = 7 * 86_400
"""The broker keeps acknowledgements and commands for a link that is away."""


class Link:
    """Everything between the socket, the broker, the site repository and the page.

    Raises:
        ConfigError: a file, address or port in the settings cannot be used.
        LinkError: site or device is no name.
    """

    def __init__(self, settings: LinkSettings) -> None:
        self._settings = settings
        self._topics = {kind: wire.topic(settings.site, settings.device, kind) for kind in Kind}
        self._acknowledge_topic = wire.acknowledge_topic(settings.site, settings.device)
        self._command_topic = wire.command_topic(settings.site, settings.device)
        self._token_topic = wire.token_topic(settings.site, settings.device)
        self._order_topic = wire.order_topic(settings.site, settings.device)
        self._token_at_s = 0.0
        """When the next token may be handed on, monotonic."""
        consumer, assistant = settings.acknowledge == "consumer", settings.home_assistant
        self._birth_topic = None if assistant is None else homeassistant.birth_topic(assistant)
        self._order = threading.Lock()
        """Held while retained topics are published, so that an older status never follows a newer one."""
        self._retained: dict[Kind, bytes] = {Kind.STATUS: wire.RECOGNISER_LOST}
        self._socket = LinkEnd(settings.socket, self._from_recogniser, self._recogniser_changed)
        self._stream = Stream(consumer=consumer, publish=self._publish_event, tell=self._socket.send)
        self._commands = Bucket(10, 0.5)
        self._metrics_let_go = 0
        self._refusal_told = False
        self._announced: bytes | None = None
        """The description that Home Assistant has; None: none went out on this connection."""
        self._preview: bytes | None = None
        self._recogniser = False
        self._broker, self._broker_detail = Broker.CONNECTING, ""
        self._requests: Queue[FetchRequest] = Queue(_FETCHES)
        url = settings.repository_url
        self._repository = None if url is None else Repository(url, settings.repository_ca)
        first, *others = addresses(settings)
        self._connection = Connection(
            first,
            f"doorward-{settings.site}-{settings.device}",
            subscribe=(self._command_topic, *((self._acknowledge_topic,) if consumer else ())),
            fleeting=self._fleeting(),
            will=Will(self._topics[Kind.STATUS], wire.OFFLINE),
            changed=self._broker_changed,
            received=self._from_broker,
            published=self._stream.taken,
            refused=self._broker_refuses,
            others=tuple(others),
            session_s=_SESSION_S,
        )
        self._page = Page(
            settings.page_port, websocket_url=settings.websocket_url, facts=self._facts, preview=lambda: self._preview
        )
        self._fetcher = threading.Thread(target=self._fetch, name="fetch", daemon=True)

    @property
    def url(self) -> str:
        """Of the page."""
        return self._page.url

    def start(self) -> None:
        self._page.start()
        self._fetcher.start()
        self._connection.start()
        self._socket.start()

    def close(self) -> None:
        """Say that this device is off the network, and end."""
        self._socket.close()
        self._connection.close(last=(self._topics[Kind.STATUS], wire.OFFLINE))
        self._page.close()

    # From the recogniser ------------------------------------------------------------------------------------------

    def _from_recogniser(self, message: FromRecogniser) -> None:
        match message:
            case wire.Event(sequence, envelope):
                self._stream.offered(sequence, envelope)
            case wire.Telemetry(kind, payload):
                with self._order:
                    if kind in wire.RETAINED:
                        self._retained[kind] = payload
                    if not self._publish(kind, payload) and kind is Kind.METRICS:
                        self._metrics_let_go += 1
                    if kind is Kind.STATUS:
                        self._announce()
            case wire.PreviewPicture(jpeg):
                self._preview = jpeg
            case wire.OrderGiven(payload):  # not at QoS 1: the broker would keep it for a lock that is away
                self._connection.publish(self._order_topic, payload, qos=0, retain=False, expires_s=_ORDER_S)
            case FetchRequest() as request:
                try:
                    self._requests.put_nowait(request)
                except Full:
                    self._socket.send(FetchReply(request.number, FetchOutcome.UNREACHABLE))

    def _recogniser_changed(self, there: bool) -> None:
        self._recogniser = there
        if there:
            self._tell_of_the_broker()
            self._stream.recogniser_here()
            _say("the recogniser is there")
            return
        with self._order:
            self._retained[Kind.STATUS] = wire.RECOGNISER_LOST
            self._publish(Kind.STATUS, wire.RECOGNISER_LOST)
        self._stream.recogniser_gone()
        self._preview = None
        _say("the recogniser is gone; waiting for it")

    def _fetch(self) -> None:
        while True:
            request = self._requests.get()
            outcome, data = FetchOutcome.UNREACHABLE, b""
            if self._repository is not None:
                outcome, data = self._repository.fetch(request.path, request.limit)
            self._socket.send(FetchReply(request.number, outcome, data))

    # To and from the broker ---------------------------------------------------------------------------------------

    def _publish(self, kind: Kind, payload: bytes) -> bool:
        retained = kind in wire.RETAINED
        qos = 1 if retained or kind is Kind.ACK else 0
        return self._connection.publish(self._topics[kind], payload, qos=qos, retain=retained)

    def _publish_event(self, sequence: int, envelope: bytes) -> bool:
        return self._connection.publish(self._topics[Kind.EVENTS], envelope, qos=1, retain=False, token=sequence)

    def _announce(self) -> None:
        """Tell Home Assistant what there is, if it does not know; `_order` is held."""
        settings = self._settings
        if settings.home_assistant is None:
            return
        in_clear = homeassistant.in_clear(self._retained[Kind.STATUS])
        description = homeassistant.discovery(
            settings.site, settings.device, agent=__version__, outcome_in_clear=in_clear
        )
        topic = homeassistant.discovery_topic(settings.home_assistant, settings.site, settings.device)
        if description != self._announced and self._connection.publish(topic, description, qos=1, retain=True):
            self._announced = description

    def _broker_changed(self, state: Broker, detail: str) -> None:
        self._broker, self._broker_detail = state, detail
        self._tell_of_the_broker()
        where = str(self._connection.address)
        if state is not Broker.CONNECTED:
            self._stream.lost()
            _say(f"broker {where}: {state}: {detail}; {TO_DO[state]}; trying again")
            return
        self._refusal_told = False
        with self._order:
            self._announced = None
            for kind, payload in self._retained.items():
                self._publish(kind, payload)
            self._announce()
            let_go, self._metrics_let_go = self._metrics_let_go, 0
        self._stream.connected(kept=self._connection.kept, resumed=self._connection.resumed)
        _say(f"broker {where}: connected" + (f"; {let_go} metrics of the outage were let go" if let_go else ""))

    def _tell_of_the_broker(self) -> None:
        with self._order:  # two threads do; the last word is the newest
            self._socket.send(BrokerThere(self._connection.state is Broker.CONNECTED))

    def _fleeting(self) -> tuple[str, ...]:
        """Topics of what is only for now: a session that is kept would name somebody who presented a card days ago."""
        birth = () if self._birth_topic is None else (self._birth_topic,)
        return birth + ((self._token_topic,) if self._settings.tokens else ())

    def _from_broker(self, topic: str, payload: bytes, retained: bool) -> None:
        if topic == self._birth_topic and payload == homeassistant.BIRTH:
            with self._order:
                self._announced = None
                self._announce()
        elif retained:
            return  # an order, an acknowledgement or a card of long ago is none
        elif topic == self._command_topic:
            if 0 < len(payload) <= wire.MAX_COMMAND and self._commands.take():
                self._socket.send(CommandArrived(payload))
        elif topic == self._token_topic:
            self._name(payload)
        elif topic == self._acknowledge_topic:
            try:
                self._stream.acknowledged(read_acknowledgement(payload))
            except LinkError:
                return  # anybody may publish nonsense; the recogniser checks the nonce of the rest

    def _name(self, payload: bytes) -> None:
        """Hand on a token; nothing is said of one that is none, comes too fast, or finds no recogniser."""
        now, token = time.monotonic(), read_message(payload)
        if token is not None and now >= self._token_at_s:
            self._token_at_s = now + _TOKEN_EVERY_S
            self._socket.send(token)

    def _broker_refuses(self, sequence: int | None, reason: str) -> None:
        """It stays in the outbox, which offers it again."""
        if sequence is not None:
            self._stream.refused(sequence)
        if not self._refusal_told:
            self._refusal_told = True
            _say(f"broker {self._connection.address}: takes no message: {reason}; look at its access list")

    def _facts(self) -> Mapping[str, Any]:
        settings = self._settings
        return {
            "site": settings.site,
            "device": settings.device,
            "prefix": wire.prefix(settings.site, settings.device),
            "websocket": settings.websocket_url,
            "broker": {
                "state": self._broker.value,
                "detail": self._broker_detail,
                "address": str(self._connection.address),
                "acknowledge": settings.acknowledge,
                "metrics_let_go": self._metrics_let_go,
            },
            "recogniser": self._recogniser,
            "preview": self._preview is not None,
            "retained": {kind.value: payload.decode("utf-8") for kind, payload in dict(self._retained).items()},
        }


def main(settings: LinkSettings) -> int:
    """Run until SIGTERM or SIGINT; the exit status.

    One JSON line on standard output says when it is ready and where the page is. Call it before any thread exists.
    """
    # Threads inherit this: one that began just then took the signal from the main thread, which went on sleeping.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    systemd = watchdog()
    try:
        link = Link(settings)
    except DoorwardError as error:
        _say(str(error))
        return 2
    with one_fate(_say) as died:
        link.start()
        sys.stdout.write(json.dumps({"ready": True, "page": link.url}) + "\n")
        sys.stdout.flush()
        systemd.ready()
        whole = until_told(ends, _THREADS, systemd.feed, _say)
        systemd.stopping()
        link.close()
    return int(died.is_set() or not whole)
