"""Enrolment: from the pictures that a consenting person hands in to one reference, or to the reason why not.

Rules: every picture passes the gate, with the consent in force; it shows exactly one face, fit to be compared; it
is like the others, so that somebody else's picture cannot slip in; at least five must be left. Reasons are enums:
no score is told. Leaves out: files and formats (the command), and keeping the reference (the vault).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique

import numpy as np

from agent.face.probe import Probe, ProbeLimits, ProbeTemplate, Unfit, make_probe
from agent.gallery.consent import Consent
from agent.gallery.reference import PROBES_MIN, ModelIdentity, Reference, average, unit
from agent.policy.circumstances import Circumstances
from agent.policy.frames import CapturedFrame
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.ports import Detector, Embedder


@unique
class PictureFault(StrEnum):
    """Why a picture was left out. The first six are the gate's and the probe's, the rest enrolment's own."""

    NOT_PERMITTED = "not-permitted"
    TOO_SMALL = "too-small"
    TURNED = "turned"
    BLURRED = "blurred"
    BADLY_LIT = "badly-lit"
    COVERED = "covered"
    NO_FACE = "no-face"
    MANY_FACES = "many-faces"
    NOT_ALIKE = "not-alike"


@dataclass(frozen=True, slots=True)
class TooFewGood:
    """Not an enrolment: fewer than five pictures are good."""

    good: int
    faults: tuple[PictureFault | None, ...]
    """One for each picture, in order; None for a good one."""


@dataclass(frozen=True, slots=True)
class NotPermitted:
    """Not an enrolment: the gate refused, for instance because the consent is not in force."""

    grounds: tuple[Ground, ...]


Rejected = TooFewGood | NotPermitted

Watch = Callable[[int, PictureFault | None], None]
"""Called after each picture with its place in the sequence and its fault."""

_UNFIT = {
    Unfit.NOT_OPTED_IN: PictureFault.NOT_PERMITTED,
    Unfit.TOO_SMALL: PictureFault.TOO_SMALL,
    Unfit.TURNED: PictureFault.TURNED,
    Unfit.BLURRED: PictureFault.BLURRED,
    Unfit.BADLY_LIT: PictureFault.BADLY_LIT,
    Unfit.COVERED: PictureFault.COVERED,
}


def enrol(
    pictures: Sequence[CapturedFrame],
    gate: Gate,
    here: Circumstances,
    detector: Detector,
    embedder: Embedder,
    consent: Consent,
    model: ModelIdentity,
    limits: ProbeLimits | None = None,
    watch: Watch | None = None,
) -> Reference | Rejected:
    """Make one person's reference; nothing is kept of the pictures, whatever comes out.

    Args:
        pictures: in the policy's view (same size as the recognition picture); each is ended by the gate.
        here: the circumstances of the enrolment; clock, lease, models and keys count, the place does not.
        model: what `embedder` runs.
        limits: what a face must be like; None takes the policy's distance between the eyes and the usual rest.
    """
    templates: list[ProbeTemplate | None] = []
    faults: list[PictureFault | None] = []
    for place, picture in enumerate(pictures):
        permitted = gate.enrol(picture, here, consent)
        if isinstance(permitted, Refusal):
            return NotPermitted(permitted.grounds)
        frame, opt_in = permitted
        faces = detector.detect(frame)
        if len(faces) != 1:
            found: Probe | PictureFault = PictureFault.MANY_FACES if faces else PictureFault.NO_FACE
        else:
            probe = make_probe(frame, faces[0], opt_in, limits or usual_limits(gate))
            found = _UNFIT[probe] if isinstance(probe, Unfit) else probe
        fault = found if isinstance(found, PictureFault) else None
        templates.append(embedder.embed(found) if isinstance(found, Probe) else None)
        faults.append(fault)
        if watch is not None:
            watch(place, fault)
    for place in unlike(templates):
        templates[place], faults[place] = None, PictureFault.NOT_ALIKE
        if watch is not None:
            watch(place, PictureFault.NOT_ALIKE)
    good = [template for template in templates if template is not None]
    if len(good) < PROBES_MIN:
        return TooFewGood(len(good), tuple(faults))
    return Reference(average(good, model), consent)


def usual_limits(gate: Gate) -> ProbeLimits:
    """What a face must be like under the gate's law, which it must have."""
    law = gate.law
    assert law is not None
    return ProbeLimits(inter_eye_px=law.policy.document.attempt.inter_eye_px)


def unlike(templates: Sequence[ProbeTemplate | None]) -> list[int]:
    """Places of templates that are below the permit's threshold against the mean of the others."""
    present = [(place, template) for place, template in enumerate(templates) if template is not None]
    unlike: list[int] = []
    for place, template in present:
        others = [other.vector for where, other in present if where != place]
        if others and float(unit(template.vector) @ unit(np.mean(others, axis=0))) < template.permit.threshold:
            unlike.append(place)
    return unlike
