"""The page in a real browser: by pointer and by keyboard, in both languages and colours, on a telephone."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.aim.given import empty_scene, gate, looks
from tests.conftest import ROOT
from tests.dashboard.axe import violations
from tests.dashboard.browser import Watched, chromium
from tests.policy.given import square

pytestmark = pytest.mark.alone
LOOKS = [(language, theme, width) for language in ("en", "zh") for theme in ("light", "dark") for width in (1280, 360)]


class Aiming:
    """The command on a device of its own, and a browser that has entered."""

    def __init__(self, opened: ExitStack, browser: Browser, **decided: object) -> None:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="aim-page-")))
        self.device = gate(folder / "d", scene=empty_scene(folder), **decided)
        command = [str(Path(sys.executable).with_name("doorward")), "aim", "--config", str(self.device.config)]
        self.process = subprocess.Popen(
            [*command, "--port", "0", "--yes"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
        )
        opened.callback(self.process.kill)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("aim at "), line
        self.url = line.split()[2]
        self.watched = Watched(browser)
        opened.callback(self.watched.close)
        self.page = self.watched.page
        self.page.goto(self.url)
        expect(self.page.locator("#live")).to_have_attribute("data-live", "yes", timeout=30_000)
        # Before the camera's first picture the view is asked for in vain, which Chromium finds worth a line.
        expect(self.page.locator("#picture")).to_be_visible(timeout=30_000)
        self.watched.complaints[:] = [said for said in self.watched.complaints if "503" not in said]

    def ended(self) -> str:
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == 0 and err == "", err
        return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def shared(browser: Browser) -> Iterator[Aiming]:
    """One aiming whose view has a zone; each test leaves the page as it finds it, or loads it anew."""
    with ExitStack() as opened:
        yield Aiming(opened, browser, zones=[square(9.9997, 51.9999, 0.0002)])


@pytest.fixture
def page(shared: Aiming) -> Iterator[Page]:
    shared.page.set_viewport_size({"width": 1280, "height": 1000})
    shared.page.reload()
    expect(shared.page.locator("#live")).to_have_attribute("data-live", "yes")
    expect(shared.page.locator("#pose dd").first).to_be_visible()
    yield shared.page
    # Loading a page anew breaks off what was being asked.
    assert [said for said in shared.watched.complaints if not said.endswith("net::ERR_ABORTED")] == []
    assert shared.watched.hosts == {urlsplit(shared.url).netloc}


def height(page: Page) -> float:
    return float(page.locator("#pose dd").first.inner_text().removesuffix(" m"))


def middle(of: Locator) -> tuple[float, float]:
    box = of.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def wear(page: Page, language: str, theme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    if not (page.locator("html").get_attribute("lang") or "").startswith(language):
        page.locator("#language").click()
    for _ in range(3):
        if page.locator("html").get_attribute("data-theme") != theme:
            page.locator("#theme").click()
    page.locator("#theme").blur()


@pytest.mark.parametrize(("language", "theme", "width"), LOOKS)
def test_axe_finds_nothing(page: Page, language: str, theme: str, width: int) -> None:
    wear(page, language, theme, width)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    title = {"en": "Aim the camera", "zh": "对准摄像头"}[language]
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.locator("#width-m").fill("9")
    expect(page.locator("#pose-fault")).to_be_visible()
    expect(page.locator("#pose-fault")).not_to_have_text("")
    assert violations(page) == [], "with a fault"
    wear(page, "en", "auto", 1280)


def test_a_corner_is_dragged_and_the_device_works_out_the_pose(page: Page) -> None:
    before, first = height(page), page.locator("#ground-0-x").input_value()
    expect(page.get_by_role("button", name="Keep and end")).to_be_disabled()
    knob = page.locator('circle.handle[data-kind="ground"]').first
    x, y = middle(knob)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 10, y, steps=4)
    page.mouse.up()
    frame = page.locator("#frame").bounding_box()
    assert frame is not None
    expect(page.locator("#ground-0-x")).not_to_have_value(first)
    dragged = float(page.locator("#ground-0-x").input_value())
    assert dragged == pytest.approx((x - 10 - frame["x"]) / frame["width"] * 640, abs=1.5)
    expect(page.get_by_role("button", name="Keep and end")).to_be_enabled()
    page.mouse.move(x + 200, y + 30)
    assert float(page.locator("#ground-0-x").input_value()) == dragged, "it was let go"
    page.wait_for_timeout(300)
    assert height(page) != before


@pytest.mark.parametrize(
    ("kind", "field"), [("horizon", "#horizon-1"), ("region", "#region-0-y"), ("ground", "#ground-2-y")]
)
def test_whatever_is_dragged_has_a_field_and_the_field_moves_it(page: Page, kind: str, field: str) -> None:
    place = {"horizon": 1, "region": 0, "ground": 2}[kind]
    knob = page.locator(f'circle.handle[data-kind="{kind}"]').nth(place)
    before = float(knob.get_attribute("cy") or 0)
    value = float(page.locator(field).input_value())
    page.locator(field).focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(f"{value + 10:.1f}")
    page.wait_for_timeout(100)
    assert float(knob.get_attribute("cy") or 0) == pytest.approx(before + 10, abs=0.6)
    page.locator("#frame").scroll_into_view_if_needed()
    x, y = middle(knob)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 20, steps=3)
    page.mouse.up()
    page.wait_for_timeout(100)
    assert float(page.locator(field).input_value()) < value + 5


def test_every_handle_has_its_fields(page: Page) -> None:
    kinds = [each.get_attribute("data-kind") for each in page.locator("circle.handle").all()]
    assert (kinds.count("ground"), kinds.count("horizon"), kinds.count("region")) == (4, 2, 4)
    for number in range(4):
        for name in ("ground", "region"):
            for axis in "xy":
                box = page.locator(f"#{name}-{number}-{axis}")
                expect(box).to_be_visible()
                expect(box).to_be_enabled()
    page.get_by_label("It can be told").uncheck()
    expect(page.locator("#horizon-0")).to_be_disabled()
    expect(page.locator('circle.handle[data-kind="horizon"]')).to_have_count(0)
    page.get_by_label("It can be told").check()
    expect(page.locator("#horizon-0")).to_be_enabled()


def test_all_of_it_is_reached_by_keyboard(page: Page) -> None:
    page.locator(".skip").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    seen: list[str] = []
    for _ in range(60):
        name = page.evaluate("(({id, className}) => id || className)(document.activeElement)")
        if not name or (seen and name == seen[0]):
            break
        line = page.evaluate(
            "(({outlineStyle: s, outlineWidth: w}) => [s, parseFloat(w)])(getComputedStyle(document.activeElement))"
        )
        assert line[0] == "solid" and line[1] >= 2, name
        seen.append(name)
        page.keyboard.press("Tab")
    corners = [f"ground-{corner}-{axis}" for corner in range(4) for axis in "xy"]
    assert seen[:3] == ["skip", "theme", "language"] and seen[3:11] == corners
    assert seen[11:19] == [
        "width-m",
        "depth-m",
        "bearing",
        "horizon-seen",
        "horizon-0",
        "horizon-1",
        "view-deg",
        "range-m",
    ]
    assert seen[-1] == "leave" and "region-3-y" in seen


def test_a_number_that_cannot_be_is_marked_and_not_sent(page: Page) -> None:
    before = page.locator("#pose").inner_text()
    page.locator("#view-deg").fill("200")
    expect(page.locator("#view-deg")).to_have_attribute("aria-invalid", "true")
    page.wait_for_timeout(400)
    assert page.locator("#pose").inner_text() == before
    page.locator("#view-deg").fill("62")
    expect(page.locator("#view-deg")).to_have_attribute("aria-invalid", "false")


def test_what_the_view_tells(page: Page) -> None:
    meters = page.get_by_role("region", name="Focus and light")
    expect(meters).to_contain_text("Edges of mark 7")
    expect(meters).to_contain_text("sharp")
    reach = page.get_by_role("region", name="Readable from how far")
    expect(reach).to_contain_text("Faces, 40 px between the eyes")
    expect(reach).to_contain_text("up to 4.0 m")
    assert page.locator("rect.black").count() > 20, "the cells of the zone"
    expect(page.locator("#zone-words")).to_contain_text("no model sees anything while a zone is in force")
    expect(page.locator("path.mark")).to_have_count(1)
    expect(page.locator("path.excluded")).to_have_count(1)
    expect(page.get_by_role("img", name="Live view in blocks")).to_be_visible()
    shown = page.locator("#picture").evaluate(
        """of => { const {data} = of.getContext("2d").getImageData(0, 0, of.width, of.height);
                   return [of.width, of.height, data[(240 * of.width + 320) * 4 + 3], new Set(data).size > 20]; }"""
    )
    assert shown == [640, 480, 255, True], "a picture was drawn"


def test_no_distance_is_written_over_a_mark(page: Page) -> None:
    expect(page.locator("path.mark")).to_have_count(1)
    expect(page.locator("text.over-text", has_text="50 m")).to_be_visible()
    # At one stroke: the view is drawn anew with each frame.
    mark, *distances = page.evaluate(
        """() => [...document.querySelectorAll("path.mark, text.over-text")]
            .filter(({ textContent: words }) => !words || words.endsWith(" m"))
            .sort((one, other) => one.textContent.length - other.textContent.length)
            .map((each) => each.getBBox()).map(({ x, y, width, height }) => [x, y, x + width, y + height])"""
    )
    assert len(distances) > 3
    for left, top, right, bottom in distances:
        assert left >= mark[2] or right <= mark[0] or top >= mark[3] or bottom <= mark[1]


def test_a_corner_goes_to_the_mark_that_is_near(page: Page) -> None:
    page.locator("#ground-3-x").fill("90")
    page.locator("#ground-3-y").fill("240")
    page.get_by_role("button", name="far left: to the middle of mark 7").click()
    expect(page.locator("#ground-3-x")).to_have_value(re.compile(r"^7\d(\.\d)?$"))
    assert float(page.locator("#ground-3-y").input_value()) == pytest.approx(229, abs=2)


def test_a_second_browser_does_not_get_in(shared: Aiming, browser: Browser) -> None:
    other = Watched(browser)
    other.page.goto(shared.url)
    expect(other.page.get_by_role("heading", level=1)).to_have_text("This address was used already")
    expect(other.page.locator("#picture")).not_to_be_visible()
    assert violations(other.page) == []
    other.page.get_by_role("button", name="中文").click()
    expect(other.page.get_by_role("heading", level=1)).to_have_text("此地址已被使用")
    assert urlsplit(other.page.url).fragment == "", "the token is not left in the bar"
    other.close()


def test_another_port_of_the_same_machine_is_told_nothing(shared: Aiming) -> None:
    """Cookies know no ports: who listens at another one would be sent the session by whatever page leads there."""
    heard: list[str] = []

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(str(self.headers))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tab = shared.page.context.new_page()
        tab.goto(f"http://127.0.0.1:{server.server_address[1]}/")
        kept = tab.evaluate("[document.cookie, sessionStorage.length, localStorage.length]")
        tab.close()
        server.shutdown()
    session = shared.page.evaluate("sessionStorage.getItem('session')")
    assert len(session) == 32 and heard and not any(session in said or "Cookie" in said for said in heard)
    assert kept == ["", 0, 0] and shared.page.context.cookies() == []


def test_kept_and_ended_from_the_page(browser: Browser) -> None:
    with ExitStack() as opened:
        aiming = Aiming(opened, browser)
        page = aiming.page
        page.locator("#ground-0-x").fill(str(float(page.locator("#ground-0-x").input_value()) + 1))
        page.locator("#region-0-x").fill("200")
        page.wait_for_timeout(4000)  # until the sign's mark was read often enough
        page.get_by_role("button", name="Keep and end").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Aiming has ended")
        assert violations(page) == []
        out = aiming.ended()
        assert "[pose]" in out and "[[200.0, 130.0], " in out and "[sign.marker]" in out
        assert "[aim]" in aiming.device.config.read_text() and looks(aiming.device) == [True, False]


def test_left_from_the_page_and_ended_under_it(browser: Browser) -> None:
    with ExitStack() as opened:
        aiming = Aiming(opened, browser)
        aiming.page.get_by_role("button", name="End without keeping").click()
        assert aiming.ended() == "ended; nothing is kept\n"
        other = Aiming(opened, browser)
        other.process.send_signal(signal.SIGTERM)
        other.ended()
        expect(other.page.get_by_role("heading", level=1)).to_have_text("Aiming has ended", timeout=15_000)
        expect(other.page.locator("#picture")).not_to_be_visible()


def test_both_languages_say_the_same_things(page: Page) -> None:
    words = page.evaluate(
        """async () => Object.fromEntries(await Promise.all([["en", "english"], ["zh", "chinese"]].map(
             async ([tag, file]) => [tag, Object.values(await import(`/${file}.js`))[0].say])))"""
    )
    assert words["en"].keys() == words["zh"].keys()
    holes = {
        tag: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in said.items()} for tag, said in words.items()
    }
    assert holes["en"] == holes["zh"]
    assert all(text.strip() for said in words.values() for text in said.values())
