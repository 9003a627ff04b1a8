"""The search in halves gives the answer of a search in 32-bit floats: the same row, and its score within rounding."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from agent.gallery.rows import Rows
from agent.units import Vector

ROUNDING = 2e-3
"""What twelve bits may cost a score at the very worst; the mean is forty times less."""


def unit(rows: np.ndarray) -> Vector:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


def people(seed: int, count: int, dimensions: int, alike: float) -> Vector:
    """Rows of length one; `alike` moves them together, as one family or one camera does."""
    chance = np.random.default_rng(seed)
    return unit(chance.standard_normal((count, dimensions)) + alike * chance.standard_normal(dimensions))


@settings(max_examples=120, deadline=None)
@given(
    seed=strategies.integers(0, 10_000),
    count=strategies.sampled_from([1, 2, 31, 32, 33, 400, 1500]),
    dimensions=strategies.sampled_from([7, 32, 128, 512]),
    alike=strategies.sampled_from([0.0, 0.5, 3.0]),
    near=strategies.floats(0.0, 1.0),
    least=strategies.floats(-0.9, 0.99),
)
def test_the_best_of_all_floats_is_the_best(
    seed: int, count: int, dimensions: int, alike: float, near: float, least: float
) -> None:
    vectors, chance = people(seed, count, dimensions, alike), np.random.default_rng(seed + 1)
    probe = unit(near * vectors[chance.integers(count)] + (1 - near) * unit(chance.standard_normal(dimensions)))
    true = vectors @ probe
    found = Rows(list(vectors), dimensions).best(probe, least)
    highest = float(true.max())
    if found is None:
        assert highest < least + ROUNDING
        return
    place, score = found
    assert score >= least
    assert abs(score - float(true[place])) < ROUNDING
    assert place == int(true.argmax()) or highest - float(true[place]) < ROUNDING, "only as good a one may stand in"


def test_the_error_of_a_score_is_a_thousandth_of_what_pictures_differ_by() -> None:
    vectors = people(3, 2000, 512, 0.3)
    errors = Rows(list(vectors), 512).scores(vectors[7], np.arange(2000)) - vectors @ vectors[7]
    assert float(np.std(errors)) < 8e-5


def test_the_first_of_equals_even_of_very_many() -> None:
    vectors = people(4, 3, 64, 0.0)
    many = [vectors[0], *[vectors[1]] * 700, vectors[2]]
    rows = Rows(many, 64)
    found = rows.best(vectors[1], 0.5)
    assert found is not None and found[0] == 1 and found[1] == pytest.approx(1.0, abs=ROUNDING)


def test_nobody_reaches_what_nobody_can() -> None:
    vectors = people(5, 500, 512, 0.0)
    rows = Rows(list(vectors), 512)
    assert rows.best(unit(np.random.default_rng(9).standard_normal(512)), 0.4) is None
    assert Rows([], 512).best(vectors[0], -1.0) is None


def test_a_part_holds_the_chosen_alone() -> None:
    vectors = people(6, 50, 33, 0.0)
    rows = Rows(list(vectors), 33)
    part = rows.part(np.array([3, 8, 40]))
    assert len(part) == 3 and part.best(vectors[8], 0.5) is not None
    assert part.best(vectors[9], 0.9) is None
    best = part.best(vectors[40], 0.5)
    assert best is not None and best[0] == 2
    assert rows.part(np.arange(50)) is rows


def test_a_template_takes_three_quarters_of_a_kilobyte() -> None:
    assert Rows(list(people(7, 100, 512, 0.0)), 512).nbytes == 100 * 768


def test_many_rows_are_searched_in_two_halves_at_once() -> None:
    vectors = people(8, 20_001, 32, 0.0)
    asked: list[int] = []
    with ThreadPoolExecutor(2) as threads:

        def spread(act: Callable[[int], object], each: Iterable[int]) -> Iterable[object]:
            starts = list(each)
            asked.extend(starts)
            return threads.map(act, starts)

        rows = Rows(list(vectors), 32, spread)  # type: ignore[arg-type]
        for place in (0, 10_000, 10_001, 20_000):
            found = rows.best(vectors[place], 0.5)
            assert found is not None and found[0] == place
    assert set(asked) == {0, 10_001}
