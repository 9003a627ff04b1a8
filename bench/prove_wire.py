"""Nothing is lost on the way: events cross a real link process and a real broker while both are killed and cut.

A door decides, its outbox and the link process send over a pipe to Debian's mosquitto with its durable settings, a
consumer takes them with the consumer library and acknowledges. Meanwhile faults are drawn, evenly over the run: broker
and link killed, connections cut, half-open, slow, deaf to the broker's answers, PUBACKs dropped, doubled and invented,
the broker away while a backlog grows. Before the first fault it is measured how soon an event arrives; after the last,
how fast a backlog drains. Ends with 1 if a goal is missed: nothing lost or out of order, 1 % twice at most. At the end
comes what prove_homeassistant.py shows; where that cannot be run, it says so, and the whole is not shown.

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
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from agent.app.link_settings import LinkSettings
from bench.wire.backlog import Drained, drain
from bench.wire.ends import CANARY, DEVICE, SITE, Door, SiteConsumer
from bench.wire.hostile import HostilePipe, spellings
from tests.adapters.mosquitto import Mosquitto
from tests.app.running import LinkProcess

CONSOLE = Console()
EVENTS, EVENTS_A_FAULT = 100_000, 200
PACE_S = 0.004
"""Between two decisions."""
BEHIND = 200
"""So many events may be on their way before the door waits for them; all but those of an outage."""
OUTAGE_EVENTS = 300
ROW_BYTES = 2**30 // 10**6
"""A million rows in a gibibyte."""
DRAIN_RATE, ENQUEUE_MS = 1_500, 5.0
CALM_EVENTS, CALM_S = 200, 0.05
DURABLE = (
    "allow_anonymous true",
    "persistence true",
    "autosave_on_changes true",
    "autosave_interval 1",
    "max_queued_messages 100000",
)
FAULTS = (
    "broker killed", "link killed", "cut", "half-open", "answers lost", "slow", "PUBACK dropped", "PUBACK doubled",
    "PUBACK invented", "away",
)  # fmt: skip


class Run:
    """One run in a folder; what is decided and taken is in there, so that another run goes on from it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._rng = random.Random(seed)
        self._folder = folder
        port = self._port(folder)
        self.broker = Mosquitto(folder, port, (*DURABLE, f"persistence_location {folder}/"))
        self.broker.start()
        self.consumer = SiteConsumer(port, folder / "taken.json")
        self.pipe = HostilePipe(port, self._rng, spellings(CANARY))
        self.door = Door(folder / "state")
        self.link = self._start_link()
        self.faults, self.again = Counter[str](), Counter[str]()
        """How often of each kind, and how many events were sent again before the next."""

    def _port(self, folder: Path) -> int:
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def _start_link(self) -> LinkProcess:
        settings = LinkSettings(
            self._folder / "state" / "link.sock", SITE, DEVICE, broker_port=self.pipe.port, tls=False
        )
        return LinkProcess(settings)

    def decide(self, count: int, *, wait: bool = False) -> None:
        """So many decisions; with `wait` no faster than they are taken at the other end."""
        for _ in range(count):
            self.door.decide()
            time.sleep(PACE_S)
            ends = time.monotonic() + 60
            while wait and self.door.store.rows.count > BEHIND and time.monotonic() < ends:
                time.sleep(0.02)

    def fault(self, kind: str) -> None:
        """One fault, and what decides meanwhile."""
        self.faults[kind] += 1
        match kind:
            case "broker killed":
                self.broker.stop(signal.SIGKILL)
                self.decide(self._rng.randrange(1, 20))
                self.broker.start()
            case "link killed":
                self.link.process.kill()
                self.link.end()
                self.decide(self._rng.randrange(1, 20))
                self.link = self._start_link()
            case "cut":
                self.pipe.cut()
            case "half-open":
                self.pipe.deafen()
            case "answers lost":
                self.pipe.deafen(to_broker=False)
            case "slow":
                self.pipe.delay_s = 0.05
                self.decide(10)
                self.pipe.delay_s = 0.0
            case "PUBACK dropped":
                self.pipe.drop = 1
            case "PUBACK doubled":
                self.pipe.double = 3
            case "PUBACK invented":
                self.pipe.invent = 3
            case "away":
                self.pipe.refuse()
                self.decide(OUTAGE_EVENTS)
                self.pipe.admit()

    def settle(self, within_s: float) -> None:
        """Wait until everything that was decided is taken and freed."""
        ends = time.monotonic() + within_s
        while (self.door.store.pending() or self.consumer.gaps) and time.monotonic() < ends:
            time.sleep(0.05)

    @property
    def decided(self) -> int:
        return self.door.store.frontier.size

    @property
    def sent_again(self) -> int:
        return self.pipe.sent.total() - len(self.pipe.sent)

    def close(self) -> None:
        self.link.end()
        self.door.close()
        self.consumer.close()
        self.pipe.close()
        self.broker.stop(signal.SIGTERM)


def undisturbed(run: Run) -> float:
    """95th percentile of the time from a decision to the consumer, in milliseconds."""
    run.decide(50, wait=True)
    run.settle(30)
    run.consumer.late_s.clear()
    for _ in range(CALM_EVENTS):
        run.decide(1)
        time.sleep(CALM_S)
    run.settle(30)
    late = sorted(run.consumer.late_s)
    return 1000 * late[len(late) * 95 // 100] if late else 0.0


def carry_out(run: Run, events: int, faults: int) -> None:
    """Decide up to so many events with so many faults spread over them, each kind in its turn."""
    kinds = [FAULTS[number % len(FAULTS)] for number in range(faults)]
    random.Random(len(kinds)).shuffle(kinds)
    begun, first = time.monotonic(), run.decided
    for number, kind in enumerate(kinds):
        before = run.sent_again
        run.fault(kind)
        due = first + (events - first) * (number + 1) // len(kinds)
        run.decide(max(0, due - run.decided), wait=True)
        run.again[kind] += run.sent_again - before
        if number % 25 == 24:
            CONSOLE.print(
                f"{time.monotonic() - begun:6.0f} s  {run.decided:>7} decided  {run.consumer.taken:>7} taken  "
                f"{run.consumer.again:>5} twice  {number + 1:>4} faults"
            )
    run.decide(max(0, events - run.decided), wait=True)
    run.settle(180)


def report(run: Run, events: int, faults: int, spent_s: float, calm_ms: float, drained: Drained) -> bool:
    consumer, lost = run.consumer, run.decided - run.consumer.taken
    twice, again = consumer.again / max(1, consumer.messages), run.sent_again / max(1, run.pipe.sent.total())
    table = Table(title=f"the wire: {events} events, {faults} faults, {spent_s:.0f} s")
    for name in ("", "found", "goal"):
        table.add_column(name, justify="right" if name else "left")
    rows = [
        ("lost", lost, "0", lost == 0),
        ("gaps after dedup", consumer.gaps, "0", consumer.gaps == 0),
        ("out of order after dedup", consumer.out_of_order, "0", consumer.out_of_order == 0),
        ("came twice to the consumer", f"{consumer.again} ({twice:.2%})", "1 %", twice <= 0.01),
        ("sent again by the door, mostly what a cut had swallowed", f"{again:.2%}", "-", True),
        ("refused by the consumer", consumer.refused, "0", consumer.refused == 0),
        ("messages with a pseudonym in clear", run.pipe.leaks, "0", run.pipe.leaks == 0),
        ("left in the outbox", run.door.store.pending(), "0", run.door.store.pending() == 0),
        ("from decision to consumer, undisturbed, p95", f"{calm_ms:.0f} ms", "100 ms", calm_ms <= 100),
        (
            f"backlog of {drained.rows}: a row",
            f"{drained.row_bytes:.0f} bytes",
            "1,073",
            drained.row_bytes <= ROW_BYTES,
        ),
        ("drained a second, by PUBACK", f"{drained.rate:.0f}", "1,500", drained.rate >= DRAIN_RATE),
        (
            "deciding alone, and while it drains, p99",
            f"{drained.alone_p99_ms:.1f}, {drained.enqueue_p99_ms:.1f} ms",
            "5 ms",
            drained.enqueue_p99_ms <= ENQUEUE_MS,
        ),
    ]
    for name, value, goal, good in rows:
        table.add_row(name, str(value), goal, style=None if good else "bold red")
    CONSOLE.print(table)
    CONSOLE.print(
        "faults, with what was sent again before the next: "
        + ", ".join(f"{kind} {count} ({run.again[kind]})" for kind, count in sorted(run.faults.items()))
        + "; PUBACKs: "
        + ", ".join(f"{count} {kind}" for kind, count in sorted(run.pipe.done.items()))
    )
    return all(good for *_, good in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--faults", type=int, help=f"without it one for each {EVENTS_A_FAULT} events, 10 at least")
    parser.add_argument("--backlog", type=int, default=20_000, help="rows that wait for a broker")
    parser.add_argument("--state", type=Path, help="a folder that is kept; a run in it goes on where it was stopped")
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    faults = given.faults or max(len(FAULTS), given.events // EVENTS_A_FAULT)
    with tempfile.TemporaryDirectory(prefix="doorward-wire-") as scratch:
        folder = given.state or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        run, begun = Run(folder, given.seed), time.monotonic()
        try:
            calm_ms = undisturbed(run)
            carry_out(run, given.events, faults)
            spent_s = time.monotonic() - begun
            drained = drain(Path(scratch) / "backlog", given.backlog)
            good = report(run, given.events, faults, spent_s, calm_ms, drained)
        finally:
            run.close()
    assistant = Path(__file__).with_name("prove_homeassistant.py")
    good = subprocess.run([sys.executable, assistant]).returncode == 0 and good  # what was not run is not shown
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
