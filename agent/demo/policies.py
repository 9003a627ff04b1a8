"""The two policies that the demo signs: one for a scene, drafted from the scene's own file, one for a recording.

Both are what an operator would write by hand (see `doorward site init`); the site adds names, keys and version. A
recording is judged at the operating point for real people; a scene with its synthetic cast at theirs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from agent.crypto import sha256
from agent.models.manifest import Manifest
from agent.scene.script import Script

NOTICE: Final = (
    "At this gate a camera can recognise you if you agreed to it beforehand and step into the marked space. "
    "Nobody else is recognised, and nobody has to use it: a day pass opens the same gate. "
    "Ask at the desk for a pass, to agree, or to withdraw at any time."
)
"""Whoever is enrolled agreed to this text; policy and receipts name its hash."""
_STATEMENT: Final = "Residents come with both hands full; one comparison with few residents needs no card at the gate."


def for_scene(script: Script, manifest: Manifest) -> dict[str, Any]:
    """What the operator of the scene's gate decides: regions, sign, zones and times are those of the scene file."""
    zones = [{"id": zone.id, "rings": [[list(corner) for corner in zone.ring]]} for zone in script.position.zones]
    return {
        **_common(manifest, "synthetic-cast"),
        "attempt": script.attempt.model_dump(mode="json"),
        "excluded": [region.model_dump(mode="json") for region in script.excluded],
        "sign": {
            "id": "gate-sign",
            "marker": {
                "number": script.sign.marker,
                "corners": [list(corner) for corner in script.sign.corners],
                "tolerance_px": script.sign.tolerance_px,
            },
        },
        "location": {"kind": "gnss"},
        "margin_m": script.position.margin_m,
        "zones": zones,
    }


def for_recording(manifest: Manifest, now: datetime, *, inspected: bool) -> dict[str, Any]:
    """A site without a sign in view: its attempt region is the whole picture.

    Args:
        inspected: a person has looked at the sign and signed for it; without that every frame must be refused.
    """
    whole = [[0.0, 0.0], [640.0, 0.0], [640.0, 480.0], [0.0, 480.0]]
    sign: dict[str, Any] = {"id": "hall-sign"}
    if inspected:
        looked = now.astimezone(UTC) - timedelta(hours=1)
        sign["inspection"] = {
            "inspector": "front-desk",
            "inspected": looked.isoformat(),
            "until": (looked + timedelta(days=30)).isoformat(),
        }
    else:  # then the sign counts only where a marker proves it, and no recording shows this one
        sign["marker"] = {"number": 11, "corners": [[8, 8], [40, 8], [40, 40], [8, 40]], "tolerance_px": 4.0}
    return {
        **_common(manifest, "real"),
        "attempt": {
            "region": whole, "dwell_s": 0.5, "probes": 3, "window_s": 0.5, "leave_s": 2.0, "inter_eye_px": 20.0,
        },
        "sign": sign,
        "location": {"kind": "survey", "lat_deg": 52.0, "lon_deg": 10.0, "sigma_m": 1.0},
    }  # fmt: skip


def _common(manifest: Manifest, operating_point: str) -> dict[str, Any]:
    return {
        "place": "private-land",
        "purpose": "resident-entry",
        "mode": "identify",
        "identify": {"statement": _STATEMENT},
        "door": "main",
        "outcome_class_in_clear": True,
        "view": {"width": 640, "height": 480},
        "notice": {"version": "demo-1", "sha256": sha256(NOTICE.encode())},
        "retention": {"max_days": 365, "max_idle_days": 180},
        "operating_point": {"label": operating_point, "threshold": manifest.threshold(operating_point)},
        "models": [{"role": model.role, "sha256": model.sha256} for model in manifest.models],
    }
