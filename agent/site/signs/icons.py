"""The pictures on a sign, in the spirit of the DTPR icons: a white picture in a hexagon, one for each fact.

Our own drawings, each in a hexagon of radius 1 round the origin.
"""

from __future__ import annotations

import math
from typing import Final

from agent.site.signs.drawing import Colour, Shape, Steps, bar, circle, moved, polygon, rectangle, rounded

WHITE: Final[Colour] = (255, 255, 255)
HEXAGON: Final[Steps] = polygon(
    *((math.sin(math.radians(60 * corner)), -math.cos(math.radians(60 * corner))) for corner in range(6))
)

_BRACKET: Final[Steps] = polygon(
    (-0.56, -0.56), (-0.24, -0.56), (-0.24, -0.47), (-0.47, -0.47), (-0.47, -0.24), (-0.56, -0.24)
)


def _turned(steps: Steps, flip_x: int, flip_y: int) -> Steps:
    return tuple(
        (name, tuple(value * (flip_x if place % 2 == 0 else flip_y) for place, value in enumerate(numbers)))
        for name, numbers in steps
    )


_HEAD: Final[Steps] = (
    ("M", (0.0, -0.36)),
    ("C", (0.19, -0.36, 0.25, -0.22, 0.24, -0.06)),
    ("C", (0.23, 0.12, 0.12, 0.24, 0.0, 0.24)),
    ("C", (-0.12, 0.24, -0.23, 0.12, -0.24, -0.06)),
    ("C", (-0.25, -0.22, -0.19, -0.36, 0.0, -0.36)),
    ("Z", ()),
)
_SHOULDERS: Final[Steps] = (
    ("M", (-0.4, 0.5)),
    ("C", (-0.38, 0.34, -0.24, 0.27, -0.12, 0.25)),
    ("C", (-0.04, 0.32, 0.04, 0.32, 0.12, 0.25)),
    ("C", (0.24, 0.27, 0.38, 0.34, 0.4, 0.5)),
    ("Z", ()),
)
FACE: Final[Steps] = (
    *_HEAD,
    *_SHOULDERS,
    *(step for x in (1, -1) for y in (1, -1) for step in _turned(_BRACKET, x, y)),
)
"""A head in a finder: a face is looked at."""
PERSON: Final[Steps] = (*moved(_HEAD, 0.0, -0.04, 1.1), *moved(_SHOULDERS, 0.0, -0.02, 1.1))
"""Somebody who answers for it."""
EQUAL: Final[Steps] = (*bar(-0.42, -0.17, 0.42, -0.17, 0.16), *bar(-0.42, 0.17, 0.42, 0.17, 0.16))
"""The same for everybody: what it means for a person."""
SPEECH: Final[Steps] = (
    ("M", (-0.42, -0.4)),
    ("L", (0.42, -0.4)),
    ("C", (0.52, -0.4, 0.55, -0.34, 0.55, -0.27)),
    ("L", (0.55, 0.12)),
    ("C", (0.55, 0.22, 0.5, 0.25, 0.42, 0.25)),
    ("L", (-0.08, 0.25)),
    ("L", (-0.32, 0.52)),
    ("L", (-0.3, 0.25)),
    ("L", (-0.42, 0.25)),
    ("C", (-0.5, 0.25, -0.55, 0.22, -0.55, 0.12)),
    ("L", (-0.55, -0.27)),
    ("C", (-0.55, -0.34, -0.52, -0.4, -0.42, -0.4)),
    ("Z", ()),
    *circle(-0.26, -0.08, 0.07),
    *circle(0.0, -0.08, 0.07),
    *circle(0.26, -0.08, 0.07),
)
"""Words: whom to ask."""
BOOK: Final[Steps] = (
    *polygon((-0.55, -0.4), (-0.06, -0.3), (-0.06, 0.44), (-0.55, 0.34)),
    *polygon((0.55, -0.4), (0.06, -0.3), (0.06, 0.44), (0.55, 0.34)),
)
"""A book of law."""
DOOR: Final[Steps] = (
    *rectangle(-0.3, -0.52, 0.6, 1.02),
    *rectangle(-0.22, -0.44, 0.44, 0.94),
    *polygon((-0.22, -0.44), (0.1, -0.34), (0.1, 0.58), (-0.22, 0.5)),
    *circle(0.03, 0.09, 0.035),
)
"""A door that stands open: what it is for."""
LOCK: Final[Steps] = (
    *rounded(-0.36, -0.1, 0.72, 0.56, 0.08),
    *circle(0.0, 0.13, 0.085),
    *polygon((-0.04, 0.17), (0.04, 0.17), (0.06, 0.33), (-0.06, 0.33)),
    ("M", (-0.25, -0.1)),
    ("L", (-0.25, -0.24)),
    ("C", (-0.25, -0.6, 0.25, -0.6, 0.25, -0.24)),
    ("L", (0.25, -0.1)),
    ("L", (0.15, -0.1)),
    ("L", (0.15, -0.24)),
    ("C", (0.15, -0.46, -0.15, -0.46, -0.15, -0.24)),
    ("L", (-0.15, -0.1)),
    ("Z", ()),
)
"""A lock: what is kept is locked in the device."""
CLOCK: Final[Steps] = (
    *circle(0.0, 0.0, 0.5),
    *circle(0.0, 0.0, 0.4),
    *bar(0.0, 0.05, 0.0, -0.31, 0.09),
    *bar(0.045, 0.0, 0.25, 0.14, 0.09),
)
"""A clock: how long."""
CARD: Final[Steps] = (
    *rounded(-0.52, -0.36, 1.04, 0.72, 0.08),
    *rectangle(-0.4, -0.22, 0.44, 0.44),
    *rectangle(-0.34, -0.16, 0.14, 0.14),
    *rectangle(-0.16, -0.16, 0.14, 0.14),
    *rectangle(-0.34, 0.02, 0.14, 0.14),
    *rectangle(-0.11, 0.07, 0.09, 0.09),
    *rectangle(0.14, -0.2, 0.28, 0.09),
    *rectangle(0.14, -0.03, 0.28, 0.09),
    *rectangle(0.14, 0.13, 0.18, 0.09),
)
"""A pass with a code: the way in without the face."""
SPACE: Final[Steps] = (
    *circle(0.0, -0.47, 0.12),
    *rounded(-0.13, -0.32, 0.26, 0.48, 0.1),
    *(
        step
        for x0, y0, x1, y1 in (
            (-0.42, 0.14, -0.24, 0.14),
            (0.24, 0.14, 0.42, 0.14),
            (-0.45, 0.23, -0.55, 0.41),
            (0.45, 0.23, 0.55, 0.41),
            (-0.6, 0.5, -0.38, 0.5),
            (-0.23, 0.5, 0.23, 0.5),
            (0.38, 0.5, 0.6, 0.5),
        )
        for step in bar(x0, y0, x1, y1, 0.075)
    ),
)
"""A person in a marked space on the floor."""
SCALES: Final[Steps] = (
    *bar(0.0, -0.48, 0.0, 0.44, 0.08),
    *rectangle(-0.24, 0.42, 0.48, 0.08),
    *bar(-0.44, -0.32, 0.44, -0.32, 0.07),
    *(
        step
        for x in (-0.4, 0.4)
        for step in (
            ("M", (x - 0.2, 0.04)),
            ("C", (x - 0.17, 0.22, x + 0.17, 0.22, x + 0.2, 0.04)),
            ("Z", ()),
            *bar(x - 0.16, 0.02, x - 0.015, -0.28, 0.04),
            *bar(x + 0.16, 0.02, x + 0.015, -0.28, 0.04),
        )
    ),
)
"""Scales: another legal basis than consent."""


def icon(picture: Steps, x: float, y: float, radius: float, colour: Colour) -> tuple[Shape, ...]:
    """A hexagon with a white picture, its middle at (x, y)."""
    return Shape(moved(HEXAGON, x, y, radius), colour), Shape(moved(picture, x, y, radius), WHITE)


def struck_out(picture: Steps, x: float, y: float, radius: float, colour: Colour) -> tuple[Shape, ...]:
    """The same with a bar across it."""
    return (
        *icon(picture, x, y, radius, colour),
        Shape(moved(bar(-0.62, 0.62, 0.62, -0.62, 0.24), x, y, radius), colour),
        Shape(moved(bar(-0.6, 0.6, 0.6, -0.6, 0.11), x, y, radius), WHITE),
    )
