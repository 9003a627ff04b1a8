"""Restrictions as the authority writes them are what the device's own reader reads."""

from __future__ import annotations

import pytest

from agent.errors import ConfigError
from agent.policy.bundle import Restriction, VerifiedTarget, restriction
from agent.policy.zones import Zone, ZoneClass
from agent.site.restrictions import extra_zone, revoked_pass, stop_order, withdrawal
from tests.gallery.passes_given import ID, ON_PHONE, text, turned

UNTIL = 1_900_000_000.0
RING = ((11.0, 48.0), (11.1, 48.0), (11.1, 48.1), (11.0, 48.0))


def read(made: tuple[str, bytes]) -> Restriction:
    path, data = made
    return restriction(VerifiedTarget("restriction", path, data))


def test_a_withdrawal_is_for_good_unless_dated() -> None:
    path, _ = withdrawal("p-104")
    found = read(withdrawal("p-104"))
    assert path == "restriction/withdraw-p-104.json"
    assert (found.kind, found.subject, found.until, found.id) == ("withdraw", "p-104", None, "withdraw-p-104")
    assert not read(withdrawal("p-104", UNTIL)).in_force(UNTIL)


def test_a_stop_order_ends_by_its_date() -> None:
    found = read(stop_order("fair", UNTIL))
    assert found.kind == "stop" and found.in_force(UNTIL - 1) and not found.in_force(UNTIL)


@pytest.mark.parametrize("named", [ID, ID.upper(), text(), turned(text(ON_PHONE))])
def test_a_pass_is_revoked_by_its_number_or_its_code(named: str) -> None:
    found = read(revoked_pass(named))
    assert (found.kind, found.pass_id, found.until, found.id) == ("revoke-pass", ID, None, f"revoke-{ID}")


@pytest.mark.parametrize("named", ["", "p-1", ID[:-1], ID + "0", "DW1:", "DW1:é", "https://example.org"])
def test_what_is_no_pass_is_not_revoked(named: str) -> None:
    with pytest.raises(ConfigError, match="16 hex digits"):
        revoked_pass(named)


def test_an_extra_zone_arrives_as_it_was_drawn() -> None:
    geometry = {"type": "Polygon", "coordinates": (RING,)}
    zone = Zone.model_validate({"id": "school", "class": ZoneClass.SCHOOL, "geometry": geometry, "buffer_m": 20.0})
    assert read(extra_zone(zone)).zone == zone


def test_orders_of_different_names_are_different_targets() -> None:
    assert stop_order("a")[0] != stop_order("b")[0] != withdrawal("b")[0]


@pytest.mark.parametrize("subject", ["", "Zaphod B", "p_1", "-a", "a/b", "../x", "a" * 55, "é", "p-1\n"])
def test_what_is_no_pseudonym_is_refused_and_not_repeated(subject: str) -> None:
    with pytest.raises(ConfigError, match="subjects and names are a-z") as caught:
        withdrawal(subject)
    assert subject == "" or len(subject) < 4 or subject not in str(caught.value)


def test_the_longest_pseudonym_fits() -> None:
    assert read(withdrawal("a" * 54)).subject == "a" * 54
