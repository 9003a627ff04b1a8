"""The link between a recogniser's socket and Debian's mosquitto: what it passes on, keeps, forgets, says."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, Queue
from typing import Literal

import pytest

from agent import crypto
from agent.adapters.channel import Channel
from agent.app.brokers import retire
from agent.app.link import Link, main
from agent.app.link_settings import LinkSettings
from agent.demo.web import FileServer
from agent.errors import LinkError
from agent.events import wire
from agent.events.acknowledge import acknowledgement
from agent.events.seal import open_event
from agent.events.telemetry import read_telemetry
from agent.events.wire import Kind
from agent.policy.grounds import Ground
from agent.token import Token, TokenKind, TokenWay
from tests.adapters.certificates import Certificates, make_certificates
from tests.adapters.mosquitto import Mosquitto, Observer, password_lines, tls_lines
from tests.adapters.pipe import Pipe
from tests.app.running import (
    DEVICE,
    EVENTS_SECRET,
    JPEG,
    SIGN_SECRET,
    SITE,
    LinkProcess,
    Teller,
    event,
    everything,
    link_process,
    metrics,
    recogniser,
    status,
    until,
)

Protocol = Literal["5", "3.1.1"]
BOTH = pytest.mark.parametrize("protocol", ["5", "3.1.1"])
KEY = crypto.sign_public(SIGN_SECRET)
RETAINED = {wire.topic(SITE, DEVICE, kind) for kind in wire.RETAINED}
EVENTS, STATUS = wire.topic(SITE, DEVICE, Kind.EVENTS), wire.topic(SITE, DEVICE, Kind.STATUS)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def broker(tmp_path: Path, free_port: int) -> Iterator[Mosquitto]:
    """It takes everybody; started."""
    made = Mosquitto(tmp_path, free_port)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def closed(tmp_path: Path, free_port: int, certificates: Certificates) -> Iterator[Mosquitto]:
    """It takes only who has a certificate; started."""
    made = Mosquitto(tmp_path, free_port, tls_lines(certificates))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def observe() -> Iterator[Callable[..., Observer]]:
    made: list[Observer] = []

    def observe(broker: Mosquitto, certificates: Certificates | None = None) -> Observer:
        made.append(Observer(broker.port, certificates, "doorward/#"))
        return made[-1]

    yield observe
    for observer in made:
        observer.close()


def plain(state: Path, broker: Mosquitto, acknowledge: Literal["consumer", "puback"] = "puback") -> LinkSettings:
    return LinkSettings(state / "link.sock", SITE, DEVICE, broker_port=broker.port, tls=False, acknowledge=acknowledge)


def secured(state: Path, broker: Mosquitto, certificates: Certificates, protocol: Protocol = "5") -> LinkSettings:
    return replace(
        plain(state, broker),
        protocol=protocol,
        tls=True,
        ca=certificates.ca,
        cert=certificates.client_cert,
        key=certificates.client_key,
    )


class Recogniser:
    """The recogniser's end, with what was acknowledged to it."""

    def __init__(self, channel: Channel) -> None:
        self.channel, self.teller = channel, Teller(channel)
        self.acknowledged: Queue[tuple[int, bytes | None]] = Queue()
        self.freed: Queue[tuple[int, bytes]] = Queue()
        """By the consumer's word alone."""
        self.commands: Queue[bytes] = Queue()
        channel.on_acknowledge(self._said)
        channel.on_command(self.commands.put)

    def _said(self, found: Sequence[wire.Acknowledgement]) -> None:
        for each in found:
            self.acknowledged.put((each.sequence, each.nonce))
            if each.nonce is not None:
                self.freed.put((each.sequence, each.nonce))

    def joined(self) -> Recogniser:
        until(lambda: self.channel.connected)
        return self

    def send(self, sequence: int) -> bytes:
        """The nonce of the event that was sent."""
        made = event(sequence)
        assert self.channel.send_event(made.sequence, made.envelope)
        return made.nonce


@pytest.fixture
def gate(state: Path) -> Iterator[Recogniser]:
    with recogniser(state / "link.sock") as channel:
        yield Recogniser(channel)


@pytest.fixture
def opened() -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def unblocked() -> Iterator[None]:
    """Signals come afterwards as they came before."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, former)


@pytest.fixture
def link() -> Iterator[Callable[[LinkSettings], Link]]:
    made: list[Link] = []

    def link(settings: LinkSettings) -> Link:
        made.append(Link(settings))
        made[-1].start()
        return made[-1]

    yield link
    for each in made:
        each.close()


def page(url: str, path: str = "page.json") -> bytes:
    data: bytes = urllib.request.urlopen(url + path, timeout=5).read()
    return data


class TestTheProcess:
    @BOTH
    def test_over_mutual_tls_everything_arrives_as_the_recogniser_signed_it(
        self,
        closed: Mosquitto,
        certificates: Certificates,
        observe: Callable[..., Observer],
        state: Path,
        gate: Recogniser,
        protocol: Protocol,
    ) -> None:
        observer = observe(closed, certificates)
        with link_process(secured(state, closed, certificates, protocol)) as process:
            url = process.ready()
            process.wait_said("connected")
            everything(gate.joined().teller)
            kinds = {wire.topic(SITE, DEVICE, kind): kind for kind in (*wire.RETAINED, Kind.METRICS)}
            while kinds:
                seen = observer.next(*kinds)
                if seen.payload != wire.RECOGNISER_LOST:
                    kind = kinds.pop(seen.topic)
                    assert type(read_telemetry(kind, seen.payload, KEY).body).__name__.lower() == kind
            nonce = gate.send(7)
            opened = open_event(observer.next(EVENTS).payload, EVENTS_SECRET, KEY)
            assert (opened.sequence, opened.nonce) == (7, nonce)
            assert gate.acknowledged.get(timeout=10) == (7, None)

            late = observe(closed, certificates)
            held = late.now()
            assert {each.topic for each in held} == RETAINED and all(each.retained for each in held)

            gate.channel.send_preview(lambda: JPEG)
            until(lambda: json.loads(page(url))["preview"])
            assert page(url, "preview.jpg") == JPEG
            assert process.rss_kb() < 64_000  # it has no pictures, no database and no policy to load
            process.process.kill()
            assert observer.next(STATUS).payload == wire.OFFLINE
            assert [line for line in process.said if "Traceback" in line] == []
        assert observe(closed, certificates).next(STATUS).payload == wire.OFFLINE

    def test_it_ends_in_order_and_says_that_it_is_gone(
        self, broker: Mosquitto, observe: Callable[..., Observer], state: Path, gate: Recogniser
    ) -> None:
        with link_process(plain(state, broker)) as process:
            process.wait_said("connected")
            gate.joined().teller.tell(status())
            observer = observe(broker)
            process.process.send_signal(signal.SIGINT)
            while (last := observer.next(STATUS).payload) != wire.OFFLINE:
                assert last == wire.RECOGNISER_LOST or read_telemetry(Kind.STATUS, last, KEY)
            assert process.end() == 0
        assert observer.now()[-1].payload == wire.OFFLINE

    def test_the_order_to_end_goes_to_the_thread_that_waits_for_it(self, broker: Mosquitto, state: Path) -> None:
        """Any other would take it just when it begins, and the one that waits sleeps on."""

        def takers(folder: Path) -> set[int]:
            masks = {
                int(task.parent.name): int(line.split()[1], 16)
                for task in folder.glob("*/status")
                for line in task.read_text().splitlines()
                if line.startswith("SigBlk")
            }
            return {thread for thread, mask in masks.items() if not mask >> (signal.SIGTERM - 1) & 1}

        with link_process(plain(state, broker)) as process:
            process.wait_said("connected")
            tasks, main_thread = Path(f"/proc/{process.process.pid}/task"), process.process.pid
            assert len(list(tasks.iterdir())) > 3
            until(lambda: takers(tasks) == {main_thread}, what="its main thread alone takes SIGTERM")

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ("authority", "tls-refused: its certificate is not trusted"),
            ("expired", "tls-refused: its certificate is not trusted (certificate has expired)"),
            ("password", "not-authorised: not authorized"),
            ("nobody", "unreachable: Connection refused"),
        ],
    )
    def test_a_broker_that_refuses_is_one_line_that_says_what_to_do_and_the_link_goes_on(
        self,
        closed: Mosquitto,
        certificates: Certificates,
        observe: Callable[..., Observer],
        tmp_path: Path,
        state: Path,
        gate: Recogniser,
        wrong: str,
        words: str,
    ) -> None:
        settings = secured(state, closed, certificates)
        closed.stop()
        good = tls_lines(certificates)
        if wrong == "authority":
            settings = replace(settings, ca=certificates.other_ca)
        elif wrong == "expired":
            closed.configure(tls_lines(certificates, certificates.expired_cert))
        elif wrong == "password":
            (tmp_path / "password").write_text("wrong")
            settings = replace(settings, user="gate-1", password_file=tmp_path / "password")
            tls = [line for line in tls_lines(certificates, clients=False) if not line.startswith("allow")]
            closed.configure([*tls, *password_lines(tmp_path, {"gate-1": "right"})])
        if wrong != "nobody":
            closed.start()
        with link_process(settings) as process:
            url = process.ready()
            line = process.wait_said("trying again")
            assert line.startswith(f"doorward link: broker 127.0.0.1:{closed.port}: {words}")
            assert "; look at broker." in line
            everything(gate.joined().teller)
            gate.send(1)
            until(lambda: json.loads(page(url))["recogniser"], what="the link knows of the recogniser")
            facts = json.loads(page(url))
            assert facts["broker"]["state"] == words.split(":")[0]
            if wrong in ("expired", "nobody"):  # mended at the broker: the link finds it by itself
                closed.stop()
                closed.configure(good)
                closed.start()
                process.wait_said(": connected")
                observer = observe(closed, certificates)
                assert {each.topic for each in observer.now()} >= RETAINED
                assert gate.acknowledged.get(timeout=10) == (1, None)
            else:
                assert gate.acknowledged.empty()
            assert process.process.poll() is None
            assert len([line for line in process.said if words in line]) == 1
            assert [line for line in process.said if not line.startswith("doorward link: ")] == []

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"ca": "nonsense"}, "broker.tls: {}/nonsense: not usable as PEM"),
            ({"ca": "missing"}, "broker.tls: {}/missing: not usable as PEM"),
            ({"password_file": "missing", "user": "gate-1"}, "broker.password_file: {}/missing: cannot be read"),
            ({"repository_ca": "missing", "repository_url": "https://127.0.0.1/"}, "site.repository_ca: {}/missing"),
            ({"repository_url": "http://example.org/"}, "site.repository: http://example.org/: not https"),
            ({"site": "a/#"}, "site: 'a/#' is no name for a topic"),
            ({"websocket_url": "ws://a;b"}, "broker.websocket: ws://a;b: not an address"),
        ],
    )
    def test_what_cannot_be_used_is_one_line_and_exit_code_2(
        self, broker: Mosquitto, tmp_path: Path, state: Path, change: dict[str, str], words: str
    ) -> None:
        (tmp_path / "nonsense").write_text("nonsense")
        paths = {"ca", "password_file", "repository_ca"}
        values = {name: tmp_path / value if name in paths else value for name, value in change.items()}
        settings = replace(plain(state, broker), tls="ca" in change, **values)  # type: ignore[arg-type]
        process = LinkProcess(settings)
        assert process.process.wait(20) == 2
        process.end()
        assert len(process.said) == 1
        assert process.said[0].startswith("doorward link: " + words.format(tmp_path))

    def test_a_page_port_that_is_taken_is_one_line_and_exit_code_2(self, broker: Mosquitto, state: Path) -> None:
        process = LinkProcess(replace(plain(state, broker), page_port=broker.port))
        assert process.process.wait(20) == 2
        process.end()
        assert process.said == [
            f"doorward link: page.port: {broker.port}: Address already in use; choose another, or 0 for a free one\n"
        ]


def test_the_main_thread_runs_it_until_a_signal(
    broker: Mosquitto,
    state: Path,
    gate: Recogniser,
    unblocked: None,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    systemd.bind(str(state / "notify"))
    systemd.settimeout(5)
    monkeypatch.setenv("NOTIFY_SOCKET", str(state / "notify"))

    def play() -> None:
        with contextlib.suppress(AssertionError):
            gate.joined()
        signal.pthread_kill(main_thread, signal.SIGTERM)  # other threads of this process would take it as anybody does

    main_thread = threading.get_ident()
    player = threading.Thread(target=play)
    player.start()
    assert main(plain(state, broker)) == 0
    player.join()
    with systemd:
        assert [systemd.recv(64) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]
    said = capfd.readouterr()
    assert json.loads(said.out)["ready"] is True
    assert "the recogniser is there" in said.err
    assert main(replace(plain(state, broker), repository_url="ftp://site")) == 2
    assert capfd.readouterr().err == "doorward link: site.repository: ftp://site: not https; " + (
        "plain http is for this machine alone\n"
    )


@BOTH
def test_after_the_broker_died_every_retained_topic_and_every_held_event_comes_again(
    broker: Mosquitto,
    observe: Callable[..., Observer],
    state: Path,
    gate: Recogniser,
    link: Callable[[LinkSettings], Link],
    opened: contextlib.ExitStack,
    capfd: pytest.CaptureFixture[str],
    protocol: Protocol,
) -> None:
    pipe = opened.enter_context(Pipe(broker.port))
    link(replace(plain(state, broker, "consumer"), protocol=protocol, broker_port=pipe.port))
    observer = observe(broker)
    everything(gate.joined().teller)
    nonces = {sequence: gate.send(sequence) for sequence in (1, 2, 3)}
    assert [json.loads(observer.next(EVENTS).payload)["sequence"] for _ in nonces] == [1, 2, 3]
    observer.publish(wire.acknowledge_topic(SITE, DEVICE), acknowledgement(2, nonces[2]))
    assert gate.freed.get(timeout=10) == (2, nonces[2])
    for _ in range(2):
        pipe.refuse()
        broker.stop()  # SIGKILL, and it remembers nothing
        broker.start()
        observer = observe(broker)
        pipe.admit()
        again = [json.loads(observer.next(EVENTS).payload)["sequence"] for _ in (1, 3)]
        assert again == [1, 3]
        seen = observer.now()
        assert {each.topic for each in seen} == RETAINED | {EVENTS}
        assert {each.topic for each in observe(broker).now()} == RETAINED
        read_telemetry(Kind.STATUS, next(each.payload for each in seen if each.topic == STATUS), KEY)
    said = capfd.readouterr().err.splitlines()
    assert [line.split(": ", 2)[2].split(";")[0] for line in said if "broker" in line] == [
        "connected",
        *["unreachable: connection lost", "connected"] * 2,
    ]


def test_a_row_is_freed_by_the_broker_s_own_word_and_not_by_sending(
    broker: Mosquitto, observe: Callable[..., Observer], state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    link(plain(state, broker))
    broker.wait_said("Sending CONNACK")
    gate.joined()
    gate.send(1)
    assert gate.acknowledged.get(timeout=10) == (1, None)
    broker.tell(signal.SIGSTOP)  # the kernel goes on taking bytes for it
    gate.send(2)
    with pytest.raises(Empty):
        gate.acknowledged.get(timeout=0.4)
    broker.stop()
    broker.start()
    assert gate.acknowledged.get(timeout=10) == (2, None)
    assert gate.acknowledged.empty()


def test_where_a_consumer_acknowledges_only_its_nonce_is_passed_on(
    broker: Mosquitto, observe: Callable[..., Observer], state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    topic = wire.acknowledge_topic(SITE, DEVICE)
    observer = observe(broker)
    observer.publish(topic, acknowledgement(9, bytes(16)), retain=True)  # of long ago
    link(plain(state, broker, "consumer"))
    gate.joined()
    nonce = gate.send(1)
    observer.next(EVENTS)
    for nonsense in (b"", b"{}", b"\xff" * 300, acknowledgement(1, nonce)[:-2]):
        observer.publish(topic, nonsense)
    observer.publish(topic.replace(DEVICE, "gate-2"), acknowledgement(1, nonce))
    observer.publish(topic, acknowledgement(1, nonce))
    assert gate.freed.get(timeout=10) == (1, nonce)
    assert gate.freed.empty()


def test_a_token_is_handed_on_if_the_config_says_so_once_a_second_and_never_a_retained_one(
    broker: Mosquitto,
    observe: Callable[..., Observer],
    state: Path,
    gate: Recogniser,
    link: Callable[..., Link],
    capfd: pytest.CaptureFixture[str],
) -> None:
    topic, named = wire.token_topic(SITE, DEVICE), Queue[Token]()
    pin, card = b'{"kind":"pin","text":"482913"}', b'{"kind":"card","text":"04A2B3C4"}'
    observer = observe(broker)
    observer.publish(topic, card, retain=True)  # of long ago
    link(replace(plain(state, broker), tokens=True))
    gate.joined().channel.on_token(named.put)
    broker.wait_said("Sending SUBACK to doorward-")
    for nonsense in (b"", b"{}", b"\xff" * 300, pin[:-1], pin.replace(b"pin", b"name")):
        observer.publish(topic, nonsense)
    observer.publish(topic.replace(DEVICE, "gate-2"), card)
    observer.publish(topic, pin)
    observer.publish(topic, card)
    assert named.get(timeout=10) == Token(TokenKind.PIN, "482913", TokenWay.MQTT)
    with pytest.raises(Empty):
        named.get(timeout=1.1)
    observer.publish(topic, card)
    assert named.get(timeout=10) == Token(TokenKind.CARD, "04A2B3C4", TokenWay.MQTT)
    assert "482913" not in capfd.readouterr().err


def test_without_a_word_in_the_config_no_token_is_taken(
    broker: Mosquitto, observe: Callable[..., Observer], state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    named = Queue[Token]()
    link(plain(state, broker))
    broker.wait_said("Sending CONNACK")
    gate.joined().channel.on_token(named.put)
    observe(broker).publish(wire.token_topic(SITE, DEVICE), b'{"kind":"pin","text":"482913"}')
    with pytest.raises(Empty):
        named.get(timeout=0.5)


def test_the_recogniser_s_absence_is_told_and_taken_back(
    broker: Mosquitto,
    observe: Callable[..., Observer],
    state: Path,
    link: Callable[..., Link],
    capfd: pytest.CaptureFixture[str],
) -> None:
    running = link(plain(state, broker))
    observer = observe(broker)
    assert observer.next(STATUS).payload == wire.RECOGNISER_LOST  # before it was ever there
    for _ in range(2):
        with recogniser(state / "link.sock") as channel:
            until(lambda: channel.connected)
            Teller(channel).tell(status(Ground.SIGN_MISSING))
            said = read_telemetry(Kind.STATUS, observer.next(STATUS).payload, KEY).body
            assert said == status(Ground.SIGN_MISSING)
            channel.send_preview(lambda: JPEG)
            until(lambda: json.loads(page(running.url))["preview"])
        assert observer.next(STATUS).payload == wire.RECOGNISER_LOST
        with pytest.raises(urllib.error.HTTPError, match="503"):
            page(running.url, "preview.jpg")  # a picture of before is not the picture of now
        assert not json.loads(page(running.url))["recogniser"]
    lines = [line for line in capfd.readouterr().err.splitlines() if "recogniser" in line]
    assert (
        lines == ["doorward link: the recogniser is there", "doorward link: the recogniser is gone; waiting for it"] * 2
    )


def test_metrics_are_for_who_listens_now(
    broker: Mosquitto, observe: Callable[..., Observer], state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    link(plain(state, broker))
    broker.wait_said("Sending CONNACK")
    observer = observe(broker)
    gate.joined().teller.tell(metrics())
    assert not observer.next(wire.topic(SITE, DEVICE, Kind.METRICS)).retained
    assert [each.topic for each in observe(broker).now()] == [STATUS]


def test_the_link_keeps_a_bounded_number_of_events_and_the_outbox_the_rest(
    broker: Mosquitto,
    observe: Callable[..., Observer],
    state: Path,
    gate: Recogniser,
    link: Callable[..., Link],
    opened: contextlib.ExitStack,
) -> None:
    pipe = opened.enter_context(Pipe(broker.port))
    pipe.refuse()
    link(replace(plain(state, broker, "consumer"), broker_port=pipe.port))
    gate.joined()
    events = [event(sequence) for sequence in range(1, 601)]
    for made in events:
        until(lambda made=made: gate.channel.send_event(made.sequence, made.envelope))
    gate.channel.send_preview(lambda: JPEG)  # behind which all of them have come
    observer = observe(broker)
    pipe.admit()
    assert [json.loads(observer.next(EVENTS).payload)["sequence"] for _ in range(512)] == [*range(1, 513)]
    gate.channel.send_event(1, events[0].envelope)  # the broker has this one: it does not go out twice
    nonce = gate.send(600)
    assert json.loads(observer.next(EVENTS).payload)["sequence"] == 600
    observer.publish(wire.acknowledge_topic(SITE, DEVICE), acknowledgement(600, nonce))
    assert gate.freed.get(timeout=10) == (600, nonce)
    assert sum(each.payload == events[0].envelope for each in observer.now()) == 1


def test_an_order_goes_out_at_once_and_not_at_all_without_a_broker(
    broker: Mosquitto, observe: Callable[..., Observer], state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    topic, observer = wire.order_topic(SITE, DEVICE), observe(broker)
    link(plain(state, broker))
    gate.joined()
    until(lambda: gate.channel.broker, what="the recogniser knows of the broker")
    gate.channel.send_order(b"open")
    found = observer.next(topic)
    assert (found.payload, found.retained) == (b"open", False)
    broker.stop()
    until(lambda: not gate.channel.broker, what="the recogniser knows that it is gone")
    gate.channel.send_order(b"too late")
    broker.start()
    again = observe(broker)
    until(lambda: gate.channel.broker, 20, "the broker is back")
    gate.channel.send_order(b"open again")
    assert again.next(topic).payload == b"open again"


def test_commands_are_passed_on_and_old_large_or_countless_ones_are_not(
    broker: Mosquitto, observe: Callable[..., Observer], state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    topic = wire.command_topic(SITE, DEVICE)
    observer = observe(broker)
    observer.publish(topic, b"of long ago", retain=True)
    link(plain(state, broker))
    broker.wait_said("Received SUBSCRIBE from doorward-yard")
    gate.joined()
    observer.publish(topic, bytes(1025))
    observer.publish(topic, b"")
    for number in range(30):
        observer.publish(topic, b"%d" % number)
    assert [gate.commands.get(timeout=10) for _ in range(10)] == [b"%d" % number for number in range(10)]
    with pytest.raises(Empty):
        while True:
            assert gate.commands.get(timeout=0.3) != b"29"


def test_home_assistant_is_told_on_connect_at_its_birth_and_when_the_policy_grants_more(
    broker: Mosquitto, observe: Callable[..., Observer], state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    topic = f"homeassistant/device/doorward-{SITE}/{DEVICE}/config"
    observer = Observer(broker.port)
    try:
        settings = replace(plain(state, broker), home_assistant="homeassistant")
        running = link(settings)
        first = json.loads(observer.next(topic).payload)
        assert "stop" in first["components"] and "decision" not in first["components"]
        observer.publish("homeassistant/status", b"online")
        assert json.loads(observer.next(topic).payload) == first
        gate.joined().teller.tell(status().model_copy(update={"outcome_in_clear": True}))
        assert "decision" in json.loads(observer.next(topic).payload)["components"]
        broker.stop()
        broker.start()
        again = Observer(broker.port)
        assert "decision" in json.loads(again.next(topic).payload)["components"]
        again.close()
        running.close()
        retire(settings)
        last = Observer(broker.port)
        assert last.now() == []
        last.close()
    finally:
        observer.close()


def test_who_retires_is_told_when_the_broker_does_not_listen(broker: Mosquitto, state: Path) -> None:
    settings = plain(state, broker)
    broker.stop()
    with pytest.raises(LinkError, match=r"no answer within 0\.3 s"):
        retire(settings, timeout_s=0.3)
    broker.configure(["allow_anonymous false"])
    broker.start()
    with pytest.raises(LinkError, match=r"not-authorised: not authorized; look at broker\.user"):
        retire(settings)


def test_metrics_of_an_outage_are_counted_and_let_go(
    broker: Mosquitto,
    observe: Callable[..., Observer],
    state: Path,
    gate: Recogniser,
    link: Callable[..., Link],
    capfd: pytest.CaptureFixture[str],
) -> None:
    broker.stop()
    running = link(plain(state, broker))
    gate.joined()
    for count in range(1, 4):
        gate.teller.tell(metrics())
        until(lambda count=count: json.loads(page(running.url))["broker"]["metrics_let_go"] == count)
    broker.start()
    until(lambda: json.loads(page(running.url))["broker"]["metrics_let_go"] == 0)
    until(lambda: "connected; 3 metrics of the outage were let go" in capfd.readouterr().err)


def test_bytes_of_the_site_come_through_the_link(
    broker: Mosquitto, tmp_path: Path, state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "1.root.json").write_bytes(b"root")
    server = FileServer(tmp_path / "site")
    link(replace(plain(state, broker), repository_url=server.url))
    channel = gate.joined().channel
    assert channel.fetch("1.root.json", 10) == b"root"
    assert channel.fetch("2.root.json", 10) is None
    with pytest.raises(LinkError, match="more than this file may hold"):
        channel.fetch("1.root.json", 3)
    server.close()
    with pytest.raises(LinkError, match="cannot be reached"):
        channel.fetch("1.root.json", 10)


def test_without_a_repository_nothing_is_fetched(
    broker: Mosquitto, state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    link(plain(state, broker))
    with pytest.raises(LinkError, match="cannot be reached"):
        gate.joined().channel.fetch("1.root.json", 10)


def test_more_fetches_than_the_link_keeps_are_answered_at_once(
    broker: Mosquitto, state: Path, gate: Recogniser, link: Callable[..., Link]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes the request and never answers
        link(replace(plain(state, broker), repository_url=f"http://127.0.0.1:{deaf.getsockname()[1]}/"))
        channel = gate.joined().channel
        said: Queue[str] = Queue()

        def ask() -> None:
            try:
                channel.fetch("1.root.json", 10, timeout_s=1)
            except LinkError as error:
                said.put(str(error))

        threads = [threading.Thread(target=ask) for _ in range(20)]
        for thread in threads:
            thread.start()
        assert all("cannot be reached" in said.get(timeout=0.9) for _ in range(3))  # one is asked for, sixteen wait
        for thread in threads:
            thread.join()
        assert ["no answer within 1 s" in said.get() for _ in range(17)] == [True] * 17
