"""The consumer library: replayed, retained, delayed, reordered and forged events are acted on by nobody."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import crypto
from agent.crypto import BoxSecret, SignSecret
from agent.events import wire
from agent.events.acknowledge import acknowledgement
from agent.events.consume import Consumer, Verdict
from agent.events.decision import Decision, Outcome
from agent.events.seal import (
    ACT_WITHIN_S,
    Addressee,
    OpenedErasure,
    OpenedEvent,
    SealedEvent,
    canonical,
    seal_erasure,
    seal_event,
)
from agent.events.wire import Kind
from agent.units import DeviceId, DoorId, SiteId

SITE, GATE, BACK, DOOR = SiteId("yard"), DeviceId("gate-1"), DeviceId("back-2"), DoorId("main")
SECRETS = {GATE: SignSecret(bytes(range(32))), BACK: SignSecret(bytes(range(1, 33)))}
KEYS = {device: crypto.sign_public(secret) for device, secret in SECRETS.items()}
BOX = BoxSecret(bytes(range(32, 64)))
NOW_S = 1.8e9
TOPIC = wire.topic(SITE, GATE, Kind.EVENTS)


def event(sequence: int, device: DeviceId = GATE, at_s: float = NOW_S, *, site: SiteId = SITE) -> SealedEvent:
    return seal_event(
        Decision(Outcome.PASS_ACCEPTED, DOOR, at_s, 1, 1, 3),
        sequence=sequence,
        site=site,
        device=device,
        events_key=crypto.box_public(BOX),
        sign_secret=SECRETS[device],
        outcome_in_clear=False,
    )


def consumer(held: dict[str, list[tuple[int, int]]] | None = None) -> Consumer:
    return Consumer(SITE, BOX, KEYS, held)


def verdict(
    ours: Consumer, payload: bytes, *, topic: str = TOPIC, retained: bool = False, unix_s: float = NOW_S + 1
) -> Verdict:
    return ours.take(topic, payload, retained=retained, unix_s=unix_s).verdict


def test_a_new_event_is_acted_on_once_and_acknowledged_each_time() -> None:
    ours, made = consumer(), event(1)
    word = (wire.acknowledge_topic(SITE, GATE), acknowledgement(1, made.nonce))
    taken = ours.take(TOPIC, made.envelope, retained=False, unix_s=NOW_S + 1)
    assert taken.verdict is Verdict.ACT and taken.acknowledgement == word
    assert isinstance(taken.event, OpenedEvent) and taken.event.outcome is Outcome.PASS_ACCEPTED
    again = ours.take(TOPIC, made.envelope, retained=False, unix_s=NOW_S + 1)
    assert again.verdict is Verdict.AGAIN and again.acknowledgement == word


def test_the_receipt_of_an_erasure_is_recorded_and_acknowledged_and_moves_nothing() -> None:
    receipt = b'{"device":"%s","reason":"withdrawn","site":"%s"}' % (GATE.encode(), SITE.encode())
    made = seal_erasure(
        receipt,
        unix_s=NOW_S,
        sequence=1,
        site=SITE,
        device=GATE,
        addressee=Addressee(crypto.box_public(BOX), DOOR),
        sign_secret=SECRETS[GATE],
    )
    ours = consumer()
    taken = ours.take(TOPIC, made.envelope, retained=False, unix_s=NOW_S + 1)
    assert taken.verdict is Verdict.RECORD and isinstance(taken.event, OpenedErasure)
    assert taken.event.receipt == receipt
    assert taken.acknowledgement == (wire.acknowledge_topic(SITE, GATE), acknowledgement(1, made.nonce))
    assert verdict(ours, made.envelope) is Verdict.AGAIN
    assert verdict(ours, event(2).envelope) is Verdict.ACT


@pytest.mark.parametrize(
    ("late_s", "expected"),
    [(0, Verdict.ACT), (ACT_WITHIN_S - 0.01, Verdict.ACT), (ACT_WITHIN_S, Verdict.RECORD), (-31, Verdict.RECORD)],
)
def test_only_in_its_time_may_an_event_be_acted_on(late_s: float, expected: Verdict) -> None:
    assert verdict(consumer(), event(1).envelope, unix_s=NOW_S + late_s) is expected


def test_an_older_number_behind_a_newer_one_is_for_the_record() -> None:
    ours = consumer()
    assert verdict(ours, event(2).envelope) is Verdict.ACT
    assert verdict(ours, event(1).envelope) is Verdict.RECORD
    assert ours.gaps(GATE) == []
    assert verdict(ours, event(5).envelope) is Verdict.ACT
    assert ours.gaps(GATE) == [(3, 4)] and ours.gaps(BACK) == []


def test_devices_count_apart_and_a_restart_forgets_nothing() -> None:
    ours = consumer()
    back = wire.topic(SITE, BACK, Kind.EVENTS)
    assert verdict(ours, event(7).envelope) is Verdict.ACT
    assert verdict(ours, event(7, BACK).envelope, topic=back) is Verdict.ACT
    kept = json.loads(json.dumps(ours.held()))
    restarted = consumer(kept | {"gone/00": [[1, 9]]})
    assert verdict(restarted, event(7).envelope) is Verdict.AGAIN
    assert verdict(restarted, event(6).envelope) is Verdict.RECORD
    assert verdict(restarted, event(8, BACK).envelope, topic=back) is Verdict.ACT
    assert "gone/00" not in restarted.held()


def test_a_device_with_new_keys_counts_anew() -> None:
    old = consumer()
    assert verdict(old, event(9).envelope) is Verdict.ACT
    fresh = Consumer(SITE, BOX, {GATE: KEYS[BACK]}, old.held())
    made = seal_event(
        Decision(Outcome.MATCH, DOOR, NOW_S, 1, 1, 3),
        sequence=1,
        site=SITE,
        device=GATE,
        events_key=crypto.box_public(BOX),
        sign_secret=SECRETS[BACK],
        outcome_in_clear=True,
    )
    assert verdict(fresh, made.envelope) is Verdict.ACT


def test_a_number_used_twice_is_refused() -> None:
    ours = consumer()
    assert verdict(ours, event(1).envelope) is Verdict.ACT
    taken = ours.take(TOPIC, event(1).envelope, retained=False, unix_s=NOW_S)
    assert taken.verdict is Verdict.REFUSED and "used twice" in taken.reason
    for number in range(2, 1030):
        verdict(ours, event(number).envelope)
    assert verdict(ours, event(1).envelope) is Verdict.AGAIN  # so long ago that its nonce is forgotten


def test_what_is_not_genuine_is_refused_with_a_reason_and_not_acknowledged() -> None:
    changed = canonical({**json.loads(event(1).envelope), "sequence": 2})
    wrong = {
        "retained": consumer().take(TOPIC, event(1).envelope, retained=True, unix_s=NOW_S),
        "not a topic": consumer().take(
            "doorward/v1/yard/gate-3/events", event(1).envelope, retained=False, unix_s=NOW_S
        ),
        "not signed": consumer().take(TOPIC, event(1, BACK).envelope, retained=False, unix_s=NOW_S),
        "malformed": consumer().take(TOPIC, b"\xff", retained=False, unix_s=NOW_S),
        "sequence changed": consumer().take(TOPIC, changed, retained=False, unix_s=NOW_S),
        "sealed": Consumer(SITE, BoxSecret(bytes(32)), KEYS).take(
            TOPIC, event(1).envelope, retained=False, unix_s=NOW_S
        ),
    }
    assert all(
        each.verdict is Verdict.REFUSED and each.event is each.acknowledgement is None for each in wrong.values()
    )
    for word in ("retained", "not a topic", "not signed", "malformed", "sealed"):
        assert word in wrong[word].reason


def test_two_devices_of_one_key_do_not_speak_for_each_other() -> None:
    ours = Consumer(SITE, BOX, {GATE: KEYS[GATE], BACK: KEYS[GATE]})
    taken = ours.take(wire.topic(SITE, BACK, Kind.EVENTS), event(1).envelope, retained=False, unix_s=NOW_S)
    assert taken.verdict is Verdict.REFUSED and "another device" in taken.reason


def test_of_a_thousand_replayed_retained_or_reordered_events_none_is_acted_on() -> None:
    ours, chance = consumer(), random.Random(5)
    made = {number: event(number) for number in range(1, 1001)}
    order = list(made)
    for number in order:
        assert verdict(ours, made[number].envelope) is Verdict.ACT
    chance.shuffle(order)
    acted = 0
    for number in order:
        retained = chance.random() < 0.3
        acted += verdict(ours, made[number].envelope, retained=retained) is Verdict.ACT
    late = consumer()
    verdict(late, event(5000).envelope)
    for number in order:
        acted += verdict(late, made[number].envelope) is Verdict.ACT
    assert acted == 0
    assert ours.held()[f"{GATE}/{KEYS[GATE].hex()}"] == [(1, 1000)]
    assert late.gaps(GATE) == [(1001, 4999)]


@given(st.lists(st.integers(1, 40), max_size=60))
def test_runs_are_what_a_set_would_hold(numbers: list[int]) -> None:
    from agent.events.consume import _Numbers

    held, seen = _Numbers(), set[int]()
    for number in numbers:
        assert held.add(number, bytes(16)) == (number not in seen)
        seen.add(number)
        assert [each for first, last in held.spans for each in range(first, last + 1)] == sorted(seen)
        assert held.highest == max(seen)
        assert all(right[0] > left[1] + 1 for left, right in pairwise(held.spans))
