"""The Protocols that adapters implement, one to four methods each.

The ports of the models take values that only the gate can make, never arrays: that is how processing without a
permission fails to type-check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from agent.events.bodies import Stage
    from agent.face.detect import Face
    from agent.face.pad import PadView
    from agent.face.probe import Probe, ProbeTemplate
    from agent.policy.frames import CapturedFrame, CodeFrame, PermittedFrame
    from agent.token import Token
    from agent.units import Box, DoorId, Fix, Marker, Polygon, QrText


class Camera(Protocol):
    """Gives pixels, time and frame number, nothing else."""

    def read(self, timeout_s: float) -> CapturedFrame | None:
        """The next frame, waiting for it; None when a recording or scene is over.

        Raises:
            DeviceError: no frame came within `timeout_s`, or the camera failed.
        """
        ...

    def close(self) -> None: ...


@runtime_checkable
class MeteredCamera(Camera, Protocol):
    """A camera that can expose for a part of its picture; one that cannot is as good as any other."""

    def meter(self, region: Box | None) -> None:
        """Expose so that this part of the picture is neither dark nor burnt; None: as the camera likes."""
        ...


class Locator(Protocol):
    def fix(self, now_ns: int) -> Fix | None:
        """The latest position known at `now_ns` (monotonic); None when there is none."""
        ...

    def close(self) -> None: ...


class Clock(Protocol):
    def monotonic_ns(self) -> int: ...

    def unix_s(self) -> float:
        """What the system clock says; whether it can be trusted is the policy room's question."""
        ...


class TokenReader(Protocol):
    def token(self, now_ns: int) -> Token | None:
        """The token that was presented, given once; None: none, or one that has waited too long at `now_ns`."""
        ...

    def close(self) -> None: ...


class MarkerReader(Protocol):
    def markers(self, frame: CodeFrame, near: Polygon | None) -> tuple[Marker, ...]:
        """The markers inside `near`, finely and cheaply; None searches the whole frame, coarsely."""
        ...


class QrReader(Protocol):
    def texts(self, frame: CodeFrame) -> tuple[QrText, ...]: ...


class Detector(Protocol):
    def detect(self, frame: PermittedFrame) -> tuple[Face, ...]: ...


class CloserDetector(Detector, Protocol):
    def detect_in(self, frame: PermittedFrame, part: Box) -> tuple[Face, ...]:
        """Faces of one upright part of the frame, at a finer scale; positions in the frame's pixels."""
        ...


class Embedder(Protocol):
    def embed(self, probe: Probe) -> ProbeTemplate: ...


class PadDetector(Protocol):
    def bona_fide(self, view: PadView) -> float:
        """How much speaks for a person and against a picture of one, 0 to 1."""
        ...


class Door(Protocol):
    def pulse(self, door: DoorId) -> None:
        """Open once, and return at once. Called only after the decision is durable."""
        ...

    def close(self) -> None:
        """Shut it, if a pulse is under way, and let go of it."""
        ...


@runtime_checkable
class DistantDoor(Protocol):
    """A door beyond a network: what opens it must be able to tell an order from one that is repeated or late."""

    def reachable(self) -> bool:
        """Whether an order gets through, as far as that can be known here."""
        ...

    def order(self, door: DoorId, number: int, until_ns: int) -> None:
        """Have it opened once, and return at once. Called only after the decision is durable.

        Args:
            number: above that of every order before, over restarts too.
            until_ns: on the monotonic clock; afterwards nobody may open.
        """
        ...


class Contacts(Protocol):
    """Contacts beside the door."""

    def exit_asked(self, now_ns: int) -> int | None:
        """When the button inside was pressed (monotonic), given once; None: it was not, or that is too long ago."""
        ...

    @property
    def tampered(self) -> bool:
        """The housing is open, or nobody can tell."""
        ...

    def close(self) -> None: ...


class Stopwatch(Protocol):
    def lap(self, stage: Stage) -> None:
        """A stage of the frame's way has just ended."""
        ...
