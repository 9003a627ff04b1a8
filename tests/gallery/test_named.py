"""Whom a token names, how often that may fail, and that nothing of a token can be read anywhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.gallery.named import MOST, NAMED_S, WITHIN_S, Budget, Known, Names, Naming, Spent, TokenFault, digest
from agent.policy.attempt import TrackId
from agent.policy.tokens import TokenEntry, Tokens
from agent.token import Token, TokenKind, TokenWay, read_line, token
from agent.units import Box, DoorId, PassId, SubjectId
from tests.policy.given import NOW_S, SECOND, iso

SALT, PASSES, MEMORY_KIB = "5" * 32, 1, 8_192
MAIN, SIDE = DoorId("main"), DoorId("side")
CARD = Token(TokenKind.CARD, "04A2B3C4D5E6F7", TokenWay.SERIAL)
PIN = Token(TokenKind.PIN, "482913", TokenWay.SERIAL)
ANNA = SubjectId("p-1")
ONE, TWO = TrackId(1), TrackId(2)
WINDOW_NS = round(WITHIN_S * SECOND)


def entry(token: Token, subject: str = "p-1", **changes: Any) -> TokenEntry:
    fields = {
        "digest": digest(token.kind, token.text, bytes.fromhex(SALT), PASSES, MEMORY_KIB),
        "subject": subject,
        "doors": ("main",),
        "until": iso(NOW_S + 3600),
        "opens": False,
    }
    return TokenEntry.model_validate(fields | changes, strict=False)


def tokens(*entries: TokenEntry, memory_kib: int = MEMORY_KIB) -> Tokens:
    return Tokens(salt=SALT, passes=PASSES, memory_kib=memory_kib, entries=entries)


def judged(shown: Token, *entries: TokenEntry, names: Names | None = None, at_ns: int = 0, **changes: Any) -> object:
    named = {"door": MAIN, "unix_s": NOW_S, "one_to_one": True} | changes
    return (names or Names()).judge(shown, tokens(*entries), now_ns=at_ns, **named)


class TestTokens:
    @pytest.mark.parametrize(
        "kind, text, good",
        [
            ("card", "04A2B3C4", True),
            ("card", "0" * 32, True),
            ("card", "0" * 33, False),
            ("card", "0" * 7, False),
            ("card", "04a2b3c4", False),
            ("card", "04A2B3C4\n", False),
            ("pin", "1234", True),
            ("pin", "1" * 12, True),
            ("pin", "123", False),
            ("pin", "1" * 13, False),
            ("pin", "12a4", False),
            ("pin", "１２３４", False),  # digits of another script  # noqa: RUF001
            ("name", "1234", False),
            ("", "1234", False),
        ],
    )
    def test_a_token_has_one_closed_form(self, kind: str, text: str, good: bool) -> None:
        found = token(kind, text, TokenWay.MQTT)
        assert (found == Token(TokenKind(kind), text, TokenWay.MQTT)) if good else found is None

    @pytest.mark.parametrize(
        "line, found",
        [
            (b"PIN 482913", PIN),
            (b"PIN 482913\r", PIN),
            (b"CARD 04A2B3C4D5E6F7", CARD),
            (b"pin 482913", None),
            (b"Pin 482913", None),
            (b"PIN", None),
            (b"PIN ", None),
            (b"PIN  482913", None),
            (b"PIN 482913 ", None),
            (b"PIN 482913\r\r", None),
            (b" PIN 482913", None),
            (b"482913", None),
            (b"CARD 04\xff2B3C4D5", None),
            (b"", None),
            (b"x" * 58 + b"PIN 482913", None),
            (b"PIN " + b"4" * 61, None),
        ],
    )
    def test_a_line_is_one_token_or_none(self, line: bytes, found: Token | None) -> None:
        assert read_line(line, TokenWay.SERIAL) == found

    @given(st.binary(max_size=100))
    def test_no_line_raises(self, line: bytes) -> None:
        found = read_line(line, TokenWay.GPIO)
        assert found is None or line.removesuffix(b"\r").decode() == f"{found.kind.upper()} {found.text}"

    def test_what_was_presented_never_shows(self) -> None:
        for each in (PIN, CARD, Known(ANNA, True), Naming.of(ANNA, PassId("0123456789abcdef"), 0)):
            said = repr(each) + str(each)
            assert not any(word in said for word in ("482913", "04A2", "p-1", "0123456789abcdef"))

    def test_what_comes_over_the_network_is_not_at_the_device(self) -> None:
        assert [replace(PIN, way=way).at_the_device for way in TokenWay] == [True, True, False]


class TestWhoIsNamed:
    def test_the_person_of_the_entry(self) -> None:
        assert judged(PIN, entry(PIN), entry(CARD, "p-2")) == Known(ANNA, False)
        assert judged(CARD, entry(PIN), entry(CARD, "p-2")) == Known(SubjectId("p-2"), False)

    @pytest.mark.parametrize(
        "shown, changes, around, fault",
        [
            (replace(PIN, text="482914"), {}, {}, TokenFault.UNKNOWN),
            (replace(PIN, text="4829"), {}, {}, TokenFault.UNKNOWN),
            (Token(TokenKind.CARD, "48291300", TokenWay.SERIAL), {}, {}, TokenFault.UNKNOWN),
            (PIN, {"doors": ("side",)}, {}, TokenFault.WRONG_DOOR),
            (PIN, {}, {"door": SIDE}, TokenFault.WRONG_DOOR),
            (PIN, {}, {"unix_s": NOW_S + 3600}, TokenFault.EXPIRED),
            (PIN, {}, {"unix_s": None}, TokenFault.CLOCK_UNTRUSTED),
            (PIN, {}, {"unix_s": float("nan")}, TokenFault.CLOCK_UNTRUSTED),
            (PIN, {}, {"one_to_one": False}, TokenFault.NAMES_ONLY),
            (replace(PIN, way=TokenWay.MQTT), {"opens": True}, {"one_to_one": False}, TokenFault.NAMES_ONLY),
        ],
    )
    def test_a_refusal_has_a_reason(
        self, shown: Token, changes: dict[str, Any], around: dict[str, Any], fault: TokenFault
    ) -> None:
        assert judged(shown, entry(PIN, **changes), **around) is fault

    def test_the_same_digits_as_a_card_and_as_a_pin_are_two_tokens(self) -> None:
        card = Token(TokenKind.CARD, "12345678", TokenWay.SERIAL)
        pin = replace(card, kind=TokenKind.PIN)
        assert entry(card).digest != entry(pin).digest
        assert judged(pin, entry(card)) is TokenFault.UNKNOWN

    @pytest.mark.parametrize("way, opens", [(TokenWay.SERIAL, True), (TokenWay.GPIO, True), (TokenWay.MQTT, False)])
    @pytest.mark.parametrize("one_to_one", [True, False])
    def test_it_opens_only_at_the_device_and_where_the_policy_says_so(
        self, way: TokenWay, opens: bool, one_to_one: bool
    ) -> None:
        shown = replace(CARD, way=way)
        found = judged(shown, entry(CARD, opens=True), one_to_one=one_to_one)
        assert found == (Known(ANNA, opens) if opens or one_to_one else TokenFault.NAMES_ONLY)
        found = judged(shown, entry(CARD), one_to_one=one_to_one)
        assert found == (Known(ANNA, False) if one_to_one else TokenFault.NAMES_ONLY)

    def test_a_token_of_two_people_names_neither(self) -> None:
        assert judged(PIN, entry(PIN), entry(PIN, "p-2")) is TokenFault.UNKNOWN
        assert judged(PIN, entry(PIN), entry(PIN, "p-2", doors=("side",))) == Known(ANNA, False)
        assert judged(PIN, entry(PIN), entry(PIN, until=iso(NOW_S - 1), opens=True)) == Known(ANNA, False)

    def test_without_entries_no_token_is_known(self) -> None:
        assert judged(PIN) is TokenFault.UNKNOWN
        assert Names().judge(PIN, None, MAIN, NOW_S, 0, one_to_one=True) is TokenFault.UNKNOWN

    def test_where_there_is_not_the_memory_nobody_is_named(self) -> None:
        class Greedy:
            salt, passes, memory_kib, entries = SALT, 1, 1, (entry(PIN),)

        assert Names().judge(PIN, Greedy(), MAIN, NOW_S, 0, one_to_one=True) is TokenFault.UNKNOWN

    def test_a_digest_takes_its_own_salt_and_cost(self) -> None:
        one = digest(TokenKind.PIN, "482913", bytes(16), 1, 8_192)
        assert one == digest(TokenKind.PIN, "482913", bytes(16), 1, 8_192) and len(one) == 64
        others = {
            digest(TokenKind.PIN, "482913", b"\x01" * 16, 1, 8_192),
            digest(TokenKind.PIN, "482913", bytes(16), 2, 8_192),
            digest(TokenKind.PIN, "482913", bytes(16), 1, 9_216),
            digest(TokenKind.PIN, "482914", bytes(16), 1, 8_192),
        }
        assert len(others | {one}) == 5


class TestWrongTokens:
    WRONG = replace(PIN, text="0000")

    def test_after_five_none_is_taken_for_a_quarter_of_an_hour_and_that_is_said_once(self) -> None:
        names = Names()
        for at in range(MOST):
            assert judged(self.WRONG, entry(PIN), names=names, at_ns=at) is TokenFault.UNKNOWN
        found = [judged(PIN, entry(PIN), names=names, at_ns=10 + at) for at in range(20)]
        assert found == [TokenFault.TOKENS_SPENT, *[None] * 19]
        assert judged(PIN, entry(PIN), names=names, at_ns=MOST - 1 + WINDOW_NS) == Known(ANNA, False)

    def test_right_ones_cost_nothing(self) -> None:
        names = Names()
        for at in range(30):
            assert judged(PIN, entry(PIN), names=names, at_ns=at) == Known(ANNA, False)

    def test_a_flood_over_the_network_does_not_close_the_reader_at_the_door(self) -> None:
        names = Names()
        for at in range(50):
            judged(replace(self.WRONG, way=TokenWay.MQTT), entry(PIN), names=names, at_ns=at)
        assert judged(PIN, entry(PIN), names=names, at_ns=60) == Known(ANNA, False)

    @pytest.mark.parametrize("way, spent", [(TokenWay.MQTT, True), (TokenWay.SERIAL, False)])
    def test_over_the_network_each_refusal_counts(self, way: TokenWay, spent: bool) -> None:
        names, old = Names(), entry(PIN, until=iso(NOW_S - 1))
        for at in range(MOST):
            assert judged(replace(PIN, way=way), old, names=names, at_ns=at) is TokenFault.EXPIRED
        found = judged(replace(PIN, way=way), old, names=names, at_ns=MOST)
        assert found is (TokenFault.TOKENS_SPENT if spent else TokenFault.EXPIRED)


class TestAttempts:
    def test_five_failures_leave_only_the_pass_until_the_time_is_over(self) -> None:
        names = Names()
        for at in range(MOST):
            assert not names.only_pass(ANNA, at)
            names.begin(Naming.of(ANNA, None, at), ONE, at)
        assert names.only_pass(ANNA, MOST) and not names.only_pass(SubjectId("p-2"), MOST)
        assert judged(PIN, entry(PIN), names=names, at_ns=MOST) is TokenFault.ATTEMPTS_SPENT
        assert judged(CARD, entry(CARD, opens=True), names=names, at_ns=MOST) == Known(ANNA, True)
        assert names.only_pass(ANNA, WINDOW_NS - 1) and not names.only_pass(ANNA, WINDOW_NS)

    def test_an_accepted_pass_gives_them_all_back(self) -> None:
        names = Names()
        for at in range(MOST):
            names.begin(Naming.of(ANNA, None, at), ONE, at)
        names.passed(None)
        assert names.only_pass(ANNA, MOST)
        names.passed(ANNA)
        assert not names.only_pass(ANNA, MOST)

    def test_an_attempt_counts_once_and_not_if_it_matched(self) -> None:
        names = Names()
        for at in range(3 * MOST):
            naming = Naming.of(ANNA, None, at)
            for _ in range(3):
                names.begin(naming, ONE, at)
            assert naming.track == ONE
            names.matched(naming)
        for at in range(MOST - 1):
            names.begin(Naming.of(ANNA, None, at), ONE, at)
        assert not names.only_pass(ANNA, 100)

    def test_a_naming_is_good_for_one_track_the_nearest(self) -> None:
        naming = Naming.of(ANNA, None, 7)
        far, near = Box(0.0, 0.0, 10.0, 10.0), Box(50.0, 0.0, 70.0, 20.0)
        assert naming.until_ns == 7 + round(NAMED_S * SECOND)
        assert naming.stepped_up({}) is None
        assert naming.stepped_up({ONE: far, TWO: near}) == TWO
        assert not naming.keeps_out(8, from_afar=False)
        Names().begin(naming, ONE, 7)
        assert naming.keeps_out(naming.until_ns - 1, from_afar=False)
        assert not naming.keeps_out(naming.until_ns, from_afar=False)
        assert naming.stepped_up({ONE: far, TWO: near}) == ONE
        assert naming.stepped_up({TWO: near}) is None

    @pytest.mark.parametrize("former, later, kept_out", [
        (False, False, False), (False, True, True), (True, False, False), (True, True, False),
    ])  # fmt: skip
    def test_whoever_was_named_at_the_device_is_not_displaced_over_the_network(
        self, former: bool, later: bool, kept_out: bool
    ) -> None:
        naming = Naming.of(ANNA, None, 7, from_afar=former)
        assert naming.keeps_out(8, from_afar=later) is kept_out
        assert not naming.keeps_out(naming.until_ns, from_afar=later)

    def test_a_budget_gives_back_only_what_was_spent(self) -> None:
        budget = Budget[str]({}, 0)
        budget.give_back("a")
        assert budget.left("a", 0) == MOST
        budget.spend("a", 0)
        assert (budget.left("a", 1), budget.left("b", 1)) == (MOST - 1, MOST)
        budget.give_back("a")
        budget.give_back("a")
        assert budget.left("a", 1) == MOST

    @given(st.lists(st.tuples(st.sampled_from(["p-1", "p-2"]), st.integers(0, 400)), max_size=60))
    def test_never_more_than_five_begin_within_a_quarter_of_an_hour(self, tries: list[tuple[str, int]]) -> None:
        names, at_ns = Names(), 0
        begun: dict[str, list[int]] = {"p-1": [], "p-2": []}
        for who, seconds in tries:
            at_ns += seconds * SECOND
            if not names.only_pass(SubjectId(who), at_ns):
                names.begin(Naming.of(SubjectId(who), None, at_ns), ONE, at_ns)
                begun[who].append(at_ns)
        for times in begun.values():
            assert all(later - first >= WINDOW_NS for first, later in zip(times, times[MOST:], strict=False))


class TestOverStarts:
    """What is told to be kept, and given to the next start, is all that a start needs to give nothing back."""

    def test_wrong_tokens_started_anew_each_time_are_five_in_a_quarter_of_an_hour(self) -> None:
        """A start every 24 s, as where the camera's cable is cut: see docs/threats.md."""
        kept, taken, said = Spent(), 0, 0
        for at_s in range(0, 3_600, 4):
            if at_s % 24 == 0:
                names = Names(kept, at_s * SECOND)
            found = judged(replace(PIN, text="0000"), names=names, at_ns=at_s * SECOND)
            kept = names.news(at_s * SECOND) or kept
            taken, said = taken + (found is TokenFault.UNKNOWN), said + (found is TokenFault.TOKENS_SPENT)
        assert (taken, said) == (MOST, 1), "each start begins the time anew, and says nothing again"
        names = Names(kept, 0)
        assert judged(PIN, entry(PIN), names=names, at_ns=WINDOW_NS - 1) is None
        assert judged(PIN, entry(PIN), names=names, at_ns=WINDOW_NS) == Known(ANNA, opens=False)

    def test_failed_attempts_stay_spent_until_one_matches_or_a_pass_is_accepted(self) -> None:
        names = Names()
        for at in range(MOST):
            naming = Naming.of(ANNA, None, at)
            names.begin(naming, ONE, at)
            assert names.news(at) == Spent({ANNA: at + 1})
        assert Names(Spent({ANNA: MOST}), 0).only_pass(ANNA, WINDOW_NS - 1)
        assert not Names(Spent({ANNA: MOST}), 0).only_pass(ANNA, WINDOW_NS)
        names.matched(naming)
        assert names.news(MOST) == Spent({ANNA: MOST - 1})
        names.passed(None)
        assert names.news(MOST) is None
        names.passed(ANNA)
        assert names.news(MOST) == Spent()

    def test_nothing_is_said_twice_and_what_is_over_is_said(self) -> None:
        names = Names(Spent({ANNA: 2}, {TokenWay.GPIO: 1}), 7)
        assert names.news(None) is None and names.news(7 + WINDOW_NS - 1) is None
        assert names.news(7 + WINDOW_NS) == Spent()
        assert names.news(7 + WINDOW_NS) is None

    def test_who_begins_and_matches_on_one_frame_has_spent_nothing(self) -> None:
        names, naming = Names(), Naming.of(ANNA, None, 0)
        names.begin(naming, ONE, 0)
        names.matched(naming)
        assert names.news(0) is None

    def test_who_is_not_known_any_more_is_forgotten(self) -> None:
        names = Names(Spent({ANNA: 2, SubjectId("p-2"): 1}, {TokenWay.GPIO: 1}), 0)
        names.keep(lambda subject: subject != ANNA)
        assert names.news(0) == Spent({SubjectId("p-2"): 1}, {TokenWay.GPIO: 1})
        assert "p-2" not in repr(names.news(None)) and "p-1" not in repr(Spent({ANNA: 1}))


def test_an_entry_of_the_policy_is_strict() -> None:
    with pytest.raises(ValueError, match="memory_kib"):
        tokens(memory_kib=65_537)
    with pytest.raises(ValueError, match="doors"):
        entry(PIN, doors=())
