"""Sealed events: only the site reads them, only the device makes them, and their length says nothing."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import crypto
from agent.crypto import BoxSecret, SignSecret
from agent.errors import LinkError
from agent.events import seal
from agent.events.decision import Decision, Outcome
from agent.events.seal import Addressee, OpenedErasure, OpenedEvent, SealedEvent, open_event, seal_erasure, seal_event
from agent.gallery.passes_uses import PassUse
from agent.units import DeviceId, DoorId, PassId, SiteId, SubjectId

SITE, DEVICE = SiteId("yard"), DeviceId("gate-1")
SIGN = SignSecret(bytes(range(32)))
BOX = BoxSecret(bytes(range(32, 64)))
PUBLIC = crypto.sign_public(SIGN)

NAMES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True).filter(lambda name: not name.endswith("\n"))
NAMELESS = (Outcome.NO_MATCH, Outcome.TOO_LATE, Outcome.ATTACK_DENIED, Outcome.EXIT)
DECISIONS = st.builds(
    lambda outcome, door, at, subject, ground: Decision(
        outcome,
        DoorId(door),
        at,
        captured_ns=5,
        frame=6,
        policy_version=7,
        subject=None if outcome in NAMELESS or subject is None else SubjectId(subject),
        ground=ground if outcome in (Outcome.PASS_REFUSED, Outcome.ATTACK_DENIED) else None,
    ),
    st.sampled_from(Outcome),
    NAMES,
    st.floats(0, 4e9),
    st.none() | NAMES,
    st.none() | NAMES,
)


def sealed(decision: Decision, *, in_clear: bool = False, sequence: int = 9) -> SealedEvent:
    return seal_event(
        decision,
        sequence=sequence,
        site=SITE,
        device=DEVICE,
        events_key=crypto.box_public(BOX),
        sign_secret=SIGN,
        outcome_in_clear=in_clear,
    )


PASS_USE = PassUse(PassId("secretpass"), "4" * 64, 20_833, None)
MATCH = Decision(Outcome.MATCH, DoorId("main"), 1_800_000_000.25, 1, 2, 3, subject=SubjectId("p-7"))


@given(DECISIONS, st.booleans())
def test_the_site_reads_what_was_decided(decision: Decision, in_clear: bool) -> None:
    event = sealed(decision, in_clear=in_clear)
    opened = open_event(event.envelope, BOX, PUBLIC)
    assert isinstance(opened, OpenedEvent)
    assert (opened.device, opened.sequence, opened.nonce) == (DEVICE, 9, event.nonce)
    assert (opened.outcome, opened.door, opened.subject) == (decision.outcome, decision.door, decision.subject)
    assert (opened.ground, opened.policy_version) == (decision.ground, 7)
    assert opened.unix_s == pytest.approx(decision.unix_s, abs=0.001)
    assert opened.not_after_s == pytest.approx(decision.unix_s + seal.ACT_WITHIN_S, abs=0.001)


@given(DECISIONS, DECISIONS)
def test_every_sealed_part_has_the_same_length(one: Decision, other: Decision) -> None:
    lengths = {len(json.loads(sealed(decision).envelope)["sealed"]) for decision in (one, other)}
    assert len(lengths) == 1


def test_the_clear_part_names_the_door_only_unless_the_policy_grants_the_outcome() -> None:
    kept = json.loads(sealed(MATCH).envelope)
    granted = json.loads(sealed(MATCH, in_clear=True).envelope)
    assert kept.keys() == {"v", "site", "device", "sequence", "not_after_ms", "door", "sealed", "signature"}
    assert granted.keys() == kept.keys() | {"outcome"}
    assert granted["outcome"] == "match"
    for clear in (kept, granted):
        assert b"p-7" not in json.dumps(clear).encode()


def test_a_used_pass_is_not_named_even_inside() -> None:
    decision = Decision(
        Outcome.PASS_ACCEPTED, DoorId("main"), 1.8e9, 1, 2, 3, subject=SubjectId("p-7"), pass_used=PASS_USE
    )
    padded = crypto.open_sealed(BOX, b64decode(json.loads(sealed(decision).envelope)["sealed"]))
    assert padded is not None
    assert b"secretpass" not in padded


def test_two_events_of_one_decision_share_nothing_that_is_sealed() -> None:
    first, second = sealed(MATCH), sealed(MATCH)
    assert first.nonce != second.nonce
    assert json.loads(first.envelope)["sealed"] != json.loads(second.envelope)["sealed"]


def test_the_nonce_comes_from_the_source_that_is_passed_in() -> None:
    event = seal_event(
        MATCH,
        sequence=1,
        site=SITE,
        device=DEVICE,
        events_key=crypto.box_public(BOX),
        sign_secret=SIGN,
        outcome_in_clear=False,
        random=lambda size: bytes([7]) * size,
    )
    assert event.nonce == bytes([7]) * 16


def test_a_repr_shows_nothing() -> None:
    event = sealed(MATCH)
    assert event.nonce.hex() not in repr(event)
    assert "p-7" not in repr(open_event(event.envelope, BOX, PUBLIC))


NAMES = {"site": SITE, "device": DEVICE}
RECEIPT = seal.canonical({"schema": "doorward/erasure/1", "epoch": None, "time_ms": 5, "salt": "y" * 400, **NAMES})


def erasure(receipt: bytes = RECEIPT, unix_s: float | None = 1.8e9) -> SealedEvent:
    return seal_erasure(
        receipt,
        unix_s=unix_s,
        sequence=10,
        site=SITE,
        device=DEVICE,
        addressee=Addressee(crypto.box_public(BOX), DoorId("main")),
        sign_secret=SIGN,
    )


def test_an_erasure_receipt_comes_out_as_it_went_in() -> None:
    event = erasure()
    opened = open_event(event.envelope, BOX, PUBLIC)
    assert opened == OpenedErasure(DEVICE, 10, event.nonce, RECEIPT)
    assert "yyy" not in repr(opened)


def test_from_outside_an_erasure_looks_like_a_decision() -> None:
    one, other = json.loads(erasure().envelope), json.loads(sealed(MATCH).envelope)
    assert one.keys() == other.keys() and len(one["sealed"]) == len(other["sealed"])
    assert json.loads(erasure(unix_s=None).envelope)["not_after_ms"] == 30_000


def test_an_erasure_has_no_outcome() -> None:
    document = json.loads(erasure().envelope)
    del document["signature"]
    with pytest.raises(LinkError, match="contradicts"):
        open_event(seal.signed({**document, "outcome": "match"}, seal.CONTEXT, SIGN), BOX, PUBLIC)
    with pytest.raises(ValueError, match="bucket"):
        erasure(seal.canonical({"salt": "y" * 600, **NAMES}))
    with pytest.raises(ValueError, match="another device"):
        erasure(seal.canonical({**NAMES, "device": "gate-2"}))


@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    envelope = bytearray(sealed(MATCH, in_clear=True).envelope)
    at = data.draw(st.integers(0, len(envelope) - 1))
    envelope[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(LinkError):
        open_event(bytes(envelope), BOX, PUBLIC)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "no-match"}, "not signed"),
        ({"sequence": 10}, "not signed"),
        ({"site": "field"}, "not signed"),
        ({"subject": "p-7"}, "malformed"),
        ({"v": 2}, "malformed"),
        ({"door": "Main Door"}, "malformed"),
    ],
)
def test_a_changed_clear_part_is_refused(change: dict[str, object], words: str) -> None:
    document = {**json.loads(sealed(MATCH, in_clear=True).envelope), **change}
    with pytest.raises(LinkError, match=words):
        open_event(seal.canonical(document), BOX, PUBLIC)


def test_another_spelling_of_the_same_document_is_refused() -> None:
    event = sealed(MATCH)
    with pytest.raises(LinkError, match="canonical"):
        open_event(event.envelope + b" ", BOX, PUBLIC)


def test_only_this_device_signs_and_only_this_site_reads() -> None:
    event = sealed(MATCH)
    with pytest.raises(LinkError, match="not signed by this device"):
        open_event(event.envelope, BOX, crypto.sign_public(SignSecret(bytes(32))))
    with pytest.raises(LinkError, match="not readable with this site's key"):
        open_event(event.envelope, BoxSecret(bytes(range(1, 33))), PUBLIC)


def test_telemetry_signed_by_the_device_is_no_event() -> None:
    document = json.loads(sealed(MATCH).envelope)
    del document["signature"]
    with pytest.raises(LinkError, match="not signed"):
        open_event(seal.signed(document, "doorward/telemetry/1", SIGN), BOX, PUBLIC)


def test_a_clear_part_that_contradicts_the_sealed_part_is_refused() -> None:
    document = json.loads(sealed(MATCH).envelope)
    del document["signature"]
    for change in ({"door": "back"}, {"outcome": "no-match"}):
        with pytest.raises(LinkError, match="contradicts"):
            open_event(seal.signed({**document, **change}, seal.CONTEXT, SIGN), BOX, PUBLIC)


def test_a_sealed_part_that_is_no_decision_is_refused() -> None:
    document = json.loads(sealed(MATCH).envelope)
    del document["signature"]
    document["sealed"] = b64encode(crypto.seal(crypto.box_public(BOX), b"\x00\x02{}")).decode()
    with pytest.raises(LinkError, match="not readable"):
        open_event(seal.signed(document, seal.CONTEXT, SIGN), BOX, PUBLIC)


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode) | st.just(b"[" * 100_000))
def test_garbage_is_a_link_error_and_nothing_else(envelope: bytes) -> None:
    with pytest.raises(LinkError):
        open_event(envelope, BOX, PUBLIC)


def test_a_name_that_the_policy_would_not_allow_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="door"):
        sealed(Decision(Outcome.MATCH, DoorId("x" * 600), 1.0, 1, 2, 3))


def test_what_does_not_fit_into_the_bucket_is_not_cut() -> None:
    with pytest.raises(ValueError, match="bucket"):
        seal._pad(bytes(seal.BUCKET_BYTES - 1))
