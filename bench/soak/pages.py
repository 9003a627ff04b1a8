"""What a decision costs the disk with each size of a page: bytes, syncs, time.

Started as `python -m bench.soak.pages SIZE COUNT FOLDER`.

Rules: a decision is written as the recogniser writes it and freed as its outbox frees it, which are two commits; all
that the process wrote is counted, the WAL's way home included. One size is one process. Syncs are counted by strace.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

from agent.adapters.store import Store
from agent.events.decision import Decision, Outcome
from bench.wire.ends import CANARIES, DEVICE, DOOR, SITE, sealed

SIZES: Final = (512, 1024, 2048, 4096, 8192, 16384)
COMMITS: Final = 2
"""A decision, and that it was freed."""


@dataclass(frozen=True, slots=True)
class Cost:
    page: int
    written: float
    """Bytes a decision."""
    synced: float | None
    """Syncs a decision; None: there is no strace here."""
    spent_ms: float
    file: int
    """Bytes of the file at the end."""


def written_bytes(pid: int | str = "self") -> int:
    """What a process has had written to disks, as the kernel counts it."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


def cost(page: int, count: int, folder: Path) -> Cost:
    """In a process of its own, and once more under strace."""
    found = json.loads(_run([], page, count, folder))
    synced = None
    if shutil.which("strace"):
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            log = Path(scratch) / "syncs"
            _run(["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(log)], page, count // 2, folder)
            synced = sum("sync(" in line for line in log.read_text().splitlines()) / (count // 2)
    return Cost(page, found["written"], synced, found["spent_ms"], found["file"])


def _run(prefix: list[str], page: int, count: int, folder: Path) -> str:
    command = [*prefix, sys.executable, "-m", "bench.soak.pages", str(page), str(count), str(folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def measure(page: int, count: int, folder: Path) -> Cost:
    path = folder / "store.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as db:  # a file that has pages already keeps their size
        db.execute(f"PRAGMA page_size = {page}")
        db.execute("VACUUM")
    store = Store.open(path, site=SITE, device=DEVICE, ledger_key=bytes(32))
    with contextlib.closing(store):
        for number in range(count // 10):
            _decide(store, number)
        store.purge()
        before, began = written_bytes(), time.perf_counter()
        for number in range(count):
            store.rows.free([(_decide(store, number), None)], broker_counts=True)
            store.rows.write_home()
        spent_s = time.perf_counter() - began
        store.purge()
        return Cost(page, (written_bytes() - before) / count, None, spent_s / count * 1000, path.stat().st_size)


def _decide(store: Store, number: int) -> int:
    decision = Decision(Outcome.MATCH, DOOR, time.time(), 1, 1, 3, subject=CANARIES[number % len(CANARIES)])
    return store.record(decision, partial(sealed, decision))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[3]) as scratch:
        sys.stdout.write(json.dumps(asdict(measure(int(sys.argv[1]), int(sys.argv[2]), Path(scratch)))))
