"""No hostile repository is accepted; no lying clock honours what is over, or locks a device out for good.

Site, signatures, client, store and clock are the real ones; see bench/policy/. Ends with 1 if anything was accepted.

    scripts/prove policy
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.policy import cases
from bench.policy.arena import Arena
from bench.policy.case import controls
from bench.policy.clock import cases as clock_cases
from bench.policy.town import Town

CONSOLE = Console()


def table(title: str, wrong: str, told: Iterable[tuple[str, str, Callable[[], str | None]]], least: int) -> bool:
    """Carry out all cases and print them by class; True if none went wrong and there were enough."""
    made, bad, spent, said = Counter[str](), Counter[str](), defaultdict[str, float](float), list[str]()
    for kind, name, carry_out in told:
        begun = time.monotonic()
        fault = carry_out()
        spent[kind] += time.monotonic() - begun
        made[kind] += 1
        if fault is not None:
            bad[kind] += 1
            said.append(f"{kind}: {name}: {fault}")
    shown = Table("class", "cases", wrong, "seconds", title=title)
    for column in shown.columns[1:]:
        column.justify = "right"
    for kind, count in made.items():
        shown.add_row(kind, str(count), str(bad[kind]), f"{spent[kind]:.1f}")
    shown.add_section()
    shown.add_row("all", f"{made.total()} (goal {least})", f"{bad.total()} (goal 0)", f"{sum(spent.values()):.1f}")
    CONSOLE.print(shown)
    for line in said:
        CONSOLE.print(line, markup=False, highlight=False)
    return not said and made.total() >= least


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        arena = Arena(Path(folder) / "arena")
        town = Town(Path(folder) / "town")
        good = [
            table("Good repositories", "refused", (("controls", *each) for each in controls(arena)), 10),
            table("Hostile repositories", "accepted", cases(arena), 250),
            table("Lying clocks", "wrong", clock_cases(town), 200),
        ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
