"""What enrolment says, in words: the one place of its strings."""

from __future__ import annotations

from typing import Final

from agent.gallery.alike import Alike
from agent.gallery.enrol import PictureFault
from agent.gallery.guide import Instruction, Pose

SAID: Final = {
    Instruction.STEP_IN: "step into the marked space",
    Instruction.ONE_PERSON: "only one person, please",
    Instruction.COME_CLOSER: "come closer",
    Instruction.MORE_LIGHT: "more light, please",
    Instruction.LOOK_HERE: "look at the camera",
    Instruction.TURN_LEFT: "turn a little to the left",
    Instruction.TURN_RIGHT: "turn a little to the right",
    Instruction.HOLD_STILL: "hold still",
}
POSES: Final = {Pose.FRONT: "front", Pose.LEFT: "left", Pose.RIGHT: "right"}
ALIKE: Final = {
    Alike.ENROLLED: "this person is already enrolled under another pseudonym; withdraw that one first",
    Alike.TOO_LIKE: "too like somebody else here to be told apart; 1:1 with a pass is the safe way",
}
NEARLY: Final = "like somebody else here: keep this door at 1:1, where a pass names the person first"
FAULTS: Final = {
    PictureFault.NOT_PERMITTED: "not permitted by the policy",
    PictureFault.TOO_SMALL: "the face is too small: come closer",
    PictureFault.TURNED: "the head is turned too far: look at the camera",
    PictureFault.BLURRED: "blurred: hold still, or take more light",
    PictureFault.BADLY_LIT: "too dark, too bright or too pale: put light on the face, none behind it",
    PictureFault.COVERED: "eyes or mouth are covered: take off mask or dark glasses",
    PictureFault.NO_FACE: "no face is found",
    PictureFault.MANY_FACES: "more than one face: be alone in the picture",
    PictureFault.NOT_ALIKE: "unlike the other pictures",
}
WAITING: Final = "not permitted at this moment"
NOTHING_KEPT: Final = "nothing was kept"
