"""The parts of a report about rules: each obligation over time, and why recognition was refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from agent.events.bodies import Met
from agent.policy.bundle import PolicyDocument
from agent.policy.fields import ProfileName
from agent.policy.grounds import Ground
from agent.policy.profiles import PROFILES
from agent.report.document import Band, Bands, Bar, Bars, Block, Note, Piece, Section, Table, Text, Tick, Tone
from agent.report.facts import DeviceFacts, Obliged, Stretch
from agent.report.saying import Saying
from agent.report.timeline import Condition, Span

COLUMNS: Final = 720
"""A picture over time shows so many steps; of what falls into one step the worst is shown."""
ROWS: Final = 40
"""Of a longer table the rest stands in the ledger."""
_TONES: Final[dict[Met | None, Tone]] = {  # a report looks back, so nothing in it is about to end
    Met.MET: Tone.GOOD,
    Met.UNMET: Tone.BAD,
    Met.UNKNOWN: Tone.WAIT,
    Met.NOT_BINDING: Tone.OPEN,
    None: Tone.NONE,
}
_CONDITIONS: Final[dict[Condition, Tone]] = {
    Condition.PERMITTED: Tone.GOOD,
    Condition.REFUSED: Tone.BAD,
    Condition.STARTING: Tone.WAIT,
    Condition.UNRECORDED: Tone.NONE,
}
_WORST: Final = (Tone.NONE, Tone.OPEN, Tone.GOOD, Tone.WAIT, Tone.BAD)


def pieces(stretches: Iterable[tuple[int, int, Tone]], start_ms: int, end_ms: int) -> tuple[Piece, ...]:
    """Stretches as steps of a picture: the worst of each step, neighbours of one tone as one piece."""
    steps, whole = [Tone.NONE] * COLUMNS, end_ms - start_ms
    for first_ms, last_ms, tone in stretches:
        first = (first_ms - start_ms) * COLUMNS // whole
        last = max(first + 1, -(-(last_ms - start_ms) * COLUMNS // whole))
        for step in range(max(first, 0), min(last, COLUMNS)):
            if _WORST.index(tone) > _WORST.index(steps[step]):
                steps[step] = tone
    found, begun = list[Piece](), 0
    for step in range(1, COLUMNS + 1):
        if step == COLUMNS or steps[step] is not steps[begun]:
            found.append(Piece(begun / COLUMNS, step / COLUMNS, steps[begun]))
            begun = step
    return tuple(found)


def ticks(say: Saying) -> tuple[Tick, ...]:
    """Up to eight days of the period, or the hours of a single one, at the place where each begins."""
    period = say.period
    start, whole = period.start_ms, period.end_ms - period.start_ms
    if period.days == 1:
        return tuple(Tick(hour / 24, f"{hour:02d}:00") for hour in range(0, 24, 4))
    days = period.midnights()[:-1]
    every = -(-len(days) // 8)
    form = "%Y-%m" if period.days > 366 else "%m-%d"
    return tuple(Tick((at_ms - start) / whole, f"{day:{form}}") for day, at_ms in days[::every])


def condition_band(say: Saying, label: str, spans: Sequence[Span]) -> Band:
    """Whether recognition was permitted, over the period."""
    w, period = say.words, say.period
    lengths = {each: sum(span.length_ms for span in spans if span.condition is each) for each in Condition}
    recorded = sum(lengths.values()) - lengths[Condition.UNRECORDED]
    says = w.joint.join(
        f"{name} {say.length(lengths[each])}"
        for each, name in (
            (Condition.PERMITTED, w.permitted),
            (Condition.REFUSED, w.refused),
            (Condition.STARTING, w.starting),
            (Condition.UNRECORDED, w.unrecorded),
        )
    )
    return Band(
        label=label,
        note="",
        pieces=pieces(
            ((each.start_ms, each.end_ms, _CONDITIONS[each.condition]) for each in spans),
            period.start_ms,
            period.end_ms,
        ),
        figure=say.share(lengths[Condition.PERMITTED], recorded),
        says=f"{label}: {says}",
    )


def step(say: Saying) -> str:
    """How long one step of a picture is."""
    return say.length((say.period.end_ms - say.period.start_ms) // COLUMNS)


def obligations(say: Saying, device: DeviceFacts) -> Section:
    """Every obligation under the provision that it serves, met or not over the period."""
    w = say.words
    document = document_of(device)
    profile = ProfileName.STRICT if document is None else document.profile
    groups = dict[str, list[Band]]()
    for each in sorted(device.obligations, key=lambda each: _article(provision(each.ground, profile))):
        heading, text = w.provision(provision(each.ground, profile))
        groups.setdefault(heading, []).append(_band(say, each, text))
    known = w.articles_no_policy if document is None else w.articles_profile.format(profile=w.profiles[profile])
    blocks: list[Block] = [
        Text(w.articles_text + w.space + known),
        Bands(
            title=w.articles_title,
            groups=tuple((name, tuple(bands)) for name, bands in groups.items()),
            ticks=ticks(say),
            legend=tuple((tone, w.met[state]) for state, tone in _TONES.items()),
            caption=w.picture_caption.format(step=step(say)),
        ),
        *_unmet(say, device),
    ]
    return Section(w.articles, 3, tuple(blocks))


def document_of(device: DeviceFacts) -> PolicyDocument | None:
    """The latest policy document at hand."""
    return next((each.document for each in reversed(device.policies) if each.document is not None), None)


def provision(ground: Ground, profile: ProfileName) -> str:
    """What an obligation serves; of one that the profile leaves open, as the strictest has it."""
    return PROFILES[profile].provisions.get(ground) or PROFILES[ProfileName.STRICT].provisions[ground]


def _article(provision: str) -> tuple[bool, str, int]:
    """The order of provisions: laws by name, articles by number, our own rules last."""
    heading = provision.partition(":")[0]
    law, number = re.match(r"(\D*)(\d*)", heading).groups()  # type: ignore[union-attr]
    return heading == "house rule", law, int(number or 0)


def refusals(say: Saying, device: DeviceFacts) -> Section:
    """For how long and how often recognition was refused, by ground."""
    w = say.words
    if not device.refusals:
        recorded = any(each.condition is not Condition.UNRECORDED for each in device.spans)
        return Section(w.refusals, 3, (Text(w.no_refusals if recorded else w.no_entries),))
    longest = max(each.length_ms for each in device.refusals)
    bars = tuple(
        Bar(
            label=w.grounds[each.ground],
            note=w.evidence.format(positions=say.positions(each.positions)) if each.positions else w.before_period,
            length=each.length_ms / longest if longest else 0.0,
            figure=w.joint.join((say.length(each.length_ms), say.times(each.times))),
        )
        for each in device.refusals
    )
    return Section(w.refusals, 3, (Bars(w.refusals_title, bars, w.refusals_caption),))


def _band(say: Saying, each: Obliged, provision: str) -> Band:
    w, period = say.words, say.period
    lengths = {state: each.length_ms(state) for state in _TONES}
    unmet = each.unmet
    judged = lengths[Met.MET] + lengths[Met.UNMET]
    if unmet:
        figure = w.unmet_figure.format(length=say.length(lengths[Met.UNMET]), times=say.times(len(unmet)))
    elif judged:
        figure = w.met[Met.MET]
    else:
        figure = w.met[Met.NOT_BINDING] if lengths[Met.NOT_BINDING] else w.met[Met.UNKNOWN]
    name = w.obligations[each.ground]
    said = w.joint.join(f"{w.met[state]} {say.length(length)}" for state, length in lengths.items() if length)
    return Band(
        label=name,
        note=provision,
        pieces=pieces(
            ((each.start_ms, each.end_ms, _TONES[each.state]) for each in each.stretches),
            period.start_ms,
            period.end_ms,
        ),
        figure=figure,
        says=f"{name}: {said}",
        tone=Tone.BAD if unmet else Tone.GOOD if judged else Tone.OPEN if lengths[Met.NOT_BINDING] else Tone.WAIT,
    )


def _unmet(say: Saying, device: DeviceFacts) -> tuple[Block, ...]:
    """When which obligation was not met, with the entries that say so."""
    w, ends = say.words, dict[int, int | None]()
    for this, following in zip(device.spans, (*device.spans[1:], None), strict=True):
        ends[this.end_ms] = None if following is None else following.position
    found: list[tuple[Ground, Stretch]] = sorted(
        ((each.ground, stretch) for each in device.obligations for stretch in each.unmet),
        key=lambda pair: pair[1].start_ms,
    )
    if not found and not any(each.length_ms(Met.MET) for each in device.obligations):
        return (Note(Tone.WAIT, w.none_judged, w.none_judged_text),)
    if not found:
        return (Note(Tone.GOOD, w.all_met, w.all_met_text),)
    rows = tuple(
        (
            w.grounds[ground],
            say.minute(stretch.start_ms),
            say.minute(stretch.end_ms),
            say.length(stretch.end_ms - stretch.start_ms),
            w.joint.join(str(each) for each in (stretch.position, ends[stretch.end_ms]) if each is not None),
        )
        for ground, stretch in found[:ROWS]
    )
    more = len(found) - len(rows)
    return (Table(w.unmet_table, w.unmet_head, rows, w.more.format(n=say.number(more)) if more else ""),)
