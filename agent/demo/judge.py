"""Was every decision right? Decisions as the site received them, joined with what is true in the scene.

Rules: an expectation is met by one decision of its kind and person within its time, and a decision meets one; what is
left over is wrong or missed. An expectation whose time the run did not reach to the end is not counted. Pure: numbers
in, counts out. Leaves out: what is true (scene/truth.py) and whether an embedding was lawful (the same).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from agent.events.decision import OPENS, Outcome

EARLY_S: Final = 0.15
"""A decision's time is the wall clock when the frame was taken in, the scene's is the exposure: they differ by this."""
LATE_S: Final = 1.0
"""So long after its first good frame, or after the showing ended, a decision still belongs to it."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One attempt or one showing of a pass for which the scene demands a decision. Times are seconds of the scene."""

    outcome: Outcome
    person: str | None
    """Who it is in truth, also where the decision names nobody."""
    subject: str | None
    """The pseudonym that the decision must name; None: nobody."""
    good_s: float
    """The first good frame, or the first on which the pass can be read."""
    until_s: float


@dataclass(frozen=True, slots=True)
class Made:
    """One decision as the site received it."""

    outcome: Outcome
    subject: str | None
    at_s: float
    ground: str | None = None
    """Why a pass was refused."""


@dataclass(slots=True)
class Count:
    right: int = 0
    wrong: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the decisions of one run."""

    counts: dict[Outcome, Count]
    face_ms: tuple[float, ...]
    """From the first good frame to the door, milliseconds, for each right match."""
    pass_ms: tuple[float, ...]
    """From the first readable frame to the door, for each right accepted pass."""

    @property
    def flawless(self) -> bool:
        return not any(count.wrong or count.missed for count in self.counts.values())


@dataclass(slots=True)
class Judge:
    """Takes decisions as they come and keeps account of what is still expected."""

    expected: tuple[Expected, ...]
    _met: dict[int, Made] = field(default_factory=dict)
    _wrong: list[Made] = field(default_factory=list)

    def decide(self, made: Made) -> Expected | None:
        """The expectation that this decision meets; None: it is wrong."""
        fits = [
            index
            for index, each in enumerate(self.expected)
            if index not in self._met
            and (each.outcome, each.subject) == (made.outcome, made.subject)
            and each.good_s - EARLY_S <= made.at_s <= each.until_s + LATE_S
        ]
        if not fits:
            self._wrong.append(made)
            return None
        # Two may wait at once, for instance two strangers: the one that has waited longest is meant.
        self._met[fits[0]] = made
        return self.expected[fits[0]]

    def close(self, played_s: float, opened_s: Iterable[float]) -> Verdict:
        """The account at the end.

        Args:
            played_s: seconds of the scene that were played.
            opened_s: when the door was told to open, seconds of the scene.
        """
        counts = {outcome: Count() for outcome in Outcome}
        pulses = sorted(opened_s)
        for made in self._wrong:
            counts[made.outcome].wrong += 1
            _take(pulses, made)
        delays: dict[Outcome, list[float]] = {outcome: [] for outcome in OPENS}
        for index, each in enumerate(self.expected):
            met = self._met.get(index)
            if met is None:
                counts[each.outcome].missed += each.good_s + LATE_S <= played_s
                continue
            pulse = _take(pulses, met)
            if met.outcome not in OPENS:
                counts[each.outcome].right += 1
            elif pulse is None:
                counts[each.outcome].missed += 1  # decided, but the door never moved
            else:
                counts[each.outcome].right += 1
                # A reader may manage a moment before the scene calls a half-raised pass readable.
                delays[met.outcome].append(max(0.0, 1000 * (pulse - each.good_s)))
        counts[Outcome.MATCH].wrong += len(pulses)  # a door that opened without a decision
        return Verdict(counts, tuple(delays[Outcome.MATCH]), tuple(delays[Outcome.PASS_ACCEPTED]))


def _take(pulses: list[float], made: Made) -> float | None:
    """Take out the pulse that belongs to an opening decision: the door moves within a moment after it is durable."""
    if made.outcome not in OPENS:
        return None
    found = next((at_s for at_s in pulses if made.at_s - EARLY_S <= at_s <= made.at_s + LATE_S), None)
    if found is not None:
        pulses.remove(found)
    return found


def percentile(values: Iterable[float], percent: int) -> float | None:
    """The nearest-rank percentile, rounded to a tenth; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    rank = max(1, -(-len(ordered) * percent // 100))
    return round(ordered[rank - 1], 1)
