"""A probe: one aligned face that has opted in and is good enough to be compared.

Rules: made only from a permitted frame and an opt-in for the very same frame, and only when size, pose, sharpness,
light and cover are within the limits; so an embedder, which takes probes, cannot see a passer-by. Leaves out: liveness
(a later stage can only deny).
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from enum import StrEnum, unique
from typing import Final, NoReturn, final

from agent.face.align import chip, inter_eye_px, quad, yaw_deg
from agent.face.detect import Face
from agent.face.light import levelled
from agent.face.quality import quality, sharpness
from agent.policy.attempt import OptIn, TrackId
from agent.policy.frames import Permit, PermittedFrame
from agent.units import Polygon, Rgb, Vector


@final
class _Mint:
    __slots__ = ()


_MINT: Final = _Mint()


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """What a face must be like to be compared; as it stands here, for a reference.

    `inter_eye_px` comes from the policy; yaw is the estimate of face/align.py; the others are those of face/quality.py.
    """

    inter_eye_px: float
    yaw_deg: float = 25.0
    sharpness: float = 6.0
    component: float = 25.0
    """What light and cover must be worth, 0 to 100."""


@unique
class Unfit(StrEnum):
    """Why a face makes no probe; expected, so a value and not an error."""

    NOT_OPTED_IN = "not-opted-in"
    TOO_SMALL = "too-small"
    TURNED = "turned"
    BLURRED = "blurred"
    BADLY_LIT = "badly-lit"
    COVERED = "covered"


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Probe:
    key: InitVar[_Mint]
    chip: Rgb
    """(112, 112, 3) uint8."""
    quad: Polygon
    """Where the chip was taken: four corners in the frame."""
    number: int
    track: TrackId
    permit: Permit
    quality: float
    """What its worst component is worth, 0 to 100; see face/quality.py."""

    def __post_init__(self, key: _Mint) -> None:
        if key is not _MINT:
            raise TypeError("only make_probe makes a Probe")

    def __init_subclass__(cls) -> None:
        raise TypeError("a Probe cannot be extended")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Probe cannot be copied or pickled")

    def __repr__(self) -> str:
        return "<Probe>"


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProbeTemplate:
    """The embedding of one probe; lives for one comparison and is dropped."""

    vector: Vector
    permit: Permit

    def __repr__(self) -> str:
        return "<ProbeTemplate>"


def make_probe(frame: PermittedFrame, face: Face, opt_in: OptIn, limits: ProbeLimits) -> Probe | Unfit:
    """Align one face of a permitted frame, or say why it is not fit."""
    if opt_in.number != frame.number or opt_in.face not in (None, face.box):
        return Unfit.NOT_OPTED_IN
    # Asked so that a measure that is not a number is unfit.
    if not inter_eye_px(face) >= limits.inter_eye_px:
        return Unfit.TOO_SMALL
    if not abs(yaw_deg(face)) <= limits.yaw_deg:
        return Unfit.TURNED
    aligned = chip(frame.pixels, face)
    if not sharpness(aligned) >= limits.sharpness:
        return Unfit.BLURRED
    worth = quality(face, aligned)
    if not min(worth.exposure, worth.contrast) >= limits.component:
        return Unfit.BADLY_LIT
    if not worth.uncovered >= limits.component:
        return Unfit.COVERED
    shown = levelled(aligned)
    shown.flags.writeable = False
    return Probe(
        key=_MINT, chip=shown, quad=quad(face), number=frame.number, track=opt_in.track, permit=frame.permit,
        quality=worth.least,
    )  # fmt: skip
