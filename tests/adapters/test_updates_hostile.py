"""A part of `scripts/prove policy` in every run of the tests: of each class of hostile repositories some cases."""

from __future__ import annotations

from itertools import islice

import pytest

from bench.policy import CLASSES
from bench.policy.arena import Arena
from bench.policy.case import controls

EVERY = 14


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    return Arena(tmp_path_factory.mktemp("arena"))


@pytest.mark.parametrize("kind", CLASSES)
def test_nothing_of_a_hostile_repository_is_accepted(arena: Arena, kind: str) -> None:
    told = [(name, carry_out()) for name, carry_out in islice(CLASSES[kind](arena), 0, None, EVERY)]
    assert told and [(name, fault) for name, fault in told if fault is not None] == []


def test_what_is_not_hostile_is_taken(arena: Arena) -> None:
    told = [(name, carry_out()) for name, carry_out in controls(arena)]
    assert len(told) == 10 and [(name, fault) for name, fault in told if fault is not None] == []
