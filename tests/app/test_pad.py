"""A model that tells prints and screens and cannot be used is reported and left out; a device goes on without it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from agent.adapters.litert import LoadedModel, load_models
from agent.app.pad import PadOnDemand, open_pad
from agent.face.pad import BonaFide, Suspicion, judge_face
from agent.policy.bundle import PolicyDocument
from agent.policy.pad import Pad
from agent.units import Box
from tests.face.given import frame, opted_in
from tests.models.given import MODELS
from tests.policy.given import law

ANY = Pad(label="simulated", threshold=1e-9)
"""Whatever the model says is enough, if it says anything."""
LOOK, FACE = frame(np.full((480, 640, 3), 120, np.uint8)), Box(200.0, 150.0, 400.0, 350.0)


def test_the_shipped_one_is_opened_without_a_word() -> None:
    said: list[str] = []
    found = open_pad(MODELS, said.append)
    assert found is not None and found.role == "pad" and said == []


def test_one_that_is_missing_or_changed_is_reported_and_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    shutil.copytree(MODELS, folder)
    path, said = folder / "pad.tflite", list[str]()
    path.write_bytes(path.read_bytes()[:-1])
    assert open_pad(folder, said.append) is None
    path.unlink()
    assert open_pad(folder, said.append) is None
    changed, missing = said
    assert changed.startswith(f"{path}: sha256: is not the one in the manifest")
    assert missing.startswith(f"{path}: cannot be read (No such file")


def asking(pad: bool) -> PolicyDocument:
    return law(**({"pad": {"label": "simulated", "threshold": 0.5}} if pad else {})).policy.document


def test_it_is_loaded_once_and_under_the_first_policy_that_asks_for_it() -> None:
    opened: list[LoadedModel | None] = []

    def open_model() -> LoadedModel | None:
        opened.append(open_pad(MODELS, lambda line: None))
        return opened[-1]

    pad = PadOnDemand(*load_models(MODELS), open_model)
    assert pad.held(None).pad is None and pad.held(asking(False)).pad is None and not opened
    assert judge_face(LOOK, opted_in(FACE), ANY, pad) is Suspicion.NOT_JUDGED
    (first, second), (found,) = (pad.held(asking(True)), pad.held(asking(False))), opened
    assert found is not None and first == second and first.pad == found.sha256
    assert set(found.declares) <= first.outputs
    assert isinstance(judge_face(LOOK, opted_in(FACE), ANY, pad), BonaFide)


def test_one_that_cannot_be_used_is_not_tried_again_and_lets_nobody_in() -> None:
    tried: list[None] = []
    pad = PadOnDemand(*load_models(MODELS), lambda: tried.append(None))
    for _ in range(3):
        assert pad.held(asking(True)).pad is None
    assert len(tried) == 1
    assert judge_face(LOOK, opted_in(FACE), ANY, pad) is Suspicion.NOT_JUDGED
