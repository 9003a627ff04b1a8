"""Codes over time: read where something has moved, known where nothing has; a mark that looks the same is the same."""

from __future__ import annotations

import numpy as np

from agent.adapters.markers import ArucoReader
from agent.adapters.qr import ZxingReader
from agent.policy.frames import CapturedFrame, CodeFrame
from agent.policy.gate import Gate
from agent.units import Luma
from tests.adapters.test_codes import HEIGHT, VIEW, WIDTH, around, marker, put, qr, scene
from tests.policy.given import law, picture

STEP = 200_000_000
CODE = "DW1:ONE"
OTHER = "DW1:ANOTHER"


def at(number: int, luma: Luma) -> CodeFrame:
    frame = Gate(law(view=VIEW)).codes(CapturedFrame(number, number * STEP, picture(width=WIDTH, height=HEIGHT), luma))
    assert isinstance(frame, CodeFrame)
    return frame


def noisy(luma: Luma, seed: int) -> Luma:
    noise = np.random.default_rng(seed).normal(0, 2.0, luma.shape)
    return np.clip(luma + noise, 0, 255).astype(np.uint8)


def texts(reader: ZxingReader, *lumas: Luma, first: int = 1) -> list[list[str]]:
    return [
        sorted(code.text for code in reader.texts(at(number, noisy(luma, number))))
        for number, luma in enumerate(lumas, first)
    ]


def test_a_code_is_read_when_it_comes_held_while_it_stays_and_gone_when_it_goes() -> None:
    empty, held = scene(), put(scene(), qr(CODE, 4), 300, 200)
    found = texts(ZxingReader(), *[empty] * 3, *[held] * 14, *[empty] * 2)
    assert found == [[]] * 3 + [[CODE]] * 14 + [[]] * 2


def test_two_codes_far_apart_come_and_go_by_themselves() -> None:
    one = put(scene(), qr(CODE, 4), 40, 40)
    both = put(one.copy(), qr(OTHER, 4), 450, 300)
    found = texts(ZxingReader(), scene(), one, one, both, both, one, one)
    assert found == [[], [CODE], [CODE], sorted([CODE, OTHER]), sorted([CODE, OTHER]), [CODE], [CODE]]


def test_a_code_that_becomes_readable_where_it_is_is_read_then() -> None:
    reader, held = ZxingReader(), put(scene(), qr(CODE, 4), 300, 200)
    side = qr(CODE, 4).shape[0]
    pale, area = held.copy(), np.s_[200 : 200 + side, 300 : 300 + side]
    pale[area] = np.clip(held[area].astype(int), 124, 127)
    assert texts(reader, pale, pale, held) == [[], [], [CODE]]


def test_corners_are_those_of_the_whole_picture_though_a_part_was_read() -> None:
    reader, held = ZxingReader(), put(scene(), qr(CODE, 4), 304, 200)
    (whole,) = ZxingReader().texts(at(1, held))
    reader.texts(at(1, scene()))
    (part,) = reader.texts(at(2, held))
    assert np.abs(np.array(part.corners) - np.array(whole.corners)).max() < 1.5


def test_a_still_picture_is_not_read_again() -> None:
    reader, held = ZxingReader(), put(scene(), qr(CODE, 4), 300, 200)
    first = reader.texts(at(1, held))
    covered = held.copy()
    covered[200:208, 300:308] ^= 3  # less than noise
    assert reader.texts(at(2, covered)) == first


def test_a_mark_that_looks_the_same_is_the_same_and_a_hand_before_it_is_seen_at_once() -> None:
    reader = ArucoReader()
    shown = put(scene(), marker(7, 60), 40, 60)
    place = around(50, 70, 60)
    hand = shown.copy()
    hand[60:150, 40:90] = 140
    number = 0
    for luma, seen in ((shown, True), (shown, True), (hand, False), (hand, False), (shown, True)):
        number += 1
        found = reader.markers(at(number, noisy(luma, number)), place)
        assert bool(found) is seen, number
    again = ArucoReader().markers(at(number, noisy(shown, number)), place)
    assert [each.number for each in found] == [each.number for each in again] == [7]
