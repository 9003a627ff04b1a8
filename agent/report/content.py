"""A report as a document: what is said, in which order, in one language."""

from __future__ import annotations

from agent.events.bodies import Met
from agent.events.decision import Outcome
from agent.report.chinese import CHINESE
from agent.report.document import Bands, Document, List, Note, Section, Terms, Text, Tile, Tiles, Tone
from agent.report.doings import people, ways, withdrawals_of
from agent.report.english import ENGLISH
from agent.report.evidence import ledger, verdict, versions
from agent.report.facts import DeviceFacts, Facts
from agent.report.rules import condition_band, obligations, refusals, step, ticks
from agent.report.saying import Saying
from agent.report.timeline import Condition
from agent.report.words import Words

LANGUAGES = {each.language: each for each in (ENGLISH, CHINESE)}


def document(facts: Facts, language: str) -> Document:
    """The whole report; `language` is one of `LANGUAGES`."""
    w = LANGUAGES[language]
    say = Saying(w, facts.period)
    period = facts.period
    days = f"{period.first}" if period.days == 1 else w.range.format(first=period.first, last=period.last)
    devices = w.one_device if len(facts.devices) == 1 else w.devices.format(n=len(facts.devices))
    return Document(
        language=w.language,
        title=w.title.format(site=facts.site),
        subtitle=w.subtitle.format(days=days, zone=period.zone, devices=devices),
        verdict=_verdict(say, facts),
        sections=(_glance(say, facts), *_devices(say, facts), Section(w.limits, 2, (List(w.limits_items),))),
        foot=w.foot.format(version=facts.agent),
    )


def _verdict(say: Saying, facts: Facts) -> Note:
    """The worst of all devices' ledgers; of several sound ones that they are."""
    found = [verdict(say, each) for each in facts.devices]
    if len(found) == 1:
        return found[0]
    worst = [note for note in found if note.tone is Tone.BAD] or [note for note in found if note.tone is Tone.WAIT]
    if not worst:
        return Note(Tone.GOOD, say.words.verified_all.format(n=len(found)), say.words.verified_all_text)
    return Note(worst[0].tone, say.words.joint.join(note.title for note in worst), worst[0].text)


def _glance(say: Saying, facts: Facts) -> Section:
    w, devices = say.words, facts.devices
    permitted = sum(each.length_ms(Condition.PERMITTED) for each in devices)
    recorded = sum(span.length_ms for each in devices for span in each.spans) - sum(
        each.length_ms(Condition.UNRECORDED) for each in devices
    )
    unmet = {rule.ground for each in devices for rule in each.obligations if rule.unmet}
    judged = {rule.ground for each in devices for rule in each.obligations if rule.length_ms(Met.MET) or rule.unmet}
    opened = [each.outcomes[outcome] for each in devices for outcome in (Outcome.MATCH, Outcome.PASS_ACCEPTED)]
    sure = sum(each or 0 for each in opened)
    return Section(
        w.glance,
        2,
        (
            Tiles(
                (
                    Tile(say.share(permitted, recorded), w.tile_permitted, Tone.GOOD if permitted else Tone.NONE),
                    Tile(f"{len(judged) - len(unmet)} / {len(judged)}", w.tile_rules, Tone.BAD if unmet else Tone.GOOD),
                    Tile(w.at_least.format(n=say.number(sure)) if None in opened else say.number(sure), w.tile_opened),
                    Tile(say.number(sum(withdrawals_of(each) for each in devices)), w.tile_withdrawn),
                )
            ),
            Bands(
                title=w.recognition,
                groups=(("", tuple(condition_band(say, each.device, each.spans) for each in devices)),),
                ticks=ticks(say),
                legend=(
                    (Tone.GOOD, w.permitted),
                    (Tone.BAD, w.refused),
                    (Tone.WAIT, w.starting),
                    (Tone.NONE, w.unrecorded),
                ),
                caption=w.glance_caption + w.space + w.picture_caption.format(step=step(say)),
            ),
        ),
    )


def _devices(say: Saying, facts: Facts) -> tuple[Section, ...]:
    found = list[Section]()
    for each in facts.devices:
        found += [
            Section(say.words.device.format(device=each.device), 2, _summary(say, say.words, each)),
            obligations(say, each),
            refusals(say, each),
            ways(say, each),
            people(say, each),
            versions(say, each),
            ledger(say, each),
        ]
    return tuple(found)


def _summary(say: Saying, w: Words, device: DeviceFacts) -> tuple[Text | Terms, ...]:
    return (
        Terms(
            tuple(
                (name, say.length(device.length_ms(condition)))
                for condition, name in (
                    (Condition.PERMITTED, w.permitted),
                    (Condition.REFUSED, w.refused),
                    (Condition.STARTING, w.starting),
                    (Condition.UNRECORDED, w.unrecorded),
                )
            )
        ),
    )
