"""A Raspberry Pi without a Raspberry Pi: installed on an emulated arm64 Debian, and its camera's software in a guest.

The first part, `chroot`, installs the offline bundle on Debian bookworm and trixie for arm64, whose programs qemu-user
runs as the processor of a Raspberry Pi 4 (and for the embeddings as that of a 5 too), without a network, and compares
what the models and a whole recogniser make of the synthetic cast and the demo's scene with this machine. The second,
`guest`, is in bench/pi/guest.py. An emulator shows what is right and wrong, never how fast a board is, and no board
was at hand. Ends with 1 if anything is not as promised, with 3 if a part could not be run, and says why.

    scripts/prove pi                            # as root; an hour and more the first time, 2 GB kept in ~/.cache
    scripts/prove pi --part=chroot --suite=bookworm --every=3
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.debian import NotRun
from bench.installed.image import PYTHONS
from bench.pi import Found

CONSOLE: Final = Console(highlight=False, width=150)
NOT_RUN: Final = 3


def chroot(suites: list[str], every: int, found: Found) -> None:
    """Raises:
    NotRun: see bench/pi/chroot.py.
    """
    from bench.pi.chroot import here, proven

    with tempfile.TemporaryDirectory(prefix="doorward-pi-") as scratch:
        known = here(Path(scratch), every)
        for suite in suites:
            CONSOLE.print(f"[bold]arm64, {suite}, emulated[/]")
            proven(suite, known, lambda what, *rest, suite=suite: found(f"{suite}: {what}", *rest))


def guest(found: Found) -> None:
    """Raises:
    NotRun: QEMU, or what makes a guest, is missing.
    """
    from bench.pi.guest import proven

    CONSOLE.print("[bold]picamera2 in a guest[/]")
    proven(found)


def prove(name: str, part: Callable[[Found], None]) -> int:
    """Run one part and show its table; 0, 1 or 3."""
    rows: list[tuple[str, str, str, bool]] = []

    def found(what: str, value: str, goal: str, good: bool) -> None:
        rows.append((what, value, goal, good))
        CONSOLE.print(f"{what}: {value}" + ("" if good else f"   goal: {goal}"), style=None if good else "bold red")

    why = None
    try:
        part(found)
    except NotRun as error:
        why = str(error)
    table = Table(title=name)
    for head in ("what", "found", "goal"):
        table.add_column(head)
    for what, value, goal, good in rows:
        table.add_row(what, value, goal, style=None if good else "bold red")
    CONSOLE.print(table)
    if why is not None:
        CONSOLE.print(f"{name} not run: {why}", style="bold red", markup=False)
    if not all(good for *_, good in rows):
        return 1
    return 0 if why is None and rows else NOT_RUN


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("chroot", "guest"), help="only this one")
    parser.add_argument("--suite", choices=sorted(PYTHONS), help="only this Debian; of the part chroot")
    parser.add_argument("--every", type=int, default=1, help="see one frame of the scene in so many, here and there")
    given = parser.parse_args()
    suites = sorted(PYTHONS) if given.suite is None else [given.suite]
    parts: dict[str, Callable[[Found], None]] = {"chroot": partial(chroot, suites, given.every), "guest": guest}
    ends = [prove(name, part) for name, part in parts.items() if given.part in (None, name)]
    return next((end for end in (1, NOT_RUN) if end in ends), 0)


if __name__ == "__main__":
    sys.exit(main())
