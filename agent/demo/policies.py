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

NOTICE: Final = {
    "en": {
        "controller": "North Gate Residents' Association (a made-up operator)",
        "contact": "desk@north-gate.example",
        "complaint": "the association's desk, or the data protection authority",
        "purpose": "to open this gate for residents who agreed to it",
        "method": "one comparison on this device, only in the marked space; no picture is kept",
        "retention": "an encrypted template, until you withdraw, one year at the most",
        "necessity": "residents come with both hands full",
        "effect": "whoever does not agree is not recognised and loses nothing",
        "rights": "see, correct, withdraw at any time: at the desk, or with your receipt at the camera",
        "alternative": "a day pass opens the same gate; ask at the desk",
    },
    "zh-Hans": {
        "controller": "北门住户协会(虚构的运营者)",
        "contact": "desk@north-gate.example",
        "complaint": "协会服务台,或个人信息保护主管部门",
        "purpose": "为已同意的住户开启此门",
        "method": "仅在标线区域内、在本设备上比对一次;不保存任何图像",
        "retention": "加密模板,保存至您撤回同意为止,最长一年",
        "necessity": "住户常常双手提物",
        "effect": "不同意者不会被识别,也不受任何影响",
        "rights": "可随时在服务台或凭收据在摄像头前查询、更正、撤回",
        "alternative": "日票可开启同一扇门;请向服务台索取",
    },
}
"""Whoever is enrolled agreed to this; policy, sign and receipts name its hash."""
_STATEMENT: Final = "Residents come with both hands full; one comparison with few residents needs no card at the gate."


def for_scene(script: Script, manifest: Manifest, now: datetime) -> dict[str, Any]:
    """What the operator of the scene's gate decides: regions, sign, zones and times are those of the scene file."""
    position = script.position
    return {
        **_common(manifest, "synthetic-cast", now, [zone.id for zone in position.zones], pad=script.attempt.pad),
        "attempt": script.attempt.model_dump(mode="json", exclude={"pad"}),
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
        "margin_m": position.margin_m,
        "pose": None if position.pose is None else position.pose.model_dump(mode="json"),
        "zones": [zone.model_dump(mode="json", by_alias=True, exclude_none=True) for zone in position.zones],
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
        **_common(manifest, "real", now, []),
        "attempt": {
            "region": whole, "dwell_s": 0.5, "probes": 3, "window_s": 0.5, "leave_s": 2.0, "inter_eye_px": 20.0,
        },
        "sign": sign,
        "location": {"kind": "survey", "lat_deg": 52.0, "lon_deg": 10.0, "sigma_m": 1.0},
    }  # fmt: skip


def _common(
    manifest: Manifest, operating_point: str, now: datetime, zones: list[str], *, pad: bool = False
) -> dict[str, Any]:
    on, until = (now + timedelta(days=days) for days in (-30, 300))
    dated = {"on": on.astimezone(UTC).isoformat(), "until": until.astimezone(UTC).isoformat()}
    run = [model for model in manifest.models if pad or model.role != "pad"]
    models = [model.sha256 for model in run]
    return {
        "profile": "strict",
        "place": "private-land",
        "purpose": "resident-entry",
        "necessity": {**dated, "statement": _STATEMENT},
        "assessment": {
            **dated,
            "id": "assessment-1",
            "sha256": sha256(b"the assessment of a made-up operator"),
            "heads": ["lawful-and-necessary", "effect-on-rights", "risk-of-harm", "protection"],
            "scope": {"purpose": "resident-entry", "mode": "identify", "models": models, "zones": zones},
        },
        "alternatives": [{**dated, "way": "pass"}, {**dated, "way": "staff"}],
        "mode": "identify",
        "identify": {"statement": _STATEMENT},
        "door": "main",
        "outcome_class_in_clear": True,
        "view": {"width": 640, "height": 480},
        "notice": {"version": "demo-1", "texts": NOTICE, "accessible": ["large-print", "staff"]},
        "retention": {"max_days": 365, "max_idle_days": 180},
        "operating_point": {"label": operating_point, "threshold": manifest.threshold(operating_point)},
        "models": [{"role": model.role, "sha256": model.sha256} for model in run],
        "pad": {"label": "simulated", "threshold": manifest.pad_threshold("simulated")} if pad else None,
    }
