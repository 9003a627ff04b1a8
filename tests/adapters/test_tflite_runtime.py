"""The older runtime: tflite-runtime on Python 3.11, NumPy 1.26 and OpenCV 4.11, in an environment of its own.

scripts/test makes .venv-tflite from requirements/tflite-runtime.txt. Where it is missing these tests fail, so that
nobody takes what was not run for what works.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.models.manifest import read_manifest

LOOK = """
import json, platform, sys
from importlib.metadata import distributions
from pathlib import Path

import numpy as np

from agent.adapters.litert import LiteRtDetector, LiteRtEmbedder, load_models
from agent.face.probe import ProbeLimits, make_probe
from agent.models.evaluate import Eyes
from agent.scene.cast import Cast
from tests.face.given import frame, opted_in, scene

detector, embedder = load_models(Path("models"))
picture, sprite = scene("p1-scene-1", 120, 40)
permitted = frame(picture)
faces = LiteRtDetector(detector).detect(permitted)
box = faces[0].box
probe = make_probe(permitted, faces[0], opted_in(box), ProbeLimits(inter_eye_px=20.0))
template = LiteRtEmbedder(embedder).embed(probe)
x0, y0, x1, y1 = sprite.face
eyes = Eyes(detector.run, embedder.run)
cast = Cast(Path("scenes/cast"))

def look(person, picture):  # one inference takes this runtime a tenth of a second and more: a few must do
    return eyes.template(cast.seen(cast.sprites[f"{person.lower()}-{picture}"]))

references = {person: look(person, "enrol-1") + look(person, "enrol-2") for person in ("P1", "P2", "P3")}
genuine, wrong = [], []
for person in ("P1", "P2", "P3", "P4", "P5"):
    seen = look(person, "scene-2")
    for other, reference in references.items():
        score = float(seen @ reference / np.linalg.norm(reference))
        (genuine if person == other else wrong).append(score)
print(json.dumps({
    "runtime": detector.runtime,
    "identity": embedder.identity,
    "python": platform.python_version(),
    "installed": {each.metadata["Name"].lower().replace("_", "-"): each.version for each in distributions()},
    "faces": len(faces),
    "off": max(abs(box.x0 - x0 - 120), abs(box.y0 - y0 - 40), abs(box.x1 - x1 - 120), abs(box.y1 - y1 - 40)),
    "wide": x1 - x0,
    "eyes_off": float(np.abs(faces[0].landmarks[:2] - np.array(sprite.eyes) - (120, 40)).max()),
    "length": float(np.linalg.norm(template.vector)),
    "dtype": str(template.vector.dtype),
    "least_genuine": min(genuine),
    "greatest_wrong": max(wrong),
    "pairs": (len(genuine), len(wrong)),
}))
"""
CODES = """
import cv2, segno
import numpy as np
from agent.adapters.markers import ArucoReader
from agent.adapters.qr import ZxingReader
from agent.policy.frames import CapturedFrame
from agent.policy.gate import Gate
from agent.policy.signage import MARKER_FAMILY
from tests.policy.given import law, picture

luma = np.full((480, 640), 130, np.uint8)
family = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, MARKER_FAMILY))
luma[140:220, 400:480] = cv2.copyMakeBorder(cv2.aruco.generateImageMarker(family, 7, 60), *(10,) * 4, 0, value=255)
code = 255 * (1 - np.array(list(segno.make("DW1:A7Z", micro=False).matrix_iter(border=4)), np.uint8))
code = code.repeat(4, 0).repeat(4, 1)
luma[100 : 100 + code.shape[0], 100 : 100 + code.shape[1]] = code
gate = Gate(law(view={"width": 640, "height": 480}))
codes = gate.codes(CapturedFrame(1, 0, picture(width=640, height=480), luma))
place = ((410, 150), (470, 150), (470, 210), (410, 210))
for near in (None, place):
    print([marker.number for marker in ArucoReader().markers(codes, near)])
print([code.text for code in ZxingReader().texts(codes)])
"""
IMPORTS = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(len(sys.argv[1:]))
"""
DOORWARD = "from agent.cli import main; main()"


def interpreter(root: Path) -> Path:
    """The Python of the older runtime's environment."""
    python = root / ".venv-tflite" / "bin" / "python"
    if not python.exists():
        pytest.fail(
            ".venv-tflite is missing: run scripts/test, which makes it with Python 3.11 "
            "(apt-get install python3.11 python3.11-venv)",
            pytrace=False,
        )
    return python


def run(root: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables["PYTHONPATH"] = str(root)
    command = [str(interpreter(root)), "-W", "error::DeprecationWarning", "-c", script, *arguments]
    return subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def answer(root: Path, script: str, *arguments: str) -> str:
    done = run(root, script, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    """What one look at a sprite gave there."""
    found: dict[str, Any] = json.loads(answer(Path(__file__).resolve().parents[2], LOOK))
    return found


def test_the_environment_is_what_its_lock_says(root: Path, seen: dict[str, Any]) -> None:
    lock = (root / "requirements/tflite-runtime.txt").read_text()
    pins = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE | re.IGNORECASE))
    here = {name.lower(): version for name, version in pins.items()}
    assert here.items() <= seen["installed"].items(), ".venv-tflite is old: run scripts/test"
    assert seen["python"].startswith("3.11.")
    assert here["tflite-runtime"] == "2.14.0"
    assert here["numpy"].startswith("1.26.") and here["opencv-python-headless"].startswith("4.11.")
    assert "ai-edge-litert" not in seen["installed"]


def test_both_models_run_there_and_find_the_face(root: Path, seen: dict[str, Any]) -> None:
    assert seen["runtime"] == "tflite-runtime 2.14.0"
    assert seen["identity"] == f"{read_manifest(root / 'models').model('embedder').sha256} tflite-runtime 2.14.0"
    assert seen["faces"] == 1
    assert seen["off"] < 0.06 * seen["wide"] and seen["eyes_off"] < 0.06 * seen["wide"]
    assert seen["length"] == pytest.approx(1.0, abs=1e-5) and seen["dtype"] == "float32"


def test_the_threshold_of_the_cast_holds_there_too(root: Path, seen: dict[str, Any]) -> None:
    assert seen["pairs"] == [3, 12]
    threshold = read_manifest(root / "models").threshold("synthetic-cast")
    assert seen["greatest_wrong"] + 0.01 < threshold < seen["least_genuine"] - 0.01


def test_signs_and_passes_are_read_there(root: Path) -> None:
    assert answer(root, CODES) == "[7]\n[7]\n['DW1:A7Z']\n"


def test_everything_that_a_device_runs_can_be_imported_there(root: Path) -> None:
    # The authority's rooms, the demo and its broker, and what writes model files, need more than a device has.
    rooms = ("adapters", "app", "core", "crypto", "events", "face", "gallery", "ledger", "policy", "scene", "tuf_keys")
    files = sorted((root / "agent").rglob("*.py"))
    names = [".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__") for path in files]
    device = [name for name in names if f"{name}.".startswith(tuple(f"agent.{room}." for room in rooms))]
    device.remove("agent.adapters.broker")
    assert len(device) > 60
    assert answer(root, IMPORTS, *device) == f"{len(device)}\n"


def test_the_command_verifies_there_and_says_what_building_needs(root: Path, tmp_path: Path) -> None:
    done = run(root, DOORWARD, "models", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "models: verified with tflite-runtime 2.14.0"
    done = run(root, DOORWARD, "models", "build", "--out", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "doorward: models build: ai_edge_litert is missing; install 'ai-edge-litert', which files are written with\n"
    )


def test_a_missing_environment_is_a_failure_and_no_skip(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"\.venv-tflite is missing: run scripts/test"):
        interpreter(tmp_path)
