"""The picture of aiming for the documentation: the real command on a device of its own, while somebody comes home."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import expect

from scripts.webp import decoded, publish
from tests.aim.given import gate
from tests.dashboard.browser import Watched, chromium
from tests.policy.given import square

ROOT: Final = Path(__file__).resolve().parent.parent
ZONE: Final = square(9.99983, 51.99991, 0.00004, "playground")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="doorward-aim-") as folder:
        device = gate(Path(folder) / "d", zones=[ZONE])
        command = [
            str(Path(sys.executable).with_name("doorward")),
            "aim",
            "--config",
            str(device.config),
            "--port",
            "0",
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[2]
            with chromium() as browser:
                taken = Watched(browser, 1280, 1010)
                taken.page.goto(url)
                expect(taken.page.locator("path.mark")).to_have_count(1, timeout=20_000)
                taken.page.locator("#ground-0-x").fill("212")
                taken.page.locator("#theme").blur()
                # Who walks to the gate is seen in it for some seconds.
                taken.page.wait_for_timeout(2_500)
                taken.page.evaluate("scrollTo(0, 0)")
                png = taken.page.screenshot(animations="disabled")
                taken.close()
        finally:
            process.terminate()
            process.wait()
    return publish("aim.webp", decoded(png))


if __name__ == "__main__":
    sys.exit(main())
