"""The account of passes: what is taken counts, what is given back does not."""

from __future__ import annotations

from dataclasses import replace

from agent.gallery.passes_uses import PassUse, Uses
from agent.units import PassId

USE = PassUse(PassId("aa"), "4" * 64, 20_000, None)


def test_what_is_taken_counts_for_pass_key_and_day() -> None:
    uses = Uses()
    for _ in range(2):
        uses.take(USE)
    uses.take(replace(USE, pass_id=PassId("bb")))
    assert (uses.of(PassId("aa")), uses.of(PassId("bb")), uses.of(PassId("cc"))) == (2, 1, 0)
    assert (uses.on(USE.key, 20_000), uses.on(USE.key, 20_001), uses.on("5" * 64, 20_000)) == (3, 0, 0)
    assert uses.last_code(PassId("aa")) == -1


def test_days_long_gone_are_forgotten() -> None:
    uses = Uses()
    for day in (20_000, 20_001, 20_002):
        uses.take(replace(USE, day=day))
    assert [uses.on(USE.key, day) for day in (20_000, 20_001, 20_002)] == [0, 1, 1]
    assert uses.of(USE.pass_id) == 3


def test_what_is_given_back_is_as_it_was_and_older_codes_stay_used() -> None:
    uses = Uses(codes={USE.pass_id: 100})
    use = replace(USE, code=130)
    uses.take(use)
    assert uses.last_code(USE.pass_id) == 130
    uses.take(replace(USE, code=115))
    assert uses.last_code(USE.pass_id) == 130
    uses.give_back(use)
    assert (uses.of(USE.pass_id), uses.on(USE.key, USE.day), uses.last_code(USE.pass_id)) == (1, 1, 129)
    uses.give_back(USE)
    assert (uses.of(USE.pass_id), uses.last_code(USE.pass_id)) == (0, 129)


def test_the_account_is_a_copy_of_what_it_began_with() -> None:
    kept = {USE.pass_id: 1}
    Uses(kept).take(USE)
    assert kept == {USE.pass_id: 1}
