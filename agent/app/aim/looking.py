"""One aiming as its page sees it: what the latest frame tells, and what follows from what the installer enters.

Rules: of a frame only numbers, the corners of marks and the picture that the gate makes are kept, and only the latest.
A mark is shown sharp once it was read twice at its place, so that nothing becomes sharp by a single misreading.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Sequence
from statistics import median
from typing import Any, Final

import numpy as np
from pydantic import ValidationError

from agent.adapters.markers import survey
from agent.adapters.page import PageAnswer
from agent.adapters.picture import encode
from agent.app.aim.meters import edge_px, light, sharpness
from agent.measured import Aimed
from agent.policy import aiming
from agent.policy.aiming import CARD_PX, EYES_APART_M, MARK_PX, Solved, Unsolved
from agent.policy.bundle import MarkerPlace
from agent.policy.footprint import Cells, cell_px, hidden
from agent.policy.frames import CapturedFrame, CodeFrame
from agent.policy.gate import Gate, Refusal
from agent.policy.law import RANGE_UNKNOWN_M, Law
from agent.policy.location import Pose, Spot
from agent.policy.signage import FORBIDDING_MARKER, OPT_OUT_MARKER
from agent.units import Marker

POSTS: Final = frozenset({"plan", "pose", "keep", "end"})
_RINGS_M: Final = (1, 2, 3, 5, 8, 12, 20, 30, 50)
_LOOKS: Final = 30
"""Of the sign's mark, of which its place is the middle."""
_TOLERANCE_PX: Final = 3.0
_MARKS_M: Final = {"sign_a3": 0.15, "sign_a4": 0.1}
"""Sides of the printed mark; on A4 where the text leaves room."""
_CARD_M: Final = 0.0777
"""Of a no-recognition card on A6."""


class Looking:
    """What the page asks is answered here, on its threads; frames come from the thread of the camera.

    Args:
        spot: where the device is now; None: unknown.
    """

    def __init__(self, law: Law, gate: Gate, began: Aimed | None, spot: Spot | None) -> None:
        self._law, self._gate, self._began, self.spot = law, gate, began, spot
        self._lock = threading.Lock()
        self._facts: dict[str, Any] = {"camera": "waiting", "number": 0, "marks": [], "light": None, "sharpness": None}
        self._jpeg: bytes | None = None
        self._before: tuple[Marker, ...] = ()
        self._best = 0.0
        self._signs: deque[Marker] = deque(maxlen=_LOOKS)
        self.over = threading.Event()
        """Somebody has said that it is done."""
        self.kept: tuple[Aimed, Solved] | None = None

    @property
    def _size(self) -> tuple[int, int]:
        view = self._law.policy.document.view
        return view.width, view.height

    def see(self, captured: CapturedFrame) -> None:
        """Look at one frame, and end it."""
        codes = self._gate.codes(captured)
        found = survey(codes) if isinstance(codes, CodeFrame) else ()
        view = self._gate.aim(captured, [mark.corners for mark in found if self._steady(mark)])
        self._before = found
        if isinstance(codes, Refusal) or isinstance(view, Refusal):
            refused = codes if isinstance(codes, Refusal) else view
            assert isinstance(refused, Refusal)
            self.without("refused", [ground.value for ground in refused.grounds])
            return
        facts, jpeg = self._measured(codes, found), encode(view)
        with self._lock:
            self._facts, self._jpeg = facts, jpeg

    def without(self, camera: str, grounds: Sequence[str] = ()) -> None:
        """There is no picture now; `camera` says why."""
        with self._lock:
            self._facts, self._jpeg = {**self._facts, "camera": camera, "grounds": list(grounds), "marks": []}, None

    def _steady(self, mark: Marker) -> bool:
        return any(
            mark.number == other.number and math.dist(mark.corners[0], other.corners[0]) < 0.5 * _side(other)
            for other in self._before
        )

    def _measured(self, codes: CodeFrame, found: tuple[Marker, ...]) -> dict[str, Any]:
        sharp, shone = sharpness(codes.luma), light(codes.luma)
        self._best = max(self._best, sharp)
        sign = self._law.policy.document.sign.marker
        number = None if sign is None else sign.number
        self._signs.extend(mark for mark in found if mark.number == number)
        return {
            "camera": "live",
            "number": codes.number,
            "sharpness": {"now": round(sharp, 1), "best": round(self._best, 1)},
            "light": None
            if shone is None
            else {"mean": round(shone.mean), "burnt": round(shone.burnt, 3), "dark": round(shone.dark, 3)},
            "marks": [self._mark(codes, mark) for mark in sorted(found, key=lambda mark: mark.number)],
        }

    def _mark(self, codes: CodeFrame, mark: Marker) -> dict[str, Any]:
        fine = tuple((x * codes.scale, y * codes.scale) for x, y in mark.corners)
        edge = edge_px(codes.luma, fine)
        return {
            "number": mark.number,
            "kind": self._kind(mark.number),
            "corners": [[round(x, 1), round(y, 1)] for x, y in mark.corners],
            "side_px": round(_side(mark), 1),
            "edge_px": None if edge is None else round(edge, 1),
        }

    def _kind(self, number: int) -> str:
        sign = self._law.policy.document.sign.marker
        known = {FORBIDDING_MARKER: "forbids", OPT_OUT_MARKER: "card"}
        return "sign" if sign is not None and number == sign.number else known.get(number, "other")

    # What the page asks.

    def jpeg(self) -> bytes | None:
        with self._lock:
            return self._jpeg

    def ask(self, name: str, said: Any) -> PageAnswer:
        """Answer one question of the page; see `POSTS`, and `facts`."""
        if name == "facts":
            with self._lock:
                return PageAnswer(self._facts)
        if name == "plan":
            return PageAnswer(self._plan())
        if name == "end":
            self.over.set()
            return PageAnswer({})
        try:
            aimed = Aimed.model_validate(said)
        except ValidationError as error:
            fields = sorted({".".join(str(part) for part in fault["loc"]) for fault in error.errors()})
            return PageAnswer({"why": "unfit", "fields": fields}, good=False)
        solved = aiming.solve(aimed, *self._size)
        if name == "pose":
            return PageAnswer(self._drawn(aimed, solved))
        if isinstance(solved, Unsolved):
            return PageAnswer({"why": solved.value}, good=False)
        self.kept = aimed, solved
        self.over.set()
        return PageAnswer({})

    def place(self) -> MarkerPlace | None:
        """Where the sign's mark was, as `doorward sign attest` measures it; None: it was not read often enough."""
        signs = list(self._signs)
        if len(signs) < _LOOKS // 3:
            return None
        seen = np.array([mark.corners for mark in signs])
        middle = np.median(seen, axis=0)
        spread = float(np.linalg.norm(seen - middle, axis=2).max())
        tolerance = min(60.0, max(_TOLERANCE_PX, 0.1 * median(map(_side, signs)), 2 * spread))
        corners = [(round(float(x), 1), round(float(y), 1)) for x, y in middle]
        return MarkerPlace(number=signs[0].number, corners=tuple(corners), tolerance_px=round(tolerance, 1))

    def _plan(self) -> dict[str, Any]:
        """What does not change while the page is open."""
        document = self._law.policy.document
        sign = document.sign.marker
        return {
            "site": document.site,
            "device": self._law.policy.device.id,
            "view": {"width": document.view.width, "height": document.view.height},
            "region": document.attempt.region,
            "excluded": [region.polygon for region in document.excluded],
            "sign": None if sign is None else {"number": sign.number, "corners": sign.corners},
            "inter_eye_px": document.attempt.inter_eye_px,
            "pose": None if document.pose is None else document.pose.model_dump(),
            "measured": self._began is not None,
            "aimed": (self._began or aiming.example(document.pose, *self._size)).model_dump(mode="json"),
        }

    def _drawn(self, aimed: Aimed, solved: Solved | Unsolved) -> dict[str, Any]:
        """The pose, and what it means in the picture: how far away things are, and what of a zone is black."""
        (width, height), document = self._size, self._law.policy.document
        pose = solved.pose if isinstance(solved, Solved) else None
        face_m = aiming.reach_m(EYES_APART_M, document.attempt.inter_eye_px, aimed.view_deg, width)
        ground_m = None if pose is None else aiming.on_the_ground_m(face_m, pose.height_m)
        rings = [] if pose is None else [*(float(metres) for metres in _RINGS_M), *([ground_m] if ground_m else [])]
        zones, cells = self._zones(pose)
        return {
            "pose": None if pose is None else pose.model_dump(),
            "why": solved.value if isinstance(solved, Unsolved) else None,
            "miss_px": round(solved.miss_px, 1) if isinstance(solved, Solved) else None,
            "horizon": None if pose is None else aiming.horizon(pose, width, height),
            "rings": [
                {"metres": round(metres, 2), "face": metres == ground_m, "line": line}
                for metres in rings
                if pose is not None and len(line := aiming.ring(pose, width, height, metres)) > 1
            ],
            "reach_m": {
                "face": round(face_m, 2),
                "face_ground": None if ground_m is None else round(ground_m, 2),
                **{
                    name: round(aiming.reach_m(size, MARK_PX, aimed.view_deg, width), 1)
                    for name, size in _MARKS_M.items()
                },
                "card": round(aiming.reach_m(_CARD_M, CARD_PX, aimed.view_deg, width), 1),
            },
            "zones": zones,
            "cell_px": cell_px(width, height),
            "hidden": [] if cells is None else [[int(x), int(y)] for y, x in zip(*np.nonzero(cells), strict=True)],
        }

    def _zones(self, pose: Pose | None) -> tuple[str, Cells | None]:
        """Whether a zone is near, and the cells of the picture that the gate would black out, at any time of day."""
        document, (width, height) = self._law.policy.document, self._size
        if self.spot is None:
            return "unknown", None
        used = pose or document.pose
        near = self._law.near(self.spot, document.margin_m + (RANGE_UNKNOWN_M if used is None else used.range_m))
        if not near:
            return "none", None
        if used is None:
            return "near", None
        cells = hidden(used, width, height, self.spot, near)
        return ("pole" if cells is None else "drawn"), cells


def _side(mark: Marker) -> float:
    return sum(math.dist(mark.corners[place], mark.corners[place - 1]) for place in range(4)) / 4
