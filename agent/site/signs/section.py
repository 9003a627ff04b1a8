"""The `sign` section of a policy, as TOML to read and to publish."""

from __future__ import annotations

from agent.policy.bundle import MarkerPlace, PolicyDocument, Sign, utc
from agent.policy.declared import Inspection
from agent.site.signs.attest import MarkFound
from agent.site.signs.token import SignToken


def section(document: PolicyDocument, token: SignToken, proof: MarkFound | Inspection) -> Sign:
    """The policy's sign as it has been attested now: what was attested before is replaced."""
    old = document.sign
    return Sign(
        id=old.id,
        marker=None if isinstance(proof, Inspection) else _place(proof),
        inspection=proof if isinstance(proof, Inspection) else None,
        notice_sha256=document.notice.sha256,
        until=utc(token.until_s),
        lost_hold_s=old.lost_hold_s,
        clear_hold_s=old.clear_hold_s,
        clear_frames=old.clear_frames,
    )


def toml(sign: Sign) -> str:
    """The section as it stands in a policy file."""
    parts = sign.model_dump(mode="json", exclude_none=True)
    tables = {name: parts.pop(name) for name in ("marker", "inspection") if name in parts}
    lines = ["[sign]", *(f"{name} = {_value(name, value)}" for name, value in parts.items())]
    for table, fields in tables.items():
        lines += ["", f"[sign.{table}]", *(f"{name} = {_value(name, value)}" for name, value in fields.items())]
    return "\n".join(lines) + "\n"


def _place(mark: MarkFound) -> MarkerPlace:
    (a, b, c, d) = mark.corners
    return MarkerPlace(number=mark.number, corners=(a, b, c, d), tolerance_px=mark.tolerance_px)


def _value(name: str, value: object) -> str:
    """Names, numbers, dates and corners: none of them needs escaping."""
    if isinstance(value, str):
        return value if name in ("until", "inspected") else f'"{value}"'
    return str(value)
