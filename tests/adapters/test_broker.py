"""The desktop's embedded broker: on this machine alone, three ways in, and nothing survives it."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from agent.adapters.broker import EmbeddedBroker
from agent.adapters.mqtt import Address, Broker, Connection
from agent.errors import LinkError
from tests.app.running import until

_LISTENING = "0A"


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    made = EmbeddedBroker()
    made.start()
    yield made
    made.close()


def listening(port: int) -> set[str]:
    """Local addresses, in hex as the kernel prints them, at which anything listens on this TCP port."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, at = local.split(":")
            if state == _LISTENING and int(at, 16) == port:
                found.add(address)
    return found


def joined(port: int, protocol: str, topic: str) -> tuple[Connection, Queue[tuple[str, bytes, bool]]]:
    states: Queue[Broker] = Queue()
    came: Queue[tuple[str, bytes, bool]] = Queue()
    connection = Connection(
        Address("127.0.0.1", port, "5" if protocol == "5" else "3.1.1"),
        f"client-{protocol}",
        subscribe=(topic, f"own/{protocol}"),
        changed=lambda state, detail: states.put(state),
        received=lambda *message: came.put(message),
    )
    connection.start()
    assert states.get(timeout=10) is Broker.CONNECTED
    assert connection.publish(f"own/{protocol}", b"", qos=1, retain=False)
    assert came.get(timeout=5)[0] == f"own/{protocol}"  # so it is subscribed by now
    return connection, came


def test_all_three_ports_are_bound_to_this_machine_alone(broker: EmbeddedBroker) -> None:
    for port in (broker.port, broker.port_311, broker.port_websocket):
        assert listening(port) == {"0100007F"}  # 127.0.0.1
    assert broker.websocket_url == f"ws://127.0.0.1:{broker.port_websocket}"


def test_other_addresses_of_this_machine_are_not_answered(broker: EmbeddedBroker) -> None:
    for port in (broker.port, broker.port_311, broker.port_websocket):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=2)


def test_both_protocols_hear_each_other(broker: EmbeddedBroker) -> None:
    new, new_came = joined(broker.port, "5", "yard/#")
    old, old_came = joined(broker.port_311, "3.1.1", "yard/#")
    try:
        assert new.publish("yard/status", b"from 5", qos=1, retain=False)
        assert old_came.get(timeout=5)[:2] == ("yard/status", b"from 5")
        assert new_came.get(timeout=5)[:2] == ("yard/status", b"from 5")
        assert old.publish("yard/ack", b"from 3.1.1", qos=1, retain=False)
        assert new_came.get(timeout=5)[:2] == ("yard/ack", b"from 3.1.1")
    finally:
        new.close()
        old.close()


def test_a_browser_may_open_a_web_socket(broker: EmbeddedBroker) -> None:
    with socket.create_connection(("127.0.0.1", broker.port_websocket), timeout=5) as browser:
        key = base64.b64encode(os.urandom(16)).decode()
        browser.sendall(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n".encode()
        )
        assert browser.recv(4096).startswith(b"HTTP/1.1 101")


def test_it_dies_at_once_and_comes_back_empty_at_the_same_ports(broker: EmbeddedBroker) -> None:
    states: Queue[Broker] = Queue()
    came: Queue[tuple[str, bytes, bool]] = Queue()
    connection = Connection(
        Address("127.0.0.1", broker.port),
        "watcher",
        subscribe=("yard/#",),
        changed=lambda state, detail: states.put(state),
        received=lambda *message: came.put(message),
    )
    connection.start()
    assert states.get(timeout=10) is Broker.CONNECTED
    assert connection.publish("yard/status", b"kept", qos=1, retain=True)
    assert came.get(timeout=5)[1] == b"kept"
    broker.stop()
    assert not broker.running
    assert states.get(timeout=10) is Broker.UNREACHABLE
    broker.start()
    assert broker.running
    while states.get(timeout=10) is not Broker.CONNECTED:
        pass
    assert connection.publish("yard/mark", b"after", qos=1, retain=False)
    assert came.get(timeout=5)[0] == "yard/mark"  # nothing retained came before it
    connection.close()


def test_a_port_that_was_taken_meanwhile_is_one_clear_error() -> None:
    broker = EmbeddedBroker()
    try:
        with socket.create_server(("127.0.0.1", broker.port)), pytest.raises(LinkError, match=r"does not start.*again"):
            broker.start()
    finally:
        broker.close()


def test_it_ends_with_the_process_that_started_it_even_if_that_is_killed(root: Path) -> None:
    start = """
import sys, time
from agent.adapters.broker import EmbeddedBroker
broker = EmbeddedBroker()
broker.start()
print(broker.port, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        assert listening(port)
        parent.kill()
    until(lambda: not listening(port), what="an end of the broker")
