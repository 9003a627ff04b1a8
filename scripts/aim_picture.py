"""The picture of aiming for the documentation: the real command on a device of its own, while somebody comes home."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from playwright.sync_api import expect

from tests.aim.given import gate
from tests.dashboard.browser import Watched, chromium
from tests.policy.given import square

ROOT: Final = Path(__file__).resolve().parent.parent
OUT: Final = ROOT / "docs" / "pictures" / "aim.webp"
LARGEST: Final = 200_000
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
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    done, data = cv2.imencode(".webp", decoded, [cv2.IMWRITE_WEBP_QUALITY, 84])
    if not done or len(data) > LARGEST:
        print(f"{OUT.name}: {len(data)} bytes are more than {LARGEST}", file=sys.stderr)
        return 1
    OUT.write_bytes(data.tobytes())
    print(f"{OUT.relative_to(ROOT)}: {decoded.shape[1]} x {decoded.shape[0]}, {len(data)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
