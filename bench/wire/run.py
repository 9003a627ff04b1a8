"""One run of events and faults in a folder: another run goes on from what is in there."""

from __future__ import annotations

import json
import random
import signal
import socket
import time
from collections import Counter
from pathlib import Path
from typing import Final

from agent.app.link_settings import LinkSettings
from bench.wire.capture import Capture
from bench.wire.consumer import SiteConsumer
from bench.wire.ends import DEVICE, SITE, Door
from bench.wire.hostile import HostilePipe
from tests.adapters.mosquitto import Mosquitto
from tests.app.running import LinkProcess

BEHIND: Final = 5
"""So many events may be on their way before the door waits for them; all but those of an outage. When something is
killed, each of them may come twice, and at a door there are hardly ever two."""
OUTAGE_EVENTS: Final = 150
OUTAGE_S: Final = 72 * 3600.0
LATE_S: Final = 60.0
"""An event of so long ago may surely not be acted on."""
DURABLE: Final = (
    "allow_anonymous true",
    "persistence true",
    "autosave_on_changes true",
    "autosave_interval 1",
    "max_queued_messages 100000",
)
FAULTS: Final = (
    "broker killed", "link killed", "consumer killed", "cut", "half-open", "answers lost", "slow", "PUBACK dropped",
    "PUBACK doubled", "PUBACK invented", "away", "72 h away",
)  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Run:
    """The door, the link process, the broker behind a hostile pipe, and the consumer process."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self._kept = folder, folder / "progress.json"
        port = free_port()
        self.broker = Mosquitto(folder, port, (*DURABLE, f"persistence_location {folder}/"))
        self.broker.start()
        self.captures = [Capture(folder / "wire.out"), Capture(folder / "wire.in")]
        self.pipe = HostilePipe(port, random.Random(seed), *self.captures)
        self.consumer = SiteConsumer(port, folder / "taken.log")
        self.door = Door(folder / "state")
        self.link = self._start_link()
        kept = json.loads(self._kept.read_text()) if self._kept.exists() else {}
        self.done: int = kept.get("done", 0)
        """Faults."""
        self.faults, self.again = Counter[str](kept.get("faults", {})), Counter[str](kept.get("again", {}))
        """How often of each kind, and how many events were sent again before the next."""
        self.disorder = Counter[str](kept.get("disorder", {}))
        """After which kinds something came out of order."""
        self.old: set[int] = set(kept.get("old", []))
        """Numbers of events that were days old when there was a broker again."""
        self.pubacks = Counter[str](kept.get("pubacks", {}))
        self._spent_s: float = kept.get("spent_s", 0.0)
        self._again: int = kept.get("sent_again", 0)
        self._began = time.monotonic()
        self._rng = random.Random(seed + self.done)

    def keep(self) -> None:
        """What another run in this folder goes on from."""
        part = self._kept.with_suffix(".part")
        part.write_text(
            json.dumps(
                {
                    "done": self.done, "faults": self.faults, "again": self.again, "disorder": self.disorder,
                    "old": sorted(self.old), "pubacks": self.pubacks + self.pipe.done, "spent_s": self.spent_s,
                    "sent_again": self.sent_again,
                }
            )
        )  # fmt: skip
        part.replace(self._kept)

    def _start_link(self) -> LinkProcess:
        settings = LinkSettings(
            self.folder / "state" / "link.sock", SITE, DEVICE, broker_port=self.pipe.port, tls=False
        )
        return LinkProcess(settings)

    def decide(self, count: int, *, wait: bool = False) -> None:
        """So many decisions; with `wait` no faster than they are taken at the other end."""
        for _ in range(count):
            self.door.decide()
            ends = time.monotonic() + 60
            while wait and self.door.store.rows.count > BEHIND and time.monotonic() < ends:
                time.sleep(0.005)

    def fault(self, kind: str) -> None:
        """One fault, and what decides meanwhile."""
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
            case "consumer killed":
                self.consumer.kill()
                self.decide(self._rng.randrange(1, 20))
                self.consumer.again()
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
            case "72 h away":
                self.pipe.refuse()
                for number in range(OUTAGE_EVENTS):
                    ago_s = OUTAGE_S * (1 - number / OUTAGE_EVENTS)
                    self.old.add(self.door.decide(ago_s))
                self.pipe.admit()
            case _:
                raise AssertionError(f"{kind}: none of FAULTS")
        self.done += 1
        self.faults[kind] += 1

    def settle(self, within_s: float) -> None:
        """Wait until everything that was decided is taken and freed."""
        ends = time.monotonic() + within_s
        while time.monotonic() < ends:
            self.consumer.journal.read()
            if not self.door.store.pending() and not self.lost:
                return
            time.sleep(0.05)

    @property
    def lost(self) -> int:
        return self.decided - len(self.consumer.journal.taken)

    @property
    def decided(self) -> int:
        return self.door.store.frontier.size

    @property
    def sent_again(self) -> int:
        """How often an event went to the broker that had gone before."""
        return self._again + self.pipe.sent.total() - len(self.pipe.sent)

    @property
    def spent_s(self) -> float:
        """In all runs in this folder."""
        return self._spent_s + time.monotonic() - self._began

    def close(self) -> None:
        self.link.end()
        self.door.close()
        self.consumer.close()
        self.pipe.close()
        for capture in self.captures:
            capture.close()
        self.broker.stop(signal.SIGTERM)
        self.keep()
