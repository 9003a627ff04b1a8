"""The authority publishes what its own keys sealed for its own devices, and may be taken, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from agent.crypto import sign
from agent.errors import ConfigError
from agent.gallery.envelope import ENVELOPE_CONTEXT
from agent.gallery.receipt import signed_part
from agent.site.enrolments import enrolment_target
from bench.people.hostile import Town

TOWN = Town(seed=3)
GOOD = TOWN.envelope(TOWN.receipt("p-1"))


def test_its_path_begins_with_the_device_and_names_nobody() -> None:
    path, data = enrolment_target(GOOD, TOWN.policy, "sealed.json")
    assert path.startswith("enrolment/gate-1.") and "p-1" not in path and data == GOOD


def _other(field: str, value: str) -> bytes:
    document = json.loads(GOOD) | {field: value}
    document["signature"] = sign(TOWN.secret, ENVELOPE_CONTEXT, signed_part(document)).hex()
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"{}", "schema"),
        (lambda: _other("device", "gate-9"), "does not name"),
        (lambda: _other("site", "pier"), "does not name"),
        (lambda: GOOD.replace(b'"epoch": 1', b'"epoch": 2'), "signature"),
        (lambda: _other("key", "0" * 64), "signature"),
    ],
)
def test_what_no_device_would_take_is_not_published(make: Callable[[], bytes], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        enrolment_target(make(), TOWN.policy, "sealed.json")


def test_a_key_that_may_not_enrol_elsewhere_is_named() -> None:
    keys = tuple(each.model_copy(update={"elsewhere": None}) for each in TOWN.policy.enrolment_keys)
    with pytest.raises(ConfigError, match="may not enrol elsewhere"):
        enrolment_target(GOOD, TOWN.policy.model_copy(update={"enrolment_keys": keys}), "sealed.json")
