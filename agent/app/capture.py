"""The camera's side of an enrolment at the door: frames and signs in, one view a frame out, until there is a reference.

Rules: the camera is opened only after the gate has said that this person may be enrolled here now, and is closed
whatever happens; signs and position are read as for recognition, so that a no-recognition sign that is held up, or a
zone, narrows here too. Every frame is ended by the gate. Leaves out: the guide itself (gallery/guide.py), words and
terminals (the command), and keeping the reference (the desk).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from agent.adapters.markers import ArucoReader
from agent.adapters.qr import ZxingReader
from agent.app.desk import Desk
from agent.app.parts import Parts
from agent.gallery.consent import Consent
from agent.gallery.enrol import NotPermitted
from agent.gallery.guide import Instruction, Pose
from agent.gallery.reference import Reference
from agent.gallery.sitting import Seen, Waiting
from agent.policy.circumstances import Circumstances, SignSighting
from agent.policy.frames import CapturedFrame, CodeFrame, Preview
from agent.policy.gate import Gate
from agent.policy.grounds import Ground
from agent.policy.signage import SignWatch
from agent.ports import Locator

LIMIT_S: Final = 90.0
_TEXTS_EVERY_NS: Final = 250_000_000
"""QR codes are looked for this often, as at the door: one may say that nobody is to be recognised."""


@dataclass(frozen=True, slots=True)
class View:
    """What there is to show on one frame."""

    say: Instruction | None
    """None: not permitted on this frame, for `grounds`."""
    grounds: tuple[Ground, ...]
    preview: Preview | None
    """None: not permitted, so there is nothing to show."""
    missing: Mapping[Pose, int]
    """Good pictures that are still wanted."""
    left_s: float


@dataclass(frozen=True, slots=True)
class Taken:
    """There is a reference; it is not kept yet."""

    reference: Reference
    since_s: float
    """When the first of its pictures was exposed, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class OutOfTime:
    """The time was over, or a recording at its end, before there were enough good pictures."""

    missing: Mapping[Pose, int]
    obstacle: Instruction | None
    """What stood in the way most of the time; None when no frame was permitted."""
    grounds: tuple[Ground, ...]
    """Of the last frame, if it was not permitted."""


def capture(
    desk: Desk,
    consent: Consent,
    parts: Parts,
    show: Callable[[View], None],
    *,
    stall_s: float,
    limit_s: float = LIMIT_S,
) -> Taken | NotPermitted | OutOfTime:
    """Guide one consenting person before the device's own camera.

    Args:
        show: called once a frame.
        stall_s: a camera that gives nothing for this long has failed.

    Raises:
        VaultError: the vault does not open; the camera was not opened then.
        DeviceError: the camera or a model failed.
        ConfigError: the camera cannot be opened as the config says.
    """
    gate = Gate(desk.law)
    sitting = desk.sitting(gate, consent, limit_s)
    if isinstance(sitting, NotPermitted):
        return sitting
    with ExitStack() as opened:
        locator = None if parts.open_locator is None else parts.open_locator()
        if locator is not None:
            opened.callback(locator.close)
        camera = parts.open_camera()
        opened.callback(camera.close)
        sight, refused = _Sight(desk, gate, locator), NotPermitted(())
        while (captured := camera.read(stall_s)) is not None:
            captured_ns = captured.captured_ns
            seen = sitting.see(captured, sight.of(captured))
            if isinstance(seen, NotPermitted):
                return seen
            refused = NotPermitted(()) if isinstance(seen, Seen) else seen.refused
            left_s = sitting.guide.left_s(captured_ns)
            show(_view(seen, dict(sitting.guide.missing), left_s))
            reference = sitting.reference()
            if reference is not None and sitting.first_ns is not None:
                return Taken(reference, sitting.first_ns / 1e9)
            if left_s <= 0:
                break
        return OutOfTime(dict(sitting.guide.missing), sitting.guide.obstacle, refused.grounds)


def _view(seen: Seen | Waiting, missing: Mapping[Pose, int], left_s: float) -> View:
    if isinstance(seen, Waiting):
        return View(None, seen.refused.grounds, None, missing, left_s)
    return View(seen.step.say, (), seen.preview, missing, left_s)


class _Sight:
    """What is the case at each frame: its signs, and the position."""

    def __init__(self, desk: Desk, gate: Gate, locator: Locator | None) -> None:
        self._desk, self._gate, self._locator = desk, gate, locator
        self._markers, self._qrs, self._signs = ArucoReader(), ZxingReader(), SignWatch()
        self._texts_ns: int | None = None

    def of(self, captured: CapturedFrame) -> Circumstances:
        now_ns = captured.captured_ns
        fix = None if self._locator is None else self._locator.fix(now_ns)
        return self._desk.here(now_ns, fix, self._sign(captured))

    def _sign(self, captured: CapturedFrame) -> SignSighting | None:
        codes = self._gate.codes(captured)
        if not isinstance(codes, CodeFrame):
            return None
        now_ns, texts = captured.captured_ns, list[str]()
        if self._texts_ns is None or now_ns - self._texts_ns >= _TEXTS_EVERY_NS:
            self._texts_ns = now_ns
            texts = [code.text for code in self._qrs.texts(codes)]
        # Each frame may be embedded, so what forbids it must be known of this very frame.
        return self._signs.see(codes, self._markers, self._desk.law.policy, texts, due=True)
