"""The trusted clock with store and site behind it: some stories of `scripts/prove policy`, and what is written down."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from agent.adapters.store import Store
from agent.adapters.updates import Verified
from agent.app.timekeeping import BUILT_S, LEASE_S, RUN_S, hear, run_on, trusted_clock
from agent.units import DeviceId, SiteId
from bench.policy.clock import CLASSES
from bench.policy.town import Town

SECOND_NS = 1_000_000_000
ISSUED = BUILT_S + 5 * LEASE_S


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.mark.parametrize("kind", CLASSES)
def test_no_lying_clock_honours_what_is_over_or_locks_the_device_out(town: Town, kind: str) -> None:
    told = [(name, carry_out()) for name, carry_out in islice(CLASSES[kind](town), 3, None, 13)]
    assert told and [(name, fault) for name, fault in told if fault is not None] == []


@pytest.fixture
def store(state: Path) -> Store:
    return Store.open(state / "store.sqlite", site=SiteId("quay"), device=DeviceId("gate-1"), ledger_key=bytes(32))


def verified(issued_s: float, *keys: str) -> Verified:
    return Verified((), issued_s + LEASE_S, issued_s, 1, 1, 1, keys, True)


def test_a_new_device_knows_when_it_was_built(store: Store) -> None:
    assert trusted_clock(store, 0).floor(0) == BUILT_S


def test_what_was_heard_and_how_far_time_ran_is_known_after_a_start(store: Store) -> None:
    clock = trusted_clock(store, 0)
    hear(verified(ISSUED, "k"), clock, store, 0)
    run_on(clock, store, 40 * SECOND_NS)
    again = trusted_clock(store, 0)
    assert again.proved(0) == ISSUED + 40
    assert again.floor(0) == ISSUED + 40 + RUN_S  # it may have run on until the next line was due


def test_a_word_of_new_keys_that_is_older_than_that_of_the_keys_taken_away_voids_it(store: Store) -> None:
    clock = trusted_clock(store, 0)
    hear(verified(ISSUED + 300 * LEASE_S, "stolen"), clock, store, 0)
    assert clock.floor(0) == ISSUED + 300 * LEASE_S
    hear(verified(ISSUED, "fresh"), clock, store, 0)
    assert clock.floor(0) == ISSUED
    assert trusted_clock(store, 0).floor(0) == ISSUED
