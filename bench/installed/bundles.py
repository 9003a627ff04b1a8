"""The bundle that is carried to the device, and others like it that must not come to run."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.debian import NotRun
from tests.conftest import ROOT

_CRASHES: Final = "raise SystemExit('a release that does not start')\n"


def made(stick: Path, python: str, machine: str) -> Path:
    """By scripts/build-wheels, as everybody makes it.

    Raises:
        NotRun: no index within reach.
    """
    words = [str(ROOT / "scripts/build-wheels"), "--machine", machine, "--python", python, "--out", str(stick)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise NotRun(f"the bundle could not be made: {done.stderr.strip().splitlines()[-1]}")
    (tar,) = stick.glob("doorward-*.tar")
    tar.unlink()
    (bundle,) = stick.glob("doorward-*")
    return bundle


def flipped(bundle: Path, stick: Path) -> str:
    """One byte of one wheel is another, and the checksums were made anew: the pins must find it. Its folder's name."""
    copy = _copied(bundle, stick / "one-byte-flipped")
    wheel = next((copy / "wheels").glob("pydantic_core-*.whl"))
    data = bytearray(wheel.read_bytes())
    data[len(data) // 2] ^= 1
    wheel.write_bytes(data)
    _sums(copy)
    return copy.name


def crashing(bundle: Path, stick: Path) -> str:
    """A whole and well pinned release whose recogniser ends at once."""
    copy = _copied(bundle, stick / "a-release-that-crashes")
    _changed(copy, "agent/app/recogniser.py", lambda text: _CRASHES)
    return copy.name


def newer(bundle: Path, stick: Path) -> str:
    """A whole and well pinned release that differs by a comment."""
    copy = _copied(bundle, stick / "a-newer-release")
    _changed(copy, "agent/__init__.py", lambda text: f"{text}# newer\n")
    return copy.name


def _copied(bundle: Path, to: Path) -> Path:
    subprocess.run(["cp", "-a", "--reflink=auto", bundle, to], check=True)
    return to


def _changed(bundle: Path, name: str, change: Callable[[str], str]) -> None:
    (wheel,) = (bundle / "wheels").glob("doorward-*.whl")
    former = hashlib.sha256(wheel.read_bytes()).hexdigest()
    with zipfile.ZipFile(wheel) as archive:
        files = {each: archive.read(each) for each in archive.infolist()}
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in files.items():
            archive.writestr(info, change(data.decode()) if info.filename == name else data)
    pins = bundle / "requirements/wheels.txt"
    pins.write_text(pins.read_text().replace(former, hashlib.sha256(wheel.read_bytes()).hexdigest()))
    _sums(bundle)


def _sums(bundle: Path) -> None:
    files = sorted(path for path in bundle.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(bundle)}\n" for path in files]
    (bundle / "SHA256SUMS").write_text("".join(lines))
