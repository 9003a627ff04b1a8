"""What is true, and what is lawful, on each frame of a scene: for the demo's and the tests' own code only.

Rules: a pure function of scene and frame number, with the gate's own hold times applied. Where a device's measurement
of a face may differ from the drawn one, the drawn face counts as inside the attempt region a little earlier than
nominal; a refused frame and an excluded region have no such allowance. A device may see later than this says (it skips
frames, its detector needs a look), never earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from agent.scene import stage
from agent.scene.scene import Scene
from agent.scene.timeline import Ground, Holds, PersonTruth, Quad, Truth, timeline
from agent.units import Box, Point

__all__ = [
    "Attempt",
    "Ground",
    "Holds",
    "PersonTruth",
    "Presentation",
    "Quad",
    "Truth",
    "attempts",
    "lawful",
    "presentations",
    "truth",
    "unlawful",
    "whose",
]

Outcome = Literal["match", "no-match", "attack-denied"]
PassOutcome = Literal["pass-accepted", "pass-refused"]

_STANDARD: Final = Holds()
_READABLE: Final = 0.7
"""A pass raised this far shows its whole code."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One lawful attempt and what must come of it."""

    person: str
    first: int
    """Frame on which the dwell time was complete."""
    first_good: int
    last: int
    """Last frame of the stay; a decision later than a moment after it is too late."""
    expected: Outcome


@dataclass(frozen=True, slots=True)
class Presentation:
    """One pass held up, and what must come of it."""

    name: str
    first: int
    """First frame on which the code is readable."""
    last: int
    expected: PassOutcome


def truth(scene: Scene, number: int, holds: Holds = _STANDARD) -> Truth:
    """What is true on one frame.

    Raises:
        IndexError: the scene has no such frame.
    """
    if number < 0:
        raise IndexError(number)
    return timeline(scene, holds)[number]


def attempts(scene: Scene, holds: Holds = _STANDARD) -> list[Attempt]:
    """Every lawful attempt, in order of its first good frame."""
    found: dict[tuple[str, int], Attempt] = {}
    started: dict[tuple[str, int], int] = {}
    for each in timeline(scene, holds):
        for person in each.people:
            key = (person.person, person.stay)
            if person.opted_in:
                started.setdefault(key, each.number)
            if person.good and key not in found:
                held = scene.script.attempt.pad and scene.script.actor[person.actor].held is not None
                known: Outcome = "attack-denied" if held else "match"
                expected: Outcome = known if person.consented else "no-match"
                found[key] = Attempt(person.person, started[key], each.number, each.number, expected)
            if person.opted_in and key in found:
                found[key] = replace(found[key], last=each.number)
    return sorted(found.values(), key=lambda attempt: attempt.first_good)


def presentations(scene: Scene) -> list[Presentation]:
    """Every pass that is held up; a pass that was shown before is refused."""
    script = scene.script
    used: set[str] = set()
    found = []
    for index, shown in enumerate(script.pass_):
        seen = [
            number
            for number in range(script.frames)
            if any(
                script.pass_.index(each) == index and raised >= _READABLE
                for each, raised in stage.shown_passes(script, stage.frame_time(script, number))
            )
        ]
        if seen:
            found.append(
                Presentation(shown.name, seen[0], seen[-1], "pass-refused" if shown.name in used else "pass-accepted")
            )
            used.add(shown.name)
    return found


def whose(scene: Scene, number: int, quad: Sequence[Point], holds: Holds = _STANDARD) -> PersonTruth | None:
    """The person whose face a quad lies on; None when it lies on nobody's."""
    around = _around(quad)
    best = max(truth(scene, number, holds).people, key=lambda person: person.box.overlap(around), default=None)
    return best if best is not None and best.box.overlap(around) > 0.2 else None


def lawful(scene: Scene, number: int, quad: Sequence[Point], holds: Holds = _STANDARD) -> bool:
    """Whether an embedding of this face on this frame was lawful by itself; `unlawful` adds the attempt's bounds."""
    person = whose(scene, number, quad, holds)
    return person is not None and person.may_be_embedded


def unlawful(
    scene: Scene, looks: Iterable[tuple[int, Sequence[Point]]], holds: Holds = _STANDARD
) -> list[tuple[int, Sequence[Point]]]:
    """Those of the recorded embedder calls (frame number, face quad) that were not lawful.

    Each stay holds one attempt: at most `probes` embeddings, none later than `window_s` after its first.
    """
    script = scene.script
    firsts: dict[tuple[str, int], int] = {}
    counts: dict[tuple[str, int], int] = {}
    wrong = []
    for number, quad in sorted(looks, key=lambda look: look[0]):
        person = whose(scene, number, quad, holds)
        if person is None or not person.may_be_embedded:
            wrong.append((number, quad))
            continue
        key = (person.person, person.stay)
        first = firsts.setdefault(key, number)
        counts[key] = counts.get(key, 0) + 1
        if counts[key] > script.attempt.probes or (number - first) / script.fps > script.attempt.window_s:
            wrong.append((number, quad))
    return wrong


def _around(quad: Sequence[Point]) -> Box:
    xs, ys = [x for x, _ in quad], [y for _, y in quad]
    return Box(min(xs), min(ys), max(xs), max(ys))
