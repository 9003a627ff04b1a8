"""scripts/build_cast: it changes nothing unless all is well, and what it draws is what is committed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.models.sources import PICTURES
from agent.scene.cast import Cast
from scripts.cast.build import PARTS
from scripts.cast.cutout import Bgr
from scripts.cast.lettering import pass_head, sign_face


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """A tree with the script and a cast, and an archive that is another one."""
    shutil.copytree(root / "scripts/cast", tmp_path / "scripts/cast")
    (tmp_path / "scenes/cast").mkdir(parents=True)
    (tmp_path / "scenes/cast/cast.toml").write_text("the old list")
    (tmp_path / "build/archives").mkdir(parents=True)
    (tmp_path / "build/archives" / PICTURES.archive).write_bytes(b"another archive")
    return tmp_path


def run(root: Path, checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.cast", *arguments]
    variables = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run(command, cwd=checkout, env=variables, capture_output=True, text=True)


def unchanged(checkout: Path) -> bool:
    files = [path for path in (checkout / "scenes").rglob("*") if path.is_file()]
    return [path.read_text() for path in files] == ["the old list"]


def test_another_archive_changes_nothing(root: Path, checkout: Path) -> None:
    done = run(root, checkout)
    assert (done.returncode, done.stdout) == (2, "")
    archive = checkout / "build/archives" / PICTURES.archive
    assert done.stderr == (
        f"build_cast: {archive}: sha256: is not the archive that was reviewed; remove the file and build again\n"
    )
    assert unchanged(checkout)


def test_an_argument_starts_nothing(root: Path, checkout: Path) -> None:
    done = run(root, checkout, "--help")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "takes no arguments" in done.stderr
    assert unchanged(checkout)


@pytest.mark.parametrize(("name", "drawn"), [("sign-face", sign_face), ("pass-head", pass_head)])
def test_what_is_drawn_is_what_is_committed(root: Path, name: str, drawn: Callable[[], Bgr]) -> None:
    committed = cv2.imread(str(root / "scenes" / f"{name}.webp"), cv2.IMREAD_COLOR)
    assert committed is not None
    made = np.asarray(drawn(), np.int16)
    assert made.shape == committed.shape
    assert np.abs(made - committed).mean() < 4, "only the loss of WebP may lie between"


def test_the_committed_cast_is_what_the_script_makes(root: Path) -> None:
    cast = Cast(root / "scenes/cast")
    (attribution,) = cast.file.attribution
    assert (attribution.package, attribution.version, attribution.sha256) == (
        PICTURES.name,
        PICTURES.version,
        PICTURES.sha256,
    )
    planned = [
        (part.person, use, f"{PICTURES.name} {PICTURES.version} {part.source} {expression}")
        for part in PARTS
        for use, expressions in (("enrol", part.enrol), ("scene", part.scene), ("calibrate", part.calibrate))
        for expression in expressions
    ]
    assert [(sprite.person, sprite.use, sprite.source) for sprite in cast.file.sprite] == planned
