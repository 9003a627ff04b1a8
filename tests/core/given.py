"""A device without hardware: simulators that implement the ports, and a desk that plays frames into a real core.

People are drawn into the picture as squares of texture, each in a brightness of their own, and the simulated embedder
tells them apart by the brightness of the chip that it is given: what the core lets through is what it sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from agent.core import Core, Decided, FrameArrived, GalleryChanged, LawChanged, Output
from agent.errors import DeviceError
from agent.events.decision import Decision
from agent.face.detect import Face
from agent.face.probe import Probe, ProbeTemplate
from agent.gallery.gallery import Gallery
from agent.gallery.named import Names
from agent.gallery.passes_uses import Uses
from agent.policy.circumstances import Surroundings
from agent.policy.frames import CapturedFrame, CodeFrame, PermittedFrame
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.ports import PadDetector
from agent.units import Box, QrText, Rgb, SubjectId, Vector
from tests.gallery.given import gallery, protected, towards, vector
from tests.policy.given import AROUND, FORBIDDING, SECOND, SIGN, SimulatedMarkers, document, law

WIDTH, HEIGHT = 320, 240
REGION = ((60.0, 20.0), (300.0, 20.0), (300.0, 230.0), (60.0, 230.0))
EXCLUDED = ((200, 120), (320, 120), (320, 240), (200, 240))
PEOPLE = {"p-1": 70, "p-2": 110, "p-3": 150, "stranger": 200}
"""Brightness of each; the stranger is nobody that the gallery knows."""
_RNG = np.random.default_rng(11)
_TEXTURE = _RNG.integers(-30, 31, (HEIGHT, WIDTH, 3))
WALL: Rgb = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
INSIDE = Box(100.0, 40.0, 180.0, 120.0)
PASSING_BY = Box(0.0, 40.0, 55.0, 95.0)
"""Wholly outside the attempt region."""


def gate_law(**changes: Any) -> Law:
    """The lawful policy for this larger view."""
    fields = {
        "view": {"width": WIDTH, "height": HEIGHT},
        "attempt": document()["attempt"] | {"region": REGION},
    }
    return law(**(fields | changes))


@dataclass(frozen=True, slots=True)
class Person:
    who: str
    box: Box
    blurred: bool = False
    turned: bool = False


def face_of(person: Person) -> Face:
    box = person.box
    nose = 0.75 if person.turned else 0.5
    places = ((0.3, 0.38), (0.7, 0.38), (nose, 0.58), (0.5, 0.76), (0.05, 0.42), (0.95, 0.42))
    landmarks = np.array([(box.x0 + x * box.width, box.y0 + y * box.height) for x, y in places], np.float32)
    return Face(box, landmarks, 0.9)


def draw(people: Iterable[Person]) -> Rgb:
    """The picture with these people in it; one who is blurred blurs it all."""
    people = tuple(people)
    picture = WALL.astype(np.int64)
    for person in people:
        box = person.box
        area = np.s_[max(0, int(box.y0)) : max(0, int(box.y1)), max(0, int(box.x0)) : max(0, int(box.x1))]
        picture[area] = PEOPLE[person.who] + _TEXTURE[area]
    sharp = np.clip(picture, 0, 255).astype(np.uint8)
    if not any(person.blurred for person in people):
        return sharp
    return np.asarray(cv2.GaussianBlur(sharp, (0, 0), 5.0), np.uint8)


@dataclass
class SimulatedDetector:
    """Finds the people of the frame's number, if anything of them is left in the pixels that it is given."""

    people: Mapping[int, tuple[Person, ...]] = field(default_factory=dict)
    small: Mapping[int, tuple[Person, ...]] = field(default_factory=dict)
    """Who is found in a part alone."""
    seen: list[PermittedFrame] = field(default_factory=list)
    parts: list[tuple[int, Box]] = field(default_factory=list)
    broken: bool = False

    def detect(self, frame: PermittedFrame) -> tuple[Face, ...]:
        self.seen.append(frame)
        if self.broken:
            raise DeviceError("detector: the runtime failed; build the models again")
        return tuple(face_of(person) for person in self.people.get(frame.number, ()) if self._visible(person, frame))

    def detect_in(self, frame: PermittedFrame, part: Box) -> tuple[Face, ...]:
        """Those who stand wholly in the part."""
        self.parts.append((frame.number, part))
        return tuple(
            face_of(person)
            for person in (*self.people.get(frame.number, ()), *self.small.get(frame.number, ()))
            if self._visible(person, frame) and _inside(person.box, part)
        )

    @staticmethod
    def _visible(person: Person, frame: PermittedFrame) -> bool:
        x, y = (int(v) for v in person.box.centre)
        return bool(frame.pixels[min(max(y, 0), HEIGHT - 1), min(max(x, 0), WIDTH - 1)].any())


def _inside(box: Box, part: Box) -> bool:
    return part.x0 <= box.x0 and part.y0 <= box.y0 and box.x1 <= part.x1 and box.y1 <= part.y1


@dataclass
class SimulatedEmbedder:
    """A template in the direction of whoever has the chip's brightness."""

    seen: list[Probe] = field(default_factory=list)
    broken: bool = False
    cosine: float = 1.0
    """How near the templates come to the references."""

    def embed(self, probe: Probe) -> ProbeTemplate:
        self.seen.append(probe)
        if self.broken:
            raise DeviceError("embedder: the runtime failed; build the models again")
        brightness = float(probe.chip[40:72, 40:72].mean())
        who = min(PEOPLE, key=lambda name: abs(PEOPLE[name] - brightness))
        return ProbeTemplate(towards(template(who), vector(99), self.cosine), probe.permit)


def template(who: str) -> Vector:
    return vector(list(PEOPLE).index(who) + 1)


@dataclass
class SimulatedQrs:
    texts_now: tuple[str, ...] = ()
    seen: list[CodeFrame] = field(default_factory=list)

    def texts(self, frame: CodeFrame) -> tuple[QrText, ...]:
        self.seen.append(frame)
        return tuple(QrText(text, ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))) for text in self.texts_now)


@dataclass
class CountingStopwatch:
    stages: list[str] = field(default_factory=list)

    def lap(self, stage: str) -> None:
        self.stages.append(stage)


def known(*subjects: str, **changes: Any) -> Gallery:
    return gallery(*(protected(subject, template(subject), **changes) for subject in subjects))


class Desk:
    """One core with its simulators; frames come ten a second unless told otherwise."""

    def __init__(
        self,
        lawful: Law | None = None,
        empty: Rgb | None = None,
        uses: Uses | None = None,
        enrolled: tuple[str, ...] = ("p-1", "p-2", "p-3"),
        pad: PadDetector | None = None,
    ) -> None:
        self.detector, self.embedder = SimulatedDetector(), SimulatedEmbedder()
        self.markers, self.qrs, self.stopwatch = SimulatedMarkers(), SimulatedQrs(), CountingStopwatch()
        self.people: dict[int, tuple[Person, ...]] = {}
        self.detector.people = self.people
        self._given = Gate(None, empty), uses or Uses(), pad
        self.core = self.begun(None)
        self.core.receive(LawChanged(lawful or gate_law()))
        self.core.receive(GalleryChanged(known(*enrolled), frozenset()))
        self.number, self.at_ns = 0, 500 * SECOND

    def begun(self, names: Names | None) -> Core:
        """A core without a law."""
        gate, uses, pad = self._given
        return Core(gate, self.detector, self.embedder, self.markers, self.qrs, self.stopwatch, uses, pad, names)

    def frame(
        self,
        *people: Person,
        around: Surroundings = AROUND,
        after_s: float = 0.1,
        read_passes: bool = False,
        preview_due: bool = False,
    ) -> list[Output]:
        self.number += 1
        self.at_ns += round(after_s * SECOND)
        self.people[self.number] = people
        rgb = draw(people)
        captured = CapturedFrame(self.number, self.at_ns, rgb, np.ascontiguousarray(rgb[:, :, 1]))
        return self.core.receive(FrameArrived(captured, around, read_passes, preview_due))

    def shown(self, rgb: Rgb) -> list[Output]:
        """The next frame with these pixels, and whom the detector was told to find on it."""
        self.number += 1
        self.at_ns += round(0.1 * SECOND)
        captured = CapturedFrame(self.number, self.at_ns, rgb.copy(), np.ascontiguousarray(rgb[:, :, 1]))
        return self.core.receive(FrameArrived(captured, AROUND, False, False))

    def frames(self, count: int, *people: Person, **options: Any) -> list[Output]:
        return [output for _ in range(count) for output in self.frame(*people, **options)]

    def cover_sign(self, *, forbidding: bool = False) -> None:
        self.markers.markers_now = (SIGN, FORBIDDING) if forbidding else ()

    def show_sign(self) -> None:
        self.markers.markers_now = (SIGN,)


def decisions(outputs: Iterable[Output]) -> list[Decision]:
    return [output.decision for output in outputs if isinstance(output, Decided)]


def outcomes(outputs: Iterable[Output]) -> list[tuple[str, str | None]]:
    return [(decision.outcome.value, decision.subject) for decision in decisions(outputs)]


def withdrawn(*subjects: str) -> frozenset[SubjectId]:
    return frozenset(SubjectId(subject) for subject in subjects)


def stopped(around: Surroundings = AROUND) -> Surroundings:
    return replace(around, stopped=True)


def grounds_of(desk: Desk) -> tuple[Ground, ...]:
    """Why recognition is refused now."""
    return desk.core.state.grounds if isinstance(desk.core.state, Refusal) else ()
