"""The pictures of a report as SVG without a letter in it: they stretch with the page, and words stand beside them.

A state shows by its shape as well as by its colour: met is a bar, not met fills the height, not judged is a thin line,
not binding a faint one, and where nothing is recorded the ground is grey.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import quoteattr

from agent.report.document import Piece, Tick, Tone

WIDTH: Final = 720
HEIGHT: Final = 20
SHAPES: Final[dict[Tone, tuple[float, float]]] = {
    Tone.GOOD: (6, 8),
    Tone.BAD: (0, 20),
    Tone.WAIT: (8.5, 3),
    Tone.OPEN: (9, 2),
    Tone.NONE: (0, 20),
}
"""Upper edge and height of a tone's shape, of `HEIGHT`."""
MARKS: Final[dict[Tone, str]] = {
    Tone.GOOD: '<path d="M9 16.5l5 5 9-11" fill="none" stroke="var(--card)" stroke-width="3.4"'
    ' stroke-linecap="round" stroke-linejoin="round"/>',
    Tone.BAD: '<path d="M16 8v10" stroke="var(--card)" stroke-width="3.6" stroke-linecap="round"/>'
    '<circle cx="16" cy="23.5" r="2.1" fill="var(--card)"/>',
    Tone.WAIT: '<path d="M10 16h12" stroke="var(--card)" stroke-width="3.6" stroke-linecap="round"/>',
}
BRAND: Final = (
    '<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#0f766e"/>'
    '<path d="M10 26V8.5a2.5 2.5 0 0 1 2.5-2.5h7a2.5 2.5 0 0 1 2.5 2.5V26M7 26h18" fill="none"'
    ' stroke="#fff" stroke-width="2.4" stroke-linecap="round"/><circle cx="18.2" cy="16.5" r="1.6"'
    ' fill="#fff"/></svg>'
)


def mark(tone: Tone) -> str:
    """The round mark of a note."""
    colour = {Tone.GOOD: "accent", Tone.BAD: "warn"}.get(tone, "dim")
    return (
        f'<svg viewBox="0 0 32 32" aria-hidden="true"><circle cx="16" cy="16" r="16" fill="var(--{colour})"/>'
        f"{MARKS.get(tone, MARKS[Tone.WAIT])}</svg>"
    )


def band(pieces: Iterable[Piece], ticks: Sequence[Tick], says: str) -> str:
    lines = "".join(
        f'<line class="grid" x1="{_x(tick.place)}" x2="{_x(tick.place)}" y1="0" y2="{HEIGHT}"/>' for tick in ticks
    )
    shapes = "".join(_shape(piece) for piece in pieces)
    return _picture(WIDTH, HEIGHT, says, shapes + lines)


def swatch(tone: Tone) -> str:
    """A tone's shape for the legend."""
    shape = _shape(Piece(0, 1, tone))
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{shape}</svg>'


def bar(length: float) -> str:
    wide = max(_x(length), 2)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="{WIDTH}" height="{HEIGHT}"/>'
        f'<rect class="tone-bad" width="{wide}" height="{HEIGHT}"/></svg>'
    )


def columns(heights: Sequence[float], says: str) -> str:
    each = WIDTH / len(heights)
    shapes = "".join(
        f'<rect class="tone-good" x="{place * each + 3:g}" y="{100 - height * 100:.3g}" width="{each - 6:g}"'
        f' height="{height * 100:.3g}"/>'
        for place, height in enumerate(heights)
        if height > 0
    )
    lines = "".join(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="100"/>' for x in range(0, WIDTH, WIDTH // 4))
    return _picture(WIDTH, 100, says, lines + shapes)


def steps(points: Sequence[tuple[float, float]], ticks: Sequence[Tick], says: str) -> str:
    way, high = "", 0.0
    for place, height in points:
        way += f"{'L' if way else 'M'}{_x(place)} {_y(high if way else height)}L{_x(place)} {_y(height)}"
        high = height
    way += f"L{WIDTH} {_y(high)}"
    lines = "".join(
        f'<line class="grid" x1="{_x(tick.place)}" x2="{_x(tick.place)}" y1="0" y2="100"/>' for tick in ticks
    )
    area = f'<path class="area" d="{way}L{WIDTH} 100L0 100Z"/><path class="edge" d="{way}"/>'
    return _picture(WIDTH, 100, says, lines + area)


def _picture(width: int, height: int, says: str, inside: str) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" aria-label={quoteattr(says)}>'
        f"{inside}</svg>"
    )


def _shape(piece: Piece) -> str:
    top, high = SHAPES[piece.tone]
    x = _x(piece.start)
    return f'<rect class="tone-{piece.tone}" x="{x:g}" y="{top:g}" width="{_x(piece.end) - x:g}" height="{high:g}"/>'


def _x(place: float) -> float:
    return round(place * WIDTH, 2)


def _y(height: float) -> float:
    return round(98 - height * 92, 2)
