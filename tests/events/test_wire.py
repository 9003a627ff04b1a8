"""The wire: what parses is what was packed, and everything else is a LinkError."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import LinkError
from agent.events import wire
from agent.events.acknowledge import acknowledgement, read_acknowledgement
from agent.events.wire import (
    Acknowledgement,
    BrokerThere,
    CommandArrived,
    Event,
    FetchOutcome,
    FetchReply,
    FetchRequest,
    Kind,
    OrderGiven,
    PreviewPicture,
    Telemetry,
)
from agent.token import Token, TokenKind, TokenWay, read_message

SEQUENCES = st.integers(1, 2**63 - 1)
NUMBERS = st.integers(0, 2**32 - 1)
PART = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True).filter(str.isascii)
FROM_RECOGNISER = st.one_of(
    st.builds(Event, SEQUENCES, st.binary(min_size=1, max_size=2000)),
    st.builds(Telemetry, st.sampled_from([kind for kind in Kind if kind is not Kind.EVENTS]), st.binary(min_size=1)),
    st.builds(OrderGiven, st.binary(min_size=1, max_size=wire.MAX_COMMAND)),
    st.builds(lambda inside: PreviewPicture(b"\xff\xd8" + inside + b"\xff\xd9"), st.binary()),
    st.builds(
        FetchRequest, NUMBERS, st.integers(1, wire.MAX_FETCH), st.lists(PART, min_size=1, max_size=5).map("/".join)
    ),
)
FROM_LINK = st.one_of(
    st.builds(Acknowledgement, SEQUENCES, st.none() | st.binary(min_size=16, max_size=16)),
    st.builds(BrokerThere, st.booleans()),
    st.builds(CommandArrived, st.binary(min_size=1, max_size=wire.MAX_COMMAND)),
    st.builds(FetchReply, NUMBERS, st.just(FetchOutcome.BYTES), st.binary()),
    st.builds(Token, st.just(TokenKind.PIN), st.from_regex(r"[0-9]{4,12}", fullmatch=True), st.just(TokenWay.MQTT)),
    st.builds(Token, st.just(TokenKind.CARD), st.from_regex(r"[0-9A-F]{8,32}", fullmatch=True), st.just(TokenWay.MQTT)),
    st.builds(FetchReply, NUMBERS, st.sampled_from([o for o in FetchOutcome if o is not FetchOutcome.BYTES])),
)


@given(st.lists(FROM_RECOGNISER, max_size=5), st.lists(FROM_LINK, max_size=5), st.integers(1, 300))
def test_what_is_packed_parses_to_itself_in_pieces_of_any_size(
    down: list[wire.FromRecogniser], up: list[wire.FromLink], piece: int
) -> None:
    for messages, parse in ((down, wire.recogniser_message), (up, wire.link_message)):
        stream = b"".join(wire.pack(message) for message in messages)
        frames = wire.Frames()
        found = [parse(frame) for at in range(0, len(stream), piece) for frame in frames.feed(stream[at : at + piece])]
        assert found == messages


@given(
    st.binary(max_size=400)
    | st.builds(lambda k, p: k + p, st.sampled_from([b"E", b"T", b"P", b"F", b"C", b"N"]), st.binary())
)
def test_garbage_frames_are_link_errors_and_nothing_else(frame: bytes) -> None:
    for parse in (wire.recogniser_message, wire.link_message):
        try:
            message = parse(frame)
        except LinkError:
            continue
        assert wire.pack(message)[4:] == frame  # what is accepted has one spelling only


@given(st.binary(max_size=600))
def test_garbage_streams_are_cut_or_refused(stream: bytes) -> None:
    frames = wire.Frames()
    try:
        cut = list(frames.feed(stream))
    except LinkError:
        return
    assert sum(len(frame) + 4 for frame in cut) <= len(stream)


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_garbage_tokens_are_none(payload: bytes) -> None:
    assert read_message(payload) is None


@pytest.mark.parametrize(
    "payload, found",
    [
        (b'{"kind":"pin","text":"482913"}', Token(TokenKind.PIN, "482913", TokenWay.MQTT)),
        (b'{"text":"04A2B3C4","kind":"card"}', Token(TokenKind.CARD, "04A2B3C4", TokenWay.MQTT)),
        (b'{"kind":"pin","text":482913}', None),
        (b'{"kind":1,"text":"482913"}', None),
        (b'{"kind":"pin","text":"482913","opens":true}', None),
        (b'{"kind":"pin"}', None),
        (b'{"kind":"card","text":"04a2b3c4"}', None),
        (b'["pin","482913"]', None),
        (b'{"kind":"pin","text":"482913"}' + b" " * 200, None),
        (b"[" * 150, None),
        (b"", None),
    ],
)
def test_a_token_is_exactly_a_kind_and_a_text(payload: bytes, found: Token | None) -> None:
    assert read_message(payload) == found


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_garbage_acknowledgements_are_link_errors_and_nothing_else(payload: bytes) -> None:
    try:
        found = read_acknowledgement(payload)
    except LinkError:
        return
    assert found.sequence > 0


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"sequence":1}',
        b'{"sequence":1,"nonce":"00","x":1}',
        b'{"sequence":0,"nonce":"%s"}' % (b"0" * 32),
        b'{"sequence":true,"nonce":"%s"}' % (b"0" * 32),
        b'{"sequence":1.0,"nonce":"%s"}' % (b"0" * 32),
        b'{"sequence":1,"nonce":5}',
        b'{"sequence":1,"nonce":"%s"}' % (b"A" * 32),
        b'{"sequence":1,"nonce":"%s"}' % (b"0" * 31),
        b'{"sequence":1,"nonce":"%s"}   ' % (b"0" * 32) + b" " * 200,
        b"[" * 150,
    ],
)
def test_an_acknowledgement_is_exactly_a_sequence_and_a_nonce(payload: bytes) -> None:
    with pytest.raises(LinkError, match="events/ack"):
        read_acknowledgement(payload)


def test_an_acknowledgement_comes_back_as_it_was_built() -> None:
    nonce = bytes(range(16))
    found = read_acknowledgement(acknowledgement(7, nonce))
    assert (found.sequence, found.nonce) == (7, nonce)


def test_topics_name_site_device_and_kind() -> None:
    assert wire.topic("yard", "gate-1", Kind.STATUS) == "doorward/v1/yard/gate-1/status"
    assert wire.acknowledge_topic("yard", "gate-1") == "doorward/v1/yard/gate-1/events/ack"
    assert wire.token_topic("yard", "gate-1") == "doorward/v1/yard/gate-1/token"
    assert Kind.EVENTS not in wire.RETAINED
    assert Kind.METRICS not in wire.RETAINED


@pytest.mark.parametrize("name", ["", "+", "#", "a/b", "Yard", "-a", "a" * 64, "å", "a\n"])
def test_a_name_cannot_reach_another_topic(name: str) -> None:
    for site, device in ((name, "gate-1"), ("yard", name)):
        with pytest.raises(LinkError, match="no name for a topic"):
            wire.prefix(site, device)


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/.b", "http://x", "a b", "a?b", "å", "a/"]
)
def test_a_fetch_stays_inside_the_repository(path: str) -> None:
    with pytest.raises(LinkError):
        wire.pack(FetchRequest(1, 100, path))


@pytest.mark.parametrize(
    "message",
    [
        Event(0, b"x"),
        Event(2**64, b"x"),
        Event(-1, b"x"),
        Event(1, b""),
        Event(1, bytes(9000)),
        Telemetry(Kind.EVENTS, b"x"),
        Telemetry(Kind.STATUS, b""),
        Telemetry(Kind.STATUS, bytes(200_000)),
        PreviewPicture(b"no picture"),
        PreviewPicture(b"\xff\xd8" + bytes(600_000) + b"\xff\xd9"),
        FetchRequest(2**32, 1, "a"),
        FetchRequest(1, 0, "a"),
        FetchRequest(1, wire.MAX_FETCH + 1, "a"),
        FetchRequest(1, 1, "a" * 300),
        FetchReply(1, FetchOutcome.ABSENT, b"x"),
        Token(TokenKind.PIN, "12", TokenWay.MQTT),
        Token(TokenKind.PIN, "12\u0663\u0664", TokenWay.MQTT),
        Token(TokenKind.CARD, "0" * 100, TokenWay.MQTT),
        FetchReply(1, FetchOutcome.BYTES, bytes(wire.MAX_FETCH + 1)),
        Acknowledgement(1, b"short"),
    ],
)
def test_what_the_other_side_would_refuse_does_not_leave_this_one(message: wire.FromRecogniser) -> None:
    with pytest.raises(LinkError):
        wire.pack(message)


def test_each_message_of_the_link_crosses_the_socket_byte_by_byte() -> None:
    sent: list[wire.FromLink] = [
        FetchReply(7, FetchOutcome.BYTES, b"metadata"),
        FetchReply(8, FetchOutcome.ABSENT),
        Acknowledgement(3, bytes(16)),
    ]
    frames, stream = wire.Frames(), b"".join(wire.pack(message) for message in sent)
    assert [wire.link_message(frame) for byte in stream for frame in frames.feed(bytes([byte]))] == sent


def test_each_message_of_the_recogniser_crosses_the_socket() -> None:
    sent: list[wire.FromRecogniser] = [
        Event(1, b"sealed"),
        Telemetry(Kind.STATUS, b"{}"),
        PreviewPicture(b"\xff\xd8\xff\xd9"),
        FetchRequest(9, 1000, "metadata/timestamp.json"),
    ]
    frames, stream = wire.Frames(), b"".join(wire.pack(message) for message in sent)
    assert [wire.recogniser_message(frame) for frame in frames.feed(stream)] == sent


@pytest.mark.parametrize("path", ["", "../root.json", "/etc/passwd", "a//b", "\xe9"])
def test_a_path_outside_the_repository_is_no_request(path: str) -> None:
    frame = b"F" + struct.pack(">II", 1, 1000) + path.encode("latin-1")
    with pytest.raises(LinkError, match="not a message that a recogniser sends"):
        wire.recogniser_message(frame)


def test_an_oversized_length_is_refused_before_its_bytes_come() -> None:
    with pytest.raises(LinkError, match="not a Doorward frame"):
        list(wire.Frames().feed(struct.pack(">I", 2**31) + b"E"))


def test_a_message_of_the_other_direction_is_refused() -> None:
    with pytest.raises(LinkError):
        wire.link_message(wire.pack(PreviewPicture(b"\xff\xd8\xff\xd9"))[4:])
    with pytest.raises(LinkError):
        wire.recogniser_message(wire.pack(Acknowledgement(1, None))[4:])
