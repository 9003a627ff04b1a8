"""A Debian of its own with a released Home Assistant: that needs a newer Python than this project's.

Made once and kept outside the repository. Debian's archive is the one that apt is set up with, Python's index the one
that pip is set up with. What cannot be had ends in `NotRun`, which says why: a proof that was not run proves nothing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from rich.progress import Progress

from agent.crypto import sha256

SUITE: Final = "trixie"
PACKAGES: Final = ("ca-certificates", "gcc", "libc6-dev", "python3-dev", "python3-venv")
"""Some of what it needs is published as source alone."""
VENV: Final = "/srv/homeassistant"
REQUIREMENT: Final = "homeassistant>=2024.11"
CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"
_LINES: Final = 900
"""About what debootstrap and pip say; the bar needs it no more exactly."""
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


class NotRun(Exception):
    """Here it cannot be proved; the text says why and what to do."""


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
    if os.geteuid() != 0:
        raise NotRun("a Debian of its own can be made and entered by root only")
    recipe = "\n".join((SUITE, *PACKAGES, REQUIREMENT, *integrations))
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "doorward"
    root = cache / f"homeassistant-{sha256(recipe.encode())[:12]}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two starts at once the second finds the work done
        if not root.exists():
            part = cache / f"{root.name}.part"
            _cleared(part)
            with Progress(transient=True) as bar:
                _make(part, _Making(bar, cache / f"{root.name}.log"), integrations)
            part.rename(root)
    return root


def _make(part: Path, making: _Making, integrations: tuple[str, ...]) -> None:
    if shutil.which("debootstrap") is None:
        making.run("apt", ["apt-get", "install", "--yes", "--no-install-recommends", "debootstrap"])
    included = f"--include={','.join(PACKAGES)}"
    making.run("Debian", ["debootstrap", "--variant=minbase", included, SUITE, str(part), _archive()])
    for name in (CERTIFICATES, "etc/resolv.conf", "etc/hosts"):
        if Path("/", name).exists():  # this machine may have an authority of its own
            shutil.copyfile(Path("/", name), part / name)
    inside, pip = ["chroot", str(part)], [f"{VENV}/bin/pip", "install", "--no-input", "--progress-bar=off"]
    making.run("Python", [*inside, "python3", "-m", "venv", VENV])
    making.run("Home Assistant", [*inside, *pip, "--no-deps", REQUIREMENT])
    needs = making.run("its parts", [*inside, f"{VENV}/bin/python", "-c", _PARTS, *integrations]).split()
    (constraints,) = part.glob(f".{VENV}/lib/python*/site-packages/homeassistant/package_constraints.txt")
    held = ["--prefer-binary", "-c", f"/{constraints.relative_to(part)}"]
    making.run("its parts", [*inside, *pip, *held, REQUIREMENT, *needs])


def _cleared(part: Path) -> None:
    """Take away what a start that was stopped has left: debootstrap may have mounted something there."""
    for name in ("proc", "sys"):
        if (part / name).is_mount():
            subprocess.run(["umount", part / name], check=True)
    if part.exists():
        shutil.rmtree(part)


def _archive() -> str:
    """Where apt has Debian from."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    try:
        found = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        found = []
    archives = [each for each in found if not each.rstrip("/").endswith("-security")]
    if not archives:
        raise NotRun("apt knows no archive of Debian; run: apt-get update")
    return archives[0]


class _Making:
    """Runs the steps; what they say goes to a log, and moves the bar."""

    def __init__(self, bar: Progress, log: Path) -> None:
        self._bar, self._log = bar, log
        self._job = bar.add_task("", total=_LINES)
        log.write_bytes(b"")

    def run(self, what: str, command: list[str]) -> str:
        """What it said.

        Raises:
            NotRun: it failed.
        """
        lines: list[str] = []
        given = environment() if command[0] == "chroot" else os.environ
        with self._log.open("a", buffering=1) as log, subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=given
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                log.write(line)
                self._bar.update(self._job, advance=1, description=f"{what}: {line.strip()[:50]}")
        if process.returncode != 0:
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            raise NotRun(f"{what} could not be had: {last[:200]}; all of it: {self._log}")
        return "".join(lines)
