"""Nothing is lost on the way: events cross a real link process and a real broker while all of it is killed and cut.

A door decides, its outbox and the link process send over a pipe to Debian's mosquitto with its durable settings, a
consumer process takes them with the consumer library and acknowledges. Meanwhile faults are drawn, evenly over the run:
broker, link and consumer killed, connections cut, half-open, slow, deaf to the broker's answers, PUBACKs dropped,
doubled and invented, the broker away while a backlog grows, also one of 72 hours by the door's clock. Before the first
fault it is measured how soon an event arrives; after the last, events are played again, all that went over the pipe is
searched for the names in it, a backlog drains, and a whole device comes back after restarts of its broker. Ends with 1
if a goal is missed. At the end comes what prove_homeassistant.py shows; where that cannot be run, it says so, and the
whole is not shown.

    scripts/prove wire                                     # 100,000 events, 500 faults: an hour or so
    scripts/prove wire --events=2000                       # a quick run, with as many faults as fit
    scripts/prove wire --state=DIR                         # goes on where a run in DIR was stopped
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.wire.backlog import Drained, drain
from bench.wire.capture import found_in
from bench.wire.replay import COUNT, replay
from bench.wire.run import FAULTS, Run
from bench.wire.whole import BIRTHS, Whole, whole

CONSOLE = Console()
EVENTS, EVENTS_A_FAULT = 100_000, 200
ROW_BYTES = 10**9 // 10**6
"""A million rows in a gigabyte."""
DRAIN_RATE, ENQUEUE_MS = 1_500, 5.0
CALM_EVENTS, CALM_S = 200, 0.05
Row = tuple[str, object, str, bool]
"""What was looked at, what was found, the goal, and whether it is met."""


def undisturbed(run: Run) -> float:
    """95th percentile of the time from a decision to the consumer, in milliseconds."""
    run.decide(50, wait=True)
    run.settle(60)
    journal = run.consumer.journal
    journal.late_ms.clear()
    for _ in range(CALM_EVENTS):
        run.decide(1)
        time.sleep(CALM_S)
    run.settle(60)
    late_ms = sorted(journal.late_ms)
    return float(late_ms[len(late_ms) * 95 // 100])


def carry_out(run: Run, events: int, faults: int) -> None:
    """Decide up to so many events with so many faults spread over them, each kind in its turn."""
    kinds = [FAULTS[number % len(FAULTS)] for number in range(faults)]
    random.Random(len(kinds)).shuffle(kinds)
    journal, first, done = run.consumer.journal, run.decided, run.done
    for number, kind in enumerate(kinds[done:], 1):
        again, disorder = run.sent_again, journal.out_of_order
        run.fault(kind)
        due = first + (events - first) * number // (faults - done)
        run.decide(max(0, due - run.decided), wait=True)
        journal.read()
        run.again[kind] += run.sent_again - again
        run.disorder[kind] += journal.out_of_order - disorder
        run.keep()
        if run.done % 25 == 0:
            CONSOLE.print(
                f"{run.spent_s:6.0f} s  {run.decided:>7} decided  {len(journal.taken):>7} taken  "
                f"{journal.again:>5} twice  {journal.out_of_order:>3} out of order  {run.done:>4} faults"
            )
    run.decide(max(0, events - run.decided), wait=True)
    run.settle(240)


def carried(run: Run) -> list[Row]:
    """What came of the events, before anybody plays them again."""
    journal = run.consumer.journal
    twice, again = journal.again / max(1, journal.messages), run.sent_again / (run.decided + run.sent_again)
    late = len(journal.acted & run.old)
    old = len(run.old - journal.taken)
    return [
        ("lost", run.lost, "0", run.lost == 0),
        ("gaps after dedup", journal.gaps, "0", journal.gaps == 0),
        ("out of order after dedup", journal.out_of_order, "0", journal.out_of_order == 0),
        ("came twice to the consumer", f"{journal.again} ({twice:.2%})", "1 %", twice <= 0.01),
        ("sent again by the door, mostly what a cut had swallowed", f"{again:.2%}", "-", True),
        ("refused by the consumer", journal.refused, "0", journal.refused == 0),
        (f"of {len(run.old)} events of outages of 72 h: lost", old, "0", old == 0),
        ("of these: acted on after their time", late, "0", late == 0),
        ("left in the outbox", run.door.store.pending(), "0", run.door.store.pending() == 0),
    ]


def backlogs(puback: Drained, consumer: Drained, memory: Drained) -> list[Row]:
    row = puback.row_bytes
    without = f"{memory.alone_p99_ms:.1f}, {memory.enqueue_p99_ms:.1f} ms"
    deciding = f"{puback.alone_p99_ms:.1f}, {puback.enqueue_p99_ms:.1f} ms (the disk alone {puback.disk_p99_ms:.1f})"
    return [
        (f"backlog of {puback.rows}: a row", f"{row:.0f} bytes", f"{ROW_BYTES}", row <= ROW_BYTES),
        ("drained a second, by PUBACK", f"{puback.rate:.0f}", f"{DRAIN_RATE}", puback.rate >= DRAIN_RATE),
        ("drained a second, by the consumer's word", f"{consumer.rate:.0f}", "-", True),
        ("deciding alone, and while it drains, p99", deciding, "5 ms", puback.enqueue_p99_ms <= ENQUEUE_MS),
        ("the same without a disk, in memory", without, "-", True),
    ]


def device(found: Whole) -> list[Row]:
    births, narrowed_ms = f"{found.births} of {BIRTHS}", found.narrowed_s * 1000
    return [
        ("back with all entities after a restart of the broker", f"{found.back_s:.1f} s", "5 s", found.back_s <= 5),
        ("announced again after Home Assistant's birth", births, f"{BIRTHS}", found.births == BIRTHS),
        ("a new restriction in force, told to look", f"{narrowed_ms:.0f} ms", "2000 ms", narrowed_ms <= 2000),
    ]


def report(run: Run, rows: list[Row]) -> bool:
    table = Table(title=f"the wire: {run.decided} events, {run.done} faults, {run.spent_s:.0f} s")
    for name in ("", "found", "goal"):
        table.add_column(name, justify="right" if name else "left")
    for name, value, goal, good in rows:
        table.add_row(name, str(value), goal, style=None if good else "bold red")
    CONSOLE.print(table)
    CONSOLE.print(
        "faults, with what was sent again, and came out of order, before the next: "
        + ", ".join(
            f"{kind} {count} ({run.again[kind]}, {run.disorder[kind]})" for kind, count in sorted(run.faults.items())
        )
        + "; PUBACKs: "
        + ", ".join(f"{count} {kind}" for kind, count in sorted((run.pubacks + run.pipe.done).items()))
    )
    return all(good for *_, good in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--faults", type=int, help=f"without it one for each {EVENTS_A_FAULT} events, 12 at least")
    parser.add_argument("--backlog", type=int, default=30_000, help="rows that wait for a broker")
    parser.add_argument("--state", type=Path, help="a folder that is kept; a run in it goes on where it was stopped")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped; with --state it goes on from here"))
    faults = given.faults or max(len(FAULTS), given.events // EVENTS_A_FAULT)
    with tempfile.TemporaryDirectory(prefix="doorward-wire-") as scratch:
        folder = given.state or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        run = Run(folder, given.seed)
        try:
            calm_ms = undisturbed(run)
            calm: Row = ("from decision to consumer, undisturbed, p95", f"{calm_ms:.0f} ms", "100 ms", calm_ms <= 100)
            carry_out(run, given.events, faults)
            rows = [*carried(run), calm]
            played, acted = replay(run)
            rows.append((f"played again, retained, in another order: {played}; acted on", acted, "0", acted == 0))
        finally:
            run.close()
        hits, size = found_in(*(capture.path for capture in run.captures))
        rows.append((f"names in all that went over the wire, {size / 2**20:.0f} MiB", hits, "0", hits == 0))
        rows += device(whole(Path(scratch) / "whole"))
        with tempfile.TemporaryDirectory(prefix="doorward-wire-", dir="/dev/shm") as memory:
            rows += backlogs(
                drain(Path(scratch) / "puback", given.backlog, "puback"),
                drain(Path(scratch) / "consumer", given.backlog, "consumer"),
                drain(Path(memory) / "puback", given.backlog, "puback"),
            )
        good = report(run, rows) and played >= COUNT
    assistant = Path(__file__).with_name("prove_homeassistant.py")
    good = subprocess.run([sys.executable, assistant]).returncode == 0 and good  # what was not run is not shown
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
