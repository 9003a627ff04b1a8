"""Erasure receipts: the device alone signs them, the person alone is found in them, and nobody is named."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.crypto import SignSecret, sign, sign_public
from agent.errors import DoorwardError, VaultError
from agent.events.bodies import EraseStrength
from agent.gallery.retention import Ended
from agent.ledger.entry import canonical
from agent.ledger.erasure import ERASURE_CONTEXT, erasure_schema, make_erasure, read_erasure
from tests.ledger.given import DEVICE, NOW_S, SIGNER, SITE, SUBJECT

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "agent" / "ledger" / "schemas" / "erasure.json"
VECTORS = Path(__file__).resolve().parent / "vectors" / "erasure.json"


def receipt(reason: Ended = Ended.WITHDRAWN, secret: SignSecret = SIGNER, **changes: Any) -> bytes:
    fields: dict[str, Any] = {
        "site": SITE,
        "device": DEVICE,
        "unix_s": NOW_S,
        "epoch": 1,
        "erase_strength": EraseStrength.BEST_EFFORT,
        "secret": secret,
        "random": lambda size: bytes(range(size)),
    }
    return make_erasure(SUBJECT, reason, **(fields | changes))


def forged(**changes: Any) -> bytes:
    """A receipt that was signed after the changes: only what it says can be wrong. None removes a field."""
    document = json.loads(receipt()) | changes
    del document["signature"]
    document = {name: value for name, value in document.items() if value != "gone"}
    document["signature"] = sign(SIGNER, ERASURE_CONTEXT, canonical(document)).hex()
    return canonical(document)


GOOD: dict[str, bytes] = {
    **{reason.value: receipt(reason) for reason in Ended},
    "clock not trusted, nothing stored": receipt(unix_s=None, epoch=None),
    "erased by hardware": receipt(erase_strength=EraseStrength.HARDWARE),
}
BAD: dict[str, bytes] = {
    "reason changed": receipt().replace(b"withdrawn", b"policy-ended"),
    "time changed": receipt().replace(b"1900000000250", b"1900000000251"),
    "other context": canonical(json.loads(receipt()) | {"signature": sign(SIGNER, "doorward/receipt/1", b"x").hex()}),
    "unknown reason": forged(reason="bored"),
    "unknown field": forged(name="x"),
    "commitment missing": forged(commitment="gone"),
    "short salt": forged(salt="00"),
    "epoch zero": forged(epoch=0),
    "time is text": forged(time_ms="1900000000250"),
    "other schema": forged(schema="doorward/erasure/2"),
    "a key twice": receipt().replace(b'"epoch":1', b'"epoch":1,"epoch":1'),
    "no receipt": b"{}",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_receipt_says_what_was_done_and_to_whom_only_who_knows(name: str) -> None:
    erasure = read_erasure(GOOD[name])
    assert (erasure.site, erasure.device, erasure.key) == (SITE, DEVICE, sign_public(SIGNER).hex())
    assert erasure.concerns(SUBJECT) and not erasure.concerns("p-2")
    assert f'"{SUBJECT}"'.encode() not in GOOD[name]
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(json.loads(GOOD[name]))


@pytest.mark.parametrize("name", BAD)
def test_what_was_changed_or_is_no_receipt_is_refused_in_words(name: str) -> None:
    with pytest.raises(DoorwardError, match=r"^r\.json: "):
        read_erasure(BAD[name], "r.json")


def test_two_receipts_of_one_person_share_nothing() -> None:
    one, two = (json.loads(receipt(random=lambda size, n=n: bytes([n]) * size)) for n in (1, 2))
    assert one["commitment"] != two["commitment"] and one["salt"] != two["salt"]


@settings(max_examples=300)
@given(at=st.integers(0), mask=st.integers(1, 255))
def test_a_changed_byte_is_refused(at: int, mask: int) -> None:
    changed = bytearray(receipt())
    changed[at % len(changed)] ^= mask
    with pytest.raises(DoorwardError):
        read_erasure(bytes(changed))


def test_another_devices_signature_does_not_pass_under_this_key() -> None:
    other = json.loads(receipt(secret=SignSecret(b"\x0a" * 32)))
    with pytest.raises(VaultError, match="signature"):
        read_erasure(canonical(other | {"key": sign_public(SIGNER).hex()}))


def test_schema_and_vectors_are_those_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text()) == erasure_schema(), "run: python -m tests.ledger.test_erasure --write"
    assert json.loads(VECTORS.read_text()) == vectors()


def vectors() -> dict[str, Any]:
    """For other implementations: which receipts hold for `subject`, and which must be refused."""
    return {
        "subject": SUBJECT,
        "good": {name: data.decode() for name, data in GOOD.items()},
        "bad": {name: data.decode() for name, data in BAD.items()},
    }


if __name__ == "__main__" and "--write" in sys.argv:
    for path, content in ((SCHEMA, erasure_schema()), (VECTORS, vectors())):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", "utf-8")
