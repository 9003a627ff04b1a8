"""`scripts/pictures`: plays the demo, looks at its page with Chromium, and keeps a few small pictures of it.

Rules: nothing is posed: the demo that runs is the one of scripts/demo, and a picture is taken when its narration says
that the moment is there; of the fleet see fleet.py. All pictures are made before one is replaced. Leaves out: a second
browser.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from agent.errors import DeviceError, DoorwardError
from agent.scene.render import contact_sheet
from agent.scene.scene import load
from scripts.webp import PICTURES, decoded, encoded

ROOT: Final = Path(__file__).resolve().parent.parent.parent
SCENE: Final = ROOT / "scenes" / "front-gate.toml"
LARGEST_BYTES: Final = 300_000
QUALITY: Final = 84
LAST_S: Final = 56  # of the scene; what is shown has happened by then
STANDS_MS: Final = 2800  # from the covered sign to the person who then steps up
MOMENTS: Final = (2.0, 6.8, 15.0, 20.5, 26.5, 38.9, 44.5, 48.6, 85.5)
"""Of the scene: somebody enrolled, a passer-by, a stranger, two at once, a pass, the neighbour's door, a covered sign
without a face and with a pass, and a position in a no-recognition zone."""
PASSES: Final = dict.fromkeys(("day", "evening"), "DW1" + "0123456789ABCDEFGHJKMNPQRSTVWXYZ" * 6)
"""Codes as large as a real pass has, and good for nothing."""
BROWSER: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")

Scheme = Literal["light", "dark"]


def say(line: str) -> None:
    print(line, file=sys.stderr)


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of the page."""

    name: str
    width: int
    height: int
    scheme: Scheme


PERMITTED: Final = (Shot("page", 1280, 1560, "light"),)
REFUSED: Final = (
    Shot("page-refused", 1280, 1560, "dark"),
    Shot("page-phone", 360, 780, "light"),
)


class Demo:
    """The running demo and what it says."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "agent.demo", "--no-browser", "--seconds", str(LAST_S)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
        )

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until a line matches.

        Raises:
            DeviceError: the demo ends before.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(pattern, line):
                say(line.strip())
                return found
        raise DeviceError(f"the demo ended without saying {pattern!r}; run scripts/demo and see why")

    def end(self) -> None:
        self._process.terminate()
        assert self._process.stdout is not None
        self._process.stdout.read()
        self._process.wait()


def opened(browser: Browser, url: str, shot: Shot) -> Page:
    """The page as this shot sees it, from now on."""
    size: ViewportSize = {"width": shot.width, "height": shot.height}
    scale = 2.0 if shot.width < 600 else 1.0
    page = browser.new_context(viewport=size, color_scheme=shot.scheme, device_scale_factor=scale).new_page()
    page.goto(url)
    return page


def small(picture: bytes) -> bytes:
    """A PNG as WebP."""
    return encoded(decoded(picture), QUALITY, LARGEST_BYTES)


def of_the_page(browser: Browser, demo: Demo) -> Iterator[tuple[str, bytes]]:
    """Name and WebP of each shot, at its moment."""
    url = demo.until(r"watch at (\S+)")[1]
    pages = {shot: opened(browser, url, shot) for shot in (*PERMITTED, *REFUSED)}

    def taken(shots: tuple[Shot, ...], title: str) -> Iterator[tuple[str, bytes]]:
        for shot in shots:
            page = pages[shot]
            expect(page.get_by_role("heading", level=1)).to_have_text(title)
            yield shot.name, small(page.screenshot(animations="disabled"))

    demo.until("pass refused")
    demo.until("recognised, door opens")
    expect(pages[PERMITTED[0]].get_by_role("log").get_by_role("listitem").first).to_contain_text("face")
    yield from taken(PERMITTED, "Recognition is permitted")
    demo.until("sign covered")
    pages[REFUSED[0]].wait_for_timeout(STANDS_MS)
    yield from taken(REFUSED, "Recognition is refused")


def main() -> int:
    """Make all pictures, then put them in their place; the exit status."""
    chromium = shutil.which("chromium")
    try:
        if chromium is None:
            raise DeviceError("pictures: there is no chromium; run: apt-get install chromium")
        from scripts.album.fleet import of_the_fleet

        sheet = contact_sheet(load(SCENE), MOMENTS, PASSES)
        made = {"scene": encoded(np.ascontiguousarray(sheet[..., ::-1]), QUALITY, LARGEST_BYTES)}
        demo = Demo()
        try:
            with sync_playwright() as tool:
                browser = tool.chromium.launch(executable_path=chromium, args=list(BROWSER))
                made |= dict(of_the_page(browser, demo))
                made |= {name: small(picture) for name, picture in of_the_fleet(browser)}
                browser.close()
        finally:
            demo.end()
        PICTURES.mkdir(parents=True, exist_ok=True)
        for name, data in made.items():
            part = PICTURES / f"{name}.part"
            part.write_bytes(data)
            os.replace(part, PICTURES / f"{name}.webp")
            say(f"{name}.webp: {len(data) / 1000:.0f} kB")
    except DoorwardError as error:
        say(f"pictures: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
