"""The alternative is alive only while the real reader reads its daily test and pictures come."""

from __future__ import annotations

import numpy as np
import pytest

from agent.adapters.drawn import drawn
from agent.adapters.qr import ZxingReader
from agent.app.alternative import AGAIN_S, DAY_S, SelfTest, self_test, unseen
from agent.policy.circumstances import Surroundings
from agent.policy.grounds import Ground
from agent.units import Luma
from tests.policy.given import AROUND, DATED, NOW_S, SECOND, iso, law

PASS_ONLY = {
    "alternatives": [{**DATED, "way": "pass"}],
    "pass_keys": [{"key": "4" * 64, "doors": ["main"], "until": iso(NOW_S + 9)}],
}


class Reader:
    """The real reader behind glass that may be dirty."""

    def __init__(self) -> None:
        self.dirty, self.texts = False, list[tuple[str, ...]]()

    def __call__(self, luma: Luma) -> tuple[str, ...]:
        self.texts.append(ZxingReader().in_picture(np.full_like(luma, 90) if self.dirty else luma))
        return self.texts[-1]


def test_the_reader_that_passes_go_through_is_tested() -> None:
    said = list[str]()
    assert self_test(said.append).alive(0.0) and said == []


def test_it_is_tested_at_start_and_every_day_with_a_code_of_its_own() -> None:
    reader, said = Reader(), list[str]()
    test = SelfTest(reader, said.append)
    assert all(test.alive(now_s) for now_s in (5.0, 6.0, 5.0 + DAY_S - 1))
    assert len(reader.texts) == 1
    assert test.alive(5.0 + DAY_S) and len(set(reader.texts)) == 2
    assert said == []


def test_a_reader_that_fails_is_not_alive_until_it_reads_again() -> None:
    reader, said = Reader(), list[str]()
    test = SelfTest(reader, said.append)
    reader.dirty = True
    assert not test.alive(0.0) and not test.alive(AGAIN_S - 1)
    assert (len(reader.texts), len(said)) == (1, 1) and "self-test" in said[0]
    reader.dirty = False
    assert not test.alive(AGAIN_S - 1), "nobody has read it yet"
    assert test.alive(AGAIN_S)


def test_a_test_is_no_pass() -> None:
    assert ZxingReader().in_picture(drawn("DOORWARD SELF-TEST 00FF")) == ("DOORWARD SELF-TEST 00FF",)


@pytest.mark.parametrize("ground", [Ground.NO_FRAMES, Ground.NO_POLICY, Ground.VIEW_MISMATCH, Ground.MODE_BLIND])
def test_without_a_picture_a_pass_is_no_alternative(ground: Ground) -> None:
    assert unseen((ground,), law(**PASS_ONLY), lambda _: AROUND, SECOND) == (ground, Ground.ALTERNATIVE_MISSING)


def never(now_ns: int) -> Surroundings:
    raise AssertionError("while pictures come, nothing is worked out twice")


def test_staff_needs_no_picture_and_other_grounds_say_nothing_of_it() -> None:
    assert unseen((Ground.NO_FRAMES,), law(), lambda _: AROUND, SECOND) == (Ground.NO_FRAMES,)
    assert unseen((Ground.STOPPED,), law(**PASS_ONLY), lambda _: AROUND, SECOND) == (Ground.STOPPED,)
    assert unseen((), law(**PASS_ONLY), never, SECOND) == ()
    assert unseen((Ground.NO_POLICY,), None, lambda _: AROUND, SECOND) == (Ground.NO_POLICY,)
    both = (Ground.NO_FRAMES, Ground.ALTERNATIVE_MISSING)
    assert unseen(both, law(**PASS_ONLY), lambda _: AROUND, SECOND) == both
