"""The recogniser's main loop: one frame at a time through the core, and what comes out of it.

Rules: a decision is durable before the door moves; if it cannot be written, the door stays shut and recognition stops.
Nothing waits for the network. One thread does all this; the camera, the socket and the authority have their own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from agent.adapters.channel import Channel
from agent.adapters.clock import utc_offset_s
from agent.adapters.picture import Encoder
from agent.adapters.store import Store
from agent.app.alternative import SelfTest, unseen
from agent.app.authority import Authority
from agent.app.commands import Commands
from agent.app.config import DeviceConfig
from agent.app.custody import Custody
from agent.app.erasure import Erasure
from agent.app.eye import Eye
from agent.app.faltering import Faltering
from agent.app.heartbeat import Heartbeat
from agent.app.measure import Measure
from agent.app.metrics import metrics
from agent.app.opening import Opening
from agent.app.outbox import Outbox
from agent.app.pad import PadOnDemand
from agent.app.pulse import Pulse
from agent.app.standing import Standing
from agent.app.timekeeping import RUN_S, DeviceTime, hear, run_on
from agent.app.writing import Writing
from agent.core import (
    AttemptsSpent,
    Core,
    Decided,
    FrameArrived,
    FramesStopped,
    Input,
    Judged,
    MeterOn,
    ModelFailed,
    NotWritten,
    Output,
    PreviewMade,
    StateChanged,
    TokenShown,
    WithdrawalShown,
)
from agent.crypto import SignSecret
from agent.errors import DoorwardError
from agent.events.bodies import Stage
from agent.events.counts import HourlyCounts
from agent.events.decision import Decision
from agent.ledger.entry import refusal_changed
from agent.policy.circumstances import Surroundings
from agent.policy.clock import TrustedClock
from agent.policy.gate import Gate, Refusal
from agent.policy.grounds import Ground
from agent.policy.location import moved
from agent.ports import Clock, Locator, TokenReader
from agent.session import Session

_WAIT_S: Final = 0.1
PASSES_EVERY_NS: Final = 200_000_000
"""QR codes are searched five times a second at most: a hand holds a pass for longer than that."""
_NO_FRAMES: Final = Refusal((Ground.NO_FRAMES,))


class Loop:
    """Owns the core from `run` to its end; everything it is given is opened and closed by recogniser.py."""

    def __init__(
        self,
        config: DeviceConfig,
        core: Core,
        gate: Gate,
        store: Store,
        writing: Writing,
        channel: Channel,
        outbox: Outbox,
        authority: Authority,
        commands: Commands,
        standing: Standing,
        custody: Custody,
        erasure: Erasure,
        heartbeat: Heartbeat,
        measure: Measure,
        pulse: Pulse,
        clock: Clock,
        trusted: TrustedClock,
        eye: Eye,
        self_test: SelfTest,
        opening: Opening,
        locator: Locator | None,
        readers: tuple[TokenReader, ...],
        pad: PadOnDemand,
        sign_secret: SignSecret,
        report: Callable[[str], None],
    ) -> None:
        self._config, self._core, self._gate, self._store, self._channel = config, core, gate, store, channel
        self._outbox, self._authority, self._standing, self._heartbeat = outbox, authority, standing, heartbeat
        self._custody, self._erasure, self._commands, self._counts = custody, erasure, commands, HourlyCounts()
        self.measure, self._pulse, self._clock, self._trusted = measure, pulse, clock, trusted
        self._eye, self._opening, self._locator, self._readers = eye, opening, locator, readers
        self._self_test, self._sign_secret, self._report = self_test, sign_secret, report
        self._writing, self._encoder, self._pad, self._faltering = writing, Encoder(), pad, Faltering()
        self._run_ns = self._passes_at_ns = self._preview_at_ns = 0
        time = DeviceTime(trusted, clock)
        self._unix_s, self._dated_s = time.unix_s, time.dated_s

    @property
    def state(self) -> Session | Refusal:
        """What the core is in."""
        return self._core.state

    def run(self, stop: threading.Event) -> None:
        """Until told to stop.

        Raises:
            DeviceError: the disk has failed, leaving its content unknown; no picture for long; too much memory is held.
        """
        self.begin()
        while not stop.is_set():
            self.turn(stop)

    def begin(self) -> None:
        """What comes before the first turn."""
        for event in self._standing.opening(self._unix_s()):
            self._receive(event)
        self._pulse.begun()

    def turn(self, stop: threading.Event) -> None:
        """All that is due, and one frame if one comes in time."""
        self._commands.work(self._unix_s(), self._dated_s())
        self._hear_the_authority()
        self._hear_the_readers()
        captured = self._look(stop)
        if captured is not None:
            self._receive(captured)
        if isinstance(captured, FrameArrived):
            self.measure.lap(Stage.FRAME)
            self._pulse.judged(captured.captured.captured_ns, self._clock.monotonic_ns())
        elif isinstance(captured, FramesStopped) and not self._eye.hangs:
            self._pulse.failing(self._clock.monotonic_ns())
        self._housekeeping()

    def _look(self, stop: threading.Event) -> Input | None:
        """The next frame, if the policy lets the camera be open at all."""
        if self._gate.closed() is not None:
            self._eye.close()
            self._pulse.shut(self._clock.monotonic_ns())
            stop.wait(_WAIT_S)
            return None
        self._eye.open()
        if (captured := self._eye.take(_WAIT_S)) is None:
            if not (self._eye.failed or self._eye.over):
                return None
            if self.state == _NO_FRAMES:
                stop.wait(_WAIT_S)  # said already; nothing is to be seen before the camera is opened again
            return FramesStopped()
        now_ns = captured.captured_ns
        passes_due, preview_due = now_ns >= self._passes_at_ns, now_ns >= self._preview_at_ns
        if passes_due:
            self._passes_at_ns = now_ns + PASSES_EVERY_NS
        if preview_due:
            self._preview_at_ns = now_ns + round(self._config.preview.every_s * 1e9)
        self.measure.start(now_ns)
        return FrameArrived(captured, self._surroundings(now_ns), passes_due, preview_due)

    def _surroundings(self, now_ns: int) -> Surroundings:
        unix_s = self._unix_s()
        fix = None if self._locator is None else self._locator.fix(now_ns)
        document = None if self._standing.law is None else self._standing.law.policy.document
        timezone = None if document is None else document.timezone
        return Surroundings(
            unix_s=unix_s,
            lease_until_s=self._standing.lease_until_s,
            fix=fix,
            models=self._pad.held(document),
            keys_sealed=True,  # the key source refuses to open where the config does not allow its backend
            ledger_writable=self._writing.possible,
            stopped=self._standing.stopped(unix_s) or self._commands.stopped(unix_s),
            moved=None if document is None else moved(document.location, fix, now_ns),
            stock=self._standing.stock,
            crossed_s=self._standing.crossed_s,
            utc_offset_s=None if timezone is None or unix_s is None else utc_offset_s(timezone, unix_s),
            tampered=self._opening.tampered,
            models_work=not self._faltering.rests(now_ns),
            codes_read=self._self_test.alive(now_ns / 1e9),
        )

    def _receive(self, event: Input) -> None:
        for output in self._core.receive(event):
            self._handle(output)

    def _handle(self, output: Output) -> None:
        match output:
            case Judged(refusal):
                self.measure.judged(refusal)
            case StateChanged(refusal):
                self._note_state(refusal)
            case Decided(decision):
                self._decide(decision)
            case AttemptsSpent(spent):
                self._writing.written(lambda: self._store.spent.keep(spent))
            case PreviewMade(make):
                self._channel.send_preview(lambda: self._encoder.encode(make()))
            case MeterOn(region):
                self._eye.meter(region)
            case WithdrawalShown(subject):
                self._standing.asked(subject)
            case ModelFailed():
                rest_s = self._faltering.failed(self._clock.monotonic_ns())
                self._report(f"model: failed on a frame; tried again in {rest_s} s; see 'doorward models verify'")

    def _decide(self, decision: Decision) -> None:
        law = self._standing.law
        if law is None:
            return
        made: list[Decision] = []
        if not self._writing.written(lambda: made.extend(self._opening.decide(decision, law.policy.document))):
            self._receive(NotWritten(decision))
            return
        self.measure.lap(Stage.COMMIT)
        for each in made:
            self._counts.count(each.outcome, self._unix_s())
        if made[0] is not decision:
            self._receive(NotWritten(decision))  # written down as too late: what it used up is given back
        elif len(made) > 1:  # too late after it was written: a pass is used up, the person may try again
            self._receive(NotWritten(replace(decision, pass_used=None)))
        self._outbox.push()

    def _note_state(self, refusal: Refusal | None) -> None:
        grounds = () if refusal is None else refusal.grounds
        self._writing.written(lambda: self._store.note(refusal_changed(grounds, self._unix_s())))

    def _hear_the_authority(self) -> None:
        """What cannot be written down is not taken over; the authority's thread says it again at its next round."""
        news, inputs = self._authority.news(), list[Input]()
        self._writing.written(lambda: inputs.extend(self._standing.settle(self._unix_s())))
        if news is not None:
            now_ns = self._clock.monotonic_ns()
            if self._writing.written(
                lambda: hear(news, self._trusted, self._store, now_ns)
            ) and not self._writing.written(lambda: inputs.extend(self._standing.take(news, self._unix_s()))):
                inputs.append(self._standing.gallery_changed())
        inputs += self._sweep()
        for event in inputs:
            self._receive(event)
        if inputs:
            self._outbox.push()  # an erasure leaves its receipt among the events

    def _sweep(self) -> list[Input]:
        """Erase whoever's time is over, under a refusal too; nobody while the clock is not trusted."""
        unix_s, law, inputs = self._unix_s(), self._standing.law, list[Input]()
        if unix_s is None or not self._writing.possible:
            return []
        if not self._writing.written(lambda: inputs.extend(self._standing.sweep(unix_s))):
            return [self._standing.gallery_changed()]
        if law is not None:
            self._writing.written(lambda: self._custody.shorten(law, unix_s))
        return inputs

    def _hear_the_readers(self) -> None:
        """Cards, PINs and the button inside, camera open or not: where it is closed they may be the only way."""
        now_ns = self._clock.monotonic_ns()
        for reader in self._readers:
            if (token := reader.token(now_ns)) is not None:
                self._receive(TokenShown(token, now_ns, self._surroundings(now_ns)))
        if (leaving := self._opening.exit_asked(self._standing.law, self._dated_s())) is not None:
            self._decide(leaving)

    def _housekeeping(self) -> None:
        grounds = self.state.grounds if isinstance(self.state, Refusal) else ()
        self._writing.retry()
        if not self._writing.possible and Ground.LEDGER_UNWRITABLE not in grounds:
            grounds = (*grounds, Ground.LEDGER_UNWRITABLE)
        now_ns = self._clock.monotonic_ns()
        grounds = unseen(grounds, self._standing.law, self._surroundings, now_ns)
        fix, standing = None if self._locator is None else self._locator.fix(now_ns), self._standing
        self._heartbeat.beat(standing.law, grounds, fix, self._dated_s(), standing.stock, standing.crossed_s)
        if now_ns >= self._run_ns:
            self._run_ns = now_ns + round(RUN_S * 1e9)
            self._writing.written(lambda: run_on(self._trusted, self._store, self._clock.monotonic_ns()))
            if self._writing.answered:
                self._pulse.committed()
            self._writing.written(lambda: self._erasure.retry(self._unix_s()))
        self._writing.written(lambda: self._heartbeat.checkpoint(self._store, self._sign_secret, self._unix_s()))
        try:
            if self._heartbeat.metrics_due():
                told = self.measure, self._store, self._custody, self._counts, self._eye, self._channel.thinned
                self._heartbeat.send(metrics(*told, self._unix_s()))
        except DoorwardError as error:
            self._report(str(error))
        self._outbox.offer_again()
        self._pulse.beat(self._clock.monotonic_ns(), carried=self._channel.alive and self._outbox.alive)
