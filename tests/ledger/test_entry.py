"""Entries have one text, and nobody can be read from it."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, strategies

from agent.errors import VaultError
from agent.events.decision import Outcome
from agent.ledger.entry import Decided, commitment, decided, decode, encode, milliseconds, salt
from tests.ledger.given import KEY, NOW_S, SUBJECT, decision, one_of_each


def test_what_is_written_is_read_back() -> None:
    for entry in one_of_each():
        assert decode(encode(entry)) == entry


def test_the_text_is_sorted_and_without_spaces() -> None:
    data = encode(one_of_each()[1])
    assert data == b'{"kind":"policy","sha256":"' + b"b" * 64 + b'","time_ms":1900000000250,"version":3}'


def test_no_entry_names_anybody() -> None:
    for entry in one_of_each():
        assert SUBJECT.encode() not in encode(entry)
        assert b"c-1" not in encode(entry)


def test_the_commitment_opens_with_the_persons_secret_and_the_position() -> None:
    one, two = (decided(decision(), event, salt(KEY, event)) for event in (1, 2))
    assert one.subject != two.subject, "entries of one person must not be seen to be the same"
    assert one.subject == commitment(salt(KEY, 1), SUBJECT)
    assert one.subject == hashlib.sha256(salt(KEY, 1) + SUBJECT.encode()).hexdigest()
    assert salt(KEY, 1) != salt(b"\x00" * 32, 1)


def test_a_stranger_leaves_outcome_door_and_time() -> None:
    entry = decided(decision(Outcome.NO_MATCH), 7, None)
    assert json.loads(encode(entry)) == {
        "kind": "decision",
        "event": 7,
        "outcome": "no-match",
        "door": "main",
        "policy": 3,
        "subject": None,
        "ground": None,
        "time_ms": 1_900_000_000_250,
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b'{"kind":"note","text":"free text","time_ms":1}',
        b'{"kind":"refusal-change","grounds":["rain"],"time_ms":1}',
        b'{"kind":"refusal-change","grounds":[],"time_ms":-1}',
        b'{"kind":"refusal-change","grounds":[],"time_ms":1.5}',
        b'{"grounds":[],"kind":"refusal-change"}',
        b'{"grounds":[],"kind":"refusal-change","time_ms":1,"who":"x"}',
        b'{"grounds": [],"kind":"refusal-change","time_ms":1}',
        b'{"kind":"refusal-change","grounds":[],"time_ms":1}',
        b'{"grounds":[],"grounds":[],"kind":"refusal-change","time_ms":1}',
        b'{"grounds":[],"kind":"refusal-change","time_ms":1}' + b" " * 5000,
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_anything_else_is_no_entry(data: bytes) -> None:
    with pytest.raises(VaultError, match="an entry is not"):
        decode(data)


@given(strategies.binary(max_size=200))
def test_any_bytes_give_an_error_of_the_five(data: bytes) -> None:
    with pytest.raises(VaultError):
        decode(data)


def test_time_is_whole_milliseconds_or_unknown() -> None:
    assert (milliseconds(None), milliseconds(NOW_S), milliseconds(-1.0)) == (None, 1_900_000_000_250, 0)
    assert isinstance(one_of_each()[3], Decided)
