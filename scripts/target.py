"""A machine and Python that a bundle is made for, and what a lock holds for it.

pip takes the platform of the wheels that it downloads as it is told, but reads markers as those of the machine that it
runs on: so a lock is read here for the target, and pip gets it without markers.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from packaging.markers import Environment
from packaging.requirements import Requirement


def target(machine: str, python: str) -> Environment:
    """Values of the markers there (PEP 508).

    Args:
        machine: as the kernel calls it, `aarch64` or `x86_64`.
        python: for instance `3.11`.
    """
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "linux",
    }


def held(lock: str, where: Environment) -> str:
    """The lock's requirements that count there, each on one line with its hashes and without its marker."""
    kept = []
    for line in lock.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        text, *hashes = re.split(r"\s+(?=--hash=)", line.split(" #")[0].strip())
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({**where, "extra": ""}):
            kept.append(" ".join((f"{requirement.name}{requirement.specifier}", *hashes)) + "\n")
    return "".join(kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path)
    parser.add_argument("--machine", required=True)
    parser.add_argument("--python", required=True)
    given = parser.parse_args()
    print(held(given.lock.read_text("utf-8"), target(given.machine, given.python)), end="")


if __name__ == "__main__":
    main()
