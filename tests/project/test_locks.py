"""The locks: everything is pinned by hash, nothing names a host, and the test lock holds the very releases that run."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)")


def pins(lock: Path) -> dict[str, str]:
    """Name and version of each requirement of a lock."""
    found = (PIN.match(line) for line in lock.read_text().splitlines())
    return {canonicalize_name(pin["name"]): pin["version"] for pin in found if pin}


@pytest.fixture(params=["run.txt", "device.txt", "dev.txt", "tflite-runtime.txt", "bench.txt"])
def lock(request: pytest.FixtureRequest, root: Path) -> Path:
    return root / "requirements" / str(request.param)


def test_every_requirement_is_pinned_by_hash(lock: Path) -> None:
    text = re.sub(r"\\\n", "", lock.read_text())
    requirements = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(requirements) > 20
    for line in requirements:
        assert PIN.match(line), f"{lock.name}: not pinned to one version: {line[:80]}"
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), f"{lock.name}: no hash: {line[:80]}"


def test_no_host_stands_in_a_lock(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)


def test_the_test_lock_holds_what_runs(root: Path) -> None:
    run, dev = pins(root / "requirements/run.txt"), pins(root / "requirements/dev.txt")
    assert run.items() <= dev.items()


def test_a_device_runs_the_very_releases_and_nothing_of_a_desktop(root: Path) -> None:
    run, device = pins(root / "requirements/run.txt"), pins(root / "requirements/device.txt")
    pins_of_a_pi = {"gpiozero", "colorzero", "lgpio", "setuptools"}
    assert device.keys() - run.keys() == {"pip", *pins_of_a_pi}
    assert {name: device[name] for name in device.keys() & run.keys()}.items() <= run.items()
    assert not device.keys() & {"iotcore", "hatchling", "fonttools", "fpdf2"}


def test_each_dependency_is_locked_within_its_range(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    asked = {
        "run.txt": [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["desktop"]],
        "device.txt": [*project["project"]["dependencies"], *groups["install"]],
        "dev.txt": [*groups["dev"], *groups["build"]],
    }
    for name, requirements in asked.items():
        locked = pins(root / "requirements" / name)
        for requirement in map(Requirement, requirements):
            version = locked[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version, prereleases=True), f"{name}: {requirement} but {version}"


def test_the_older_runtime_s_lock_holds_all_that_a_device_needs(root: Path) -> None:
    locked = pins(root / "requirements/tflite-runtime.txt")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for requirement in map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["tflite"]]):
        if requirement.name != "ai-edge-litert":
            version = locked[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"tflite-runtime.txt: {requirement} but {version}"
