"""What is in a bundle: pins of what lies there, and a bill of materials that meets its standard, the same each time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

WHEELS = {
    "doorward-0.1.0-py3-none-any.whl": (
        "Name: doorward\nVersion: 0.1.0\nSummary: a door\nLicense-Expression: Apache-2.0\n"
        "Requires-Dist: part-one>=1\nRequires-Dist: part-two; extra == 'more'\n"
    ),
    "part_one-1.2-py3-none-any.whl": (
        "Name: Part.One\nVersion: 1.2\nLicense: BSD\n of some kind\n"
        "Requires-Dist: part-two; platform_machine == 'aarch64'\n"
    ),
    "part_two-3-py3-none-any.whl": "Name: part-two\nVersion: 3\nClassifier: License :: OSI Approved :: MIT License\n",
}


LOCK = """one==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via project
two==2.0 ; python_full_version < '3.13' \\
    --hash=sha256:cc
three==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:dd
"""


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_a_lock_is_read_for_the_target_and_not_for_who_makes_the_bundle(
    root: Path, tmp_path: Path, python: str
) -> None:
    (tmp_path / "lock").write_text(LOCK)
    words = [sys.executable, "-m", "scripts.target", str(tmp_path / "lock"), "--machine", "aarch64"]
    said = subprocess.run([*words, "--python", python], cwd=root, check=True, capture_output=True, text=True).stdout
    older = ["two==2.0 --hash=sha256:cc"] if python == "3.11" else []
    assert said.splitlines() == ["one==1.0 --hash=sha256:aa --hash=sha256:bb", *older]


@pytest.fixture
def bundle(tmp_path: Path, root: Path) -> Path:
    made = tmp_path / "bundle"
    (made / "wheels").mkdir(parents=True)
    (made / "requirements").mkdir()
    shutil.copytree(root / "models", made / "models")
    for name, about in WHEELS.items():
        with zipfile.ZipFile(made / "wheels" / name, "w") as archive:
            stem = "-".join(name.split("-")[:2])
            archive.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.4\n{about}\n")
    return made


def listed(root: Path, bundle: Path, machine: str = "aarch64") -> dict[str, Any]:
    words = [sys.executable, "-m", "scripts.sbom", str(bundle), "--machine", machine, "--python", "3.11"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1767225600"}
    subprocess.run(words, cwd=root, check=True, env=environment, capture_output=True)
    made: dict[str, Any] = json.loads((bundle / "sbom.cdx.json").read_text())
    return made


def test_the_bill_of_materials_meets_its_standard(root: Path, bundle: Path) -> None:
    listed(root, bundle)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str((bundle / "sbom.cdx.json").read_text())
    assert fault is None, fault


def test_it_says_what_is_there_and_what_needs_what(root: Path, bundle: Path) -> None:
    made = listed(root, bundle)
    assert made["metadata"]["component"]["purl"] == "pkg:pypi/doorward@0.1.0"
    assert made["metadata"]["timestamp"] == "2026-01-01T00:00:00Z"
    parts = {each["name"]: each for each in made["components"]}
    assert parts.keys() == {"part-one", "part-two", "doorward-detector", "doorward-embedder"}
    assert parts["part-one"]["licenses"] == [{"license": {"name": "BSD"}}]
    assert parts["part-two"]["licenses"] == [{"license": {"name": "MIT License"}}]
    for role in ("detector", "embedder"):
        content = (root / f"models/{role}.tflite").read_bytes()
        assert parts[f"doorward-{role}"]["hashes"] == [
            {"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}
        ]
    needs = {each["ref"]: each["dependsOn"] for each in made["dependencies"]}
    assert needs["pkg:pypi/doorward@0.1.0"] == ["model:detector", "model:embedder", "pkg:pypi/part-one@1.2"]
    assert needs["pkg:pypi/part-one@1.2"] == ["pkg:pypi/part-two@3"]
    on_a_pc = {each["ref"]: each["dependsOn"] for each in listed(root, bundle, "x86_64")["dependencies"]}
    assert on_a_pc["pkg:pypi/part-one@1.2"] == []


def test_each_wheel_is_pinned_by_the_hash_of_what_lies_there(root: Path, bundle: Path) -> None:
    listed(root, bundle)
    pins = dict(line.split(" --hash=sha256:") for line in (bundle / "requirements/wheels.txt").read_text().splitlines())
    assert pins.keys() == {"doorward==0.1.0", "part-one==1.2", "part-two==3"}
    files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (bundle / "wheels").iterdir()]
    assert sorted(pins.values()) == sorted(files)


def test_the_same_bundle_gives_the_same_bytes(root: Path, bundle: Path) -> None:
    listed(root, bundle)
    first = (bundle / "sbom.cdx.json").read_bytes()
    listed(root, bundle)
    assert (bundle / "sbom.cdx.json").read_bytes() == first


def test_a_model_that_is_not_the_manifests_makes_no_bill(root: Path, bundle: Path) -> None:
    with (bundle / "models/embedder.tflite").open("ab") as file:
        file.write(b"x")
    with pytest.raises(subprocess.CalledProcessError) as failed:
        listed(root, bundle)
    assert b"is not the one of manifest.toml" in failed.value.stderr
