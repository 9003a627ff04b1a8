"""The wheel: small, the same bytes each time, with the page and the schemas, without scenes, models and settings."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

LARGEST = 990_000
"""Bytes, without models. The dashboard is 195,000 of them, with 105,000 of an MQTT client and 22,000 of uPlot; aiming
is 35,000, what tells prints and screens, and simulates them, 21,000."""
AT_HOME = ("agent/bench/", "agent/demo/", "agent/scene/", "agent/adapters/simulated.py")
"""The simulated world stays in the checkout."""
OUTSIDE = (*AT_HOME, "scenes/", "models/", "device_config/", "tests/", "scripts/", "docs/", "bench/")


def build(root: Path, into: Path) -> Path:
    """Build the wheel with the pinned backend, in a process of its own, as an installer would."""
    into.mkdir()
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, str(into)], cwd=root, check=True, capture_output=True, text=True)
    return into / done.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(__file__).resolve().parents[2]
    return build(root, tmp_path_factory.mktemp("wheel") / "first")


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.name.startswith("doorward-")
    size = wheel.stat().st_size
    assert size <= LARGEST, f"{size} bytes; see what grew with `unzip -lv`"


def test_the_wheel_holds_the_package_and_nothing_beside_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"agent/__init__.py", "agent/units.py", "agent/policy/gate.py"} <= set(names)
    assert not [name for name in names if name.startswith(OUTSIDE)]
    assert not [name for name in names if name.endswith((".tflite", ".webp", ".sqlite", ".key"))]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_what_is_not_python_is_in_the_wheel(wheel: Path, root: Path) -> None:
    data = [path.relative_to(root).as_posix() for path in (root / "agent").rglob("*") if path.is_file()]
    data = [name for name in data if not name.endswith((".py", ".pyc")) and not name.startswith(AT_HOME)]
    assert set(data) <= set(zipfile.ZipFile(wheel).namelist())


def test_the_command_is_doorward(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    entry = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert "doorward=agent.cli:main" in archive.read(entry).decode().replace(" ", "")


def test_two_builds_are_the_same_bytes(
    wheel: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1735689600")
    assert build(root, tmp_path / "one").read_bytes() == build(root, tmp_path / "two").read_bytes()
