"""The picture of a guided enrolment for the documentation: a real capture before the simulated camera, three moments.

What is drawn is what the command prints, cell by cell. Leaves out: the terminal's own frame.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.color import Color
from rich.console import Console
from rich.style import Style

from agent.adapters.clock import SystemClock
from agent.adapters.door import NoDoor
from agent.adapters.litert import load_models
from agent.adapters.simulated import SceneStart, SimulatedCamera
from agent.app.capture import Taken, View, capture
from agent.app.desk import Desk
from agent.app.parts import Parts
from agent.cli.people.mirror import COLUMNS, ROWS, shown
from agent.gallery.guide import Instruction
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.law import Law
from agent.scene.scene import load
from agent.site.consents import issue_receipt
from agent.units import SubjectId
from bench.people.enrolment import ATTEMPT, ROOT
from tests.app.door import opened, site

OUT: Final = ROOT / "docs" / "pictures" / "enrolment.webp"
FONT: Final = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"
LARGEST: Final = 200_000
WIDE: Final = 9
HIGH: Final = 18
"""Of one character, in pixels."""
_INK, _PAPER = (222, 222, 218), (24, 26, 28)
_MOMENTS: Final = (Instruction.COME_CLOSER, Instruction.TURN_LEFT)


def main() -> int:
    views = _views()
    moments = [next(view for view in views if view.say is say) for say in _MOMENTS] + views[-1:]
    font = ImageFont.truetype(FONT, 15)
    drawn = [_drawn(view, font) for view in moments]
    gap = np.full((drawn[0].shape[0], 2 * WIDE, 3), 255, np.uint8)
    sheet = np.concatenate([part for each in drawn for part in (each, gap)][:-1], axis=1)
    done, data = cv2.imencode(".webp", np.ascontiguousarray(sheet[..., ::-1]), [cv2.IMWRITE_WEBP_QUALITY, 84])
    if not done or len(data) > LARGEST:
        print(f"{OUT.name}: {len(data)} bytes are more than {LARGEST}", file=sys.stderr)
        return 1
    OUT.write_bytes(data.tobytes())
    print(f"{OUT.relative_to(ROOT)}: {sheet.shape[1]} x {sheet.shape[0]}, {len(data)} bytes")
    return 0


def _views() -> list[View]:
    """Everything that one whole capture shows."""
    views: list[View] = []
    scene, now = load(ROOT / "scenes" / "enrolment.toml"), time.time()
    camera = SimulatedCamera(scene, {}, SystemClock(), SceneStart(time.monotonic_ns()), paced=False)
    parts = Parts(open_camera=lambda: camera, open_locator=None, open_door=NoDoor)
    with tempfile.TemporaryDirectory() as folder:
        device = site(Path(folder), attempt=ATTEMPT)
        law = Law(Policy(VerifiedTarget("permission", POLICY_PATH, device.data), device.id))
        secret = device.repository.keys.sign_secret("enrolment")
        receipt = issue_receipt(device.policy, secret, SubjectId("p-1"), given_s=now - 60, days=30)
        with closing(opened(device)) as store:
            desk = Desk(store, device.keys, law, *load_models(ROOT / "models"), unix_s=now, lease_until_s=now + 3600)
            taken = capture(desk, desk.consent(receipt), parts, views.append, stall_s=2.0)
    assert isinstance(taken, Taken), taken
    return views


def _drawn(view: View, font: ImageFont.FreeTypeFont) -> np.ndarray:
    """What the terminal shows, (height, width, 3) RGB."""
    console = Console(width=COLUMNS, force_terminal=True, color_system="truecolor", legacy_windows=False)
    picture = Image.new("RGB", ((COLUMNS + 2) * WIDE, (ROWS // 2 + 4) * HIGH), _PAPER)
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(console.render_lines(shown(view), pad=False), 1):
        column = 1
        for segment in line:
            style = segment.style or Style.null()
            for character in segment.text:
                left, top = column * WIDE, row * HIGH
                if character == "▀":
                    pen.rectangle((left, top, left + WIDE - 1, top + HIGH // 2 - 1), _colour(style.color))
                    pen.rectangle((left, top + HIGH // 2, left + WIDE - 1, top + HIGH - 1), _colour(style.bgcolor))
                else:
                    ink = _INK if style.color is None else _colour(style.color)
                    pen.text((left, top), character, ink, font, stroke_width=0.4 if style.bold else 0)
                column += 1
    return np.asarray(picture)


def _colour(color: Color | None) -> tuple[int, int, int]:
    return _INK if color is None else tuple(color.get_truecolor())


if __name__ == "__main__":
    sys.exit(main())
