"""Attesting a sign from what the commissioned camera saw of it: is it the policy's sign, and where is its mark?

Rules: one still at least in which the sign's code is read and holds; the mark that the code names, once in a still, in
nearly all stills, at one place; both on one sheet. A code that does not hold is refused by what is wrong with it.
Nothing here is proof that people can see the sign: somebody signs for that.
Leaves out: reading pictures (the adapters) and publishing (the operator).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.errors import ConfigError
from agent.policy.bundle import PolicyDocument
from agent.site.signs.layout import PAPERS
from agent.site.signs.token import SignFault, SignToken, judge_sign
from agent.units import Marker, Polygon, QrText

STILLS_MIN: Final = 3
_SEEN: Final = 0.8
_TOLERANCE_PX: Final = 3.0
_CODE_MODULES: Final = 45
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Look:
    """What was read in one still; places in pixels of the recognition picture."""

    name: str
    markers: tuple[Marker, ...]
    texts: tuple[QrText, ...]


Reads = list[tuple[Look, QrText]]
"""Where the sign's code was read."""


@dataclass(frozen=True, slots=True)
class MarkFound:
    number: int
    corners: Polygon
    tolerance_px: float
    side_px: float
    spread_px: float
    """How far a corner was from its middle place at the most."""
    seen: int
    """In so many stills."""


def token_in(
    looks: Sequence[Look], document: PolicyDocument, now_s: float
) -> tuple[SignToken, list[tuple[Look, QrText]]]:
    """The token of the policy's sign, and where it was read.

    Raises:
        ConfigError: no sign's code was read, it does not hold, or there are two different ones.
    """
    good: Reads = []
    tokens: set[SignToken] = set()
    refused: list[tuple[str, SignFault]] = []
    for look in looks:
        for code in look.texts:
            verdict = judge_sign(code.text, document, now_s)
            if isinstance(verdict, SignToken):
                good.append((look, code))
                tokens.add(verdict)
            elif verdict is not None:
                refused.append((look.name, verdict))
    if len(tokens) > 1:
        raise ConfigError("sign: two prints of this sign are in view; take the old one down")
    if tokens:
        return tokens.pop(), good
    if refused:
        name, fault = refused[0]
        raise ConfigError(
            f"{name}: the sign is refused: {fault.value}; print the present one with 'doorward sign make'"
        )
    raise ConfigError(
        "sign: no code of a sign can be read in these stills; take them at full resolution and nearer, in good light"
    )


def mark_in(looks: Sequence[Look], token: SignToken, read: Reads) -> MarkFound:
    """Where the mark of that sign is in the picture.

    Raises:
        ConfigError: too few stills, the mark is missing, moves, is doubled, or is not on the code's sheet.
    """
    if len(looks) < STILLS_MIN:
        raise ConfigError(f"--stills: {len(looks)} is too few to measure the mark's place; take {STILLS_MIN} or more")
    found: dict[str, Points] = {}
    for look in looks:
        marks = [marker for marker in look.markers if marker.number == token.marker]
        if len(marks) > 1:
            raise ConfigError(f"{look.name}: mark {token.marker} is in view twice; take the copy down")
        if marks:
            found[look.name] = np.array(marks[0].corners, np.float64)
    if len(found) < _SEEN * len(looks):
        raise ConfigError(
            f"sign: mark {token.marker} is seen in {len(found)} of {len(looks)} stills only; "
            "clear the view of it, light it, or hang the sign nearer"
        )
    if not any(look.name in found and _on_one_sheet(found[look.name], code.corners) for look, code in read):
        raise ConfigError(
            f"sign: mark {token.marker} and the code are not on one sheet; hang the sign as it is printed"
        )
    corners = np.median(np.stack(list(found.values())), axis=0)
    spread = max(float(np.linalg.norm(each - corners, axis=1).max()) for each in found.values())
    side = median(float(np.linalg.norm(corners[place] - corners[place - 1])) for place in range(4))
    if spread > max(_TOLERANCE_PX, 0.15 * side):
        raise ConfigError(
            f"sign: its place differs by {spread:.1f} pixels between stills; fasten it, and take them again"
        )
    return MarkFound(
        number=token.marker,
        corners=tuple((round(float(x), 1), round(float(y), 1)) for x, y in corners),
        tolerance_px=round(min(60.0, max(_TOLERANCE_PX, 0.1 * side, 2 * spread)), 1),
        side_px=side,
        spread_px=spread,
        seen=len(found),
    )


def _on_one_sheet(mark: Points, code: Polygon) -> bool:
    """The code lies where some paper has it beside a mark that lies there; roughly, since the mark may be far away."""
    seen = np.array(code, np.float64)
    side = float(np.linalg.norm(seen - np.roll(seen, 1, axis=0), axis=1).mean())
    for paper in PAPERS.values():
        for millimetres in paper.marks:
            printed_mark = _square(*paper.mark_at(millimetres), millimetres)
            printed_code = _square(*paper.code_at(_CODE_MODULES), _CODE_MODULES * paper.module)
            expected = _through(printed_mark, mark, printed_code)
            if float(np.linalg.norm(expected - seen, axis=1).mean()) < 0.4 * side:
                return True
    return False


def _square(x: float, y: float, side: float) -> Points:
    return np.array(((x, y), (x + side, y), (x + side, y + side), (x, y + side)), np.float64)


def _through(source: Points, target: Points, points: Points) -> Points:
    """The points moved by the perspective that takes the four corners of `source` to those of `target`."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    matrix = np.append(np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0], 1.0).reshape(3, 3)
    moved = np.column_stack((points, np.ones(len(points)))) @ matrix.T
    return np.asarray(moved[:, :2] / moved[:, 2:], np.float64)
