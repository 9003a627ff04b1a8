"""The facts are those of the ledger: counted by hand here, and never anybody's pseudonym."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from agent.crypto import sha256
from agent.errors import ConfigError, VaultError
from agent.events.bodies import Met
from agent.events.decision import Outcome
from agent.gallery.retention import Ended
from agent.ledger.entry import erased, shortened, withdrawn
from agent.policy.declared import Filing
from agent.policy.grounds import Ground
from agent.report.content import document
from agent.report.counting import facts_of, state_of
from agent.report.entries import Unread, read_entry
from agent.report.facts import DeviceFacts, Obliged
from agent.report.making import Order, adopted, days_of, policies_at_hand, report
from agent.report.period import Period
from agent.report.source import source_of
from agent.report.timeline import Condition, Span
from agent.units import DeviceId
from tests.ledger.given import DEVICE, Draft
from tests.report.given import DOCUMENTS, KEYS, PEOPLE, POLICY, WEEK, Book, at, facts, source, week

MINUTE, HOUR = 60_000, 3_600_000


@pytest.fixture(scope="module")
def device() -> DeviceFacts:
    return facts().devices[0]


def rule(device: DeviceFacts, ground: Ground) -> Obliged:
    return next(each for each in device.obligations if each.ground is ground)


def test_the_weeks_time_is_accounted_for_to_the_millisecond(device: DeviceFacts) -> None:
    lengths = {condition: device.length_ms(condition) for condition in Condition}
    assert sum(lengths.values()) == 7 * 24 * HOUR
    refused = (2 + 40 * 60 + (2 * 60 + 52) * 60 + (2 * 60 + 55) * 60 + 236) * 1000
    assert lengths[Condition.REFUSED] == refused
    assert lengths[Condition.STARTING] == 7000
    assert lengths[Condition.UNRECORDED] == 7 * HOUR + 50 * MINUTE + 11 * HOUR + 30 * MINUTE + 5 * HOUR


def test_each_refusal_is_counted_with_the_entries_that_began_it(device: DeviceFacts) -> None:
    found = {each.ground: (each.times, each.length_ms // 1000) for each in device.refusals}
    assert found == {
        Ground.SIGN_MISSING: (3, 2 + (172 + 175) * 60),
        Ground.LEASE_EXPIRED: (1, 2400),
        Ground.NO_FRAMES: (1, 236),
        Ground.SIGN_FORBIDS: (2, 120),
    }
    assert [each.ground for each in device.refusals] == sorted(found, key=lambda each: -found[each][1])
    book = week()
    for each in device.refusals:
        assert len(each.positions) == each.times
        for position in each.positions:
            entry = read_entry(book.entries[position][1])
            assert not isinstance(entry, Unread) and entry.kind == "refusal-change" and each.ground in entry.grounds


def test_an_obligation_is_unmet_exactly_while_its_ground_stands(device: DeviceFacts) -> None:
    sign = rule(device, Ground.SIGN_MISSING)
    assert [each.end_ms - each.start_ms for each in sign.unmet] == [2000, 172 * MINUTE, 175 * MINUTE]
    assert sign.unmet[1].start_ms == round(at(12, 11) * 1000)
    fine = rule(device, Ground.BASIS_UNFIT)
    assert not fine.unmet and fine.length_ms(Met.NOT_BINDING) == 0
    # Without a picture no other rule was asked; when the software starts, none was asked yet.
    assert fine.length_ms(Met.UNKNOWN) == 236_000 + 7000
    assert fine.length_ms(None) == device.length_ms(Condition.UNRECORDED)


def test_what_the_profile_leaves_open_is_told_apart_only_with_the_policy_at_hand() -> None:
    span = Span(0, 1, Condition.PERMITTED)
    (policy,) = DOCUMENTS.values()
    american = policy.model_copy(update={"profile": "us-il-bipa", "stricter": (Ground.FILING_OVERDUE,)})
    assert state_of(Ground.ASSESSMENT_MISSING, span, american) is Met.NOT_BINDING
    assert state_of(Ground.FILING_OVERDUE, span, american) is Met.MET
    assert state_of(Ground.ASSESSMENT_MISSING, span, None) is Met.MET
    refused = replace(span, condition=Condition.REFUSED, grounds=(Ground.NO_FRAMES, Ground.STOPPED))
    assert state_of(Ground.BASIS_UNFIT, refused, None) is Met.MET
    assert state_of(Ground.STOPPED, refused, None) is Met.UNMET


def test_decisions_are_counted_and_few_ones_are_not_told(device: DeviceFacts) -> None:
    assert device.outcomes == {
        Outcome.MATCH: 7 * 14 + 7 * 7,
        Outcome.NO_MATCH: 7,
        Outcome.PASS_ACCEPTED: 7 + 7 * 4,
        Outcome.PASS_REFUSED: None,
        Outcome.TOO_LATE: 0,
        Outcome.ATTACK_DENIED: 0,
        Outcome.EXIT: 0,
    }
    assert device.pass_faults == {"pass-expired": None}
    by_hour = {hour: count for hour, count in enumerate(device.hours) if count}
    assert by_hour == {8: 95, 9: 5, 17: 5, 18: 75}, "98, 7, 8 and 77, each rounded down to a multiple of five"


def test_people_versions_and_policies(device: DeviceFacts) -> None:
    assert device.enrolments == 1
    assert [figure for _, figure in device.stock] == [7, 6, 5, 6]
    withdrawn, idle = device.endings
    assert (withdrawn.reason, withdrawn.position, withdrawn.erased) == ("withdrawn", 116, 117)
    assert withdrawn.time_ms == withdrawn.erased_ms == round(at(14, 17, 30) * 1000)
    assert (idle.reason, idle.position) == ("idle", idle.erased)
    assert withdrawn.receipt == idle.receipt == sha256(b"receipt")
    assert device.stock[0][0] == WEEK.start_ms
    assert [each.version for each in device.starts] == ["0.1.0", "0.1.1"]
    assert [(each.version, each.document is not None) for each in device.policies] == [(3, True)]
    assert (device.first, device.last) == (8, 219)
    assert len(device.checkpoints) == 7 and device.undated == 0 and device.steps_back == 0 and not device.other


def test_a_policy_that_was_adopted_before_the_period_is_named() -> None:
    later = Period(date(2030, 3, 13), date(2030, 3, 13), "Asia/Shanghai")
    (device,) = facts(period=later).devices
    assert [each.position for each in device.policies] == [9] and not device.starts
    assert rule(device, Ground.LEASE_EXPIRED).unmet[0].position is not None
    assert facts(documents={}).devices[0].policies[0].document is None


def test_a_ledger_without_the_period_says_so() -> None:
    empty = Period(date(2029, 1, 1), date(2029, 1, 2), "UTC")
    (device,) = facts(period=empty).devices
    assert device.first is device.last is None and not device.refusals and not device.policies
    assert device.length_ms(Condition.UNRECORDED) == 48 * HOUR
    assert device.stock == ((empty.start_ms, 0),)


def test_entries_without_a_time_and_of_later_kinds_are_counted_not_failed_on() -> None:
    book = week()
    book.refuse(None, Ground.CLOCK_UNTRUSTED)
    book.entries.append((book.frontier.size, b'{"kind":"later","time_ms":%d}' % round(at(17, 23) * 1000)))
    (device,) = facts(book).devices
    assert device.undated == 1 and device.other == {"later": 1}
    assert device.proof.fault is not None and "known kind" in device.proof.fault


@pytest.mark.parametrize(
    ("data", "kind", "time_ms"),
    [
        (b"nonsense", "unreadable", None),
        (b"[1]", "unreadable", None),
        (b'{"kind":"<b>","time_ms":true}', "unreadable", None),
        (b'{"kind":"erasure","time_ms":5}', "erasure", 5),
        (b'{"kind":"erasure","time_ms":-5}', "erasure", None),
        (b"[" * 4000, "unreadable", None),
    ],
)
def test_what_cannot_be_read_is_named_by_its_kind_at_most(data: bytes, kind: str, time_ms: int | None) -> None:
    assert read_entry(data) == Unread(kind, time_ms)


def test_no_pseudonym_and_no_commitment_is_in_the_facts() -> None:
    book, said = week(), repr(facts())
    for subject in PEOPLE:
        assert subject not in said
    for _, data in book.entries:
        entry = read_entry(data)
        commitment = getattr(entry, "subject", None)
        assert commitment is None or commitment not in said


def test_a_fault_is_kept_beside_what_can_still_be_read() -> None:
    book = week()
    book.entries[10] = (10, book.entries[11][1])  # the first refusal of the week, turned into a permit
    found = source(book)
    assert found.proof.verified is None and found.proof.fault is not None and "first 39 entries" in found.proof.fault
    told = facts_of(found, WEEK, DOCUMENTS)
    assert told.outcomes[Outcome.MATCH] == 7 * 21
    assert next(each for each in told.refusals if each.ground is Ground.SIGN_MISSING).times == 2


def test_a_ledger_of_nobody_is_no_source_and_one_without_a_start_is_known_by_its_checkpoint() -> None:
    with pytest.raises(VaultError, match="whose"):
        source_of(Draft().copy(), {})
    draft = Draft()
    draft.sign()
    draft.checkpoints.append(b"not one")
    assert source_of(draft.copy(), {}).device == DEVICE
    foreign = Draft().sign(device=DeviceId("gate-2"))
    other = source_of(week().copy(), {}, [foreign, b"no checkpoint"])
    assert other.proof.verified is not None and other.proof.held == 0 and not other.proof.named


def test_days_policies_and_sites_of_an_order() -> None:
    found = [source(week())]
    assert days_of(found, "Asia/Shanghai") == (date(2030, 3, 8), date(2030, 3, 17))
    assert days_of(found, "Pacific/Auckland") == (date(2030, 3, 8), date(2030, 3, 18))
    assert policies_at_hand([b"other", POLICY], found) == dict.fromkeys(DOCUMENTS, POLICY)
    assert adopted(found, signed=True) == adopted(found) == set(DOCUMENTS)
    dateless = Draft()
    dateless.sign()
    with pytest.raises(ConfigError, match="trusted time"):
        days_of([source_of(dateless.copy(), KEYS)], "UTC")
    order = Order(WEEK, "en", "0.1.0")
    with pytest.raises(ConfigError, match="of one device"):
        report([*found, *found], order, {})
    with pytest.raises(ConfigError, match="several sites"):
        report([*found, replace(found[0], site="pier")], order, {})
    # A policy that this version cannot read counts as not at hand.
    book = week()
    book.adopt(at(17, 23), b"{}")
    told = report([source(book)], order, policies_at_hand([b"{}"], [source(book)]))
    assert "not at hand" in repr(told)


def test_a_period_is_whole_days_of_its_zone() -> None:
    summer = Period(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin")
    assert summer.end_ms - summer.start_ms == 23 * HOUR and summer.days == 1
    assert summer.holds(summer.start_ms) and not summer.holds(summer.end_ms) and not summer.holds(None)
    assert summer.at(10**30).year == 9998
    for first, last, zone, word in (
        (date(2026, 1, 2), date(2026, 1, 1), "UTC", "--to"),
        (date(1960, 1, 1), date(2026, 1, 1), "UTC", "1971"),
        (date(2026, 1, 1), date(2026, 1, 1), "Middle/Earth", "--timezone"),
        (date(2026, 1, 1), date(2026, 1, 1), "../etc", "--timezone"),
    ):
        with pytest.raises(ConfigError, match=word):
            Period(first, last, zone)


def shortened_week() -> Book:
    """The first two entries were dropped by right; a signed entry says so."""
    book = Book()
    book.start(at(8, 9))
    book.enrol(at(8, 9, 1), PEOPLE[0])
    book.check(at(8, 9, 2))
    book.add(shortened(2, 1, at(10, 9)))
    book.start(at(11, 8))
    book.refuse(at(11, 8, 1))
    book.decide(at(11, 9), Outcome.MATCH)
    book.check(at(11, 10))
    book.drop(2)
    return book


def test_a_shortened_ledger_is_told_of_what_is_left() -> None:
    (device,) = facts(shortened_week()).devices
    assert device.proof.fault is None and device.dropped == 2 and device.first == 3
    assert device.length_ms(Condition.PERMITTED) == 119 * MINUTE
    assert [figure for _, figure in device.stock] == [0], "whoever enrolled before is not among what is left"


def test_an_erasure_after_its_withdrawal_has_its_length_and_one_of_another_reason_its_own_row() -> None:
    book = Book()
    book.start(at(11, 8))
    book.enrol(at(11, 8, 1), PEOPLE[0])
    book.add(withdrawn(PEOPLE[0], at(11, 9), b"s" * 16))
    book.add(erased(Ended.WITHDRAWN, b"r", at(11, 9, 0, 2)))
    book.add(withdrawn(PEOPLE[1], at(11, 10), b"s" * 16))
    book.add(erased(Ended.UNTIL, b"r", at(11, 10)))
    book.add(erased(Ended.UNTIL, b"r", None))
    told = facts(book)
    assert [(each.reason, each.erased) for each in told.devices[0].endings] == [
        ("withdrawn", 3), ("withdrawn", None), ("until", 5), ("until", 6),
    ]  # fmt: skip
    said = repr(document(told, "en"))
    assert "2 s later" in said and "end of the consent" in said


def test_what_is_odd_about_a_ledger_is_said_in_the_report() -> None:
    book = week()
    book.decide(at(17, 18), Outcome.NO_MATCH)
    said = repr(document(facts(book), "en"))
    assert "The ledger's time stepped back once" in said
    said = repr(document(facts(shortened_week()), "en"))
    assert "The first 2 entries were dropped by right, each older than 1 d" in said
    assert "Enrolments among the entries that were dropped by right are not counted" in said
    nothing = Period(date(2029, 1, 1), date(2029, 1, 1), "UTC")
    broken = week()
    del broken.entries[3]
    assert "The ledger has no entry in this period." in repr(document(facts(broken, nothing), "en"))


def test_the_policys_own_words_are_told_as_what_they_are() -> None:
    (policy,) = DOCUMENTS.values()
    filing = Filing(authority="town", number="f-7", filed=datetime(2030, 1, 2, tzinfo=UTC), covers_people=9)
    changed = policy.model_copy(update={"filing": filing, "assessment": None, "single_key": False, "alternatives": ()})
    said = repr(document(facts(documents=dict.fromkeys(DOCUMENTS, changed)), "en"))
    assert "town, f-7, 2030-01-02" in said and "Impact assessment" not in said and "two of three" in said
    assert "those of documents not at hand are not listed" in said
