"""What a caller of the recogniser may bring along: the ends of the wires, and a wrapper round the embedder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.ports import Camera, Contacts, Door, Embedder, Locator, TokenReader


def _as_it_is(embedder: Embedder) -> Embedder:
    return embedder


@dataclass(frozen=True, slots=True)
class Parts:
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
    embedder: Callable[[Embedder], Embedder] = _as_it_is
    """Wraps the real embedder; a simulation records its calls here."""
