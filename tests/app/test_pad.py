"""A model that tells prints and screens and cannot be used is reported and left out; a device goes on without it."""

from __future__ import annotations

import shutil
from pathlib import Path

from agent.app.pad import open_pad
from tests.models.given import MODELS


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
