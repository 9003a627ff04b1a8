"""The page in a browser, before a real link and a real broker: every state, by word and mark, for everybody."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from agent.adapters.broker import EmbeddedBroker
from agent.adapters.channel import Channel
from agent.app.link_settings import LinkSettings
from agent.crypto import box_public
from agent.events.decision import Decision, Outcome
from agent.events.seal import seal_event
from agent.policy.fields import ProfileName
from agent.policy.grounds import Ground
from agent.policy.profiles import PROFILES
from agent.policy.rules import OBLIGATIONS
from agent.units import SubjectId
from tests.app.running import (
    DEVICE,
    DOOR,
    EVENTS_SECRET,
    SIGN_SECRET,
    SITE,
    LinkProcess,
    Teller,
    compliance,
    event,
    everything,
    link_process,
    metrics,
    status,
    until,
)
from tests.dashboard.axe import violations
from tests.dashboard.browser import Watched, chromium

pytestmark = pytest.mark.alone
PHONE = 360
REGIONS = (
    "Recognition is permitted",
    "At the door",
    "Decisions",
    "Site plan",
    "State over time",
    "Obligations",
    "Charts",
    "Work",
    "People",
    "Ledger",
    "Signatures",
    "Device",
)


class Gate:
    """A device as the page sees it: its link runs, the test speaks as the recogniser."""

    def __init__(self, opened: ExitStack) -> None:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="page-")))
        self.broker = EmbeddedBroker()
        opened.callback(self.broker.close)
        self.broker.start()
        self.channel = Channel.listen(folder / "link.sock")
        opened.callback(self.channel.close)
        settings = LinkSettings(
            socket=folder / "link.sock",
            site=SITE,
            device=DEVICE,
            broker_port=self.broker.port,
            tls=False,
            websocket_url=self.broker.websocket_url,
        )
        self.link: LinkProcess = opened.enter_context(link_process(settings))
        self.url = self.link.ready()
        self.link.wait_said("recogniser is there")
        self.link.wait_said("connected")
        self.teller = Teller(self.channel)

    def permit(self) -> None:
        everything(self.teller)
        self.channel.send_preview(picture)

    def refuse(self, *grounds: Ground) -> None:
        self.teller.tell(status(*grounds))
        self.teller.tell(compliance(*grounds))

    def decide(self, sequence: int, outcome: Outcome, *, in_clear: bool = True) -> None:
        sealed = event(sequence, outcome, in_clear=in_clear)
        self.channel.send_event(sealed.sequence, sealed.envelope)


def picture() -> bytes:
    """A JPEG of the size of a preview."""
    blocks = np.random.default_rng(1).integers(0, 256, (12, 16, 3), np.uint8).repeat(40, 0).repeat(40, 1)
    done, jpeg = cv2.imencode(".jpg", blocks)
    assert done
    return jpeg.tobytes()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(browser: Browser) -> Iterator[tuple[Gate, Watched]]:
    with ExitStack() as opened:
        gate = Gate(opened)
        gate.permit()
        watched = Watched(browser)
        opened.callback(watched.close)
        watched.page.goto(gate.url)
        expect(title(watched.page)).to_have_text("Recognition is permitted", timeout=20_000)
        yield gate, watched


@pytest.fixture
def watched(shared: tuple[Gate, Watched]) -> Watched:
    """One page for all tests, as wide as a desk, light, and with recognition permitted."""
    gate, watched = shared
    watched.page.set_viewport_size({"width": 1280, "height": 900})
    gate.permit()
    expect(title(watched.page)).to_have_text("Recognition is permitted")
    return watched


@pytest.fixture
def gate(shared: tuple[Gate, Watched], watched: Watched) -> Gate:
    return shared[0]


@pytest.fixture
def page(watched: Watched) -> Page:
    return watched.page


def title(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def section(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def decisions(page: Page) -> Locator:
    return page.get_by_role("log", name="Decisions").get_by_role("listitem")


# What it shows ----------------------------------------------------------------------------------------------------


def test_a_permitted_gate_is_whole_at_a_glance(page: Page) -> None:
    expect(page).to_have_title("Recognition is permitted · Doorward")
    expect(page.locator("#live")).to_have_text("live")
    expect(section(page, "Recognition is permitted").get_by_text(re.compile(r"^since \d\d:\d\d:\d\d$"))).to_be_visible()
    expect(section(page, "Obligations")).to_contain_text(f"{len(OBLIGATIONS)} of {len(OBLIGATIONS)} met")
    expect(section(page, "Obligations").get_by_role("listitem")).to_have_count(len(OBLIGATIONS))
    expect(section(page, "Ledger")).to_contain_text("42 entries")
    expect(section(page, "Work")).to_contain_text("15.0")
    expect(section(page, "Device")).to_contain_text("plain (dev only)")


def test_the_preview_fills_its_frame_with_the_regions_over_it(page: Page) -> None:
    shown = page.get_by_role("img", name=re.compile("^Preview from the door"))
    expect(shown).to_be_visible()
    # The picture is replaced several times a second; a new one has no size until it is decoded.
    sized = "() => document.querySelector('img[alt^=\"Preview from the door\"]')?.naturalWidth > 0"
    page.wait_for_function(sized)
    shape = shown.evaluate("each => each.decode().then(() => [each.naturalWidth, each.naturalHeight])")
    assert shape == [640, 480]
    before = shown.get_attribute("src")
    expect(shown).not_to_have_attribute("src", before or "", timeout=3000)
    expect(page.locator("#frame path.excluded-area")).to_have_count(1)
    over = page.locator("#frame path.attempt-dash").bounding_box()
    under = shown.bounding_box()
    assert over is not None and under is not None
    assert abs((over["x"] - under["x"]) / under["width"] - 200 / 640) < 0.02
    assert abs((over["y"] - under["y"]) / under["height"] - 120 / 480) < 0.02
    expect(section(page, "At the door")).to_contain_text("excluded: never looked at")


def test_the_plan_shows_camera_view_and_zone_and_says_so(page: Page) -> None:
    plan = section(page, "Site plan").get_by_role("img")
    said = "Camera known to 5 m (dashed), looking south-east; one no-recognition zone, with 5 m of margin and its own"
    expect(plan).to_have_attribute("aria-label", re.compile("^" + re.escape(said)))
    for part, count in {"cone": 1, "camera-dot": 1, "zone-line": 1, "zone-margin": 1, "distance": 1}.items():
        expect(plan.locator(f".{part}")).to_have_count(count)
    expect(plan).to_contain_text("playground")
    expect(section(page, "Site plan")).to_contain_text("camera and its view")
    metres = int(re.findall(r"(\d+) m", plan.locator(".distance + text").text_content() or "")[0])
    assert 40 <= metres <= 47, "0.0003 degrees north, 0.0004 west of it: 43 m to the nearest corner"


def test_a_refusal_names_its_ground_and_provision_and_stands_between_the_decisions(gate: Gate, page: Page) -> None:
    gate.refuse(Ground.SIGN_MISSING)
    expect(title(page)).to_have_text("Recognition is refused")
    expect(page).to_have_title("Recognition is refused · Doorward")
    state = section(page, "Recognition is refused")
    for words in ("Passes still open the door.", "Sign missing", "Measures art. 13: a prominent sign"):
        expect(state).to_contain_text(words)
    unmet = section(page, "Obligations").get_by_role("listitem").filter(has=page.get_by_role("img", name="unmet"))
    expect(unmet).to_have_count(1)
    expect(unmet).to_contain_text("Sign missing")
    expect(decisions(page).first).to_contain_text("Recognition refused")
    expect(decisions(page).first).to_contain_text("Sign missing")
    expect(section(page, "At the door")).to_contain_text("the whole picture is blocks")
    gate.permit()
    expect(title(page)).to_have_text("Recognition is permitted")
    expect(decisions(page).first).to_contain_text("Recognition permitted")


def test_obligations_stand_article_by_article_with_state_and_evidence(gate: Gate, page: Page) -> None:
    rules = section(page, "Obligations")
    headings = rules.get_by_role("heading", level=3)
    told = [text.split("  ")[0] for text in headings.locator(".where-it-stands").all_text_contents()]
    served = {PROFILES[ProfileName.STRICT].provisions[each.ground].partition(": ")[0] for each in OBLIGATIONS}
    assert set(told) == served and len(told) == len(served)
    numbers = [int(each.rpartition(" ")[2]) for each in told if re.fullmatch(r"Measures art\. \d+", each)]
    assert numbers == sorted(numbers) and len(numbers) > 5 and told[-1] == "house rule"
    notice = rules.get_by_role("list", name=re.compile(r"^Measures art\. 5 2 of 2 met$")).get_by_role("listitem")
    expect(notice).to_have_count(2)
    expect(notice.filter(has_text="The sign names the notice")).to_contain_text(
        re.compile(r"met · since .*\d\d:\d\d:\d\d · Evidence: notice dddddddd\W+dddd$")
    )
    expect(notice.filter(has_text="The notice is complete")).not_to_contain_text("Evidence")
    expect(rules).to_contain_text("key backend plain (dev only)")

    ends_s = time.time() + 12 * 86_400
    gate.teller.tell(compliance(Ground.IN_ZONE, expiring={Ground.ASSESSMENT_STALE: ends_s}))
    lines = rules.get_by_role("list", name=re.compile(r"^Measures art\. 9 3 of 3 met$")).get_by_role("listitem")
    expect(lines.get_by_role("img").first).to_have_accessible_name("expiring")
    day = datetime.fromtimestamp(ends_s).strftime("%-d %b %Y")
    expect(lines.first).to_contain_text(
        re.compile(f"^!The assessment is in date.*expiring · since .* · until {day} · Evid")
    )
    count = len(OBLIGATIONS)
    expect(rules).to_contain_text(f"{count - 1} of {count} met")
    zone = rules.get_by_role("listitem").filter(has=page.get_by_role("img", name="unmet"))
    expect(zone).to_have_count(1)
    expect(zone).not_to_contain_text("Evidence")


def test_what_has_not_changed_in_the_obligations_is_not_drawn_anew(gate: Gate, page: Page) -> None:
    same = compliance()
    gate.teller.tell(same)
    held = page.locator("#rules li").first
    expect(held).to_be_visible()
    page.wait_for_timeout(300)
    held.evaluate("each => { each.held = true; }")
    gate.teller.tell(same)
    gate.teller.tell(metrics().model_copy(update={"frames": 777_777}))
    expect(section(page, "Work")).to_contain_text("777,777")
    assert held.evaluate("each => each.held") is True


def test_where_no_camera_may_look_passes_are_not_promised(gate: Gate, page: Page) -> None:
    gate.refuse(Ground.PLACE_PRIVATE)
    expect(section(page, "Recognition is refused")).to_contain_text("passes cannot be read by this camera")


def test_a_decision_arrives_with_its_outcome_and_door(gate: Gate, page: Page) -> None:
    for sequence, (outcome, in_clear, words, mark) in enumerate(
        (
            (Outcome.MATCH, True, "Door opened: face", "✓"),
            (Outcome.PASS_ACCEPTED, True, "Door opened: pass", "✓"),
            (Outcome.NO_MATCH, True, "Not recognised", "–"),
            (Outcome.PASS_REFUSED, True, "Pass refused", "!"),
            (Outcome.MATCH, False, "Decision, outcome sealed", "•"),
        ),
        start=101,
    ):
        before = decisions(page).count()
        gate.decide(sequence, outcome, in_clear=in_clear)
        expect(decisions(page)).to_have_count(before + 1)
        for part in (words, "door main"):
            expect(decisions(page).first).to_contain_text(part)
        expect(decisions(page).first.locator(".mark")).to_have_text(mark)


def test_a_repeated_event_is_one_decision_and_a_new_devices_first_one_is_another(gate: Gate, page: Page) -> None:
    before = decisions(page).count()
    sealed = event(1, Outcome.MATCH)
    for _ in range(2):
        gate.channel.send_event(sealed.sequence, sealed.envelope)
    gate.decide(2, Outcome.NO_MATCH)
    expect(decisions(page).first).to_contain_text("Not recognised")
    expect(decisions(page)).to_have_count(before + 2)
    gate.decide(1, Outcome.PASS_ACCEPTED)
    expect(decisions(page)).to_have_count(before + 3)
    expect(decisions(page).first).to_contain_text("Door opened: pass")


def test_a_decision_that_waited_in_the_device_says_so(gate: Gate, page: Page) -> None:
    decided_s = time.time() - 20
    sealed = seal_event(
        Decision(Outcome.MATCH, DOOR, decided_s, captured_ns=1, frame=1, policy_version=3, subject=SubjectId("p-7")),
        sequence=1,
        site=SITE,
        device=DEVICE,
        events_key=box_public(EVENTS_SECRET),
        sign_secret=SIGN_SECRET,
        outcome_in_clear=True,
    )
    gate.channel.send_event(sealed.sequence, sealed.envelope)
    expect(decisions(page).first).to_contain_text(re.compile(r"came 2\d s late"))
    said = decisions(page).first.locator("time").get_attribute("datetime")
    assert said is not None and abs(datetime.fromisoformat(said).timestamp() - decided_s) < 0.01


# What it says when something is gone -------------------------------------------------------------------------------


def test_what_is_gone_is_named_and_what_comes_back_is_shown(browser: Browser) -> None:
    with ExitStack() as opened:
        gate = Gate(opened)
        gate.permit()
        watched = Watched(browser)
        opened.callback(watched.close)
        page = watched.page
        page.goto(gate.url)
        expect(title(page)).to_have_text("Recognition is permitted")
        gate.broker.stop()
        expect(title(page)).to_have_text("No live data", timeout=10_000)
        expect(page.get_by_text("Decisions are kept in the device")).to_be_visible(timeout=10_000)
        expect(page.locator("#live")).to_have_text("not live")
        gate.broker.start()
        expect(title(page)).to_have_text("Recognition is permitted", timeout=20_000)
        gate.channel.close()
        expect(title(page)).to_have_text("Recogniser lost", timeout=10_000)
        expect(page.get_by_text("No picture")).to_be_visible(timeout=10_000)
        gate.link.end()
        expect(title(page)).to_have_text("Link process gone", timeout=10_000)


# For everybody -----------------------------------------------------------------------------------------------------


def test_all_of_it_works_by_keyboard_and_shows_where_the_focus_is(gate: Gate, page: Page) -> None:
    for sequence in range(201, 211):
        gate.decide(sequence, Outcome.MATCH)
    log = page.get_by_role("log", name="Decisions")
    until(lambda: log.evaluate("each => each.scrollHeight > each.clientHeight"), what="a longer log")
    page.evaluate("document.activeElement.blur(), window.getSelection().removeAllRanges()")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    order = []
    while (name := page.evaluate("document.activeElement.id || document.activeElement.className")) and len(order) < 9:
        order.append(name)
        line = page.evaluate(
            "(s => [s.outlineStyle, parseFloat(s.outlineWidth)])(getComputedStyle(document.activeElement))"
        )
        assert line[0] == "solid" and line[1] >= 2, name
        page.keyboard.press("Tab")
    assert order == ["skip", "brand", "open-keys", "theme", "language", "trust-pin", "timeline"]
    log.focus()
    page.keyboard.press("End")
    until(lambda: log.evaluate("each => each.scrollTop > 0"), what="a log that was scrolled by keyboard")
    skip.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_everything_has_a_name_or_is_hidden_from_who_cannot_see_it(gate: Gate, page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    assert page.locator("html").get_attribute("lang") == "en"
    regions = page.locator("#door > section")
    expect(regions).to_have_count(len(REGIONS))
    for name in REGIONS:
        expect(section(page, name)).to_have_count(1)
        expect(section(page, name).get_by_role("heading", name=re.compile(f"^{name}"))).to_have_count(1)
    unnamed = (
        page.locator("#door")
        .locator("img, svg, meter")
        .evaluate_all(
            """all => all.filter(each => !each.closest('[aria-hidden="true"]')
             && !each.getAttribute("alt") && !each.getAttribute("aria-label") && each.getAttribute("alt") !== "")
             .map(each => each.outerHTML)"""
        )
    )
    assert unnamed == []
    live = page.locator("[aria-live], [role=log], [role=status]").evaluate_all("all => all.map(each => each.id)")
    assert "timeline" in live and "live" in live
    gate.refuse(Ground.IN_ZONE)
    expect(page.locator("[aria-live]").filter(has_text="Recognition is refused")).to_contain_text("no-recognition zone")


def test_axe_finds_nothing_with_the_picture_of_the_door(gate: Gate, page: Page) -> None:
    expect(page.get_by_role("img", name=re.compile("^Preview"))).to_be_visible()
    assert violations(page) == []


def test_no_width_makes_it_scroll_sideways(gate: Gate, page: Page) -> None:
    gate.decide(301, Outcome.NO_MATCH)
    gate.refuse(Ground.SIGN_MISSING, Ground.IN_ZONE)
    expect(title(page)).to_have_text("Recognition is refused")
    for width in (1280, 800, 600, PHONE, 320):
        page.set_viewport_size({"width": width, "height": 740})
        page.wait_for_function(  # charts are drawn anew a moment after
            """width => document.documentElement.scrollWidth <= width && ![...document.querySelectorAll("main *")].some(
                 each => !each.closest("svg") && each.getBoundingClientRect().right > width)""",
            arg=width,
            timeout=3000,
        )
        expect(title(page)).to_be_in_viewport(ratio=1)
        smallest = page.evaluate(
            """Math.min(...[...document.querySelectorAll("main *")].filter(each => each.textContent
                 && !each.closest("svg") && each.checkVisibility())
                 .map(each => parseFloat(getComputedStyle(each).fontSize)))"""
        )
        assert smallest >= 12


CONTRAST = r"""() => {
  const numbers = text => (text.match(/[\d.]+/g) ?? []).map(Number);
  const linear = part => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  const under = each => {
    for (let at = each; at; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
  };
  const poor = [], words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    const text = words.currentNode.textContent.trim(), each = words.currentNode.parentElement;
    if (!text || !each.checkVisibility() || each.closest("svg, script, noscript")) continue;
    let seen = 1;
    for (let at = each; at; at = at.parentElement) seen *= Number(getComputedStyle(at).opacity);
    const back = under(each), own = numbers(getComputedStyle(each).color);
    const front = own.slice(0, 3).map((value, place) => value * seen + back[place] * (1 - seen));
    const [high, low] = [light(front), light(back)].sort((a, b) => b - a), ratio = (high + .05) / (low + .05);
    const enough = each.closest("[aria-hidden]") || parseFloat(getComputedStyle(each).fontSize) >= 24 ? 3 : 4.5;
    if (!(ratio >= enough)) poor.push(`${each.className} ${text}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


def test_every_word_can_be_read_in_both_schemes(gate: Gate, page: Page) -> None:
    def poor() -> list[str]:
        found: list[str] = []
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            assert (sum(map(int, re.findall(r"\d+", ground)[:3])) > 600) is (scheme == "light")
            found += page.evaluate(CONTRAST)
        page.emulate_media(color_scheme="light")
        return found

    for sequence, outcome in enumerate(Outcome, 401):
        gate.decide(sequence, outcome)
    expect(decisions(page).first).to_contain_text("Door opened: button inside")  # the last of them
    assert poor() == []
    gate.refuse(Ground.SIGN_MISSING)
    expect(decisions(page).first).to_contain_text("Recognition refused")
    assert poor() == []


# Nothing from elsewhere --------------------------------------------------------------------------------------------


def test_it_asks_nobody_but_the_link_and_the_broker_and_has_no_complaint(gate: Gate, watched: Watched) -> None:
    """The last of those that share a page: whatever the others did counts."""
    gate.decide(501, Outcome.MATCH)
    expect(decisions(watched.page).first).to_contain_text("Door opened: face")
    expect(watched.page.get_by_role("img", name=re.compile("^Preview"))).to_be_visible()
    assert watched.hosts == {urlsplit(gate.url).netloc, f"127.0.0.1:{gate.broker.port_websocket}"}
    assert watched.complaints == []


TRIES = {
    "connect-src": "fetch('http://127.0.0.1:9/').catch(() => 0)",
    "script-src-elem": "add('script', {textContent: 'ran = 1'})",
    "style-src-elem": "add('style', {textContent: 'p {top: 0}'})",
    "img-src": "add('img', {src: 'http://127.0.0.1:9/x.png'})",
}


def test_the_page_may_do_nothing_that_its_files_do_not_do(page: Page) -> None:
    for rule, attempt in TRIES.items():
        broken = page.evaluate(
            f"""() => new Promise(done => {{
                 document.addEventListener("securitypolicyviolation", e => done(e.effectiveDirective), {{once: true}});
                 const add = (name, part) => document.body.append(Object.assign(document.createElement(name), part));
                 {attempt};
                 setTimeout(() => done(null), 5000);
               }})"""
        )
        assert broken == rule
    assert page.evaluate("window.ran === undefined")
