"""Rates out of scores: each is what counting gives, and bounds are those of the binomial distribution."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.face.detect import Floats
from agent.models.rates import (
    FOLDS,
    NO_SCORE,
    Rate,
    accuracy,
    area,
    best_threshold,
    clopper_pearson,
    cosines,
    failed,
    scores,
    threshold_at,
)

SCORES = arrays.arrays(np.float32, st.integers(1, 30), elements=st.integers(-8, 8).map(lambda step: step / 8))


class TestRates:
    @settings(derandomize=True, max_examples=100)
    @given(
        arrays.arrays(np.float32, st.integers(1, 60), elements=st.floats(-1, 1, width=16)),
        st.sampled_from([0.0, 1e-4, 0.01, 0.1, 0.5, 0.9]),
    )
    def test_a_threshold_lets_no_more_through_than_its_rate_and_no_lower_one_does(
        self, impostor: Floats, rate: float
    ) -> None:
        found = threshold_at(impostor, rate)
        assert np.mean(impostor >= found) <= rate
        below = [float(score) for score in impostor if score < found]
        assert not below or np.mean(impostor >= max(below)) > rate

    @settings(derandomize=True, max_examples=60)
    @given(st.lists(st.sampled_from("abcd"), max_size=9), st.integers(0, 1000))
    def test_every_pair_is_scored_once(self, subjects: list[str], seed: int) -> None:
        vectors = np.random.default_rng(seed).normal(size=(len(subjects), 5)).astype(np.float32)
        genuine, impostor = scores(vectors, subjects)
        pairs = list(itertools.combinations(range(len(subjects)), 2))
        expected: dict[bool, list[float]] = {True: [], False: []}
        for one, other in pairs:
            expected[subjects[one] == subjects[other]].append(float(vectors[one] @ vectors[other]))
        np.testing.assert_allclose(np.sort(genuine), np.sort(expected[True]), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(np.sort(impostor), np.sort(expected[False]), rtol=1e-4, atol=1e-5)

    def test_a_row_of_zeros_matches_nobody_not_even_its_own_person(self) -> None:
        rows = np.array([[1, 0], [0, 0], [0, 0], [0.6, 0.8]], np.float32)
        assert failed(rows).tolist() == [False, True, True, False]
        found = cosines(rows, rows)
        assert found[0, 3] == np.float32(0.6) and (found[1] == NO_SCORE).all() and (found[:, 2] == NO_SCORE).all()
        genuine, impostor = scores(rows, ["a", "a", "b", "b"])
        assert sorted(genuine) == [NO_SCORE, NO_SCORE] and np.float32(0.6) in impostor

    def test_more_rows_than_one_block_are_all_compared(self) -> None:
        rows = np.random.default_rng(1).normal(size=(600, 4)).astype(np.float32)
        genuine, impostor = scores(rows, [str(place // 2) for place in range(600)])
        assert (genuine.size, impostor.size) == (300, 600 * 599 // 2 - 300)


class TestArea:
    @settings(derandomize=True, max_examples=60)
    @given(SCORES, SCORES)
    def test_it_is_the_share_of_pairs_in_the_right_order(self, genuine: Floats, impostor: Floats) -> None:
        pairs = [(float(one), float(other)) for one in genuine for other in impostor]
        right = sum(1.0 if one > other else 0.5 if one == other else 0.0 for one, other in pairs)
        assert area(genuine, impostor) == pytest.approx(right / len(pairs))


class TestAccuracy:
    @settings(derandomize=True, max_examples=80)
    @given(SCORES, st.integers(0, 1000))
    def test_no_threshold_tells_more_pairs_right_than_the_best(self, found: Floats, seed: int) -> None:
        same = np.random.default_rng(seed).random(found.size) < 0.5
        best = np.count_nonzero((found >= best_threshold(found, same)) == same)
        cuts = [-2.0, *(float(score) + 1 / 16 for score in found)]
        assert best == max(np.count_nonzero((found >= cut) == same) for cut in cuts)

    def test_a_fold_is_told_by_the_threshold_of_the_others(self) -> None:
        # In fold 0 the scores are turned round: its own threshold would tell them right, that of the others cannot.
        folds = np.repeat(np.arange(FOLDS), 2)
        same = np.tile([True, False], FOLDS)
        found = np.where(same, 0.8, 0.2).astype(np.float32)
        found[:2] = found[:2][::-1]
        told = accuracy(found, same, np.stack((folds, folds)))
        assert (told.hits, told.of) == (2 * FOLDS - 2, 2 * FOLDS)

    def test_a_pair_with_one_person_in_the_fold_does_not_choose_its_threshold(self) -> None:
        left, right = np.array([0, 1, 1, 1, 1, 1]), np.array([0, 1, 1, 0, 0, 0])
        same = np.array([True, True, False, False, False, False])
        found = np.array([0.5, 0.4, 0.2, 0.6, 0.6, 0.6], np.float32)
        # Fold 0 is told by the second and third alone, at 0.3: right. The last three would push that above 0.6. Fold 1
        # has the first alone to go by, so that all are taken for the same: right for one of five.
        assert accuracy(found, same, np.stack((left, right))) == Rate(2, 6)

    def test_with_one_fold_alone_nothing_can_be_told(self) -> None:
        folds = np.zeros((2, 3), np.intp)
        assert accuracy(np.ones(3, np.float32), np.ones(3, bool), folds) == Rate(0, 0)


def reached(hits: int, of: int, share: float) -> float:
    """The chance of at least so many hits."""
    return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(hits, of + 1))


class TestBounds:
    @settings(derandomize=True, max_examples=80)
    @given(st.integers(1, 60).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
    def test_at_a_bound_the_count_is_in_the_outer_fortieth(self, trial: tuple[int, int]) -> None:
        hits, of = trial
        low, high = clopper_pearson(hits, of)
        assert 0.0 <= low <= hits / of <= high <= 1.0
        if hits:
            assert reached(hits, of, low) == pytest.approx(0.025, rel=1e-6)
        if hits < of:
            assert 1 - reached(hits + 1, of, high) == pytest.approx(0.025, rel=1e-6)

    @pytest.mark.parametrize(
        ("hits", "of", "low", "high"),
        [(0, 10, 0.0, 0.3085), (1, 10, 0.0025, 0.4450), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0)],
    )
    def test_published_values(self, hits: int, of: int, low: float, high: float) -> None:
        assert clopper_pearson(hits, of) == pytest.approx((low, high), abs=5e-5)

    def test_millions_of_trials_and_parts_of_a_hit(self) -> None:
        low, high = clopper_pearson(2000, 30_000_000)
        spread = 1.96 * math.sqrt(2000) / 30_000_000
        assert low == pytest.approx(2000 / 3e7 - spread, rel=5e-3)
        assert high == pytest.approx(2000 / 3e7 + spread, rel=5e-3)
        between = [clopper_pearson(hits, 800) for hits in (2, 2.5, 3)]
        assert between == sorted(between)

    def test_without_a_trial_nothing_is_known(self) -> None:
        nothing = Rate(0, 0)
        assert nothing.value is None and nothing.bounds == (0.0, 1.0)
