"""What the core remembers of people in view while recognition is permitted, and drops with the permission.

Rules: a face is measured only when it has opted in on this frame, and becomes a probe only when it is good enough for
how long has been waited; what becomes of a track becomes of its evidence. Leaves out: embedding, comparing, deciding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agent.events.bodies import Stage
from agent.exchange import MeterOn
from agent.face.choice import Choice
from agent.face.detect import Face
from agent.face.probe import Probe, ProbeLimits, make_probe
from agent.face.quality import luma
from agent.face.still import Still
from agent.face.tiles import Tiles
from agent.face.track import Tracker
from agent.gallery.evidence import Evidence
from agent.gallery.named import Naming
from agent.policy.attempt import Attempts, OptIn, TrackId
from agent.policy.bundle import Attempt
from agent.policy.frames import PermittedFrame
from agent.ports import CloserDetector, Stopwatch
from agent.units import SubjectId

SHARP_ENOUGH: Final = 2.4
"""At the door a look may be less sharp than a reference: a blurred one costs a match, and proves nothing wrong."""

DARK, BRIGHT = 65.0, 195.0
"""Mean luma of a face, 0 to 255, below and above which the camera is asked to expose for it."""


class Session:
    """Everything remembered about people in view; lives only while permitted."""

    __slots__ = ("_limits", "_meters", "_still", "attempts", "choice", "evidence", "named", "tiles", "tracker")

    def __init__(self, rules: Attempt) -> None:
        self._limits = ProbeLimits(inter_eye_px=rules.inter_eye_px, sharpness=SHARP_ENOUGH)
        self.attempts = Attempts(rules)
        self.tracker, self.tiles = Tracker(rules.leave_s), Tiles(rules)
        self.choice, self.evidence = Choice(), Evidence(rules.probes)
        self.named: Naming | None = None
        self._meters, self._still = False, Still()

    def see(
        self, frame: PermittedFrame, detector: CloserDetector, watch: Stopwatch
    ) -> tuple[dict[TrackId, Face], dict[TrackId, OptIn]]:
        """The faces of this frame by track, and who of them has opted in on it.

        Raises:
            DeviceError: the detector failed.
        """
        still = self._still.holds(frame, anybody=bool(self.tracker.alive()))
        faces = () if still else self.tiles.faces(frame, detector)
        found = self.tracker.update(faces, frame.captured_ns)
        watch.lap(Stage.DETECT)
        self.evidence.forget(self.tracker.unsure)
        boxes = {track: face.box for track, face in found.items()}
        return found, self.attempts.observe(frame, boxes, self.tracker.renewed)

    def probe(self, frame: PermittedFrame, face: Face, opt_in: OptIn) -> Probe | None:
        """The face to be embedded; None: it is not good enough, or a better one can be hoped for."""
        probe = make_probe(frame, face, opt_in, self._limits)
        if not isinstance(probe, Probe) or not self.choice.takes(opt_in.track, probe.quality, frame.captured_ns):
            return None
        return probe

    def metering(self, frame: PermittedFrame, found: Mapping[TrackId, Face]) -> list[MeterOn]:
        """A wish to the camera when the nearest of those who wait in the region is badly lit, until nobody waits."""
        waiting = [found[track] for track in self.attempts.waiting() if track in found]
        nearest = max(waiting, key=lambda face: face.box.width, default=None)
        if nearest is None:
            self._meters = False
            return []
        self._meters = self._meters or not DARK <= luma(frame.pixels, nearest.box) <= BRIGHT
        return [MeterOn(nearest.box)] if self._meters else []

    def let_in(self, track: TrackId, subject: SubjectId) -> bool:
        """The attempt ends with this match; False: they were let in during this visit already."""
        self._over(track)
        return self.attempts.end(track, subject)

    def exhausted(self, now_ns: int) -> list[TrackId]:
        """Tracks whose attempt has just run out without a match."""
        over = self.attempts.exhausted(now_ns)
        self._over(*over)
        return over

    def keep(self) -> None:
        """Forget the tracks that the tracker has given up."""
        alive = self.tracker.alive()
        self.attempts.keep(alive)
        self.evidence.keep(alive)
        self.choice.keep(alive)

    def _over(self, *tracks: TrackId) -> None:
        self.evidence.forget(tracks)
        self.choice.forget(tracks)
