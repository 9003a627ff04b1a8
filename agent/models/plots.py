"""Curves of an evaluation as SVG: the trade between the two errors, where scores lie, and rates by group.

Only what these three need is drawn. Dash and shape tell lines apart as well as colour does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

import numpy as np

from agent.face.detect import Floats

_WIDTH: Final = 720
_HEIGHT: Final = 420
_LEFT: Final = 74
_RIGHT: Final = 20
_TOP: Final = 44
_BOTTOM: Final = 58
_EDGE: Final = 3
_LETTER: Final = 8.4
"""Pixels that a sign of a label takes at the most."""
_INK: Final = "#1f2933"
_FAINT: Final = "#cbd2d9"
_COLOURS: Final = ("#0f766e", "#b45309", "#475569", "#be123c")
_DASHES: Final = ("", "7 4", "2 3", "9 3 2 3")
_BINS: Final = 70
_ROW: Final = 26
Scores = Mapping[str, tuple[Floats, Floats]]
"""Name of the networks -> genuine and impostor scores."""


class _Axes:
    """Maps values to places of a picture and collects what is drawn."""

    def __init__(self, title: str, height: int, left: int = _LEFT) -> None:
        self.height, self.left = height, left
        self.parts = [f'<text x="20" y="24" class="title">{escape(title)}</text>']

    def across(self, share: float) -> float:
        return self.left + min(max(share, 0.0), 1.0) * (_WIDTH - self.left - _RIGHT)

    def up(self, share: float) -> float:
        return self.height - _BOTTOM - min(max(share, 0.0), 1.0) * (self.height - _TOP - _BOTTOM)

    def grid_x(self, share: float, label: str) -> None:
        x = self.across(share)
        middle = min(x, _WIDTH - _EDGE - _LETTER * len(label) / 2)  # all of it within the picture
        self.parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{self.height - _BOTTOM}" class="grid"/>'
            f'<text x="{middle:.1f}" y="{self.height - _BOTTOM + 18}" text-anchor="middle">{escape(label)}</text>'
        )

    def grid_y(self, share: float, label: str) -> None:
        y = self.up(share)
        self.parts.append(
            f'<line x1="{self.left}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
            f'<text x="{self.left - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        )

    def labels(self, across: str, up: str = "") -> None:
        middle = (self.left + _WIDTH - _RIGHT) / 2
        self.parts.append(f'<text x="{middle:.0f}" y="{self.height - 16}" text-anchor="middle">{escape(across)}</text>')
        if up:
            y = (_TOP + self.height - _BOTTOM) / 2
            self.parts.append(
                f'<text transform="translate(18 {y:.0f}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
            )

    def line(self, points: Sequence[tuple[float, float]], number: int) -> None:
        path = " ".join(f"{self.across(x):.1f},{self.up(y):.1f}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" {_stroke(number)}/>')

    def legend(self, names: Sequence[str], x: int) -> None:
        for number, name in enumerate(names):
            y = _TOP + 16 + 18 * number
            self.parts.append(
                f'<line x1="{x}" x2="{x + 28}" y1="{y - 4}" y2="{y - 4}" {_stroke(number)}/>'
                f'<text x="{x + 36}" y="{y}">{escape(name)}</text>'
            )

    def picture(self, says: str) -> str:
        style = (
            f"text{{font:13px system-ui,sans-serif;fill:{_INK}}}.title{{font-weight:600;font-size:15px}}"
            f".grid{{stroke:{_FAINT}}}"
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {self.height}" role="img">'
            f"<title>{escape(says)}</title><style>{style}</style>"
            f'<rect width="{_WIDTH}" height="{self.height}" fill="#fff"/>{"".join(self.parts)}</svg>\n'
        )


def _stroke(number: int) -> str:
    dash = f' stroke-dasharray="{_DASHES[number]}"' if _DASHES[number] else ""
    return f'fill="none" stroke="{_COLOURS[number]}" stroke-width="2"{dash}'


def det(data: str, found: Scores) -> str:
    """The detection error trade-off: false non-matches against false matches, both on a scale of powers of ten."""
    low = -math.ceil(math.log10(max(impostor.size for _, impostor in found.values())))
    axes = _Axes(f"{data}: error trade-off, all pictures against all", _HEIGHT)
    for power in range(low, 1):
        axes.grid_x(1 - power / low, _power(power))
    for power in range(-3, 1):
        axes.grid_y(1 + power / 3, _power(power))
    for number, (genuine, impostor) in enumerate(found.values()):
        axes.line([
            (1 - math.log10(max(fmr, 10.0**low)) / low, 1 + math.log10(max(fnmr, 1e-3)) / 3)
            for fmr, fnmr in _trade(genuine, impostor, low)
        ], number)  # fmt: skip
    axes.labels("false match rate", "false non-match rate")
    axes.legend(list(found), _WIDTH - _RIGHT - 120)
    return axes.picture(f"False non-match rate by false match rate on {data} for {' and '.join(found)}")


def _trade(genuine: Floats, impostor: Floats, low: int) -> list[tuple[float, float]]:
    ordered, own = np.sort(impostor), np.sort(genuine)
    made = []
    for fmr in np.logspace(low, 0, 90):
        place = max(impostor.size - 1 - int(fmr * impostor.size), 0)
        at = np.nextafter(ordered[place], np.float32(2.0))
        made.append((float(fmr), float(np.searchsorted(own, at, "left") / own.size)))
    return made


def _power(power: int) -> str:
    return "1" if power == 0 else f"1e{power}"


def histogram(data: str, found: Scores, threshold: float) -> str:
    """Where the scores of one person's and of two people's pictures lie."""
    axes = _Axes(f"{data}: scores of one person's pictures and of two people's", _HEIGHT)
    edges = np.linspace(-0.4, 1.0, _BINS + 1)
    names, curves = [], []
    for name, pair in found.items():
        for kind, values in zip(("one person", "two people"), pair, strict=True):
            counts = np.histogram(values, edges)[0] / values.size
            names.append(f"{kind}, {name}")
            curves.append(counts)
    peak = max(float(curve.max()) for curve in curves)
    for tenth in range(-4, 11, 2):
        axes.grid_x((tenth / 10 + 0.4) / 1.4, f"{tenth / 10:g}")
    for number, curve in enumerate(curves[: len(_COLOURS)]):
        centres = (edges[:-1] + edges[1:]) / 2
        axes.line(
            [((float(x) + 0.4) / 1.4, float(y) / peak * 0.95) for x, y in zip(centres, curve, strict=True)], number
        )
    x = axes.across((threshold + 0.4) / 1.4)
    axes.parts.append(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" stroke="{_INK}" stroke-dasharray="3 3"/>'
        f'<text x="{x + 6:.1f}" y="{_HEIGHT - _BOTTOM - 8}">threshold {threshold:g}</text>'
    )
    axes.labels("score", "share of pairs, each curve by itself")
    axes.legend(names, axes.left + 12)
    return axes.picture(f"Distribution of scores on {data}, with the shipped threshold {threshold:g}")


def groups(data: str, slices: Mapping[str, Mapping[str, Mapping[str, Any]]], threshold: float) -> str | None:
    """False match rate within each group, with its bounds; None when there is no group that has pairs."""
    rows = [
        (f"{column}: {value}", found["fmr"])
        for column, values in slices.items()
        for value, found in values.items()
        if found["fmr"]["n"]
    ]
    if not rows:
        return None
    low = -math.ceil(math.log10(max(fmr["n"] for _, fmr in rows))) - 1
    height = _TOP + _BOTTOM + _ROW * len(rows)
    axes = _Axes(f"{data}: false match rate within each group, threshold {threshold:g}", height, left=210)
    for power in range(low, 1):
        axes.grid_x(1 - power / low, _power(power))

    def place(share: float) -> float:
        return axes.across(1 - math.log10(max(share, 10.0**low)) / low)

    for number, (name, fmr) in enumerate(rows):
        y = _TOP + _ROW * (number + 0.5)
        x = place(fmr["value"])
        mark = (
            f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{_COLOURS[0]}"/>'
            if fmr["value"] > 0
            else f'<circle cx="{x:.1f}" cy="{y}" r="4.5" fill="#fff" stroke="{_COLOURS[0]}" stroke-width="2"/>'
        )
        axes.parts.append(
            f'<text x="202" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
            f'<line x1="{place(fmr["low"]):.1f}" x2="{place(fmr["high"]):.1f}" y1="{y}" y2="{y}"'
            f' stroke="{_COLOURS[0]}" stroke-width="2"/>{mark}'
        )
    axes.labels("false match rate with 95 % bounds (hollow: none seen)")
    return axes.picture(f"False match rate within each group of {data} at threshold {threshold:g}, with bounds")


def attacks(found: Mapping[str, Any]) -> str:
    """APCER of each species and BPCER, with bounds and goals, at the shipped threshold if there is one."""
    part = found["shipped_threshold"] or found["own_threshold"]
    rows = [("bona fide denied (BPCER)", part["bpcer"]), *part["apcer"].items()]
    height = _TOP + _BOTTOM + _ROW * len(rows)
    title = f"{found['data']}, simulated attacks: errors at threshold {part['threshold']:g}"
    axes = _Axes(title, height, left=210)
    for tenth in range(0, 11, 2):
        axes.grid_x(tenth / 10, f"{10 * tenth} %")
    for number, (name, rate) in enumerate(rows):
        y, value = _TOP + _ROW * (number + 0.5), rate["value"]
        low, goal, high = (axes.across(rate[each]) for each in ("low", "goal", "high"))
        axes.parts.append(
            f'<text x="202" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
            f'<line x1="{goal:.1f}" x2="{goal:.1f}" y1="{y - 11}" y2="{y + 11}" stroke="{_COLOURS[3]}"'
            ' stroke-width="2" stroke-dasharray="3 2"/>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="{_COLOURS[0]}" stroke-width="2"/>'
        )
        if value is not None:
            axes.parts.append(f'<circle cx="{axes.across(value):.1f}" cy="{y}" r="5" fill="{_COLOURS[0]}"/>')
    axes.labels("share with 95 % bounds; dashed: the goal")
    return axes.picture(f"Simulated presentation attacks on pictures of {found['data']}: error of each species")
