"""What is in a bundle for a device: `wheels.txt`, each wheel by its own hash, and `sbom.cdx.json` (CycloneDX 1.6).

Source: ECMA-424.

The wheels were downloaded by the lock's hashes; here each of them, and the models, gets the hash of what lies there,
so that scripts/install takes exactly these. Licences are those that the packages declare. The same bundle gives the
same bytes: the serial number is made of the hashes, the time is SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import argparse
import email.parser
import hashlib
import json
import os
import tomllib
import uuid
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any

from packaging.markers import Environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from target import target

OURS = "doorward"
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/schema/bom/1.6")


@dataclass(frozen=True, slots=True)
class Wheel:
    name: str
    version: str
    sha256: str
    about: Message

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def read_wheel(path: Path) -> Wheel:
    """Name, version and what the package says about itself."""
    with zipfile.ZipFile(path) as archive:
        name = next(
            each for each in archive.namelist() if each.endswith(".dist-info/METADATA") and each.count("/") == 1
        )
        about = email.parser.Parser().parsestr(archive.read(name).decode("utf-8"))
    return Wheel(canonicalize_name(about["Name"]), about["Version"], _sha256(path), about)


def pins(wheels: Iterable[Wheel]) -> str:
    """Requirements for pip, each by the one hash that it may have."""
    return "".join(f"{each.name}=={each.version} --hash=sha256:{each.sha256}\n" for each in wheels)


def bill(wheels: list[Wheel], models: list[dict[str, Any]], where: Environment, unix_s: int) -> dict[str, Any]:
    """The bill of materials; `models` are components already."""
    (ours,) = (each for each in wheels if each.name == OURS)
    known = {each.name: each for each in wheels}
    parts = [each for each in wheels if each is not ours]
    hashes = "".join(each.sha256 for each in wheels) + "".join(each["hashes"][0]["content"] for each in models)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_SPACE, hashes)}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": _component(ours, "application"),
            "properties": [
                {"name": "doorward:machine", "value": where["platform_machine"]},
                {"name": "doorward:python", "value": where["python_version"]},
            ],
        },
        "components": [*(_component(each, "library") for each in parts), *models],
        "dependencies": [
            {"ref": each.purl, "dependsOn": sorted(_needs(each, known, where, models if each is ours else ()))}
            for each in wheels
        ],
    }


def model_components(folder: Path) -> list[dict[str, Any]]:
    """The models of the manifest, as they lie there."""
    manifest = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))
    found = []
    for role in ("detector", "embedder"):
        digest = _sha256(folder / f"{role}.tflite")
        if digest not in json.dumps(manifest):
            raise SystemExit(f"{folder / role}.tflite: is not the one of manifest.toml; run 'doorward models verify'")
        found.append(
            {
                "type": "machine-learning-model",
                "bom-ref": f"model:{role}",
                "name": f"{OURS}-{role}",
                "version": digest[:16],
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        )
    return found


def _component(wheel: Wheel, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": kind,
        "bom-ref": wheel.purl,
        "name": wheel.name,
        "version": wheel.version,
        "purl": wheel.purl,
        "hashes": [{"alg": "SHA-256", "content": wheel.sha256}],
    }
    if summary := wheel.about["Summary"]:
        found["description"] = summary
    if expression := wheel.about["License-Expression"]:
        found["licenses"] = [{"expression": expression}]
    elif declared := _declared(wheel.about):
        found["licenses"] = [{"license": {"name": declared}}]
    return found


def _declared(about: Message) -> str | None:
    """The licence of a package that does not say it as an SPDX expression: its first line, or a classifier."""
    for classifier in about.get_all("Classifier", []):
        if classifier.startswith("License :: OSI Approved :: "):
            return str(classifier.rsplit(" :: ", 1)[1])
    lines = str(about["License"] or "").strip().splitlines()
    return lines[0][:100] if lines else None


def _needs(
    wheel: Wheel, known: dict[str, Wheel], where: Environment, models: Iterable[dict[str, Any]]
) -> Iterable[str]:
    yield from (each["bom-ref"] for each in models)
    extra = "pi" if wheel.name == OURS else ""  # as requirements/device.txt is locked
    for requirement in map(Requirement, wheel.about.get_all("Requires-Dist", [])):
        name = canonicalize_name(requirement.name)
        if name in known and (requirement.marker is None or requirement.marker.evaluate({**where, "extra": extra})):
            yield known[name].purl


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path, help="a folder with wheels/ and models/")
    parser.add_argument("--machine", required=True)
    parser.add_argument("--python", required=True)
    given = parser.parse_args()
    where = target(given.machine, given.python)
    wheels = sorted(map(read_wheel, (given.bundle / "wheels").glob("*.whl")), key=lambda wheel: wheel.name)
    (given.bundle / "requirements" / "wheels.txt").write_text(pins(wheels), "utf-8")
    made = bill(wheels, model_components(given.bundle / "models"), where, int(os.environ["SOURCE_DATE_EPOCH"]))
    (given.bundle / "sbom.cdx.json").write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
