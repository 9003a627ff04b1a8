"""Everything the rules may look at besides the policy, at the instant of one frame.

None means unknown, and unknown refuses. Nothing here is an image.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.units import Fix, Polygon, Sha256


@dataclass(frozen=True, slots=True)
class SignSighting:
    """What this camera knows of signs at one frame, hold times already applied."""

    in_place: bool
    """The attested marker was seen at its attested place within the hold time."""
    forbidding: bool
    """A no-recognition marker is in view on this very frame."""
    cards: tuple[Polygon, ...] | None = None
    """Corners of the no-recognition cards on this very frame; None: it was not searched for them."""


@dataclass(frozen=True, slots=True)
class LoadedModels:
    """Hashes of the bytes that the runtime really holds."""

    detector: Sha256
    embedder: Sha256
    outputs: frozenset[str]
    """Everything that they declare to put out."""
    pad: Sha256 | None = None
    """Of the detection of presentation attacks; None: none is loaded."""

    def hashes(self, *, attacks: bool) -> set[Sha256]:
        """Of what runs; the detection of presentation attacks runs only where the policy asks for it."""
        return {self.detector, self.embedder} | ({self.pad} if attacks and self.pad is not None else set())


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the process around the core knows; the sign is added from the frame's own codes."""

    unix_s: float | None
    """Trusted time; None while the clock is not trusted."""
    lease_until_s: float | None
    """End of the signed freshness (TUF timestamp); None without one."""
    fix: Fix | None
    """Position of the receiver; unused where the policy names a surveyed position."""
    models: LoadedModels | None
    keys_sealed: bool | None
    ledger_writable: bool | None
    stopped: bool | None
    """A stop order is in force."""
    moved: bool | None
    """The device no longer stands as it was attested."""
    stock: int | None
    """People in the gallery."""
    crossed_s: float | None
    """Unix time at which the stock reached the profile's filing threshold; None: it never did."""
    utc_offset_s: float | None = None
    """How far the policy's timezone is ahead of UTC at `unix_s`; None: unknown, and every zone is in force."""
    tampered: bool | None = False
    """The contact of the housing is open; None: it cannot be read. A device without one is never tampered with."""
    models_work: bool | None = None
    """No model has failed on a frame of late, so that it rests; None: unknown."""
    codes_read: bool | None = None
    """The reader of passes has read its self-test this day."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    captured_ns: int
    surroundings: Surroundings
    sign: SignSighting | None
    """None when this frame's codes could not be read."""
