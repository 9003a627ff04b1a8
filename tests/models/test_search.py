"""1:N by gallery size: the sums are those over every gallery that can be formed, counted one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from agent.models.search import FPIRS, PICTURES, SIZES, Search, measured


def people(count: int, seed: int, spread: float = 0.6, pictures: int = 2) -> tuple[np.ndarray, list[str]]:
    """Pictures of invented people: a direction of their own and some noise."""
    chance = np.random.default_rng(seed)
    own = chance.normal(size=(count, 1, 6))
    rows = (own + spread * chance.normal(size=(count, pictures, 6))).reshape(-1, 6)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), [f"s{place // pictures:03}" for place in range(count * pictures)]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("threshold", [0.2, 0.6, 0.9])
def test_rates_are_means_over_all_galleries(size: int, threshold: float) -> None:
    rows, subjects = people(5, 1)
    made = Search.of(rows, subjects)
    # With two pictures each, the first is the reference and the second the mated probe.
    references, probes = rows[::2], rows[1::2]
    wrong, missed = [], []
    for person in range(5):
        others = [each for each in range(5) if each != person]
        for gallery in itertools.combinations(others, size):
            shown = rows[[2 * person, 2 * person + 1]] @ references[list(gallery)].T
            wrong.append(np.mean((shown >= threshold).any(axis=1)))
        for rest in itertools.combinations(others, size - 1):
            own = probes[person] @ references[person]
            best = max((float(probes[person] @ references[each]) for each in rest), default=-1.0)
            missed.append(not (own >= threshold and own >= best))
    assert made.false_positives(size, threshold).value == pytest.approx(np.mean(wrong))
    assert made.false_negatives(size, threshold).value == pytest.approx(np.mean(missed))
    assert (made.false_positives(size, threshold).of, made.false_negatives(size, threshold).of) == (5, 5)


def test_a_reference_is_made_of_few_pictures_and_never_of_the_probe() -> None:
    rows, subjects = people(3, 2, pictures=PICTURES + 3)
    made = Search.of(rows, subjects)
    last = np.arange(PICTURES + 2, len(rows), PICTURES + 3)
    assert np.flatnonzero(~np.isnan(made.own)).tolist() == last.tolist()
    for person, place in enumerate(last):
        mean = rows[place - PICTURES - 2 : place - 2].mean(axis=0)
        assert made.own[place] == pytest.approx(float(rows[place] @ mean / np.linalg.norm(mean)), abs=1e-5)
        assert made.who[place] == person


def test_who_has_one_picture_is_a_stranger_and_a_filler_but_no_mated_probe() -> None:
    rows, subjects = people(4, 3)
    made = Search.of(rows[:-1], subjects[:-1])
    assert made.false_negatives(2, 0.5).of == 3 and made.false_positives(2, 0.5).of == 4


@pytest.mark.parametrize("fpir", [0.3, 0.1, 0.01])
def test_a_threshold_is_the_lowest_that_keeps_the_target(fpir: float) -> None:
    made = Search.of(*people(40, 4))
    at = made.threshold(10, fpir)
    kept, broken = made.false_positives(10, at).value, made.false_positives(10, at - 0.001).value
    assert kept is not None and broken is not None and kept <= fpir < broken


def test_points_rise_with_the_size_and_end_where_people_do() -> None:
    chosen_on, reported_on = Search.of(*people(130, 5)), Search.of(*people(120, 6))
    points = measured(chosen_on, reported_on)
    assert [(at.fpir, at.people) for at in points] == [(fpir, n) for fpir in FPIRS for n in SIZES if n < 120]
    for before, after in itertools.pairwise(points):
        if before.fpir == after.fpir:
            assert before.threshold <= after.threshold
    first = points[0]
    assert first.threshold == chosen_on.threshold(first.people, first.fpir)
    assert first.false_positives == reported_on.false_positives(first.people, first.threshold)
    assert first.false_negatives == reported_on.false_negatives(first.people, first.threshold)


def test_too_few_people_give_no_point() -> None:
    few = Search.of(*people(SIZES[0], 7))
    assert measured(few, few) == ()
