"""Stories of true time for lying clocks: a device is asked at each step whether it goes by what is over.

The parts are the real ones: the site's repository with its renewals, the device's client, the store, the trusted clock
and its keeping. Simulated are the hands of the clocks, the network and the power. Two things must hold:

- nothing expired is honoured: never past the end of the lease by true time where the system clock tells it, and never
  longer in operation than the lease lasts where no clock tells it;
- nobody is locked out for good: once the clock is right and the site can be reached, the device goes by it again.
"""

from __future__ import annotations

import bisect
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.adapters.store import Store
from agent.adapters.updates import Updates, Verified
from agent.app.timekeeping import BUILT_S, RUN_S, hear, run_on, trusted_clock
from agent.errors import DoorwardError, LinkError
from agent.ledger.entry import started
from agent.policy.bundle import POLICY_PATH
from agent.site.repository import SiteRepository
from agent.units import DeviceId, SiteId

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
START: Final = BUILT_S + 30 * DAY
_SITE, _DEVICE = SiteId("quay"), DeviceId("gate-1")
SLACK_S: Final = 1.0
Served = dict[str, bytes]
Hands = Callable[[float], float]
"""True time -> what the system clock says."""


class Calendar:
    """A site that renewed its lease at regular times, and what its server had to give at each."""

    def __init__(self, folder: Path, lease_s: float, every_s: float, until_s: float) -> None:
        self._now, self.lease_s = START - every_s, lease_s
        self.site = SiteRepository.init(folder, _SITE, clock=lambda: self._now, lease_s=lease_s)
        self.site.publish({POLICY_PATH: b"{}"})
        self._times: list[float] = []
        self._states: list[Served] = []
        self._files = folder / "repository"
        self.root = (self._files / "metadata/1.root.json").read_bytes()
        while self._now < START + until_s:
            self._now += every_s
            self.site.renew()
            self._times.append(self._now)
            self._states.append(self._read())

    def at(self, true_s: float) -> Served:
        """What is published at a time."""
        return self._states[max(0, bisect.bisect_right(self._times, true_s) - 1)]

    def _read(self) -> Served:
        return {
            str(path.relative_to(self._files)): path.read_bytes() for path in self._files.rglob("*") if path.is_file()
        }


class Story:
    """One device between its first start and the end of the case.

    Args:
        hands: of the system clock.
    """

    def __init__(self, folder: Path, calendar: Calendar, hands: Hands = lambda true_s: true_s) -> None:
        self.calendar, self.hands, self.true_s = calendar, hands, START
        self.served: Served | None = None
        """Instead of what is published now; the network is cut where it is empty."""
        self._folder = folder
        self.wrong: list[str] = []
        self._honest = True
        self._operated_s = 0.0
        """In operation since the newest word of the site was signed, as far as the device can know."""
        self._issued_s = -math.inf
        self._running = False
        self.verified: Verified | None = None
        folder.mkdir(mode=0o700)

    def start(self) -> None:
        """Power on; CLOCK_MONOTONIC begins anew."""
        self._mono_s = 7.0
        self._store = Store.open(self._folder / "store.sqlite", site=_SITE, device=_DEVICE, ledger_key=bytes(32))
        self._clock = trusted_clock(self._store, self._ns())
        run_on(self._clock, self._store, self._ns())
        self._run_due = self._mono_s + RUN_S
        self._updates = Updates(self._folder / "tuf", self.calendar.root, self._fetch)
        self._store.note(started(_SITE, _DEVICE, "0.1.0", self.now()))
        self._running, self.verified = True, None
        self._take(self._updates.load)

    def stop(self) -> None:
        """Power off, without a word of warning."""
        self._store.close()
        self._running = False

    def passes(self, seconds: float, step_s: float = HOUR, *, contact: bool = True) -> None:
        """Time goes by in operation, in steps."""
        left = seconds
        while left > 0:
            step = min(step_s, left)
            left -= step
            # Each line is written when it is due; the last one of a long step is the one that counts.
            before_s, self._mono_s = self._mono_s, self._mono_s + step
            self.true_s += step
            self._operated_s += step
            if self._mono_s >= self._run_due:
                due = self._run_due + ((self._mono_s - self._run_due) // RUN_S) * RUN_S
                run_on(self._clock, self._store, self._ns(max(due, before_s)))
                self._run_due = due + RUN_S
            if contact:
                self.contact()
            self.look()

    def off(self, seconds: float) -> None:
        self.stop()
        self.true_s += seconds
        self.start()

    def contact(self) -> bool:
        """Ask the site for news; whether that worked."""
        return self._take(lambda: self._updates.refresh(self._clock.proved(self._ns())))

    def now(self) -> float | None:
        return self._clock.now(self.hands(self.true_s), self._ns())

    def honours(self) -> bool:
        """What the gate asks of the clock and the lease."""
        now_s = self.now()
        return now_s is not None and self.verified is not None and now_s < self.verified.lease_until_s

    def look(self) -> None:
        """Ask as the gate does on a frame, and judge the answer by what is true."""
        if not self.honours() or self.verified is None:
            return
        until_s, lie_s = self.verified.lease_until_s, self.hands(self.true_s) - self.true_s
        if lie_s >= 0 and self.true_s >= until_s + SLACK_S:
            self.wrong.append(f"honours what is over since {self.true_s - until_s:.0f} s by a good clock")
        if self._operated_s >= until_s - self._issued_s + RUN_S + SLACK_S:
            self.wrong.append(f"honours a lease for {self._operated_s:.0f} s of operation")

    def recovers(self) -> None:
        """The clock is put right and the site can be reached; two renewals of the lease must be enough."""
        self.hands, self.served = lambda true_s: true_s, None
        for _ in range(int(2 * self.calendar.lease_s / 600) + 2):
            self.passes(600, 600)
            if self.honours():
                return
        self.wrong.append("is locked out")

    def end(self) -> str | None:
        if self._running:
            self.stop()
        shutil.rmtree(self._folder)
        return "; ".join(self.wrong[:2]) or None

    def _take(self, get: Callable[[], Verified | None]) -> bool:
        try:
            verified = get()
        except DoorwardError:
            return False
        if verified is not None:
            self.verified = verified
            if self._store.times.voided(verified.issued_s, verified.clock_keys):
                self._issued_s = -math.inf
            hear(verified, self._clock, self._store, self._ns())
            if verified.issued_s > self._issued_s:
                self._issued_s, self._operated_s = verified.issued_s, 0.0
        return verified is not None

    def _fetch(self, path: str, limit: int) -> bytes | None:
        served = self.calendar.at(self.true_s) if self.served is None else self.served
        if not served:
            raise LinkError("cut")
        return served.get(path)

    def _ns(self, mono_s: float | None = None) -> int:
        return round((self._mono_s if mono_s is None else mono_s) * 1e9)


class Town:
    """Calendars that many stories share."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0
        self.daily = Calendar(folder / "daily", DAY, 6 * HOUR, 16 * DAY)
        self.brief = Calendar(folder / "brief", 600, 150, 2 * HOUR)

    def story(self, calendar: Calendar | None = None, hands: Hands = lambda true_s: true_s) -> Story:
        self._count += 1
        return Story(self._folder / f"story-{self._count}", calendar or self.daily, hands)


def always(value: float) -> Hands:
    return lambda true_s: value


def off_by(seconds: float) -> Hands:
    return lambda true_s: true_s + seconds
