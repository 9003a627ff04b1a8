"""Finished files become a folder of models: all or nothing, and an old evaluation holds only for the very same file."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from agent.adapters.litert import LoadedModel, load_models
from agent.errors import ConfigError, DeviceError
from agent.face.detect import Infer
from agent.models import card, write
from agent.models.build import CARD, build, note, note_pad, place
from agent.models.evaluate import Evaluation
from agent.models.manifest import NAME, ModelEntry, read_manifest
from agent.models.sources import PICTURES
from tests.models.faces import make_faces
from tests.models.given import CAST, MODELS

DETECTOR, EMBEDDER = (MODELS / "detector.tflite").read_bytes(), (MODELS / "embedder.tflite").read_bytes()
PAD = (MODELS / "pad.tflite").read_bytes()


def load(entry: ModelEntry, folder: Path) -> Infer:
    return LoadedModel.load(entry, folder).run


def placed(
    out: Path, detector: bytes = DETECTOR, embedder: bytes = EMBEDDER, faces: Path | None = None, pad: bytes = PAD
) -> list[str]:
    """Runs `place`; gives what it said."""
    said: list[str] = []
    place(out, (detector, embedder, pad), CAST, faces, load, said.append)
    return said


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    shutil.copytree(MODELS, tmp_path / "models")
    return tmp_path / "models"


def test_the_committed_files_give_the_committed_manifest_and_card(out: Path) -> None:
    placed(out)
    made, before = read_manifest(out), read_manifest(MODELS)
    assert made.models == before.models
    # The cast's own point is computed again, here on perhaps another processor: see test_committed.
    assert made.operating_points[0] == before.operating_points[0]
    assert made.operating_points[1].label == "synthetic-cast"
    assert (out / CARD).read_text("utf-8") == card.text(made)
    assert (out / NAME).read_text("utf-8") == write.text(made)
    assert set(content(out)) == set(content(MODELS))
    assert load_models(out)[0].sha256 == hashlib.sha256(DETECTOR).hexdigest()


def test_a_new_embedder_without_faces_is_refused_and_all_stays_as_it_was(out: Path) -> None:
    with pytest.raises(DeviceError) as caught:
        placed(out, embedder=EMBEDDER + b"\0")
    assert str(caught.value) == (
        "models: operating_point real: the embedder has changed since it was evaluated; "
        "build again with --faces and a folder of evaluation pictures"
    )
    assert content(out) == content(MODELS)


def test_the_first_build_needs_faces(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="operating_point real"):
        placed(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_new_detector_loses_its_old_figures(out: Path) -> None:
    placed(out, detector=DETECTOR + b"\0")
    made, before = read_manifest(out), read_manifest(MODELS)
    assert made.model("detector").sha256 != before.model("detector").sha256
    assert made.model("detector").figures == ()
    assert made.model("embedder") == before.model("embedder")
    assert made.operating_points[0] == before.operating_points[0]
    assert "This very file was not evaluated." in (out / CARD).read_text("utf-8")


def test_a_new_detection_of_attacks_loses_its_threshold(out: Path) -> None:
    assert len(read_manifest(out).pad_points) == 1
    placed(out, pad=PAD + b"\0")
    assert read_manifest(out).pad_points == ()


def test_a_threshold_for_attacks_is_noted_and_the_rest_stays(out: Path) -> None:
    before = read_manifest(out)
    (point,) = before.pad_points
    made = note_pad(out, replace(point, threshold=0.25))
    assert replace(made, pad_points=before.pad_points) == before
    assert made.pad_threshold("simulated") == 0.25
    assert "threshold 0.25" in (out / CARD).read_text("utf-8")
    with pytest.raises(DeviceError, match="pad_point: none is labelled 'real'"):
        made.pad_threshold("real")


def test_an_old_manifest_that_breaks_a_rule_is_no_evaluation(out: Path) -> None:
    (out / NAME).write_text("version = 2\n")
    with pytest.raises(DeviceError, match="operating_point real"):
        placed(out)


def test_faces_give_new_figures_and_a_new_point(out: Path, tmp_path: Path) -> None:
    said = placed(out, faces=make_faces(tmp_path / "invented"))
    assert said == ["choosing the synthetic cast's threshold", "evaluating 201 pictures of invented"]
    made, before = read_manifest(out), read_manifest(MODELS)
    assert {figure.data for figure in made.model("detector").figures} == {"invented"}
    assert made.model("embedder").figures != before.model("embedder").figures
    assert [point.label for point in made.operating_points] == ["real", "synthetic-cast"]
    assert made.threshold("real") != before.threshold("real")
    assert (out / NAME).read_text("utf-8") == write.text(made)
    assert (out / CARD).read_text("utf-8") == card.text(made)
    load_models(out)


def test_a_new_evaluation_of_the_same_files_is_noted_and_the_rest_stays(out: Path) -> None:
    before = read_manifest(out)
    old = before.operating_points[0]
    point = replace(old, threshold=0.6, search=old.search[:1])
    made = note(out, Evaluation({"detector": ()}, {"real": point}))
    assert made.operating_points == (point, before.operating_points[1])
    assert made.models == before.models, "figures that are not new stay"
    assert (out / CARD).read_text("utf-8") == card.text(made)
    assert set(content(out)) == set(content(MODELS))
    load_models(out)


def test_a_folder_that_cannot_be_written_is_named(out: Path, tmp_path: Path) -> None:
    (out / CARD).unlink()
    (out / CARD).mkdir()
    (out / CARD / "kept").touch()
    before = (out / NAME).read_bytes()
    with pytest.raises(DeviceError, match="cannot be written"):
        note(out, Evaluation())
    assert (out / NAME).read_bytes() == before


def test_faulty_faces_change_nothing(out: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"images\.csv: cannot be read"):
        placed(out, faces=tmp_path / "nowhere")
    assert content(out) == content(MODELS)


def test_until_the_manifest_is_in_place_the_old_one_refuses_the_new_files(out: Path) -> None:
    (out / "detector.tflite").write_bytes(DETECTOR + b"\0")  # as if stopped after the first replacement
    with pytest.raises(DeviceError, match=r"detector\.tflite: sha256: "):
        load_models(out)


def test_a_package_that_is_another_one_is_not_built_from(out: Path, tmp_path: Path) -> None:
    archives = tmp_path / "archives"
    archives.mkdir()
    (archives / PICTURES.archive).write_bytes(b"another archive")
    said: list[str] = []
    with pytest.raises(DeviceError, match=f"{PICTURES.archive}: sha256: is not the archive that was reviewed"):
        build(out, archives, CAST, None, load, said.append)
    assert len(said) == 1 and PICTURES.name in said[0]
    assert content(out) == content(MODELS)
    assert os.listdir(archives) == [PICTURES.archive]
