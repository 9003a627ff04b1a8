"""The guide of an enrolment on a terminal: a mirror of coarse blocks, the one instruction, what is taken so far.

Rules: the picture is the gate's `Preview` and nothing else, so no face in it is finer than eight blocks across; it is
mirrored, as people expect to see themselves. Leaves out: what to say (gallery/guide.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text

from agent.cli.people.guidance import POSES, SAID, WAITING
from agent.gallery.guide import WANTED

if TYPE_CHECKING:
    from agent.app.capture import View
    from agent.policy.frames import Preview

COLUMNS: Final = 48
ROWS: Final = 36
"""Cells of the picture, two above one another in a character: 4:3 as the camera sees."""


def shown(view: View) -> RenderableType:
    """One frame of the guide; as high whatever it shows, so that nothing jumps."""
    if view.say is None:
        listed = ", ".join(ground.value for ground in view.grounds)
        said = Text(f"{WAITING} ({listed})", "bold yellow")
    else:
        said = Text(SAID[view.say], "bold")
    return Group(_mirror(view.preview), said, _progress(view))


def _mirror(preview: Preview | None) -> Text:
    if preview is None:
        return Text("\n".join(" " * COLUMNS for _ in range(ROWS // 2)))
    height, width = preview.picture.shape[:2]
    rows = [(2 * row + 1) * height // (2 * ROWS) for row in range(ROWS)]
    columns = [(2 * column + 1) * width // (2 * COLUMNS) for column in reversed(range(COLUMNS))]
    cells = preview.picture[rows][:, columns].tolist()
    text = Text()
    for upper, lower in zip(cells[::2], cells[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append("▀", Style.parse(f"rgb({_rgb(above)}) on rgb({_rgb(below)})"))
        text.append("\n")
    text.right_crop(1)
    return text


def _rgb(cell: list[int]) -> str:
    return ",".join(str(value) for value in cell)


def _progress(view: View) -> Text:
    parts = (
        f"{POSES[pose]} " + "●" * (wanted - view.missing[pose]) + "○" * view.missing[pose]
        for pose, wanted in WANTED.items()
    )
    return Text("   ".join(parts) + f"   {view.left_s:3.0f} s left")
