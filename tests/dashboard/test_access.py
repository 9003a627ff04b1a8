"""The dashboard for everybody: axe-core finds nothing in any theme, language and width, and the keyboard does it all.

The pages are the same over a change of theme, language and width, which are switched as a person does.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from agent.events import wire
from agent.events.decision import Outcome
from agent.events.wire import Kind
from agent.policy.grounds import Ground
from tests.app.running import status
from tests.dashboard.axe import violations
from tests.dashboard.browser import Watched, chromium
from tests.dashboard.files import served
from tests.dashboard.fleet import Broker, SimulatedDoor, policy_of

pytestmark = pytest.mark.alone
LOOKS = [(language, theme, width) for language in ("en", "zh") for theme in ("light", "dark") for width in (1280, 360)]
PAGES = {
    "fleet": "",
    "permitted": "yard/gate-1",
    "refused": "yard/gate-2",
    "forged": "yard/gate-3",
    "expiring": "yard/gate-6",
    "unheard": "yard/gate-99",
}


@pytest.fixture(scope="module")
def doors() -> Iterator[tuple[Broker, list[SimulatedDoor]]]:
    """One of each state, and one with alerts."""
    with ExitStack() as opened:
        broker = Broker(opened, Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="access-"))))
        client = broker.client(opened)
        all_doors = [SimulatedDoor(client, "yard", f"gate-{number}") for number in range(1, 7)]
        all_doors[1].grounds = (Ground.SIGN_MISSING, Ground.IN_ZONE)
        all_doors[5].assessment_days = 12.5
        for door in all_doors:
            door.everything()
        all_doors[2].put(Kind.STATUS, all_doors[0].signed(status())[1])
        all_doors[3].put(Kind.STATUS, wire.OFFLINE)
        yield broker, all_doors


@pytest.fixture(scope="module")
def watched(doors: tuple[Broker, list[SimulatedDoor]]) -> Iterator[Watched]:
    broker, all_doors = doors
    with ExitStack() as opened:
        address = opened.enter_context(served())
        made = Watched(opened.enter_context(chromium()))
        opened.callback(made.close)
        page = made.page
        page.goto(f"{address}/index.html")
        assert violations(page) == [], "the dialog that asks for the login"
        page.get_by_label("Address").fill(broker.websocket_url)
        page.get_by_role("button", name="Connect").click()
        page.get_by_role("button", name="Keys", exact=True).click()
        page.get_by_label("Or paste").fill(policy_of(all_doors))
        page.get_by_role("button", name="Pin", exact=True).click()
        expect(page.locator("#keys-list li")).to_have_count(len(all_doors))
        assert violations(page) == [], "the dialog of keys"
        page.get_by_role("button", name="Close").click()
        for _ in range(2):  # two reports make a line
            for door in all_doors:
                door.tell(door.metrics())
        all_doors[0].client.publish(all_doors[0].topic(Kind.EVENTS), all_doors[0].event(1, Outcome.PASS_REFUSED))
        yield made


@pytest.fixture
def page(watched: Watched, doors: tuple[Broker, list[SimulatedDoor]]) -> Page:
    for door in doors[1]:
        if door.device not in ("gate-3", "gate-4"):  # the forged one, and the one that is off the network
            door.beat(*door.grounds)
            door.tell(door.metrics())  # one more point for its charts
    return watched.page


def wear(page: Page, language: str, theme: str, width: int) -> None:
    """Switch by the page's own buttons."""
    page.set_viewport_size({"width": width, "height": 800})
    if not (page.locator("html").get_attribute("lang") or "").startswith(language):
        page.locator("#language").click()
    for _ in range(3):
        if page.locator("html").get_attribute("data-theme") != theme:
            page.locator("#theme").click()
    page.locator("#theme").blur()


def go(page: Page, where: str) -> None:
    page.goto(f"{page.url.split('#')[0]}#/{where}")
    expect(page.locator("h1:visible")).to_have_count(1)
    if where and "99" not in where:
        expect(page.locator(".chart-canvas canvas").first).to_be_visible()


@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
def test_axe_finds_nothing(page: Page, language: str, theme: str, width: int) -> None:
    found: dict[str, list[str]] = {}
    for name, where in PAGES.items():
        go(page, where)
        wear(page, language, theme, width)
        found[name] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert found == {name: [] for name in PAGES}


def test_the_language_is_the_browsers_own_until_it_is_switched(page: Page) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(locale="zh-CN")
    other = context.new_page()
    other.goto(page.url.split("#")[0])
    expect(other.get_by_role("heading", name="登录消息服务器")).to_be_visible()
    other.get_by_role("button", name="取消").click()
    other.get_by_role("button", name="English").click()
    other.reload()
    expect(other.get_by_role("heading", name="Log in to the broker")).to_be_visible()
    context.close()


def test_all_of_it_is_reached_by_keyboard(page: Page) -> None:
    wear(page, "en", "light", 1280)
    go(page, "")
    page.locator("#skip").focus()
    for key in ("Tab", "Shift+Tab"):
        page.keyboard.press(key)  # from here on the browser shows where the focus is
    seen: list[str] = []
    for _ in range(40):
        name = page.evaluate(
            "(({id, className, href}) => id || (href ? className || 'alert' : className))(document.activeElement)"
        )
        if not name:
            break
        line = page.evaluate(
            "(({outlineStyle: s, outlineWidth: w}) => [s, parseFloat(w)])(getComputedStyle(document.activeElement))"
        )
        assert line[0] == "solid" and line[1] >= 2, name
        seen.append(name)
        page.keyboard.press("Tab")
    assert seen[:8] == ["skip", "brand", "open-keys", "log", "theme", "language", "search", "chip-all"]
    assert seen.count("tile") == 6 and "chip-refused" in seen and "alert" in seen
    page.get_by_role("searchbox", name="Search").focus()
    page.keyboard.type("zone")
    expect(page.locator(".tile:visible")).to_have_count(1)
    page.locator(".tile:visible").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Recognition is refused")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("log", name="Decisions")).to_be_focused()
    page.get_by_role("link", name="All doors").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("6 doors")
    page.get_by_role("searchbox", name="Search").fill("")


def test_numbers_of_people_come_in_fives_and_no_name_is_anywhere(page: Page) -> None:
    go(page, "yard/gate-1")
    people = page.get_by_role("region", name="People")
    expect(people).to_contain_text("125 to 129")
    expect(people).to_contain_text("fewer than 5")
    expect(people).to_contain_text("9,000 or more")
    assert not re.search(r"\b128\b|p-7", page.locator("body").text_content() or "")
