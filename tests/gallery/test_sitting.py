"""Frame after frame of one consenting person: what is looked at, what is remembered, and what a refusal leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agent.face.detect import Face
from agent.face.probe import Probe, ProbeTemplate
from agent.gallery.enrol import NotPermitted
from agent.gallery.guide import GAP_NS, WANTED, Instruction, Pose
from agent.gallery.reference import Reference
from agent.gallery.sitting import Seen, Sitting, Waiting
from agent.policy.circumstances import Circumstances, SignSighting
from agent.policy.frames import CapturedFrame, PermittedFrame
from agent.policy.gate import Gate
from agent.policy.grounds import Ground
from agent.units import Box
from tests.gallery.given import LENGTH, MODEL, consent, vector
from tests.gallery.test_enrol import ASIDE, EYES, FACE, FAR, HEIGHT, OTHER, WIDTH, Eyes, Memory, sharp
from tests.policy.given import here, law, luma

REGION = [[20, 10], [180, 10], [180, 150], [20, 150]]
SIDE = np.array(((0, 0), (0, 0), (5, 0), (3, 0), (2, 0), (2, 0)), np.float32)
LEFT, RIGHT = (Face(FACE.box, EYES + way * SIDE, 0.9) for way in (1, -1))
OUTSIDE = Face(Box(0, 30, 15, 50), EYES, 0.9)
ORDER = (FACE, FACE, FACE, LEFT, RIGHT)


class Room:
    """A sitting, and what its detector and embedder are given."""

    def __init__(self, memory: Memory | None = None, limit_ns: int = 10**12, **policy: Any) -> None:
        self.eyes, self.memory = Eyes(), memory or Memory()
        attempt = {"region": REGION, "dwell_s": 0.5, "probes": 3, "window_s": 0.5, "leave_s": 2, "inter_eye_px": 20}
        self.gate = Gate(law(view={"width": WIDTH, "height": HEIGHT}, attempt=attempt, **policy))
        self.sitting = Sitting(self.gate, self.eyes, self.memory, consent(), MODEL, limit_ns)
        self.number = 0

    def see(self, *faces: Face, rgb: Any = None, around: Circumstances | None = None) -> Seen | Waiting | NotPermitted:
        self.number += 1
        now_ns = self.number * GAP_NS
        self.eyes.seen[self.number] = faces
        picture = sharp() if rgb is None else rgb
        self.frame = CapturedFrame(self.number, now_ns, picture, luma(width=WIDTH, height=HEIGHT))
        return self.sitting.see(self.frame, replace(around or here(), captured_ns=now_ns))

    def takes(self, *faces: Face, **how: Any) -> Pose | None:
        seen = self.see(*faces, **how)
        assert isinstance(seen, Seen)
        return seen.step.take

    def says(self, *faces: Face, **how: Any) -> Instruction:
        """What is said once it has been so for a while."""
        for _ in range(3):
            seen = self.see(*faces, **how)
        assert isinstance(seen, Seen)
        return seen.step.say


def test_good_frames_of_all_poses_make_a_reference_of_their_templates() -> None:
    room = Room()
    for face, pose in zip(ORDER, (Pose.FRONT,) * 3 + (Pose.LEFT, Pose.RIGHT), strict=True):
        assert room.sitting.reference() is None
        assert room.takes(face) is pose
    made = room.sitting.reference()
    assert isinstance(made, Reference)
    assert made.template.vector.shape == (LENGTH,) and made.template.permit is not None
    assert room.memory.given == [1, 2, 3, 4, 5]
    assert room.sitting.first_ns == GAP_NS


@pytest.mark.parametrize(
    ("faces", "says"),
    [
        ((), Instruction.STEP_IN),
        ((OUTSIDE,), Instruction.STEP_IN),
        ((FACE, FACE), Instruction.ONE_PERSON),
        ((FAR,), Instruction.COME_CLOSER),
        ((ASIDE,), Instruction.LOOK_HERE),
    ],
)
def test_what_is_not_one_good_face_in_the_space_is_never_embedded(faces: tuple[Face, ...], says: Instruction) -> None:
    room = Room()
    assert room.says(*faces) is says
    assert room.memory.given == [] and room.sitting.first_ns is None


def test_who_walks_past_outside_the_space_does_not_disturb_and_is_not_looked_at() -> None:
    room = Room()
    assert room.takes(OUTSIDE, FACE) is Pose.FRONT
    assert room.memory.given == [1]


def test_dark_and_blurred_frames_are_not_taken() -> None:
    dark = (sharp() // 8).astype(np.uint8)
    assert Room().says(FACE, rgb=dark) is Instruction.MORE_LIGHT
    flat = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    assert Room().says(FACE, rgb=flat) is Instruction.HOLD_STILL
    assert Room().says(rgb=flat // 8) is Instruction.MORE_LIGHT, "in the dark no face is found"


def test_the_picture_that_is_shown_is_blocks_and_the_frame_is_ended() -> None:
    room = Room()
    raw = sharp()
    seen = room.see(FACE, rgb=raw.copy())
    assert isinstance(seen, Seen)
    shown = seen.preview.picture
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) <= (WIDTH // 40) * (HEIGHT // 40)
    assert room.frame._rgb is None and room.frame._luma is None
    again = room.sitting.see(room.frame, replace(here(), captured_ns=room.frame.captured_ns))
    assert again == NotPermitted((Ground.VIEW_MISMATCH,))


def test_a_ground_of_the_door_makes_wait_and_leaves_nothing() -> None:
    room = Room()
    for face in (FACE, LEFT):
        room.takes(face)
    for sign in (SignSighting(True, True), None):
        waiting = room.see(FACE, around=here(sign=sign))
        assert isinstance(waiting, Waiting) and waiting.refused.grounds
    assert room.sitting.guide.missing == WANTED
    assert room.sitting.first_ns is None and room.sitting.reference() is None
    assert room.memory.given == [1, 2]


def test_any_other_ground_ends_it() -> None:
    for around, ground in ((here(stopped=True), Ground.STOPPED), (here(unix_s=None), Ground.CLOCK_UNTRUSTED)):
        room = Room()
        room.takes(FACE)
        ended = room.see(FACE, around=around)
        assert isinstance(ended, NotPermitted) and ground in ended.grounds
        assert room.sitting.reference() is None and room.memory.given == [1]


def test_somebody_else_s_picture_is_taken_back_and_taken_again() -> None:
    room = Room(Memory({2: OTHER}))
    for face in ORDER:
        room.takes(face)
    assert room.sitting.reference() is None
    assert room.sitting.guide.missing == {Pose.FRONT: 1, Pose.LEFT: 0, Pose.RIGHT: 0}
    assert room.takes(FACE) is Pose.FRONT
    made = room.sitting.reference()
    assert made is not None and abs(float(made.template.vector @ OTHER)) < 0.3


def test_pictures_of_five_people_are_all_taken_back() -> None:
    room = Room(Memory({number: vector(number + 10) for number in range(1, 6)}))
    for face in ORDER:
        room.takes(face)
    assert room.sitting.guide.missing == WANTED and room.sitting.reference() is None


def test_the_time_runs_under_a_refusal_too() -> None:
    room = Room(limit_ns=2 * GAP_NS)
    room.see(FACE, around=here(sign=None))
    assert room.sitting.guide.left_s(2 * GAP_NS) == GAP_NS / 1e9


def test_the_embedder_sees_probes_of_permitted_frames_only() -> None:
    seen: list[object] = []

    class Spy(Memory):
        def embed(self, probe: Probe) -> ProbeTemplate:
            seen.append(probe.permit)
            return super().embed(probe)

    class Frames(Eyes):
        def detect(self, frame: PermittedFrame) -> tuple[Face, ...]:
            seen.append(frame.permit)
            return super().detect(frame)

    room = Room(Spy())
    room.sitting = Sitting(room.gate, Frames({1: (FACE,)}), room.memory, consent(), MODEL)
    room.takes(FACE)
    assert len(seen) == 2 and seen[0] is seen[1]
