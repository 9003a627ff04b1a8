"""Presentation attack detection: does a person stand there, or a picture of one? It can only deny.

Rules: asked once, on the face that is about to be let in, and only where the policy asks for it; what is let in by the
face holds a `BonaFide`, which only `judge_face` makes. No model, a model that fails, and a score that is no number are
grounds of their own to deny. Nothing is kept of it: no view, no score. Words: ISO/IEC 30107-3.
Leaves out: masks and replays that were made to pass; what it finds is in docs/pad.md.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final, NoReturn, final

import cv2
import numpy as np

from agent.errors import DeviceError
from agent.face.detect import Floats
from agent.policy.attempt import OptIn, TrackId
from agent.policy.frames import PermittedFrame
from agent.policy.pad import Pad
from agent.units import Box, Rgb

if TYPE_CHECKING:
    from agent.ports import PadDetector

VIEW_SIDE: Final = 128
REACH: Final = 2.7
"""Side of the view in face boxes: what surrounds a face tells more than the face."""
_NETWORK, _EDGES, _OFFSET = 0.46, -3.3, 0.7
"""Weights of a logistic regression on half the people of faces-dev (docs/pad.md)."""


@final
class _Mint:
    __slots__ = ()


_MINT: Final = _Mint()


@unique
class Suspicion(StrEnum):
    """Why a face that is known is denied; the values are wire names and never change."""

    ATTACK_SUSPECTED = "attack-suspected"
    NOT_JUDGED = "attack-not-judged"
    """The policy asks for it, and there is no answer."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class PadView:
    """What a model may see of one face that has opted in on one permitted frame."""

    key: InitVar[_Mint]
    picture: Rgb
    """(128, 128, 3) uint8; see `view`."""

    def __post_init__(self, key: _Mint) -> None:
        if key is not _MINT:
            raise TypeError("only judge_face makes a PadView")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a PadView cannot be copied or pickled")

    def __repr__(self) -> str:
        return "<PadView>"


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class BonaFide:
    """Nothing speaks against this face on this frame, or the policy did not ask. Without it no face is let in."""

    key: InitVar[_Mint]
    track: TrackId
    number: int
    """The frame."""

    def __post_init__(self, key: _Mint) -> None:
        if key is not _MINT:
            raise TypeError("only judge_face makes a BonaFide")

    def __init_subclass__(cls) -> None:
        raise TypeError("a BonaFide cannot be extended")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a BonaFide cannot be copied or pickled")

    def __repr__(self) -> str:
        return "<BonaFide>"


def judge_face(
    frame: PermittedFrame, opt_in: OptIn, rule: Pad | None, detector: PadDetector | None
) -> BonaFide | Suspicion:
    """What a face that opted in on this frame is taken for.

    Args:
        rule: what the policy asks for; None: nothing, and no model is run.
        detector: None where the device has no model for it.
    """
    if rule is not None:
        if detector is None or opt_in.face is None or opt_in.number != frame.number:
            return Suspicion.NOT_JUDGED
        try:
            score = detector.bona_fide(PadView(key=_MINT, picture=view(frame.pixels, opt_in.face)))
        except DeviceError:
            return Suspicion.NOT_JUDGED
        # Asked so that a score that is not a number, or none that can be, lets nobody in.
        if not 0.0 <= score <= 1.0:
            return Suspicion.NOT_JUDGED
        if not score >= rule.threshold:
            return Suspicion.ATTACK_SUSPECTED
    return BonaFide(key=_MINT, track=opt_in.track, number=frame.number)


def view(picture: Rgb, box: Box) -> Rgb:
    """The face with its surroundings, (128, 128, 3): `REACH` face boxes, or as many as the picture has, within it.

    Where the face is near an edge the view is moved, so that nothing in it is made up.
    """
    height, width = picture.shape[:2]
    reach = min((height - 1) / max(box.height, 1.0), (width - 1) / max(box.width, 1.0), REACH)
    wide, high = box.width * reach, box.height * reach
    x, y = box.centre
    left, top = (min(max(0.0, c - s / 2), most - 1 - s) for c, s, most in ((x, wide, width), (y, high, height)))
    across, along = VIEW_SIDE / max(wide, 1.0), VIEW_SIDE / max(high, 1.0)
    move = np.array(((across, 0.0, -left * across), (0.0, along, -top * along)))
    return np.asarray(cv2.warpAffine(picture, move, (VIEW_SIDE, VIEW_SIDE), flags=cv2.INTER_LINEAR), np.uint8)


def score(logits: Floats, edges: float) -> float:
    """How much speaks for a person, 0 to 1: the network's answer (bona fide first) weighed against straight edges."""
    first, others = float(logits[0]), logits[1:].astype(np.float64)
    speaks = first - float(np.logaddexp.reduce(others))
    return float(1.0 / (1.0 + np.exp(-(_NETWORK * speaks + _EDGES * edges + _OFFSET))))
