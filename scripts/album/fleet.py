"""Pictures of the dashboard with many doors: simulated ones behind Debian's mosquitto, each with a key of its own."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect

from agent.events import wire
from agent.events.decision import Outcome
from agent.events.wire import Kind
from agent.policy.grounds import Ground
from tests.app.running import status
from tests.dashboard.files import served
from tests.dashboard.fleet import Broker, SimulatedDoor, policy_of

SITES: Final = {"museum": 18, "north-hall": 21, "yard": 21}
REPORTS: Final = 12


def of_the_fleet(browser: Browser) -> Iterator[tuple[str, bytes]]:
    """Name and PNG of each picture."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="doorward-pictures-")))
        broker = Broker(opened, folder)
        client = broker.client(opened)
        doors = {
            site: [SimulatedDoor(client, site, f"gate-{number}") for number in range(1, many + 1)]
            for site, many in SITES.items()
        }
        _mischief(doors)
        address = f"{opened.enter_context(served())}/index.html"
        page = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light").new_page()
        page.goto(address)
        page.get_by_label("Address").fill(broker.websocket_url)
        page.get_by_role("button", name="Connect").click()
        _pin(page, doors)
        expect(page.locator(".tile[data-state=forged]")).to_have_count(1)
        yield "fleet", page.screenshot(animations="disabled")

        door = doors["yard"][3]
        for number in range(REPORTS):
            door.queue = (0, 2, 5, 3, 1, 0, 0, 1, 4, 2, 1, 0)[number]
            door.tell(door.metrics())
            time.sleep(0.5)
        page.emulate_media(color_scheme="dark")
        page.goto(f"{address}#/{door.site}/{door.device}")
        for number, outcome in enumerate((Outcome.PASS_ACCEPTED, Outcome.NO_MATCH, Outcome.MATCH), start=1):
            client.publish(door.topic(Kind.EVENTS), door.event(number, outcome))
        expect(page.get_by_role("log").get_by_role("listitem")).to_have_count(3)
        expect(page.locator(".chart-canvas canvas").first).to_be_visible()
        page.set_viewport_size({"width": 1280, "height": 1560})
        yield "door", page.screenshot(animations="disabled")


def _mischief(doors: dict[str, list[SimulatedDoor]]) -> None:
    """What a watcher may find on a Monday."""
    museum, north, yard = doors.values()
    yard[6].grounds = (Ground.SIGN_MISSING,)
    north[2].grounds = (Ground.IN_ZONE, Ground.VIEW_UNKNOWN)
    museum[5].grounds, museum[5].assessment_days = (Ground.ASSESSMENT_STALE,), -2
    museum[9].assessment_days, north[11].filing_left = 12.5, 180
    for each in (*museum, *north, *yard):
        each.everything()
    north[7].put(Kind.STATUS, wire.OFFLINE)
    yard[12].put(Kind.STATUS, yard[13].signed(status())[1])


def _pin(page: Page, doors: dict[str, list[SimulatedDoor]]) -> None:
    page.get_by_role("button", name="Keys", exact=True).click()
    for site in doors.values():
        page.get_by_label("Or paste").fill(policy_of(site))
        page.get_by_role("button", name="Pin", exact=True).click()
        expect(page.get_by_label("Or paste")).to_have_value("")
    page.get_by_role("button", name="Close").click()
