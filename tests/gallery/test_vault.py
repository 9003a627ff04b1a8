"""A row opens in its own context and in no other, and what is in it cannot be read without both keys."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from agent.crypto import decrypt, encrypt
from agent.errors import PolicyError, VaultError
from agent.gallery.reference import ModelIdentity, Reference
from agent.gallery.vault import Rotation, VaultContext, VaultKeys, VaultRow, associated, consent_of, lock, unlock
from agent.units import ConsentId, DeviceId, Sha256, SiteId, SubjectId
from tests.gallery.given import CONTEXT, ISSUER, KEYS, LENGTH, MODEL, ROTATION, receipt, reference, vector
from tests.policy.given import NOW_S, iso


def row(**changes: Any) -> VaultRow:
    return lock(reference("p-1", vector(1), **changes), CONTEXT, KEYS)


def test_opens_to_the_rotated_template_and_its_consent() -> None:
    opened = unlock(row(), CONTEXT, KEYS)
    assert np.allclose(opened.rotated, ROTATION.apply(vector(1)), atol=1e-6)
    assert (opened.consent.subject, opened.model, opened.epoch) == ("p-1", MODEL, 1)
    assert abs(float(opened.rotated @ vector(1))) < 0.9, "the template must not lie there as it was"


def test_a_rotation_made_before_gives_the_same_row() -> None:
    made = lock(reference("p-1", vector(1)), CONTEXT, KEYS, ROTATION)
    assert np.array_equal(unlock(made, CONTEXT, KEYS).rotated, unlock(row(), CONTEXT, KEYS).rotated)


def test_two_rows_of_one_person_have_nothing_in_common() -> None:
    one, two = row().sealed, row().sealed
    assert not {one[at : at + 16] for at in range(len(one) - 16)} & {two[at : at + 16] for at in range(len(two) - 16)}


def test_the_consent_alone_is_read_whatever_model_is_in_use_but_not_with_another_key() -> None:
    consent = consent_of(row(age="14-15"), KEYS)
    assert (consent.subject, consent.age.value) == ("p-1", "14-15")
    with pytest.raises(VaultError, match="wrong key or changed bytes"):
        consent_of(row(), VaultKeys(b"\x09" * 32, KEYS.gallery))
    with pytest.raises(VaultError, match="wrong key or changed bytes"):
        consent_of(replace(row(), model_sha256=Sha256("f" * 64)), KEYS)


OTHER: list[tuple[str, VaultContext | None, VaultKeys]] = [
    ("device", replace(CONTEXT, device=DeviceId("gate-2")), KEYS),
    ("gallery", replace(CONTEXT, gallery=SiteId("pier")), KEYS),
    ("epoch", replace(CONTEXT, epoch=2), KEYS),
    ("model", replace(CONTEXT, model=ModelIdentity(Sha256("f" * 64), MODEL.runtime)), KEYS),
    ("runtime", replace(CONTEXT, model=ModelIdentity(MODEL.sha256, "tflite-runtime 2.14.0")), KEYS),
    ("wrong key", CONTEXT, VaultKeys(b"\x09" * 32, KEYS.gallery)),
]


@pytest.mark.parametrize(("field", "context", "keys"), OTHER, ids=[name for name, *_ in OTHER])
def test_does_not_open_elsewhere(field: str, context: VaultContext, keys: VaultKeys) -> None:
    with pytest.raises(VaultError, match=field):
        unlock(row(), context, keys)


@pytest.mark.parametrize(("field", "context", "keys"), OTHER[:-1], ids=[name for name, *_ in OTHER[:-1]])
def test_does_not_open_when_it_is_relabelled(field: str, context: VaultContext, keys: VaultKeys) -> None:
    labels = {
        "device": context.device,
        "gallery": context.gallery,
        "epoch": context.epoch,
        "model_sha256": context.model.sha256,
        "runtime": context.model.runtime,
    }
    with pytest.raises(VaultError, match="wrong key or changed bytes"):
        unlock(replace(row(), **labels), context, keys)


@pytest.mark.parametrize("swap", [{"subject": SubjectId("p-2")}, {"consent_id": ConsentId("c-2")}])
def test_does_not_open_for_another_person(swap: dict[str, Any]) -> None:
    with pytest.raises(VaultError, match="wrong key or changed bytes"):
        unlock(replace(row(), **swap), CONTEXT, KEYS)


@settings(max_examples=300)
@given(at=strategies.integers(min_value=0), mask=strategies.integers(1, 255))
def test_no_changed_byte_opens(at: int, mask: int) -> None:
    whole = _ROW
    data = bytearray(whole.sealed)
    data[at % len(data)] ^= mask
    with pytest.raises(VaultError):
        unlock(replace(whole, sealed=bytes(data)), CONTEXT, KEYS)


@pytest.mark.parametrize("cut", [0, 1, 23, 24, 40, 100])
def test_no_cut_row_opens(cut: int) -> None:
    with pytest.raises(VaultError):
        unlock(replace(_ROW, sealed=_ROW.sealed[:cut]), CONTEXT, KEYS)


def resealed(change: Callable[[bytes, bytes], tuple[bytes, bytes]], **labels: Any) -> VaultRow:
    """A row with another content under the right keys: what only a fault of ours, or a thief of the keys, can make."""
    plain = decrypt(KEYS.vault, _ROW.sealed, associated(_ROW))
    assert plain is not None
    size = int.from_bytes(plain[:4], "big")
    document, rotated = change(plain[4 : 4 + size], plain[4 + size :])
    labelled = replace(_ROW, **labels)
    content = len(document).to_bytes(4, "big") + document + rotated
    return replace(labelled, sealed=encrypt(KEYS.vault, content, associated(labelled)))


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (resealed_row, rule)
        for resealed_row, rule in [
            (lambda: resealed(lambda receipt, rotated: (b"{}", rotated)), "receipt"),
            (lambda: resealed(lambda _, rotated: (receipt(subject="p-2"), rotated)), "another person"),
            (lambda: resealed(lambda _, rotated: (receipt(id="c-p-1", devices=["gate-9"]), rotated)), "does not fit"),
            (lambda: resealed(lambda receipt, rotated: (receipt, rotated[:-4])), "does not fit"),
            (lambda: resealed(lambda receipt, rotated: (receipt, b"\x00" * len(rotated))), "does not fit"),
            (lambda: resealed(lambda receipt, rotated: (receipt, b"\xff" * len(rotated))), "does not fit"),
        ]
    ],
)
def test_content_that_contradicts_itself_is_refused(wrong: Callable[[], VaultRow], rule: str) -> None:
    with pytest.raises(VaultError, match=rule):
        unlock(wrong(), CONTEXT, KEYS)


def test_a_vector_that_is_no_row_of_floats_is_refused() -> None:
    with pytest.raises(VaultError, match="does not fit"):
        unlock(resealed(lambda receipt, rotated: (receipt, rotated[:-1])), CONTEXT, KEYS)


def test_a_consent_is_kept_where_it_covers_the_device_only() -> None:
    elsewhere: Reference = reference("p-1", vector(1), devices=["gate-9"])
    with pytest.raises(PolicyError, match="devices"):
        lock(elsewhere, CONTEXT, KEYS)
    with pytest.raises(PolicyError, match="site"):
        lock(reference("p-1", vector(1), site="pier"), CONTEXT, KEYS)
    with pytest.raises(VaultError, match="another model or runtime"):
        lock(reference("p-1", vector(1)), OTHER[3][1] or CONTEXT, KEYS)


def test_an_expired_consent_still_opens_so_that_it_can_be_erased() -> None:
    past = receipt(ISSUER, id="c-p-1", given=iso(NOW_S - 100), until=iso(NOW_S - 50))
    assert unlock(resealed(lambda _, rotated: (past, rotated)), CONTEXT, KEYS).consent.until_s == NOW_S - 50


def test_no_two_contexts_encode_alike() -> None:
    one = replace(_ROW, subject=SubjectId("ab"), consent_id=ConsentId("c"))
    two = replace(_ROW, subject=SubjectId("a"), consent_id=ConsentId("bc"))
    assert associated(one) != associated(two)
    assert associated(_ROW).startswith(b"\x00\x00\x00\x10doorward/vault/1")


@pytest.mark.parametrize("length", [2, 32, 192])
def test_the_rotation_keeps_angles(length: int) -> None:
    turn = Rotation(KEYS.gallery, 1, length)
    one, two = vector(1, length), vector(2, length)
    assert float(turn.apply(one) @ turn.apply(two)) == pytest.approx(float(one @ two), abs=2e-6)
    assert float(np.linalg.norm(turn.apply(one))) == pytest.approx(1.0, abs=1e-6)


def test_another_key_epoch_or_length_is_another_rotation() -> None:
    turned = ROTATION.apply(vector(1))
    for other in (Rotation(b"\x03" * 32, 1, LENGTH), Rotation(KEYS.gallery, 2, LENGTH)):
        assert abs(float(other.apply(vector(1)) @ turned)) < 0.7
    assert Rotation(KEYS.gallery, 1, LENGTH + 1).dimensions == LENGTH + 1


def test_the_rotation_is_the_same_everywhere() -> None:
    """The stated recipe, worked out once; a gallery written on one machine must be searched on another."""
    made = Rotation(bytes(range(32)), 7, 8).apply(np.eye(8, dtype=np.float32)[0])
    assert made == pytest.approx(RECIPE, abs=1e-6)


def test_a_rotation_is_not_copied_or_shown() -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.deepcopy(ROTATION)
    assert repr(ROTATION) == "<Rotation>"
    assert hashlib.sha256(KEYS.vault).hexdigest() not in repr(KEYS)
    assert "p-1" not in repr(_ROW)


_ROW = row()
RECIPE = [-0.1794304, 0.4974492, 0.2791868, 0.1422409, 0.4456684, 0.4625511, -0.1585179, -0.4294991]
