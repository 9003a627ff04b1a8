"""int8 beside float on a folder: every list gives its figures, what is not there is said, curves are drawn."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.adapters.litert import LoadedModel
from agent.errors import ConfigError
from agent.models import tables
from agent.models.accuracy import measure, name
from agent.models.compare import Compared, compared, float_eyes, seen
from agent.models.evaluate import evaluation
from agent.models.eyes import Eyes
from agent.models.faceset import Faces, OpenSet, Pairs, read_faces
from agent.models.floats import FloatEmbedder, archives
from agent.models.manifest import read_manifest
from agent.models.rates import Matrix, clopper_pearson, threshold_at
from tests.models.faces import make_faces, write_list
from tests.models.given import MODELS
from tests.models.test_recipes import as_float

MANIFEST = read_manifest(MODELS)
KEYS = {
    "pairs": {"accuracy", "auc", "tar_at_fmr_1e-3"},
    "all_vs_all": {"tar_at_fmr_1e-3", "tar_at_fmr_1e-4", "tar_at_fmr_1e-5"},
    "openset": {"N", "fnir_at_fpir_1e-2", "fnir_at_fpir_1e-3"},
}


def crowd(count: int = 240, *, spread: float = 0.3, seed: int = 1) -> tuple[Matrix, Faces]:
    """Templates of invented people with two pictures each, and lists of every kind; nobody has a face in the last."""
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(count, 1, 12)) + spread * chance.normal(size=(count, 2, 12))
    rows = (rows / np.linalg.norm(rows, axis=2, keepdims=True)).reshape(-1, 12).astype(np.float32)
    rows[-1] = 0.0
    places = np.arange(2 * count)
    same = Pairs(places[::2], places[1::2], np.ones(count, bool))
    other = Pairs(places[:-2], np.roll(places, -2)[:-2], np.zeros(2 * count - 2, bool))
    pairs = Pairs(*(np.concatenate(each) for each in zip(
        (same.left, same.right, same.same), (other.left, other.right, other.same), strict=True
    )))  # fmt: skip
    enrolled = count // 2
    openset = OpenSet(places[: 2 * enrolled : 2], places[1 : 2 * enrolled : 2], places[2 * enrolled :])
    subjects = tuple(f"s{place // 2:03}" for place in places)
    columns = {"side": tuple("lr"[place // 2 % 2] for place in places)}
    files = tuple(Path(f"{place:03}.png") for place in places)
    return rows, Faces("crowd", files, subjects, columns, pairs, openset)


ROWS, CROWD = crowd()
FIGURES = measure(ROWS, CROWD, 0.6).figures


def numbers(value: Any) -> list[float]:
    if isinstance(value, Mapping):
        return [each for inside in value.values() for each in numbers(inside)]
    if isinstance(value, list):
        return [each for inside in value for each in numbers(inside)]
    return [value] if isinstance(value, float) else []


class TestFigures:
    def test_every_key_is_there_and_every_share_is_one(self) -> None:
        for part, keys in KEYS.items():
            assert keys <= set(FIGURES[part]), part
            assert all(0 <= FIGURES[part][key] <= 1 for key in keys - {"N"})
        assert FIGURES["failure_to_acquire"] == pytest.approx(1 / 480, rel=1e-5)
        assert set(FIGURES["slices"]) == {"side"} and set(FIGURES["slices"]["side"]) == {"l", "r"}
        assert json.loads(json.dumps(FIGURES)) == FIGURES

    def test_1_to_n_is_what_searching_gives(self) -> None:
        lists = CROWD.openset
        assert lists is not None
        best = [max((float(ROWS[probe] @ ROWS[one]), int(one)) for one in lists.gallery) for probe in lists.mated]
        strange = np.array([
            max(float(ROWS[probe] @ ROWS[one]) for one in lists.gallery) if ROWS[probe].any() else -1
            for probe in lists.non_mated
        ], np.float32)  # fmt: skip
        for fpir in (1e-2, 1e-3):
            at = threshold_at(strange, fpir)
            found = sum(score >= at and one == probe - 1 for (score, one), probe in zip(best, lists.mated, strict=True))
            share = FIGURES["openset"][f"fnir_at_fpir_{name(fpir)}"]
            assert share == pytest.approx(1 - found / len(best), abs=0.02)
        assert FIGURES["openset"]["N"] == 120
        assert FIGURES["openset"]["too_few_trials"] == ["fnir_at_fpir_1e-3"], "240 strangers show no thousandth"

    def test_who_has_no_face_is_told_apart_from_everybody_even_from_themselves(self) -> None:
        alone = Faces("x", CROWD.files[-4:], CROWD.subjects[-4:], {}, Pairs(*(
            np.array(each) for each in ([0, 2, 1], [1, 3, 3], [True, True, False])
        )))  # fmt: skip
        rows = ROWS[-4:].copy()
        rows[1] = rows[0]
        found = measure(rows, alone, 0.6).figures
        assert found["pairs"]["tar_at_fmr_1e-3"] == 0.5
        assert found["all_vs_all"]["tar_at_fmr_1e-3"] == 0.5

    def test_thresholds_are_of_one_half_and_rates_of_the_other(self) -> None:
        held, half = FIGURES["held_out"], CROWD.halves()
        assert held["people"] == {"calibration": 240 - held["people"]["report"], "report": held["people"]["report"]}
        assert 60 < held["people"]["report"] < 180
        part = ROWS[(half == 0) & ROWS.any(axis=1)]
        subjects = np.array(CROWD.subjects)[(half == 0) & ROWS.any(axis=1)]
        other = (part @ part.T)[np.triu(subjects[:, None] != subjects[None, :], 1)]
        at = held["all_vs_all"]["fmr_1e-3"]
        assert at["threshold"] == pytest.approx(threshold_at(other, 1e-3), abs=1e-4)
        rest = ROWS[(half == 1) & ROWS.any(axis=1)]
        subjects = np.array(CROWD.subjects)[(half == 1) & ROWS.any(axis=1)]
        impostor = (rest @ rest.T)[np.triu(subjects[:, None] != subjects[None, :], 1)]
        assert at["fmr"]["n"] == impostor.size
        assert at["fmr"]["value"] == pytest.approx(np.mean(impostor >= at["threshold"]), abs=2e-4)
        assert held["openset"]["N"] + held["openset"]["N_calibration"] == 120
        assert [each["people"] for each in held["search"]][:2] == [10, 50]

    def test_each_rate_has_its_trials_and_bounds(self) -> None:
        told = FIGURES["all_vs_all"]["tar_at_fmr_1e-4_of"]
        low, high = clopper_pearson(round(told["value"] * told["n"]), told["n"])
        assert (told["low"], told["high"]) == pytest.approx((low, high), rel=1e-4)

    def test_without_pairs_of_two_people_nothing_is_claimed(self) -> None:
        rows, listed = ROWS[:2], Faces("one", CROWD.files[:2], CROWD.subjects[:2], {}, Pairs(*(
            np.array(each) for each in ([0], [1], [True])
        )))  # fmt: skip
        found = measure(rows, listed, 0.6).figures
        assert found["pairs"]["accuracy"] is None and found["all_vs_all"]["tar_at_fmr_1e-3"] is None
        assert set(found["held_out"]) == {"people"}


@pytest.fixture(scope="module")
def both() -> Compared:
    return compared({"int8": ROWS, "float": crowd(seed=2)[0]}, CROWD, MANIFEST, None)


def test_int8_and_float_stand_side_by_side(both: Compared) -> None:
    report = both.report
    assert set(report["int8"]) == set(report["float"]) >= {*KEYS, "failure_to_acquire", "slices", "held_out"}
    assert report["left_out"] == [] and report["threshold"] == MANIFEST.threshold("real")
    assert (report["pictures"], report["people"]) == (480, 240)
    assert not any("s000" in text or "000.png" in text for text in (json.dumps(report), *both.pictures.values()))
    said = tables.text(report)
    assert "| Figure | int8 | float |" in said and "1:N, N = 120: FNIR at FPIR 1e-2" in said
    assert "### By side" in said and "within 5 times" in said


def test_the_curves_are_pictures_that_say_what_they_show(both: Compared) -> None:
    assert set(both.pictures) == {"crowd-det.svg", "crowd-scores.svg", "crowd-groups.svg"}
    for text in both.pictures.values():
        root = ET.fromstring(text)
        assert root.tag.endswith("svg") and "crowd" in (root.findtext("{*}title") or "")
        width, height = (float(each) for each in root.attrib["viewBox"].split()[2:])
        for line in root.iter("{*}polyline"):
            points = [tuple(map(float, each.split(","))) for each in line.attrib["points"].split()]
            assert len(points) > 50 and all(0 <= x <= width and 0 <= y <= height for x, y in points)
    curves = ET.fromstring(both.pictures["crowd-det.svg"]).findall("{*}polyline")
    assert len(curves) == 2
    for curve in curves:
        ups = [float(each.split(",")[1]) for each in curve.attrib["points"].split()]
        assert ups == sorted(ups), "fewer false non-matches the more false matches"


def test_what_is_missing_is_left_out_and_said() -> None:
    bare = Faces("bare", CROWD.files, CROWD.subjects)
    found = compared({"int8": ROWS}, bare, MANIFEST, "npm could not fetch it")
    assert found.report["float"] == {"missing": "npm could not fetch it"}
    assert "pairs" not in found.report["int8"] and "openset" not in found.report["int8"]
    said = tables.text(found.report)
    for word in ("pairs: there is no pairs.csv", "openset: there is no", "slices: ", "float: npm could not fetch it"):
        assert f"Left out: {word}" in said
    assert set(found.pictures) == {"bare-det.svg", "bare-scores.svg"}


def test_people_of_one_picture_each_have_no_curve() -> None:
    single = Faces("single", CROWD.files[::2], CROWD.subjects[::2], {"side": ("l",) * 240})
    found = compared({"int8": ROWS[::2]}, single, MANIFEST, "none")
    assert set(found.pictures) == {"single-groups.svg"}
    assert "There are not two groups" in tables.text(found.report)
    alone = Faces("alone", CROWD.files[:2], CROWD.subjects[:2], {"side": ("l", "l")})
    assert not compared({"int8": ROWS[:2]}, alone, MANIFEST, "none").pictures


def test_packages_that_are_others_leave_the_float_networks_out(tmp_path: Path) -> None:
    from agent.models.sources import DETECTOR

    (tmp_path / DETECTOR.package.archive).write_bytes(b"another archive")
    said = float_eyes(tmp_path)
    assert isinstance(said, str) and "is not the archive that was reviewed" in said


def test_packages_are_kept_in_the_user_s_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert archives() == tmp_path / "doorward" / "archives"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert archives() == tmp_path / ".cache" / "doorward" / "archives"


class TestSeen:
    def test_every_picture_is_seen_once_by_both_and_the_float_network_sees_the_same(self, tmp_path: Path) -> None:
        detect, embed = (LoadedModel.load(MANIFEST.model(role), MODELS).run for role in ("detector", "embedder"))
        networks = {
            "int8": Eyes(detect, embed),
            "float": Eyes(detect, FloatEmbedder(as_float("embedder.tflite")).infer),
        }
        ticks: list[None] = []
        faces = read_faces(make_faces(tmp_path / "few", 6), 2)
        found = seen(networks, faces, lambda: ticks.append(None))
        assert len(ticks) == len(faces.files) == 13
        assert found["int8"].shape == found["float"].shape == (13, 512)
        assert not found["int8"][-1].any(), "a wall is nobody"
        alike = (found["int8"][:-1] * found["float"][:-1]).sum(axis=1)
        assert alike.min() > 0.97

    def test_a_file_that_is_no_picture_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_text("none")
        (tmp_path / "b.png").write_text("none")
        write_list(tmp_path, [("a.png", "a"), ("b.png", "b")])
        with pytest.raises(ConfigError, match=r"a\.png: is not a picture"):
            seen({"int8": Eyes(lambda picture: (), lambda chip: ())}, read_faces(tmp_path, 2), lambda: None)


def test_the_manifest_s_point_is_the_report_s() -> None:
    made = evaluation(ROWS, CROWD, MANIFEST)
    point, held = made.points["real"], FIGURES["held_out"]
    assert point.threshold == pytest.approx(held["all_vs_all"]["fmr_1e-4"]["threshold"], abs=1e-3)
    assert [(at.people, at.fpir, at.threshold) for at in point.search] == [
        (at["people"], at["fpir_target"], at["threshold"]) for at in held["search"]
    ]
    for at, told in zip(point.search, held["search"], strict=True):
        assert at.false_positive.value == pytest.approx(told["fpir"]["value"], rel=1e-2)
        assert (at.false_negative.low, at.false_negative.of) == (
            pytest.approx(told["fnir"]["low"], rel=1e-2),
            told["fnir"]["n"],
        )
