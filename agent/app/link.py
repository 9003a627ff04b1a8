"""The link process: the recogniser's only way to the network, and the page.

Rules: it has no camera, no database and no key but its own TLS key or password; it passes on what it can neither read
nor forge. Nothing durable is kept: retained telemetry and unacknowledged events wait in memory, to go out again on each
connect; what does not fit stays in the recogniser's outbox, which tries again. One line on standard error tells each
change of state. Leaves out: NumPy, OpenCV and everything else that would make it large.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from queue import Full, Queue
from typing import TYPE_CHECKING, Any, Final

from agent.adapters.fetch import Repository
from agent.adapters.link_end import LinkEnd
from agent.adapters.mqtt import Address, Broker, Connection, Tls, Will
from agent.adapters.page import Page
from agent.app.link_settings import LinkSettings
from agent.errors import DoorwardError, LinkError
from agent.events import wire
from agent.events.wire import Acknowledgement, FetchOutcome, FetchReply, FetchRequest, FromRecogniser, Kind
from agent.token import read_message

if TYPE_CHECKING:
    from agent.app.config import DeviceConfig

_HELD: Final = 256
"""Events that wait here at most; the rest waits in the recogniser's outbox."""
_FETCHES: Final = 16
_TOKEN_EVERY_S: Final = 1.0
"""What comes faster on the token topic is dropped: people do not present cards faster."""
_DO: Final = {
    Broker.UNREACHABLE: "look at broker.host, broker.port and whether it runs",
    Broker.TLS_REFUSED: "look at broker.tls and the broker's certificates",
    Broker.NOT_AUTHORISED: "look at broker.user, broker.password_file and the broker's list of users",
    Broker.REFUSED: "look at the broker's log",
}


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
        self._token_topic = wire.token_topic(settings.site, settings.device)
        self._token_at_s = 0.0
        """When the next token may be handed on, monotonic."""
        self._order = threading.Lock()
        """Held while retained topics are published, so that an older status never follows a newer one."""
        self._lock = threading.Lock()
        """For `_held`; never held while anything is published or sent."""
        self._retained: dict[Kind, bytes] = {Kind.STATUS: wire.RECOGNISER_LOST}
        self._held: dict[int, bytes] = {}
        self._preview: bytes | None = None
        self._recogniser = False
        self._broker, self._broker_detail = Broker.CONNECTING, ""
        self._requests: Queue[FetchRequest] = Queue(_FETCHES)
        url = settings.repository_url
        self._repository = None if url is None else Repository(url, settings.repository_ca)
        self._socket = LinkEnd(settings.socket, self._from_recogniser, self._recogniser_changed)
        self._connection = Connection(
            _address(settings),
            f"doorward-{settings.site}-{settings.device}",
            subscribe=self._subscribed(),
            will=Will(self._topics[Kind.STATUS], wire.OFFLINE),
            changed=self._broker_changed,
            received=self._from_broker,
            published=self._broker_has_it,
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
                self._hold(sequence, envelope)
            case wire.Telemetry(kind, payload):
                with self._order:
                    if kind in wire.RETAINED:
                        self._retained[kind] = payload
                    self._publish(kind, payload)
            case wire.PreviewPicture(jpeg):
                self._preview = jpeg
            case FetchRequest() as request:
                try:
                    self._requests.put_nowait(request)
                except Full:
                    self._socket.send(FetchReply(request.number, FetchOutcome.UNREACHABLE))

    def _hold(self, sequence: int, envelope: bytes) -> None:
        with self._lock:
            if sequence not in self._held and len(self._held) >= _HELD:
                return
            self._held[sequence] = envelope
        self._publish_event(sequence, envelope)

    def _recogniser_changed(self, there: bool) -> None:
        self._recogniser = there
        if there:
            _say("the recogniser is there")
            return
        with self._order:
            self._retained[Kind.STATUS] = wire.RECOGNISER_LOST
            self._publish(Kind.STATUS, wire.RECOGNISER_LOST)
        with self._lock:
            self._held.clear()  # a recogniser that comes back sends its outbox again
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

    def _publish(self, kind: Kind, payload: bytes) -> None:
        retained = kind in wire.RETAINED
        self._connection.publish(self._topics[kind], payload, qos=1 if retained else 0, retain=retained)

    def _publish_event(self, sequence: int, envelope: bytes) -> None:
        self._connection.publish(self._topics[Kind.EVENTS], envelope, qos=1, retain=False, token=sequence)

    def _broker_changed(self, state: Broker, detail: str) -> None:
        self._broker, self._broker_detail = state, detail
        where = f"{self._settings.broker_host}:{self._settings.broker_port}"
        if state is not Broker.CONNECTED:
            _say(f"broker {where}: {state}: {detail}; {_DO[state]}; trying again")
            return
        with self._order:
            for kind, payload in self._retained.items():
                self._publish(kind, payload)
        with self._lock:
            held = dict(self._held)
        for sequence, envelope in held.items():
            self._publish_event(sequence, envelope)
        _say(f"broker {where}: connected")

    def _subscribed(self) -> tuple[str, ...]:
        acknowledge = (self._acknowledge_topic,) if self._settings.acknowledge == "consumer" else ()
        return acknowledge + ((self._token_topic,) if self._settings.tokens else ())

    def _from_broker(self, topic: str, payload: bytes, retained: bool) -> None:
        if retained:
            return
        if topic == self._token_topic:
            self._name(payload)
        elif topic == self._acknowledge_topic:
            try:
                self._acknowledge(wire.read_acknowledgement(payload))
            except LinkError:
                return  # anybody may publish nonsense; the recogniser checks the nonce of the rest

    def _name(self, payload: bytes) -> None:
        """Hand on a token; nothing is said of one that is none, comes too fast, or finds no recogniser."""
        now, token = time.monotonic(), read_message(payload)
        if token is not None and now >= self._token_at_s:
            self._token_at_s = now + _TOKEN_EVERY_S
            self._socket.send(token)

    def _broker_has_it(self, sequence: int) -> None:
        if self._settings.acknowledge == "puback":
            self._acknowledge(Acknowledgement(sequence, None))

    def _acknowledge(self, acknowledgement: Acknowledgement) -> None:
        with self._lock:
            self._held.pop(acknowledgement.sequence, None)
        self._socket.send(acknowledgement)

    def _facts(self) -> Mapping[str, Any]:
        settings = self._settings
        return {
            "site": settings.site,
            "device": settings.device,
            "prefix": wire.prefix(settings.site, settings.device),
            "websocket": settings.websocket_url,
            "broker": {"state": self._broker.value, "detail": self._broker_detail},
            "recogniser": self._recogniser,
            "preview": self._preview is not None,
            "retained": {kind.value: payload.decode("utf-8") for kind, payload in dict(self._retained).items()},
        }


def main(settings: LinkSettings) -> int:
    """Run until SIGTERM or SIGINT; the exit status.

    One JSON line on standard output says when it is ready and where the page is.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        link = Link(settings)
    except DoorwardError as error:
        _say(str(error))
        return 2
    link.start()
    sys.stdout.write(json.dumps({"ready": True, "page": link.url}) + "\n")
    sys.stdout.flush()
    stop.wait()
    link.close()
    return 0


def _address(settings: LinkSettings) -> Address:
    tls = Tls(settings.ca, settings.cert, settings.key) if settings.tls else None
    return Address(
        settings.broker_host, settings.broker_port, settings.protocol, tls, settings.user, settings.password_file
    )


def settings_of(config: DeviceConfig) -> LinkSettings:
    """What the device config says about the link."""
    broker = config.broker
    tls = broker.tls

    def path(name: str | None) -> Path | None:
        return None if name is None else config.path(name)

    return LinkSettings(
        socket=config.socket,
        site=config.site.name,
        device=config.device.id,
        broker_host=broker.host,
        broker_port=broker.port,
        protocol=broker.protocol,
        tls=tls is not None,
        ca=path(tls.ca if tls else None),
        cert=path(tls.certificate if tls else None),
        key=path(tls.key if tls else None),
        user=broker.user,
        password_file=path(broker.password_file),
        websocket_url=broker.websocket,
        acknowledge=broker.acknowledge,
        tokens=broker.tokens,
        page_port=config.page.port,
        repository_url=config.site.repository,
        repository_ca=path(config.site.repository_ca),
    )


def _say(line: str) -> None:
    sys.stderr.write(f"doorward link: {line}\n")
    sys.stderr.flush()
