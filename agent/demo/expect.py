"""What the scene demands: its attempts and showings of passes as expectations for the judge, its acts for the demo.

The only place of the demo that asks for ground truth while the scene runs; the embedder's calls are weighed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.demo.judge import Expected
from agent.demo.recorder import Embedded
from agent.events.decision import Outcome
from agent.scene import truth
from agent.scene.scene import Scene
from agent.scene.script import Event


@dataclass(frozen=True, slots=True)
class Passing:
    """Somebody who walked by without opting in: nothing may come of it."""

    person: str
    actor: int
    over_s: float
    """When this walk ends."""


def pseudonym(person: str) -> str:
    """The scene's `P1` as policies and receipts write it."""
    return person.lower()


def expectations(scene: Scene) -> tuple[Expected, ...]:
    """Every decision that a faultless device makes in this scene, in order of time."""
    fps = scene.script.fps
    found = [
        Expected(
            outcome=Outcome(attempt.expected),
            person=_who(scene, attempt),
            subject=pseudonym(attempt.person) if attempt.expected == "match" else None,
            good_s=attempt.first_good / fps,
            until_s=attempt.last / fps,
        )
        for attempt in truth.attempts(scene)
    ]
    found += [
        Expected(Outcome(shown.expected), None, None, shown.first / fps, shown.last / fps)
        for shown in truth.presentations(scene)
    ]
    return tuple(sorted(found, key=lambda each: each.good_s))


def _who(scene: Scene, attempt: truth.Attempt) -> str:
    person = attempt.person
    if attempt.expected == "match":
        return person
    if attempt.expected == "attack-denied":
        return f"a picture of {person}"
    return f"{person}, who has withdrawn," if person in scene.script.enrolled else f"{person}, a stranger,"


def passings(scene: Scene) -> tuple[Passing, ...]:
    """Every walk on which nobody ever opted in, in order of its end."""
    opted_in: set[int] = set()
    for number in range(scene.script.frames):
        opted_in |= {each.actor for each in truth.truth(scene, number).people if each.may_be_embedded}
    return tuple(
        sorted(
            (
                Passing(actor.person, index, actor.path[-1][0])
                for index, actor in enumerate(scene.script.actor)
                if index not in opted_in
            ),
            key=lambda each: each.over_s,
        )
    )


def describe(scene: Scene, passing: Passing) -> str:
    """What this walk was, in words."""
    actor = scene.script.actor[passing.actor]
    seen = [
        (each, bool(frame.grounds))
        for number in range(scene.script.frames)
        for frame in (truth.truth(scene, number),)
        for each in frame.people
        if each.actor == passing.actor
    ]
    if actor.layer == "street":
        return f"{passing.person} walked past"
    if any(each.left_alone for each, _ in seen):
        return f"{passing.person} showed a no-recognition card"
    if any(each.in_region and refused for each, refused in seen):
        return f"{passing.person} stepped up while recognition was refused"
    if 2 * sum(each.excluded for each, _ in seen) > len(seen):
        return f"{passing.person} stood in an excluded region"
    return f"{passing.person} stayed beside the marked space"


def looked_at(scene: Scene, passing: Passing, looks: Iterable[Embedded]) -> bool:
    """Whether any embedder call lay on this walk's face."""
    return any(
        (person := truth.whose(scene, look.number, look.quad)) is not None and person.actor == passing.actor
        for look in looks
    )


def unlawful(scene: Scene, looks: Iterable[Embedded]) -> int:
    """How many embedder calls were not lawful."""
    return len(truth.unlawful(scene, [(look.number, look.quad) for look in looks]))


def acts(scene: Scene) -> tuple[Event, ...]:
    """What the demo does to the site and the broker, in order of time."""
    return tuple(sorted(scene.script.event, key=lambda event: event.t))


def sign_covered(scene: Scene, at_s: float) -> bool:
    """Whether something hangs before the sign, or did a moment ago."""
    return any(start <= at_s <= end + 1.0 for start, end in scene.script.sign.covered)
