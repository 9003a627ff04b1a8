"""The guest of `scripts/prove pi`, without one: what it is given, and the word where it cannot run."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from bench.debian import NotRun
from bench.pi import guest


def test_without_qemu_it_says_that_nothing_was_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    rows: list[str] = []
    with pytest.raises(NotRun, match=r"^QEMU is missing, so picamera2 was not run; run: apt-get install "):
        guest.proven(lambda what, value, goal, good: rows.append(what))
    assert rows == []


def test_its_second_disk_is_the_working_tree(tmp_path: Path) -> None:
    with tarfile.open(guest.checkout(tmp_path)) as disk:
        names = set(disk.getnames())
    assert {"bench/pi/init", "agent/adapters/camera/picamera.py", "tests/adapters/test_cameras.py"} <= names
    assert not any(name.startswith((".venv", "state")) for name in names)
