"""Never run: every line under a `type: ignore` must FAIL to type-check.

mypy's `warn_unused_ignores` turns a misuse that begins to pass into an error, so `scripts/check` is the test. The same
at run time: tests/policy/test_forgery.py, tests/face/test_probe.py, tests/gallery.
"""

from __future__ import annotations

import numpy as np

from agent.crypto import SignSecret
from agent.events.decision import Decision, Outcome
from agent.face.detect import Face
from agent.face.probe import Probe, ProbeLimits, ProbeTemplate, Unfit, make_probe
from agent.gallery.alike import Distinct, compare
from agent.gallery.consent import Consent, Transmissible, transmissible
from agent.gallery.envelope import seal_reference
from agent.gallery.epoch import DeviceEpoch
from agent.gallery.gallery import ConsentedGallery, Gallery, Match, NoMatch, identify
from agent.gallery.reference import Reference, ReferenceTemplate
from agent.policy.attempt import Attempts, MarkedSpace, OptIn, TrackId
from agent.policy.bundle import Policy
from agent.policy.circumstances import Circumstances
from agent.policy.fields import Purpose
from agent.policy.frames import CapturedFrame, CodeFrame, Permit, PermittedFrame, Preview
from agent.policy.gate import Gate, Refusal
from agent.ports import Detector, Embedder, MarkerReader, QrReader
from agent.units import Box, DoorId, Sha256, SiteId

pixels = np.zeros((4, 4, 3), np.uint8)
grey = np.zeros((4, 4), np.uint8)
raw = CapturedFrame(1, 0, pixels, grey)
key = object()


def looking_without_leave(gate: Gate, here: Circumstances, codes: CodeFrame, shown: Preview, faces: Detector) -> None:
    """A detector takes what the gate permitted, and nothing that only looks like it."""
    faces.detect(raw)  # type: ignore[arg-type]
    faces.detect(pixels)  # type: ignore[arg-type]
    faces.detect(codes)  # type: ignore[arg-type]
    faces.detect(shown)  # type: ignore[arg-type]
    faces.detect(gate.admit(raw, here))  # type: ignore[arg-type]
    faces.detect(gate.codes(raw))  # type: ignore[arg-type]
    faces.detect(None)  # type: ignore[arg-type]


def embedding_a_passer_by(frame: PermittedFrame, face: Face, opt_in: OptIn, limits: ProbeLimits, net: Embedder) -> None:
    """An embedder takes a probe, and a probe takes an opt-in."""
    net.embed(raw)  # type: ignore[arg-type]
    net.embed(pixels)  # type: ignore[arg-type]
    net.embed(frame)  # type: ignore[arg-type]
    net.embed(face)  # type: ignore[arg-type]
    net.embed(make_probe(frame, face, opt_in, limits))  # type: ignore[arg-type]
    make_probe(frame, face, None, limits)  # type: ignore[arg-type]
    make_probe(frame, face, TrackId(1), limits)  # type: ignore[arg-type]
    make_probe(raw, face, opt_in, limits)  # type: ignore[arg-type]
    make_probe(frame, face.box, opt_in, limits)  # type: ignore[arg-type]


def reading_codes_from_anything_else(frame: PermittedFrame, markers: MarkerReader, codes: QrReader) -> None:
    markers.markers(raw, None)  # type: ignore[arg-type]
    markers.markers(frame, None)  # type: ignore[arg-type]
    codes.texts(raw)  # type: ignore[arg-type]
    codes.texts(grey)  # type: ignore[arg-type]


def reading_what_was_captured(codes: CodeFrame) -> None:
    """The pixels of a captured frame have no public name, and luma for code readers is no picture."""
    _ = raw.pixels  # type: ignore[attr-defined]
    _ = raw.rgb  # type: ignore[attr-defined]
    _ = raw.luma  # type: ignore[attr-defined]
    np.asarray(raw[0])  # type: ignore[index]
    _ = codes.pixels  # type: ignore[attr-defined]


def enrolling_past_the_gate(
    gate: Gate, here: Circumstances, consent: Consent, space: MarkedSpace, face: Face, template: ReferenceTemplate
) -> None:
    """A frame of an enrolment needs a consent, a face its place in the marked space, a reference its comparison."""
    gate.enrol_here(raw, here, None)  # type: ignore[arg-type]
    gate.enrol_here(pixels, here, consent)  # type: ignore[arg-type]
    gate.closed_to(True, here)  # type: ignore[arg-type]
    space.opt_in(face)  # type: ignore[arg-type]
    MarkedSpace(key=key, rules=key, number=1)  # type: ignore[arg-type]
    Distinct(mint=key, reference=Reference(template, consent), too_like=False)  # type: ignore[arg-type]
    compare(template, key, one_to_one=False)  # type: ignore[arg-type]


def forging(permit: Permit, frame: PermittedFrame, template: ReferenceTemplate, consent: Consent) -> None:
    """Constructors demand a key that nobody outside the room can name."""
    CodeFrame(key=key, luma=grey, scale=1, number=1, captured_ns=0)  # type: ignore[arg-type]
    Permit(
        key=key,  # type: ignore[arg-type]
        purpose=Purpose.RESIDENT_ENTRY,
        policy_version=1,
        notice_sha256=Sha256(""),
        threshold=0,
        unix_s=0,
        guardian_below=0,
    )
    PermittedFrame(key=key, pixels=pixels, permit=permit, number=1, captured_ns=0, cards=())  # type: ignore[arg-type]
    PermittedFrame(pixels=pixels, permit=permit, number=1, captured_ns=0, cards=())  # type: ignore[call-arg]
    Preview(key=key, picture=pixels, number=1)  # type: ignore[arg-type]
    OptIn(key=key, track=TrackId(1), number=1, face=None)  # type: ignore[arg-type]
    Probe(key=key, chip=pixels, quad=(), number=1, track=TrackId(1), permit=permit, quality=0)  # type: ignore[arg-type]
    ReferenceTemplate(mint=key, vector=np.zeros(4, np.float32), model=template.model)  # type: ignore[arg-type]
    Consent(mint=key)  # type: ignore[arg-type, call-arg]
    Transmissible(mint=key, consent=consent)  # type: ignore[arg-type]
    Reference(template)  # type: ignore[call-arg]
    Reference(np.zeros(4, np.float32), consent)  # type: ignore[arg-type]
    Reference(template, None)  # type: ignore[arg-type]
    Policy(b"{}", None)  # type: ignore[arg-type]
    Refusal()  # type: ignore[call-arg]
    Refusal("stopped")  # type: ignore[arg-type]
    Refusal(("stopped",))  # type: ignore[arg-type]


def sending_without_leave(made: Reference, consent: Consent, to: DeviceEpoch, secret: SignSecret) -> None:
    """A template is sealed only with the leave of a receipt, for an epoch that a device told."""
    seal_reference(made, consent, to, secret)  # type: ignore[arg-type]
    seal_reference(made, None, to, secret)  # type: ignore[arg-type]
    leave = transmissible(consent)
    seal_reference(made, leave, to, secret)  # type: ignore[arg-type]
    if leave is not None:
        seal_reference(made.template, leave, to, secret)  # type: ignore[arg-type]
        seal_reference(made, leave, bytes(32), secret)  # type: ignore[arg-type]
        seal_reference(made, leave, DeviceEpoch(mint=key, device=to.device, epoch=1, box_key=to.box_key), secret)  # type: ignore[arg-type]


def changing(permit: Permit, frame: PermittedFrame, probe: Probe, opt_in: OptIn, refusal: Refusal) -> None:
    permit.threshold = 0.0  # type: ignore[misc]
    frame.pixels = pixels  # type: ignore[misc]
    frame.permit = permit  # type: ignore[misc]
    probe.chip = pixels  # type: ignore[misc]
    opt_in.number = 2  # type: ignore[misc]
    refusal.grounds = ()  # type: ignore[misc]
    raw.number = 2  # type: ignore[misc]


def extending() -> None:
    class Frame(PermittedFrame):  # type: ignore[misc]
        pass

    class Leave(Permit):  # type: ignore[misc]
        pass

    class Act(OptIn):  # type: ignore[misc]
        pass

    class Face(Probe):  # type: ignore[misc]
        pass

    class Picture(Preview):  # type: ignore[misc]
        pass

    class Captured(CapturedFrame):  # type: ignore[misc]
        pass

    class Codes(CodeFrame):  # type: ignore[misc]
        pass

    class Kept(Reference):  # type: ignore[misc]
        pass

    class No(Refusal):  # type: ignore[misc]
        pass


def opting_in_for_others(attempts: Attempts, boxes: dict[TrackId, Box]) -> None:
    """Only a permitted frame counts towards a dwell, and only an opt-in counts as a look."""
    attempts.observe(raw, boxes)  # type: ignore[arg-type]
    attempts.looked(TrackId(1), raw)  # type: ignore[arg-type]


def searching_people(gallery: Gallery, consented: ConsentedGallery, probe: Probe, template: ProbeTemplate) -> None:
    """A gallery is searched under a permit, by a template, and in no other way."""
    list(gallery)  # type: ignore[call-overload]
    _ = gallery[0]  # type: ignore[index]
    len(gallery)  # type: ignore[arg-type]
    gallery.consented(None, SiteId("s"), frozenset())  # type: ignore[arg-type]
    identify(template, gallery)  # type: ignore[arg-type]
    identify(probe, consented)  # type: ignore[arg-type]
    identify(template.vector, consented)  # type: ignore[arg-type]
    list(consented)  # type: ignore[call-overload]


def telling_more(match: Match, stranger: NoMatch) -> None:
    """No result has a field for a score, and a stranger has none at all."""
    _ = match.score  # type: ignore[attr-defined]
    _ = stranger.subject  # type: ignore[attr-defined]
    NoMatch(match.subject)  # type: ignore[call-arg]
    Decision(outcome=Outcome.MATCH, door=DoorId("d"), unix_s=0, captured_ns=0, frame=1, policy_version=1, score=1)  # type: ignore[call-arg]


def right_use(
    gate: Gate, here: Circumstances, faces: Detector, net: Embedder, attempts: Attempts, limits: ProbeLimits
) -> ProbeTemplate | Refusal | Unfit | None:
    """The one way through, so that the misuses above fail for their own reason and not for another."""
    frame = gate.admit(raw, here)
    if isinstance(frame, Refusal):
        return frame
    for face in faces.detect(frame):
        for opt_in in attempts.observe(frame, {TrackId(1): face.box}).values():
            probe = make_probe(frame, face, opt_in, limits)
            return net.embed(probe) if isinstance(probe, Probe) else probe
    return None
