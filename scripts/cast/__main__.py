"""`scripts/build_cast`: package in; sprites, `cast.toml`, painted pictures out; nothing if a check fails."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from pathlib import Path

import cv2
import numpy as np

from agent.adapters.litert import LoadedModel
from agent.errors import DeviceError, DoorwardError
from agent.models.evaluate import MARGIN_MIN, cast_scores
from agent.models.eyes import Eyes
from agent.models.manifest import read_manifest
from agent.models.recipes import FloatDetector
from agent.models.sources import DETECTOR, PICTURES, fetch, weights
from agent.scene.cast import Cast
from scripts.webp import encoded

from .backdrop import paint
from .build import PARTS, cast_toml, made
from .cutout import Bgr
from .faces import Landmarks, Points
from .lettering import pass_head, sign_face

ROOT = Path(__file__).resolve().parent.parent.parent
SCENES, MODELS, BUILD = ROOT / "scenes", ROOT / "models", ROOT / "build"
ARCHIVES = BUILD / "archives"
SIZE_MAX = 3_000_000


def say(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr)


def landmarks_of(detector: FloatDetector) -> Landmarks:
    """Box and landmarks of the largest face of a picture."""

    def landmarks(picture: Bgr) -> tuple[Points, Points]:
        faces = detector.find(np.ascontiguousarray(picture[..., ::-1]))
        if not faces:
            raise ValueError("no face is found in a picture of the package")
        best = max(faces, key=lambda face: face.box.width)
        box = best.box
        return np.array((box.x0, box.y0, box.x1, box.y1), np.float32), best.landmarks

    return landmarks


def check(folder: Path) -> None:
    """Size, and the margin between the cast's people with the shipped models.

    Raises:
        DeviceError: a check fails.
    """
    size = sum(path.stat().st_size for path in folder.glob("*.webp"))
    if size > SIZE_MAX:
        raise DeviceError(f"cast: {size} bytes, more than {SIZE_MAX}; lower the quality of the pictures")
    try:
        manifest = read_manifest(MODELS)
    except DeviceError:
        say("margin: not checked, there are no models yet; 'doorward models build' checks it")
        return
    eyes = Eyes(*(LoadedModel.load(manifest.model(role), MODELS, 2).run for role in ("detector", "embedder")))
    genuine, wrong = cast_scores(eyes, Cast(folder), ("calibrate", "scene"))
    margin = min(genuine) - max(wrong)
    say(f"margin: least genuine {min(genuine):.3f}, greatest wrong {max(wrong):.3f}, {size} bytes")
    if margin < MARGIN_MIN:
        raise DeviceError(f"cast: margin {margin:.3f} is below {MARGIN_MIN}; choose other expressions or people")


def build() -> None:
    """Make everything in a folder of its own, check it, then put it in place."""
    archive = fetch(PICTURES, ARCHIVES)
    landmarks = landmarks_of(FloatDetector(weights(DETECTOR, ARCHIVES)))
    say("painting the gate")
    backdrop = np.ascontiguousarray(paint()[..., ::-1])
    with tempfile.TemporaryDirectory(prefix="cast-", dir=BUILD) as name:
        folder = Path(name)
        with zipfile.ZipFile(archive) as package:
            package.extractall(folder / "package", [n for n in package.namelist() if "/curated/" in n])
        curated = folder / "package" / "openpeople" / "data" / "curated"
        sprites = [each for part in PARTS for each in made(part, curated, landmarks, backdrop, say)]
        done = folder / "cast"
        done.mkdir()
        for sprite in sprites:
            (done / f"{sprite.name}.webp").write_bytes(sprite.data)
        (done / "cast.toml").write_text(cast_toml(sprites), "utf-8")
        check(done)
        for old in (SCENES / "cast").glob("*.webp"):
            if not (done / old.name).exists():
                old.unlink()
        # The list last: until it is in place, the old one refuses the new pictures.
        for path in sorted(done.iterdir(), key=lambda path: path.suffix == ".toml"):
            os.replace(path, SCENES / "cast" / path.name)
    for file, picture in (("sign-face", sign_face()), ("pass-head", pass_head())):
        (SCENES / f"{file}.webp").write_bytes(encoded(picture, 90))
    (SCENES / "front-gate.webp").write_bytes(encoded(backdrop, 90))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print("build_cast: takes no arguments; it writes scenes/cast and the pictures of scenes/ anew", file=sys.stderr)
        sys.exit(2)
    cv2.setNumThreads(1)
    try:
        build()
    except (DoorwardError, ValueError) as error:
        print(f"build_cast: {error}", file=sys.stderr)
        sys.exit(2)
