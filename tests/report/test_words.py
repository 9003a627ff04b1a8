"""Both languages say the same things of the same names, and every name that the agent can write has its words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from typing import Any

import pytest

from agent.events.bodies import Met
from agent.events.decision import Outcome
from agent.gallery.passes import PassFault
from agent.policy.declared import Way
from agent.policy.fields import Mode, Place, ProfileName, Purpose
from agent.policy.grounds import Ground
from agent.policy.profiles import PROFILES
from agent.policy.rules import OBLIGATIONS
from agent.report.chinese import CHINESE
from agent.report.content import LANGUAGES
from agent.report.english import ENGLISH
from agent.report.period import Period
from agent.report.provisions import CHINESE_PROVISIONS
from agent.report.saying import Saying
from agent.report.words import Words

BOTH = pytest.mark.parametrize("words", [ENGLISH, CHINESE], ids=["en", "zh-Hans"])
DAY = Period(date(2030, 3, 11), date(2030, 3, 11), "UTC")


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from texts(each)


def test_the_languages_have_the_same_holes_to_fill() -> None:
    for field in fields(Words):
        if field.name == "provisions":
            continue
        english, chinese = (list(texts(getattr(words, field.name))) for words in (ENGLISH, CHINESE))
        holes = [[sorted(set(re.findall(r"{(\w+)}", text))) for text in said] for said in (english, chinese)]
        if field.name == "behind":  # Chinese says the number where English says the word
            holes = [each[2:] for each in holes]
        assert holes[0] == holes[1], field.name


@BOTH
def test_every_name_has_its_words(words: Words) -> None:
    for table, names in (
        (words.grounds, set(Ground)),
        (words.obligations, {each.ground for each in OBLIGATIONS}),
        (words.outcomes, set(Outcome)),
        (words.met, {*Met, None} - {Met.EXPIRING}),  # a report is of the past, and nothing is about to end there
        (words.ways_names, set(Way)),
        (words.places, set(Place)),
        (words.purposes, set(Purpose)),
        (words.modes, set(Mode)),
        (words.profiles, set(ProfileName)),
        (words.faults, {*words.faults, *(fault.value for fault in PassFault)}),
    ):
        assert set(table) == names
        assert len(set(table.values())) == len(table), "no two names read the same"


def test_every_provision_is_there_in_chinese_and_none_besides() -> None:
    used = {text for profile in PROFILES.values() for text in profile.provisions.values()}
    assert set(CHINESE_PROVISIONS) == used
    for text, (heading, asks) in CHINESE_PROVISIONS.items():
        assert CHINESE.provision(text) == (heading, asks)
        assert re.search(r"[\u4e00-\u9fff]", heading + asks)
        for number in re.findall(r"\d+", text.partition(": ")[0].replace("art. ", "")):
            assert number in heading or "《" in heading, text
    assert ENGLISH.provision("house rule: anyone may narrow") == ("House rule", "anyone may narrow")
    assert ENGLISH.provision("GDPR art. 7: consent is free: really") == ("GDPR art. 7", "consent is free: really")


def test_the_languages_are_those_of_the_command() -> None:
    assert set(LANGUAGES) == {"en", "zh-Hans"}


@pytest.mark.parametrize(
    ("milliseconds", "english", "chinese"),
    [
        (0, "0 s", "0 秒"),
        (999, "under 1 s", "不足 1 秒"),
        (1000, "1 s", "1 秒"),
        (61_000, "1 min 1 s", "1 分 1 秒"),
        (3_600_000, "1 h", "1 小时"),
        (3_605_000, "1 h", "1 小时"),
        (90_061_000, "1 d 1 h", "1 天 1 小时"),
    ],
)
def test_a_length_has_its_two_largest_units(milliseconds: int, english: str, chinese: str) -> None:
    assert [Saying(words, DAY).length(milliseconds) for words in (ENGLISH, CHINESE)] == [english, chinese]


def test_all_and_nothing_are_said_of_all_and_nothing_only() -> None:
    say = Saying(ENGLISH, DAY)
    assert [say.share(part, 10_000_000) for part in (0, 1, 5_000_000, 9_999_999, 10_000_000)] == [
        "0 %",
        "0.1 %",
        "50 %",
        "99.9 %",
        "100 %",
    ]
    assert say.share(0, 0) == "–"


def test_counts_entries_and_times() -> None:
    say = Saying(ENGLISH, DAY)
    assert say.number(1_234_567) == "1,234,567"
    assert (say.few(None, 5), say.few(0, 5), say.few(12, 5)) == ("fewer than 5", "0", "12")
    assert say.positions(range(5)) == "0, 1, 2, 3, 4"
    assert say.positions(range(2000)) == "0, 1, 2, 3, 4 … (2,000)"
    assert (say.times(1), say.times(3)) == ("once", "3 times")
    assert (say.minute(None), say.day(None)) == ("not dated", "not dated")
    assert (say.minute(DAY.start_ms), say.day(DAY.start_ms)) == ("2030-03-11 00:00", "2030-03-11")
