"""Varied chips: always the same, wide in light and shape, and still faces to the embedder's eye most of the time."""

from __future__ import annotations

import numpy as np

from agent.adapters.litert import LoadedModel
from agent.face.align import CHIP_SIDE, chip
from agent.face.detect import Finder
from agent.models.manifest import read_manifest
from agent.models.vary import varied
from agent.scene.cast import Cast
from tests.models.given import CAST, MODELS


def test_chips_are_varied_widely_and_always_the_same_way() -> None:
    manifest, cast = read_manifest(MODELS), Cast(CAST)
    find = Finder(LoadedModel.load(manifest.model("detector"), MODELS).run).find
    pictures = [cast.seen(cast.sprites[name]) for name in ("p1-calibrate-1", "p3-calibrate-2", "p5-calibrate-1")]
    plain = [chip(picture, find(picture)[0]) for picture in pictures]
    before = [each.copy() for each in plain]
    made = varied(plain, 60)
    assert made.shape == (60, CHIP_SIDE, CHIP_SIDE, 3) and made.dtype == np.uint8
    assert np.array_equal(made, varied(plain, 60))
    assert all(np.array_equal(one, other) for one, other in zip(plain, before, strict=True))
    assert len({each.tobytes() for each in made}) == 60
    light = made.reshape(60, -1).mean(axis=1)
    assert light.min() < 60 and light.max() > 170
    embed = LoadedModel.load(manifest.model("embedder"), MODELS).run
    vectors = np.array([embed(each)[0] for each in (*plain, *made)])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    nearest = (units[len(plain) :] @ units[: len(plain)].T).max(axis=1)
    assert 0.2 < float(np.median(nearest)) < 0.9, "often a face of the three, never just a copy"
