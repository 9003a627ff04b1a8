"""Faults at a door: whatever hangs, fails or is full, it comes back or says why not, and nothing written is lost.

A real recogniser under a supervisor that does what systemd does, a real link, the embedded broker and a subscriber that
acknowledges. Ports hang one after the other in the midst of their work (bench/faults/recogniser.py), the camera is
unplugged, link and broker hang, die or acknowledge nothing, the site's server hangs in an answer, the disk is full,
held by another process, or gives input and output errors (bench/faults/disk.py). A second device has a camera of the
network whose server freezes or says nothing (GStreamer's, read by `doorward rtsp`), and a receiver of positions that
falls silent or says garbage. From each fault it is measured how soon a fresh pass opens the door again, or how soon the
device says on which ground it refuses. After each the ledger is verified, with all decisions of before in it; what is
on the medium itself is compared with it, as after a power cut; the door has opened for shown passes and people only.
Besides, bench/faults/resync.py asks what a process may build on after a sync that failed.
Needs root, for the small disks. Ends with 1 if a goal is missed.

    scripts/prove faults
    scripts/prove faults --only=disk                       # those whose names hold this word
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from agent.ledger.entry import Decided
from bench.faults.disk import Disk, small_disk
from bench.faults.far import NetworkCamera, Receiver
from bench.faults.gate import NEVER_S, Gate
from bench.faults.resync import lost_after
from tests.app.door import ledger

CONSOLE: Final = Console(highlight=False)
GOAL_S: Final = 30.0
LASTS_S: Final = 8.0
LONG_S: Final = 20.0
"""Longer than link and reader wait for an answer."""
MEGA: Final = 64
RESYNC: Final = "disk gives one error, process goes on, power cut"
HANGS: Final = (
    "camera-open", "camera-read", "markers", "qr", "detector", "embedder", "door", "clock", "token-reader",
)  # fmt: skip


def nothing() -> None:
    """The fault ends by itself, or what hangs is ended by the watchdog."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One disturbance.

    Args:
        lasts_s: it goes on for so long, and the door is to say why it refuses; 0: until somebody ends it.
        opens: the door opens for passes all the while.
        whole: what is to be true again besides, within the same time.
        faces: people who are shown.
    """

    name: str
    begin: Callable[[], object]
    end: Callable[[], object] = nothing
    lasts_s: float = 0.0
    opens: bool = False
    whole: Callable[[], bool] = field(default=lambda: True)
    faces: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    fault: str
    refused: str
    recovered_s: float | None
    lost: int
    unasked: int
    kills: int

    @property
    def back(self) -> str:
        return "never" if self.recovered_s is None else f"{self.recovered_s:.1f} s"

    @property
    def good(self) -> bool:
        in_time = self.recovered_s is not None and (self.recovered_s <= GOAL_S or self.refused != "-")
        return in_time and not self.lost and not self.unasked


class Trial:
    """Faults of one gate, one after the other."""

    def __init__(self, gate: Gate, disk: Disk) -> None:
        self._gate, self._disk, self._faces = gate, disk, 0

    def of(self, fault: Fault) -> Found:
        gate = self._gate
        self._faces += fault.faces
        before, kills = ledger(gate.device), gate.supervisor.kills
        gate.forget()
        began = time.monotonic()
        fault.begin()
        refused = gate.refuses(fault.lasts_s) if fault.lasts_s and not fault.opens else None
        meanwhile = gate.opens(GOAL_S) if fault.opens else 0.0
        time.sleep(max(0.0, began + fault.lasts_s - time.monotonic()))
        fault.end()
        over = time.monotonic()
        opened = gate.opens() if meanwhile is not None else None
        while not fault.whole() and time.monotonic() - over < NEVER_S:
            time.sleep(0.1)
        back = opened is not None and fault.whole()
        recovered = time.monotonic() - (over if fault.lasts_s else began) if back else None
        time.sleep(1.0)
        told = "-" if refused is None else f"{refused[1]} after {refused[0]:.1f} s"
        unasked = max(0, gate.pulses() - gate.offered - self._faces)
        return Found(fault.name, told, recovered, self._lost(before), unasked, gate.supervisor.kills - kills)

    def _lost(self, before: list[Decided]) -> int:
        """Decisions that were written once and are not there, or whose door opened without them."""
        gate, after = self._gate, ledger(self._gate.device)
        there = gate.on_medium(self._disk.medium)
        opened = sum(each.outcome.value in ("match", "pass-accepted") for each in after)
        found = {
            "of before": 0 if after[: len(before)] == before else len(before),
            "opened without one": max(0, gate.pulses() - opened),
            "heard of and not there": len(gate.heard) > len(after),
            "not on the medium": sum(each not in there for each in after),
        }
        if any(found.values()):
            CONSOLE.print(", ".join(f"{count} {what}" for what, count in found.items() if count), style="bold red")
        return sum(found.values())


@contextlib.contextmanager
def held(store: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(store, timeout=5, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield


def hangs(gate: Gate) -> Iterator[Fault]:
    for stage in HANGS:

        def begin(stage: str = stage) -> None:
            file = gate.folder / f"hang-{stage}"
            if stage == "camera-open":  # opened again only after a failure
                (gate.folder / "unplugged").touch()
                time.sleep(0.5)
            file.touch()
            if stage == "embedder":
                gate.show("face")
            else:
                gate.offer()
            ends = time.monotonic() + 10
            while file.exists() and time.monotonic() < ends:
                time.sleep(0.02)
            (gate.folder / "unplugged").unlink(missing_ok=True)

        yield Fault(f"hang: {stage}", begin, faces=stage == "embedder")


def faults(gate: Gate, disk: Disk) -> Iterator[Fault]:
    """Of the device whose camera the bench holds."""
    held_by, unplugged = contextlib.ExitStack(), gate.folder / "unplugged"

    def then_shown(act: Callable[[], object]) -> Callable[[], None]:
        """A pass is shown while the disk takes nothing."""

        def begin() -> None:
            act()
            gate.offer()

        return begin

    def hang_the_site() -> None:
        gate.site_wire.hang(after=100)
        gate.publish()

    hold = then_shown(lambda: held_by.enter_context(held(gate.device.store)))
    heard, follows = gate.delivered, gate.follows
    yield from hangs(gate)
    yield Fault(f"camera unplugged for {LASTS_S:.0f} s", unplugged.touch, unplugged.unlink, LASTS_S)
    # Before it is filled: the blocks that say where the pieces of a file lie must be in reach, see Disk.
    yield Fault(f"disk gives errors for {LASTS_S:.0f} s", then_shown(disk.fail), disk.mend, LASTS_S)
    yield Fault(f"disk full for {LASTS_S:.0f} s", then_shown(disk.fill), disk.make_room, LASTS_S)
    yield Fault(f"disk full for {2 * LONG_S:.0f} s", then_shown(disk.fill), disk.make_room, 2 * LONG_S)
    yield Fault(f"store held by another process for {LASTS_S:.0f} s", hold, held_by.close, LASTS_S)
    stopped, on = (partial(gate.link.send_signal, each) for each in (signal.SIGSTOP, signal.SIGCONT))
    yield Fault("link takes nothing", stopped, on, opens=True, whole=heard)
    yield Fault("broker gone", gate.broker.stop, gate.broker.start, opens=True, whole=heard)
    yield Fault(f"broker hangs for {LONG_S:.0f} s", gate.wire.hang, gate.wire.go_on, LONG_S, opens=True, whole=heard)
    deaf = partial(gate.wire.deafen, to_broker=False)
    yield Fault("broker acknowledges nothing", deaf, opens=True, whole=heard)
    site = f"site hangs in an answer for {LONG_S:.0f} s"
    yield Fault(site, hang_the_site, gate.site_wire.go_on, LONG_S, opens=True, whole=follows)
    yield Fault("site gone", gate.site_wire.refuse, gate.site_wire.admit, opens=True)
    yield Fault("recogniser killed", partial(gate.supervisor.send, signal.SIGKILL))
    yield Fault("recogniser stopped", partial(gate.supervisor.send, signal.SIGSTOP))


def far_faults(gate: Gate, camera: NetworkCamera, receiver: Receiver) -> Iterator[Fault]:
    """Of the device with a camera of the network and a receiver."""
    yield Fault(f"RTSP server frozen in its stream for {LONG_S:.0f} s", camera.freeze, camera.thaw, LONG_S)
    yield Fault(
        f"RTSP server takes connections and says nothing for {LONG_S:.0f} s", camera.fall_silent, camera.speak, LONG_S
    )
    good = partial(receiver.say, receiver.good)
    for name, said in (("silent", receiver.silent), ("says garbage", receiver.garbage)):
        yield Fault(
            f"receiver {name} for {LONG_S:.0f} s", partial(receiver.say, said), good, LONG_S, whole=gate.recognises
        )


def prove(folder: Path, only: str, *, far: bool) -> Iterator[Found]:
    """All faults of one of the two devices."""
    folder.mkdir()
    with contextlib.ExitStack() as opened:
        disk = opened.enter_context(small_disk(folder / "disk", mega=MEGA))
        camera = receiver = None
        if far:
            camera, receiver = NetworkCamera(folder), Receiver()
            opened.callback(camera.close)
            opened.callback(receiver.close)
        gate = Gate(folder, disk.at, camera, receiver)
        opened.callback(gate.close)
        if camera is not None and receiver is not None:
            all_of = list(far_faults(gate, camera, receiver))
        else:
            all_of = list(faults(gate, disk))
        if not far and only in RESYNC:
            yield Found(RESYNC, "-", 0.0, lost_after(disk), 0, 0)
        chosen = [each for each in all_of if only in each.name]
        if not chosen:
            return
        if gate.opens() is None:
            raise SystemExit("faults: the door does not open at all:\n" + (folder / "said").read_text())
        trial = Trial(gate, disk)
        for fault in track(chosen, "faults", console=CONSOLE, transient=True):
            yield trial.of(fault)


def main() -> int:
    options = argparse.ArgumentParser(prog="scripts/prove faults")
    options.add_argument("--only", default="", help="only the faults whose names hold this")
    only: str = options.parse_args().only
    if os.getuid() != 0:
        raise SystemExit("faults: needs root, to mount a small disk; run it as root")
    found: list[Found] = []
    with tempfile.TemporaryDirectory(prefix="doorward-faults-") as scratch:
        for name in ("near", "far"):
            for each in prove(Path(scratch) / name, only, far=name == "far"):
                found.append(each)
                CONSOLE.print(f"{each.fault}: refused {each.refused}; back {each.back}")
    table = Table(title=f"faults; goal: back within {GOAL_S:.0f} s or refused with its ground, nothing lost, door shut")
    for column in ("fault", "refused", "opens again", "lost", "unasked", "ended by the watchdog"):
        table.add_column(column, justify="left" if column == "fault" else "right")
    for each in found:
        row = (each.fault, each.refused, each.back, str(each.lost), str(each.unasked), str(each.kills))
        table.add_row(*row, style=None if each.good else "bold red")
    CONSOLE.print(table)
    return 0 if found and all(each.good for each in found) else 1


if __name__ == "__main__":
    sys.exit(main())
