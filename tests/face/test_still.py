"""An empty scene that stays as it is needs no detector; anything that changes does, and nothing waits for long."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from agent.face.still import LONGEST_NS, Still
from agent.face.tiles import MOVED
from agent.policy.frames import PermittedFrame
from agent.units import Rgb
from tests.face.given import HEIGHT, VIEW, WIDTH
from tests.policy.given import SECOND, permitted

WALL = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
STEP = SECOND // 15


def noisy(seed: int, strength: float = 2.0) -> Rgb:
    noise = np.random.default_rng(seed).normal(0, strength, WALL.shape)
    return np.clip(WALL + noise, 0, 255).astype(np.uint8)


def frame(number: int, picture: Rgb, at_ns: int | None = None) -> PermittedFrame:
    return permitted(number, number * STEP if at_ns is None else at_ns, picture, view=VIEW)


def holds(still: Still, *pictures: Rgb) -> list[bool]:
    return [still.holds(frame(number, picture), anybody=False) for number, picture in enumerate(pictures, 1)]


def test_the_first_frame_is_searched_and_a_sensor_s_noise_alone_calls_for_nothing() -> None:
    assert holds(Still(), *(noisy(seed) for seed in range(5))) == [False, True, True, True, True]


@pytest.mark.parametrize("where", [(0, 0), (HEIGHT - 24, WIDTH - 16), (200, 300)])
def test_whatever_moves_is_searched_on_that_very_frame(where: tuple[int, int]) -> None:
    changed = WALL.copy()
    changed[where[0] : where[0] + 24, where[1] : where[1] + 16] += MOVED + 8
    assert holds(Still(), WALL, WALL, changed, changed, WALL) == [False, True, False, True, False]


def test_what_comes_slowly_is_measured_from_the_last_frame_that_was_searched() -> None:
    darker = [(WALL - 5 * step).astype(np.uint8) for step in range(5)]
    assert holds(Still(), *darker) == [False, True, True, False, True]


def test_no_frame_goes_unsearched_for_long() -> None:
    searched = [number for number, still in enumerate(holds(Still(), *[WALL] * 30), 1) if not still]
    gaps = [(after - before) * STEP for before, after in pairwise(searched)]
    assert max(gaps) <= LONGEST_NS + STEP and len(searched) > 3


def test_while_anybody_is_tracked_every_frame_is_searched_and_so_is_the_first_without_them() -> None:
    still = Still()
    assert [still.holds(frame(number, WALL), anybody=True) for number in (1, 2, 3)] == [False] * 3
    assert not still.holds(frame(4, WALL), anybody=False)
    assert still.holds(frame(5, WALL), anybody=False)


def test_a_frame_of_another_size_or_an_earlier_time_is_searched() -> None:
    still = Still()
    assert not still.holds(frame(9, WALL), anybody=False)
    assert not still.holds(frame(8, WALL), anybody=False), "time went back"
    small = {"width": WIDTH // 2, "height": HEIGHT // 2}
    other = permitted(10, 9 * STEP, np.ascontiguousarray(WALL[::2, ::2]), view=small)
    assert not still.holds(other, anybody=False)
