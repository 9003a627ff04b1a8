"""The state machine, input by input: what each leads to, what ends with what, and what goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core import (
    AttemptsSpent,
    Decided,
    FramesStopped,
    GalleryChanged,
    Judged,
    LawChanged,
    MeterOn,
    ModelFailed,
    NotWritten,
    Output,
    PreviewMade,
    Session,
    StateChanged,
    TokenShown,
)
from agent.crypto import SignSecret, sign_public
from agent.events.decision import Outcome
from agent.gallery.named import Names, Spent, digest
from agent.gallery.passes_text import ANY_NUMBER, Hours
from agent.gallery.passes_text import shown as taken_apart
from agent.gallery.passes_uses import Uses
from agent.policy.circumstances import Surroundings
from agent.policy.gate import Refusal
from agent.policy.grounds import Ground
from agent.policy.preview import blocks
from agent.site.passes import issue_pass
from agent.token import TokenKind, TokenWay, token
from agent.units import Box, Marker, PassId, SubjectId
from tests.core.given import (
    EXCLUDED,
    INSIDE,
    PASSING_BY,
    REGION,
    WALL,
    Desk,
    Person,
    decisions,
    draw,
    gate_law,
    known,
    outcomes,
    stopped,
    withdrawn,
)
from tests.gallery.passes_given import PHONE, turned
from tests.policy.given import AROUND, NOW_S, SIGN, document, iso

ANNA = Person("p-1", INSIDE)
BEN = Person("p-2", Box(200.0, 40.0, 280.0, 120.0))
STRANGER = Person("stranger", INSIDE)
MATCH, NO_MATCH = "match", "no-match"


def grounds(state: object) -> tuple[Ground, ...]:
    assert isinstance(state, Refusal)
    return state.grounds


def of_kind(outputs: list[Output], kind: type) -> list[Any]:
    return [output for output in outputs if isinstance(output, kind)]


class TestDecisions:
    def test_who_agreed_and_stays_for_the_dwell_is_let_in_once(self) -> None:
        desk = Desk()
        assert outcomes(desk.frames(5, ANNA)) == [] and desk.embedder.seen == []
        found = decisions(desk.frame(ANNA))
        assert [decision.outcome for decision in found] == [Outcome.MATCH]
        (decision,) = found
        assert (decision.subject, decision.door, decision.frame, decision.captured_ns) == ("p-1", "main", 6, desk.at_ns)
        assert (decision.unix_s, decision.policy_version, decision.opens) == (NOW_S, 3, True)
        assert decision.ground is None and decision.pass_used is None
        assert outcomes(desk.frames(40, ANNA)) == []
        assert len(desk.embedder.seen) == 1

    def test_a_stranger_who_opted_in_is_no_match_once(self) -> None:
        desk = Desk()
        outputs = desk.frames(60, STRANGER)
        assert outcomes(outputs) == [(NO_MATCH, None)]
        (decision,) = decisions(outputs)
        assert (decision.frame, decision.opens) == (8, False), "on the frame of the third look"
        assert len(desk.embedder.seen) == 3

    def test_a_passer_by_is_never_embedded_and_leaves_no_entry(self) -> None:
        desk = Desk()
        outputs = desk.frames(30, Person("stranger", PASSING_BY), Person("p-1", Box(20.0, 40.0, 100.0, 120.0)))
        assert outcomes(outputs) == [] and desk.embedder.seen == []
        assert len(desk.detector.seen) == 30

    def test_two_people_are_decided_each_for_themselves(self) -> None:
        desk = Desk()
        desk.frames(3, ANNA)
        assert outcomes(desk.frames(30, ANNA, BEN)) == [(MATCH, "p-1"), (MATCH, "p-2")]

    def test_a_wrong_face_beside_a_right_one_is_not_let_in_with_it(self) -> None:
        desk = Desk()
        beside = Person("stranger", BEN.box)
        assert sorted(outcomes(desk.frames(30, ANNA, beside))) == [(MATCH, "p-1"), (NO_MATCH, None)]

    @pytest.mark.parametrize(
        "unfit",
        [
            Person("p-1", INSIDE, turned=True),
            Person("p-1", INSIDE, blurred=True),
            Person("p-1", Box(100.0, 40.0, 148.0, 88.0)),
        ],
        ids=["turned", "blurred", "small"],
    )
    def test_what_is_unfit_is_not_compared_and_uses_no_attempt(self, unfit: Person) -> None:
        desk = Desk()
        assert outcomes(desk.frames(20, unfit)) == [] and desk.embedder.seen == []
        assert outcomes(desk.frames(20, replace(ANNA, box=unfit.box if unfit.box == INSIDE else INSIDE)))[0][0] == MATCH

    def test_a_match_that_did_not_open_is_tried_once_more_and_another_decision_s_loss_changes_nothing(self) -> None:
        desk = Desk()
        (late,) = decisions(desk.frames(10, ANNA))
        assert desk.core.receive(NotWritten(replace(late, outcome=Outcome.PASS_ACCEPTED))) == []
        assert outcomes(desk.frames(10, ANNA)) == []
        assert desk.core.receive(NotWritten(late)) == []
        assert outcomes(desk.frames(5, ANNA)) == [], "she stands anew for the dwell time"
        (again,) = decisions(desk.frames(10, ANNA))
        assert (again.outcome, again.subject) == (Outcome.MATCH, "p-1")
        desk.core.receive(NotWritten(again))
        assert outcomes(desk.frames(40, ANNA)) == [], "once in a visit"
        desk.core.receive(LawChanged(None))
        assert desk.core.receive(NotWritten(again)) == [], "without a session there is nobody to try again"

    def test_after_a_match_another_takes_two_seconds_away(self) -> None:
        desk = Desk()
        desk.frames(10, ANNA)
        desk.frames(18)
        assert outcomes(desk.frames(20, ANNA)) == []
        desk.frames(25)
        assert outcomes(desk.frames(20, ANNA)) == [(MATCH, "p-1")]

    def test_a_stranger_tries_again_after_two_seconds_away(self) -> None:
        desk = Desk()
        desk.frames(10, STRANGER)
        desk.frames(21, Person("stranger", PASSING_BY))
        assert outcomes(desk.frames(20, STRANGER)) == [(NO_MATCH, None)]
        assert len(desk.embedder.seen) == 6

    def test_without_a_gallery_everyone_is_a_stranger(self) -> None:
        desk = Desk()
        assert desk.core.receive(GalleryChanged(None, frozenset())) == []
        assert outcomes(desk.frames(20, ANNA)) == [(NO_MATCH, None)]

    def test_who_has_withdrawn_is_a_stranger_from_the_next_frame(self) -> None:
        desk = Desk()
        desk.frames(5, ANNA, BEN)
        assert desk.core.receive(GalleryChanged(known("p-1", "p-2"), withdrawn("p-1"))) == []
        assert sorted(outcomes(desk.frames(20, ANNA, BEN))) == [(MATCH, "p-2"), (NO_MATCH, None)]

    @pytest.mark.parametrize(
        "changes, around",
        [
            ({"purpose": "staff-entry"}, AROUND),
            ({"notice_sha256": "b" * 64}, AROUND),
            ({}, replace(AROUND, unix_s=NOW_S + 200)),  # the receipts end at 100 s
        ],
    )
    def test_consent_to_something_else_or_at_another_time_names_nobody(
        self, changes: dict[str, Any], around: Surroundings
    ) -> None:
        desk = Desk()
        desk.core.receive(GalleryChanged(known("p-1", **changes), frozenset()))
        assert outcomes(desk.frames(20, ANNA, around=around)) == [(NO_MATCH, None)]

    @pytest.mark.parametrize("cosine, outcome", [(0.71, (MATCH, "p-1")), (0.69, (NO_MATCH, None))])
    def test_the_threshold_is_the_policy_s(self, cosine: float, outcome: tuple[str, str | None]) -> None:
        desk = Desk(gate_law(operating_point={"label": "real", "threshold": 0.7}))
        desk.embedder.cosine = cosine
        assert outcomes(desk.frames(20, ANNA)) == [outcome]


class TestEvidence:
    """One clear look or two that agree, and what becomes of it when it is not sure who is who."""

    def test_a_look_that_is_not_clear_waits_for_another_that_agrees(self) -> None:
        desk = Desk()
        desk.embedder.cosine = 0.53  # the threshold is 0.5
        desk.frames(5, ANNA)
        assert outcomes(desk.frame(ANNA)) == []
        assert outcomes(desk.frame(ANNA)) == [(MATCH, "p-1")]
        assert len(desk.embedder.seen) == 2

    def test_where_one_look_is_allowed_it_is_enough(self) -> None:
        desk = Desk(gate_law(attempt=document()["attempt"] | {"region": REGION, "probes": 1}))
        desk.embedder.cosine = 0.53
        assert outcomes(desk.frames(20, ANNA)) == [(MATCH, "p-1")] and len(desk.embedder.seen) == 1

    def test_looks_at_two_people_under_one_number_are_nobody(self) -> None:
        desk = Desk()
        desk.embedder.cosine = 0.53
        desk.frames(6, ANNA)
        assert outcomes(desk.frames(10, replace(BEN, box=INSIDE))) == [(NO_MATCH, None)]

    def test_a_look_before_a_gap_from_which_the_face_comes_back_elsewhere_counts_no_more(self) -> None:
        desk = Desk()
        desk.embedder.cosine = 0.53
        desk.frames(6, ANNA)
        elsewhere = replace(ANNA, box=Box(160.0, 40.0, 240.0, 120.0))
        assert outcomes(desk.frame(elsewhere, after_s=0.19)) == [], "it may be somebody else"
        assert outcomes(desk.frame(elsewhere)) == [(MATCH, "p-1")]

    def test_when_two_become_one_both_stand_anew_and_what_was_begun_is_a_stranger_s(self) -> None:
        desk = Desk()
        desk.embedder.cosine = 0.53
        near = Person("p-2", Box(190.0, 40.0, 270.0, 120.0))
        desk.frames(6, ANNA, near)
        between = replace(ANNA, box=Box(145.0, 40.0, 225.0, 120.0))
        assert outcomes(desk.frame(between)) == [(NO_MATCH, None)] * 2, "both had been looked at"
        assert outcomes(desk.frames(5, between)) == []
        assert outcomes(desk.frames(2, between)) == [(MATCH, "p-1")]

    def test_who_was_let_in_is_not_let_in_again_under_another_number(self) -> None:
        desk = Desk()
        near = Person("p-2", Box(190.0, 40.0, 270.0, 120.0))
        assert sorted(outcomes(desk.frames(6, ANNA, near))) == [(MATCH, "p-1"), (MATCH, "p-2")]
        between = replace(ANNA, box=Box(145.0, 40.0, 225.0, 120.0))
        before = len(desk.embedder.seen)
        assert outcomes(desk.frames(40, between)) == []
        assert len(desk.embedder.seen) == before + 1

    def test_small_faces_are_found_in_parts_where_something_moves(self) -> None:
        desk = Desk(gate_law(attempt=document()["attempt"] | {"region": REGION, "inter_eye_px": 20}))
        far = Person("p-1", Box(100.0, 60.0, 152.0, 112.0))
        desk.frame()
        desk.detector.small = {number: (far,) for number in range(2, 30)}
        picture = draw([far])
        found = [output for _ in range(12) for output in desk.shown(picture)]
        assert outcomes(found) == [(MATCH, "p-1")] and desk.detector.parts
        assert all(len([n for n, _ in desk.detector.parts if n == number]) <= 2 for number in range(30))

    @pytest.mark.parametrize("person, wished", [(STRANGER, True), (ANNA, False)], ids=["too bright", "well lit"])
    def test_the_camera_is_asked_to_expose_for_whoever_waits_in_bad_light(self, person: Person, wished: bool) -> None:
        desk = Desk()
        assert of_kind(desk.frames(3, person), MeterOn) == [MeterOn(INSIDE)] * (3 * wished)
        assert of_kind(desk.frames(3), MeterOn) == []
        assert of_kind(desk.frame(replace(person, box=PASSING_BY)), MeterOn) == [], "not for who passes by"
        desk.frames(30, person)
        assert of_kind(desk.frame(person), MeterOn) == [], "nor for who was decided on"


class TestState:
    def test_a_device_begins_without_a_policy(self) -> None:
        from agent.core import Core
        from agent.policy.gate import Gate

        desk = Desk()
        core = Core(Gate(None), desk.detector, desk.embedder, desk.markers, desk.qrs, desk.stopwatch, Uses())
        assert grounds(core.state) == (Ground.NO_POLICY,)

    def test_the_first_lawful_frame_begins_a_session(self) -> None:
        desk = Desk()
        assert desk.frame() == [Judged(None), StateChanged(None)]
        assert desk.frame() == [Judged(None)]
        assert isinstance(desk.core.state, Session)

    def test_a_refusal_says_so_once_and_each_frame_is_judged(self) -> None:
        desk = Desk()
        desk.frame()
        refusal = Refusal((Ground.STOPPED,))
        assert desk.frame(around=stopped()) == [Judged(refusal), StateChanged(refusal)]
        assert desk.frame(around=stopped()) == [Judged(refusal)]
        both = Refusal((Ground.STOPPED, Ground.KEYS_NOT_SEALED))
        assert desk.frame(around=replace(stopped(), keys_sealed=False)) == [Judged(both), StateChanged(both)]
        assert desk.core.state == both
        assert len(desk.detector.seen) == 1

    def test_a_refusal_drops_dwell_and_attempts(self) -> None:
        desk = Desk()
        desk.frames(4, ANNA)
        desk.frame(ANNA, around=replace(AROUND, ledger_writable=False))
        assert outcomes(desk.frames(5, ANNA)) == []
        assert outcomes(desk.frame(ANNA)) == [(MATCH, "p-1")]
        desk.frame(ANNA, around=replace(AROUND, ledger_writable=False))
        assert outcomes(desk.frames(6, ANNA)) == [(MATCH, "p-1")], "after a refusal everything starts again"

    def test_a_look_before_a_refusal_leaves_no_stranger(self) -> None:
        desk = Desk()
        desk.frames(6, STRANGER)
        assert len(desk.embedder.seen) == 1
        outputs = desk.frame(around=replace(AROUND, models=None))
        assert outcomes(outputs) == [] and outcomes(desk.frames(20)) == []

    def test_a_sign_in_view_acts_at_once_and_resuming_waits(self) -> None:
        desk = Desk()
        desk.frames(3)
        desk.cover_sign(forbidding=True)
        desk.frames(3)
        assert grounds(desk.core.state) == (Ground.SIGN_FORBIDS,)
        desk.show_sign()
        desk.frames(20)
        assert grounds(desk.core.state) == (Ground.SIGN_FORBIDS,)
        assert desk.frame()[1:] == [StateChanged(None)]

    @pytest.mark.parametrize("shown_at", range(1, 12))
    def test_no_face_is_embedded_from_the_frame_on_that_shows_a_no_recognition_sign(self, shown_at: int) -> None:
        desk = Desk()
        desk.frames(shown_at - 1, STRANGER)
        before = len(desk.embedder.seen)
        desk.cover_sign(forbidding=True)
        desk.frames(10, STRANGER)
        assert len(desk.embedder.seen) == before == min(3, max(0, shown_at - 6))
        assert grounds(desk.core.state) == (Ground.SIGN_FORBIDS,)

    def test_every_frame_that_reaches_the_embedder_was_searched_for_such_a_sign(self) -> None:
        desk = Desk()
        desk.frames(40, Person("stranger", BEN.box), ANNA)
        desk.frames(30)
        desk.frames(40, BEN, Person("stranger", PASSING_BY))
        embedded = {probe.number for probe in desk.embedder.seen}
        assert len(embedded) >= 4 and embedded <= set(desk.markers.searched)
        assert len(desk.markers.searched) < desk.number / 2, "and hardly any other"

    def test_a_qr_code_that_forbids_stops_recognition_on_its_frame_and_opens_nothing(self) -> None:
        desk = Desk()
        desk.frames(3)
        desk.qrs.texts_now = ("DN1",)
        refusal = Refusal((Ground.SIGN_FORBIDS,))
        assert desk.frame(read_passes=True) == [Judged(refusal), StateChanged(refusal)]

    def test_a_covered_sign_acts_after_the_hold_of_the_policy(self) -> None:
        desk = Desk()
        desk.frames(3)
        desk.cover_sign()
        desk.frames(5)
        assert isinstance(desk.core.state, Session)
        desk.frame()
        assert grounds(desk.core.state) == (Ground.SIGN_MISSING,)

    def test_a_sign_that_is_back_counts_after_a_clear_hold(self) -> None:
        desk = Desk()
        desk.frames(3)
        desk.cover_sign()
        desk.frames(10)
        desk.show_sign()
        assert desk.frames(20)[-1] == Judged(Refusal((Ground.SIGN_MISSING,)))
        assert desk.frame() == [Judged(None), StateChanged(None)], "2 s after the first frame that shows it"

    def test_no_frames_is_a_refusal(self) -> None:
        desk = Desk()
        desk.frames(4, ANNA)
        refusal = Refusal((Ground.NO_FRAMES,))
        assert desk.core.receive(FramesStopped()) == [StateChanged(refusal)]
        assert desk.core.receive(FramesStopped()) == []
        assert outcomes(desk.frames(5, ANNA)) == [] and outcomes(desk.frame(ANNA)) == [(MATCH, "p-1")]

    def test_another_view_is_refused_and_nothing_is_read_in_it(self) -> None:
        desk = Desk(gate_law(view={"width": 324, "height": 240}))
        assert desk.frame(read_passes=True, preview_due=True)[0] == Judged(
            Refusal((Ground.SIGN_MISSING, Ground.SIGN_FORBIDS, Ground.VIEW_MISMATCH))
        )
        assert desk.markers.looks == [] and desk.qrs.seen == []

    @pytest.mark.parametrize("stages", [["codes", "gate", "detect", "probe", "embed", "identify"]])
    def test_the_stages_of_a_frame_are_timed_in_order(self, stages: list[str]) -> None:
        desk = Desk()
        desk.frames(5, ANNA)
        desk.stopwatch.stages.clear()
        desk.frame(ANNA, preview_due=True)
        assert desk.stopwatch.stages == stages
        desk.stopwatch.stages.clear()
        desk.frame(around=stopped())
        assert desk.stopwatch.stages == stages[:2]


def card_of(person: Person) -> Marker:
    """A no-recognition card before this person's chest."""
    x, y = person.box.centre[0], person.box.y1 + 40.0
    return Marker(48, ((x - 8, y - 8), (x + 8, y - 8), (x + 8, y + 8), (x - 8, y + 8)))


def _near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """So near that probes and tracks of the two may be taken for each other's."""
    return abs(one[0] - other[0]) < 70 and abs(one[1] - other[1]) < 70


class TestOptingOut:
    """Who shows a no-recognition card is left alone; everybody else is not disturbed."""

    ANNA = Person("p-1", Box(80.0, 40.0, 130.0, 90.0))
    BEN = Person("p-2", Box(240.0, 40.0, 290.0, 90.0))

    def desk(self) -> Desk:
        return Desk(gate_law(attempt=document()["attempt"] | {"region": REGION, "inter_eye_px": 20}))

    @pytest.mark.parametrize("shown_at", range(1, 8))
    def test_only_who_shows_no_card_is_embedded(self, shown_at: int) -> None:
        desk = self.desk()
        outputs = desk.frames(shown_at - 1, self.ANNA, self.BEN)
        desk.markers.markers_now = (SIGN, card_of(self.ANNA))
        before = len([probe for probe in desk.embedder.seen if probe.quad[0][0] < 200])
        outputs += desk.frames(8, self.ANNA, self.BEN)
        desk.show_sign()
        outputs += desk.frames(40, self.ANNA, self.BEN)
        theirs = [probe for probe in desk.embedder.seen if probe.quad[0][0] < 200]
        assert len(theirs) == before == (1 if shown_at > 6 else 0)
        assert (MATCH, "p-2") in outcomes(outputs)
        assert of_kind(outputs, StateChanged) == [StateChanged(None)], "recognition never stopped"

    def test_a_card_between_two_stops_recognition_on_its_frame_and_two_seconds_beyond(self) -> None:
        desk = self.desk()
        desk.frames(5, self.ANNA, near := replace(self.BEN, box=Box(150.0, 40.0, 200.0, 90.0)))
        desk.markers.markers_now = (SIGN, card_of(replace(self.ANNA, box=Box(115.0, 40.0, 165.0, 90.0))))
        refusal = Refusal((Ground.SIGN_FORBIDS,))
        assert desk.frame(self.ANNA, near) == [Judged(None), StateChanged(refusal)]
        assert desk.frames(20, self.ANNA, near) == [Judged(refusal)] * 20
        desk.show_sign()
        assert desk.frames(20, self.ANNA, near) == [Judged(refusal)] * 20
        assert desk.embedder.seen == []
        assert desk.frame(self.ANNA, near) == [Judged(None), StateChanged(None)]
        assert sorted(outcomes(desk.frames(10, self.ANNA, near))) == [(MATCH, "p-1"), (MATCH, "p-2")]

    def test_a_card_that_is_nobody_s_and_is_seen_on_one_frame_alone_holds_two_seconds(self) -> None:
        desk = self.desk()
        desk.frames(5, self.ANNA)
        desk.markers.markers_now = (SIGN, card_of(self.BEN))
        assert of_kind(desk.frame(self.ANNA), StateChanged) == [StateChanged(Refusal((Ground.SIGN_FORBIDS,)))]
        desk.show_sign()
        assert of_kind(desk.frames(20, self.ANNA), StateChanged) == []
        assert desk.frame(self.ANNA) == [Judged(None), StateChanged(None)]

    @given(
        st.lists(st.tuples(st.integers(60, 240), st.integers(20, 90)), min_size=1, max_size=3),
        st.lists(st.none() | st.tuples(st.integers(0, 319), st.integers(0, 239)), min_size=9, max_size=9),
    )
    @settings(max_examples=40, deadline=None)
    def test_whatever_people_and_cards_nobody_is_embedded_who_showed_one(
        self, places: list[tuple[int, int]], cards: list[tuple[int, int] | None]
    ) -> None:
        """Told once more in other words: from a card on, whoever can hold it is not embedded, or else nobody is."""
        desk = self.desk()
        people = [Person("stranger", Box(x, y, x + 50.0, y + 50.0)) for x, y in places]
        left_alone = set[int]()
        for card in cards:
            desk.markers.markers_now = (SIGN,)
            able = set[int]()
            if card is not None:
                x, y = card
                corners = ((x - 2.0, y - 2.0), (x + 2.0, y - 2.0), (x + 2.0, y + 2.0), (x - 2.0, y + 2.0))
                desk.markers.markers_now = (SIGN, Marker(48, corners))
                able = {
                    index
                    for index, (left, top) in enumerate(places)
                    if left - 50 <= x <= left + 100 and top - 37.5 <= y <= top + 200
                }
            before = len(desk.embedder.seen)
            searched = len(desk.markers.searched)
            desk.frame(*people)
            looked = {
                index
                for probe in desk.embedder.seen[before:]
                for index, person in enumerate(people)
                if all(person.box.x0 - 9 <= qx <= person.box.x1 + 9 for qx, _ in probe.quad)
                and all(person.box.y0 - 9 <= qy <= person.box.y1 + 9 for _, qy in probe.quad)
            }
            if card is not None and len(desk.markers.searched) > searched:
                left_alone |= able if len(able) == 1 else set()
                assert len(able) == 1 or not looked or able <= left_alone
            if isinstance(desk.core.state, Refusal):
                assert not looked
                left_alone.clear()
            apart = {index for index in left_alone if sum(_near(places[index], each) for each in places) == 1}
            assert not apart & looked

    def test_who_has_opted_out_costs_no_search_of_the_whole_frame(self) -> None:
        desk = self.desk()
        desk.markers.markers_now = (SIGN, card_of(self.ANNA))
        desk.frames(6, self.ANNA)
        desk.show_sign()
        before = len(desk.markers.searched)
        desk.frames(40, self.ANNA)
        assert len(desk.markers.searched) - before <= 11 and desk.embedder.seen == []


class TestLaw:
    def test_a_policy_that_is_taken_away_ends_recognition_at_once(self) -> None:
        desk = Desk()
        desk.frames(4, ANNA)
        refusal = Refusal((Ground.NO_POLICY,))
        assert desk.core.receive(LawChanged(None)) == [StateChanged(refusal)]
        assert desk.frame(ANNA, read_passes=True, preview_due=True) == [Judged(refusal)]
        assert desk.qrs.seen == [] and len(desk.detector.seen) == 4

    @pytest.mark.parametrize(
        "changes, ground",
        [({"place": "private-space"}, Ground.PLACE_PRIVATE), ({"mode": "blind"}, Ground.MODE_BLIND)],
    )
    def test_a_policy_that_closes_the_camera_does_so_at_once(self, changes: dict[str, Any], ground: Ground) -> None:
        desk = Desk()
        desk.frames(4, ANNA)
        assert desk.core.receive(LawChanged(gate_law(**changes))) == [StateChanged(Refusal((ground,)))]
        looks = len(desk.markers.looks)
        outputs = desk.frame(ANNA, read_passes=True, preview_due=True)
        assert of_kind(outputs, PreviewMade) == [] and isinstance(desk.core.state, Refusal)
        assert len(desk.markers.looks) == looks and desk.qrs.seen == [] and len(desk.detector.seen) == 4

    def test_a_new_policy_starts_attempts_again_under_its_own_rules(self) -> None:
        desk = Desk()
        desk.frames(4, ANNA)
        slower = {
            "region": [[0, 0], [320, 0], [320, 240], [0, 240]],
            "dwell_s": 1,
            "probes": 1,
            "window_s": 0.5,
            "leave_s": 2,
            "inter_eye_px": 30,
        }
        assert desk.core.receive(LawChanged(gate_law(attempt=slower, version=9))) == []
        outputs = desk.frames(11, ANNA)
        assert [(decision.frame, decision.policy_version) for decision in decisions(outputs)] == [(15, 9)]
        assert of_kind(outputs, StateChanged) == [], "recognition never stopped"

    def test_under_a_refusal_a_new_policy_changes_nothing_by_itself(self) -> None:
        desk = Desk()
        desk.frame(around=stopped())
        assert desk.core.receive(LawChanged(gate_law(version=4))) == []
        assert grounds(desk.core.state) == (Ground.STOPPED,)


class TestModels:
    def test_a_detector_that_fails_ends_recognition(self) -> None:
        desk = Desk()
        desk.frames(5, ANNA)
        desk.detector.broken = True
        refusal = Refusal((Ground.MODEL_FAILED,))
        assert desk.frame(ANNA, preview_due=True) == [Judged(None), ModelFailed(), StateChanged(refusal)]
        assert desk.core.state == refusal and desk.embedder.seen == []

    def test_an_embedder_that_fails_ends_recognition_and_decides_nothing(self) -> None:
        desk = Desk()
        desk.frames(5, ANNA)
        desk.embedder.broken = True
        outputs = desk.frame(ANNA)
        assert of_kind(outputs, ModelFailed) and not of_kind(outputs, Decided)
        assert grounds(desk.core.state) == (Ground.MODEL_FAILED,)


class TestPreviews:
    def test_none_unless_one_is_due(self) -> None:
        desk = Desk(empty=WALL)
        assert of_kind(desk.frames(5, ANNA), PreviewMade) == []

    def test_of_a_permitted_frame_the_faces_are_blocks_over_the_empty_picture(self) -> None:
        desk = Desk(empty=WALL)
        (made,) = of_kind(desk.frame(ANNA, preview_due=True), PreviewMade)
        live = draw([ANNA])
        assert (made.make().picture[40:120, 80:200] == blocks(live)[40:120, 80:200]).all()
        assert (made.make().picture[120:] == WALL[120:]).all()
        assert made.make().number == desk.number

    def test_of_a_refused_frame_all_is_blocks_without_excluded_regions(self) -> None:
        desk = Desk(gate_law(excluded=[{"id": "window", "polygon": EXCLUDED}]), empty=WALL)
        (made,) = of_kind(desk.frame(ANNA, around=stopped(), preview_due=True), PreviewMade)
        assert (made.make().picture[120:, 200:] == 0).all()
        live = draw([ANNA])
        assert (made.make().picture[:80] == blocks(live)[:80]).all()
        assert desk.detector.seen == []

    def test_what_is_excluded_reaches_no_model(self) -> None:
        desk = Desk(gate_law(excluded=[{"id": "window", "polygon": EXCLUDED}]))
        hidden = Person("p-2", Box(220.0, 130.0, 300.0, 210.0))
        assert outcomes(desk.frames(20, ANNA, hidden)) == [(MATCH, "p-1")]
        assert all((frame.pixels[120:, 200:] == 0).all() for frame in desk.detector.seen)


SECRET = SignSecret(b"\x05" * 32)
PASS_KEYS = [{"key": sign_public(SECRET).hex(), "doors": ["main"], "until": iso(NOW_S + 86_400)}]


def a_pass(uses: int = 2, days: float = 0.5, after_s: float = 0.0, timezone: str | None = None, **options: Any) -> str:
    policy = gate_law(pass_keys=PASS_KEYS, timezone=timezone).policy.document
    start = NOW_S + after_s
    return issue_pass(
        policy, SECRET, doors=("main",), from_s=start, until_s=start + days * 86_400, uses=uses, **options
    )


def names(subject: str, uses: int = 2) -> str:
    """A pass that only names a person to be compared."""
    return a_pass(uses, subject=subject, compare=True)


class TestPasses:
    @staticmethod
    def desk(uses: Uses | None = None, **changes: Any) -> Desk:
        return Desk(gate_law(pass_keys=PASS_KEYS, **changes), uses=uses)

    @staticmethod
    def shown(desk: Desk, text: str, around: Surroundings = AROUND, frames: int = 1) -> list[Output]:
        desk.qrs.texts_now = (text,)
        outputs = desk.frames(frames, around=around, read_passes=True)
        desk.qrs.texts_now = ()
        return outputs

    @staticmethod
    def verdicts(outputs: list[Output]) -> list[tuple[str, str | None]]:
        return [(decision.outcome.value, decision.ground) for decision in decisions(outputs)]

    def test_a_pass_opens_without_any_face(self) -> None:
        desk = self.desk()
        (decision,) = decisions(self.shown(desk, a_pass(subject="guest-9")))
        assert (decision.outcome, decision.subject, decision.opens) == (Outcome.PASS_ACCEPTED, "guest-9", True)
        assert (decision.door, decision.frame, decision.captured_ns) == ("main", desk.number, desk.at_ns)
        assert (decision.unix_s, decision.policy_version, decision.ground) == (NOW_S, 3, None)
        assert decision.pass_used is not None and len(decision.pass_used.pass_id) == 16
        assert (decision.pass_used.key, decision.pass_used.code) == (PASS_KEYS[0]["key"], None)
        assert desk.embedder.seen == []

    @pytest.mark.parametrize(
        "around",
        [stopped(), replace(AROUND, models=None), replace(AROUND, keys_sealed=False)],
        ids=["stopped", "no models", "keys not sealed"],
    )
    def test_a_refusal_of_recognition_closes_no_pass(self, around: Surroundings) -> None:
        desk = self.desk()
        assert self.verdicts(self.shown(desk, a_pass(), around)) == [("pass-accepted", None)]
        assert desk.detector.seen == []

    def test_where_only_passes_are_allowed_they_work(self) -> None:
        assert self.verdicts(self.shown(self.desk(mode="pass"), a_pass())) == [("pass-accepted", None)]

    def test_a_pass_is_read_only_when_passes_are_to_be_read(self) -> None:
        desk = self.desk()
        desk.qrs.texts_now = (a_pass(),)
        assert decisions(desk.frames(5)) == [] and desk.qrs.seen == []

    def test_one_showing_is_one_decision(self) -> None:
        desk = self.desk()
        text = a_pass()
        assert self.verdicts(self.shown(desk, text, frames=50)) == [("pass-accepted", None)]
        desk.frames(18)
        assert self.verdicts(self.shown(desk, text)) == [], "not away for two seconds"
        desk.frames(19)
        assert self.verdicts(self.shown(desk, text)) == [("pass-accepted", None)]
        desk.frames(19)
        assert self.verdicts(self.shown(desk, text)) == [("pass-refused", "pass-used")]

    def test_uses_before_the_start_count(self) -> None:
        text = a_pass(uses=2)
        (decision,) = decisions(self.shown(self.desk(), text))
        assert decision.pass_used is not None
        desk = self.desk(Uses({decision.pass_used.pass_id: 1}))
        assert self.verdicts(self.shown(desk, text)) == [("pass-accepted", None)]
        desk.frames(20)
        assert self.verdicts(self.shown(desk, text)) == [("pass-refused", "pass-used")]

    @pytest.mark.parametrize(
        "text, around, ground",
        [
            (a_pass(), replace(AROUND, unix_s=None), "clock-untrusted"),
            (a_pass(), replace(AROUND, unix_s=NOW_S + 86_000), "pass-expired"),
            (a_pass(after_s=9000), AROUND, "pass-not-yet"),
            (a_pass(), replace(AROUND, ledger_writable=False), "ledger-unwritable"),
            (a_pass(), replace(AROUND, ledger_writable=None), "ledger-unwritable"),
            ("DW1:NONSENSE", AROUND, "pass-malformed"),
        ],
    )
    def test_what_is_refused_and_why(self, text: str, around: Surroundings, ground: str) -> None:
        (decision,) = decisions(self.shown(self.desk(), text, around))
        assert (decision.outcome, decision.ground) == (Outcome.PASS_REFUSED, ground)
        assert (decision.opens, decision.subject, decision.pass_used) == (False, None, None)
        assert decision.unix_s == (around.unix_s or 0.0)
        assert (decision.frame, decision.door) == (1, "main")

    def test_a_decision_that_could_not_be_written_uses_nothing_up(self) -> None:
        desk, text = self.desk(), a_pass(uses=1)
        (lost,) = decisions(self.shown(desk, text))
        assert desk.core.receive(NotWritten(lost)) == []
        desk.frames(20)
        (kept,) = decisions(self.shown(desk, text))
        assert kept.opens
        desk.frames(20)
        (refused,) = decisions(self.shown(desk, text))
        assert (refused.ground, desk.core.receive(NotWritten(refused))) == ("pass-used", [])
        desk.frames(20)
        assert self.verdicts(self.shown(desk, text)) == [("pass-refused", "pass-used")]

    def test_a_pass_under_an_unwritable_ledger_is_not_used_up(self) -> None:
        desk, text = self.desk(), a_pass(uses=1)
        self.shown(desk, text, replace(AROUND, ledger_writable=False))
        desk.frames(20)
        assert self.verdicts(self.shown(desk, text)) == [("pass-accepted", None)]

    def test_a_phone_s_code_opens_once_and_a_picture_of_it_does_not(self) -> None:
        desk, held = self.desk(), a_pass(uses=ANY_NUMBER, phone=sign_public(PHONE))
        code = turned(held)
        (decision,) = decisions(self.shown(desk, code))
        assert decision.opens and decision.pass_used is not None and decision.pass_used.code == int(NOW_S)
        desk.qrs.texts_now = (turned(held, int(NOW_S) + 15),)
        assert decisions(desk.frames(5, read_passes=True)) == [], "it is still held up, only its code has turned"
        desk.qrs.texts_now = ()
        desk.frames(20)
        assert self.verdicts(self.shown(desk, code)) == [("pass-refused", "pass-used")]
        late = replace(AROUND, unix_s=NOW_S + 46)
        assert self.verdicts(self.shown(desk, turned(held, int(NOW_S) + 15), late)) == [("pass-refused", "pass-stale")]
        desk.frames(20)
        assert self.verdicts(self.shown(desk, turned(held, int(NOW_S) + 45), late)) == [("pass-accepted", None)]

    def test_a_code_that_could_not_be_written_down_may_be_shown_again(self) -> None:
        desk, code = self.desk(), turned(a_pass(phone=sign_public(PHONE)))
        (lost,) = decisions(self.shown(desk, code))
        desk.core.receive(NotWritten(lost))
        desk.frames(20)
        assert self.verdicts(self.shown(desk, code)) == [("pass-accepted", None)]

    def test_hours_over_midnight_by_the_site_s_clock(self) -> None:
        """17 March 2030 is a Sunday; 17:46:40 in UTC is 23:46:40 six hours ahead."""
        desk = self.desk()
        assert NOW_S == 1_900_000_000.0
        night = a_pass(uses=9, after_s=-3_600, hours=Hours(days=0b1000000, begin=92, end=2), timezone="Asia/Dhaka")
        for after_s, opens in ((0, True), (1_800, True), (2_700, False), (-2_820, False)):
            around = replace(AROUND, unix_s=NOW_S + after_s, utc_offset_s=21_600.0)
            wanted = ("pass-accepted", None) if opens else ("pass-refused", "pass-wrong-hour")
            assert self.verdicts(self.shown(desk, night, around)) == [wanted], after_s
            desk.frames(20)

    def test_a_revoked_pass_opens_nothing_and_others_do(self) -> None:
        lost, other = a_pass(), a_pass()
        found = taken_apart(lost)
        assert found is not None
        law = replace(gate_law(pass_keys=PASS_KEYS), revoked=frozenset({PassId(found.content.pass_id.hex())}))
        desk = Desk(law)
        assert self.verdicts(self.shown(desk, lost)) == [("pass-refused", "pass-revoked")]
        assert self.verdicts(self.shown(desk, other)) == [("pass-accepted", None)]

    def test_what_a_key_may_admit_in_a_day_ends_with_the_day(self) -> None:
        desk = Desk(gate_law(pass_keys=[PASS_KEYS[0] | {"per_day": 2}]))
        found = [self.verdicts(self.shown(desk, a_pass())) for _ in range(3)]
        assert found == [[("pass-accepted", None)]] * 2 + [[("pass-refused", "pass-over-limit")]]

    def test_a_pass_opens_while_the_sign_is_covered(self) -> None:
        desk = self.desk()
        desk.frames(3)
        desk.cover_sign()
        desk.frames(10)
        desk.frames(10, ANNA)
        assert grounds(desk.core.state) == (Ground.SIGN_MISSING,)
        assert self.verdicts(self.shown(desk, a_pass())) == [("pass-accepted", None)]
        assert desk.embedder.seen == []

    def test_other_codes_are_nobody_s_business(self) -> None:
        assert decisions(self.shown(self.desk(), "https://example.org/menu")) == []

    def test_two_passes_at_once_are_two_decisions(self) -> None:
        desk = self.desk()
        desk.qrs.texts_now = (a_pass(), a_pass())
        assert self.verdicts(desk.frame(read_passes=True)) == [("pass-accepted", None)] * 2

    def test_a_pass_of_another_key_is_refused(self) -> None:
        desk = Desk(gate_law(pass_keys=[PASS_KEYS[0] | {"key": "5" * 64}]))
        assert self.verdicts(self.shown(desk, a_pass())) == [("pass-refused", "pass-unsigned")]


def test_pixels_of_the_camera_stay_as_they_are() -> None:
    desk = Desk(gate_law(excluded=[{"id": "window", "polygon": EXCLUDED}]), empty=WALL)
    empty = WALL.copy()
    desk.frames(10, ANNA, preview_due=True)
    assert np.array_equal(WALL, empty)


class TestVerify:
    """1:1: a pass names the person; only then is a face compared, and with that one person alone."""

    @staticmethod
    def desk(**changes: Any) -> Desk:
        return Desk(gate_law(mode="verify", identify=None, pass_keys=PASS_KEYS, **changes))

    @staticmethod
    def names(desk: Desk, text: str, *people: Person, around: Surroundings = AROUND) -> list[Output]:
        desk.qrs.texts_now = (text,)
        outputs = desk.frame(*people, around=around, read_passes=True)
        desk.qrs.texts_now = ()
        return outputs

    def test_nobody_is_compared_whom_no_pass_has_named(self) -> None:
        desk = self.desk()
        assert outcomes(desk.frames(30, Person("p-1", INSIDE))) == []
        assert desk.embedder.seen == []

    def test_the_named_person_is_let_in_and_the_pass_is_used_up(self) -> None:
        desk, text = self.desk(), names("p-1", uses=1)
        desk.frame()
        assert decisions(self.names(desk, text)) == [], "naming opens nothing"
        (decision,) = decisions(desk.frames(12, Person("p-1", INSIDE)))
        assert (decision.outcome, decision.subject, decision.opens) == (Outcome.MATCH, "p-1", True)
        assert decision.pass_used is not None and len(desk.embedder.seen) == 1
        desk.frames(25)
        (again,) = decisions(self.names(desk, text))
        assert (again.outcome, again.ground) == (Outcome.PASS_REFUSED, "pass-used")
        assert outcomes(desk.frames(12, Person("p-1", INSIDE))) == []

    def test_another_person_of_the_gallery_is_no_match(self) -> None:
        desk = self.desk()
        desk.frame()
        self.names(desk, names("p-2"))
        assert outcomes(desk.frames(20, Person("p-1", INSIDE))) == [("no-match", None)]
        assert len(desk.embedder.seen) <= 3
        desk.frames(25)
        assert outcomes(desk.frames(12, Person("p-2", INSIDE))) == [], "a naming is good for one attempt"

    def test_who_is_not_enrolled_is_no_match(self) -> None:
        desk = self.desk()
        desk.frame()
        self.names(desk, names("guest-9"))
        assert outcomes(desk.frames(20, Person("stranger", INSIDE))) == [("no-match", None)]

    def test_who_withdraws_after_being_named_is_no_match(self) -> None:
        desk = self.desk()
        desk.frame()
        self.names(desk, names("p-1"))
        desk.core.receive(GalleryChanged(known("p-1"), withdrawn("p-1")))
        assert outcomes(desk.frames(20, Person("p-1", INSIDE))) == [("no-match", None)]

    @pytest.mark.parametrize("around", [AROUND, stopped()], ids=["permitted", "refused"])
    def test_a_withdrawn_person_s_pass_opens_without_the_face(self, around: Surroundings) -> None:
        desk = self.desk()
        desk.core.receive(GalleryChanged(known(), withdrawn("p-1")))
        desk.frame(around=around)
        assert outcomes(self.names(desk, names("p-1"), around=around)) == [("pass-accepted", "p-1")]
        assert desk.embedder.seen == []

    @pytest.mark.parametrize("around", [AROUND, stopped()], ids=["permitted", "refused"])
    def test_a_person_s_pass_that_is_not_for_comparing_opens_by_itself(self, around: Surroundings) -> None:
        desk = self.desk()
        desk.frame(around=around)
        assert outcomes(self.names(desk, a_pass(subject="p-1"), around=around)) == [("pass-accepted", "p-1")]

    def test_a_naming_pass_whose_match_could_not_be_written_is_not_used_up(self) -> None:
        desk, text = self.desk(), names("p-1", uses=1)
        desk.frame()
        self.names(desk, text)
        (lost,) = decisions(desk.frames(12, Person("p-1", INSIDE)))
        desk.core.receive(NotWritten(lost))
        desk.frames(25)
        self.names(desk, text)
        assert outcomes(desk.frames(12, Person("p-1", INSIDE))) == [("match", "p-1")]

    def test_a_naming_ends_after_ten_seconds_and_with_a_refusal(self) -> None:
        desk = self.desk()
        desk.frame()
        self.names(desk, names("p-1"))
        desk.frames(95)
        assert outcomes(desk.frames(12, Person("p-1", INSIDE))) == []
        self.names(desk, names("p-1"))
        desk.frame(around=stopped())
        desk.frames(30)
        assert outcomes(desk.frames(12, Person("p-1", INSIDE))) == []
        assert desk.embedder.seen == []

    def test_under_a_refusal_a_naming_pass_says_why_and_a_visitors_pass_opens(self) -> None:
        desk = self.desk()
        desk.frame(around=stopped())
        (named,) = decisions(self.names(desk, names("p-1"), around=stopped()))
        assert (named.outcome, named.ground) == (Outcome.PASS_REFUSED, "stopped")
        assert outcomes(self.names(desk, a_pass(), around=stopped())) == [("pass-accepted", None)]

    def test_after_five_failures_only_the_pass_helps_and_it_gives_the_face_back(self) -> None:
        desk = self.desk()
        desk.frame()
        for _ in range(5):
            assert decisions(self.names(desk, names("p-1"))) == []
            assert outcomes(desk.frames(12, Person("stranger", INSIDE))) == [("no-match", None)]
            desk.frames(25)
        assert [each.ground for each in decisions(self.names(desk, names("p-1")))] == ["attempts-spent"]
        (accepted,) = decisions(self.names(desk, a_pass(subject="p-1")))
        assert (accepted.outcome, accepted.subject, accepted.opens) == (Outcome.PASS_ACCEPTED, "p-1", True)
        desk.frames(25)
        assert decisions(self.names(desk, names("p-1"))) == [], "it names again"
        assert outcomes(desk.frames(12, Person("p-1", INSIDE))) == [("match", "p-1")]

    def test_a_look_that_a_refusal_cuts_off_counts_as_failed(self) -> None:
        desk = self.desk()
        desk.frame()
        for _ in range(5):
            self.names(desk, names("p-1"))
            desk.frames(6, Person("stranger", INSIDE))
            desk.cover_sign(forbidding=True)
            desk.frame()
            desk.show_sign()
            desk.frames(30)
        (refused,) = decisions(self.names(desk, names("p-1")))
        assert (refused.outcome, refused.ground) == (Outcome.PASS_REFUSED, "attempts-spent")
        assert len(desk.embedder.seen) == 5

    def test_one_naming_is_for_the_one_who_stands_nearest(self) -> None:
        desk = self.desk()
        desk.frame()
        near, far = Person("p-1", INSIDE), Person("p-2", Box(200.0, 40.0, 270.0, 110.0))
        desk.frames(6, near, far)
        self.names(desk, names("p-2"), near, far)
        assert outcomes(desk.frames(20, near, far)) == [("no-match", None)]
        assert {probe.quad[0][0] < 190 for probe in desk.embedder.seen} == {True}

    def test_nobody_else_is_named_while_somebody_is_being_compared(self) -> None:
        desk = self.desk()
        desk.frame()
        self.names(desk, names("p-1"))
        desk.frames(6, Person("stranger", INSIDE))
        assert len(desk.embedder.seen) == 1
        (busy,) = decisions(self.names(desk, names("p-2"), Person("stranger", INSIDE)))
        assert (busy.outcome, busy.ground) == (Outcome.PASS_REFUSED, "naming-busy")

    def test_an_attempt_that_ends_under_a_later_naming_does_not_end_that_one(self) -> None:
        desk = self.desk()
        desk.frame()
        self.names(desk, names("p-1"))
        desk.frames(93)
        desk.frames(6, Person("stranger", INSIDE))  # the naming is over a moment after the first look
        looked = len(desk.embedder.seen)
        self.names(desk, names("p-2"))
        found = outcomes(desk.frames(30, BEN))
        assert looked and (MATCH, "p-2") in found


PIN_TEXT, CARD_TEXT = "482913", "04A2B3C4D5E6F7"


def tokens(**changes: Any) -> dict[str, Any]:
    """A policy's cards and PINs: the PIN is p-1's, the card p-2's."""
    cost = {"salt": "5" * 32, "passes": 1, "memory_kib": 8192}
    whose = ((TokenKind.PIN, PIN_TEXT, "p-1"), (TokenKind.CARD, CARD_TEXT, "p-2"))
    return cost | {
        "entries": [
            {"digest": digest(kind, text, bytes.fromhex("5" * 32), 1, 8192), "subject": subject, "doors": ["main"],
             "until": iso(NOW_S + 3600)} | changes
            for kind, text, subject in whose
        ]
    }  # fmt: skip


class TestSpent:
    """What is used up is said before what follows from it, so that it is on disk first; a start begins with it."""

    @staticmethod
    def said(outputs: list[Output]) -> list[Spent]:
        return [each.spent for each in outputs if isinstance(each, AttemptsSpent)]

    def test_a_wrong_token_is_used_up_before_it_is_refused(self) -> None:
        desk = TestTokens.desk()
        desk.frame()
        first, refused = TestTokens.shown(desk, "0000")
        assert first == AttemptsSpent(Spent(wrong={TokenWay.SERIAL: 1})) and outcomes([refused]) == [
            ("pass-refused", None)
        ]
        assert self.said(desk.frame()) == []
        assert self.said(desk.frame(after_s=901)) == [Spent()]

    def test_a_first_look_is_used_up_before_anything_is_known_of_it_and_a_match_gives_it_back(self) -> None:
        desk = TestTokens.desk()
        desk.frame()
        TestTokens.shown(desk, PIN_TEXT)
        outputs = desk.frames(12, Person("stranger", INSIDE))
        assert self.said(outputs) == [Spent({SubjectId("p-1"): 1})]
        kinds = [type(each) for each in outputs]
        assert kinds.index(AttemptsSpent) < kinds.index(Decided) and outcomes(outputs) == [("no-match", None)]
        desk.frames(25)
        TestTokens.shown(desk, PIN_TEXT)
        found = desk.frames(12, Person("p-1", INSIDE))
        assert outcomes(found) == [("match", "p-1")]
        assert self.said(found) in ([], [Spent({SubjectId("p-1"): 2}), Spent({SubjectId("p-1"): 1})])

    def test_a_start_gives_nothing_back(self) -> None:
        desk = TestTokens.desk()
        desk.core = desk.begun(Names(Spent({SubjectId("p-1"): 5}, {TokenWay.GPIO: 5}), desk.at_ns))
        desk.core.receive(LawChanged(gate_law(mode="verify", identify=None, tokens=tokens())))
        desk.core.receive(GalleryChanged(known("p-1", "p-2"), frozenset()))
        desk.frame()
        assert [each.ground for each in decisions(TestTokens.shown(desk, PIN_TEXT))] == ["attempts-spent"]
        assert decisions(TestTokens.shown(desk, CARD_TEXT)) == []
        (spent,) = decisions(TestTokens.shown(desk, CARD_TEXT, TokenWay.GPIO))
        assert spent.ground == "tokens-spent"

    def test_of_whom_the_gallery_or_a_withdrawal_takes_away_nothing_is_kept(self) -> None:
        desk = TestTokens.desk()
        people = {SubjectId(name): 1 for name in ("p-1", "p-2", "p-3")}
        desk.core = desk.begun(Names(Spent(people), desk.at_ns))
        assert desk.core.receive(GalleryChanged(None, frozenset())) == [], "what does not open now may open later"
        assert self.said(desk.core.receive(GalleryChanged(None, {SubjectId("p-3")}))) == [
            Spent({SubjectId("p-1"): 1, SubjectId("p-2"): 1})
        ]
        assert self.said(desk.core.receive(GalleryChanged(known("p-1"), frozenset()))) == [Spent({SubjectId("p-1"): 1})]


class TestTokens:
    """A card or a PIN names a person; at the device it opens where the policy says so."""

    @staticmethod
    def desk(mode: str = "verify", **changes: Any) -> Desk:
        more = {} if mode == "identify" else {"identify": None}
        return Desk(gate_law(mode=mode, pass_keys=PASS_KEYS, tokens=tokens(**changes), **more))

    @staticmethod
    def shown(desk: Desk, text: str, way: TokenWay = TokenWay.SERIAL, around: Surroundings = AROUND) -> list[Output]:
        presented = token("pin" if text.isdecimal() and len(text) < 8 else "card", text, way)
        assert presented is not None
        return desk.core.receive(TokenShown(presented, desk.at_ns, around))

    @pytest.mark.parametrize("way", list(TokenWay))
    def test_a_token_names_the_person_who_is_then_compared(self, way: TokenWay) -> None:
        desk = self.desk()
        desk.frame()
        assert self.shown(desk, PIN_TEXT, way) == []
        (decision,) = decisions(desk.frames(12, Person("p-1", INSIDE)))
        assert (decision.outcome, decision.subject, decision.pass_used) == (Outcome.MATCH, "p-1", None)
        assert outcomes(desk.frames(60, BEN)) == []

    def test_a_wrong_face_beside_a_right_token_is_a_stranger(self) -> None:
        desk = self.desk()
        desk.frame()
        self.shown(desk, CARD_TEXT)
        assert outcomes(desk.frames(12, Person("p-1", INSIDE))) == [("no-match", None)]

    @pytest.mark.parametrize("mode", ["verify", "identify", "pass"])
    def test_at_the_device_it_opens_where_the_policy_says_so_under_a_refusal_too(self, mode: str) -> None:
        desk = self.desk(mode, opens=True)
        desk.frame(around=stopped())
        (decision,) = decisions(self.shown(desk, CARD_TEXT, around=stopped()))
        assert (decision.outcome, decision.subject, decision.opens) == (Outcome.PASS_ACCEPTED, "p-2", True)
        assert (decision.frame, decision.captured_ns, decision.pass_used) == (0, desk.at_ns, None)
        assert desk.embedder.seen == []

    @pytest.mark.parametrize("mode", ["verify", "identify", "pass"])
    def test_over_the_network_it_never_opens(self, mode: str) -> None:
        desk = self.desk(mode, opens=True)
        desk.frame()
        assert not any(each.opens for each in decisions(self.shown(desk, CARD_TEXT, TokenWay.MQTT)))

    @pytest.mark.parametrize(
        "text, around, ground",
        [
            ("0000", AROUND, "token-unknown"),
            (PIN_TEXT, replace(AROUND, unix_s=None), "clock-untrusted"),
            (PIN_TEXT, replace(AROUND, unix_s=NOW_S + 7200), "token-expired"),
            (CARD_TEXT, replace(AROUND, ledger_writable=False), "ledger-unwritable"),
        ],
    )
    def test_what_is_refused_and_why(self, text: str, around: Surroundings, ground: str) -> None:
        desk = self.desk(opens=text == CARD_TEXT)
        desk.frame()
        (decision,) = decisions(self.shown(desk, text, around=around))
        assert (decision.outcome, decision.ground, decision.subject) == (Outcome.PASS_REFUSED, ground, None)

    def test_under_a_refusal_a_token_that_only_names_says_why(self) -> None:
        desk = self.desk()
        desk.frame(around=stopped())
        assert [each.ground for each in decisions(self.shown(desk, PIN_TEXT))] == ["stopped"]

    def test_without_a_policy_nothing_is_said(self) -> None:
        desk = self.desk()
        desk.core.receive(LawChanged(None))
        assert self.shown(desk, PIN_TEXT) == []

    def test_a_flood_of_wrong_ones_is_written_down_six_times(self) -> None:
        desk = self.desk()
        desk.frame()
        found = [each.ground for number in range(30) for each in decisions(self.shown(desk, f"{number:04}"))]
        assert found == ["token-unknown"] * 5 + ["tokens-spent"]
        assert outcomes(self.names_by_pass(desk)) == [("pass-accepted", None)], "the pass goes on working"

    @staticmethod
    def names_by_pass(desk: Desk) -> list[Output]:
        desk.qrs.texts_now = (a_pass(),)
        return desk.frame(read_passes=True)

    def test_over_the_network_nobody_is_displaced_who_was_named_at_the_device(self) -> None:
        desk = self.desk()
        desk.frame()
        self.shown(desk, PIN_TEXT)
        assert [each.ground for each in decisions(self.shown(desk, CARD_TEXT, TokenWay.MQTT))] == ["naming-busy"]
        assert outcomes(desk.frames(12, Person("p-1", INSIDE))) == [("match", "p-1")]
        assert self.shown(desk, CARD_TEXT, TokenWay.MQTT) == [], "now nobody is waiting"

    def test_a_refusal_drops_who_was_named_and_a_new_policy_too(self) -> None:
        desk = self.desk()
        desk.frame()
        self.shown(desk, PIN_TEXT)
        desk.frame(around=stopped())
        desk.frames(30)
        assert outcomes(desk.frames(12, Person("p-1", INSIDE))) == []
        self.shown(desk, PIN_TEXT)
        desk.core.receive(LawChanged(gate_law(mode="verify", identify=None, tokens=tokens(), version=4)))
        assert outcomes(desk.frames(12, Person("p-1", INSIDE))) == [] and desk.embedder.seen == []
