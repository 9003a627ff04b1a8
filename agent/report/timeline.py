"""What stood at which time, as a ledger says it: permitted, refused with its grounds, just started, or not recorded.

Rules: a state holds from the entry that says it until the last sign of life of the same run: a decision, a change, a
policy, a checkpoint. A device writes nothing when it ends, so what lies behind that, up to the next start, is not
recorded, and neither is a stretch in which the state changed without a trusted time. Enrolments and withdrawals may be
written while the device stands still and prove nothing about its run. Where time steps back the later word holds.
Times are Unix milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum, unique

from agent.ledger.entry import Decided, Entry, PolicyAdopted, RefusalChanged, Start
from agent.policy.grounds import Ground
from agent.report.entries import Unread


@unique
class Condition(StrEnum):
    PERMITTED = "permitted"
    REFUSED = "refused"
    STARTING = "starting"
    """From a start until the first word of the gate; nothing is recognised then."""
    UNRECORDED = "unrecorded"


@dataclass(frozen=True, slots=True)
class Span:
    start_ms: int
    end_ms: int
    condition: Condition
    grounds: tuple[Ground, ...] = ()
    position: int | None = None
    """Of the ledger entry that says so; None while nothing is recorded."""
    policy: int | None = None
    """Position of the entry that adopted the policy in force; None: none in this run yet."""

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


class Timeline:
    """Takes entries and checkpoints in the ledger's order; `spans` then cuts the period out."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._now = Span(0, 0, Condition.UNRECORDED)
        self._last_ms: int | None = None
        self._undated = False
        self.steps_back = 0
        """How often the ledger's time was less than the one before."""

    def take(self, position: int, entry: Entry | Unread) -> None:
        match entry:
            case Start():
                self._reach(entry.time_ms, alive=False)
                self._become(entry.time_ms, Span(0, 0, Condition.STARTING, position=position))
            case PolicyAdopted():
                self._reach(entry.time_ms, alive=True)
                self._now = replace(self._now, policy=position)
            case RefusalChanged():
                self._reach(entry.time_ms, alive=True)
                condition = Condition.REFUSED if entry.grounds else Condition.PERMITTED
                found = Span(0, 0, condition, entry.grounds, position, self._now.policy)
                self._become(entry.time_ms, found)
            case Decided():
                self._reach(entry.time_ms, alive=True)
            case _:
                pass

    def alive(self, time_ms: int | None) -> None:
        """The device signed a checkpoint: it ran, and nothing had changed."""
        self._reach(time_ms, alive=True)

    def spans(self, start_ms: int, end_ms: int) -> tuple[Span, ...]:
        """All of the period without a gap or an overlap."""
        found, reached = list[Span](), start_ms
        for each in self._spans:
            first, last = max(each.start_ms, reached), min(each.end_ms, end_ms)
            if first >= last:
                continue
            if first > reached:
                found.append(Span(reached, first, Condition.UNRECORDED))
            found.append(replace(each, start_ms=first, end_ms=last))
            reached = last
        if reached < end_ms:
            found.append(Span(reached, end_ms, Condition.UNRECORDED))
        return tuple(found)

    def _reach(self, time_ms: int | None, *, alive: bool) -> None:
        """Time has come so far; what stood until then stood if this is a sign of life."""
        if time_ms is None:
            return
        if self._last_ms is not None and time_ms < self._last_ms:
            self.steps_back += 1
            self._cut(time_ms)
        elif self._last_ms is not None and alive and not self._undated:
            self._add(self._last_ms, time_ms)
        self._last_ms, self._undated = time_ms, False

    def _become(self, time_ms: int | None, now: Span) -> None:
        self._now = now
        self._undated = self._undated or time_ms is None

    def _add(self, start_ms: int, end_ms: int) -> None:
        if start_ms == end_ms:
            return
        now, last = self._now, self._spans[-1] if self._spans else None
        if last is not None and last.end_ms == start_ms and last.position == now.position and last.policy == now.policy:
            start_ms = self._spans.pop().start_ms  # said by the same entry under the same policy: one span
        self._spans.append(Span(start_ms, end_ms, now.condition, now.grounds, now.position, now.policy))

    def _cut(self, time_ms: int) -> None:
        while self._spans and self._spans[-1].end_ms > time_ms:
            last = self._spans.pop()
            if last.start_ms < time_ms:
                self._spans.append(replace(last, end_ms=time_ms))
