"""The agent with the world taken out: inputs in, outputs out; no IO, no clock, no thread.

State is one value: a `Session` while recognition is permitted, else the `Refusal` that ended it. A refusal replaces the
session, so tracks, opt-ins and attempts cannot outlive permission. Passes are judged from codes alone and go on working
under a refusal. Policy, gallery and stop orders are ordinary inputs, like a frame.
"""

from __future__ import annotations

from collections.abc import Container
from functools import partial
from typing import assert_never

from agent.errors import DeviceError
from agent.events.bodies import Stage
from agent.events.decision import Outcome
from agent.exchange import (
    AttemptsSpent,
    Decided,
    FrameArrived,
    FramesStopped,
    GalleryChanged,
    Input,
    Judged,
    LawChanged,
    MeterOn,
    ModelFailed,
    NotWritten,
    Output,
    PreviewMade,
    Shown,
    StateChanged,
    TokenShown,
    WithdrawalShown,
    decided,
)  # fmt: skip
from agent.face.pad import BonaFide, Suspicion, judge_face
from agent.face.probe import Probe
from agent.gallery.gallery import Gallery, Match, identify, verify
from agent.gallery.named import Names, Naming, TokenFault
from agent.gallery.passes import Here, Rejected, Showings, judge
from agent.gallery.passes_uses import PassUse, Uses
from agent.gallery.withdrawal import Rejected as NotWithdrawn
from agent.gallery.withdrawal import judge_withdrawal
from agent.policy.attempt import OptIn
from agent.policy.circumstances import Circumstances, SignSighting, Surroundings
from agent.policy.frames import CodeFrame, PermittedFrame, Preview
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.policy.signage import SignWatch
from agent.ports import CloserDetector, Embedder, MarkerReader, PadDetector, QrReader, Stopwatch
from agent.session import Session
from agent.units import SubjectId

__all__ = [
    "AttemptsSpent", "Core", "Decided", "FrameArrived", "FramesStopped", "GalleryChanged", "Input", "Judged",
    "LawChanged", "MeterOn", "ModelFailed", "NotWritten", "Output", "PreviewMade", "Session", "StateChanged",
    "TokenShown", "WithdrawalShown",
]  # fmt: skip


class Core:
    """One device's state machine; it keeps `uses` up to date, so that a second showing is refused at once."""

    def __init__(
        self,
        gate: Gate,
        detector: CloserDetector,
        embedder: Embedder,
        markers: MarkerReader,
        qrs: QrReader,
        stopwatch: Stopwatch,
        uses: Uses,
        pad: PadDetector | None = None,
        names: Names | None = None,
    ) -> None:
        self._gate, self._detector, self._embedder = gate, detector, embedder
        self._markers, self._qrs, self._watch = markers, qrs, stopwatch
        self._uses, self._pad = uses, pad
        self._gallery: Gallery | None = None
        self._withdrawn: Container[SubjectId] = frozenset()
        self._leaving: set[SubjectId] = set()  # whose withdrawal code was seen, until the gallery is another one
        self._sign, self._showings, self._names = SignWatch(), Showings(), Names() if names is None else names
        self.state: Session | Refusal = Refusal((Ground.NO_POLICY,))

    def receive(self, event: Input) -> list[Output]:
        outputs = self._receive(event)
        spent = self._names.news(event.captured.captured_ns if isinstance(event, FrameArrived) else None)
        return outputs if spent is None else [AttemptsSpent(spent), *outputs]

    def _receive(self, event: Input) -> list[Output]:
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
                self._leaving.clear()
                self._names.keep(lambda it: it not in withdrawn and (gallery is None or gallery.issuer(it) is not None))
                return []
            case TokenShown():
                return self._token(event)
            case NotWritten(decision):
                if decision.pass_used is not None:
                    self._uses.give_back(decision.pass_used)
                if decision.outcome is Outcome.MATCH and isinstance(self.state, Session):
                    self.state.attempts.again(decision.subject)
                return []
            case _:
                assert_never(event)

    def _restart(self) -> list[Output]:
        """A new law ends the session that ran under the old one; the next frame says whether another may begin."""
        if (closed := self._gate.closed()) is not None:
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
            self._watch.lap(Stage.CODES)
        # Of a permitted frame there is a better one, and of the first that is not, the next will do.
        shown = self._gate.blocks(captured) if event.preview_due and isinstance(self.state, Refusal) else None
        admitted = self._gate.admit(captured, Circumstances(captured.captured_ns, around, sign))
        self._watch.lap(Stage.GATE)
        if isinstance(admitted, Refusal):
            outputs += [Judged(admitted), *self._become(admitted)]
            if isinstance(shown, Preview):
                outputs.append(PreviewMade(lambda: shown))
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
            found, granted = session.see(frame, self._detector, self._watch)
            if session.attempts.loose:
                self._sign.loose(frame.captured_ns)
                return [*outputs, *self._become(self._gate.take_back(frame, Ground.SIGN_FORBIDS))]
            if session.named is not None and frame.captured_ns >= session.named.until_ns:
                session.named = None
            for track, opt_in in granted.items():
                if law.one_to_one and (
                    session.named is None
                    or track != session.named.stepped_up({each: found[each].box for each in granted})
                ):
                    continue  # 1:1 compares nobody who was not named, and one person for one naming
                probe = session.probe(frame, found[track], opt_in)
                if probe is not None:
                    outputs += self._look(probe, opt_in, frame, session, law)
        except DeviceError:
            return [*outputs, ModelFailed(), *self._become(Refusal((Ground.MODEL_FAILED,)))]
        for track in session.exhausted(frame.captured_ns):
            if session.named is not None and session.named.track == track:
                session.named = None
            outputs.append(decided(Outcome.NO_MATCH, law, frame, frame.permit.unix_s))
        session.keep()
        outputs += session.metering(frame, found)
        if preview_due:
            outputs.append(PreviewMade(partial(self._gate.preview, frame, [face.box for face in found.values()])))
        return outputs

    def _look(self, probe: Probe, opt_in: OptIn, frame: PermittedFrame, session: Session, law: Law) -> list[Output]:
        """Embed one probe and compare it with those who agreed; the template is dropped here, match or not."""
        self._watch.lap(Stage.PROBE)
        template = self._embedder.embed(probe)
        self._watch.lap(Stage.EMBED)
        session.attempts.looked(opt_in, frame)
        named = session.named
        if named is not None:
            self._names.begin(named, opt_in.track, frame.captured_ns)
        if self._gallery is None:
            return []
        consented = self._gallery.consented(frame.permit, site=law.policy.site, withdrawn=self._withdrawn)
        found = identify(template, consented) if named is None else verify(template, consented, named.subject)
        self._watch.lap(Stage.IDENTIFY)
        match = session.evidence.weigh(opt_in.track, found)
        if match is None or match.subject in self._leaving or not session.let_in(opt_in.track, match.subject):
            return []
        session.named = None
        rule = law.policy.document.pad
        shown = judge_face(frame, opt_in, rule, self._pad)
        if rule is not None:
            self._watch.lap(Stage.PAD)
        if isinstance(shown, Suspicion):
            return [decided(Outcome.ATTACK_DENIED, law, frame, frame.permit.unix_s, ground=shown.value)]
        return [self._let_in(match, shown, named, law, frame)]

    def _let_in(self, match: Match, shown: BonaFide, named: Naming | None, law: Law, frame: PermittedFrame) -> Decided:
        """The only way to a door by the face: it takes a match and the proof that nothing speaks against it."""
        assert shown.number == frame.number
        if named is not None:
            self._names.matched(named)
        use = None if named is None else self._use(named.use)
        return decided(Outcome.MATCH, law, frame, frame.permit.unix_s, subject=match.subject, pass_used=use)

    def _passes(self, texts: list[str], codes: CodeFrame, law: Law, around: Surroundings) -> list[Output]:
        shown = self._showings.new(texts, codes.captured_ns)
        return [output for text in shown for output in self._pass(text, codes, law, around)]

    def _pass(self, text: str, codes: CodeFrame, law: Law, around: Surroundings) -> list[Output]:
        here = Here(law.policy.site, law.policy.door, around.unix_s, around.utc_offset_s)
        verdict = judge(text, law.policy.document.pass_keys, here, self._uses, law.revoked)
        if verdict is None:
            return self._withdrawal(text, codes, law, around)
        if isinstance(verdict, Rejected):
            return self._refused(verdict.reason.value, law, codes, around)
        named = verdict.to_compare(self._withdrawn) if law.one_to_one else None
        if named is None:
            opened = self._opened(verdict.subject, verdict.use, law, codes, around)
            if any(isinstance(each, Decided) and each.decision.opens for each in opened):
                self._showings.opened(text, codes.captured_ns)
            return opened
        # A pass that only names opens nothing, also when the attempts are spent; the match that follows uses it up.
        if self._names.only_pass(named, codes.captured_ns):
            return self._refused(TokenFault.ATTEMPTS_SPENT.value, law, codes, around)
        return self._name(named, verdict.use, law, codes, around)

    def _withdrawal(self, text: str, codes: CodeFrame, law: Law, around: Surroundings) -> list[Output]:
        """A withdrawal code narrows, so it counts under every refusal; any other code is nobody's business."""
        kept = () if self._gallery is None else (self._gallery.issuer,)
        found = judge_withdrawal(text, law.policy.document.withdrawal_keys, law.policy.site, *kept)
        if isinstance(found, NotWithdrawn):
            return self._refused(found.reason.value, law, codes, around)
        if found is None or found in self._withdrawn:
            return []
        self._leaving.add(found)
        return [WithdrawalShown(found)]

    def _token(self, shown: TokenShown) -> list[Output]:
        law, around = self._gate.law, shown.surroundings
        if law is None:
            return []
        found = self._names.judge(
            shown.token, law.policy.document.tokens, law.policy.door, around.unix_s, shown.captured_ns,
            one_to_one=law.one_to_one,
        )  # fmt: skip
        if found is None:
            return []
        if isinstance(found, TokenFault):
            return self._refused(found.value, law, shown, around)
        act = self._opened if found.opens else self._name
        return act(found.subject, None, law, shown, around)

    def _name(self, subject: SubjectId, use: PassUse | None, law: Law, at: Shown, around: Surroundings) -> list[Output]:
        """Whom to compare next, if anybody may be compared and nobody is being compared."""
        if isinstance(self.state, Refusal):
            return self._refused(self.state.grounds[0].value, law, at, around)
        from_afar = isinstance(at, TokenShown) and not at.token.at_the_device
        if self.state.named is not None and self.state.named.keeps_out(at.captured_ns, from_afar=from_afar):
            return self._refused(TokenFault.BUSY.value, law, at, around)
        self.state.named = Naming.of(subject, use, at.captured_ns, from_afar=from_afar)
        return []

    def _opened(
        self, subject: SubjectId | None, use: PassUse | None, law: Law, at: Shown, around: Surroundings
    ) -> list[Output]:
        if around.unix_s is None or not around.ledger_writable:
            return self._refused(Ground.LEDGER_UNWRITABLE.value, law, at, around)
        if use is not None:
            self._names.passed(subject)
        return [decided(
            Outcome.PASS_ACCEPTED, law, at, around.unix_s, subject=subject, pass_used=self._use(use)
        )]  # fmt: skip

    def _use(self, use: PassUse | None) -> PassUse | None:
        if use is not None:
            self._uses.take(use)
        return use

    def _refused(self, ground: str, law: Law, at: Shown, around: Surroundings) -> list[Output]:
        return [decided(Outcome.PASS_REFUSED, law, at, around.unix_s or 0.0, ground=ground)]
