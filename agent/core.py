"""The agent with the world taken out: inputs in, outputs out; no IO, no clock, no thread.

State is one value: a `Session` while recognition is permitted, else the `Refusal` that ended it. A refusal replaces the
session, so tracks, opt-ins and attempts cannot outlive permission. Passes are judged from codes alone and go on working
under a refusal. Policy, gallery and stop orders are ordinary inputs, like a frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never

from agent.errors import DeviceError
from agent.events.decision import Decision, Outcome
from agent.face.probe import Probe, ProbeLimits, make_probe
from agent.face.track import Tracker
from agent.gallery.gallery import Gallery, Match, identify, verify
from agent.gallery.passes import Accepted, Showings, judge
from agent.policy.attempt import Attempts, OptIn
from agent.policy.bundle import Attempt
from agent.policy.circumstances import Circumstances, SignSighting, Surroundings
from agent.policy.frames import CapturedFrame, CodeFrame, PermittedFrame, Preview
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.policy.signage import SignWatch
from agent.ports import Detector, Embedder, MarkerReader, QrReader, Stopwatch
from agent.units import PassId, SubjectId

_NAMED_S: Final = 10.0
"""How long after a pass was shown the person whom it names may step up to be compared."""


@dataclass(frozen=True, slots=True)
class FrameArrived:
    captured: CapturedFrame
    surroundings: Surroundings
    read_passes: bool
    """Search this frame for QR codes; a few times a second is enough for a hand."""
    preview_due: bool


@dataclass(frozen=True, slots=True)
class FramesStopped:
    """The camera gives no frames: whatever was permitted is over."""


@dataclass(frozen=True, slots=True)
class LawChanged:
    law: Law | None


@dataclass(frozen=True, slots=True)
class GalleryChanged:
    gallery: Gallery | None
    withdrawn: frozenset[SubjectId]


Input = FrameArrived | FramesStopped | LawChanged | GalleryChanged


@dataclass(frozen=True, slots=True)
class Judged:
    """One frame was judged; None: permitted."""

    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class StateChanged:
    """Recognition began (None) or ended, or its grounds changed."""

    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Decided:
    decision: Decision


@dataclass(frozen=True, slots=True)
class PreviewMade:
    preview: Preview


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """A model raised on a permitted frame; the process must not offer it again."""


Output = Judged | StateChanged | Decided | PreviewMade | ModelFailed


@dataclass(frozen=True, slots=True, repr=False)
class _Named:
    """Whom to compare 1:1: a pass has just named them. It is good for one attempt."""

    subject: SubjectId
    pass_id: PassId
    until_ns: int


class Session:
    """Everything remembered about people in view; lives only while permitted."""

    __slots__ = ("attempts", "named", "tracker")

    def __init__(self, rules: Attempt) -> None:
        self.attempts = Attempts(rules)
        self.tracker = Tracker(rules.leave_s)
        self.named: _Named | None = None


class Core:
    """One device's state machine.

    Args:
        used: uses of each pass so far, from the store; kept up to date here, so that a second showing is refused even
            before the first one is on disk.
    """

    def __init__(
        self,
        gate: Gate,
        detector: Detector,
        embedder: Embedder,
        markers: MarkerReader,
        qrs: QrReader,
        stopwatch: Stopwatch,
        used: dict[PassId, int],
    ) -> None:
        self._gate = gate
        self._detector = detector
        self._embedder = embedder
        self._markers = markers
        self._qrs = qrs
        self._watch = stopwatch
        self._used = dict(used)
        self._gallery: Gallery | None = None
        self._withdrawn: frozenset[SubjectId] = frozenset()
        self._sign = SignWatch()
        self._showings = Showings()
        self.state: Session | Refusal = Refusal((Ground.NO_POLICY,))

    def receive(self, event: Input) -> list[Output]:
        match event:
            case FrameArrived():
                return self._frame(event)
            case FramesStopped():
                return self._become(Refusal((Ground.NO_FRAMES,)))
            case LawChanged(law):
                self._gate.adopt(law)
                return self._restart()
            case GalleryChanged(gallery, withdrawn):
                self._gallery, self._withdrawn = gallery, withdrawn
                return []
            case _:
                assert_never(event)

    def _restart(self) -> list[Output]:
        """A new law ends the session that ran under the old one; the next frame says whether another may begin."""
        closed = self._gate.closed()
        if closed is not None:
            return self._become(closed)
        if isinstance(self.state, Session):
            law = self._gate.law
            assert law is not None
            self.state = Session(law.policy.document.attempt)
        return []

    def _become(self, refusal: Refusal) -> list[Output]:
        changed = self.state != refusal
        self.state = refusal
        return [StateChanged(refusal)] if changed else []

    def _frame(self, event: FrameArrived) -> list[Output]:
        captured, around = event.captured, event.surroundings
        codes = self._gate.codes(captured)
        sign: SignSighting | None = None
        outputs: list[Output] = []
        law = self._gate.law
        if isinstance(codes, CodeFrame) and law is not None:
            texts = [code.text for code in self._qrs.texts(codes)] if event.read_passes else []
            due = isinstance(self.state, Session) and self.state.attempts.due(codes.captured_ns)
            sign = self._sign.see(codes, self._markers, law.policy, texts, due=due)
            outputs += self._passes(texts, codes, law, around)
            self._watch.lap("codes")
        shown = self._gate.blocks(captured) if event.preview_due else None
        admitted = self._gate.admit(captured, Circumstances(captured.captured_ns, around, sign))
        self._watch.lap("gate")
        if isinstance(admitted, Refusal):
            outputs += [Judged(admitted), *self._become(admitted)]
            if isinstance(shown, Preview):
                outputs.append(PreviewMade(shown))
            return outputs
        return outputs + self._permitted(admitted, event.preview_due)

    def _permitted(self, frame: PermittedFrame, preview_due: bool) -> list[Output]:
        outputs: list[Output] = [Judged(None)]
        law = self._gate.law
        assert law is not None  # a permitted frame was admitted under a law
        if not isinstance(self.state, Session):
            self.state = Session(law.policy.document.attempt)
            outputs.append(StateChanged(None))
        session = self.state
        try:
            found = session.tracker.update(self._detector.detect(frame), frame.captured_ns)
            self._watch.lap("detect")
            granted = session.attempts.observe(frame, {track: face.box for track, face in found.items()})
            if session.attempts.loose:
                self._sign.loose(frame.captured_ns)
                return [*outputs, *self._become(self._gate.take_back(frame, Ground.SIGN_FORBIDS))]
            if session.named is not None and frame.captured_ns >= session.named.until_ns:
                session.named = None
            for track, opt_in in granted.items():
                if law.one_to_one and session.named is None:
                    break  # 1:1 compares nobody whom no pass has named
                limits = ProbeLimits(inter_eye_px=law.policy.document.attempt.inter_eye_px)
                probe = make_probe(frame, found[track], opt_in, limits)
                if isinstance(probe, Probe):
                    outputs += self._look(probe, opt_in, frame, session, law)
        except DeviceError:
            return [*outputs, ModelFailed(), *self._become(Refusal((Ground.MODEL_NOT_ALLOWED,)))]
        for _ in session.attempts.exhausted(frame.captured_ns):
            session.named = None
            outputs.append(self._decided(Outcome.NO_MATCH, law, frame, frame.permit.unix_s))
        session.attempts.keep(session.tracker.alive())
        if preview_due:
            outputs.append(PreviewMade(self._gate.preview(frame, [face.box for face in found.values()])))
            self._watch.lap("preview")
        return outputs

    def _look(self, probe: Probe, opt_in: OptIn, frame: PermittedFrame, session: Session, law: Law) -> list[Output]:
        """Embed one probe and compare it with those who agreed; the template is dropped here, match or not."""
        self._watch.lap("probe")
        template = self._embedder.embed(probe)
        self._watch.lap("embed")
        session.attempts.looked(opt_in, frame)
        if self._gallery is None:
            return []
        consented = self._gallery.consented(frame.permit, site=law.policy.site, withdrawn=self._withdrawn)
        named = session.named
        found = identify(template, consented) if named is None else verify(template, consented, named.subject)
        self._watch.lap("identify")
        if not isinstance(found, Match):
            return []
        session.attempts.end(opt_in.track)
        session.named = None
        if named is not None:
            self._used[named.pass_id] = self._used.get(named.pass_id, 0) + 1
        return [self._decided(
            Outcome.MATCH, law, frame, frame.permit.unix_s,
            subject=found.subject, pass_used=None if named is None else named.pass_id,
        )]  # fmt: skip

    def _passes(self, texts: list[str], codes: CodeFrame, law: Law, around: Surroundings) -> list[Output]:
        shown = self._showings.new(texts, codes.captured_ns)
        return [output for text in shown for output in self._pass(text, codes, law, around)]

    def _pass(self, text: str, codes: CodeFrame, law: Law, around: Surroundings) -> list[Output]:
        policy, unix_s = law.policy, around.unix_s
        verdict = judge(text, policy.document.pass_keys, policy.site, policy.door, unix_s, self._used)
        if verdict is None:
            return []  # some other QR code; it is nobody's business
        ground = Ground.LEDGER_UNWRITABLE.value if isinstance(verdict, Accepted) else verdict.reason.value
        if isinstance(verdict, Accepted) and verdict.subject is not None and law.one_to_one:
            # A pass that names a person for 1:1 opens nothing by itself; the match that follows uses it up.
            if isinstance(self.state, Session):
                until_ns = codes.captured_ns + round(_NAMED_S * 1e9)
                self.state.named = _Named(verdict.subject, verdict.pass_id, until_ns)
                return []
            ground = self.state.grounds[0].value
        elif isinstance(verdict, Accepted) and unix_s is not None and around.ledger_writable:
            self._used[verdict.pass_id] = self._used.get(verdict.pass_id, 0) + 1
            return [self._decided(
                Outcome.PASS_ACCEPTED, law, codes, unix_s, subject=verdict.subject, pass_used=verdict.pass_id
            )]  # fmt: skip
        return [self._decided(Outcome.PASS_REFUSED, law, codes, unix_s or 0.0, ground=ground)]

    @staticmethod
    def _decided(
        outcome: Outcome,
        law: Law,
        frame: CodeFrame | PermittedFrame,
        unix_s: float,
        *,
        subject: SubjectId | None = None,
        ground: str | None = None,
        pass_used: PassId | None = None,
    ) -> Decided:
        policy = law.policy
        return Decided(Decision(
            outcome=outcome, door=policy.door, unix_s=unix_s, captured_ns=frame.captured_ns, frame=frame.number,
            policy_version=policy.document.version, subject=subject, ground=ground, pass_used=pass_used,
        ))  # fmt: skip
