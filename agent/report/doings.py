"""The parts of a report about people's acts, in numbers: ways in, offered and used; enrolments and withdrawals."""

from __future__ import annotations

from agent.events.bodies import Met
from agent.policy.grounds import Ground
from agent.policy.profiles import PROFILES
from agent.report.document import Block, Code, Columns, Section, Steps, Table, Terms, Text
from agent.report.facts import FEW, DeviceFacts, Ending
from agent.report.rules import ROWS, document_of, ticks
from agent.report.saying import Saying


def ways(say: Saying, device: DeviceFacts) -> Section:
    """Alternatives offered and used, and decisions at the door."""
    w = say.words
    blocks: list[Block] = [Text(_offered(say, device)), *_declared(say, device)]
    outcomes = tuple(
        (w.outcomes[outcome], say.few(count, FEW)) for outcome, count in device.outcomes.items() if count != 0
    )
    if not outcomes:
        return Section(w.ways, 3, (*blocks, Text(w.no_decisions)))
    blocks.append(Table(w.used_table, w.used_head, outcomes, w.used_caption.format(n=FEW)))
    if device.pass_faults:
        faults = w.joint.join(
            f"{w.faults.get(fault, fault)} {say.few(count, FEW)}" for fault, count in device.pass_faults.items()
        )
        blocks.append(Text(w.pass_faults.format(faults=faults)))
    top = max(device.hours)
    blocks.append(
        Columns(
            title=w.hours_title.format(zone=say.period.zone),
            heights=tuple(count / top if top else 0.0 for count in device.hours),
            says=tuple(
                w.hours_says.format(hour=f"{hour:02d}", count=_bucket(say, count))
                for hour, count in enumerate(device.hours)
            ),
            top=_bucket(say, top),
            caption=w.hours_caption.format(n=FEW, below=FEW - 1),
        )
    )
    return Section(w.ways, 3, tuple(blocks))


def people(say: Saying, device: DeviceFacts) -> Section:
    """Stock, enrolments and withdrawals with their erasure."""
    w, period = say.words, say.period
    whole, highest = period.end_ms - period.start_ms, max(figure for _, figure in device.stock)
    final = device.stock[-1][1]
    document = document_of(device)
    filing_at = None if document is None else PROFILES[document.profile].filing_at
    caption = w.stock_caption
    if device.dropped:
        caption += w.space + w.stock_dropped
    if filing_at is not None:
        caption += w.space + w.stock_filing.format(n=say.number(filing_at))
    blocks: list[Block] = [
        Terms(
            (
                (w.people_terms[0], say.number(device.enrolments)),
                (w.people_terms[1], say.number(withdrawals_of(device))),
                (w.people_terms[2], say.number(len(device.endings) - withdrawals_of(device))),
                (w.people_terms[3], say.number(final)),
            )
        )
    ]
    if highest:
        blocks.append(
            Steps(
                title=w.stock_title,
                points=tuple(
                    ((at_ms - period.start_ms) / whole, figure / highest)
                    for at_ms, figure in device.stock
                    if at_ms < period.end_ms
                ),
                ticks=ticks(say),
                top=say.number(highest),
                says=w.stock_says.format(first=say.number(device.stock[0][1]), last=say.number(final)),
                caption=caption,
            )
        )
    else:
        blocks.append(Text(caption, quiet=True))
    if device.endings:
        rows = tuple(_ending(say, each) for each in device.endings[:ROWS])
        more = len(device.endings) - len(rows)
        more_text = w.space + w.more.format(n=say.number(more)) if more else ""
        blocks.append(Table(w.endings_table, w.endings_head, rows, w.endings_caption + more_text))
    else:
        blocks.append(Text(w.no_endings))
    return Section(w.people, 3, tuple(blocks))


def withdrawals_of(device: DeviceFacts) -> int:
    """How many withdrew in the period."""
    return sum(each.reason == "withdrawn" for each in device.endings)


def _ending(say: Saying, each: Ending) -> tuple[str, ...]:
    w = say.words
    if each.erased_ms is None or each.time_ms is None or each.erased_ms <= each.time_ms:
        erased = w.erased_with_it
    else:
        erased = w.erased_after.format(length=say.length(each.erased_ms - each.time_ms))
    positions = (each.position,) if each.erased in (None, each.position) else (each.position, each.erased)
    return (
        say.day(each.time_ms),
        w.reasons.get(each.reason, each.reason),
        erased,
        Code(each.receipt) if each.receipt is not None else w.none,
        w.joint.join(str(position) for position in positions),
    )


def _bucket(say: Saying, count: int) -> str:
    """A count that was rounded down, as what it may be."""
    return say.words.from_to.format(low=say.number(count), high=say.number(count + FEW - 1))


def _offered(say: Saying, device: DeviceFacts) -> str:
    """For how long a working alternative was declared, as the gate judged it."""
    w = say.words
    rule = next(each for each in device.obligations if each.ground is Ground.ALTERNATIVE_MISSING)
    met, unmet = rule.length_ms(Met.MET), rule.length_ms(Met.UNMET)
    return w.ways_state.format(met=say.length(met), unmet=say.length(unmet), share=say.share(met, met + unmet))


def _declared(say: Saying, device: DeviceFacts) -> tuple[Block, ...]:
    w = say.words
    rows = tuple(
        (
            w.ways_names[each.way],
            f"{each.on:%Y-%m-%d}",
            f"{each.until:%Y-%m-%d}",
            str(policy.version),
        )
        for policy in device.policies
        if policy.document is not None
        for each in policy.document.alternatives
    )
    missing = any(policy.document is None for policy in device.policies)
    table = (Table(w.ways_table, w.ways_head, rows),) if rows else ()
    return (*table, Text(w.ways_unknown, quiet=True)) if missing or not rows else table
