"""What a caller of the recogniser may bring along: the ends of the wires, the clock, and wrappers round the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from agent.adapters.clock import SystemClock
from agent.ports import (
    Camera,
    Clock,
    CloserDetector,
    Contacts,
    Door,
    Embedder,
    Locator,
    MarkerReader,
    QrReader,
    TokenReader,
)

_Part = TypeVar("_Part")


def _as_it_is(part: _Part) -> _Part:
    return part


@dataclass(frozen=True, slots=True)
class Parts:
    """Wrappers get the real part; a simulation records its calls there, or lets it hang."""

    open_camera: Callable[[], Camera]
    """Called only when the policy lets the camera open; again after a failure."""
    open_locator: Callable[[], Locator] | None
    """None: no receiver; a policy that asks for one then refuses."""
    open_door: Callable[[], Door]
    """Called once, at the start: from then on whatever holds the door is at rest."""
    open_reader: Callable[[], TokenReader] | None = None
    """None: no reader of cards or PINs at the device."""
    open_contacts: Callable[[], Contacts] | None = None
    """None: neither a button inside nor a contact of the housing."""
    clock: Clock = field(default_factory=SystemClock)
    detector: Callable[[CloserDetector], CloserDetector] = _as_it_is
    embedder: Callable[[Embedder], Embedder] = _as_it_is
    markers: Callable[[MarkerReader], MarkerReader] = _as_it_is
    qrs: Callable[[QrReader], QrReader] = _as_it_is
