"""A decision: what happened at the door, in the few fields that may ever be written down.

A stranger's decision has no subject; nothing here is facial, and there is no score.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum, unique
from typing import Final

from agent.gallery.passes_uses import PassUse
from agent.units import DoorId, SubjectId


@unique
class Outcome(StrEnum):
    """Wire names; the outcome class that a policy may grant in clear."""

    MATCH = "match"
    NO_MATCH = "no-match"
    PASS_ACCEPTED = "pass-accepted"
    PASS_REFUSED = "pass-refused"
    TOO_LATE = "too-late"
    """It would have opened, but whoever stood there may have gone since: see `timely`; or see `UNREACHABLE`."""
    ATTACK_DENIED = "attack-denied"
    """It would have opened, but the face may be a print or a screen, or nobody could tell."""
    EXIT = "exit"
    """Somebody pressed the button inside: opens without recognition, and nobody knows who."""


UNREACHABLE: Final = "door-unreachable"
"""Ground of `TOO_LATE`: what opens the door could not be told."""
LATE_NS: Final = 1_000_000_000
"""From the exposure of the frame that decided to the door."""
OPENS: Final = frozenset({Outcome.MATCH, Outcome.PASS_ACCEPTED, Outcome.EXIT})


@dataclass(frozen=True, slots=True, repr=False)
class Decision:
    outcome: Outcome
    door: DoorId
    unix_s: float
    captured_ns: int
    """Exposure of the frame that decided, or when the button was pressed, CLOCK_MONOTONIC."""
    frame: int
    policy_version: int
    subject: SubjectId | None = None
    """Pseudonym of a match or of a personal pass; None for strangers and visitors."""
    ground: str | None = None
    """Why a pass, or a face that was known, was refused, a wire name; None otherwise."""
    pass_used: PassUse | None = None
    """What an opening uses up of a pass; None without one."""

    def __post_init__(self) -> None:
        nameless = (Outcome.NO_MATCH, Outcome.TOO_LATE, Outcome.ATTACK_DENIED, Outcome.EXIT)
        if self.outcome in nameless and self.subject is not None:
            raise ValueError("a decision that lets nobody in by the face names nobody")

    @property
    def opens(self) -> bool:
        return self.outcome in OPENS


def timely(decision: Decision, now_ns: int) -> Decision:
    """The decision as it holds at `now_ns`: what would open but is older than `LATE_NS` opens nothing, names nobody and
    uses up nothing. A frame that says it comes from the future has no age that is known, so it is late as well.
    """
    return decision if not decision.opens or 0 <= now_ns - decision.captured_ns <= LATE_NS else shut(decision)


def shut(decision: Decision, ground: str | None = None) -> Decision:
    """The decision where the door stays shut after all: it names nobody and uses up nothing."""
    return replace(decision, outcome=Outcome.TOO_LATE, subject=None, pass_used=None, ground=ground)
