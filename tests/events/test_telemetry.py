"""Telemetry: closed bodies, one signature over all of it, and schemas that real output meets and nothing more."""

from __future__ import annotations

import copy
import json
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent import crypto
from agent.crypto import SignSecret
from agent.errors import LinkError
from agent.events import command, wire
from agent.events.acknowledge import acknowledgement
from agent.events.bodies import Ledger, Met, Metrics, Obliged, Status
from agent.events.order import sign_order
from agent.events.seal import canonical
from agent.events.telemetry import SignedTelemetry, read_telemetry, schemas, sign_telemetry
from agent.events.wire import Kind
from agent.policy.grounds import Ground
from agent.policy.proof import Evidence, Proof
from tests.app.running import (
    DEVICE,
    DOOR,
    SIGN_SECRET,
    SITE,
    answer,
    checkpoint,
    compliance,
    event,
    metrics,
    notice,
    status,
)

FOLDER = Path(__file__).resolve().parents[2] / "agent" / "events" / "schemas"
PUBLIC = crypto.sign_public(SIGN_SECRET)
BODIES = [
    status(),
    status(Ground.SIGN_MISSING),
    compliance(Ground.IN_ZONE, expiring={Ground.ASSESSMENT_STALE: 1_801_000_000.0}),
    metrics(),
    checkpoint(),
    notice(),
    answer(),
]


def signed(body: Any, sequence: int = 5, unix_s: float = 1_800_000_000.1234) -> SignedTelemetry:
    return sign_telemetry(body, site=SITE, device=DEVICE, sequence=sequence, unix_s=unix_s, secret=SIGN_SECRET)


def written() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}


def published() -> list[tuple[str, dict[str, Any]]]:
    """(file stem, message) for every kind of message that is published."""
    messages = [(signed(body).kind.value, json.loads(signed(body).payload)) for body in BODIES]
    messages += [("status", json.loads(text)) for text in (wire.OFFLINE, wire.RECOGNISER_LOST)]
    messages += [("events", json.loads(event(3, in_clear=clear).envelope)) for clear in (True, False)]
    secret = SignSecret(bytes(32))
    resume = command.resume(secret, site=SITE, device=DEVICE, unix_s=1.8e9, id_="0" * 16)
    messages += [("cmd", json.loads(each)) for each in (command.stop(5), command.check(), resume)]
    order = {"sequence": 3, "not_after_s": 1.8e9, "site": SITE, "device": DEVICE, "secret": secret}
    messages += [("open", json.loads(sign_order(DOOR, **order)))]
    return [*messages, ("events-ack", json.loads(acknowledgement(3, bytes(16))))]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: type(body).__name__)
def test_a_collector_reads_what_the_device_said(body: Any) -> None:
    told = signed(body)
    message = read_telemetry(told.kind, told.payload, PUBLIC)
    assert message.body == body
    assert (message.site, message.device, message.sequence, message.unix_s) == (SITE, DEVICE, 5, 1_800_000_000.123)
    assert told.kind.value == message.kind


@pytest.mark.parametrize(("stem", "message"), published())
def test_real_output_meets_the_published_schema(stem: str, message: dict[str, Any]) -> None:
    schema = written()[stem]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(message)


def objects(value: Any) -> list[dict[str, Any]]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, dict) else []), *(found for each in inner for found in objects(each))]


@pytest.mark.parametrize(("stem", "message"), published())
def test_an_extra_field_anywhere_is_refused_by_the_schema(stem: str, message: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(written()[stem])
    for index in range(len(objects(message))):
        changed = copy.deepcopy(message)
        objects(changed)[index]["note"] = "somebody"
        assert not validator.is_valid(changed)


def test_no_schema_has_room_for_free_text() -> None:
    for stem, schema in written().items():
        for part in objects(schema):
            if part.get("type") == "string":
                assert part.keys() & {"pattern", "enum", "const"}, f"{stem}: {part}"
            if part.get("type") == "object":
                assert part.get("additionalProperties") is False, f"{stem}: {part}"


def test_the_schema_files_are_those_of_the_code() -> None:
    assert written() == schemas(), "run: python -m tests.events.test_telemetry --write"


def test_a_score_or_a_name_has_no_field() -> None:
    for field in ("score", "subject", "name", "text"):
        with pytest.raises(ValidationError):
            Metrics.model_validate({**metrics().model_dump(), field: 1})


def test_refused_names_grounds_and_online_none() -> None:
    for grounds, state in (((), "refused"), (["sign-missing"], "online")):
        with pytest.raises(ValidationError, match="refused names its grounds"):
            Status.model_validate_json(
                json.dumps({**status().model_dump(mode="json"), "grounds": grounds, "state": state})
            )


def test_only_what_is_met_has_evidence_or_an_end_and_what_expires_has_one() -> None:
    proof = Evidence(kind=Proof.POLICY, ids=("a" * 64,))
    for state in (Met.UNMET, Met.UNKNOWN, Met.NOT_BINDING):
        for more in ({"evidence": proof}, {"until_s": 5.0}):
            with pytest.raises(ValidationError, match="not met has no end and no evidence"):
                Obliged(ground=Ground.IN_ZONE, state=state, since_s=1.0, **more)
    with pytest.raises(ValidationError, match="expiring has its end"):
        Obliged(ground=Ground.IN_ZONE, state=Met.EXPIRING, since_s=1.0, evidence=proof)
    assert Obliged(ground=Ground.IN_ZONE, state=Met.EXPIRING, since_s=1.0, until_s=5.0).evidence is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_a_number_that_is_none_is_refused(value: float) -> None:
    with pytest.raises(ValidationError):
        Ledger(size=1, root="a" * 64, at_s=value, key="b" * 64, signature="AAAA")


@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    told = signed(data.draw(st.sampled_from(BODIES)))
    payload = bytearray(told.payload)
    payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(LinkError):
        read_telemetry(told.kind, bytes(payload), PUBLIC)


def test_bits_that_base64_drops_are_not_free() -> None:
    told = signed(status())
    text = json.loads(told.payload)["signature"]
    other = next(sign for sign in "BRhx" if b64decode(f"{text[:-3]}{sign}==") == b64decode(text))
    payload = told.payload.replace(text.encode(), f"{text[:-3]}{other}==".encode())
    with pytest.raises(LinkError, match="not in canonical form"):
        read_telemetry(told.kind, payload, PUBLIC)


def test_a_changed_sequence_or_device_is_refused() -> None:
    told = signed(status())
    for change in ({"sequence": 6}, {"device": "gate-2"}, {"unix_s": 1.0}):
        with pytest.raises(LinkError, match="not signed by this device"):
            read_telemetry(told.kind, canonical({**json.loads(told.payload), **change}), PUBLIC)


def test_another_device_cannot_speak_for_this_one() -> None:
    told = signed(status())
    with pytest.raises(LinkError, match="not signed"):
        read_telemetry(told.kind, told.payload, crypto.sign_public(SignSecret(bytes(32))))


def test_a_message_on_the_topic_of_another_kind_is_refused() -> None:
    with pytest.raises(LinkError, match="malformed"):
        read_telemetry(Kind.STATUS, signed(metrics()).payload, PUBLIC)
    with pytest.raises(LinkError, match="no telemetry"):
        read_telemetry(Kind.EVENTS, event(1).envelope, PUBLIC)


def test_the_links_own_word_is_never_taken_for_the_recognisers() -> None:
    for word in (wire.OFFLINE, wire.RECOGNISER_LOST):
        with pytest.raises(LinkError):
            read_telemetry(Kind.STATUS, word, PUBLIC)


if __name__ == "__main__" and "--write" in sys.argv:
    FOLDER.mkdir(exist_ok=True)
    for stem, schema in schemas().items():
        (FOLDER / f"{stem}.json").write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n", "utf-8")
