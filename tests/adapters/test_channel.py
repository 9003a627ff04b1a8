"""The socket between recogniser and link: nothing waits, nothing unparsable passes, a new link gets all it needs."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Queue

import pytest

from agent.adapters.channel import Channel
from agent.adapters.link_end import LinkEnd
from agent.errors import ConfigError, LinkError
from agent.events import wire
from agent.events.wire import (
    Acknowledgement,
    CommandArrived,
    Event,
    FetchOutcome,
    FetchReply,
    FetchRequest,
    Kind,
    PreviewPicture,
    Telemetry,
)
from agent.token import Token, TokenKind, TokenWay
from tests.app.running import JPEG, until


@pytest.fixture
def path(state: Path) -> Path:
    return state / "link.sock"


@pytest.fixture
def channel(path: Path) -> Iterator[Channel]:
    made = Channel.listen(path)
    yield made
    made.close()


class Peer:
    """A link's end that keeps what came and answers fetches as it is told."""

    def __init__(self, path: Path, answer: Callable[[FetchRequest], FetchReply | None] = lambda request: None) -> None:
        self.came: Queue[wire.FromRecogniser] = Queue()
        self.there: list[bool] = []
        self._answer = answer
        self.end = LinkEnd(path, self._received, self.there.append, retry_s=0.05)
        self.end.start()

    def _received(self, message: wire.FromRecogniser) -> None:
        if isinstance(message, FetchRequest) and (reply := self._answer(message)) is not None:
            self.end.send(reply)
        self.came.put(message)

    def next(self) -> wire.FromRecogniser:
        return self.came.get(timeout=5)


@pytest.fixture
def peers() -> Iterator[list[Peer]]:
    made: list[Peer] = []
    yield made
    for peer in made:
        peer.end.close()


def joined(
    peers: list[Peer], channel: Channel, path: Path, **named: Callable[[FetchRequest], FetchReply | None]
) -> Peer:
    peer = Peer(path, **named)
    peers.append(peer)
    until(lambda: channel.connected)
    return peer


def test_the_socket_is_its_owners_alone(channel: Channel, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 700"):
        Channel.listen(tmp_path / "link.sock")


def test_a_new_folder_is_made_for_the_owner_alone(tmp_path: Path) -> None:
    channel = Channel.listen(tmp_path / "new" / "link.sock")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    channel.close()
    assert not (tmp_path / "new" / "link.sock").exists()
    channel.close()


def test_a_path_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too long for a socket"):
        Channel.listen(tmp_path / ("x" * 120) / "link.sock")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot listen there"):
        Channel.listen(tmp_path / "file" / "link.sock")


def test_a_socket_left_by_a_killed_recogniser_is_replaced(path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    channel = Channel.listen(path)
    channel.close()


def test_a_token_arrives_as_one_from_the_network_and_another_is_cut_off(
    channel: Channel, path: Path, peers: list[Peer]
) -> None:
    peer = joined(peers, channel, path)
    named: Queue[Token] = Queue()
    channel.on_token(named.put)
    peer.end.send(Token(TokenKind.PIN, "482913", TokenWay.SERIAL))
    assert named.get(timeout=5) == Token(TokenKind.PIN, "482913", TokenWay.MQTT), "whatever the link says"
    with socket.socket(socket.AF_UNIX) as rude:
        peer.end.close()
        until(lambda: not channel.connected)
        rude.connect(str(path))
        rude.sendall(struct.pack(">I", 7) + b"N\x01PIN12")
        assert rude.recv(1) == b"", "no token, no connection"
    assert named.empty()


def test_all_five_kinds_arrive(channel: Channel, path: Path, peers: list[Peer]) -> None:
    peer = joined(peers, channel, path, answer=lambda request: FetchReply(request.number, FetchOutcome.BYTES, b"bytes"))
    acknowledged: Queue[tuple[int, bytes | None]] = Queue()
    channel.on_acknowledge(lambda found: [acknowledged.put((each.sequence, each.nonce)) for each in found])
    commands: Queue[bytes] = Queue()
    channel.on_command(commands.put)
    assert channel.send_event(4, b"sealed")
    assert peer.next() == Event(4, b"sealed")
    channel.send_telemetry(Kind.METRICS, b"{}")
    assert peer.next() == Telemetry(Kind.METRICS, b"{}")
    channel.send_preview(lambda: JPEG)
    assert peer.next() == PreviewPicture(JPEG)
    assert channel.fetch("metadata/timestamp.json", 100) == b"bytes"
    assert peer.next() == FetchRequest(1, 100, "metadata/timestamp.json")
    peer.end.send(Acknowledgement(4, bytes(16)))
    peer.end.send(Acknowledgement(5, None))
    assert acknowledged.get(timeout=5) == (4, bytes(16))
    assert acknowledged.get(timeout=5) == (5, None)
    peer.end.send(CommandArrived(b"do"))
    assert commands.get(timeout=5) == b"do"


def test_answers_are_kept_apart_and_metrics_that_never_went_out_are_counted(
    channel: Channel, path: Path, peers: list[Peer]
) -> None:
    for number in range(3):
        channel.send_telemetry(Kind.METRICS, b"m%d" % number)
    for number in range(40):
        channel.send_telemetry(Kind.ACK, b"%d" % number)
    assert channel.thinned == 2
    peer = joined(peers, channel, path)
    assert [getattr(peer.next(), "payload", None) for _ in range(32)] == [b"%d" % number for number in range(8, 40)]
    assert peer.next() == Telemetry(Kind.METRICS, b"m2")


def test_a_new_link_gets_every_retained_kind_again_and_the_owner_of_the_outbox_is_told(
    channel: Channel, path: Path, peers: list[Peer]
) -> None:
    told: list[int] = []
    channel.on_connect(lambda: told.append(1))
    for kind in (Kind.STATUS, Kind.NOTICE, Kind.METRICS):
        channel.send_telemetry(kind, kind.encode())
    first = joined(peers, channel, path)
    assert {getattr(first.next(), "kind", None) for _ in range(3)} == {Kind.STATUS, Kind.NOTICE, Kind.METRICS}
    first.end.close()
    until(lambda: not channel.connected)
    second = joined(peers, channel, path)
    assert {getattr(second.next(), "kind", None) for _ in range(2)} == {Kind.STATUS, Kind.NOTICE}
    assert len(told) == 2
    assert channel.send_event(1, b"x")
    assert second.next() == Event(1, b"x")  # and no metrics in between: they are not kept


def test_what_is_meant_for_the_link_before_does_not_go_to_this_one(
    channel: Channel, path: Path, peers: list[Peer]
) -> None:
    first, number = joined(peers, channel, path), channel.link
    assert channel.send_event(1, b"x", number) and first.next() == Event(1, b"x")
    first.end.close()
    until(lambda: not channel.connected)
    second = joined(peers, channel, path)
    assert channel.link == number + 1
    assert not channel.send_event(2, b"y", number) and channel.send_event(1, b"x", number + 1)
    assert second.next() == Event(1, b"x")


def test_who_asks_late_is_told_at_once_that_a_link_is_there(channel: Channel, path: Path, peers: list[Peer]) -> None:
    joined(peers, channel, path)
    told: list[int] = []
    channel.on_connect(lambda: told.append(1))
    assert told == [1]


def test_a_preview_that_cannot_be_made_is_said_once_and_holds_nothing_up(path: Path, peers: list[Peer]) -> None:
    said: list[str] = []
    channel = Channel.listen(path, said.append)
    peer = joined(peers, channel, path)

    def fails() -> bytes:
        raise TypeError("unsupported operand: a face was in it")

    for _ in range(3):
        channel.send_preview(fails)
        until(lambda: channel._preview is None)
    assert channel.send_event(4, b"sealed")
    assert peer.next() == Event(4, b"sealed")
    channel.send_preview(lambda: JPEG)
    assert peer.next() == PreviewPicture(JPEG)
    assert said == ["preview: cannot be made (TypeError); all else goes on: tell who maintains this"]
    assert channel.alive
    channel.close()
    assert not channel.alive


def test_a_thread_that_has_died_is_known(
    channel: Channel, path: Path, peers: list[Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    died: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda about: died.append(about.exc_type))
    peer = joined(peers, channel, path)

    def fails(payload: bytes) -> None:
        raise KeyError("a command")

    channel.on_command(fails)
    assert channel.alive
    peer.end.send(CommandArrived(b"{}"))
    until(lambda: not channel.alive)
    until(lambda: died == [KeyError])


def test_without_a_link_an_event_stays_where_it_is(channel: Channel) -> None:
    assert not channel.connected
    assert not channel.send_event(1, b"sealed")
    channel.send_preview(lambda: JPEG)
    with pytest.raises(LinkError, match="no link process"):
        channel.fetch("metadata/1.root.json", 10)


def test_a_link_that_takes_nothing_never_holds_up_the_recogniser(channel: Channel, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.connect(str(path))
        until(lambda: channel.connected)
        picture = b"\xff\xd8" + bytes(400_000) + b"\xff\xd9"
        slowest, refused = 0.0, 0
        for sequence in range(1, 1001):
            began = time.perf_counter()
            channel.send_preview(lambda: picture)
            channel.send_telemetry(Kind.STATUS, bytes(1000))
            refused += not channel.send_event(sequence, bytes(1000))
            slowest = max(slowest, time.perf_counter() - began)
        assert slowest < 0.1
        assert refused > 500  # bounded: the outbox keeps them


@pytest.mark.parametrize("said", [b"\x00\x00\x00\x01Z", b"\xff\xff\xff\xff", b"\x00\x00\x00\x03E\x00\x00" * 3])
def test_a_link_that_talks_nonsense_is_cut_off_and_the_next_is_served(
    channel: Channel, path: Path, peers: list[Peer], said: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as mad:
        mad.connect(str(path))
        mad.sendall(said + b"....")
        mad.settimeout(5)
        assert mad.recv(10) == b""
    peer = joined(peers, channel, path)
    assert channel.send_event(1, b"x")
    assert peer.next() == Event(1, b"x")


def test_a_recogniser_that_talks_nonsense_is_left(path: Path, peers: list[Peer]) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(1)
        peer = Peer(path)
        peers.append(peer)
        for _ in range(2):  # and it comes back to try again
            accepted, _address = server.accept()
            accepted.sendall(os.urandom(64))
            accepted.settimeout(5)
            assert accepted.recv(10) == b""
            accepted.close()
        until(lambda: peer.there[:4] == [True, False, True, False])


def test_the_link_waits_for_a_recogniser_and_comes_back_to_it(path: Path, peers: list[Peer]) -> None:
    peer = Peer(path)
    peers.append(peer)
    peer.end.send(Acknowledgement(1, None))  # to nobody: dropped
    for expected in ([True, False], [True, False, True, False]):
        channel = Channel.listen(path)
        until(lambda made=channel: made.connected)
        channel.close()
        until(lambda want=expected: peer.there == want)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (FetchOutcome.UNREACHABLE, "cannot be reached"),
        (FetchOutcome.REFUSED, "refused"),
        (FetchOutcome.TOO_LARGE, "more than this file may hold"),
    ],
)
def test_a_fetch_that_failed_says_how(
    channel: Channel, path: Path, peers: list[Peer], outcome: FetchOutcome, words: str
) -> None:
    joined(peers, channel, path, answer=lambda request: FetchReply(request.number, outcome))
    with pytest.raises(LinkError, match=words):
        channel.fetch("targets/x.json", 10)


def test_a_file_that_is_not_there_is_no_error(channel: Channel, path: Path, peers: list[Peer]) -> None:
    joined(peers, channel, path, answer=lambda request: FetchReply(request.number, FetchOutcome.ABSENT))
    assert channel.fetch("metadata/2.root.json", 10) is None


def test_a_link_that_sends_more_than_was_asked_for_is_not_believed(
    channel: Channel, path: Path, peers: list[Peer]
) -> None:
    joined(peers, channel, path, answer=lambda request: FetchReply(request.number, FetchOutcome.BYTES, bytes(11)))
    with pytest.raises(LinkError, match="more than this file may hold"):
        channel.fetch("targets/x.json", 10)


def test_a_reply_that_nobody_asked_for_is_dropped(channel: Channel, path: Path, peers: list[Peer]) -> None:
    peer = joined(
        peers, channel, path, answer=lambda request: FetchReply(request.number, FetchOutcome.BYTES, b"asked for")
    )
    peer.end.send(FetchReply(1, FetchOutcome.BYTES, b"not asked for"))
    peer.end.send(FetchReply(77, FetchOutcome.BYTES, b"not asked for"))
    time.sleep(0.1)
    assert channel.fetch("targets/x.json", 10) == b"asked for"


def test_a_fetch_ends_in_time_or_when_the_link_is_lost(channel: Channel, path: Path, peers: list[Peer]) -> None:
    peer = joined(peers, channel, path)
    with pytest.raises(LinkError, match=r"no answer within 0\.2 s"):
        channel.fetch("targets/x.json", 10, timeout_s=0.2)
    threading.Timer(0.2, peer.end.close).start()
    began = time.monotonic()
    with pytest.raises(LinkError, match="the link was lost"):
        channel.fetch("targets/x.json", 10, timeout_s=10)
    assert time.monotonic() - began < 5


def test_many_fetches_at_once_each_get_their_own_answer(channel: Channel, path: Path, peers: list[Peer]) -> None:
    joined(
        peers,
        channel,
        path,
        answer=lambda request: FetchReply(request.number, FetchOutcome.BYTES, request.path.encode()),
    )
    found: dict[int, bytes | None] = {}

    def ask(number: int) -> None:
        found[number] = channel.fetch(f"targets/{number}.json", 100)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert found == {number: f"targets/{number}.json".encode() for number in range(20)}
