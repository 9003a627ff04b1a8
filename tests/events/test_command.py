"""Commands: anybody may narrow; the rest takes a signature, an address, a date and a rising number."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import crypto
from agent.crypto import SignSecret
from agent.events import command
from agent.events.command import GOOD_FOR_S, Asked, Check, Denied, Result, Resume, Stop, judge
from agent.events.seal import canonical, signed
from agent.policy.bundle import CommandKey, utc
from agent.units import DeviceId, SiteId

SITE, DEVICE, NOW_S = SiteId("yard"), DeviceId("gate-1"), 1.8e9
SECRET, OTHER = SignSecret(bytes(range(32))), SignSecret(bytes(range(1, 33)))
ID = "0123456789abcdef"


def key(secret: SignSecret = SECRET, until_s: float = NOW_S + 86_400) -> CommandKey:
    return CommandKey(key=crypto.sign_public(secret).hex(), until=utc(until_s))


def judged(payload: bytes, unix_s: float | None = NOW_S, taken: int = 0, *keys: CommandKey) -> Asked | Denied:
    return judge(payload, site=SITE, device=DEVICE, keys=keys or (key(),), unix_s=unix_s, taken=taken)


def resume(secret: SignSecret = SECRET, site: str = SITE, device: str = DEVICE, unix_s: float = NOW_S) -> bytes:
    return command.resume(secret, site=SiteId(site), device=DeviceId(device), unix_s=unix_s, id_=ID)


@pytest.mark.parametrize("unix_s", [None, NOW_S])
def test_anybody_may_narrow_whatever_the_time(unix_s: float | None) -> None:
    assert judge(command.stop(5, ID), site=SITE, device=DEVICE, keys=(), unix_s=unix_s, taken=9) == Asked(
        Stop(v=1, kind="stop", id=ID, minutes=5)
    )
    assert judged(command.check(), unix_s) == Asked(Check(v=1, kind="check"))
    assert judged(b'{"v":1,"kind":"stop"}', unix_s) == Asked(Stop(v=1, kind="stop", minutes=60))


def test_a_signed_command_is_taken_once() -> None:
    found = judged(resume())
    assert isinstance(found, Asked) and isinstance(found.command, Resume)
    assert (found.command.sequence, found.command.id) == (NOW_S * 1000, ID)
    for taken in (found.command.sequence, found.command.sequence + 1):
        assert judged(resume(), NOW_S, taken) == Denied(Result.REPLAYED, ID)
    assert isinstance(judged(resume(unix_s=NOW_S + 0.001), NOW_S, found.command.sequence), Asked)
    assert isinstance(judged(command.resume(SECRET, site=SITE, device=DEVICE, unix_s=NOW_S)), Asked)  # without an id


@pytest.mark.parametrize(
    ("payload", "unix_s", "keys", "result"),
    [
        (resume(), NOW_S + GOOD_FOR_S, (), Result.OUT_OF_DATE),
        (resume(), None, (), Result.OUT_OF_DATE),
        (resume(OTHER), NOW_S, (), Result.NOT_PERMITTED),
        (resume(), NOW_S, (key(until_s=NOW_S),), Result.NOT_PERMITTED),
        (resume(device="gate-2"), NOW_S, (), Result.NOT_PERMITTED),
        (resume(site="park"), NOW_S, (), Result.NOT_PERMITTED),
    ],
)
def test_a_signed_command_that_is_old_foreign_or_nobody_s_is_denied(
    payload: bytes, unix_s: float | None, keys: tuple[CommandKey, ...], result: Result
) -> None:
    assert judged(payload, unix_s, 0, *keys) == Denied(result, ID)


def test_without_a_policy_nobody_may_sign() -> None:
    found = judge(resume(), site=SITE, device=DEVICE, keys=(), unix_s=NOW_S, taken=0)
    assert found == Denied(Result.NOT_PERMITTED, ID)


@pytest.mark.parametrize(
    "change", [{"sequence": 2**62}, {"device": "gate-1"}, {"not_after_ms": 2**52}, {"id": "f" * 16}]
)
def test_a_changed_field_is_not_signed(change: dict[str, Any]) -> None:
    payload = resume(device="gate-2") if "device" in change else resume()
    found = judged(canonical({**json.loads(payload), **change}))
    assert isinstance(found, Denied) and found.result is Result.NOT_PERMITTED


def test_a_signature_for_another_kind_of_document_is_none_here() -> None:
    document = json.loads(resume())
    del document["signature"]
    assert judged(signed(document, "doorward/telemetry/1", SECRET)) == Denied(Result.NOT_PERMITTED, ID)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{}", b"\xff", b'{"v":1,"kind":"open"}', b'{"v":2,"kind":"check"}', b'{"v":1,"kind":"stop","minutes":0}',
        b'{"v":1,"kind":"stop","minutes":1441}', b'{"v":1,"kind":"check","door":"main"}',
        b'{"v":1,"kind":"stop","id":"Ann"}', b'{"v":1,"kind":"resume"}', b'{"v":1,"kind":"stop","minutes":"5"}',
    ],
)  # fmt: skip
def test_what_is_no_command_is_malformed(text: bytes) -> None:
    assert judged(text) == Denied(Result.MALFORMED, None)


@given(st.binary(max_size=300) | st.recursive(st.none() | st.integers() | st.text(max_size=9), st.lists).map(
    lambda value: json.dumps({"v": 1, "kind": "resume", "x": value}).encode()
))  # fmt: skip
def test_nothing_that_was_drawn_may_command(payload: bytes) -> None:
    assert judged(payload) == Denied(Result.MALFORMED, None)


def test_a_time_that_is_none_is_not_written() -> None:
    with pytest.raises(ValueError):
        command.stop(0)
