"""Guiding one person through the capture at the camera: from what each frame shows to the one thing to say now.

Rules: one instruction at a time, the first obstacle first (somebody there, alone, near, lit, facing, sharp, then the
turn of the head that is still wanted); a frame without an obstacle is taken if its pose is wanted and some time has
passed since the last one, so that the pictures are of different moments. An instruction that comes and goes faster
than anybody can follow is not said. Pure: findings and times in, instructions out. Leaves out: pictures, words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

from agent.face.probe import ProbeLimits


@unique
class Pose(StrEnum):
    """Where the head is turned, seen by the person: `left` is the person's own left."""

    FRONT = "front"
    LEFT = "left"
    RIGHT = "right"


WANTED: Final[Mapping[Pose, int]] = MappingProxyType({Pose.FRONT: 3, Pose.LEFT: 1, Pose.RIGHT: 1})
"""Good pictures of each pose, in the order in which they are asked for; together as many as a reference takes."""

FRONT_DEG: Final = 10.0
"""A head turned by no more than this faces the camera; of nine in ten who do, the estimate is within 7 (102 people)."""
DARK: Final = 30.0
"""Mean luma of a face below which there is too little light. In the light of a studio the darkest of 102 people's faces
has 64 and most have twice that, so a higher value would turn people away for their skin."""
NIGHT: Final = 25.0
"""Mean luma of a picture below which a face in it would hardly be found."""
GAP_NS: Final = 300_000_000
"""Between two pictures that are taken."""
HOLD_NS: Final = 400_000_000
"""How long another instruction must be the right one before it is said."""
LIMIT_NS: Final = 90_000_000_000


@unique
class Instruction(StrEnum):
    STEP_IN = "step-in"
    ONE_PERSON = "one-person"
    COME_CLOSER = "come-closer"
    MORE_LIGHT = "more-light"
    LOOK_HERE = "look-here"
    TURN_LEFT = "turn-left"
    TURN_RIGHT = "turn-right"
    HOLD_STILL = "hold-still"


_TURN: Final = {
    Pose.FRONT: Instruction.LOOK_HERE,
    Pose.LEFT: Instruction.TURN_LEFT,
    Pose.RIGHT: Instruction.TURN_RIGHT,
}


@dataclass(frozen=True, slots=True, repr=False)
class Finding:
    """What one frame shows of the face in the marked space; the numbers count where there is exactly one."""

    faces: int
    inter_eye_px: float = 0.0
    yaw_deg: float = 0.0
    """See face/align.py: positive towards the picture's right, which is the person's left."""
    sharpness: float = 0.0
    brightness: float = 0.0
    """Both as in face/quality.py; without a face the mean luma of the whole picture."""


@dataclass(frozen=True, slots=True)
class Step:
    say: Instruction
    take: Pose | None = None
    """This frame is a good picture of a pose that is wanted; None: it is not needed."""


class Guide:
    """One capture, from the first frame on.

    Args:
        limits: what a face must be like to make a probe.
        limit_ns: how long the capture may last.
    """

    def __init__(self, limits: ProbeLimits, limit_ns: int = LIMIT_NS) -> None:
        self._limits, self._limit_ns = limits, limit_ns
        self._missing = dict(WANTED)
        self._said: Instruction | None = None
        self._next: tuple[Instruction, int] | None = None
        """Another instruction that is the right one now, and since when."""
        self._began_ns: int | None = None
        self._taken_ns: int | None = None
        self._obstacles = Counter[Instruction]()

    @property
    def missing(self) -> Mapping[Pose, int]:
        """Good pictures of each pose that are still wanted."""
        return MappingProxyType(self._missing)

    @property
    def complete(self) -> bool:
        return not any(self._missing.values())

    @property
    def obstacle(self) -> Instruction | None:
        """What stood in the way on most frames; None before the first frame."""
        return max(self._obstacles, key=lambda each: self._obstacles[each], default=None)

    def left_s(self, now_ns: int) -> float:
        """Seconds that are left, 0 when the time is over; it runs from the first frame that was seen."""
        began_ns = now_ns if self._began_ns is None else self._began_ns
        return max(0.0, (began_ns + self._limit_ns - now_ns) / 1e9)

    def begin(self, now_ns: int) -> None:
        """The camera has given its first frame, permitted or not: the time runs. Again: nothing happens."""
        self._began_ns = now_ns if self._began_ns is None else self._began_ns

    def see(self, finding: Finding, now_ns: int) -> Step:
        """What to say on this frame, and whether to take it."""
        self.begin(now_ns)
        obstacle = self._obstacle(finding)
        pose = None if obstacle is not None else _pose(finding.yaw_deg)
        rested = self._taken_ns is None or now_ns - self._taken_ns >= GAP_NS
        if pose is not None and self._missing[pose] and rested:
            self._missing[pose] -= 1
            self._taken_ns = now_ns
            self._said, self._next = Instruction.HOLD_STILL, None
            return Step(Instruction.HOLD_STILL, pose)
        wanted = next((each for each, count in self._missing.items() if count), Pose.FRONT)
        say = obstacle or (Instruction.HOLD_STILL if pose is wanted else _TURN[wanted])
        self._obstacles[say] += 1
        return Step(self._settled(say, now_ns))

    def take_back(self, pose: Pose) -> None:
        """A picture that was taken turned out to be of no use."""
        self._missing[pose] += 1

    def restart(self) -> None:
        """Nothing that was taken is left; the time runs on."""
        self._missing, self._taken_ns = dict(WANTED), None

    def _obstacle(self, finding: Finding) -> Instruction | None:
        # Asked so that a measure that is not a number is an obstacle.
        limits = self._limits
        if finding.faces < 1:
            return Instruction.STEP_IN if finding.brightness >= NIGHT else Instruction.MORE_LIGHT
        met = {
            Instruction.ONE_PERSON: finding.faces == 1,
            Instruction.COME_CLOSER: finding.inter_eye_px >= limits.inter_eye_px,
            Instruction.MORE_LIGHT: finding.brightness >= DARK,
            Instruction.LOOK_HERE: abs(finding.yaw_deg) <= limits.yaw_deg,
            Instruction.HOLD_STILL: finding.sharpness >= limits.sharpness,
        }
        return next((instruction for instruction, good in met.items() if not good), None)

    def _settled(self, say: Instruction, now_ns: int) -> Instruction:
        """The instruction to show: another one only after it has been the right one for a moment."""
        if self._said is None or say is self._said:
            self._said, self._next = say, None
        elif self._next is None or self._next[0] is not say:
            self._next = say, now_ns
        elif now_ns - self._next[1] >= HOLD_NS:
            self._said, self._next = say, None
        return self._said


def _pose(yaw_deg: float) -> Pose:
    if abs(yaw_deg) <= FRONT_DEG:
        return Pose.FRONT
    return Pose.LEFT if yaw_deg > 0 else Pose.RIGHT
