"""The course of one loop: what was heard, what the demo does to site and broker, and the account of it.

Rules: the scene's time runs from the exposure of its frame 0 and is the same in both processes (CLOCK_MONOTONIC); a
decision's time is the one in its sealed event. Without a scene (a recording) nothing is done and nothing is judged,
only counted. Leaves out: processes and waiting (play.py), sockets (subscriber.py).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from agent.adapters.broker import EmbeddedBroker
from agent.adapters.store import Store, read_ledger
from agent.demo import expect
from agent.demo.case import Case
from agent.demo.device import Device
from agent.demo.judge import Judge, Made
from agent.demo.narrate import Narrator
from agent.demo.recorder import Embedded, Framed, Isolation, Opened, Over, Record
from agent.demo.report import Played
from agent.demo.subscriber import Heard, Joined, LinkSaid, Subscriber
from agent.errors import DoorwardError
from agent.events.bodies import Metrics, State, Status
from agent.events.decision import OPENS, Outcome
from agent.events.seal import OpenedErasure, OpenedEvent
from agent.ledger.verify import verify_ledger
from agent.policy.grounds import Ground
from agent.scene.scene import Scene
from agent.site.restrictions import withdrawal

_CLOSED_S = 2.0
"""How long a refusal before the camera opened is watched."""


class Conduct:
    """One loop's state.

    Args:
        scene: None for a recording.
        first: told the first frame and the first decision, as `frame` or `decision`, when they are heard.
    """

    def __init__(
        self,
        device: Device,
        scene: Scene | None,
        narrator: Narrator,
        first: Callable[[str], None],
        case: Case | None = None,
    ) -> None:
        self._device, self._scene, self._narrator, self._first, self._case = device, scene, narrator, first, case
        expected = () if scene is None else expect.expectations(scene)
        self._judge = Judge(expected if case is None else case.expectations())
        self._closed_at: float | None = None
        self._acts = [] if scene is None else list(expect.acts(scene))
        self._passings = [] if scene is None else list(expect.passings(scene))
        self._start_ns: int | None = None
        self._last_ns = 0
        self._frames = 0
        self._looks: list[Embedded] = []
        self._opened_ns: list[int] = []
        self._decisions: Counter[Outcome] = Counter()
        self._metrics: Metrics | None = None
        self._final = False
        """The metrics came after the last frame."""
        self._isolation: Isolation | None = None
        self._state: tuple[str, ...] | None = None
        self._broker_away = False
        self.over = False
        """The recogniser has given its last frame."""

    # Time ---------------------------------------------------------------------------------------------------------

    def now_s(self) -> float | None:
        """Seconds of the scene; None before the first frame."""
        return None if self._start_ns is None else self._scene_s(time.monotonic_ns())

    def _scene_s(self, monotonic_ns: int) -> float:
        return (monotonic_ns - (self._start_ns or 0)) / 1e9

    def _of_unix(self, unix_s: float) -> float:
        return self._scene_s(time.monotonic_ns()) + unix_s - time.time()

    # What is heard ------------------------------------------------------------------------------------------------

    def hear(self, thing: Record | Heard) -> bool:
        """Take in one thing; True if it was a decision or the door."""
        match thing:
            case Framed():
                self._framed(thing)
            case Embedded():
                self._looks.append(thing)
            case Opened(at_ns):
                self._opened_ns.append(at_ns)
                return True
            case Isolation():
                self._isolation = thing
            case Over():
                self.over = True
            case OpenedEvent():
                self._decided(thing)
                return True
            case Joined() | LinkSaid() | OpenedErasure():
                pass
            case _:
                self._told(thing.body)
        return False

    def _framed(self, frame: Framed) -> None:
        if self._start_ns is None:
            fps = 0 if self._scene is None else self._scene.script.fps
            self._start_ns = frame.captured_ns - (round(frame.number * 1e9 / fps) if fps else 0)
            self._first("frame")
        self._frames += 1
        self._last_ns = frame.captured_ns

    def _decided(self, event: OpenedEvent) -> None:
        self._first("decision")
        at_s = self._of_unix(event.unix_s)
        made = Made(event.outcome, event.subject, at_s, event.ground)
        self._decisions[made.outcome] += 1
        meant = self._judge.decide(made)
        self._narrator.decision(made, meant, self._scene is not None, late_s=time.time() - event.unix_s)

    def _told(self, body: object) -> None:
        if isinstance(body, Metrics):
            self._metrics, self._final = body, self.over
        if isinstance(body, Status):
            grounds = tuple(ground.value for ground in body.grounds) if body.state is State.REFUSED else ()
            if self.must_stay_closed and grounds and Ground.NO_POLICY not in grounds and self._closed_at is None:
                self._closed_at = time.monotonic()
                self._narrator.closed(grounds)
            if grounds != self._state and not self.over:
                self._say_state(grounds)
            if not self.over:
                self._state = grounds

    def _say_state(self, grounds: tuple[str, ...]) -> None:
        at_s = self.now_s()
        if not grounds:
            self._narrator.permitted(at_s)
        elif at_s is not None:  # before the first frame there is nothing to refuse
            covered = (
                self._scene is not None and grounds == ("sign-missing",) and expect.sign_covered(self._scene, at_s)
            )
            self._narrator.refused(at_s, grounds, "sign covered" if covered else None)

    # A site whose outcome is written down -------------------------------------------------------------------------

    @property
    def must_stay_closed(self) -> bool:
        """The site's camera must never be opened."""
        return self._case is not None and self._case.file.expected.camera == "closed"

    def look_at_closed(self) -> None:
        """Enough was seen of a camera that stays shut."""
        if self._closed_at is not None and time.monotonic() - self._closed_at > _CLOSED_S:
            self.over = True

    def _unexpected(self, case: Case) -> list[str]:
        expected, fps = case.file.expected, 1 if self._scene is None else self._scene.script.fps
        found = []
        if (self._state or ()) != tuple(ground.value for ground in expected.refused):
            found.append(
                f"refused: {', '.join(self._state or ()) or 'nothing'}, not {', '.join(expected.refused) or 'nothing'}"
            )
        if self.must_stay_closed and self._frames:
            found.append(f"the camera was opened for {self._frames} frames")
        early = sum(not case.looked_in_time(look.number / fps) for look in self._looks)
        if early:
            found.append(f"{early} faces were looked at when nobody was to be compared")
        return found

    # What is done -------------------------------------------------------------------------------------------------

    def act(self, broker: EmbeddedBroker, rejoin: Callable[[], None]) -> None:
        """Do whatever of the scene's acts is due."""
        at_s = self.now_s()
        if at_s is None or self._scene is None:
            return
        while self._passings and at_s >= self._passings[0].over_s + 0.5:
            passing = self._passings.pop(0)
            looked = expect.looked_at(self._scene, passing, self._looks)
            self._narrator.passed(at_s, expect.describe(self._scene, passing), looked)
        while self._acts and at_s >= self._acts[0].t:
            event = self._acts.pop(0)
            match event.kind:
                case "withdraw":
                    person = event.person or ""
                    path, data = withdrawal(expect.pseudonym(person))
                    self._device.repository.publish({path: data})
                    self._narrator.fact(at_s, f"{person} withdraws consent: the site publishes it")
                case "broker-stops":
                    broker.stop()
                    self._broker_away = True
                    self._narrator.fact(at_s, "the broker dies: decisions wait in the device's outbox")
                case "broker-returns":
                    self.bring_back(broker, rejoin)

    def bring_back(self, broker: EmbeddedBroker, rejoin: Callable[[], None]) -> None:
        """Start a broker that the scene had stopped."""
        if not self._broker_away:
            return
        broker.start()
        rejoin()
        self._broker_away = False
        self._narrator.fact(self.now_s(), "the broker is back")

    @property
    def settled(self) -> bool:
        """Every opening of the door has come to the site as an event, and the device has said its last figures."""
        heard = sum(self._decisions[outcome] for outcome in OPENS) >= len(self._opened_ns)
        return heard and self._final

    # The account --------------------------------------------------------------------------------------------------

    def account(self, subscriber: Subscriber) -> Played:
        """Weigh everything once both processes have ended."""
        seconds = (self._last_ns - self._start_ns) / 1e9 if self._start_ns is not None else 0.0
        played = Played(seconds=seconds, frames=self._frames, decisions=self._decisions, embeddings=len(self._looks))
        if self._scene is not None:
            played.verdict = self._judge.close(seconds, [self._scene_s(at_ns) for at_ns in self._opened_ns])
            played.unlawful = expect.unlawful(self._scene, self._looks)
        if self._case is not None:
            played.faults += self._unexpected(self._case)
        if self._metrics is not None:
            played.stages_ms = {each.stage.value: each.median_ms for each in self._metrics.stages}
            played.refused = Counter({each.ground.value: each.frames for each in self._metrics.refused})
        if self._isolation is not None:
            played.interfaces, played.sockets = self._isolation.interfaces, self._isolation.sockets
        played.topics = subscriber.topics
        if subscriber.forged:
            played.faults.append(f"{subscriber.forged} messages were not signed by the device")
        self._read_store(self._device.store, played)
        return played

    def _read_store(self, path: Path, played: Played) -> None:
        device = self._device
        try:
            with read_ledger(path) as copy:
                verified = verify_ledger(copy, key=device.key, device=device.id)
            played.ledger_entries, played.ledger_decisions = verified.size, verified.kinds.get("decision", 0)
            store = Store.open(path, site=device.site, device=device.id, ledger_key=device.keys.ledger_key)
            played.outbox = store.pending()
            store.close()
        except DoorwardError as error:
            played.ledger_fault = str(error)
