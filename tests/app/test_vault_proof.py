"""What the vault's proof counts with: its measure on cases that are known, and a part of its cases."""

from __future__ import annotations

import random

import numpy as np
import pytest

from agent.gallery.reference import unit
from bench.vault import erased, tamper
from bench.vault.linkage import COMPARISONS, Templates, flips, linkage, measured, under_one_key


def unseen(numbers: object, what: str, total: int) -> object:
    return numbers


def people(count: int = 6, pictures: int = 4, noise: float = 0.3) -> Templates:
    chance = np.random.default_rng(3)
    middles = np.repeat(chance.standard_normal((count, 192)), pictures, 0)
    rows = np.array([unit(row) for row in middles + noise * chance.standard_normal(middles.shape)])
    return Templates("made up", rows, np.repeat(np.arange(count), pictures))


@pytest.mark.parametrize(
    ("mated", "other", "d_sys"),
    [
        ([5, 5, 0, 0], [0, 0, 5, 5], 1.0),
        ([5, 5, 5, 5], [500, 500, 500, 500], 0.0),
        ([3, 1], [1, 3], 0.75 * 0.5),  # where it helps: 2 * 3 / 4 - 1, and there lie three of four
    ],
)
def test_the_measure_on_what_can_be_worked_out(mated: list[float], other: list[float], d_sys: float) -> None:
    assert measured(np.array(mated, float), np.array(other, float), 1).d_sys == pytest.approx(d_sys)


def test_templates_are_linked_under_one_key_and_not_across_keys() -> None:
    of = people()
    assert under_one_key(of).d_sys > 0.9
    across = linkage(of, unseen)
    assert (across.pairs, across.mated) == (199 * 100, 199 * 100 * 6 * 16)
    assert across.d_sys <= 0.010


def test_decisions_are_counted_with_the_galleries_own_rotation() -> None:
    of = people(20, 5)
    found = flips(of, 0.5, unseen)
    assert (found.comparisons, found.flips) == (COMPARISONS, 0)
    assert 0 < found.moved < 1e-5
    assert flips(of, float((of.rows @ of.rows.T)[0, 1]), unseen).flips > 0, "at a score itself rounding decides"


def test_whole_rows_open_and_changed_ones_do_not() -> None:
    assert tamper.sound()
    made = list(tamper.cases(random.Random(1)))
    assert len(made) >= 20_000
    chosen = random.Random(2).sample(made, 2000)
    assert not any(tamper.accepted(case) for case in chosen)
    assert len({what for what, _, _ in made}) > 20


def test_remains_are_found_where_they_are() -> None:
    with erased.device_of("plain") as device:
        device.enrol(range(3))
        traces = device.traces([0, 1])
        assert device.remains(traces) == 2
        assert device.remains([b"x" * 40]) == 0
        assert device.remains([traces[0][100:130]]) == 1
