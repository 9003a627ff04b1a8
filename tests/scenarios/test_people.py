"""What is promised to the people, as stories: people/*.toml, each a promise and the steps that show it.

A step is one sentence; behind its arrow stands what comes of it, told by the device itself. Without an arrow nothing
comes of it. A refusal is written as far as it matters: `refused: withdrawn` is any line that says so.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.adapters.litert import LoadedModel
from agent.errors import DoorwardError
from agent.gallery.passes_text import shown
from agent.policy.fields import AgeBand
from agent.site.restrictions import revoked_pass, stop_order, withdrawal
from agent.site.withdrawals import withdrawal_code
from agent.units import PassId, SubjectId
from tests.scenarios.hall import HUNG, RECEIPTS, Hall, other_notice, refusal

STORIES = sorted((Path(__file__).parent / "people").glob("*.toml"))
WHO = r"(p-\d)"
Step = Callable[..., list[str]]
_STEPS: list[tuple[re.Pattern[str], Step]] = []


def step(sentence: str) -> Callable[[Step], Step]:
    def known(act: Step) -> Step:
        _STEPS.append((re.compile(sentence), act))
        return act

    return known


class Story:
    """A hall, and what people in the story hold in their hands."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.receipts: dict[str, bytes] = {}
        self.passes: dict[str, str] = {}

    def code(self, who: str) -> str:
        return withdrawal_code(self.hall.policy, RECEIPTS, SubjectId(who))

    def tell(self, sentence: str) -> str:
        """Do what it says; what comes of it."""
        for pattern, act in _STEPS:
            found = pattern.fullmatch(sentence)
            if found is not None:
                try:
                    return "; ".join(act(self, *found.groups()))
                except DoorwardError as error:
                    return refusal(error)
        raise AssertionError(f"no step reads: {sentence}")


# Consent and enrolment.


@step(
    rf"{WHO} agrees for (\d+) days(?:, aged ([\w-]+))?(?:, as does the guardian (g-\d))?"
    r"(, to the template travelling too)?"
)
def _agrees(story: Story, who: str, days: str, age: str | None, guardian: str | None, travels: str | None) -> list[str]:
    story.hall.people.add(who)
    story.receipts[who] = story.hall.agree(
        who, int(days), AgeBand(age or "adult"), guardian, travels=travels is not None
    )
    return [f"{who} has a receipt"]


@step(rf"{WHO} is the person who was {WHO}")
def _renamed(story: Story, who: str, before: str) -> list[str]:
    story.hall.faces[who] = before
    return []


@step(rf"{WHO} is enrolled")
def _enrolled(story: Story, who: str) -> list[str]:
    return [story.hall.enrol(who, story.receipts[who])]


@step(rf"{WHO} is enrolled at a station elsewhere")
def _elsewhere(story: Story, who: str) -> list[str]:
    return [story.hall.enrol_elsewhere(who, story.receipts[who])]


# At the door.


@step(rf"{WHO} stands before the door")
def _stands(story: Story, who: str) -> list[str]:
    return story.hall.visit(who)


@step(rf"{WHO} stands before the door and holds up a no-recognition card")
def _card(story: Story, who: str) -> list[str]:
    return story.hall.visit(who, card=True)


@step(rf"{WHO} stands before the door and holds up the withdrawal code")
def _withdraws_there(story: Story, who: str) -> list[str]:
    return story.hall.visit(who, [story.code(who)])


@step(rf"the withdrawal code of {WHO} is held up")
def _code(story: Story, who: str) -> list[str]:
    return story.hall.visit(None, [story.code(who)])


@step(r"the sign is (covered|there again)")
def _sign(story: Story, how: str) -> list[str]:
    story.hall.markers.markers_now = () if how == "covered" else HUNG
    return []


@step(r"a pass, (\w+), is issued for (\d+) openings?")
def _issued(story: Story, name: str, uses: str) -> list[str]:
    story.passes[name] = story.hall.issue(int(uses))
    return []


@step(r"pass (\w+) is held up")
def _pass(story: Story, name: str) -> list[str]:
    return story.hall.visit(None, [story.passes[name]])


# The site, the operator, and time.


@step(r"(\d+) days? pass(?:es)?")
def _days(story: Story, days: str) -> list[str]:
    return story.hall.pass_time(int(days))


@step(r"the door is for ([\w-]+) from now on")
def _purpose(story: Story, purpose: str) -> list[str]:
    return story.hall.publish(purpose=purpose)


@step(r"the notice says something else from now on")
def _notice(story: Story) -> list[str]:
    return story.hall.publish(notice=other_notice())


@step(r"the rules of ([\w-]+) hold from now on")
def _profile(story: Story, profile: str) -> list[str]:
    return story.hall.publish(profile=profile)


@step(r"the authority stops all recognition")
def _stopped(story: Story) -> list[str]:
    return story.hall.add(*stop_order("fair"))


@step(r"the authority revokes pass (\w+)")
def _revoked(story: Story, name: str) -> list[str]:
    found = shown(story.passes[name])
    assert found is not None
    return story.hall.add(*revoked_pass(PassId(found.content.pass_id.hex())))


@step(rf"the authority withdraws {WHO}")
def _by_authority(story: Story, who: str) -> list[str]:
    return story.hall.add(*withdrawal(SubjectId(who)))


@step(rf"the operator withdraws {WHO}")
def _by_operator(story: Story, who: str) -> list[str]:
    return story.hall.withdraw(who)


# The disk.


@step(r"the device is started again")
def _again(story: Story) -> list[str]:
    story.hall.stop()
    story.hall.start()
    return []


@step(r"somebody copies (the database|the whole disk)")
def _copied(story: Story, what: str) -> list[str]:
    story.hall.copy(what, keys=what == "the whole disk")
    return []


@step(r"the copy of (the database|the whole disk) is put back")
def _restored(story: Story, what: str) -> list[str]:
    story.hall.copy(what, back=True, keys=what == "the whole disk")
    return [_vault(story)]


@step(r"somebody carries the database off to a device of their own")
def _stolen(story: Story) -> list[str]:
    story.hall.carried_off()
    return [_vault(story)]


def _vault(story: Story) -> str:
    return "the vault opens" if story.hall.opens else "nothing in it opens"


# The stories.


@pytest.fixture
def story(tmp_path: Path, models: tuple[LoadedModel, LoadedModel]) -> Iterator[Story]:
    hall = Hall(tmp_path, models)
    hall.markers.markers_now = HUNG
    with contextlib.closing(hall.store):
        yield Story(hall)


def lines(text: str) -> list[tuple[str, str]]:
    """Sentence and outcome of each step."""
    steps = (line.partition("->") for line in text.splitlines() if line.strip())
    return [(" ".join(sentence.split()), " ".join(outcome.split())) for sentence, _, outcome in steps]


@pytest.mark.parametrize("path", STORIES, ids=[path.stem for path in STORIES])
def test_the_story_ends_as_it_is_told(path: Path, story: Story) -> None:
    told = tomllib.loads(path.read_text())
    assert set(told) == {"promise", "steps"} and told["promise"].strip()
    for sentence, outcome in lines(told["steps"]):
        found = story.tell(sentence)
        if outcome.startswith("refused: "):
            assert found.startswith("refused: ") and outcome.removeprefix("refused: ") in found, (sentence, found)
        else:
            assert found == outcome, sentence


def test_every_sentence_that_can_be_told_is_told_somewhere() -> None:
    told = [sentence for path in STORIES for sentence, _ in lines(tomllib.loads(path.read_text())["steps"])]
    assert [pattern.pattern for pattern, _ in _STEPS if not any(map(pattern.fullmatch, told))] == []
