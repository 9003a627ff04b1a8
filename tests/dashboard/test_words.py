"""The page's words hold one entry for each wire name, no more; its provisions are those of the profiles.

`python -m tests.dashboard.test_words --write` writes provisions.js again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from agent.adapters.mqtt import Broker
from agent.events import wire
from agent.events.bodies import Met, State
from agent.events.decision import Outcome
from agent.events.seal import ACT_WITHIN_S
from agent.policy.grounds import Ground
from agent.policy.profiles import PROFILES
from agent.policy.rules import OBLIGATIONS
from agent.report.provisions import CHINESE_PROVISIONS
from tests.dashboard.browser import chromium
from tests.dashboard.files import FOLDER, served


def provisions() -> str:
    table = {
        name.value: {ground.value: profile.provisions[ground] for ground in Ground if profile.binds(ground)}
        for name, profile in PROFILES.items()
    }
    chinese = {english: list(CHINESE_PROVISIONS[english]) for all_of in table.values() for english in all_of.values()}
    head = "// Made from the policy's profiles: profile -> ground -> provision, and what that is in Chinese, [article, what\n"
    head += "// it asks for]. See tests/dashboard/test_words.py.\n"
    return (
        f"{head}export const PROVISIONS = {json.dumps(table, indent=1, ensure_ascii=False)};\n"
        f"export const CHINESE_PROVISIONS = {json.dumps(chinese, indent=1, ensure_ascii=False)};\n"
    )


@pytest.fixture(scope="module")
def words() -> Iterator[dict[str, Any]]:
    """Everything that words.js exports, as the browser understands it."""
    with served() as address, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{address}/icon.svg")
        yield page.evaluate("import('/words.js').then(words => ({...words, provision: null}))")


def test_every_ground_has_a_title_and_a_reason(words: dict[str, Any]) -> None:
    assert words["GROUNDS"].keys() == {ground.value for ground in Ground}
    for title, why in words["GROUNDS"].values():
        assert 3 <= len(title) <= 32 and why.endswith(".")


def test_every_obligation_says_what_is_met(words: dict[str, Any]) -> None:
    assert words["OBLIGATIONS"].keys() == {each.ground.value for each in OBLIGATIONS}
    assert words["MARKS"].keys() == {met.value for met in Met}
    assert len(set(words["MARKS"].values())) == len(Met), "no two states look the same without colour"


def test_every_outcome_and_state_has_words(words: dict[str, Any]) -> None:
    assert words["OUTCOMES"].keys() == {*(outcome.value for outcome in Outcome), "sealed"}
    links = {json.loads(said)["state"] for said in (wire.OFFLINE, wire.RECOGNISER_LOST)}
    assert words["STATES"].keys() == {*(state.value for state in State), *links, "waiting", "no-broker", "no-link"}
    assert words["BROKER"].keys() == {state.value for state in Broker}
    assert words["ACT_WITHIN_S"] == ACT_WITHIN_S
    assert set(words["PASSES_CLOSED"]) < words["GROUNDS"].keys()


def test_the_provisions_are_those_of_the_profiles() -> None:
    assert (FOLDER / "provisions.js").read_text("utf-8") == provisions(), (
        "run: python -m tests.dashboard.test_words --write"
    )


if __name__ == "__main__" and "--write" in sys.argv:
    (FOLDER / "provisions.js").write_text(provisions(), "utf-8")
