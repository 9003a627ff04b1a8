"""Counting the facts of a report out of one device's ledger, in one pass over its entries. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from agent.events.bodies import Met
from agent.events.decision import Outcome
from agent.ledger.entry import Decided, Enrolled, Entry, Erased, PolicyAdopted, Start, Withdrawn
from agent.policy.bundle import PolicyDocument
from agent.policy.grounds import Ground
from agent.policy.profiles import PROFILES
from agent.policy.rules import OBLIGATIONS
from agent.report.entries import Unread, read_entry
from agent.report.facts import FEW, Adopted, DeviceFacts, Ending, Obliged, RefusedFor, Source, Started, Stretch
from agent.report.period import Period
from agent.report.timeline import Condition, Span, Timeline

_ALONE: Final = frozenset({
    Ground.NO_POLICY, Ground.PLACE_PRIVATE, Ground.MODE_BLIND, Ground.NO_FRAMES, Ground.VIEW_MISMATCH,
})  # fmt: skip
"""Where one of these is the only ground, no frame was judged by the other rules."""


@dataclass(slots=True)
class _Count:
    timeline: Timeline = field(default_factory=Timeline)
    known_ms: int | None = None
    positions: list[int] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    pass_faults: Counter[str] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    enrolments: int = 0
    endings: list[Ending] = field(default_factory=list)
    people: int = 0
    stock: list[tuple[int, int]] = field(default_factory=list)
    starts: list[Started] = field(default_factory=list)
    policies: list[Adopted] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    undated: int = 0


def facts_of(source: Source, period: Period, documents: Mapping[str, PolicyDocument]) -> DeviceFacts:
    """Everything that a report says of one device.

    Args:
        documents: policies at hand by their SHA-256.
    """
    count, signed = _Count(), deque(source.checkpoints)
    for position, data in source.entries:
        while signed and signed[0].size <= position:
            count.timeline.alive(signed.popleft().time_ms)
        entry = read_entry(data)
        count.timeline.take(position, entry)
        _take(count, position, entry, period, documents)
    while signed:
        count.timeline.alive(signed.popleft().time_ms)
    spans = count.timeline.spans(period.start_ms, period.end_ms)
    by_position = {each.position: each for each in count.policies}
    used = {span.policy for span in spans if span.policy is not None}
    policies = dict[str, Adopted]()
    for each in count.policies:
        if each.position in used or period.holds(each.time_ms):
            policies.setdefault(each.sha256, each)
    return DeviceFacts(
        site=source.site,
        device=source.device,
        proof=source.proof,
        first=count.positions[0] if count.positions else None,
        last=count.positions[-1] if count.positions else None,
        spans=spans,
        obligations=tuple(Obliged(each.ground, _stretches(each.ground, spans, by_position)) for each in OBLIGATIONS),
        refusals=_refusals(spans),
        outcomes={each: _few(count.outcomes[each]) for each in Outcome},
        pass_faults={fault: _few(times) for fault, times in sorted(count.pass_faults.items())},
        hours=tuple(count.hours[hour] // FEW * FEW for hour in range(24)),
        enrolments=count.enrolments,
        endings=tuple(each for each in count.endings if period.holds(each.time_ms)),
        stock=_stock(count.stock, period),
        starts=tuple(count.starts),
        policies=tuple(policies.values()),
        checkpoints=tuple(each for each in source.checkpoints if period.holds(each.time_ms)),
        other=dict(sorted(count.other.items())),
        dropped=source.begin.size,
        undated=count.undated,
        steps_back=count.timeline.steps_back,
    )


def _take(
    count: _Count,
    position: int,
    entry: Entry | Unread,
    period: Period,
    documents: Mapping[str, PolicyDocument],
) -> None:
    if entry.time_ms is None:
        count.undated += 1
    else:
        count.known_ms = entry.time_ms
    at_ms = count.known_ms
    inside = period.holds(at_ms)
    if inside:
        count.positions.append(position)
    before_end = at_ms is None or at_ms < period.end_ms
    match entry:
        case Start() if inside:
            count.starts.append(Started(position, entry.time_ms, entry.version))
        case PolicyAdopted():
            document = documents.get(entry.sha256)
            count.policies.append(Adopted(position, at_ms, entry.version, entry.sha256, document))
        case Decided() if inside and at_ms is not None:
            count.outcomes[entry.outcome] += 1
            count.hours[period.at(at_ms).hour] += 1
            if entry.outcome is Outcome.PASS_REFUSED and entry.ground is not None:
                count.pass_faults[entry.ground] += 1
        case Enrolled() if before_end:
            count.people += 1
            count.stock.append((at_ms or 0, count.people))
            count.enrolments += inside
        case Withdrawn() if before_end:
            _end(count, Ending(position, at_ms, "withdrawn", None, None, None))
        case Erased() if before_end:
            last = count.endings[-1] if count.endings else None
            side_by_side = last is not None and last.position == position - 1 and last.erased is None
            if last is not None and side_by_side and last.reason == entry.reason:
                # Withdrawal and erasure are one transaction, so they stand side by side.
                count.endings[-1] = replace(last, erased=position, erased_ms=entry.time_ms, receipt=entry.receipt)
            else:
                _end(count, Ending(position, at_ms, entry.reason.value, position, entry.time_ms, entry.receipt))
        case Unread() if inside:
            count.other[entry.kind] += 1
        case _:
            pass


def _few(count: int) -> int | None:
    return None if 0 < count < FEW else count


def _end(count: _Count, ending: Ending) -> None:
    count.people = max(0, count.people - 1)
    count.stock.append((ending.time_ms or 0, count.people))
    count.endings.append(ending)


def state_of(ground: Ground, span: Span, policy: PolicyDocument | None) -> Met | None:
    """What a span says of one obligation; without the policy's document one that does not bind reads as met."""
    if span.condition is Condition.UNRECORDED:
        return None
    if span.condition is Condition.STARTING:
        return Met.UNKNOWN
    if policy is not None and not (PROFILES[policy.profile].binds(ground) or ground in policy.stricter):
        return Met.NOT_BINDING
    if ground in span.grounds:
        return Met.UNMET
    return Met.UNKNOWN if len(span.grounds) == 1 and span.grounds[0] in _ALONE else Met.MET


def _stretches(ground: Ground, spans: Iterable[Span], policies: Mapping[int, Adopted]) -> tuple[Stretch, ...]:
    found = list[Stretch]()
    for span in spans:
        policy = None if span.policy is None else policies[span.policy].document
        state = state_of(ground, span, policy)
        if found and found[-1].state is state:
            found[-1] = Stretch(found[-1].start_ms, span.end_ms, state, found[-1].position)
        else:
            found.append(Stretch(span.start_ms, span.end_ms, state, span.position))
    return tuple(found)


def _refusals(spans: Iterable[Span]) -> tuple[RefusedFor, ...]:
    lengths, begun = Counter[Ground](), dict[Ground, list[int]]()
    before: tuple[Ground, ...] = ()
    for span in spans:
        for ground in span.grounds:
            lengths[ground] += span.length_ms
            if ground not in before and span.position is not None:
                begun.setdefault(ground, []).append(span.position)
        before = span.grounds
    rows = (
        RefusedFor(ground, len(begun.get(ground, ())), length_ms, tuple(begun.get(ground, ())))
        for ground, length_ms in lengths.items()
    )
    return tuple(sorted(rows, key=lambda each: (-each.length_ms, each.ground)))


def _stock(changes: Sequence[tuple[int, int]], period: Period) -> tuple[tuple[int, int], ...]:
    before = [people for at_ms, people in changes if at_ms < period.start_ms]
    return (
        (period.start_ms, before[-1] if before else 0),
        *((at_ms, people) for at_ms, people in changes if at_ms >= period.start_ms),
    )
