"""Enrolment at the camera: frame after frame of one consenting person, until there is a reference.

Rules: every frame passes the gate, with the consent in force and the grounds of the place; only a face in the marked
space is looked at, and only one; a frame is embedded when the guide takes it, and nothing of it is remembered but the
template. A refusal drops all templates, as it drops a session at the door. Pictures that are not alike are taken
back and taken again. Leaves out: the camera, the signs it sees, words, and keeping the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.face.align import chip, inter_eye_px, yaw_deg
from agent.face.detect import Face
from agent.face.probe import Probe, ProbeTemplate, make_probe
from agent.face.quality import brightness, sharpness
from agent.gallery.consent import Consent
from agent.gallery.enrol import NotPermitted, unlike, usual_limits
from agent.gallery.guide import LIMIT_NS, Finding, Guide, Pose, Step
from agent.gallery.reference import ModelIdentity, Reference, average
from agent.policy.attempt import OptIn
from agent.policy.circumstances import Circumstances
from agent.policy.frames import CapturedFrame, PermittedFrame, Preview
from agent.policy.gate import AT_THE_DOOR, Gate, Refusal
from agent.ports import Detector, Embedder


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not permitted on this frame, for grounds of the door that may pass by themselves."""

    refused: NotPermitted


@dataclass(frozen=True, slots=True)
class Seen:
    """One permitted frame: what to say now, and a picture that nobody can be recognised in."""

    step: Step
    preview: Preview


class Sitting:
    """One person's capture.

    Args:
        gate: under a law.
        model: what `embedder` runs.
        limit_ns: see `Guide`.
    """

    def __init__(
        self,
        gate: Gate,
        detector: Detector,
        embedder: Embedder,
        consent: Consent,
        model: ModelIdentity,
        limit_ns: int = LIMIT_NS,
    ) -> None:
        self._gate, self._detector, self._embedder = gate, detector, embedder
        self._consent, self._model = consent, model
        self._limits = replace(usual_limits(gate), component=0.0)  # the guide asks for light itself
        self.guide = Guide(self._limits, limit_ns)
        self._taken: list[tuple[Pose, ProbeTemplate]] = []
        self.first_ns: int | None = None
        """When the first picture was exposed of those that are remembered."""

    def see(self, captured: CapturedFrame, here: Circumstances) -> Seen | Waiting | NotPermitted:
        """Look at one frame and end it.

        Raises:
            DeviceError: a model failed.
        """
        self.guide.begin(here.captured_ns)
        permitted = self._gate.enrol_here(captured, here, self._consent)
        if isinstance(permitted, Refusal):
            self._taken.clear()
            self.first_ns = None
            self.guide.restart()
            refused = NotPermitted(permitted.grounds)
            return Waiting(refused) if AT_THE_DOOR.issuperset(refused.grounds) else refused
        frame, space = permitted
        faces = self._detector.detect(frame)
        standing = [(face, opt_in) for face in faces if (opt_in := space.opt_in(face.box)) is not None]
        step = self.guide.see(self._finding(frame, standing), here.captured_ns)
        if step.take is not None:
            self._take(frame, *standing[0], step.take)
        return Seen(step, self._gate.preview(frame, [face.box for face in faces]))

    def reference(self) -> Reference | None:
        """The reference once enough good pictures are there; None before."""
        if not self.guide.complete:
            return None
        return Reference(average([template for _, template in self._taken], self._model), self._consent)

    def _take(self, frame: PermittedFrame, face: Face, opt_in: OptIn, pose: Pose) -> None:
        probe = make_probe(frame, face, opt_in, self._limits)
        assert isinstance(probe, Probe)  # the guide asks for no less
        self.first_ns = frame.captured_ns if self.first_ns is None else self.first_ns
        self._taken.append((pose, self._embedder.embed(probe)))
        if self.guide.complete:
            # From the last to the first, so that the places stay right.
            for place in reversed(unlike([template for _, template in self._taken])):
                self.guide.take_back(self._taken.pop(place)[0])

    def _finding(self, frame: PermittedFrame, standing: list[tuple[Face, OptIn]]) -> Finding:
        if not standing:
            return Finding(0, brightness=float(frame.pixels.mean()))
        if len(standing) > 1:
            return Finding(len(standing))
        face = standing[0][0]
        inter_eye = inter_eye_px(face)
        if not inter_eye >= self._limits.inter_eye_px:  # too small to be aligned
            return Finding(1, inter_eye)
        aligned = chip(frame.pixels, face)
        return Finding(1, inter_eye, yaw_deg(face), sharpness(aligned), brightness(aligned))
