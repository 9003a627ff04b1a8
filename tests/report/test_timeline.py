"""What stood when: nothing is claimed that no entry says, and no stretch is counted twice."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, strategies

from agent.events.decision import Outcome
from agent.ledger.entry import Entry, Start, decided, enrolled, policy_adopted, refusal_changed, salt, started
from agent.policy.grounds import Ground
from agent.report.entries import Unread
from agent.report.timeline import Condition, Timeline
from agent.units import SubjectId
from tests.ledger.given import DEVICE, SITE, decision

PERMITTED, REFUSED, STARTING, UNRECORDED = Condition


def told(*entries: Entry | Unread) -> Timeline:
    timeline = Timeline()
    for position, entry in enumerate(entries):
        timeline.take(position, entry)
    return timeline


def shape(timeline: Timeline, end_ms: int = 100_000) -> list[tuple[int, int, Condition]]:
    return [(each.start_ms, each.end_ms, each.condition) for each in timeline.spans(0, end_ms)]


def at(entry: type[Start] | str, seconds: float | None, *grounds: Ground) -> Entry:
    if entry is Start:
        return started(SITE, DEVICE, "1", seconds)
    return refusal_changed(grounds, seconds)


def match(seconds: float) -> Entry:
    return decided(decision(Outcome.MATCH, unix_s=seconds), 1, salt(b"k" * 32, 0))


def test_a_state_holds_until_the_last_sign_of_life_and_not_beyond() -> None:
    timeline = told(at(Start, 10), at("refused", 12, Ground.SIGN_MISSING), at("permitted", 20), match(50))
    assert shape(timeline) == [
        (0, 10_000, UNRECORDED),
        (10_000, 12_000, STARTING),
        (12_000, 20_000, REFUSED),
        (20_000, 50_000, PERMITTED),
        (50_000, 100_000, UNRECORDED),
    ]
    timeline.alive(60_000)
    assert shape(timeline)[-2:] == [(20_000, 60_000, PERMITTED), (60_000, 100_000, UNRECORDED)]
    timeline.alive(None)
    assert shape(timeline)[-1] == (60_000, 100_000, UNRECORDED)


def test_between_the_last_word_of_one_run_and_the_next_start_nothing_is_recorded() -> None:
    timeline = told(at(Start, 10), at("permitted", 11), match(20), at(Start, 40), at("permitted", 45), match(50))
    assert shape(timeline)[2:5] == [
        (11_000, 20_000, PERMITTED),
        (20_000, 40_000, UNRECORDED),
        (40_000, 45_000, STARTING),
    ]


def test_an_enrolment_proves_nothing_about_the_run() -> None:
    timeline = told(at(Start, 10), at("permitted", 11), enrolled(SubjectId("p"), "c", 80, b"s" * 16))
    assert shape(timeline)[-1] == (11_000, 100_000, UNRECORDED)
    assert shape(told(Unread("later", 5000))) == [(0, 100_000, UNRECORDED)]


def test_a_change_without_a_time_leaves_its_stretch_open() -> None:
    timeline = told(
        at(Start, None), at("refused", None, Ground.CLOCK_UNTRUSTED), at("permitted", 30), match(35),
        at("refused", None, Ground.CLOCK_UNTRUSTED), at("permitted", 60), match(70),
    )  # fmt: skip
    assert shape(timeline) == [
        (0, 30_000, UNRECORDED),
        (30_000, 35_000, PERMITTED),
        (35_000, 60_000, UNRECORDED),
        (60_000, 70_000, PERMITTED),
        (70_000, 100_000, UNRECORDED),
    ]


def test_a_policy_divides_a_stretch_and_names_its_entry() -> None:
    timeline = told(
        at(Start, 10), policy_adopted(1, "a" * 64, 11), at("permitted", 12), policy_adopted(2, "b" * 64, 20), match(30)
    )
    assert [(each.start_ms, each.policy, each.position) for each in timeline.spans(12_000, 30_000)] == [
        (12_000, 1, 2),
        (20_000, 3, 2),
    ]


def test_where_time_steps_back_the_later_word_holds() -> None:
    timeline = told(at(Start, 10), at("permitted", 11), match(90), at("refused", 40, Ground.STOPPED), match(50))
    assert timeline.steps_back == 1
    assert shape(timeline)[2:] == [
        (11_000, 40_000, PERMITTED),
        (40_000, 50_000, REFUSED),
        (50_000, 100_000, UNRECORDED),
    ]
    timeline = told(at(Start, 50), at("permitted", 60), match(70), at("permitted", 20), match(30))
    assert shape(timeline) == [(0, 20_000, UNRECORDED), (20_000, 30_000, PERMITTED), (30_000, 100_000, UNRECORDED)]


def test_a_period_cuts_and_is_filled() -> None:
    timeline = told(at(Start, 10), at("permitted", 11), match(90))
    assert [(each.start_ms, each.end_ms) for each in timeline.spans(20_000, 30_000)] == [(20_000, 30_000)]
    assert [each.condition for each in timeline.spans(200_000, 300_000)] == [UNRECORDED]


@given(
    strategies.lists(
        strategies.tuples(
            strategies.sampled_from(["start", "permitted", "refused", "match", "alive"]),
            strategies.one_of(strategies.none(), strategies.integers(0, 120)),
        ),
        max_size=30,
    )
)
def test_the_spans_of_a_period_are_whole_and_permitted_only_where_an_entry_said_so(
    told_entries: list[tuple[str, int | None]],
) -> None:
    timeline, permits = Timeline(), set[int]()
    for position, (kind, seconds) in enumerate(told_entries):
        if kind == "alive":
            timeline.alive(None if seconds is None else seconds * 1000)
        elif kind == "match":
            timeline.take(position, match(seconds or 0))
        elif kind == "start":
            timeline.take(position, at(Start, seconds))
        else:
            grounds = (Ground.STOPPED,) if kind == "refused" else ()
            timeline.take(position, at(kind, seconds, *grounds))
            permits |= {position} if kind == "permitted" else set()
    spans = timeline.spans(10_000, 100_000)
    assert spans[0].start_ms == 10_000 and spans[-1].end_ms == 100_000
    assert all(left.end_ms == right.start_ms for left, right in pairwise(spans))
    assert all(each.start_ms < each.end_ms for each in spans)
    assert all(each.position in permits for each in spans if each.condition is PERMITTED)
