"""MQTT through paho, which serves as a dumb pipe: nothing waits in its memory.

Rules: each connection is a new client, so nothing that an old one held is sent behind our back; `connected` means that
the broker's CONNACK said so; a broker that refuses is a state with a reason, told once, and tried again with back-off.
Leaves out: what is published (app/link.py) and who keeps it until it is acknowledged (the recogniser's outbox).
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from typing import Any, Final, Literal

from paho.mqtt.client import Client, MQTTMessage, MQTTMessageInfo, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from agent.errors import ConfigError

_FIRST_WAIT_S: Final = 0.25
_LONGEST_WAIT_S: Final = 15.0
_ANSWER_S: Final = 5.0
"""How long a broker may take for its CONNACK."""
_KEEPALIVE_S: Final = 20
_INFLIGHT: Final = 20
"""mosquitto's receive maximum; paho does not look at what a broker announces."""
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


@dataclass(frozen=True, slots=True)
class Tls:
    """None for `ca` trusts the system's CAs; certificate and key identify this device where the broker asks."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is and how to enter."""

    host: str
    port: int
    protocol: Literal["5", "3.1.1"] = "5"
    tls: Tls | None = None
    user: str | None = None
    password_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Will:
    topic: str
    payload: bytes


class Connection:
    """One client of one broker, for as long as the process runs.

    Callbacks run on threads of the connection and must be quick:
    `changed(state, detail)` on each change of state; `received(topic, payload, retained)`;
    `published(token)` when the broker acknowledged the QoS 1 message published with that token.

    Args:
        client_id: stable, so that a second connection of the same client ends the first.
        subscribe: topic filters, subscribed at QoS 1 on each connect, before `changed` says connected.
        will: published, retained, by the broker when this client vanishes.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        *,
        subscribe: tuple[str, ...] = (),
        will: Will | None = None,
        changed: Callable[[Broker, str], None] = lambda state, detail: None,
        received: Callable[[str, bytes, bool], None] = lambda topic, payload, retained: None,
        published: Callable[[int], None] = lambda token: None,
    ) -> None:
        """Raises ConfigError when a certificate, key or password file cannot be read."""
        self._address, self._client_id, self._subscribe, self._will = address, client_id, subscribe, will
        self._changed, self._received, self._published = changed, received, published
        self._context = None if address.tls is None else _context(address.tls)
        self._password = None if address.password_file is None else _password(address.password_file)
        self.state = Broker.CONNECTING
        self._was_in = False
        self._client: Client | None = None
        self._tokens: dict[int, int | None] = {}
        """paho's message id -> token of ours, while the broker's PUBACK is out."""
        self._early: set[int] = set()
        """Message ids whose PUBACK came before `publish` had returned them."""
        self._sending = threading.Lock()
        self._book = threading.Lock()
        """For the two above; never held while paho is called, which holds locks of its own when it calls back."""
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt-connection", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool, token: int | None = None) -> bool:
        """Hand one message to a connected broker; False when there is none, and then nothing is kept."""
        with self._sending:
            if self._client is None or self.state is not Broker.CONNECTED:
                return False
            info: MQTTMessageInfo = self._client.publish(topic, payload, qos=qos, retain=retain)
            if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
        with self._book:
            early = info.mid in self._early
            self._early.discard(info.mid)
            if not early:
                self._tokens[info.mid] = token
        if early and token is not None:
            self._published(token)
        return True

    def close(self, last: tuple[str, bytes] | None = None) -> None:
        """Disconnect in order; `last` is a (topic, payload) that is published retained before, as a will would be."""
        if last is not None:
            self.publish(last[0], last[1], qos=0, retain=True)
        self._closing.set()
        if self._client is not None:
            self._client.disconnect()
        else:
            self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_ANSWER_S)

    def _run(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._closing.is_set():
            began = time.monotonic()
            self._once()
            if time.monotonic() - began > _ANSWER_S and self._was_in:
                wait_s = _FIRST_WAIT_S  # a broker that lets us in and throws us out at once is not asked faster
            self._closing.wait(wait_s * random.uniform(0.8, 1.2))
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def _once(self) -> None:
        """One connection from beginning to end."""
        self._was_in = False
        self._ended.clear()
        client = self._new_client()
        try:
            client.connect(self._address.host, self._address.port, keepalive=_KEEPALIVE_S)
        except ssl.SSLCertVerificationError as error:
            return self._tell(Broker.TLS_REFUSED, f"its certificate is not trusted ({error.verify_message})")
        except ssl.SSLError as error:
            return self._tell(Broker.TLS_REFUSED, f"TLS failed ({error.reason or 'no reason given'})")
        except (OSError, ValueError) as error:
            if isinstance(error, ConnectionResetError) and self._context is not None:
                return self._tell(Broker.TLS_REFUSED, "it broke off the beginning of TLS")
            return self._tell(Broker.UNREACHABLE, getattr(error, "strerror", None) or str(error) or "no answer")
        client.loop_start()
        if not self._ended.wait(_ANSWER_S) and not self._was_in:
            self._tell(Broker.UNREACHABLE, "it takes connections and does not answer")
            client.disconnect()
            client.loop_stop()
            return None
        self._ended.wait()
        return None

    def _new_client(self) -> Client:
        protocol = MQTTv5 if self._address.protocol == "5" else MQTTv311
        client = Client(CallbackAPIVersion.VERSION2, self._client_id, protocol=protocol, reconnect_on_failure=False)
        client.max_inflight_messages_set(_INFLIGHT)
        if self._context is not None:
            client.tls_set_context(self._context)
        if self._address.user is not None:
            client.username_pw_set(self._address.user, self._password)
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
        for topic_filter in self._subscribe:
            client.subscribe(topic_filter, qos=1)
        with self._sending:
            self._was_in, self._client = True, client
        with self._book:
            self._tokens.clear()
            self._early.clear()
        self._tell(Broker.CONNECTED, "")

    def _on_disconnect(self, client: Client, userdata: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        with self._sending:
            self._client = None
        if self._was_in:
            self._tell(Broker.UNREACHABLE, "connection lost")
        elif self.state not in (Broker.NOT_AUTHORISED, Broker.REFUSED):
            closed = "it closed the connection before it answered"
            self._tell(*((Broker.UNREACHABLE, closed) if self._context is None else (Broker.TLS_REFUSED, closed)))
        self._ended.set()

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self._received(message.topic, bytes(message.payload), message.retain)

    def _on_publish(self, client: Client, userdata: Any, mid: int, reason: ReasonCode, properties: Any) -> None:
        with self._book:
            if mid not in self._tokens and not reason.is_failure:
                self._early.add(mid)
            token = self._tokens.pop(mid, None)
        if token is not None and not reason.is_failure:
            self._published(token)

    def _tell(self, state: Broker, detail: str) -> None:
        was, self.state = self.state, state
        if was is not state and not (self._closing.is_set() and state is Broker.UNREACHABLE):
            self._changed(state, detail)


def _context(tls: Tls) -> ssl.SSLContext:
    named = [path for path in (tls.ca, tls.cert, tls.key) if path is not None]
    try:
        context = ssl.create_default_context(cafile=None if tls.ca is None else str(tls.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls.cert is not None:
            context.load_cert_chain(tls.cert, tls.key)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(path) for path in named)
        raise ConfigError(f"broker.tls: {files}: not usable as PEM ({error.strerror or 'not a certificate'})") from None
    return context


def _password(file: Path) -> str:
    try:
        return file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"broker.password_file: {file}: cannot be read as text; correct the path or its mode"
        ) from None
