"""The page's words hold one entry for each wire name, no more; its provisions are those of the profiles.

`python -m tests.dashboard.test_words --write` writes provisions.js again.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from agent.adapters.mqtt import Broker
from agent.events import wire
from agent.events.bodies import Backend, EraseStrength, Met, Stage, State
from agent.events.decision import Outcome
from agent.events.seal import ACT_WITHIN_S
from agent.events.wire import Kind
from agent.policy.fields import Mode
from agent.policy.grounds import Ground
from agent.policy.profiles import PROFILES
from agent.policy.proof import SOON_DAYS, Proof
from agent.policy.rules import OBLIGATIONS
from agent.report.provisions import CHINESE_PROVISIONS
from tests.dashboard.browser import chromium
from tests.dashboard.files import FOLDER, served

WORDS = ("english", "chinese", "provisions")


def provisions() -> str:
    table = {
        name.value: {ground.value: profile.provisions[ground] for ground in Ground if profile.binds(ground)}
        for name, profile in PROFILES.items()
    }
    chinese = {english: list(CHINESE_PROVISIONS[english]) for all_of in table.values() for english in all_of.values()}
    head = (
        "// Made from the policy's profiles: profile -> ground -> provision, and what that is in Chinese, [article,\n"
    )
    head += "// what it asks for]. See tests/dashboard/test_words.py.\n"
    return (
        f"{head}export const PROVISIONS = {json.dumps(table, indent=1, ensure_ascii=False)};\n"
        f"export const CHINESE_PROVISIONS = {json.dumps(chinese, indent=1, ensure_ascii=False)};\n"
    )


@pytest.fixture(scope="module")
def both() -> Iterator[dict[str, Any]]:
    """What words.js exports, as the browser understands it; `LANGUAGES` holds English and Chinese."""
    with served() as address, chromium() as browser:
        page = browser.new_page()
        page.goto(f"{address}/icon.svg")
        yield page.evaluate(
            """import('/words.js').then(({LANGUAGES, MARKS, OUTCOMES, PASSES_CLOSED, ACT_WITHIN_S, SOON_DAYS}) =>
                 ({LANGUAGES, MARKS, OUTCOMES, PASSES_CLOSED, ACT_WITHIN_S, SOON_DAYS}))"""
        )


@pytest.fixture(params=["en", "zh"])
def words(both: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    language: dict[str, Any] = both["LANGUAGES"][request.param]
    return language


def test_both_languages_say_the_same_things_with_the_same_blanks(both: dict[str, Any]) -> None:
    def shape(said: Any) -> Any:
        if isinstance(said, dict):
            return {name: shape(each) for name, each in said.items()}
        if isinstance(said, list):
            return [shape(each) for each in said]
        return sorted(re.findall(r"\{\w+\}", said))

    english, chinese = both["LANGUAGES"]["en"], both["LANGUAGES"]["zh"]
    assert shape(english) == shape(chinese)
    untold = {name for name, text in english["say"].items() if not text} - {"none"}
    assert untold == set()


def test_every_word_of_the_page_is_said_and_every_said_word_is_on_the_page(both: dict[str, Any]) -> None:
    said = both["LANGUAGES"]["en"]["say"].keys()
    html = (FOLDER / "index.html").read_text("utf-8")
    asked = set(re.findall(r'data-say(?:-label|-hint|-alt)?="([^"]+)"', html))
    assert asked <= said
    code = html + "".join(path.read_text("utf-8") for path in FOLDER.glob("*.js") if path.stem not in WORDS)
    unused = {name for name in said if f'"{name}"' not in code and not name.startswith("theme-")}
    assert unused == set()


def test_every_ground_has_a_title_a_reason_and_what_to_do(words: dict[str, Any]) -> None:
    assert words["GROUNDS"].keys() == {ground.value for ground in Ground}
    stop = "." if words["tag"] == "en" else "。"
    for title, why, todo in words["GROUNDS"].values():
        assert 2 <= len(title) <= 32 and why.endswith(stop) and todo.endswith(stop)


def test_every_obligation_says_what_is_met(words: dict[str, Any], both: dict[str, Any]) -> None:
    assert words["OBLIGATIONS"].keys() == {each.ground.value for each in OBLIGATIONS}
    assert words["MET"].keys() == both["MARKS"].keys() == {met.value for met in Met}
    assert len(set(both["MARKS"].values())) == len(Met), "no two states look the same without colour"
    assert words["EVIDENCE"].keys() == {*(proof.value for proof in Proof), "keys", "place", "filing-left"}
    assert both["SOON_DAYS"] == SOON_DAYS, "what an obligation's state and an alert call soon is the same"


def test_every_outcome_and_state_has_words(words: dict[str, Any], both: dict[str, Any]) -> None:
    assert words["OUTCOMES"].keys() == both["OUTCOMES"].keys() == {*(outcome.value for outcome in Outcome), "sealed"}
    links = {json.loads(said)["state"] for said in (wire.OFFLINE, wire.RECOGNISER_LOST)}
    own = {"waiting", "silent", "forged", "no-broker", "no-link"}
    assert words["STATES"].keys() == {*(state.value for state in State), *links, *own}
    assert words["BROKER"].keys() == {*(state.value for state in Broker), "none"}
    assert both["ACT_WITHIN_S"] == ACT_WITHIN_S
    assert set(both["PASSES_CLOSED"]) < words["GROUNDS"].keys()


def test_every_name_on_a_card_has_words(words: dict[str, Any]) -> None:
    kinds = {kind.value for kind in Kind}
    stages = {f"{stage.value}-stage" if stage is Stage.IDENTIFY else stage.value for stage in Stage}
    shown = {each.value for each in (*Mode, *EraseStrength, *Backend)} - {Backend.PLAIN.value}
    assert words["NAMES"].keys() == kinds | stages | shown


def test_every_verdict_on_a_signature_has_words(words: dict[str, Any]) -> None:
    source = (FOLDER / "verify.js").read_text("utf-8")
    table = source[source.index("export const WHY = {") : source.index("};", source.index("export const WHY"))]
    verdicts = set(re.findall(r'^  "?([a-z0-9-]+)"?: "', table, re.MULTILINE))
    assert len(verdicts) > 10 and words["why"].keys() == verdicts


def test_the_provisions_are_those_of_the_profiles() -> None:
    assert (FOLDER / "provisions.js").read_text("utf-8") == provisions(), (
        "run: python -m tests.dashboard.test_words --write"
    )


if __name__ == "__main__" and "--write" in sys.argv:
    (FOLDER / "provisions.js").write_text(provisions(), "utf-8")
