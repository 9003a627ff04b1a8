"""A part of the proof of hostile documents (bench/people/hostile.py); its whole is `scripts/prove vault`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bench.people.hostile import Attempt, Town, envelopes, receipts, withdrawal_codes


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(seed=7)


@pytest.mark.parametrize("make", [receipts, envelopes, withdrawal_codes])
def test_none_of_them_is_accepted(town: Town, make: Callable[[Town, int], Iterator[Attempt]]) -> None:
    made = list(make(town, 400))
    assert len(made) == 400 and len({each.kind for each in made}) >= 4
    assert [each.kind for each in made if each.accepted] == []
