"""Evaluation: people and not pictures are split, rates are what counting gives, and a faulty folder is named."""

from __future__ import annotations

import hashlib
import itertools
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.adapters.litert import LoadedModel
from agent.errors import ConfigError, DeviceError
from agent.face.detect import Finder, Floats, Infer
from agent.models.evaluate import (
    FMR,
    Eyes,
    cast_scores,
    evaluate,
    on_cast,
    on_faces,
)
from agent.models.faceset import Faces, read_faces
from agent.models.manifest import read_manifest
from agent.models.rates import threshold_at
from agent.scene.cast import Cast
from agent.units import Rgb
from tests.models.faces import make_faces
from tests.models.given import CAST, MODELS

MANIFEST = read_manifest(MODELS)
EMBEDDER = MANIFEST.model("embedder").sha256


def remembered(infer: Infer) -> Infer:
    """The same model, asked once for each picture: several tests look at the same two hundred."""
    known: dict[bytes, tuple[Floats, ...]] = {}

    def ask(picture: Rgb) -> tuple[Floats, ...]:
        key = picture.tobytes()
        if key not in known:
            known[key] = infer(picture)
        return known[key]

    return ask


DETECT = remembered(LoadedModel.load(MANIFEST.model("detector"), MODELS).run)
EMBED = remembered(LoadedModel.load(MANIFEST.model("embedder"), MODELS).run)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_faces(tmp_path_factory.mktemp("faces") / "invented")


@pytest.fixture(scope="module")
def faces(folder: Path) -> Faces:
    return read_faces(folder)


@pytest.fixture(scope="module")
def templates(faces: Faces) -> list[Floats | None]:
    eyes = Eyes(DETECT, EMBED)
    return [eyes.template(np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])) for path in faces.files]


class TestOnFaces:
    def test_people_are_split_and_every_rate_is_what_counting_gives(
        self, faces: Faces, templates: list[Floats | None]
    ) -> None:
        figures, point = on_faces(Eyes(DETECT, EMBED), faces, EMBEDDER, lambda line: None)

        def half(subject: str) -> int:
            return int(hashlib.sha256(subject.encode()).hexdigest()[1], 16) & 1

        assert 20 < sum(half(subject) for subject in set(faces.subjects)) < 80
        same: dict[int, list[float]] = {0: [], 1: []}
        other: dict[int, list[float]] = {0: [], 1: []}
        seen = [(t, s) for t, s in zip(templates, faces.subjects, strict=True) if t is not None]
        for (one, first), (two, second) in itertools.combinations(seen, 2):
            if half(first) == half(second):
                (same if first == second else other)[half(first)].append(float(one @ two))
        threshold = threshold_at(np.array(other[0], np.float32), FMR)
        assert point.threshold == pytest.approx(threshold, abs=1e-3)  # rounded up
        by_name = {figure.name: figure for figure in (*point.figures, *figures["embedder"], *figures["detector"])}
        assert by_name["false match rate"].of == len(other[1])
        assert by_name["true match rate"].of == len(same[1])
        rate = np.mean(np.array(same[1]) >= point.threshold)
        assert by_name["true match rate"].value == pytest.approx(rate, abs=0.02)
        for share in (1e-3, 1e-4):
            own = threshold_at(np.array(other[1], np.float32), share)
            rate = np.mean(np.array(same[1], np.float32) >= own)
            assert by_name[f"true match rate at false match rate {share:g}"].value == pytest.approx(rate, abs=0.02)
        missed = sum(template is None for template in templates)
        assert missed >= 1
        assert by_name["failure to acquire"].value == pytest.approx(missed / len(templates), abs=1e-5)
        assert by_name["failure to acquire"].of == len(templates)
        assert {figure.data for figure in point.figures} == {"invented, people outside the calibration half"}
        assert (point.label, point.embedder) == ("real", EMBEDDER)

    def test_the_order_of_the_list_changes_nothing(self, faces: Faces) -> None:
        few = Faces(faces.name, faces.files[:60], faces.subjects[:60])
        turned = Faces(faces.name, few.files[::-1], few.subjects[::-1])
        eyes = Eyes(DETECT, EMBED)
        assert on_faces(eyes, few, EMBEDDER, print) == on_faces(eyes, turned, EMBEDDER, print)

    def test_a_set_without_faces_proves_nothing(self, faces: Faces, folder: Path) -> None:
        walls = Faces("walls", (folder / "wall.png",) * 4, ("a", "b", "a", "b"))
        with pytest.raises(ConfigError, match="walls: faces: none is found in any picture"):
            on_faces(Eyes(DETECT, EMBED), walls, EMBEDDER, lambda line: None)

    def test_two_people_are_too_few_for_pairs_in_both_halves(self, faces: Faces) -> None:
        few = Faces("few", faces.files[:4], faces.subjects[:4])
        with pytest.raises(ConfigError, match="few: faces: too few are found"):
            on_faces(Eyes(DETECT, EMBED), few, EMBEDDER, lambda line: None)

    def test_a_file_that_is_no_picture_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_text("not a picture")
        with pytest.raises(ConfigError, match=re.escape(f"{tmp_path / 'a.png'}: is not a picture")):
            on_faces(Eyes(DETECT, EMBED), Faces("x", (tmp_path / "a.png",), ("a",)), EMBEDDER, lambda line: None)


def changed_cast(folder: Path, **pictures: Rgb) -> Cast:
    """The cast with some sprites drawn anew."""
    shutil.copytree(CAST, folder)
    text = (folder / "cast.toml").read_text("utf-8")
    for name, picture in pictures.items():
        sprite = Cast(CAST).sprites[name.replace("_", "-")]
        path = folder / sprite.file
        cv2.imwrite(str(path), picture)
        text = text.replace(sprite.sha256, hashlib.sha256(path.read_bytes()).hexdigest())
    (folder / "cast.toml").write_text(text, "utf-8")
    return Cast(folder)


class TestOnCast:
    def test_a_sprite_without_a_face_is_named(self, tmp_path: Path) -> None:
        wall = np.full((256, 256, 3), 90, np.uint8)
        eyes = Eyes(DETECT, EMBED)
        with pytest.raises(DeviceError, match="cast: p2-calibrate-3: no face is found in it; run scripts/build_cast"):
            cast_scores(eyes, changed_cast(tmp_path / "seen", p2_calibrate_3=wall), ("calibrate",))
        with pytest.raises(DeviceError, match="cast: p1-enrol-2: no face is found in it"):
            cast_scores(eyes, changed_cast(tmp_path / "enrolled", p1_enrol_2=wall), ("calibrate",))

    def test_people_that_cannot_be_told_apart_give_no_threshold(self) -> None:
        alike = Eyes(DETECT, lambda chip: (np.ones(4, np.float32),))
        with pytest.raises(DeviceError, match=r"cast: margin: 0\.000 is below 0\.05; choose other sprites"):
            on_cast(alike, Cast(CAST), EMBEDDER)

    def test_a_cast_of_which_nobody_is_enrolled(self, tmp_path: Path) -> None:
        shutil.copytree(CAST, tmp_path / "cast")
        text = (tmp_path / "cast/cast.toml").read_text("utf-8")
        (tmp_path / "cast/cast.toml").write_text(text.replace('use = "enrol"', 'use = "scene"'), "utf-8")
        with pytest.raises(ConfigError, match=r"cast\.toml: sprite: needs one who is enrolled"):
            on_cast(Eyes(DETECT, EMBED), Cast(tmp_path / "cast"), EMBEDDER)


class TestEyes:
    def test_the_face_nearest_to_the_middle_is_meant(self) -> None:
        cast = Cast(CAST)
        left, right = (cast.picture(cast.sprites[name]) for name in ("p1-calibrate-1", "p2-calibrate-1"))
        eyes = Eyes(DETECT, EMBED)
        own = eyes.template(right)
        assert own is not None
        both = np.full((256, 900, 3), 120, np.uint8)
        both[:, :256], both[:, 350:606] = left, right
        face = eyes.face(both)
        assert face is not None and 350 < face.box.centre[0] < 606
        meant = eyes.template(both)
        assert meant is not None and float(meant @ own) > 0.85
        assert float(np.linalg.norm(meant)) == pytest.approx(1.0, abs=1e-5)

    def test_near_is_meant_by_the_size_of_the_face(self) -> None:
        head = Cast(CAST).picture(Cast(CAST).sprites["p1-calibrate-1"])
        little = np.asarray(cv2.resize(head, (80, 80), interpolation=cv2.INTER_AREA), np.uint8)
        picture = np.full((320, 640, 3), 120, np.uint8)
        picture[20:276, 30:286] = head  # its middle is 160 px from the picture's, one face
        picture[120:200, 400:480] = little  # 120 px, more than two of its faces
        eyes = Eyes(DETECT, EMBED)
        assert len(Finder(DETECT).find(picture)) == 2
        face = eyes.face(picture)
        assert face is not None and face.box.centre[0] < 300

    def test_no_face_and_no_direction_give_no_template(self) -> None:
        eyes = Eyes(DETECT, EMBED)
        assert eyes.face(np.full((100, 100, 3), 90, np.uint8)) is None
        assert eyes.template(np.full((100, 100, 3), 90, np.uint8)) is None

        def one_eyed(square: Rgb) -> tuple[Floats, ...]:
            logits = np.full((48, 48, 1), -8, np.float32)
            logits[24, 24] = 8
            return logits, np.full((48, 48, 2), 40, np.float32), np.zeros((48, 48, 14), np.float32)

        found = Eyes(one_eyed, EMBED)
        assert found.face(np.zeros((192, 192, 3), np.uint8)) is not None
        assert found.template(np.zeros((192, 192, 3), np.uint8)) is None


def test_without_faces_only_the_cast_is_evaluated() -> None:
    said: list[str] = []
    made = evaluate(
        MANIFEST.models, MODELS, CAST, None, lambda entry, where: LoadedModel.load(entry, where).run, said.append
    )
    assert set(made.points) == {"synthetic-cast"} and made.figures == {}
    assert said == ["choosing the synthetic cast's threshold"]
    assert made.points["synthetic-cast"].embedder == EMBEDDER
