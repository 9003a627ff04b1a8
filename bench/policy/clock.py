"""Lying clocks: the cases, each a story of town.py with other hands, servers, restarts or signed futures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final

from agent.app.timekeeping import BUILT_S
from agent.site import roles
from agent.site.keyfiles import Role
from agent.site.keys import SiteKeys
from agent.site.metadata import moment
from bench.policy.case import SIGNED, Case
from bench.policy.forge import Forge
from bench.policy.town import DAY, HOUR, SLACK_S, START, Hands, Town, always, off_by

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
                if not story.contact() or story.verified is None:
                    story.wrong.append("does not take what is in force")
                    return story.end()
                until = story.verified.lease_until_s
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
                    if first is not None and second is not None and second < first - max(0.0, -size) - SLACK_S:
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
        forge.expires[role] = moment(story.true_s + future + DAY)
        forge.versions[role] = 10**6
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
