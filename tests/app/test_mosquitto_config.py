"""The broker's configuration that is ready to use: who may say and hear what, and what survives a kill."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.adapters.channel import Channel
from agent.adapters.mqtt import Address, Broker, Connection, Tls
from agent.adapters.store import Store
from agent.app.link import Link
from agent.app.link_settings import LinkSettings
from agent.app.outbox import Outbox
from agent.events import wire
from agent.events.acknowledge import acknowledgement
from agent.events.decision import Decision, Outcome
from agent.events.wire import Acknowledgement, Kind
from tests.adapters.certificates import Certificates, issue_client, make_certificates
from tests.adapters.mosquitto import Mosquitto, Observer
from tests.app.running import DEVICE, DOOR, SITE, Teller, event, everything, recogniser, until
from tests.conftest import ROOT

READY = ROOT / "device_config" / "mosquitto"
EVENTS = wire.topic(SITE, DEVICE, Kind.EVENTS)


class ReadyBroker(Mosquitto):
    """Runs the two files as they are, but for paths, ports and the site's name."""

    def __init__(self, folder: Path, port: int, certificates: Certificates) -> None:
        beside = folder / "doorward"
        beside.mkdir()
        for name, source in (
            ("ca.pem", certificates.ca),
            ("broker.pem", certificates.server_cert),
            ("broker.key", certificates.server_key),
        ):
            shutil.copy(source, beside / name)
        acl = beside / "acl"
        acl.write_text((READY / "acl").read_text().replace("my-house", SITE))
        acl.chmod(0o600)
        (beside / "users").write_text("dashboard:right\n")
        subprocess.run(["mosquitto_passwd", "-U", beside / "users"], check=True, capture_output=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            other = probe.getsockname()[1]
        text = (READY / "mosquitto.conf").read_text()
        for old, new in (
            ("/etc/mosquitto/doorward", str(beside)),
            ("/var/lib/mosquitto/", f"{folder}/"),
            ("listener 8883", f"listener {port} 127.0.0.1"),
            ("listener 9001", f"listener {other} 127.0.0.1"),
            ("log_dest syslog", "user root\nlog_dest stderr\nlog_type all"),
        ):
            assert old in text
            text = text.replace(old, new)
        super().__init__(folder, port, [])
        self._config.write_text(text)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def people(certificates: Certificates) -> dict[str, Certificates]:
    names = ("gate-2", "consumer", "desk", "reader", "opener", "homeassistant", "dashboard", "nobody")
    return {DEVICE: certificates, **{name: issue_client(certificates, name) for name in names}}


@pytest.fixture
def broker(tmp_path: Path, free_port: int, certificates: Certificates) -> Iterator[ReadyBroker]:
    made = ReadyBroker(tmp_path, free_port, certificates)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def observe(broker: ReadyBroker, people: dict[str, Certificates]) -> Iterator[Callable[[str], Observer]]:
    made: list[Observer] = []

    def observe(name: str) -> Observer:
        made.append(Observer(broker.port, people[name]))
        return made[-1]

    yield observe
    for each in made:
        each.close()


def settings(state: Path, broker: Mosquitto, ours: Certificates) -> LinkSettings:
    return LinkSettings(
        state / "link.sock",
        SITE,
        DEVICE,
        broker_port=broker.port,
        ca=ours.ca,
        cert=ours.client_cert,
        key=ours.client_key,
        home_assistant="homeassistant",
    )


@pytest.fixture
def channel(state: Path) -> Iterator[Channel]:
    with recogniser(state / "link.sock") as made:
        yield made


def came(observer: Observer, within_s: float = 0.7) -> set[str]:
    """Topics of what it heard: who may not write cannot mark an end."""
    time.sleep(within_s)
    while not observer._came.empty():
        observer.seen.append(observer._came.get())
    return {each.topic for each in observer.seen}


def test_a_door_says_everything_of_its_own_and_hears_what_is_for_it(
    broker: ReadyBroker,
    people: dict[str, Certificates],
    observe: Callable[[str], Observer],
    state: Path,
    channel: Channel,
) -> None:
    consumer, assistant, desk = observe("consumer"), observe("homeassistant"), observe("desk")
    heard: list[bytes] = []
    acknowledged: list[int] = []
    channel.on_command(heard.append)
    channel.on_acknowledge(lambda found: acknowledged.extend(each.sequence for each in found if each.nonce))
    link = Link(settings(state, broker, people[DEVICE]))
    link.start()
    try:
        until(lambda: channel.connected)
        broker.wait_said(f"Received SUBSCRIBE from doorward-{SITE}")
        everything(Teller(channel))
        made = event(1)
        channel.send_event(1, made.envelope)
        consumer.next(EVENTS)
        wanted = {wire.topic(SITE, DEVICE, kind) for kind in Kind if kind is not Kind.ACK}
        until(lambda: came(consumer, 0.1) >= wanted)
        assert f"homeassistant/device/doorward-{SITE}/{DEVICE}/config" in came(assistant)
        desk.publish(wire.command_topic(SITE, DEVICE), b"do")
        until(lambda: heard == [b"do"])
        consumer.publish(wire.acknowledge_topic(SITE, DEVICE), acknowledgement(1, made.nonce))
        until(lambda: acknowledged == [1])
        assert came(observe("nobody")) == set()
    finally:
        link.close()


@pytest.mark.parametrize(
    ("who", "topic"),
    [
        ("gate-2", EVENTS),
        ("gate-2", wire.topic(SITE, DEVICE, Kind.STATUS)),
        ("gate-2", wire.acknowledge_topic(SITE, DEVICE)),
        ("gate-2", wire.command_topic(SITE, DEVICE)),
        ("gate-2", wire.acknowledge_topic(SITE, "gate-2")),
        ("gate-2", f"homeassistant/device/doorward-{SITE}/{DEVICE}/config"),
        ("consumer", EVENTS),
        ("consumer", wire.command_topic(SITE, DEVICE)),
        ("dashboard", wire.command_topic(SITE, DEVICE)),
        ("desk", wire.token_topic(SITE, DEVICE)),
        ("reader", wire.command_topic(SITE, DEVICE)),
        ("gate-2", wire.order_topic(SITE, DEVICE)),
        ("desk", wire.order_topic(SITE, DEVICE)),
        ("opener", wire.order_topic(SITE, DEVICE)),
        ("desk", wire.acknowledge_topic(SITE, DEVICE)),
        ("desk", wire.topic(SITE, DEVICE, Kind.STATUS)),
        ("nobody", EVENTS),
    ],
)
def test_nobody_speaks_for_another(
    broker: ReadyBroker, people: dict[str, Certificates], observe: Callable[[str], Observer], who: str, topic: str
) -> None:
    listener, writer = observe("homeassistant"), observe(who)
    writer.publish(topic, b"forged", retain=True)
    broker.wait_said(f"Denied PUBLISH from {writer._client._client_id.decode()}")
    assert topic not in came(listener)


def test_a_door_hears_no_other(
    broker: ReadyBroker, people: dict[str, Certificates], observe: Callable[[str], Observer]
) -> None:
    other = observe("gate-2")
    desk = observe("desk")
    desk.publish(wire.command_topic(SITE, DEVICE), b"for gate-1")
    desk.publish(wire.command_topic(SITE, "gate-2"), b"for gate-2")
    assert came(other) == {wire.command_topic(SITE, "gate-2")}


def test_a_card_is_heard_by_its_door_and_by_nobody_who_watches(
    broker: ReadyBroker, people: dict[str, Certificates], observe: Callable[[str], Observer]
) -> None:
    topic = wire.token_topic(SITE, DEVICE)
    door, *others = [observe(name) for name in ("gate-1", "gate-2", "consumer", "desk", "homeassistant", "dashboard")]
    observe("reader").publish(topic, b"a card")
    assert came(door) == {topic}
    assert [came(each, 0.2) for each in others] == [set()] * len(others)


def test_what_moves_a_lock_hears_orders_and_nothing_else(
    broker: ReadyBroker, people: dict[str, Certificates], observe: Callable[[str], Observer]
) -> None:
    opener, door, desk = observe("opener"), observe(DEVICE), observe("desk")
    for topic in (wire.order_topic(SITE, DEVICE), EVENTS, wire.topic(SITE, DEVICE, Kind.STATUS)):
        door.publish(topic, b"said")
    desk.publish(wire.command_topic(SITE, DEVICE), b"do")
    assert came(opener) == {wire.order_topic(SITE, DEVICE)}


def test_who_has_no_certificate_is_not_let_in(broker: ReadyBroker, certificates: Certificates) -> None:
    told: list[Broker] = []
    connection = Connection(
        Address("127.0.0.1", broker.port, tls=Tls(certificates.ca)),
        "gate-1",
        changed=lambda state, detail: told.append(state),
    )
    connection.start()
    until(lambda: told == [Broker.TLS_REFUSED])
    connection.close()


def test_what_was_acknowledged_survives_a_kill_but_for_the_very_last_and_waits_for_the_consumer(
    broker: ReadyBroker, people: dict[str, Certificates]
) -> None:
    def address(name: str) -> Address:
        ours = people[name]
        return Address("127.0.0.1", broker.port, tls=Tls(ours.ca, ours.client_cert, ours.client_key))

    heard: list[bytes] = []

    def consumer() -> Connection:
        made = Connection(
            address("consumer"),
            "consumer",
            subscribe=(EVENTS,),
            received=lambda topic, payload, retained: heard.append(payload),
            session_s=3600,
        )
        made.start()
        return made

    listening = consumer()
    broker.wait_said("Received SUBSCRIBE from consumer")
    listening.close()
    taken: list[int] = []
    door = Connection(address(DEVICE), "door", published=taken.append)
    door.start()
    until(lambda: door.state is Broker.CONNECTED)
    for number in range(200):
        assert door.publish(EVENTS, b"%d" % number, qos=1, retain=False, token=number)
    until(lambda: len(taken) == 200)
    broker.stop(signal.SIGKILL)
    broker.start()
    listening = consumer()
    # The very last may be gone: mosquitto 2.0 saves once *more* than `autosave_interval` changes have come.
    until(lambda: len(set(heard)) >= 199)
    for each in (listening, door):
        each.close()


def test_a_broker_that_takes_no_event_is_said_once_and_the_event_is_kept(
    broker: ReadyBroker,
    people: dict[str, Certificates],
    state: Path,
    channel: Channel,
    capfd: pytest.CaptureFixture[str],
) -> None:
    wrong = replace(settings(state, broker, people[DEVICE]), device="gate-2")  # with the certificate of gate-1
    link = Link(wrong)
    link.start()
    acknowledged: list[int] = []
    channel.on_acknowledge(lambda found: acknowledged.extend(each.sequence for each in found))
    try:
        until(lambda: channel.connected)
        until(lambda: channel.send_event(1, event(1).envelope))
        until(lambda: channel.send_event(2, event(2).envelope))
        said: list[str] = []

        def told() -> bool:
            said.extend(line for line in capfd.readouterr().err.splitlines() if "takes no message" in line)
            return bool(said)

        until(told)
        time.sleep(0.5)
        told()
        assert len(said) == 1 and "not authorized; look at its access list" in said[0]
        assert acknowledged == []
    finally:
        link.close()


def test_what_a_broker_of_mqtt_311_forbids_and_acknowledges_is_kept(
    broker: ReadyBroker, people: dict[str, Certificates], state: Path, channel: Channel
) -> None:
    wrong = replace(settings(state, broker, people[DEVICE]), device="gate-2", protocol="3.1.1", acknowledge="consumer")
    said: list[str] = []
    with contextlib.closing(
        Store.open(state / "store.sqlite", site=SITE, device=DEVICE, ledger_key=bytes(32))
    ) as store:
        outbox = Outbox(store, channel, wrong.acknowledge, said.append)
        heard: list[Acknowledgement] = []
        free = channel._acknowledged

        def hear(found: Sequence[Acknowledgement]) -> None:
            heard.extend(found)
            free(found)

        channel.on_acknowledge(hear)
        store.record(Decision(Outcome.NO_MATCH, DOOR, 1.9e9, 1, 1, 3), event)
        link = Link(wrong)
        link.start()
        try:
            until(lambda: heard)
            assert heard[0] == Acknowledgement(1, None)  # the broker says that it has what it has dropped
            time.sleep(0.3)
            assert [row.sequence for row in store.outbox()] == [1] and said == []
        finally:
            link.close()
            outbox.close()
