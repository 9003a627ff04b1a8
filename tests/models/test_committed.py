"""The committed model files: int8 through and through, they find the cast's faces, and they tell the people apart."""

from __future__ import annotations

import hashlib
import tomllib

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from agent.adapters.litert import LoadedModel
from agent.face.align import inter_eye_px, yaw_deg
from agent.models.evaluate import MARGIN_MIN, Eyes, cast_scores, on_cast
from agent.models.manifest import ModelEntry, read_manifest
from agent.scene.cast import Cast, Sprite
from tests.models.given import CAST, MODELS, tensors

MANIFEST = read_manifest(MODELS)
SPRITES = Cast(CAST).file.sprite


@pytest.fixture(scope="module")
def eyes() -> Eyes:
    detector, embedder = (LoadedModel.load(entry, MODELS).run for entry in MANIFEST.models[:2])
    return Eyes(detector, embedder)


@pytest.fixture(scope="module")
def cast() -> Cast:
    return Cast(CAST)


@pytest.mark.parametrize("entry", MANIFEST.models, ids=lambda entry: entry.role)
def test_every_tensor_is_int8_or_a_stored_int32(entry: ModelEntry) -> None:
    data = (MODELS / entry.file).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry.sha256
    found = tensors(data)
    activations = [name for name, _, stored in found if not stored]
    assert len(activations) > 50
    for name, kind, stored in found:
        assert kind == schema.TensorType.INT8 or (stored and kind == schema.TensorType.INT32), name


def test_nothing_lies_beside_the_models() -> None:
    listed = {model.file for model in MANIFEST.models}
    assert {path.name for path in MODELS.iterdir()} == listed | {"manifest.toml", "MODEL_CARD.md"}


@pytest.mark.parametrize("sprite", SPRITES, ids=lambda sprite: sprite.id)
def test_the_face_of_every_sprite_is_found_where_it_is(eyes: Eyes, cast: Cast, sprite: Sprite) -> None:
    face = eyes.face(cast.seen(sprite))
    assert face is not None
    wide = sprite.face[2] - sprite.face[0]
    box = (face.box.x0, face.box.y0, face.box.x1, face.box.y1)
    assert np.abs(np.array(box) - sprite.face).max() <= 0.05 * wide
    left, right = np.array(sprite.eyes)
    between = float(np.hypot(*(right - left)))
    assert np.abs(face.landmarks[:2] - (left, right)).max() <= 0.1 * between
    assert inter_eye_px(face) == pytest.approx(between, rel=0.1)
    assert abs(yaw_deg(face)) < 20
    assert face.score > 0.5


def test_the_cast_is_told_apart_with_a_margin(eyes: Eyes, cast: Cast) -> None:
    genuine, wrong = cast_scores(eyes, cast, ("calibrate", "scene"))
    enrolled = {sprite.person for sprite in cast.of("enrol")}
    shown = [sprite for sprite in SPRITES if sprite.use in ("calibrate", "scene")]
    assert len(genuine) == sum(sprite.person in enrolled for sprite in shown)
    assert len(genuine) + len(wrong) == len(shown) * len(enrolled)
    assert min(genuine) - max(wrong) >= MARGIN_MIN
    threshold = MANIFEST.threshold("synthetic-cast")
    assert max(wrong) + 0.01 < threshold < min(genuine) - 0.01


def test_the_manifest_s_point_of_the_cast_is_what_is_computed_again(eyes: Eyes, cast: Cast) -> None:
    (point,) = (point for point in MANIFEST.operating_points if point.label == "synthetic-cast")
    again = on_cast(eyes, cast, MANIFEST.model("embedder").sha256)
    assert (again.label, again.embedder, again.chosen) == (point.label, point.embedder, point.chosen)
    # Another processor's int8 kernels may round a step differently.
    assert again.threshold == pytest.approx(point.threshold, abs=0.005)
    for computed, written in zip(again.figures, point.figures, strict=True):
        assert (computed.data, computed.name, computed.of) == (written.data, written.name, written.of)
        assert computed.value == pytest.approx(written.value, abs=0.01)


def test_the_example_policy_has_the_manifest_s_thresholds() -> None:
    (point,) = (point for point in MANIFEST.operating_points if point.label == "real")
    with (MODELS.parent / "device_config" / "policy.toml").open("rb") as file:
        signed = tomllib.load(file)["operating_point"]
    assert (signed["label"], signed["threshold"]) == ("real", point.threshold)
    steps = [(step["people"], step["threshold"]) for step in signed["search"]]
    assert steps == [step for step in point.steps(1e-2) if step[0] >= steps[0][0]]
