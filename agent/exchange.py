"""What goes into the core and what comes out of it, as values; the core itself re-exports them.

Rules: an input is something that happened, with its own time; an output is something to be done or told, and nothing in
one is facial but the preview. Leaves out: what leads to what (core.py).
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from agent.events.decision import Decision, Outcome
from agent.gallery.gallery import Gallery
from agent.gallery.named import Spent
from agent.gallery.passes_uses import PassUse
from agent.policy.circumstances import Surroundings
from agent.policy.frames import CapturedFrame, CodeFrame, PermittedFrame, Preview
from agent.policy.gate import Refusal
from agent.policy.law import Law
from agent.token import Token
from agent.units import Box, SubjectId


@dataclass(frozen=True, slots=True)
class FrameArrived:
    captured: CapturedFrame
    surroundings: Surroundings
    read_passes: bool
    """Search this frame for QR codes; a few times a second is enough for a hand."""
    preview_due: bool


@dataclass(frozen=True, slots=True)
class FramesStopped:
    """The camera gives no frames: whatever was permitted is over."""


@dataclass(frozen=True, slots=True)
class LawChanged:
    law: Law | None


@dataclass(frozen=True, slots=True)
class GalleryChanged:
    gallery: Gallery | None
    withdrawn: Container[SubjectId]


@dataclass(frozen=True, slots=True, repr=False)
class TokenShown:
    """A card or a PIN; no frame has to do with it."""

    token: Token
    captured_ns: int
    """When it was taken in, CLOCK_MONOTONIC."""
    surroundings: Surroundings
    number: int = 0


@dataclass(frozen=True, slots=True)
class NotWritten:
    """A decision was not made durable, or came too late, so nothing was opened.

    What it used up is given back, and whom it named may try once more.
    """

    decision: Decision


Shown = CodeFrame | PermittedFrame | TokenShown
"""What a decision comes of: a frame, or a token and no frame."""
Input = FrameArrived | FramesStopped | LawChanged | GalleryChanged | TokenShown | NotWritten


@dataclass(frozen=True, slots=True)
class Judged:
    """One frame was judged; None: permitted."""

    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class StateChanged:
    """Recognition began (None) or ended, or its grounds changed."""

    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Decided:
    decision: Decision


@dataclass(frozen=True, slots=True)
class PreviewMade:
    """A picture for people; it is made when it is asked for, so that nobody at the door waits for it."""

    make: Callable[[], Preview]


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """A model raised on a permitted frame; the process must not offer it again."""


@dataclass(frozen=True, slots=True, repr=False)
class MeterOn:
    """Whoever wants to be recognised stands in bad light: let the camera expose for this part of its picture."""

    region: Box


@dataclass(frozen=True, slots=True, repr=False)
class WithdrawalShown:
    """A person's withdrawal code was held up: erase them."""

    subject: SubjectId


@dataclass(frozen=True, slots=True, repr=False)
class AttemptsSpent:
    """What wrong tokens and failed attempts have used up has changed: to be on disk before what comes after this."""

    spent: Spent


Output = Judged | StateChanged | Decided | PreviewMade | ModelFailed | MeterOn | WithdrawalShown | AttemptsSpent


def decided(
    outcome: Outcome,
    law: Law,
    at: Shown,
    unix_s: float,
    *,
    subject: SubjectId | None = None,
    ground: str | None = None,
    pass_used: PassUse | None = None,
) -> Decided:
    """What was decided at this frame or showing, under this law."""
    policy = law.policy
    return Decided(Decision(
        outcome=outcome, door=policy.door, unix_s=unix_s, captured_ns=at.captured_ns, frame=at.number,
        policy_version=policy.document.version, subject=subject, ground=ground, pass_used=pass_used,
    ))  # fmt: skip
