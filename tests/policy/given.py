"""What the tests of the kernel start from: a policy under which everything is lawful, and frames to judge by it.

Each test changes the one thing that it is about. The policy goes through the reader that a signed one goes through.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.circumstances import Circumstances, LoadedModels, SignSighting, Surroundings
from agent.policy.declared import notice_sha256
from agent.policy.frames import CapturedFrame, CodeFrame, PermittedFrame
from agent.policy.gate import Gate
from agent.policy.law import Law
from agent.policy.zones import Zone
from agent.units import DeviceId, Luma, Marker, Polygon, Rgb, Sha256

NOW_S = 1_900_000_000.0
SECOND = 1_000_000_000
DEVICE = DeviceId("gate-1")
DETECTOR, EMBEDDER = Sha256("d" * 64), Sha256("e" * 64)
WIDTH, HEIGHT = 96, 72
REGION = ((20.0, 10.0), (80.0, 10.0), (80.0, 70.0), (20.0, 70.0))
"""The attempt region."""
SIGN_CORNERS = ((2.0, 2.0), (12.0, 2.0), (12.0, 12.0), (2.0, 12.0))
SIGN = Marker(7, SIGN_CORNERS)
FORBIDDING = Marker(49, ((60.0, 40.0), (70.0, 40.0), (70.0, 50.0), (60.0, 50.0)))

CARD = Marker(48, ((36.0, 60.0), (44.0, 60.0), (44.0, 68.0), (36.0, 68.0)))
"""A no-recognition card."""


def iso(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()


DATED = {"on": iso(NOW_S - 86_400), "until": iso(NOW_S + 86_400)}
TEXTS: dict[str, dict[str, str]] = {
    "en": {
        field: f"the {field} of the quay"
        for field in (
            *("controller", "contact", "complaint", "purpose", "method"),
            *("retention", "necessity", "effect", "rights", "alternative"),
        )
    }
}
NOTICE_SHA256 = notice_sha256(TEXTS)


def document(**changes: Any) -> dict[str, Any]:
    """A complete policy as JSON values; `changes` replace top-level fields, None removes one.

    The assessment is of what the fields say, and the sign refers to the notice, unless a change says otherwise.
    """
    fields: dict[str, Any] = {
        "schema": "doorward/policy/1",
        "site": "quay",
        "version": 3,
        "single_key": True,
        "from": iso(NOW_S - 86_400),
        "until": iso(NOW_S + 86_400),
        "place": "private-land",
        "purpose": "resident-entry",
        "mode": "identify",
        "identify": {"statement": "The gate is used with both hands full."},
        "door": "main",
        "view": {"width": WIDTH, "height": HEIGHT},
        "attempt": {
            "region": REGION,
            "dwell_s": 0.5,
            "probes": 3,
            "window_s": 0.5,
            "leave_s": 2,
            "inter_eye_px": 20,
        },
        "excluded": [],
        "sign": {
            "id": "sign-1",
            "marker": {"number": 7, "corners": SIGN_CORNERS, "tolerance_px": 3},
        },
        "location": {"kind": "survey", "lat_deg": 48.0, "lon_deg": 11.0, "sigma_m": 1},
        "margin_m": 5,
        "zones": [],
        "necessity": {**DATED, "statement": "The gate is used with both hands full."},
        "assessment": {
            **DATED,
            "id": "pia-1",
            "sha256": "9" * 64,
            "heads": ["lawful-and-necessary", "effect-on-rights", "risk-of-harm", "protection"],
            "scope": {"purpose": "resident-entry", "mode": "identify", "models": [DETECTOR, EMBEDDER]},
        },
        "alternatives": [{**DATED, "way": "staff"}],
        "notice": {"version": "n1", "sha256": NOTICE_SHA256, "texts": TEXTS, "accessible": ["staff"]},
        "retention": {"max_days": 30, "max_idle_days": 30},
        "operating_point": {"label": "real", "threshold": 0.5, "search": [{"people": 2_000_000, "threshold": 0.5}]},
        "models": [{"role": "detector", "sha256": DETECTOR}, {"role": "embedder", "sha256": EMBEDDER}],
        "devices": [{"id": DEVICE, "signing_key": "1" * 64, "box_key": "2" * 64}],
        "events_key": "3" * 64,
    }
    fields |= changes
    if "assessment" not in changes and fields["purpose"] and fields["mode"]:
        scope = {
            "purpose": fields["purpose"],
            "mode": fields["mode"],
            "zones": [z["id"] for z in fields["zones"] or ()],
        }
        fields["assessment"] = fields["assessment"] | {"scope": fields["assessment"]["scope"] | scope}
    if fields["sign"] and fields["notice"]:
        fields["sign"] = {"notice_sha256": fields["notice"]["sha256"]} | fields["sign"]
    return {name: value for name, value in fields.items() if value is not None}


def policy(**changes: Any) -> Policy:
    return Policy(VerifiedTarget("permission", POLICY_PATH, json.dumps(document(**changes)).encode()), DEVICE)


def law(**changes: Any) -> Law:
    return Law(policy(**changes))


def square(west: float, south: float, side: float, name: str = "school") -> dict[str, Any]:
    """A zone: a square with one corner and its side in degrees."""
    east, north = west + side, south + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"id": name, "class": "school", "geometry": {"type": "Polygon", "coordinates": [ring]}}


def zone(*pieces: list[list[tuple[float, float]]], **fields: Any) -> Zone:
    """A zone of these polygons, each a list of rings: the outer one, then holes."""
    geometry = {"type": "MultiPolygon", "coordinates": pieces}
    return Zone.model_validate_json(json.dumps({"id": "z", "class": "school", "geometry": geometry, **fields}))


OUTPUTS = frozenset({"box", "landmarks", "embedding"})
AROUND = Surroundings(
    unix_s=NOW_S,
    lease_until_s=NOW_S + 3600,
    fix=None,
    models=LoadedModels(DETECTOR, EMBEDDER, OUTPUTS),
    keys_sealed=True,
    ledger_writable=True,
    stopped=False,
    moved=False,
    stock=3,
    crossed_s=None,
    models_work=True,
    codes_read=True,
)
"""Lawful surroundings."""


IN_PLACE = SignSighting(True, False, ())
"""The site's sign, and nothing that forbids, on a frame that was searched."""


def here(captured_ns: int = 0, sign: SignSighting | None = IN_PLACE, **changes: Any) -> Circumstances:
    return Circumstances(captured_ns, replace(AROUND, **changes), sign)


def picture(value: int = 200, width: int = WIDTH, height: int = HEIGHT) -> Rgb:
    return np.full((height, width, 3), value, np.uint8)


def luma(value: int = 200, width: int = WIDTH, height: int = HEIGHT) -> Luma:
    return np.full((height, width), value, np.uint8)


def captured(number: int = 1, captured_ns: int = 0, rgb: Rgb | None = None) -> CapturedFrame:
    return CapturedFrame(number, captured_ns, picture() if rgb is None else rgb, luma())


def permitted(
    number: int = 1,
    captured_ns: int = 0,
    rgb: Rgb | None = None,
    cards: tuple[Polygon, ...] | None = (),
    **changes: Any,
) -> PermittedFrame:
    """A frame that a gate under the lawful policy has really permitted."""
    frame = Gate(law(**changes)).admit(
        captured(number, captured_ns, rgb), here(captured_ns, SignSighting(True, False, cards))
    )
    assert isinstance(frame, PermittedFrame)
    return frame


def codes(number: int = 1, captured_ns: int = 0) -> CodeFrame:
    """A frame for code readers that a real gate has given under the lawful policy."""
    frame = Gate(law()).codes(captured(number, captured_ns))
    assert isinstance(frame, CodeFrame)
    return frame


@dataclass
class SimulatedMarkers:
    """Implements `ports.MarkerReader`: sees the markers of `markers_now` that lie whole where it is told to look."""

    markers_now: tuple[Marker, ...] = (SIGN,)
    looks: list[tuple[int, Polygon | None]] = field(default_factory=list)
    """Frame number and place of every look."""

    def markers(self, frame: CodeFrame, near: Polygon | None) -> tuple[Marker, ...]:
        self.looks.append((frame.number, near))
        if near is None:
            return self.markers_now
        (x0, y0), (x1, y1) = np.min(near, axis=0), np.max(near, axis=0)
        return tuple(
            marker for marker in self.markers_now if all(x0 <= x <= x1 and y0 <= y <= y1 for x, y in marker.corners)
        )

    @property
    def searched(self) -> list[int]:
        """The frames that were searched whole."""
        return [number for number, near in self.looks if near is None]
