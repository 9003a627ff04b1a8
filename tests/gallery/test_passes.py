"""A pass opens its doors on its days as often as it says; nothing else that is held up does, and nothing raises."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies

from agent.crypto import sign
from agent.gallery.passes import Accepted, Here, PassFault, Rejected, Showings, judge
from agent.gallery.passes_text import PASS_CONTEXT, PREFIX, QUARTER_S, Hours, base45, door_digest, site_digest
from agent.gallery.passes_uses import PassUse, Uses
from agent.policy.bundle import PassKey, utc
from agent.units import SiteId, SubjectId
from tests.gallery.passes_given import (
    DAY,
    GOOD,
    ID,
    ISSUER,
    KEY,
    MAIN,
    ON_PHONE,
    OTHER,
    PHONE,
    QUARTER,
    SIDE,
    SITE,
    shown,
    text,
    turned,
)
from tests.policy.given import NOW_S

USE = PassUse(ID, KEY.key, DAY, None)
P1 = SubjectId("p-1")


def test_a_good_pass_opens_and_names_whose_it_is() -> None:
    assert shown(text()) == Accepted(USE, P1, False)
    assert shown(text(replace(GOOD, subject=None))) == Accepted(USE, None, False)
    assert shown(text(), uses=Uses({ID: 1})) == Accepted(USE, P1, False)
    assert "p-1" not in repr(shown(text())) and ID not in repr(shown(text()))


def test_one_pass_opens_several_doors() -> None:
    both = text(replace(GOOD, doors=(door_digest(SIDE), door_digest(MAIN))))
    key = KEY.model_copy(update={"doors": ("main", "side")})
    for door in (MAIN, SIDE):
        assert isinstance(shown(both, door=door, keys=(key,)), Accepted)
    assert shown(both, door=SIDE) == Rejected(ID, PassFault.WRONG_DOOR), "the key is not for that door"


def test_who_is_to_be_compared() -> None:
    compared, opening = shown(text(replace(GOOD, compare=True))), shown(text())
    assert isinstance(compared, Accepted) and isinstance(opening, Accepted)
    assert compared.to_compare(frozenset()) == P1
    assert compared.to_compare({P1}) is None, "who has withdrawn comes in without a face"
    assert opening.to_compare(frozenset()) is None


@pytest.mark.parametrize(
    ("code", "unix_s", "used", "reason"),
    [
        (text(), None, 0, PassFault.CLOCK_UNTRUSTED),
        (text(), float("nan"), 0, PassFault.CLOCK_UNTRUSTED),
        (text(), QUARTER * QUARTER_S - 0.001, 0, PassFault.NOT_YET),
        (text(), (QUARTER + 4) * QUARTER_S, 0, PassFault.EXPIRED),
        (text(), NOW_S, 2, PassFault.USED),
        (text(), NOW_S, 3, PassFault.USED),
        (text(replace(GOOD, uses=254)), NOW_S, 254, PassFault.USED),
        (text(replace(GOOD, doors=(door_digest(SIDE),))), NOW_S, 0, PassFault.WRONG_DOOR),
        (text(replace(GOOD, site=site_digest(SiteId("pier")))), NOW_S, 0, PassFault.WRONG_DOOR),
        (text(replace(GOOD, until_quarter=QUARTER + 1000)), NOW_S + 86_400, 0, PassFault.EXPIRED),
    ],
)
def test_a_refusal_has_a_reason(code: str, unix_s: float | None, used: int, reason: PassFault) -> None:
    assert shown(code, unix_s, Uses({ID: used})) == Rejected(ID, reason)


def test_any_number_of_uses_is_any_number() -> None:
    assert isinstance(shown(text(replace(GOOD, uses=255)), uses=Uses({ID: 100_000})), Accepted)


def test_the_first_and_the_last_instant() -> None:
    assert isinstance(shown(text(), QUARTER * QUARTER_S), Accepted)
    assert isinstance(shown(text(), (QUARTER + 4) * QUARTER_S - 0.001), Accepted)


def test_a_key_opens_only_the_doors_that_the_policy_gives_it() -> None:
    for_side = text(replace(GOOD, doors=(door_digest(SIDE),)))
    assert shown(for_side, door=SIDE) == Rejected(ID, PassFault.WRONG_DOOR)
    assert shown(text(), site=SiteId("pier")) == Rejected(ID, PassFault.WRONG_DOOR)


def test_no_believed_signature_means_no_believed_content() -> None:
    assert shown(text(secret=OTHER)) == Rejected(None, PassFault.UNSIGNED)
    assert shown(text(context="doorward/receipt/1")) == Rejected(None, PassFault.UNSIGNED)
    assert shown(text(), keys=()) == Rejected(None, PassFault.UNSIGNED)

    class Broken:
        key = "not hex"
        doors = ("main",)
        until = utc(NOW_S + 86_400)
        max_days = per_day = 1

    assert judge(text(), [Broken()], Here(SITE, MAIN, NOW_S), Uses()) == Rejected(None, PassFault.UNSIGNED)


def test_a_revoked_pass_opens_nothing_whatever_the_time() -> None:
    for unix_s in (NOW_S, None, NOW_S + 86_400):
        assert shown(text(), unix_s, revoked={ID}) == Rejected(ID, PassFault.REVOKED)
    other = replace(GOOD, pass_id=bytes(8))
    assert isinstance(shown(text(other), revoked={ID}), Accepted)
    assert shown(text(secret=OTHER), revoked={ID}) == Rejected(None, PassFault.UNSIGNED)


class TestLimits:
    """What the policy lets a key do holds at the door, whatever the key has signed."""

    @staticmethod
    def key(**changes: object) -> PassKey:
        return KEY.model_copy(update=changes)

    def test_no_pass_holds_longer_than_its_key_may_sign(self) -> None:
        two_days = replace(GOOD, from_quarter=QUARTER - 96, until_quarter=QUARTER + 96)
        assert isinstance(shown(text(two_days), keys=(self.key(max_days=2),)), Accepted)
        assert shown(text(two_days), keys=(self.key(max_days=1),)) == Rejected(ID, PassFault.TOO_LONG)
        autumn = replace(two_days, until_quarter=QUARTER + 100)
        assert isinstance(shown(text(autumn), keys=(self.key(max_days=2),)), Accepted), "a day of 25 hours"
        longer = replace(two_days, until_quarter=QUARTER + 101)
        assert shown(text(longer), keys=(self.key(max_days=2),)) == Rejected(ID, PassFault.TOO_LONG)
        year = replace(GOOD, from_quarter=QUARTER - 1, until_quarter=QUARTER + 365 * 96)
        assert shown(text(year)) == Rejected(ID, PassFault.TOO_LONG), "31 days where the policy says nothing"

    def test_so_many_openings_a_day_and_no_more(self) -> None:
        keys = (self.key(per_day=3),)
        assert isinstance(shown(text(), uses=Uses(days={(KEY.key, DAY): 2}), keys=keys), Accepted)
        full = Uses(days={(KEY.key, DAY): 3})
        assert shown(text(), uses=full, keys=keys) == Rejected(ID, PassFault.OVER_LIMIT)
        assert isinstance(shown(text(), uses=Uses(days={(KEY.key, DAY - 1): 3}), keys=keys), Accepted)
        assert isinstance(shown(text(), uses=Uses(days={("5" * 64, DAY): 3}), keys=keys), Accepted)

    def test_one_of_two_entries_of_a_key_is_enough(self) -> None:
        over = self.key(until=utc(NOW_S))
        assert shown(text(), keys=(over,)) == Rejected(ID, PassFault.EXPIRED)
        assert isinstance(shown(text(), keys=(over, KEY)), Accepted)
        assert isinstance(shown(text(), keys=(KEY, over)), Accepted)


class TestPhone:
    """A pass on a phone is as good as its latest code."""

    HELD = text(ON_PHONE)

    def test_a_fresh_code_opens(self) -> None:
        found = shown(turned(self.HELD))
        assert found == Accepted(replace(USE, code=int(NOW_S)), P1, False)

    @pytest.mark.parametrize("late_s, opens", [(-30, True), (-31, False), (30, True), (31, False), (-(10**8), False)])
    def test_only_within_thirty_seconds(self, late_s: int, opens: bool) -> None:
        found = shown(turned(self.HELD, int(NOW_S) + late_s))
        assert isinstance(found, Accepted) if opens else found == Rejected(ID, PassFault.STALE)

    def test_a_code_that_was_used_is_used_and_so_are_all_before_it(self) -> None:
        uses = Uses()
        uses.take(replace(USE, code=int(NOW_S)))
        for moment in (int(NOW_S), int(NOW_S) - 15):
            assert shown(turned(self.HELD, moment), uses=uses) == Rejected(ID, PassFault.USED)
        assert isinstance(shown(turned(self.HELD, int(NOW_S) + 15), uses=uses), Accepted)

    def test_what_the_phone_did_not_sign_is_not_believed(self) -> None:
        unsigned = Rejected(None, PassFault.UNSIGNED)
        assert shown(turned(self.HELD, secret=OTHER)) == unsigned
        assert shown(turned(self.HELD, context=PASS_CONTEXT)) == unsigned
        assert shown(turned(text(ON_PHONE, secret=OTHER))) == unsigned
        assert shown(self.HELD) in (unsigned, Rejected(None, PassFault.MALFORMED)), "without any code"
        other = text(replace(ON_PHONE, pass_id=bytes(8)))
        assert shown(other[:60] + turned(self.HELD)[60:]) == unsigned, "another pass under the same code"

    def test_the_time_of_a_code_cannot_be_moved(self) -> None:
        old, later = turned(self.HELD, int(NOW_S) - 60), turned(self.HELD, int(NOW_S))
        assert len(old) == len(later)
        for cut in range(4, len(old)):
            assert not isinstance(shown(old[:cut] + later[cut:], uses=Uses(codes={ID: int(NOW_S)})), Accepted)

    def test_a_printed_pass_takes_no_code(self) -> None:
        assert not isinstance(shown(turned(text())), Accepted)


class TestHours:
    BERLIN = ZoneInfo("Europe/Berlin")
    EVENING = Hours(days=0b0010000, begin=88, end=8)
    """Fridays from 22:00 to 2:00."""

    def at(self, local: datetime, hours: Hours) -> Accepted | Rejected | None:
        when = local.replace(tzinfo=self.BERLIN)
        unix_s, offset = when.timestamp(), when.utcoffset()
        assert offset is not None
        middle = int(unix_s) // QUARTER_S
        content = replace(GOOD, from_quarter=middle - 96, until_quarter=middle + 96, hours=hours)
        key = KEY.model_copy(update={"until": utc(unix_s + 86_400)})
        return shown(text(content), unix_s, offset_s=offset.total_seconds(), keys=(key,))

    @pytest.mark.parametrize(
        "hour, minute, day, opens",
        [
            (21, 59, 26, False),
            (22, 0, 26, True),
            (23, 59, 26, True),
            (0, 0, 27, True),
            (1, 59, 27, True),
            (2, 0, 27, False),
            (0, 30, 26, False),
            (22, 30, 27, False),
            (22, 30, 25, False),
        ],
    )
    def test_over_midnight(self, hour: int, minute: int, day: int, opens: bool) -> None:
        """26 June 2026 is a Friday; the early hours of Saturday are Friday's."""
        found = self.at(datetime(2026, 6, day, hour, minute), self.EVENING)
        assert isinstance(found, Accepted) if opens else found == Rejected(ID, PassFault.WRONG_HOUR)

    @pytest.mark.parametrize("date", [datetime(2026, 3, 29), datetime(2026, 10, 25), datetime(2026, 1, 4)])
    def test_the_clock_on_the_wall_counts_when_clocks_change(self, date: datetime) -> None:
        """29 March and 25 October 2026 are the Sundays of the change; eight in the morning stays eight."""
        sundays = Hours(days=0b1000000, begin=32, end=96)
        assert isinstance(self.at(date + timedelta(hours=8), sundays), Accepted)
        assert self.at(date + timedelta(hours=7, minutes=59), sundays) == Rejected(ID, PassFault.WRONG_HOUR)
        assert isinstance(self.at(date + timedelta(hours=23, minutes=59), sundays), Accepted)
        assert self.at(date + timedelta(days=1), sundays) == Rejected(ID, PassFault.WRONG_HOUR)

    def test_an_hour_that_comes_twice_counts_twice(self) -> None:
        night = Hours(days=127, begin=8, end=12)
        for fold in (0, 1):
            assert isinstance(self.at(datetime(2026, 10, 25, 2, 30, fold=fold), night), Accepted)

    def test_without_a_timezone_a_pass_with_hours_opens_nothing(self) -> None:
        held = text(replace(GOOD, hours=Hours(127, 0, 96)))
        assert shown(held) == Rejected(ID, PassFault.CLOCK_UNTRUSTED)
        assert isinstance(shown(held, offset_s=0.0), Accepted)


@given(strategies.text(max_size=300))
def test_any_text_is_judged_and_never_opens(anything: str) -> None:
    assert not isinstance(shown(anything), Accepted)
    assert isinstance(shown(PREFIX + anything), Rejected)


@given(strategies.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=420))
def test_any_code_is_judged_and_never_opens(anything: str) -> None:
    assert isinstance(shown(PREFIX + anything), Rejected)


@given(at=strategies.integers(min_value=0), mask=strategies.integers(1, 255))
def test_no_changed_byte_opens(at: int, mask: int) -> None:
    data = bytearray(GOOD.body() + sign(ISSUER, PASS_CONTEXT, GOOD.body()))
    data[at % len(data)] ^= mask
    found = shown(PREFIX + base45(bytes(data)))
    assert isinstance(found, Rejected)
    assert found.pass_id is None


@given(
    unix_s=strategies.floats(allow_nan=True) | strategies.none(),
    first=strategies.integers(QUARTER - 9, QUARTER + 9),
    length=strategies.integers(0, 9),
    uses=strategies.integers(1, 254),
    used=strategies.integers(0, 300),
)
def test_opens_exactly_when_all_is_in_order(
    unix_s: float | None, first: int, length: int, uses: int, used: int
) -> None:
    code = text(replace(GOOD, from_quarter=first, until_quarter=first + length, uses=uses))
    for now in (unix_s, NOW_S):
        in_time = now is not None and first * QUARTER_S <= now < (first + length) * QUARTER_S
        # The key's own end lies far behind all these passes.
        assert isinstance(shown(code, now, Uses({ID: used})), Accepted) == (in_time and used < uses)


class TestShowings:
    def test_one_showing_is_one_however_many_frames_long(self) -> None:
        showings, second = Showings(), 1_000_000_000
        assert showings.new(["a", "b", "a"], 0) == ["a", "b"]
        assert showings.new(["a"], second) == []
        gone = 3 * second
        assert showings.new(["a"], gone - 1) == [], "held up all the time"
        assert showings.new(["b"], gone) == ["b"], "away for so long, it is shown again"
        assert showings.new([], gone) == []

    def test_a_phone_that_has_opened_opens_once_though_its_codes_turn(self) -> None:
        showings, held = Showings(), text(ON_PHONE)
        codes = [turned(held, int(NOW_S) + 15 * count, PHONE) for count in range(4)]
        assert showings.new(codes[:1], 0) == codes[:1]
        assert showings.new(codes[1:2], 10**9) == codes[1:2], "the first one has opened nothing, so the next is new"
        showings.opened(codes[1], 10**9)
        assert showings.new(codes[2:3], 2 * 10**9) == []
        assert showings.new(codes[3:], 3 * 10**9) == [], "held up all the time"
        assert showings.new(codes[2:3], 6 * 10**9) == codes[2:3], "put away and shown again"
