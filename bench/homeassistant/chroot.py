"""A Debian of its own with a released Home Assistant: that needs a newer Python than this project's."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path
from typing import Final

from bench.debian import Making, NotRun
from bench.debian import made as debian

__all__ = ["CERTIFICATES", "VENV", "NotRun", "environment", "made"]

SUITE: Final = "trixie"
PACKAGES: Final = ("ca-certificates", "gcc", "libc6-dev", "python3-dev", "python3-venv")
"""Some of what it needs is published as source alone."""
VENV: Final = "/srv/homeassistant"
REQUIREMENT: Final = "homeassistant>=2024.11"
CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"
_PARTS: Final = """
import json, pathlib, sys
import homeassistant
root, wanted, seen = pathlib.Path(homeassistant.__file__).parent, sys.argv[1:], set()
while wanted:
    name = wanted.pop()
    if name not in seen:
        seen.add(name)
        about = json.loads((root / "components" / name / "manifest.json").read_text())
        wanted += about.get("dependencies", [])
        for each in about.get("requirements", []):
            print(each)
"""
"""Prints what the named integrations need; Home Assistant itself would install it at its first start."""


def environment() -> dict[str, str]:
    """What processes in there are given: of ours only the way to the network, and where Python's index is."""
    passed = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "http_proxy", "https_proxy", "no_proxy")
    ours = {name: os.environ[name] for name in passed if name in os.environ}
    path = f"{VENV}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "PIP_CERT": f"/{CERTIFICATES}", **ours}


def made(integrations: tuple[str, ...]) -> Path:
    """Its folder, made at the first call: some minutes, and one and a half gigabytes on disk.

    Raises:
        NotRun: not root, no archive or index within reach, or the disk is full.
    """
    recipe = "\n".join((SUITE, *PACKAGES, REQUIREMENT, *integrations))
    return debian("homeassistant", recipe, partial(_make, integrations=integrations))


def _make(part: Path, making: Making, integrations: tuple[str, ...]) -> None:
    making.debootstrap(SUITE, PACKAGES, part)
    for name in (CERTIFICATES, "etc/resolv.conf", "etc/hosts"):
        if Path("/", name).exists():  # this machine may have an authority of its own
            shutil.copyfile(Path("/", name), part / name)
    inside, pip = ["chroot", str(part)], [f"{VENV}/bin/pip", "install", "--no-input", "--progress-bar=off"]

    def run(what: str, *command: str) -> str:
        return making.run(what, [*inside, *command], environment())

    run("Python", "python3", "-m", "venv", VENV)
    run("Home Assistant", *pip, "--no-deps", REQUIREMENT)
    needs = run("its parts", f"{VENV}/bin/python", "-c", _PARTS, *integrations).split()
    (constraints,) = part.glob(f".{VENV}/lib/python*/site-packages/homeassistant/package_constraints.txt")
    held = ["--prefer-binary", "-c", f"/{constraints.relative_to(part)}"]
    run("its parts", *pip, *held, REQUIREMENT, *needs)
