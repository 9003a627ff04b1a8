"""What a sync that failed leaves behind: the kernel counts such pages as written and keeps them in memory.

A process writes decisions until the disk gives an error, and ends. The disk is well again, the next process goes on,
and everything that it wrote must be on the medium, as if the power went then: `lost_after`. Once the whole of a
transaction is on pages that nobody writes again, a process that reads them from memory builds on sand.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from agent.adapters.store import Store, read_ledger
from agent.errors import DeviceError
from agent.events.decision import Decision, Outcome
from bench.faults.disk import Disk
from bench.wire.ends import CANARIES, DEVICE, DOOR, SITE, sealed

_BEFORE: Final = range(5, 11)
"""So many decisions lie before the one that fails: each time it lies elsewhere on its pages."""
_AFTER: Final = 5


class _Writer:
    """A process that writes one decision a line."""

    def __init__(self, store: Path) -> None:
        command = [sys.executable, "-m", "bench.faults.resync", str(store)]
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def write(self, count: int) -> int:
        """How many of them were written."""
        assert self._process.stdin is not None and self._process.stdout is not None
        done = 0
        for _ in range(count):
            self._process.stdin.write("decide\n")
            self._process.stdin.flush()
            done += self._process.stdout.readline() == "written\n"
        return done

    def end(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()


def lost_after(disk: Disk) -> int:
    """Decisions that were written, and that a power cut would take away."""
    lost = 0
    for before in _BEFORE:
        store = disk.at / f"resync-{before}.sqlite"
        writer = _Writer(store)
        written = writer.write(before)
        disk.fail()
        written += writer.write(1)
        writer.end()
        disk.mend()
        writer = _Writer(store)
        written += writer.write(_AFTER)
        with disk.medium(store) as copy, read_ledger(copy) as found:
            lost += max(0, written - sum(1 for _ in found.entries))
        writer.end()
        if written != before + _AFTER:
            raise SystemExit(f"faults: {written} decisions were written, not {before + _AFTER}")
    return lost


def main() -> None:
    """Write until the input ends, and end without putting anything in order."""
    store = Store.open(Path(sys.argv[1]), site=SITE, device=DEVICE, ledger_key=bytes(32))
    for number, _ in enumerate(sys.stdin):
        decision = Decision(Outcome.MATCH, DOOR, 1e9 + number, 1, 1, 3, subject=CANARIES[number])
        try:
            store.record(decision, partial(sealed, decision))
            said = "written"
        except DeviceError:
            said = "failed"
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
