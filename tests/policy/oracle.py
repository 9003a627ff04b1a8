"""A second opinion on what is lawful, written from the law's words and not from the gate's code.

A walk is a list of spells; in each spell the facts are the same for some frames. `Oracle` is told the facts of every
frame and says whether recognition is lawful on it. Used by the walks of the policy room and of the core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from agent.policy.circumstances import LoadedModels, Surroundings
from agent.policy.frames import CapturedFrame
from agent.policy.law import Law
from agent.units import Fix, Marker
from tests.policy.given import (
    AROUND,
    DETECTOR,
    EMBEDDER,
    NOW_S,
    OUTPUTS,
    SECOND,
    SIGN,
    document,
    iso,
    law,
    luma,
    picture,
    square,
)

OTHER_PLACE = tuple((x + 70.0, y + 50.0) for x, y in SIGN.corners)
MARKS = {
    "A": SIGN,
    "B": replace(SIGN, corners=OTHER_PLACE),
    "copy": replace(SIGN, corners=tuple((x + 30.0, y) for x, y in SIGN.corners)),
    "forbids": Marker(49, tuple((x + 40.0, y + 40.0) for x, y in SIGN.corners)),
}
EXCLUDED = (4, 44, 16, 64)
"""x0, y0, x1, y1 of the region that every law of the walks excludes."""
_X0, _Y0, _X1, _Y1 = EXCLUDED
_REGION = {"id": "window", "polygon": [[_X0, _Y0], [_X1, _Y0], [_X1, _Y1], [_X0, _Y1]]}
_INSPECTION = {"inspector": "warden-2", "inspected": iso(NOW_S - 60), "until": iso(NOW_S + 12)}
_MARKER = document()["sign"]["marker"]


_SOUTHWARD = {"height_m": 2.2, "heading_deg": 180, "tilt_deg": 10, "view_deg": 62, "range_m": 30}


def _law(**changes: Any) -> Law:
    return law(**({"excluded": [_REGION]} | changes))


LAWS: dict[str, Law | None] = {
    "none": None,
    "survey": _law(),
    "gnss": _law(location={"kind": "gnss"}, zones=[square(11.0, 48.001, 0.002)]),
    "ends": _law(until=iso(NOW_S + 10)),
    "begins": _law(**{"from": iso(NOW_S + 6)}),
    "in zone": _law(zones=[square(10.999, 47.999, 0.002)]),
    "zone behind": _law(zones=[square(11.0, 48.0003, 0.002)], pose=_SOUTHWARD),
    "zone near, view unknown": _law(zones=[square(11.0, 48.0003, 0.002)]),
    "sign at B": _law(sign={"id": "s", "marker": _MARKER | {"corners": OTHER_PLACE}}),
    "inspected": _law(sign={"id": "s", "inspection": _INSPECTION}),
    "private": _law(place="private-space"),
    "public": _law(place="public-place"),
    "unjustified": _law(identify=None),
    "passes": _law(mode="pass"),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so on one frame; the defaults are lawful."""

    law: str = "survey"
    clock: bool = True
    lease_s: float | None = 3600.0
    """End of the lease after the start of the walk."""
    stopped: bool | None = False
    fix: str | None = "clear"
    models: str | None = "allowed"
    keys: bool | None = True
    ledger: bool | None = True
    marks: tuple[str, ...] = ("A", "B")
    view: bool = True
    moved: bool | None = False
    tampered: bool | None = False
    work: bool | None = True


DEVIATIONS: list[tuple[str, Any]] = [
    *(("law", name) for name in LAWS),
    ("law", "gnss"),
    ("law", "gnss"),
    ("clock", False),
    ("lease_s", None),
    ("lease_s", 8.0),
    ("stopped", True),
    ("stopped", None),
    *(("fix", name) for name in (None, "inside", "near", "coarse", "stale", "nonsense")),
    *(("models", name) for name in (None, "other detector", "swapped")),
    ("keys", False),
    ("keys", None),
    ("ledger", False),
    ("ledger", None),
    *(("marks", marks) for marks in ((), ("copy",), ("A",), ("B", "copy"), ("A", "B", "forbids"), ("forbids",))),
    ("view", False),
    ("moved", True),
    ("moved", None),
    ("tampered", True),
    ("tampered", None),
    ("work", False),
    ("work", None),
]

_facts = st.lists(st.sampled_from(DEVIATIONS), max_size=2).map(lambda changes: replace(Facts(), **dict(changes)))
_lawful_or_not = st.one_of(st.just(Facts()), st.just(Facts(law="gnss")), _facts)
_spells = st.tuples(_lawful_or_not, st.integers(1, 12), st.sampled_from([67, 100, 250, 500, 3000]))
walks = st.lists(_spells, min_size=1, max_size=10)
"""Spells of facts, number of frames, and milliseconds from frame to frame."""

Walk = list[tuple[Facts, int, int]]


def frames_of(walk: Walk) -> Iterator[tuple[int, int, Facts]]:
    """Number, time in nanoseconds, and facts of each frame."""
    number, at_ns = 0, 1000 * SECOND
    for facts, frames, step_ms in walk:
        for _ in range(frames):
            number, at_ns = number + 1, at_ns + step_ms * 1_000_000
            yield number, at_ns, facts


START_NS = 1000 * SECOND


def surroundings(facts: Facts, at_ns: int) -> Surroundings:
    lat = {"inside": 48.002, "near": 48.00094}.get(facts.fix or "", 48.0)
    fix = Fix(
        lat_deg=lat,
        lon_deg=11.001,
        sigma_m={"coarse": 40.0, "nonsense": float("nan")}.get(facts.fix or "", 1.0),
        taken_ns=at_ns - (6 * SECOND if facts.fix == "stale" else SECOND),
    )
    models = {
        "allowed": LoadedModels(DETECTOR, EMBEDDER, OUTPUTS),
        "other detector": LoadedModels(EMBEDDER, EMBEDDER, OUTPUTS),
        "swapped": LoadedModels(EMBEDDER, DETECTOR, OUTPUTS),
    }
    return replace(
        AROUND,
        unix_s=NOW_S + (at_ns - START_NS) / SECOND if facts.clock else None,
        lease_until_s=None if facts.lease_s is None else NOW_S + facts.lease_s,
        fix=None if facts.fix is None else fix,
        models=None if facts.models is None else models[facts.models],
        keys_sealed=facts.keys,
        ledger_writable=facts.ledger,
        stopped=facts.stopped,
        moved=facts.moved,
        tampered=facts.tampered,
        models_work=facts.work,
    )


def frame_of(number: int, at_ns: int, facts: Facts) -> CapturedFrame:
    width = 96 if facts.view else 92
    return CapturedFrame(number, at_ns, picture(width=width), luma(width=width))


_LASTING = ("stop", "missing", "forbids", "place", "zone", "view", "moved", "opened")


@dataclass
class Oracle:
    """Remembers the whole history and judges each frame by it."""

    permitted_before: bool = False
    history: list[tuple[int, str, frozenset[str]]] = field(default_factory=list)
    """Time, law and faults that need a clear hold, of every frame since the first permit that fell under some law."""
    sighting: tuple[int, str] | None = None
    """When and where the site's sign was last seen."""

    def lawful(self, at_ns: int, facts: Facts) -> bool:
        if facts.law == "none":
            return False
        after_s = (at_ns - START_NS) / SECOND
        lasting = self._lasting_faults(at_ns, after_s, facts)
        if self.permitted_before:
            self.history.append((at_ns, facts.law, lasting))
        waiting = any(self._waits(fault) for fault in _LASTING)
        now = not lasting and not waiting and not self._passing_faults(after_s, facts)
        self.permitted_before |= now
        return now

    def _passing_faults(self, after_s: float, facts: Facts) -> bool:
        """Faults after which recognition resumes on the very next good frame."""
        in_time = facts.clock and facts.lease_s is not None and after_s < facts.lease_s
        if facts.law == "ends":
            in_time = in_time and after_s < 10
        if facts.law == "begins":
            in_time = in_time and after_s >= 6
        forbidden = facts.law in ("private", "public", "unjustified", "passes")
        fit = facts.models == "allowed" and facts.work is True and facts.keys is True and facts.ledger is True
        fit = fit and facts.view
        return not in_time or forbidden or not fit

    def _lasting_faults(self, at_ns: int, after_s: float, facts: Facts) -> frozenset[str]:
        """Faults after which resuming takes a clear hold."""
        faults = set()
        if facts.stopped is not False:
            faults.add("stop")
        if facts.law == "gnss":
            if facts.fix in (None, "stale", "nonsense"):
                faults.add("place")
            if facts.fix in (None, "inside", "near", "coarse", "nonsense"):
                faults.add("zone")
        if facts.law == "in zone":
            faults.add("zone")
        if facts.law == "zone near, view unknown":
            faults.add("view")
        if facts.moved is not False:
            faults.add("moved")
        if facts.tampered is not False:
            faults.add("opened")
        # Nothing is read where no camera may be open, nor from a picture of another view.
        read = facts.view and facts.law != "private"
        place = {"sign at B": "B", "inspected": None}.get(facts.law, "A")
        if read and place is not None and place in facts.marks:
            self.sighting = at_ns, place
        seen = read and self.sighting is not None and self.sighting[1] == place
        fresh = seen and self.sighting is not None and at_ns - self.sighting[0] <= SECOND // 2
        inspected = facts.law == "inspected" and facts.clock and after_s < 12
        if not fresh and not inspected:
            faults.add("missing")
        if not read or "forbids" in facts.marks:
            faults.add("forbids")
        return frozenset(faults)

    def _waits(self, fault: str) -> bool:
        """Since the fault last was, there has been no frame with enough good time and good frames before it."""
        last = max((index for index, (_, _, faults) in enumerate(self.history) if fault in faults), default=None)
        if last is None:
            return False
        good = self.history[last + 1 :]
        for count, (at_ns, name, _) in enumerate(good, start=1):
            of_receiver = fault in ("place", "zone", "view") and name == "gnss"
            hold_s = 30 if fault in ("moved", "opened") or of_receiver else 2
            if count >= 5 and at_ns - good[0][0] >= hold_s * SECOND:
                return False
        return True
