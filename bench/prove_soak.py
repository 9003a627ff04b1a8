"""Three days in an hour: what a device writes, and whether its memory stays flat, at 10,000 decisions a day.

A real recogniser process and a real link work on a real disk, with the embedded broker and a subscriber that
acknowledges; clock and camera are simulated and wait for nothing, so days pass as fast as the recogniser works, its
liveness rows, checkpoints, heartbeats and the site's fresh leases included. While nobody is there a frame comes every
few seconds only, the one reduction: the cost of an empty frame is no matter of disk or memory, and is measured by
`scripts/demo`. Printed are bytes a day, what a commit costs by size of a page, and the slope of memory (least squares,
after a first part in which caches fill). Ends with 1 if a goal is missed.

    scripts/prove soak                      # 72 h, half an hour or more
    scripts/prove soak --hours=6            # a short one; Ctrl-C ends either and judges what there is
"""

from __future__ import annotations

import argparse
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from agent.adapters.broker import EmbeddedBroker
from agent.adapters.store import read_ledger
from agent.adapters.store.file import PAGE_BYTES
from agent.app.measure import rss_kb
from agent.demo.device import Device
from agent.demo.subscriber import Subscriber
from agent.events.decision import Outcome
from agent.events.seal import OpenedEvent
from agent.gallery.named import digest
from agent.policy.bundle import utc
from agent.site.passes import issue_pass
from agent.site.repository import SiteRepository
from agent.token import TokenKind
from bench.soak.pages import COMMITS, SIZES, Cost, cost, written_bytes
from bench.soak.recogniser import Plan
from bench.soak.slope import Sample, steady
from bench.soak.visits import A_PASS, DAY_S
from tests.app.door import enrol, ledger, site

CONSOLE: Final = Console(highlight=False)
ROOT: Final = Path(__file__).resolve().parent.parent
HOURS, A_DAY, IDLE_S = 72.0, 10_000, 6.0
DAY_MB, COMMIT_KB, SLOPE_MB = 200.0, 16.0, 1.0
CARD: Final = "04A2B3C4D5E6F7"
RENEW_S: Final = 6 * 3600.0
LOOK_S: Final = 2.0
"""Real seconds between two looks at memory."""
Row = tuple[str, str, str, bool]


class Passed:
    """How much time has passed at the door."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(8))
        self._file = path.open("rb", buffering=0)
        self.start_s = time.time()

    def seconds(self) -> float:
        return float(struct.unpack("<d", os.pread(self._file.fileno(), 8, 0))[0])

    def unix_s(self) -> float:
        return self.start_s + self.seconds()


@dataclass(frozen=True, slots=True)
class Soaked:
    days: float
    spent_s: float
    recogniser: list[Sample]
    link: list[Sample]
    written: int
    """Bytes by the recogniser."""
    file: int
    outcomes: dict[Outcome, int]
    heard: int
    """Decisions that the subscriber opened."""
    said: list[str]


def soak(folder: Path, hours: float, a_day: int, idle_s: float) -> Soaked:
    broker = EmbeddedBroker()
    broker.start()
    entry = {"digest": digest(TokenKind.CARD, CARD, bytes(16), 1, 8_192), "subject": "p-7", "doors": ["main"],
             "until": utc(time.time() + 30 * DAY_S).isoformat(), "opens": True}  # fmt: skip
    tokens = {"salt": "0" * 32, "passes": 1, "memory_kib": 8_192, "entries": [entry]}
    device = site(folder / "gate", tokens=tokens)
    enrol(device)
    config = device.config.read_text().replace("port = 1883", f"port = {broker.port}")
    device.config.write_text(
        config.replace("check_every_s = 0.5", "check_every_s = 5.0") + "[preview]\nevery_s = 10.0\n"
    )
    heard = list[int]()
    subscriber = Subscriber(
        broker.port,
        site=device.site,
        device=device.id,
        device_key=device.key,
        events_secret=device.events_secret,
        hear=lambda what: heard.append(what.sequence) if isinstance(what, OpenedEvent) else None,
    )
    passed = Passed(folder / "passed")
    visits = int(hours / 24 * a_day) + 1
    plan = Plan(str(device.config), str(folder / "passed"), passed.start_s, hours, a_day, idle_s, CARD,
                _passes(device, visits // A_PASS + 1, passed.start_s, a_day))  # fmt: skip
    plan.write(folder / "plan.json")
    log = folder / "said"
    with log.open("w") as said:
        command = [sys.executable, "-m", "bench.soak.recogniser", str(folder / "plan.json")]
        recogniser = subprocess.Popen(command, cwd=ROOT, stderr=said, start_new_session=True)  # Ctrl-C is ours
        start = "from agent.cli import main; main()"
        link = subprocess.Popen(
            [sys.executable, "-c", start, "link", "--config", str(device.config)],
            cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said,
            start_new_session=True,
        )  # fmt: skip
        began = time.monotonic()
        try:
            samples = _watch(device, passed, recogniser, link, hours * 3600)
            written = written_bytes(recogniser.pid)
            _quiet(heard)
        finally:
            spent_s = time.monotonic() - began
            for process in (recogniser, link):
                process.send_signal(signal.SIGTERM)
            for process in (recogniser, link):
                process.wait(30)
            subscriber.close()
            device.server.close()
            broker.close()
    decided = ledger(device)
    outcomes = {outcome: sum(each.outcome is outcome for each in decided) for outcome in Outcome}
    return Soaked(passed.seconds() / DAY_S, spent_s, samples[0], samples[1], written, device.store.stat().st_size,
                  outcomes, len(heard), log.read_text().splitlines())  # fmt: skip


def _watch(
    device: Device,
    passed: Passed,
    recogniser: subprocess.Popen[bytes],
    link: subprocess.Popen[bytes],
    ends_s: float,
) -> tuple[list[Sample], list[Sample]]:
    """Until the time is over or somebody has seen enough, with fresh leases; memory of both processes."""
    authority = SiteRepository.open(device.folder / "site", clock=passed.unix_s)
    samples: tuple[list[Sample], list[Sample]] = ([], [])
    enough = list[int]()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: enough.append(number))
    renewed_s, moved, last_s = 0.0, time.monotonic(), -1.0
    with Progress(console=CONSOLE, transient=True) as progress:
        task = progress.add_task("hours at the door", total=ends_s / 3600)
        while (now_s := passed.seconds()) < ends_s - 60 and not enough:
            time.sleep(LOOK_S)
            progress.update(task, completed=now_s / 3600)
            if now_s != last_s:
                moved, last_s = time.monotonic(), now_s
            if recogniser.poll() is not None or time.monotonic() - moved > 120:
                raise SystemExit("the recogniser has ended or stands still; see `said` in the folder (--state)")
            if now_s - renewed_s > RENEW_S:
                renewed_s = now_s
                authority.renew()
            for kept, process in zip(samples, (recogniser, link), strict=True):
                kept.append(Sample(now_s / DAY_S, rss_kb(process.pid) / 1024))
    return samples


def _quiet(heard: list[int]) -> None:
    """Wait until nothing new has come for a while."""
    before = -1
    while before != len(heard):
        before = len(heard)
        time.sleep(5)


def _passes(device: Device, count: int, start_s: float, a_day: int) -> list[str]:
    secret = device.repository.keys.sign_secret("pass")
    made = []
    for number in track(range(count), "passes", console=CONSOLE, transient=True):
        at_s = start_s + number * A_PASS / a_day * DAY_S
        made.append(
            issue_pass(device.policy, secret, doors=(device.policy.door,), from_s=at_s - 3600, until_s=at_s + DAY_S)
        )
    return made


def judged(found: Soaked, warm: float) -> list[Row]:
    decided = sum(found.outcomes.values())
    day_mb = found.written / found.days / 1e6
    opened = found.outcomes[Outcome.MATCH] + found.outcomes[Outcome.PASS_ACCEPTED]
    rows: list[Row] = [
        ("time at the door", f"{found.days * 24:.1f} h in {found.spent_s / 60:.0f} min", "-", True),
        ("decisions a day", f"{decided / found.days:.0f}", f"{A_DAY}", decided >= found.days * A_DAY * 0.99),
        ("of these opened", f"{opened} of {decided}", "95 %", opened >= 0.95 * decided),
        ("heard by the subscriber, each once", f"{found.heard}", f"{decided}", found.heard >= decided - 5),
        ("written a day", f"{day_mb:.0f} MB", f"{DAY_MB:.0f} MB", day_mb <= DAY_MB),
        ("a decision, all else included", f"{found.written / max(1, decided) / 1e3:.1f} kB", "-", True),
        ("the file grew a day", f"{found.file / found.days / 1e6:.1f} MB", "-", True),
    ]
    for name, samples in (("recogniser", found.recogniser), ("link", found.link)):
        slope_mb, last_mb = steady(samples, warm)
        row = f"{slope_mb:+.2f} MB a day (at the end {last_mb:.0f} MB)"
        rows.append((f"memory of the {name}", row, f"{SLOPE_MB} MB", slope_mb <= SLOPE_MB))
    return rows


def pages(count: int, folder: Path) -> list[Row]:
    found = [cost(size, count, folder) for size in track(SIZES, "sizes of a page", console=CONSOLE, transient=True)]
    table = Table(title=f"a decision and its freeing, {COMMITS} commits, {count} of them")
    for name in ("page, bytes", "written, kB", "a commit, kB", "syncs", "ms", "file, kB"):
        table.add_column(name, justify="right")
    for each in found:
        chosen = "bold" if each.page == PAGE_BYTES else None
        table.add_row(*_cells(each), style=chosen)
    CONSOLE.print(table)
    ours = next(each for each in found if each.page == PAGE_BYTES)
    least = min(found, key=lambda each: each.written)
    commit_kb = ours.written / COMMITS / 1e3
    return [
        ("a commit, with our pages", f"{commit_kb:.1f} kB", f"{COMMIT_KB:.0f} kB", commit_kb <= COMMIT_KB),
        ("the page that writes least", f"{least.page} bytes", f"{PAGE_BYTES}", least.page == PAGE_BYTES),
    ]


def _cells(each: Cost) -> list[str]:
    syncs = "no strace" if each.synced is None else f"{each.synced:.2f}"
    return [str(each.page), f"{each.written / 1e3:.1f}", f"{each.written / COMMITS / 1e3:.1f}", syncs,
            f"{each.spent_ms:.1f}", f"{each.file / 1e3:.0f}"]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=HOURS)
    parser.add_argument("--warm", type=float, help="hours at the beginning that are no part of the slope; else a sixth")
    parser.add_argument("--idle-s", type=float, default=IDLE_S, help="between two frames while nobody is there")
    parser.add_argument("--commits", type=int, default=1_000, help="decisions for each size of a page")
    parser.add_argument("--state", type=Path, help="a folder on the disk that is to be measured, kept afterwards")
    given = parser.parse_args()
    warm = given.hours / 6 if given.warm is None else given.warm
    with tempfile.TemporaryDirectory(prefix="doorward-soak-") as scratch:
        folder = given.state or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        rows = pages(given.commits, folder)
        CONSOLE.print(f"a frame every {given.idle_s:g} s while nobody is there, five a second during a visit")
        found = soak(folder, given.hours, A_DAY, given.idle_s)
        rows += judged(found, warm / 24)
        with read_ledger(folder / "gate" / "state" / "store.sqlite") as copy:
            CONSOLE.print(f"the ledger of {copy.frontier.size} entries verifies; at the end was said:")
        CONSOLE.print("\n".join(found.said[-3:]))
    table = Table(title="a soak")
    for name in ("", "found", "goal"):
        table.add_column(name, justify="right" if name else "left")
    for name, value, goal, good in rows:
        table.add_row(name, value, goal, style=None if good else "bold red")
    CONSOLE.print(table)
    return 0 if all(good for *_, good in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
