"""Lying clocks: a device lives through a story of true time, and is asked at each step whether it goes by what is over.

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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from agent.adapters.store import Store
from agent.adapters.updates import Updates, Verified
from agent.app.timekeeping import BUILT_S, RUN_S, hear, run_on, trusted_clock
from agent.errors import DoorwardError, LinkError
from agent.ledger.entry import started
from agent.policy.bundle import POLICY_PATH
from agent.site import roles
from agent.site.keyfiles import Role
from agent.site.keys import SiteKeys
from agent.site.metadata import moment
from agent.site.repository import SiteRepository
from agent.units import DeviceId, SiteId
from bench.policy.case import SIGNED, Case
from bench.policy.forge import Forge

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
START: Final = BUILT_S + 30 * DAY
_SITE, _DEVICE = SiteId("quay"), DeviceId("gate-1")
_SLACK_S: Final = 1.0
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
        self._running, self._verified = True, None
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
        return now_s is not None and self._verified is not None and now_s < self._verified.lease_until_s

    def look(self) -> None:
        """Ask as the gate does on a frame, and judge the answer by what is true."""
        if not self.honours() or self._verified is None:
            return
        until_s, lie_s = self._verified.lease_until_s, self.hands(self.true_s) - self.true_s
        if lie_s >= 0 and self.true_s >= until_s + _SLACK_S:
            self.wrong.append(f"honours what is over since {self.true_s - until_s:.0f} s by a good clock")
        if self._operated_s >= until_s - self._issued_s + RUN_S + _SLACK_S:
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
            self._verified = verified
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


_MOMENTS: Final[dict[str, float]] = {
    "1970": 0.0, "before 1970": -1.0, "2001": 1e9, "a second before the release": BUILT_S - 1, "the release": BUILT_S,
    "2038, a second before": 2.0**31 - 1, "2038": 2.0**31, "2106, a second before": 2.0**32 - 1, "2106": 2.0**32,
    "the year 292 billion": 2.0**63, "no number": math.nan, "infinity": math.inf, "minus infinity": -math.inf,
}  # fmt: skip


def wild_moments(town: Town) -> Iterator[Case]:
    """The clock says one and the same, whatever time it is; then somebody puts it right."""
    for word, value in _MOMENTS.items():
        histories = {
            "new": None,
            "off for an hour": HOUR,
            "off until the end of the lease": DAY,
            "off for a week": 7 * DAY,
        }
        for history, gap in histories.items():

            def run(value: float = value, gap: float | None = gap) -> str | None:
                story = town.story()
                if gap is not None:
                    story.start()
                    story.passes(HOUR)
                    story.stop()
                    story.true_s += gap
                story.hands = always(value)
                story.start()
                story.look()
                story.passes(3 * HOUR, 1.5 * HOUR)
                story.served = {}
                story.passes(26 * HOUR, 2 * HOUR)
                story.recovers()
                return story.end()

            yield f"{word}, {history}", run


def round_the_end(town: Town) -> Iterator[Case]:
    """A second, and a moment, round the end of each role."""
    for role in (None, *SIGNED):
        for offset in (-1.0, -0.001, 0.0, 0.001, 1.0):

            def run(role: Role | None = role, offset: float = offset) -> str | None:
                story, calendar = town.story(), town.daily
                served = dict(calendar.at(START))
                if role is not None:
                    # The newest of all that is published is on disk; what is over is signed on top of it.
                    forge = Forge(calendar.site.state(), calendar.site.keys, moment(START))
                    if role not in ("snapshot", "timestamp"):
                        forge.changed = {role}
                    forge.expires[role] = moment(START + 2 * HOUR)
                    forge.expires.setdefault("snapshot", moment(START + DAY))
                    forge.expires.setdefault("timestamp", moment(START + DAY))
                    served = {**calendar.at(START + 16 * DAY), **forge.files()}
                story.served = served
                story.start()
                if not story.contact() or story._verified is None:
                    story.wrong.append("does not take what is in force")
                    return story.end()
                until = story._verified.lease_until_s
                story.served = {}
                story.passes(until + offset - story.true_s, 7 * HOUR, contact=False)
                if story.honours() != (offset < 0):
                    story.wrong.append(f"honours={story.honours()} {offset} s after the end")
                return story.end()

            yield f"{role or 'as renewed'}, {offset:+g} s", run


def steps(town: Town) -> Iterator[Case]:
    """The clock steps while a frame is judged, and back before the next or for good."""
    for size in (1.0, 59.0, HOUR, 23 * HOUR, DAY, 25 * HOUR, 10 * 366 * DAY):
        for sign in (1, -1):
            for back in (True, False):

                def run(size: float = size * sign, back: bool = back) -> str | None:
                    story = town.story()
                    story.start()
                    story.passes(2 * HOUR)
                    first = story.now()
                    story.hands = off_by(size)
                    second = story.now()
                    story.look()
                    if first is not None and second is not None and second < first - max(0.0, -size) - _SLACK_S:
                        story.wrong.append("time went back further than the clock")
                    if back:
                        story.hands = off_by(0)
                    story.look()
                    story.passes(5 * HOUR, 2.5 * HOUR)
                    story.served = {}
                    story.passes(30 * HOUR, 2 * HOUR)
                    story.recovers()
                    return story.end()

                yield f"{size * sign:+g} s, {'and back' if back else 'for good'}", run


def lying_servers(town: Town) -> Iterator[Case]:
    """A time server lies, the network is cut, frozen or good, and the device restarts or does not."""
    for ahead in (HOUR, 12 * HOUR, 23 * HOUR, DAY - 1, DAY, DAY + 1, 2 * DAY, 400 * DAY):
        for sign in (1, -1):
            for restarts in (0, 1, 6):
                for network in ("good", "frozen", "cut"):

                    def run(lie: float = ahead * sign, restarts: int = restarts, network: str = network) -> str | None:
                        story = town.story()
                        story.start()
                        story.passes(2 * HOUR)
                        if network != "good":
                            story.served = dict(town.daily.at(story.true_s)) if network == "frozen" else {}
                        story.hands = off_by(lie)
                        for _ in range(restarts):
                            story.passes(5 * HOUR, 2.5 * HOUR)
                            story.off(60)
                            story.look()
                        story.passes(30 * HOUR, 3 * HOUR)
                        story.recovers()
                        return story.end()

                    yield f"{ahead * sign:+g} s, network {network}, {restarts} restarts", run


def restart_loops(town: Town) -> Iterator[Case]:
    """The power fails again and again, before the device can do much; the lease is ten minutes here."""
    clocks: dict[str, Hands] = {
        "dead": always(0.0),
        "right": off_by(0),
        "an hour fast": off_by(HOUR),
        "an hour slow": off_by(-HOUR),
    }
    for word, hands in clocks.items():
        for seconds in (1.0, 5.0, 14.0, 15.0, 16.0, 59.0, 300.0):
            for network in ("cut", "frozen"):

                def run(hands: Hands = hands, seconds: float = seconds, network: str = network) -> str | None:
                    story = town.story(town.brief)
                    story.start()
                    story.passes(60, 15)
                    story.served = {} if network == "cut" else dict(town.brief.at(story.true_s))
                    story.hands = hands
                    for _ in range(min(100, int(900 / seconds) + 1)):
                        story.off(2)
                        story.passes(seconds, seconds)
                    story.recovers()
                    return story.end()

                yield f"{word} clock, every {seconds:g} s, network {network}", run


def stolen_futures(town: Town) -> Iterator[Case]:
    """A stolen key signs a time to come; the site takes the key away."""
    for future in (HOUR, 23 * HOUR, 30 * DAY, 300 * DAY):
        for hands_word, hands in (("right", off_by(0)), ("dead", always(0.0))):
            for restart in (False, True):

                def run(future: float = future, hands: Hands = hands, restart: bool = restart) -> str | None:
                    return _stolen(town, future, hands, restart)

                yield f"{future:g} s ahead, {hands_word} clock, {'with' if restart else 'without'} a restart", run


def _stolen(town: Town, future: float, hands: Hands, restart: bool) -> str | None:
    story, calendar = town.story(hands=hands), town.daily
    state, keys = calendar.site.state(), calendar.site.keys
    newest = calendar.at(START + 16 * DAY)
    story.true_s = START + 16 * DAY + HOUR
    story.start()
    story.passes(HOUR)
    forge = Forge(state, keys, moment(story.true_s))
    forge.issued = int(story.true_s + future)
    for role in ("snapshot", "timestamp"):
        forge.expires[role] = moment(story.true_s + future + DAY)  # type: ignore[index]
        forge.versions[role] = 10**6  # type: ignore[index]
    story.served = {**newest, **forge.files()}
    story.contact()
    story.look()
    if restart:
        story.off(60)
    fresh = SiteKeys.fresh_for(["timestamp", "snapshot"])
    rotated = Forge(state, keys + fresh, moment(story.true_s))
    for role in ("timestamp", "snapshot"):
        rotated.changed |= roles.rotate(rotated.state, role, [fresh.public_key(role)])  # type: ignore[arg-type]
    story.served = {**newest, **rotated.files()}
    story.hands = off_by(0) if hands(story.true_s) else always(0.0)
    story.passes(60, 60)
    if not story.honours():
        story.wrong.append("does not recover when the stolen key is taken away")
    if restart:
        story.off(60)
        story.passes(60, 60)
        if not story.honours():
            story.wrong.append("does not recover over a restart")
    story.served = {}
    story.passes(23.5 * HOUR, 600)
    story.passes(HOUR, 600)
    if story.honours():
        story.wrong.append("honours what is over after the recovery")
    return story.end()


CLASSES: Final[dict[str, Callable[[Town], Iterator[Case]]]] = {
    "moments: 1970, 2038, 2106, none": wild_moments,
    "a second round the end": round_the_end,
    "steps between two frames": steps,
    "lying time servers": lying_servers,
    "loops of restarts": restart_loops,
    "times signed by a thief": stolen_futures,
}


def cases(town: Town) -> Iterator[tuple[str, str, Callable[[], str | None]]]:
    """Class, name, and what carries the case out."""
    for kind, make in CLASSES.items():
        for name, carry_out in make(town):
            yield kind, name, carry_out
