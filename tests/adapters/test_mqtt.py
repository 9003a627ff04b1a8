"""MQTT against Debian's mosquitto: who is let in, what arrives, and what each refusal is called."""

from __future__ import annotations

import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Literal

import pytest

from agent.adapters.mqtt import Address, Broker, Connection, Tls, Will
from agent.errors import ConfigError
from tests.adapters.certificates import Certificates
from tests.adapters.mosquitto import Mosquitto, Observer, password_lines, tls_lines
from tests.adapters.pipe import Pipe

Protocol = Literal["5", "3.1.1"]
BOTH = pytest.mark.parametrize("protocol", ["5", "3.1.1"])


@dataclass
class Client:
    """A connection, and everything that it told."""

    connection: Connection
    states: list[tuple[Broker, str]]
    coming: Queue[tuple[Broker, str]]
    received: Queue[tuple[str, bytes, bool]] = field(default_factory=Queue)
    published: Queue[int] = field(default_factory=Queue)

    def wait(self, state: Broker) -> str:
        """The detail with which the next change told this state; no other state may come before it."""
        found, detail = self.coming.get(timeout=10)
        assert found is state, detail
        return detail


Connect = Callable[..., Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    made: list[Client] = []

    def connect(
        address: Address,
        *,
        name: str = "doorward-test",
        subscribe: tuple[str, ...] = (),
        will: Will | None = None,
        **more: Any,
    ) -> Client:
        states: list[tuple[Broker, str]] = []
        coming: Queue[tuple[Broker, str]] = Queue()
        received: Queue[tuple[str, bytes, bool]] = Queue()
        published: Queue[int] = Queue()

        def changed(state: Broker, detail: str) -> None:
            states.append((state, detail))
            coming.put((state, detail))

        connection = Connection(
            address,
            name,
            subscribe=subscribe,
            will=will,
            changed=changed,
            received=lambda *message: received.put(message),
            published=published.put,
            **more,
        )
        client = Client(connection, states, coming, received, published)
        made.append(client)
        connection.start()
        return client

    yield connect
    for client in made:
        client.connection.close()


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[Mosquitto]:
    """One that takes everybody, started."""
    made = Mosquitto(tmp_path, free_port)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def closed(tmp_path: Path, free_port: int, certificates: Certificates) -> Iterator[Mosquitto]:
    """One that takes only clients with a certificate, not started yet."""
    made = Mosquitto(tmp_path, free_port, tls_lines(certificates))
    yield made
    made.stop()


@pytest.fixture
def observe() -> Iterator[Callable[..., Observer]]:
    made: list[Observer] = []

    def observe(broker: Mosquitto, certificates: Certificates | None = None) -> Observer:
        made.append(Observer(broker.port, certificates))
        return made[-1]

    yield observe
    for observer in made:
        observer.close()


def ours(certificates: Certificates) -> Tls:
    return Tls(certificates.ca, certificates.client_cert, certificates.client_key)


def plain(broker: Mosquitto, protocol: Protocol = "5") -> Address:
    return Address("127.0.0.1", broker.port, protocol)


@BOTH
def test_mutual_tls_lets_in_and_carries_both_ways(
    closed: Mosquitto,
    certificates: Certificates,
    connect: Connect,
    observe: Callable[..., Observer],
    protocol: Protocol,
) -> None:
    closed.start()
    client = connect(
        Address("127.0.0.1", closed.port, protocol, ours(certificates)), name="gate-1", subscribe=("yard/ack",)
    )
    assert client.wait(Broker.CONNECTED) == ""
    closed.wait_said(f"as gate-1 (p{protocol[0] if protocol == '5' else '2'}")
    observer = observe(closed, certificates)
    assert client.connection.publish("yard/event", b"sealed", qos=1, retain=False, token=7)
    assert client.published.get(timeout=5) == 7
    assert not observer.next("yard/event").retained
    assert client.connection.publish("yard/status", b"well", qos=1, retain=True, token=8)
    assert client.published.get(timeout=5) == 8
    observer.publish("yard/ack", b"mine")
    assert client.received.get(timeout=5) == ("yard/ack", b"mine", False)

    late = observe(closed, certificates)
    assert late.next("yard/status").retained
    assert [each.topic for each in late.now()] == ["yard/status"]  # and no event: nothing of it was kept


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("authority", "not trusted (self-signed certificate in certificate chain)"),
        ("name", "not trusted (IP address mismatch"),
        ("expired", "not trusted (certificate has expired)"),
        ("stranger", "it closed the connection before it answered"),
        ("expired client", "it closed the connection before it answered"),
        ("no certificate", "it closed the connection before it answered"),
    ],
)
def test_a_certificate_that_does_not_fit_is_refused_and_said_once(
    closed: Mosquitto, certificates: Certificates, connect: Connect, wrong: str, words: str
) -> None:
    servers = {"name": certificates.elsewhere_cert, "expired": certificates.expired_cert}
    closed.configure(tls_lines(certificates, servers.get(wrong)))
    closed.start()
    tls = {
        "authority": Tls(certificates.other_ca, certificates.client_cert, certificates.client_key),
        "stranger": Tls(certificates.ca, certificates.stranger_cert, certificates.stranger_key),
        "expired client": Tls(certificates.ca, certificates.expired_client_cert, certificates.client_key),
        "no certificate": Tls(certificates.ca),
    }.get(wrong, ours(certificates))
    client = connect(Address("127.0.0.1", closed.port, tls=tls))
    assert words in client.wait(Broker.TLS_REFUSED)
    closed.wait_said("SSL routines", times=2)
    assert len(client.states) == 1
    assert not client.connection.publish("yard/event", b"sealed", qos=1, retain=False)


def test_a_broker_with_a_new_certificate_is_found_again(
    closed: Mosquitto, certificates: Certificates, connect: Connect
) -> None:
    closed.configure(tls_lines(certificates, certificates.expired_cert))
    closed.start()
    client = connect(Address("127.0.0.1", closed.port, tls=ours(certificates)))
    client.wait(Broker.TLS_REFUSED)
    closed.stop()
    closed.configure(tls_lines(certificates))
    closed.start()
    while (change := client.coming.get(timeout=10))[0] is not Broker.CONNECTED:
        assert change[0] is Broker.UNREACHABLE  # while it was down


def test_renewed_files_count_from_the_next_connection(
    tmp_path: Path, closed: Mosquitto, certificates: Certificates, connect: Connect
) -> None:
    """Without a start of the process: one that ends, one half written, then the new one."""
    own, new = tmp_path / "own.pem", tmp_path / "new.pem"
    own.write_bytes(certificates.expired_client_cert.read_bytes())
    closed.start()
    client = connect(Address("127.0.0.1", closed.port, tls=Tls(certificates.ca, own, certificates.client_key)))
    client.wait(Broker.TLS_REFUSED)
    new.write_bytes(certificates.client_cert.read_bytes())
    new.rename(own)
    client.wait(Broker.CONNECTED)

    own.write_text("half")
    closed.stop()
    client.wait(Broker.UNREACHABLE)
    assert client.wait(Broker.TLS_REFUSED).startswith(f"broker.tls: {certificates.ca}, {own}, ")
    closed.start()
    own.write_bytes(certificates.client_cert.read_bytes())
    client.wait(Broker.CONNECTED)


def test_tls_where_the_broker_has_none_and_the_other_way_round(
    broker: Mosquitto, closed: Mosquitto, certificates: Certificates, connect: Connect
) -> None:
    client = connect(Address("127.0.0.1", broker.port, tls=ours(certificates)))
    assert client.wait(Broker.TLS_REFUSED) == "it broke off the beginning of TLS"
    broker.stop()
    closed.start()  # at the same port
    bare = connect(plain(closed))
    assert "closed the connection" in bare.wait(Broker.UNREACHABLE)


@BOTH
def test_user_and_password(tmp_path: Path, broker: Mosquitto, connect: Connect, protocol: Protocol) -> None:
    broker.configure(password_lines(tmp_path, {"gate-1": "right"}))
    broker.stop()
    broker.start()
    file = tmp_path / "password"
    file.write_text("right\n")
    entering = Address("127.0.0.1", broker.port, protocol, user="gate-1", password_file=file)
    connect(entering, name="gate-1").wait(Broker.CONNECTED)
    broker.wait_said("u'gate-1'")

    file.write_text("wrong\n")
    refused, nobody = connect(entering, name="refused"), connect(plain(broker, protocol), name="nobody")
    for client in (refused, nobody):
        assert "not authori" in client.wait(Broker.NOT_AUTHORISED)
        assert not client.connection.publish("yard/status", b"", qos=0, retain=True)
    broker.wait_said("disconnected, not authorised", times=4)
    assert len(refused.states) == 1

    broker.configure(password_lines(tmp_path, {"gate-1": "new"}))
    broker.tell(signal.SIGHUP)
    file.write_text("new\n")
    assert refused.wait(Broker.CONNECTED) == "", "it is read anew for each connection"


def test_another_refusal_carries_the_broker_s_reason(broker: Mosquitto, connect: Connect) -> None:
    broker.stop()
    broker.configure(["allow_anonymous true", "max_qos 0"])
    broker.start()
    client = connect(plain(broker), will=Will("yard/status", b"offline"))
    assert client.wait(Broker.REFUSED) == "qos not supported"


@BOTH
def test_nothing_waits_behind_our_back_while_the_broker_is_dead(
    broker: Mosquitto, connect: Connect, observe: Callable[..., Observer], protocol: Protocol
) -> None:
    client = connect(plain(broker, protocol))
    client.wait(Broker.CONNECTED)
    broker.stop()
    assert client.wait(Broker.UNREACHABLE) == "connection lost"
    assert not client.connection.publish("yard/event", b"said to nobody", qos=1, retain=False, token=1)
    broker.start()
    observer = observe(broker)
    client.wait(Broker.CONNECTED)
    assert client.connection.publish("yard/event", b"heard", qos=1, retain=False, token=2)
    assert observer.next("yard/event").payload == b"heard"
    assert client.published.get(timeout=5) == 2
    assert client.published.empty()


@BOTH
def test_only_what_the_broker_acknowledged_counts_as_published(
    broker: Mosquitto, connect: Connect, observe: Callable[..., Observer], protocol: Protocol
) -> None:
    client = connect(plain(broker, protocol))
    client.wait(Broker.CONNECTED)
    broker.tell(signal.SIGSTOP)
    assert client.connection.publish("yard/event", b"taken by the kernel", qos=1, retain=False, token=1)
    with pytest.raises(Empty):
        client.published.get(timeout=0.3)
    broker.stop()
    client.wait(Broker.UNREACHABLE)
    broker.start()
    observer = observe(broker)
    client.wait(Broker.CONNECTED)
    assert client.connection.publish("yard/event", b"again", qos=1, retain=False, token=2)
    assert client.published.get(timeout=5) == 2
    assert [each.payload for each in observer.now()] == [b"again"]
    assert client.published.empty()


@BOTH
def test_each_of_many_messages_is_acknowledged_once(broker: Mosquitto, connect: Connect, protocol: Protocol) -> None:
    client = connect(plain(broker, protocol))
    client.wait(Broker.CONNECTED)
    for token in range(500):
        assert client.connection.publish("yard/event", b"sealed", qos=1, retain=False, token=token)
    assert sorted(client.published.get(timeout=5) for _ in range(500)) == list(range(500))
    assert client.published.empty()


@BOTH
def test_who_leaves_in_order_says_its_last_word_and_the_will_stays_unread(
    broker: Mosquitto, connect: Connect, observe: Callable[..., Observer], protocol: Protocol
) -> None:
    observer = observe(broker)
    client = connect(plain(broker, protocol), will=Will("yard/status", b"vanished"))
    client.wait(Broker.CONNECTED)
    client.connection.close(last=("yard/status", b"gone to bed"))
    broker.wait_said("Received DISCONNECT from doorward-test")
    assert [(each.topic, each.payload) for each in observer.now()] == [("yard/status", b"gone to bed")]
    assert observe(broker).next("yard/status").retained


@BOTH
def test_a_second_connection_of_the_same_client_ends_the_first(
    broker: Mosquitto, connect: Connect, observe: Callable[..., Observer], protocol: Protocol
) -> None:
    observer = observe(broker)
    first = connect(plain(broker, protocol), will=Will("yard/status", b"vanished"))
    first.wait(Broker.CONNECTED)
    second = connect(plain(broker, protocol))
    second.wait(Broker.CONNECTED)
    assert observer.next("yard/status").payload == b"vanished"
    assert first.wait(Broker.UNREACHABLE) == "connection lost"


def test_a_broker_that_is_not_there(connect: Connect, free_port: int) -> None:
    assert connect(Address("127.0.0.1", free_port)).wait(Broker.UNREACHABLE) == "Connection refused"


def test_a_listener_that_never_answers_is_left(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = connect(Address("127.0.0.1", silent.getsockname()[1]))
        taken, _ = silent.accept()
        assert client.wait(Broker.UNREACHABLE) == "it takes connections and does not answer"
        taken.settimeout(5)
        while taken.recv(1000):  # its CONNECT, then the end
            pass
        taken.close()


def test_files_that_cannot_be_used_are_named(tmp_path: Path, certificates: Certificates) -> None:
    (tmp_path / "words").write_bytes(b"no certificate \xff")
    words, missing = tmp_path / "words", tmp_path / "missing"
    good = ours(certificates)
    with pytest.raises(ConfigError, match=r"^broker\.tls: .*server\.key: not the key of .*client\.pem; name the two"):
        Connection(Address("127.0.0.1", 8883, tls=Tls(good.ca, good.cert, certificates.server_key)), "gate-1")
    for tls in (Tls(words), Tls(missing), Tls(good.ca, words, good.key)):
        with pytest.raises(ConfigError, match=r"^broker\.tls: .*: not usable as PEM") as caught:
            Connection(Address("127.0.0.1", 8883, tls=tls), "gate-1")
        assert "\n" not in str(caught.value)
    for file in (words, missing):
        with pytest.raises(ConfigError, match=rf"^broker\.password_file: .*{file.name}: cannot be read"):
            Connection(Address("127.0.0.1", 8883, user="gate-1", password_file=file), "gate-1")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_nothing_older_than_tls_1_2_is_spoken(connect: Connect, certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server_cert, certificates.server_key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = connect(Address("127.0.0.1", server.getsockname()[1], tls=ours(certificates)))
        taken, _ = server.accept()
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(taken, server_side=True)
        assert client.wait(Broker.TLS_REFUSED)


def test_several_brokers_are_asked_in_their_order_and_the_first_again_after_a_loss(
    tmp_path: Path, broker: Mosquitto, connect: Connect, free_port: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        second_port = unused.getsockname()[1]
    second = Mosquitto(tmp_path, second_port)
    second.start()
    try:
        broker.stop()
        client = connect(plain(broker), others=(plain(second),))
        assert client.wait(Broker.UNREACHABLE) == "Connection refused"
        client.wait(Broker.CONNECTED)
        assert client.connection.address.port == second.port
        broker.start()
        assert client.coming.empty()  # one that let us in is stayed with
        second.stop()
        client.wait(Broker.UNREACHABLE)
        client.wait(Broker.CONNECTED)
        assert client.connection.address.port == broker.port
    finally:
        second.stop()


@BOTH
def test_a_session_is_kept_and_what_came_meanwhile_is_heard(
    broker: Mosquitto, connect: Connect, observe: Callable[..., Observer], protocol: Protocol
) -> None:
    lines = ["allow_anonymous true", "persistence false"]
    broker.configure(lines)
    with Pipe(broker.port) as pipe:
        address = Address("127.0.0.1", pipe.port, protocol)
        client = connect(address, subscribe=("yard/ack",), fleeting=("yard/now",), session_s=3600)
        client.wait(Broker.CONNECTED)
        assert not client.connection.resumed
        broker.wait_said("Received SUBSCRIBE", times=2)
        observe(broker).publish("yard/now", b"now")
        assert client.received.get(timeout=5) == ("yard/now", b"now", False)
        pipe.refuse()
        client.wait(Broker.UNREACHABLE)
        observe(broker).publish("yard/now", b"said to nobody")
        observe(broker).publish("yard/ack", b"held for you")
        pipe.admit()
        client.wait(Broker.CONNECTED)
        assert client.connection.resumed
        assert client.received.get(timeout=5) == ("yard/ack", b"held for you", False)
        broker.stop()  # which forgets everything
        client.wait(Broker.UNREACHABLE)
        broker.start()
        client.wait(Broker.CONNECTED)
        assert not client.connection.resumed


def test_the_broker_forgets_what_has_expired(
    broker: Mosquitto, connect: Connect, observe: Callable[..., Observer]
) -> None:
    sender = connect(Address("127.0.0.1", broker.port), name="sender")
    sender.wait(Broker.CONNECTED)
    with Pipe(broker.port) as pipe:
        client = connect(Address("127.0.0.1", pipe.port), subscribe=("yard/ack",), session_s=3600)
        client.wait(Broker.CONNECTED)
        broker.wait_said("Received SUBSCRIBE")
        pipe.refuse()
        client.wait(Broker.UNREACHABLE)
        for payload, expires_s in ((b"for a second", 1), (b"for whenever", None)):
            assert sender.connection.publish("yard/ack", payload, qos=1, retain=False, expires_s=expires_s)
        time.sleep(2.1)
        pipe.admit()
        client.wait(Broker.CONNECTED)
        assert client.received.get(timeout=5) == ("yard/ack", b"for whenever", False)


@BOTH
def test_a_broker_that_acknowledges_nothing_is_left_though_its_socket_is_open(
    broker: Mosquitto, connect: Connect, protocol: Protocol
) -> None:
    with Pipe(broker.port) as pipe:
        client = connect(Address("127.0.0.1", pipe.port, protocol), acknowledge_s=0.5)
        client.wait(Broker.CONNECTED)
        pipe.deafen()
        assert client.connection.publish("yard/event", b"into nothing", qos=1, retain=False, token=1)
        assert client.wait(Broker.UNREACHABLE) == "it takes messages and acknowledges none"
        client.wait(Broker.CONNECTED)
        assert client.connection.publish("yard/event", b"again", qos=1, retain=False, token=2)
        assert client.published.get(timeout=5) == 2


def test_two_brokers_of_different_trouble_are_told_once_each(connect: Connect, broker: Mosquitto) -> None:
    broker.stop()
    broker.configure(["allow_anonymous false"])
    broker.start()
    with socket.create_server(("127.0.0.1", 0)) as unused:
        nobody = Address("127.0.0.1", unused.getsockname()[1])
    client = connect(nobody, others=(plain(broker),))
    client.wait(Broker.UNREACHABLE)
    assert client.wait(Broker.NOT_AUTHORISED) == "not authorized"
    broker.wait_said("disconnected, not authorised", times=4)
    assert len(client.states) == 2
