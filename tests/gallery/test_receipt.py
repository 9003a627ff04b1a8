"""The receipt's form: a schema that real receipts meet, and vectors, good and bad, that other programs can be held to.

`python -m tests.gallery.test_receipt --write` writes schemas and vectors anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent.crypto import SignSecret
from agent.errors import PolicyError
from agent.gallery.consent import read_receipt
from agent.gallery.receipt import PURPOSE_IRI, WithdrawalRoute, schemas
from agent.policy.fields import Purpose
from tests.gallery.given import ISSUERS, agreement, receipt
from tests.policy.given import NOW_S, iso

SCHEMAS = Path(__file__).resolve().parents[2] / "agent" / "gallery" / "schemas"
VECTORS = Path(__file__).resolve().parent / "receipts"
STRANGER = SignSecret(b"\x08" * 32)
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "two-purposes": ({"purpose": ["resident-entry", "staff-entry"]}, "purpose"),
    "purpose-and-term-differ": ({"purpose_iri": "https://w3id.org/dpv#Marketing"}, "purpose_iri"),
    "other-basis": ({"basis": "https://w3id.org/dpv#LegitimateInterest"}, "basis"),
    "a-name": ({"subject": "Pat Smith"}, "subject"),
    "no-devices": ({"devices": []}, "devices"),
    "two-events": ({"events": [json.loads(receipt())["events"][0]] * 2}, "events"),
    "over": ({"given": iso(NOW_S - 200), "until": iso(NOW_S - 100)}, "expired"),
    "without-withdrawal": ({"withdrawal": None}, "withdrawal"),
    "pseudonym-for-guardian": ({"age": "under-14", "guardian": "g-ann"}, "guardian"),
    "guardian-of-another": ({"age": "under-14", "guardian": agreement(subject="p-2")}, "guardian.agreement.subject"),
    "guardian-unsigned": ({"age": "under-14", "guardian": agreement(signature="0" * 128)}, "signature"),
    "unsigned": ({"signature": "0" * 128}, "signature"),
    "first-form": ({"schema": "doorward/receipt/1"}, "schema"),
    "extra-field": ({"photo": "no"}, "photo"),
}


def vectors() -> dict[str, bytes]:
    """File name -> receipt; the good ones are in force at `NOW_S` for the key of given.py."""
    child = {"age": "under-14", "guardian": agreement(transmission_consent=True), "transmission_consent": True}
    made = {"good-adult": receipt(), "good-child": receipt(**child), "bad-stranger": receipt(STRANGER)}
    made |= {f"bad-{name}": receipt(**changes) for name, (changes, _) in BAD.items()}
    return {f"{name}.json": json.dumps(json.loads(data), indent=1).encode() + b"\n" for name, data in made.items()}


def test_the_files_are_what_is_made_now() -> None:
    assert {path.name: path.read_bytes() for path in VECTORS.iterdir()} == vectors()
    assert {path.stem: json.loads(path.read_text("utf-8")) for path in SCHEMAS.iterdir()} == schemas()


@pytest.mark.parametrize("name", ["good-adult", "good-child"])
def test_good_vectors_are_read_and_meet_the_schema(name: str) -> None:
    data = vectors()[f"{name}.json"]
    found = read_receipt(data, ISSUERS, NOW_S)
    assert (found.subject, found.transmission) == ("p-1", name == "good-child")
    jsonschema.validate(json.loads(data), schemas()["receipt"])
    if name == "good-child":
        jsonschema.validate(json.loads(data)["guardian"]["agreement"], schemas()["guardian"])


@pytest.mark.parametrize("name", BAD)
def test_bad_vectors_are_refused_by_their_field(name: str) -> None:
    with pytest.raises(PolicyError, match=BAD[name][1]):
        read_receipt(vectors()[f"bad-{name}.json"], ISSUERS, NOW_S)
    with pytest.raises(PolicyError, match="no such enrolment key"):
        read_receipt(vectors()["bad-stranger.json"], ISSUERS, NOW_S)


@pytest.mark.parametrize("name", ["two-purposes", "no-devices", "a-name", "first-form", "extra-field"])
def test_the_schema_alone_refuses_what_is_wrong_in_form(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(vectors()[f"bad-{name}.json"]), schemas()["receipt"])


def test_every_purpose_has_a_term_and_the_words_of_the_routes_stay() -> None:
    assert set(PURPOSE_IRI) == set(Purpose)
    assert all(iri.startswith("https://w3id.org/dpv#") for iri in PURPOSE_IRI.values())
    assert [route.value for route in WithdrawalRoute] == ["door-code", "operator", "authority"]


if __name__ == "__main__" and "--write" in sys.argv:
    for folder in (SCHEMAS, VECTORS):
        folder.mkdir(exist_ok=True)
    for stem, schema in schemas().items():
        (SCHEMAS / f"{stem}.json").write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n", "utf-8")
    for name, data in vectors().items():
        (VECTORS / name).write_bytes(data)
