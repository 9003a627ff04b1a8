"""The import contracts bite: an import that breaks one is named, so that none can stand without checking anything."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

# What somebody might add: the file, the import, and the contract that must say no.
ILLEGAL = [
    ("policy/rules.py", "import time", "What decides does no IO"),
    ("ledger/merkle.py", "import agent.app", "Rooms import downward only"),
    ("adapters/qr.py", "import agent.adapters.markers", "Adapters know ports and values"),
    ("adapters/simulated.py", "import agent.scene.truth", "Only the demo and the tests know the truth"),
    ("app/config.py", "import agent.demo", "The demo is imported by nobody"),
    ("app/link.py", "import numpy", "The link sees no picture"),
    ("app/recogniser.py", "import ssl", "The recogniser has no network"),
    ("app/loop.py", "import paho.mqtt", "paho only in"),
    ("gallery/vault.py", "import sqlite3", "sqlite3 only in"),
    ("report/facts.py", "import agent.gallery.vault", "A report is made of ledgers"),
]


def test_each_illegal_import_breaks_its_contract(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "agent", tmp_path / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    for name, line, _ in ILLEGAL:
        with (tmp_path / "agent" / name).open("a") as file:
            file.write(f"\n{line}\n")
    command = [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    broken = [line for line in done.stdout.splitlines() if "BROKEN" in line]
    for name, line, contract in ILLEGAL:
        assert any(contract in row for row in broken), f"{name}: `{line}` passed {contract!r}"
