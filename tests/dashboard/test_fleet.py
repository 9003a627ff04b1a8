"""All doors of a site in a browser, through Debian's mosquitto: who is let in, what stands first, what is forged."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from agent.adapters.page import Page as LinkPage
from agent.events import wire
from agent.events.seal import signed
from agent.events.telemetry import CONTEXT
from agent.events.wire import Kind
from agent.policy.grounds import Ground
from tests.adapters.mosquitto import password_lines
from tests.app.running import status
from tests.dashboard.browser import Watched, chromium
from tests.dashboard.files import FOLDER, served
from tests.dashboard.fleet import Broker, SimulatedDoor, policy_of

pytestmark = pytest.mark.alone
USER, PASSWORD = "dashboard", "correct-horse-9"
USERS = {USER: PASSWORD, "doors": "doors"}


class Site:
    """Twelve doors, their broker, and the static files on a web server that knows neither."""

    def __init__(self, opened: ExitStack) -> None:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
        self.broker = Broker(opened, folder, password_lines(folder, USERS))
        self.address = f"{opened.enter_context(served())}/index.html"
        client = self.broker.client(opened, "doors", "doors")
        self.doors = [SimulatedDoor(client, "yard", f"gate-{number}") for number in range(1, 13)]
        self.reset()

    def reset(self) -> None:
        for door in self.doors:
            door.grounds, door.assessment_days, door.filing_left, door.queue = (), 200.0, 9_000, 0
            door.everything()

    def login(self, page: Page, password: str = PASSWORD) -> None:
        page.get_by_label("Address").fill(self.broker.websocket_url)
        page.get_by_label("User").fill(USER)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Connect").click()

    def pin(self, page: Page) -> None:
        page.get_by_role("button", name="Keys", exact=True).click()
        page.get_by_label("Or paste").fill(policy_of(self.doors))
        page.get_by_role("button", name="Pin", exact=True).click()
        expect(page.locator("#keys-told")).to_have_text(f"{len(self.doors)} pinned.")
        page.get_by_role("button", name="Close").click()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with ExitStack() as opened:
        yield Site(opened)


@pytest.fixture(scope="module")
def shared(browser: Browser, site: Site) -> Iterator[Watched]:
    """Logged in, with the keys of all doors pinned."""
    made = Watched(browser)
    made.page.goto(site.address)
    site.login(made.page)
    expect(heading(made.page)).to_have_text("12 doors")
    site.pin(made.page)
    yield made
    made.close()


@pytest.fixture
def page(shared: Watched, site: Site) -> Page:
    """The same for all tests but the first, all doors permitted; a forgery that was heard is remembered, though."""
    site.reset()
    shared.page.goto(f"{site.address}#/")
    shared.page.get_by_role("searchbox", name="Search").fill("")
    expect(shared.page.locator(".tile .seal.verified")).to_have_count(12)
    expect(shared.page.locator(".tile[data-state=online]")).to_have_count(12)
    return shared.page


@pytest.fixture
def stranger(browser: Browser, site: Site) -> Iterator[Watched]:
    """Not logged in, and without a key."""
    site.reset()
    made = Watched(browser)
    made.page.goto(site.address)
    yield made
    made.close()


def heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def tile(page: Page, device: str) -> Locator:
    return page.locator(".tile").filter(has=page.get_by_text(device, exact=True))


def names(page: Page) -> list[str]:
    return page.locator(".tile:visible .tile-name strong").all_text_contents()


# Who is let in ----------------------------------------------------------------------------------------------------


def test_the_login_is_asked_for_and_nothing_of_it_is_kept(stranger: Watched, site: Site) -> None:
    page = stranger.page
    fault = page.locator("#login-fault")
    for address in ("broker.example", "https://broker.example", "ws://user:pass@broker.example:9001"):
        page.get_by_label("Address").fill(address)
        page.get_by_role("button", name="Connect").click()
        expect(fault).to_contain_text("wss://broker.example:9001")
    page.get_by_label("Address").fill("ws://broker.example:9001")
    expect(page.get_by_text("sends the password in the clear")).to_be_visible()
    site.login(page, password="wrong")
    expect(fault).to_have_text("The broker refuses this name or password.")
    expect(page.get_by_label("Password")).to_have_value("")
    site.login(page)
    expect(heading(page)).to_have_text("12 doors")
    kept = page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state])"
    )
    databases = page.evaluate("indexedDB.databases().then(all => all.length)")
    assert databases == 0
    assert not [word for word in (USER, PASSWORD, str(site.broker.port_websocket)) if word in kept]
    page.reload()
    expect(page.get_by_role("heading", name="Log in to the broker")).to_be_visible()
    for label in ("User", "Password"):
        expect(page.get_by_label(label)).to_have_value("")


def test_nobody_is_asked_but_the_web_server_and_the_broker(page: Page, shared: Watched, site: Site) -> None:
    page.goto(f"{site.address}#/yard/gate-1")
    expect(heading(page)).to_have_text("Recognition is permitted")
    assert shared.hosts == {urlsplit(site.address).netloc, urlsplit(site.broker.websocket_url).netloc}
    missing = [said for said in shared.complaints if "404" in said]
    assert shared.complaints == missing and len(missing) == 1, "only page.json, which a plain web server has not"


def test_the_page_forbids_itself_more_than_it_needs_without_a_header(page: Page) -> None:
    rules = page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
    assert rules.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in rules and "*" not in rules and "http" not in rules
    ran = page.evaluate(
        """() => { const script = document.createElement('script'); script.textContent = 'ran = 1';
                   document.body.append(script); return window.ran ?? null }"""
    )
    assert ran is None


def test_a_door_s_own_page_asks_for_the_login_that_its_broker_wants(browser: Browser, site: Site) -> None:
    door = site.doors[0]
    facts = {
        "site": door.site,
        "device": door.device,
        "prefix": wire.prefix(door.site, door.device),
        "websocket": site.broker.websocket_url,
        "broker": {"state": "connected"},
        "preview": False,
    }
    served_by = LinkPage(0, websocket_url=site.broker.websocket_url, facts=lambda: facts, preview=lambda: None)
    served_by.start()
    made = Watched(browser)
    made.page.goto(served_by.url)
    expect(made.page.locator("#login-fault")).to_have_text("The broker refuses this name or password.")
    expect(made.page.get_by_label("Address")).to_have_value(site.broker.websocket_url)
    expect(made.page.get_by_label("Topic prefix")).to_have_value("doorward/v1/yard/gate-1")
    site.login(made.page)
    expect(heading(made.page)).to_have_text("Recognition is permitted")
    expect(made.page.get_by_role("link", name="All doors")).to_have_count(0)
    made.close()
    served_by.close()


# What stands first ------------------------------------------------------------------------------------------------


def test_those_that_need_a_look_stand_first_and_the_others_in_their_order(page: Page, site: Site) -> None:
    expect(page.get_by_text("All 12 doors permitted")).to_be_visible()
    assert names(page) == [f"gate-{number}" for number in range(1, 13)]
    site.doors[6].beat(Ground.SIGN_MISSING, Ground.IN_ZONE)
    site.doors[8].put(Kind.STATUS, wire.OFFLINE)
    site.doors[3].put(Kind.STATUS, wire.RECOGNISER_LOST)
    site.doors[10].assessment_days = 12.5
    site.doors[10].beat()
    expect(page.locator("#attention-tiles .tile")).to_have_count(4)
    assert names(page)[:5] == ["gate-4", "gate-9", "gate-7", "gate-11", "gate-1"]
    expect(tile(page, "gate-7")).to_contain_text(re.compile(r"Refused.*since \d\d:\d\d.*Sign missing \+1 more"))
    expect(tile(page, "gate-9")).to_contain_text("Offline")
    expect(tile(page, "gate-4")).to_contain_text("Camera process gone")
    expect(page.get_by_text("4 of 12 doors need a look")).to_be_visible()
    expect(page.get_by_role("region", name="Alerts")).to_contain_text("yard/gate-11PIA ends in 12 days")
    site.doors[6].beat()
    expect(tile(page, "gate-7")).to_contain_text("Permitted")
    expect(page.locator("#attention-tiles .tile")).to_have_count(3)


def test_the_focus_goes_where_its_tile_goes(page: Page, site: Site) -> None:
    tile(page, "gate-7").focus()
    site.doors[6].beat(Ground.SIGN_MISSING)
    expect(page.locator("#attention-tiles").get_by_role("link")).to_have_count(1)
    expect(tile(page, "gate-7")).to_be_focused()
    site.doors[6].beat()
    expect(page.locator("#attention-tiles").get_by_role("link")).to_have_count(0)
    expect(tile(page, "gate-7")).to_be_focused()


def test_doors_are_found_by_state_name_and_reason(page: Page, site: Site) -> None:
    site.doors[1].beat(Ground.SIGN_MISSING)
    site.doors[4].beat(Ground.IN_ZONE)
    refused = page.get_by_role("button", name="Refused 2")
    refused.click()
    expect(refused).to_have_attribute("aria-pressed", "true")
    assert names(page) == ["gate-2", "gate-5"]
    search = page.get_by_role("searchbox", name="Search")
    search.fill("zone")
    expect(page.locator(".tile:visible")).to_have_count(1)
    assert names(page) == ["gate-5"]
    search.fill("nowhere")
    expect(page.get_by_text("No door fits.")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".tile:visible")).to_have_count(12)


def test_what_must_be_known_stands_on_top(page: Page, site: Site) -> None:
    site.doors[0].assessment_days = -1
    site.doors[1].filing_left = 0
    site.doors[2].filing_left = 120
    for door in site.doors[:3]:
        door.beat()
    for waiting in (4, 9, 18, 30, 38, 44):
        site.doors[3].queue = waiting
        site.doors[3].tell(site.doors[3].metrics())
    alerts = page.get_by_role("region", name="Alerts").get_by_role("listitem")
    expect(alerts).to_have_text(
        [
            "yard/gate-1The PIA has ended: recognition stays refused",
            "yard/gate-2Filing due: the duty has begun",
            "yard/gate-3Filing due soon: fewer than 200 people left",
            "yard/gate-4Queue grows: 44 events wait",
        ]
    )
    alerts.nth(3).get_by_role("link").click()
    expect(page.locator("#door-alerts")).to_have_text("Queue grows: 44 events wait")
    expect(page.get_by_role("navigation", name="Doors")).to_contain_text("yard / gate-4")


def test_a_door_that_has_fallen_silent_says_since_when(page: Page, site: Site) -> None:
    door = SimulatedDoor(site.doors[0].client, "yard", "gate-99")
    said_s = time.time() - 300
    door.tell(status(), unix_s=said_s)
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Log in").click()
    site.login(page)
    at = time.strftime("%H:%M", time.localtime(said_s))
    expect(tile(page, "gate-99")).to_contain_text(f"Silentlast heard {at}")
    expect(page.get_by_role("region", name="Alerts")).to_contain_text(f"yard/gate-99No heartbeat since {at}")
    door.client.publish(door.topic(Kind.STATUS), b"", qos=1, retain=True).wait_for_publish(10)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_text("Log in to the broker to see its doors.")).to_be_visible()
    page.get_by_role("button", name="Log in").click()
    site.login(page)
    expect(heading(page)).to_have_text("12 doors")


# What is forged ---------------------------------------------------------------------------------------------------


def test_a_forged_status_is_shown_as_a_forgery_and_not_as_the_state(page: Page, site: Site) -> None:
    door, other = site.doors[2], site.doors[5]
    genuine = door.signed(status())[1]
    forgeries = {
        "the signature does not fit": genuine.replace(b'"single_key":true', b'"single_key":false'),
        "of another site, device or kind": other.signed(status())[1],
        "not in the form that a device signs": json.dumps({"kind": "status", "body": {"state": "online"}}).encode(),
    }
    door.beat(Ground.SIGN_MISSING)
    expect(tile(page, "gate-3")).to_contain_text("Refused")
    for why, payload in forgeries.items():
        door.put(Kind.STATUS, payload)
        expect(tile(page, "gate-3")).to_contain_text("Forged")
        expect(tile(page, "gate-3")).to_contain_text(why)
    assert names(page)[0] == "gate-3"
    tile(page, "gate-3").click()
    expect(heading(page)).to_have_text("Forged status")
    expect(page.get_by_text("What it says is not shown.")).to_be_visible()
    expect(page.get_by_text("Recognition is permitted")).to_have_count(0)
    expect(page.get_by_role("region", name="Signatures")).to_contain_text("not in the form that a device signs")
    door.beat(Ground.SIGN_MISSING)
    expect(heading(page)).to_have_text("Recognition is refused")
    expect(page.locator("#door-alerts")).to_contain_text("A forged message was heard on status")


def test_a_ledger_that_became_shorter_is_a_broken_chain(page: Page, site: Site) -> None:
    door = site.doors[7]
    door.size = 20
    door.tell(door.head())
    expect(page.get_by_role("region", name="Alerts")).to_contain_text(
        "yard/gate-8The ledger's chain is broken: the ledger has become shorter"
    )
    door.size = 60


def test_an_old_status_put_out_again_changes_nothing(page: Page, site: Site) -> None:
    door = site.doors[9]
    kind, old = door.signed(status())
    door.beat(Ground.STOPPED)
    expect(tile(page, "gate-10")).to_contain_text("Stopped")
    door.put(kind, old)
    expect(page.get_by_role("region", name="Alerts")).to_contain_text("An old message was put out again on status")
    expect(tile(page, "gate-10")).to_contain_text("Refused")


def test_without_keys_it_says_that_nothing_is_checked(stranger: Watched, site: Site) -> None:
    site.login(stranger.page)
    expect(stranger.page.get_by_text("No device key is pinned, so no signature is checked.")).to_be_visible()
    expect(stranger.page.locator(".tile .seal.unverified")).to_have_count(12)
    site.doors[0].put(Kind.STATUS, site.doors[1].signed(status())[1])
    expect(tile(stranger.page, "gate-1")).to_contain_text("of another site, device or kind")


def test_over_plain_http_it_says_that_nothing_can_be_checked(browser: Browser) -> None:
    made = Watched(browser)
    page = made.page

    def give(route: Route) -> None:
        path = FOLDER / urlsplit(route.request.url).path.lstrip("/")
        route.fulfill(path=path) if path.is_file() else route.fulfill(status=404)

    page.route("http://door.example/**", give)  # another host than this machine's is no secure context
    page.goto("http://door.example/index.html")
    expect(page.locator("#open-wire")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("only for a page that came by https or from localhost")).to_be_visible()
    made.close()


def test_where_nothing_can_be_checked_no_seal_is_shown(browser: Browser, site: Site) -> None:
    made = Watched(browser)
    page = made.page
    page.add_init_script("SubtleCrypto.prototype.importKey = () => Promise.reject(new DOMException('no'))")
    page.goto(site.address)
    site.login(page)
    expect(tile(page, "gate-1")).to_be_visible()
    expect(page.get_by_text("this browser knows no Ed25519")).to_be_visible()
    expect(page.locator(".seal")).to_have_count(0)
    tile(page, "gate-1").click()
    signatures = page.get_by_role("region", name="Signatures")
    expect(signatures.get_by_role("img", name="not checked").nth(2)).to_be_visible()
    expect(signatures.get_by_role("img", name="verified")).to_have_count(0)
    made.close()


def test_another_key_for_a_pinned_device_is_not_taken_in_silence(page: Page, site: Site) -> None:
    page.get_by_role("button", name="Keys", exact=True).click()
    expect(page.locator("#keys-list li")).to_have_count(12)
    expect(page.locator("#keys-list code").first).to_have_text(re.compile(r"^([0-9a-f]{4} ){4}[0-9a-f]{4}$"))
    other = {**site.doors[1].public, "id": "gate-1"}
    told = page.locator("#keys-told")
    page.get_by_label("Site, if").fill("yard")
    page.get_by_label("Or paste").fill(json.dumps(other))
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(told).to_contain_text("yard/gate-1 has another key here.")
    page.get_by_label("Or paste").fill("my key")
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(told).to_contain_text("This names no device key.")
    page.locator("#keys-file").set_input_files(
        {"name": "device.json", "mimeType": "application/json", "buffer": json.dumps(other).encode()}
    )
    expect(told).to_contain_text("has another key here")
    page.get_by_role("button", name="Forget yard / gate-2", exact=True).click()
    expect(page.locator("#keys-list li")).to_have_count(11)


def test_what_is_nonsense_on_the_wire_breaks_nothing(stranger: Watched, site: Site) -> None:
    page, door = stranger.page, SimulatedDoor(site.doors[0].client, "yard", "gate-50")
    site.login(page)
    for kind, body in (
        ("status", {"state": "refused", "grounds": ["constructor", "<img src=x onerror=alert(1)>"]}),
        (
            "compliance",
            {"profile": "toString", "obligations": [{"ground": "valueOf", "state": "__proto__", "since_s": 1}]},
        ),
        ("metrics", {"fps": 1, "queue": 1e308, "frames": 0, "rss_kb": 0, "stages": [], "refused": []}),
        ("compliance", {"obligations": [{"ground": "stopped", "state": "met", "since_s": 1e300}]}),
    ):
        head = {"v": 1, "kind": kind, "site": "yard", "device": "gate-50", "sequence": 1, "unix_s": 1_800_000_000.5}
        door.put(Kind(kind), signed({**head, "body": body}, CONTEXT, door.secret))
    # No key of gate-50 is pinned here, so it is believed as far as it can be read, and shown as text.
    expect(tile(page, "gate-50")).to_contain_text("constructor +1 more")
    tile(page, "gate-50").click()
    expect(page.locator("#grounds")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("#grounds img")).to_have_count(0)
    expect(page.locator("#door-alerts")).to_contain_text("A forged message was heard on obligations")
    for kind in (Kind.STATUS, Kind.COMPLIANCE):
        door.put(kind, b"")
