"""A sealed reference opens on the one device it was made for, for what its person agreed to, and nowhere else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from agent.crypto import BoxSecret, SignSecret, box_public, open_sealed, seal, sign, sign_public
from agent.errors import PolicyError
from agent.gallery import _mint
from agent.gallery.consent import transmissible
from agent.gallery.envelope import (
    ENVELOPE_CONTEXT,
    Delivered,
    EnvelopeFault,
    Recipient,
    consent_of,
    envelope_name,
    open_envelope,
    read_envelope,
    seal_reference,
)
from agent.gallery.epoch import EPOCH_CONTEXT, DeviceEpoch, epoch_json, read_epoch
from agent.gallery.receipt import signed_part
from agent.gallery.reference import ModelIdentity, Reference
from agent.policy.law import Law
from agent.units import DeviceId, Sha256, SiteId
from tests.gallery.given import DEVICE, ISSUER, LENGTH, MODEL, SITE, agreement, reference, vector
from tests.policy.given import NOW_S, iso, law

GATE, BOX, STRANGER = SignSecret(b"\x11" * 32), BoxSecret(b"\x12" * 32), SignSecret(b"\x08" * 32)
NAMED = {DEVICE: sign_public(GATE)}
EPOCH = read_epoch(epoch_json(DEVICE, 3, box_public(BOX), GATE), NAMED)
HERE = Recipient(DEVICE, SITE, 3, BOX, MODEL, LENGTH)
GRANT: dict[str, Any] = {"doors": ["main"], "purposes": ["resident-entry"], "per_day": 2}


def granting(elsewhere: dict[str, Any] | None = GRANT, until: str = iso(NOW_S + 1000), **changes: Any) -> Law:
    entry = {"key": sign_public(ISSUER).hex(), "until": until, "elsewhere": elsewhere}
    return law(enrolment_keys=[entry], **changes)


def agreed(**changes: Any) -> Reference:
    return reference("p-1", vector(1), **({"transmission_consent": True} | changes))


def sealed(made: Reference, to: DeviceEpoch = EPOCH, secret: SignSecret = ISSUER) -> bytes:
    leave = transmissible(made.consent)
    assert leave is not None
    return seal_reference(made, leave, to, secret)


GOOD = sealed(agreed())


def resigned(change: Callable[[dict[str, Any]], Any], secret: SignSecret = ISSUER, context: str = "") -> bytes:
    """What only somebody with an enrolment key can make."""
    document = json.loads(GOOD)
    change(document)
    document["signature"] = sign(secret, context or ENVELOPE_CONTEXT, signed_part(document)).hex()
    return json.dumps(document).encode()


def inside(change: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> bytes:
    """Another content, sealed and signed as it should be."""
    plain = open_sealed(BOX, bytes.fromhex(json.loads(GOOD)["sealed"]))
    assert plain is not None
    size = int.from_bytes(plain[:4], "big")
    receipt, template = change(plain[4 : 4 + size], plain[4 + size :])
    content = seal(EPOCH.box_key, len(receipt).to_bytes(4, "big") + receipt + template)
    return resigned(lambda document: document.update(sealed=content.hex()))


def test_the_device_gets_the_template_and_its_consent() -> None:
    found = open_envelope(GOOD, HERE, granting(), NOW_S)
    assert isinstance(found, Delivered)
    assert np.allclose(found.reference.template.vector, vector(1), atol=1e-6)
    assert (found.reference.consent.subject, found.reference.template.model) == ("p-1", MODEL)
    assert (found.issuer, found.per_day) == (sign_public(ISSUER).hex(), 2)


def test_the_pseudonym_does_not_stand_on_the_server() -> None:
    assert b"p-1" not in GOOD.replace(b"c-p-1", b"")
    assert envelope_name(GOOD, "gate-1").startswith("gate-1.")
    assert "p-1" not in envelope_name(GOOD, "gate-1")
    assert consent_of(GOOD) == "c-p-1" and consent_of(b"{}") is None
    assert "p-1" not in repr(HERE) + repr(open_envelope(GOOD, HERE, granting(), NOW_S))


def test_a_guardian_who_agreed_as_well_lets_a_childs_template_travel() -> None:
    child = agreed(age="under-14", guardian=agreement(transmission_consent=True))
    assert isinstance(open_envelope(sealed(child), HERE, granting(), NOW_S), Delivered)


OTHER_MODEL = ModelIdentity(Sha256("f" * 64), MODEL.runtime)
OTHER_RUNTIME = ModelIdentity(MODEL.sha256, "tflite-runtime 2.14.0")


@pytest.mark.parametrize(
    ("here", "fault"),
    [
        (replace(HERE, device=DeviceId("gate-2")), EnvelopeFault.OTHER_DEVICE),
        (replace(HERE, site=SiteId("pier")), EnvelopeFault.OTHER_SITE),
        (replace(HERE, epoch=4), EnvelopeFault.OTHER_EPOCH),
        (replace(HERE, model=OTHER_MODEL), EnvelopeFault.OTHER_MODEL),
        (replace(HERE, model=OTHER_RUNTIME), EnvelopeFault.OTHER_MODEL),
        (replace(HERE, secret=BoxSecret(b"\x13" * 32)), EnvelopeFault.UNREADABLE),
        (replace(HERE, dimensions=LENGTH + 1), EnvelopeFault.TEMPLATE),
    ],
)
def test_another_device_epoch_or_model_takes_nothing(here: Recipient, fault: EnvelopeFault) -> None:
    assert open_envelope(GOOD, here, granting(), NOW_S) is fault


@pytest.mark.parametrize(
    ("under", "fault"),
    [
        (granting(None), EnvelopeFault.NOT_GRANTED),
        (granting(GRANT | {"doors": ["side"]}), EnvelopeFault.NOT_GRANTED),
        (granting(GRANT | {"purposes": ["staff-entry"]}), EnvelopeFault.NOT_GRANTED),
        (granting(until=iso(NOW_S)), EnvelopeFault.KEY_EXPIRED),
        (law(enrolment_keys=[]), EnvelopeFault.UNSIGNED),
        (granting(site="pier"), EnvelopeFault.OTHER_SITE),
        (granting(purpose="guest-entry", elsewhere=GRANT | {"purposes": ["guest-entry"]}), EnvelopeFault.NOT_IN_FORCE),
    ],
)
def test_the_policy_limits_who_may_send_what(under: Law, fault: EnvelopeFault) -> None:
    assert open_envelope(GOOD, HERE, under, NOW_S) is fault


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (agreed(age="under-14"), EnvelopeFault.NOT_IN_FORCE),
        (agreed(notice_sha256="b" * 64), EnvelopeFault.NOT_IN_FORCE),
        (agreed(purpose="staff-entry"), EnvelopeFault.NOT_IN_FORCE),
    ],
)
def test_a_consent_to_something_else_is_refused(made: Reference, fault: EnvelopeFault) -> None:
    assert open_envelope(sealed(made), HERE, granting(), NOW_S) is fault


def test_a_consent_that_is_over_is_refused() -> None:
    assert open_envelope(GOOD, HERE, granting(), NOW_S + 100) is EnvelopeFault.RECEIPT


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (sealed(agreed(), secret=STRANGER), EnvelopeFault.UNSIGNED),
        (resigned(lambda _: None, STRANGER), EnvelopeFault.UNSIGNED),
        (resigned(lambda _: None, context="doorward/receipt/2"), EnvelopeFault.UNSIGNED),
        (resigned(lambda document: document.update(consent="c-9")), EnvelopeFault.RECEIPT),
        (resigned(lambda document: document.update(photo="no")), EnvelopeFault.MALFORMED),
        (resigned(lambda document: document.update(sealed="0")), EnvelopeFault.MALFORMED),
        (resigned(lambda document: document.update(sealed="00" * 40)), EnvelopeFault.UNREADABLE),
        (inside(lambda receipt, template: (b"{}", template)), EnvelopeFault.RECEIPT),
        (inside(lambda receipt, template: (receipt, template[:-4])), EnvelopeFault.TEMPLATE),
        (inside(lambda receipt, template: (receipt, bytes(len(template)))), EnvelopeFault.TEMPLATE),
        (inside(lambda receipt, template: (receipt, b"\xff" * len(template))), EnvelopeFault.TEMPLATE),
        (
            inside(lambda receipt, template: (reference("p-1", vector(1)).consent.receipt, template)),
            EnvelopeFault.NOT_AGREED,
        ),
        (
            inside(lambda receipt, template: (agreed(devices=["gate-9"]).consent.receipt, template)),
            EnvelopeFault.RECEIPT,
        ),
    ],
)
def test_whoever_signs_the_rest_must_be_right(data: bytes, fault: EnvelopeFault) -> None:
    assert open_envelope(data, HERE, granting(), NOW_S) is fault


def test_without_transmission_consent_there_is_no_leave_and_no_way_round() -> None:
    made = reference("p-1", vector(1))
    assert transmissible(made.consent) is None
    leave = transmissible(agreed().consent)
    assert leave is not None
    with pytest.raises(PolicyError, match="transmission_consent: is of another receipt"):
        seal_reference(made, leave, EPOCH, ISSUER)


def test_nothing_is_sealed_for_a_device_that_the_receipt_does_not_name() -> None:
    with pytest.raises(PolicyError, match="devices: does not name gate-1"):
        sealed(agreed(devices=["gate-9"]))


@settings(max_examples=300)
@given(at=strategies.integers(0, len(GOOD) - 1), bit=strategies.integers(0, 7))
def test_no_flipped_bit_is_taken(at: int, bit: int) -> None:
    data = bytearray(GOOD)
    data[at] ^= 1 << bit
    assert isinstance(open_envelope(bytes(data), HERE, granting(), NOW_S), EnvelopeFault)


@given(strategies.binary(max_size=300))
def test_any_bytes_are_answered(data: bytes) -> None:
    assert open_envelope(data, HERE, granting(), NOW_S) is EnvelopeFault.MALFORMED
    with pytest.raises(PolicyError):
        read_envelope(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{}", "schema"),
        (epoch_json(DeviceId("gate-9"), 1, box_public(BOX), GATE), "names no gate-9"),
        (epoch_json(DEVICE, 1, box_public(BOX), STRANGER), "signature"),
        (epoch_json(DEVICE, 1, box_public(BOX), GATE).replace(b'"epoch": 1', b'"epoch": 2'), "signature"),
        (epoch_json(DEVICE, 0, box_public(BOX), GATE), "epoch"),
    ],
)
def test_an_epoch_is_believed_from_its_own_device_alone(data: bytes, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        read_epoch(data, NAMED)


def test_an_epoch_is_not_made_by_hand() -> None:
    assert (EPOCH.device, EPOCH.epoch, EPOCH.box_key) == (DEVICE, 3, box_public(BOX))
    assert json.loads(epoch_json(DEVICE, 3, EPOCH.box_key, GATE))["schema"] == EPOCH_CONTEXT
    with pytest.raises(TypeError, match="only the gallery"):
        DeviceEpoch(mint=_mint.Mint(), device=DEVICE, epoch=1, box_key=box_public(BOX))
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(EPOCH)
