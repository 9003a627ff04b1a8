"""MQTT through paho, which serves as a dumb pipe: nothing waits in its memory.

Rules: each connection is a new client, so nothing that an old one held is sent behind our back; `connected` means that
the broker's CONNACK said so; a broker that refuses is a state with a reason, told once, and tried again with back-off.
A broker that acknowledges nothing for `acknowledge_s` is left, whatever TCP believes: a half-open connection takes
bytes for a quarter of an hour. Certificates, keys and passwords are read anew for each connection, since they are
renewed; one that cannot be used then is a state with a reason, too. Leaves out: what is published (app/link.py) and who
keeps it until it is acknowledged (the recogniser's outbox).
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from enum import StrEnum, unique
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from agent.adapters.mqtt.address import Address, Will, password, tls_context
from agent.adapters.mqtt.waiting import Backoff, Outstanding
from agent.errors import ConfigError

_ANSWER_S: Final = 5.0
"""How long a broker may take for its CONNACK."""
_KEEPALIVE_S: Final = 20
_LOOK_S: Final = 0.5
"""How often the acknowledgements are looked after."""
_INFLIGHT: Final = 10
"""Messages without the broker's word: each of them goes out twice when the connection is cut just then. Less than any
broker's receive maximum (mosquitto 20), at which paho does not look."""
_ENTRY_REASONS: Final = frozenset({"bad user name or password", "not authorized", "banned"})


@unique
class Broker(StrEnum):
    """How things stand with the broker; wire names, the page shows them."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    UNREACHABLE = "unreachable"
    TLS_REFUSED = "tls-refused"
    NOT_AUTHORISED = "not-authorised"
    REFUSED = "refused"


class Connection:
    """One client of one broker, or of the first that lets it in, for as long as the process runs.

    Callbacks run on threads of the connection and must be quick:
    `changed(state, detail)` on each change of state; `received(topic, payload, retained)`;
    `published(token)` when the broker acknowledged the QoS 1 message published with that token;
    `refused(token, reason)` when it said that it took one not (MQTT 3.1.1 cannot say it); token None if it had none.

    Args:
        client_id: stable, so that a second connection of the same client ends the first.
        subscribe: topic filters, subscribed at QoS 1 on each connect, before `changed` says connected.
        fleeting: topic filters at QoS 0: what is published there while this client is away is for nobody.
        will: published, retained, by the broker when this client vanishes.
        others: tried in this order, at once, where `address` does not let it in. One that did is stayed with until it
            is lost; then the first is asked first again.
        session_s: how long the broker keeps subscriptions and what came on them while this client is away; 0 begins
            anew each time. (MQTT 3.1.1 knows no time: anything but 0 keeps.)
        acknowledge_s: how long a broker may acknowledge nothing of what it was handed.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        *,
        subscribe: tuple[str, ...] = (),
        fleeting: tuple[str, ...] = (),
        will: Will | None = None,
        changed: Callable[[Broker, str], None] = lambda state, detail: None,
        received: Callable[[str, bytes, bool], None] = lambda topic, payload, retained: None,
        published: Callable[[int], None] = lambda token: None,
        refused: Callable[[int | None, str], None] = lambda token, reason: None,
        others: tuple[Address, ...] = (),
        session_s: int = 0,
        acknowledge_s: float = 10.0,
    ) -> None:
        """Raises ConfigError when a certificate, key or password file cannot be read."""
        for each in (address, *others):
            _context(each)
            _password(each)
        self._client_id, self._will = client_id, will
        self._subscribe = [*((each, 1) for each in subscribe), *((each, 0) for each in fleeting)]
        self._changed, self._received = changed, received
        self._published, self._refused = published, refused
        self._addresses = (address, *others)
        self.address = address
        """Of the broker that is asked now, or has let us in."""
        self._last_in: Address | None = None
        self._session_s = session_s
        self.state = Broker.CONNECTING
        self._told: dict[Address, Broker] = {}
        """What each address was last told of; trouble is told once, however often it is met."""
        self.kept = False
        """The broker has kept the session: what came for it meanwhile comes now."""
        self.resumed = False
        """It is besides the broker of the last time: what it acknowledged then, it has."""
        self._was_in = self._torn = False
        self._client: Client | None = None
        self._outstanding = Outstanding(acknowledge_s, time.monotonic)
        self._sending = threading.Lock()
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt-connection", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        token: int | None = None,
        expires_s: int | None = None,
    ) -> bool:
        """Hand one message to a connected broker; False when there is none, and then nothing is kept.

        Args:
            expires_s: afterwards the broker hands it to nobody (MQTT 3.1.1 cannot say so); None: whenever.
        """
        properties = None
        if expires_s is not None and self.address.protocol == "5":
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = expires_s
        with self._sending:
            if self._client is None or self.state is not Broker.CONNECTED:
                return False
            info: MQTTMessageInfo = self._client.publish(topic, payload, qos, retain, properties)
            if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
        if self._outstanding.sent(info.mid, token) and token is not None:
            self._published(token)
        return True

    def close(self, last: tuple[str, bytes] | None = None) -> None:
        """Disconnect in order; `last` is a (topic, payload) that is published retained before, as a will would be."""
        if last is not None:
            self.publish(last[0], last[1], qos=0, retain=True)
        self._closing.set()
        if (client := self._client) is not None:  # it may be lost at this moment
            client.disconnect()
        else:
            self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_ANSWER_S)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._closing.is_set():
            began = time.monotonic()
            for address in self._addresses:
                began, self.address = time.monotonic(), address
                self._once()
                if self._closing.is_set() or self._was_in:
                    break
            if self._was_in and (self._outstanding.answered or time.monotonic() - began > _ANSWER_S):
                backoff.reset()  # a broker that lets us in and throws us out at once is not asked faster
            self._closing.wait(backoff.next_s())

    def _once(self) -> None:
        """One connection from beginning to end."""
        self._was_in = self._torn = False
        self._ended.clear()
        state, address = Broker.TLS_REFUSED, self.address
        try:
            context = _context(address)
            state = Broker.NOT_AUTHORISED
            client = self._new_client(context, _password(address))
        except ConfigError as error:
            return self._tell(state, str(error))
        try:
            client.connect(address.host, address.port, keepalive=_KEEPALIVE_S, **self._session())
        except ssl.SSLCertVerificationError as error:
            return self._tell(Broker.TLS_REFUSED, f"its certificate is not trusted ({error.verify_message})")
        except ssl.SSLError as error:
            return self._tell(Broker.TLS_REFUSED, f"TLS failed ({error.reason or 'no reason given'})")
        except (OSError, ValueError) as error:
            if isinstance(error, ConnectionResetError) and context is not None:
                return self._tell(Broker.TLS_REFUSED, "it broke off the beginning of TLS")
            return self._tell(Broker.UNREACHABLE, getattr(error, "strerror", None) or str(error) or "no answer")
        client.loop_start()
        if not self._ended.wait(_ANSWER_S) and not self._was_in:
            self._tell(Broker.UNREACHABLE, "it takes connections and does not answer")
            client.disconnect()
            client.loop_stop()
            return None
        while not self._ended.wait(_LOOK_S):
            if self._outstanding.stalled():
                self._tear(client)
        return None

    def _tear(self, client: Client) -> None:
        """End a connection that TCP still believes in."""
        self._torn = True
        end: Any = client.socket()
        if end is not None:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _session(self) -> dict[str, Any]:
        if self.address.protocol != "5":
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._session_s
        return {"clean_start": self._session_s == 0, "properties": properties}

    def _new_client(self, context: ssl.SSLContext | None, password: str | None) -> Client:
        v5 = self.address.protocol == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            clean_session=None if v5 else self._session_s == 0,
            protocol=MQTTv5 if v5 else MQTTv311,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(_INFLIGHT)
        if context is not None:
            client.tls_set_context(context)
        if self.address.user is not None:
            client.username_pw_set(self.address.user, password)
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _on_connect(self, client: Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            entry = str(reason).lower() in _ENTRY_REASONS
            self._tell(Broker.NOT_AUTHORISED if entry else Broker.REFUSED, str(reason).lower())
            return
        for topic_filter, qos in self._subscribe:
            client.subscribe(topic_filter, qos=qos)
        self._outstanding.clear()
        self.kept = bool(flags.session_present)
        self.resumed = self.kept and self.address is self._last_in
        self._last_in = self.address
        with self._sending:
            self._was_in, self._client = True, client
        self._tell(Broker.CONNECTED, "")

    def _on_disconnect(self, client: Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        with self._sending:
            self._client = None
        if self._was_in:
            stalled = "it takes messages and acknowledges none"
            self._tell(Broker.UNREACHABLE, stalled if self._torn else "connection lost")
        elif self.state not in (Broker.NOT_AUTHORISED, Broker.REFUSED):
            closed = "it closed the connection before it answered"
            self._tell(*((Broker.UNREACHABLE, closed) if self.address.tls is None else (Broker.TLS_REFUSED, closed)))
        self._ended.set()

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self._received(message.topic, bytes(message.payload), message.retain)

    def _on_publish(self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            self._refused(self._outstanding.refused(mid), str(reason).lower())
        elif (token := self._outstanding.acknowledged(mid)) is not None:
            self._published(token)

    def _tell(self, state: Broker, detail: str) -> None:
        self.state = state
        if state is Broker.CONNECTED:
            self._told.clear()
        elif self._told.get(self.address) is state or (self._closing.is_set() and state is Broker.UNREACHABLE):
            return
        else:
            self._told[self.address] = state
        self._changed(state, detail)


def _context(address: Address) -> ssl.SSLContext | None:
    return None if address.tls is None else tls_context(address.tls)


def _password(address: Address) -> str | None:
    return None if address.password_file is None else password(address.password_file)
