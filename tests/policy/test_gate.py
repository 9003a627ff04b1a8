"""The gate itself: what it opens, what it blacks out, what it refuses, and that it opens nothing twice."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np
import pytest

from agent.policy.attempt import OptIn
from agent.policy.bundle import ExcludedRegion
from agent.policy.circumstances import Circumstances, SignSighting
from agent.policy.fields import Purpose
from agent.policy.frames import CapturedFrame, CodeFrame, PermittedFrame, Preview
from agent.policy.gate import Gate, Refusal, _mask
from agent.policy.grounds import Ground
from agent.policy.preview import blocks
from agent.units import Box, Fix, Polygon, Rgb, Sha256, SiteId
from tests.policy.given import (
    CARD,
    HEIGHT,
    NOTICE_SHA256,
    NOW_S,
    SECOND,
    WIDTH,
    captured,
    document,
    here,
    iso,
    law,
    luma,
    picture,
)

CORNER = {"id": "window", "polygon": [[60, 0], [96, 0], [96, 40], [60, 40]]}
READABLE = {"id": "bench", "polygon": [[0, 50], [20, 50], [20, 72], [0, 72]], "code_readable": True}


def refused(answer: object) -> tuple[Ground, ...]:
    assert isinstance(answer, Refusal)
    return answer.grounds


def point(*steps: tuple[int, float]) -> dict[str, Any]:
    """An operating point with these sizes and thresholds for 1:N."""
    search = [{"people": people, "threshold": threshold} for people, threshold in steps]
    return {"label": "real", "threshold": 0.4, "search": search}


class TestCodes:
    def test_luma_for_readers_also_when_recognition_is_refused(self) -> None:
        gate = Gate(law(mode="pass"))
        frame = captured(4, 9)
        codes = gate.codes(frame)
        assert isinstance(codes, CodeFrame)
        assert (codes.number, codes.captured_ns, codes.scale) == (4, 9, 1)
        assert codes.luma.shape == (HEIGHT, WIDTH) and (codes.luma == 200).all()
        assert refused(gate.admit(frame, here(9))) == (Ground.MODE_UNJUSTIFIED,)

    def test_excluded_regions_are_black_unless_marked_readable(self) -> None:
        codes = Gate(law(excluded=[CORNER, READABLE])).codes(captured())
        assert isinstance(codes, CodeFrame)
        assert (codes.luma[:40, 60:] == 0).all()
        assert (codes.luma[50:, :20] == 200).all()
        assert (codes.luma[:, 22:58] == 200).all()

    @pytest.mark.parametrize("scale", [1, 2, 3])
    def test_finer_luma_is_masked_as_finely(self, scale: int) -> None:
        gate = Gate(law(excluded=[CORNER]))
        for _ in range(2):
            frame = CapturedFrame(1, 0, picture(), luma(width=WIDTH * scale, height=HEIGHT * scale))
            codes = gate.codes(frame)
            assert isinstance(codes, CodeFrame) and codes.scale == scale
            assert (codes.luma[: 40 * scale, 60 * scale :] == 0).all()
            assert (codes.luma[41 * scale :] == 200).all() and (codes.luma[:, : 58 * scale] == 200).all()

    def test_a_new_law_brings_its_own_regions(self) -> None:
        gate = Gate(law())
        gate.codes(captured())
        gate.adopt(law(excluded=[CORNER]))
        codes = gate.codes(captured())
        assert isinstance(codes, CodeFrame) and (codes.luma[:40, 60:] == 0).all()

    def test_the_original_stays_as_it_was_and_the_copy_is_read_only(self) -> None:
        grey = luma()
        codes = Gate(law(excluded=[CORNER])).codes(CapturedFrame(1, 0, picture(), grey))
        assert isinstance(codes, CodeFrame) and (grey == 200).all()
        with pytest.raises(ValueError, match="read-only"):
            codes.luma[0, 0] = 1

    @pytest.mark.parametrize(
        "width, height",
        [(WIDTH, HEIGHT - 1), (WIDTH * 2, HEIGHT), (WIDTH, HEIGHT * 2), (WIDTH // 2, HEIGHT // 2), (WIDTH + 1, HEIGHT)],
    )
    def test_another_view_is_refused(self, width: int, height: int) -> None:
        frame = CapturedFrame(1, 0, picture(), luma(width=width, height=height))
        assert refused(Gate(law()).codes(frame)) == (Ground.VIEW_MISMATCH,)

    def test_a_frame_that_was_judged_has_no_codes_left(self) -> None:
        gate, frame = Gate(law()), captured()
        gate.admit(frame, here())
        assert refused(gate.codes(frame)) == (Ground.VIEW_MISMATCH,)

    def test_no_policy_no_codes(self) -> None:
        assert refused(Gate(None).codes(captured())) == (Ground.NO_POLICY,)

    @pytest.mark.parametrize(
        "changes, ground",
        [({"place": "private-space"}, Ground.PLACE_PRIVATE), ({"mode": "blind"}, Ground.MODE_BLIND)],
    )
    def test_a_closed_camera_gives_no_codes_and_no_blocks(self, changes: dict[str, Any], ground: Ground) -> None:
        gate = Gate(law(**changes))
        assert refused(gate.codes(captured())) == (ground,)
        assert refused(gate.blocks(captured())) == (ground,)


@pytest.mark.parametrize(
    "changes, ground",
    [
        ({}, None),
        ({"mode": "pass"}, None),
        ({"mode": "blind"}, Ground.MODE_BLIND),
        ({"place": "private-space"}, Ground.PLACE_PRIVATE),
        ({"place": "private-space", "mode": "blind"}, Ground.PLACE_PRIVATE),
    ],
)
def test_where_the_camera_may_be_opened(changes: dict[str, Any], ground: Ground | None) -> None:
    closed = Gate(law(**changes)).closed()
    assert closed is None if ground is None else refused(closed) == (ground,)
    assert refused(Gate(None).closed()) == (Ground.NO_POLICY,)


class TestAdmit:
    def test_a_lawful_frame_is_permitted_and_stamped(self) -> None:
        frame = Gate(law()).admit(captured(12, 34), here(34))
        assert isinstance(frame, PermittedFrame)
        assert (frame.number, frame.captured_ns) == (12, 34)
        permit = frame.permit
        assert (permit.purpose, permit.policy_version) == (Purpose.RESIDENT_ENTRY, 3)
        assert (permit.notice_sha256, permit.threshold, permit.unix_s) == (NOTICE_SHA256, 0.5, NOW_S)
        assert (frame.pixels == 200).all()

    def test_excluded_regions_are_black_readable_or_not(self) -> None:
        rgb = picture()
        frame = Gate(law(excluded=[CORNER, READABLE])).admit(captured(rgb=rgb), here())
        assert isinstance(frame, PermittedFrame)
        assert (frame.pixels[:40, 60:] == 0).all() and (frame.pixels[50:, :20] == 0).all()
        assert (frame.pixels[:49, :59] == 200).all() and (frame.pixels[41:, 21:] == 200).all()
        assert (rgb == 200).all()

    def test_all_unmet_grounds_are_named(self) -> None:
        answer = Gate(law()).admit(captured(), here(sign=SignSighting(False, True), stopped=True, keys_sealed=None))
        assert refused(answer) == (Ground.STOPPED, Ground.SIGN_MISSING, Ground.SIGN_FORBIDS, Ground.KEYS_NOT_SEALED)

    def test_no_policy_refuses_and_ends_the_frame(self) -> None:
        gate, frame = Gate(None), captured()
        assert gate.law is None
        assert refused(gate.admit(frame, here())) == (Ground.NO_POLICY,)
        gate.adopt(law())
        assert gate.law is not None
        assert refused(gate.admit(frame, here())) == (Ground.VIEW_MISMATCH,)

    @pytest.mark.parametrize("lawful", [True, False])
    def test_a_frame_is_opened_once_and_its_pixels_are_gone(self, lawful: bool) -> None:
        rgb = picture()
        gate, frame = Gate(law()), captured(rgb=rgb)
        answer = gate.admit(frame, here(stopped=not lawful))
        assert isinstance(answer, PermittedFrame) is lawful
        assert Ground.VIEW_MISMATCH in refused(gate.admit(frame, here()))
        assert refused(gate.blocks(frame)) == (Ground.VIEW_MISMATCH,)
        assert not any(kept is frame for kept in gc.get_referrers(rgb))

    @pytest.mark.parametrize("rgb", [picture(width=WIDTH + 1), picture(height=HEIGHT - 1), picture()[:, :, :1]])
    def test_another_view_is_refused(self, rgb: Rgb) -> None:
        gate = Gate(law())
        assert refused(gate.admit(captured(rgb=rgb), here())) == (Ground.VIEW_MISMATCH,)
        assert refused(gate.blocks(captured(rgb=rgb))) == (Ground.VIEW_MISMATCH,)

    @pytest.mark.parametrize("circumstances_ns", [0, 2])
    def test_circumstances_of_another_frame_are_refused(self, circumstances_ns: int) -> None:
        assert refused(Gate(law()).admit(captured(1, 1), here(circumstances_ns))) == (Ground.VIEW_MISMATCH,)

    def test_a_view_that_never_fitted_does_not_arm_the_holds(self) -> None:
        gate = Gate(law())
        gate.admit(captured(rgb=picture(width=WIDTH + 1)), here())
        gate.admit(captured(), here(stopped=True))
        assert isinstance(gate.admit(captured(), here()), PermittedFrame), "the first permit needs no hold"

    def test_resuming_waits_and_a_new_law_does_not_shorten_it(self) -> None:
        gate = Gate(law())
        assert isinstance(gate.admit(captured(), here()), PermittedFrame)
        assert refused(gate.admit(captured(2, SECOND), here(SECOND, stopped=True))) == (Ground.STOPPED,)
        gate.adopt(law(version=4))
        for at in (2, 3, 3, 3):
            assert refused(gate.admit(captured(3, at * SECOND), here(at * SECOND))) == (Ground.STOPPED,)
        frame = gate.admit(captured(9, 4 * SECOND), here(4 * SECOND))
        assert isinstance(frame, PermittedFrame) and frame.permit.policy_version == 4

    @pytest.mark.parametrize("cards", [None, (), (CARD.corners,)])
    def test_the_cards_of_a_frame_ride_on_its_permission(self, cards: tuple[Polygon, ...] | None) -> None:
        frame = Gate(law()).admit(captured(), here(sign=SignSighting(True, False, cards)))
        assert isinstance(frame, PermittedFrame) and frame.cards == cards

    def test_what_is_taken_back_waits_like_what_was_refused(self) -> None:
        gate = Gate(law())
        frame = gate.admit(captured(1, 0), here(0))
        assert isinstance(frame, PermittedFrame)
        assert gate.take_back(frame, Ground.SIGN_FORBIDS) == Refusal((Ground.SIGN_FORBIDS,))
        for number in range(1, 21):
            at = number * SECOND // 10
            assert refused(gate.admit(captured(number, at), here(at))) == (Ground.SIGN_FORBIDS,)
        assert isinstance(gate.admit(captured(21, 21 * SECOND // 10), here(21 * SECOND // 10)), PermittedFrame)

    def test_without_a_law_what_is_taken_back_is_refused_too(self) -> None:
        gate = Gate(law())
        frame = gate.admit(captured(1, 0), here(0))
        assert isinstance(frame, PermittedFrame)
        gate.adopt(None)
        assert gate.take_back(frame, Ground.SIGN_FORBIDS) == Refusal((Ground.SIGN_FORBIDS,))

    def test_an_exception_while_judging_is_a_refusal(self) -> None:
        nowhere = here(fix=Fix("north", 11.0, 1.0, 0))  # type: ignore[arg-type]
        grounds = refused(Gate(law(location={"kind": "gnss"})).admit(captured(), nowhere))
        assert grounds == (Ground.LOCATION_UNKNOWN, Ground.IN_ZONE, Ground.VIEW_UNKNOWN)


def test_a_refusal_names_at_least_one_ground() -> None:
    with pytest.raises(ValueError, match="at least one ground"):
        Refusal(())


class TestExcludedPixels:
    def test_a_pixel_that_is_touched_at_all_is_black(self) -> None:
        polygon = ((10.01, 10.0), (20.0, 20.99), (10.0, 30.0))
        keep = _mask([ExcludedRegion(id="r", polygon=polygon)], WIDTH, HEIGHT, 1)
        xs, ys = np.meshgrid(np.linspace(10, 20.99, 300), np.linspace(10, 30, 300))
        from shapely import contains_xy
        from shapely.geometry import Polygon

        inside = contains_xy(Polygon(polygon), xs, ys)
        assert (keep[ys[inside].astype(int), xs[inside].astype(int)] == 0).all()
        assert (keep == 0).sum() < 250, "and not much more than that"

    def test_the_mask_is_cut_from_finer_pictures_too(self) -> None:
        region = ExcludedRegion(id="r", polygon=((10, 10), (20, 10), (20, 20), (10, 20)))
        coarse, fine = (_mask([region], WIDTH, HEIGHT, scale) for scale in (1, 3))
        assert fine.shape == (HEIGHT * 3, WIDTH * 3)
        assert (fine[1::3, 1::3] == coarse).all() and (fine[::3, 2::3] == coarse).all()

    def test_what_crosses_itself_excludes_everything(self) -> None:
        bow = ExcludedRegion.model_construct(id="bow", polygon=((0, 0), (40, 40), (40, 0), (0, 40)))
        small = ExcludedRegion(id="r", polygon=((10, 10), (20, 10), (20, 20)))
        for regions in ([bow], [bow, small], [small, bow]):
            assert not _mask(regions, WIDTH, HEIGHT, 1).any()

    @pytest.mark.parametrize("which", ["excluded", "attempt"])
    def test_a_policy_with_a_region_that_crosses_itself_is_not_read(self, which: str) -> None:
        from agent.errors import PolicyError

        bow = [[0, 0], [40, 40], [40, 0], [0, 40]]
        change = {
            "excluded": [{"id": "bow", "polygon": bow}],
            "attempt": document()["attempt"] | {"region": bow},
        }
        with pytest.raises(PolicyError, match="crosses itself or has no area"):
            law(**{which: change[which]})


class Agreed:
    """A consent that answers as told and remembers what it was asked."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.asked: list[tuple[object, ...]] = []

    def in_force(
        self, *, purpose: Purpose, site: SiteId, notice_sha256: Sha256, unix_s: float, guardian_below: int
    ) -> bool:
        self.asked.append((purpose, site, notice_sha256, unix_s, guardian_below))
        return self.answer


class TestEnrol:
    def test_a_consented_picture_is_opened_whole(self) -> None:
        consent = Agreed(True)
        found = Gate(law(excluded=[CORNER])).enrol(captured(5, 6), here(6), consent)
        assert not isinstance(found, Refusal)
        frame, opt_in = found
        assert isinstance(frame, PermittedFrame) and isinstance(opt_in, OptIn)
        assert (frame.number, opt_in.number, opt_in.face) == (5, 5, None)
        assert (frame.pixels == 200).all(), "excluded regions are places in the camera's view, not in a portrait"
        assert not frame.pixels.flags.writeable
        assert consent.asked == [(Purpose.RESIDENT_ENTRY, "quay", NOTICE_SHA256, NOW_S, 14)]

    def test_the_door_s_own_grounds_do_not_apply(self) -> None:
        gate = Gate(law(location={"kind": "gnss"}, zones=[]))
        assert not isinstance(gate.enrol(captured(), here(sign=SignSighting(False, True)), Agreed(True)), Refusal)

    @pytest.mark.parametrize(
        "changes, ground",
        [
            ({"unix_s": None}, Ground.CLOCK_UNTRUSTED),
            ({"lease_until_s": NOW_S}, Ground.LEASE_EXPIRED),
            ({"stopped": True}, Ground.STOPPED),
            ({"models": None}, Ground.MODEL_NOT_ALLOWED),
            ({"models_work": False}, Ground.MODEL_FAILED),
            ({"keys_sealed": False}, Ground.KEYS_NOT_SEALED),
            ({"ledger_writable": None}, Ground.LEDGER_UNWRITABLE),
        ],
    )
    def test_all_other_grounds_do(self, changes: dict[str, Any], ground: Ground) -> None:
        consent = Agreed(True)
        assert ground in refused(Gate(law()).enrol(captured(), here(**changes), consent))
        assert consent.asked == []

    def test_no_policy(self) -> None:
        assert refused(Gate(None).enrol(captured(), here(), Agreed(True))) == (Ground.NO_POLICY,)

    def test_no_consent(self) -> None:
        assert refused(Gate(law()).enrol(captured(), here(), Agreed(False))) == (Ground.NO_CONSENT,)

    @pytest.mark.parametrize(
        "stock, covers, allowed",
        [
            (9_999, None, True),
            (10_000, None, False),
            (10_000, 10_001, True),
            (10_001, 10_001, False),
            (None, 10_001, False),
        ],
    )
    def test_past_the_threshold_only_as_many_as_were_filed(
        self, stock: int | None, covers: int | None, allowed: bool
    ) -> None:
        filed = {"authority": "province-cac", "number": "f-17", "filed": iso(NOW_S)}
        filing = {} if covers is None else {"filing": {**filed, "covers_people": covers}}
        around, consent = here(stock=stock, crossed_s=NOW_S), Agreed(True)
        found = Gate(law(**filing)).enrol(captured(), around, consent)
        assert isinstance(found, Refusal) != allowed
        if not allowed:
            assert Ground.STOCK_UNFILED in refused(found) or Ground.FILING_OVERDUE in refused(found)
            assert consent.asked == []

    @pytest.mark.parametrize(("stock", "allowed"), [(9, True), (10, False), (11, False), (None, False)])
    def test_past_what_the_threshold_covers_nobody_is_enrolled_for_a_search(
        self, stock: int | None, allowed: bool
    ) -> None:
        covers = {"profile": "eu-gdpr", "operating_point": point((10, 0.5))}
        found = Gate(law(**covers)).enrol(captured(), here(stock=stock), Agreed(True))
        assert isinstance(found, Refusal) != allowed
        if not allowed:
            assert refused(found) == (Ground.GALLERY_TOO_LARGE,)
        assert not isinstance(
            Gate(law(**covers, mode="verify")).enrol(captured(), here(stock=stock), Agreed(True)), Refusal
        )

    def test_another_size_and_a_second_opening(self) -> None:
        gate, frame = Gate(law()), captured()
        wrong = gate.enrol(captured(rgb=picture(width=WIDTH + 1)), here(), Agreed(True))
        assert refused(wrong) == (Ground.VIEW_MISMATCH,)
        assert refused(gate.enrol(frame, here(), Agreed(False))) == (Ground.NO_CONSENT,)
        assert refused(gate.enrol(frame, here(), Agreed(True))) == (Ground.VIEW_MISMATCH,), "the refusal ended it"


class TestThresholds:
    @pytest.mark.parametrize(("stock", "threshold"), [(0, 0.5), (10, 0.5), (11, 0.6), (100, 0.6)])
    def test_a_search_takes_the_threshold_of_its_size(self, stock: int, threshold: float) -> None:
        frame = Gate(law(operating_point=point((10, 0.5), (100, 0.6)))).admit(captured(), here(stock=stock))
        assert not isinstance(frame, Refusal) and frame.permit.threshold == threshold

    def test_beyond_the_last_size_nobody_is_searched_for_but_one_is_still_compared_with_one(self) -> None:
        covers = {"operating_point": point((10, 0.5))}
        assert refused(Gate(law(**covers)).admit(captured(), here(stock=11))) == (Ground.GALLERY_TOO_LARGE,)
        frame = Gate(law(**covers, mode="verify")).admit(captured(), here(stock=11))
        assert not isinstance(frame, Refusal) and frame.permit.threshold == 0.4

    def test_references_are_compared_at_the_least_threshold(self) -> None:
        gate, around = Gate(law(operating_point=point((10, 0.5), (100, 0.6)))), here(stock=50)
        for found in (gate.enrol(captured(), around, Agreed(True)), gate.enrol_here(captured(), around, Agreed(True))):
            assert not isinstance(found, Refusal)
            assert found[0].permit.threshold == 0.4


class TestEnrolHere:
    def test_a_frame_of_the_camera_is_opened_without_what_is_excluded(self) -> None:
        consent = Agreed(True)
        found = Gate(law(excluded=[CORNER])).enrol_here(captured(5, 6), here(6), consent)
        assert not isinstance(found, Refusal)
        frame, _ = found
        assert frame.number == 5 and not frame.pixels.flags.writeable
        assert 0 < (frame.pixels == 0).sum() < frame.pixels.size
        assert consent.asked == [(Purpose.RESIDENT_ENTRY, "quay", NOTICE_SHA256, NOW_S, 14)]

    @pytest.mark.parametrize(
        "around, ground",
        [
            (here(sign=SignSighting(True, True)), Ground.SIGN_FORBIDS),
            (here(sign=None), Ground.SIGN_MISSING),
            (here(moved=True), Ground.DEVICE_MOVED),
            (here(tampered=True), Ground.TAMPERED),
            (here(stopped=True), Ground.STOPPED),
            (here(unix_s=None), Ground.CLOCK_UNTRUSTED),
        ],
    )
    def test_the_grounds_of_the_place_apply_as_well(self, around: Circumstances, ground: Ground) -> None:
        frame, consent, gate = captured(), Agreed(True), Gate(law())
        assert ground in refused(gate.enrol_here(frame, around, consent))
        assert consent.asked == []
        assert refused(gate.enrol(frame, here(), consent)) == (Ground.VIEW_MISMATCH,), "the refusal ended it"

    def test_without_consent_and_past_the_cap_the_frame_is_ended_too(self) -> None:
        gate, frame = Gate(law()), captured()
        assert refused(gate.enrol_here(frame, here(), Agreed(False))) == (Ground.NO_CONSENT,)
        assert refused(gate.enrol_here(frame, here(), Agreed(True))) == (Ground.VIEW_MISMATCH,)
        full = here(stock=10_000, crossed_s=NOW_S)
        assert Ground.STOCK_UNFILED in refused(Gate(law()).enrol_here(captured(), full, Agreed(True)))

    def test_who_may_not_be_enrolled_is_known_before_a_camera_is_opened(self) -> None:
        assert Gate(law()).closed_to(Agreed(True), here()) is None
        assert refused(Gate(law()).closed_to(Agreed(False), here())) == (Ground.NO_CONSENT,)
        assert refused(Gate(None).closed_to(Agreed(True), here())) == (Ground.NO_POLICY,)
        assert Gate(law()).closed_to(Agreed(True), here(sign=None)) is None, "a sign may come into view"


class TestPreviews:
    RGB = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)

    def test_without_a_permit_all_of_it_is_blocks_and_the_frame_goes_on(self) -> None:
        gate, frame = Gate(law(excluded=[CORNER])), captured(8, rgb=self.RGB)
        shown = gate.blocks(frame)
        assert isinstance(shown, Preview) and shown.number == 8
        dark = self.RGB.copy()
        dark[gate.admit(captured(), here()).pixels == 0] = 0  # type: ignore[union-attr]
        assert (shown.picture == blocks(dark)).all()
        assert isinstance(gate.admit(frame, here()), PermittedFrame)

    def test_without_a_policy_nothing_is_shown(self) -> None:
        assert refused(Gate(None).blocks(captured())) == (Ground.NO_POLICY,)

    def test_a_permitted_frame_is_shown_over_the_commissioned_picture(self) -> None:
        empty = picture(120)
        live = empty.copy()
        live[45:60, 50:60] = self.RGB[45:60, 50:60]
        live[0, 0] = 122
        gate = Gate(law(excluded=[READABLE]), empty)
        frame = gate.admit(captured(8, rgb=live), here())
        assert isinstance(frame, PermittedFrame)
        shown = gate.preview(frame, [])
        assert isinstance(shown, Preview) and shown.number == 8
        assert (shown.picture[:40] == 120).all(), "the commissioned picture, not the live one"
        assert (shown.picture[40:72, 40:80] == blocks(frame.pixels)[40:72, 40:80]).all()
        assert (shown.picture[50:, :20] == 0).all(), "excluded regions are black here too"

    @pytest.mark.parametrize("empty", [None, picture(120, width=WIDTH + 1)])
    def test_without_a_commissioned_picture_of_this_view_all_is_blocks(self, empty: Rgb | None) -> None:
        gate = Gate(law(), empty)
        frame = gate.admit(captured(rgb=self.RGB), here())
        assert isinstance(frame, PermittedFrame)
        assert (gate.preview(frame, []).picture == blocks(self.RGB)).all()
        face = Box(0.0, 0.0, 400.0, 480.0)
        assert (gate.preview(frame, [face]).picture == blocks(self.RGB, 60)).all(), "coarser where a face is larger"

    def test_a_frame_of_an_older_view_or_law_is_shown_as_blocks(self) -> None:
        gate = Gate(law(), picture(120))
        frame = gate.admit(captured(rgb=self.RGB), here())
        assert isinstance(frame, PermittedFrame)
        gate.adopt(None)
        assert (gate.preview(frame, []).picture == blocks(self.RGB)).all()
        gate.adopt(law(view={"width": WIDTH + 4, "height": HEIGHT}))
        assert (gate.preview(frame, []).picture == blocks(self.RGB)).all()

    def test_a_preview_is_made_on_another_thread_while_laws_come_and_go(self) -> None:
        gate, over, both = Gate(law(), picture(120)), threading.Event(), law()
        frame = gate.admit(captured(), here())
        assert isinstance(frame, PermittedFrame)

        def adopt() -> None:
            while not over.is_set():
                gate.adopt(None)
                gate.adopt(both)

        thread = threading.Thread(target=adopt)
        thread.start()
        try:
            assert all(isinstance(gate.preview(frame, []), Preview) for _ in range(300))
        finally:
            over.set()
            thread.join()

    def test_pictures_for_people_are_read_only(self) -> None:
        gate = Gate(law(), picture(120))
        frame = gate.admit(captured(), here())
        assert isinstance(frame, PermittedFrame)
        for shown in (gate.preview(frame, []), gate.blocks(captured()), Gate(law()).preview(frame, [])):
            assert isinstance(shown, Preview) and not shown.picture.flags.writeable
