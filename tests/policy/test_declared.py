"""What people declare: from one day until a later one, an age by its band, comparison one to one or against all."""

from __future__ import annotations

from typing import Any

import pytest

from agent.errors import PolicyError
from agent.policy.fields import AgeBand, Mode
from tests.policy.given import DATED, NOW_S, document, iso, law


@pytest.mark.parametrize("until_s", [NOW_S - 1, NOW_S])
@pytest.mark.parametrize("name", ["necessity", "assessment", "alternatives"])
def test_what_ends_before_it_begins_is_not_read(name: str, until_s: float) -> None:
    dates = {"on": iso(NOW_S), "until": iso(until_s)}
    changed: Any = [DATED | {"way": "staff"} | dates] if name == "alternatives" else document()[name] | dates
    with pytest.raises(PolicyError, match=rf"{name}.*: .*until must lie after on"):
        law(**{name: changed})


def test_a_declaration_holds_from_its_first_moment_until_before_its_last() -> None:
    dates = {"on": iso(NOW_S), "until": iso(NOW_S + 1)}
    held = law(necessity=document()["necessity"] | dates).policy.document.necessity
    assert held is not None
    assert [held.covers(NOW_S + after) for after in (-0.001, 0, 0.999, 1)] == [False, True, True, False]


def test_an_age_that_is_not_declared_may_be_any() -> None:
    youngest = {band: band.youngest for band in AgeBand}
    assert youngest == {
        AgeBand.UNDER_14: 0,
        AgeBand.FROM_14: 14,
        AgeBand.FROM_16: 16,
        AgeBand.ADULT: 18,
        AgeBand.UNKNOWN: 0,
    }


@pytest.mark.parametrize("mode", list(Mode))
def test_one_to_one_is_one_mode(mode: Mode) -> None:
    assert law(mode=mode.value).one_to_one == (mode is Mode.VERIFY)
