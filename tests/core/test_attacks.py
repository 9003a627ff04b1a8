"""Where the policy asks for it, a face that is known is let in only if nothing speaks against it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from agent.errors import DeviceError
from agent.events.decision import Decision
from agent.face.pad import PadView
from agent.policy.circumstances import LoadedModels
from agent.policy.grounds import Ground
from agent.units import Box, Sha256
from tests.core.given import INSIDE, Desk, Person, decisions, gate_law, grounds_of
from tests.policy.given import AROUND, DETECTOR, EMBEDDER, OUTPUTS, document

PAD = Sha256("b" * 64)
ANNA, STRANGER = Person("p-1", INSIDE), Person("stranger", INSIDE)
LOADED = replace(AROUND, models=LoadedModels(DETECTOR, EMBEDDER, OUTPUTS | {"liveness"}, PAD))
_MODELS: Any = document()["models"]
_SCOPE: Any = document()["assessment"]["scope"]


@dataclass
class SimulatedPad:
    """`ports.PadDetector` that says what it is told to; an error is raised."""

    says: float | Exception = 1.0
    views: list[PadView] = field(default_factory=list)

    def bona_fide(self, view: PadView) -> float:
        self.views.append(view)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def desk(pad: SimulatedPad | None, threshold: float = 0.5, **changes: Any) -> Desk:
    asks = {
        "pad": {"label": "simulated", "threshold": threshold},
        "models": [*_MODELS, {"role": "pad", "sha256": PAD}],
        "assessment": document()["assessment"] | {"scope": _SCOPE | {"models": [DETECTOR, EMBEDDER, PAD]}},
    }
    return Desk(gate_law(**(asks | changes)), pad=pad)


def stay(at: Desk, *people: Person, frames: int = 25) -> list[Decision]:
    return decisions(at.frames(frames, *people, around=LOADED))


def told(made: list[Decision]) -> list[tuple[str, str | None, str | None]]:
    return [(each.outcome.value, each.subject, each.ground) for each in made]


def test_a_bona_fide_face_is_let_in_and_was_asked_about_once() -> None:
    pad = SimulatedPad(0.5)
    at = desk(pad)
    assert told(stay(at, ANNA)) == [("match", "p-1", None)]
    assert len(pad.views) == 1
    assert at.stopwatch.stages.count("pad") == 1


@pytest.mark.parametrize(
    "says, ground",
    [
        (0.4999, "attack-suspected"),
        (0.0, "attack-suspected"),
        (float("nan"), "attack-not-judged"),
        (float("inf"), "attack-not-judged"),
        (-0.1, "attack-not-judged"),
        (1.1, "attack-not-judged"),
        (DeviceError("models: it failed"), "attack-not-judged"),
    ],
)
def test_anything_else_is_denied_once_and_names_nobody(says: float | Exception, ground: str) -> None:
    pad = SimulatedPad(says)
    made = stay(desk(pad), ANNA)
    assert told(made) == [("attack-denied", None, ground)]
    assert not made[0].opens
    assert len(pad.views) == 1, "the attempt is over"


def test_without_a_detector_in_the_process_the_known_are_denied() -> None:
    assert told(stay(desk(None), ANNA)) == [("attack-denied", None, "attack-not-judged")]


def test_without_its_model_recognition_is_refused() -> None:
    at = desk(SimulatedPad())
    assert decisions(at.frames(10, ANNA)) == []
    assert Ground.PAD_MISSING in grounds_of(at)


def test_after_a_denial_another_takes_two_seconds_away() -> None:
    pad = SimulatedPad(0.0)
    at = desk(pad)
    stay(at, ANNA)
    pad.says = 1.0
    assert stay(at, ANNA) == []
    stay(at, frames=25)
    assert told(stay(at, ANNA)) == [("match", "p-1", None)]


def test_strangers_are_not_asked_about() -> None:
    pad = SimulatedPad(0.0)
    assert told(stay(desk(pad), STRANGER)) == [("no-match", None, None)]
    assert pad.views == []


def test_a_policy_that_asks_for_nothing_runs_nothing() -> None:
    pad = SimulatedPad(0.0)
    at = Desk(gate_law(), pad=pad)
    assert told(stay(at, ANNA)) == [("match", "p-1", None)]
    assert pad.views == [] and "pad" not in at.stopwatch.stages


def test_two_are_judged_each_for_themselves() -> None:
    pad = SimulatedPad(0.0)
    ben = Person("p-2", Box(200.0, 40.0, 280.0, 120.0))
    assert told(stay(desk(pad), ANNA, ben)) == [("attack-denied", None, "attack-suspected")] * 2
    assert len(pad.views) == 2
