"""A picture of the page that Home Assistant's user sees of a door, taken in Chromium."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import sync_playwright

from bench.homeassistant.instance import HomeAssistant
from scripts.webp import decoded, encoded

WIDTH, HEIGHT = 1280, 1180
_QUALITY: Final = 80
_DRAWN_MS: Final = 8000
"""After the page says that it is loaded, its parts come one by one."""


def take(assistant: HomeAssistant, device: str, file: Path) -> None:
    """The page of a device, as WebP.

    Args:
        device: Home Assistant's own id of it.
    """
    held = {
        **assistant.tokens,
        "hassUrl": assistant.url,
        "clientId": f"{assistant.url}/",
        "expires": round((time.time() + assistant.tokens["expires_in"]) * 1000),
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, locale="en")
            page.route(lambda url: not url.startswith(assistant.url), lambda route: route.abort())
            page.add_init_script(f"localStorage.setItem('hassTokens', {json.dumps(json.dumps(held))})")
            page.goto(f"{assistant.url}/config/devices/device/{device}")
            page.get_by_text("Stop recognition").first.wait_for(timeout=60_000)
            page.wait_for_timeout(_DRAWN_MS)
            shot = page.screenshot(type="png")
        finally:
            browser.close()
    file.write_bytes(encoded(decoded(shot), _QUALITY))
