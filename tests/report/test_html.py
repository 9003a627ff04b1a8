"""The page of a report in a real browser: whole by itself, for every width, eye and ear, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from agent.ledger.entry import started
from agent.policy.bundle import PolicyDocument
from agent.policy.grounds import Ground
from agent.policy.rules import OBLIGATIONS
from agent.report.content import document
from agent.report.counting import facts_of
from agent.report.facts import Facts
from agent.report.html import html
from agent.report.period import Period
from agent.units import DeviceId
from tests.dashboard.browser import Watched, chromium
from tests.dashboard.test_page import CONTRAST
from tests.ledger.given import SITE, Draft
from tests.report.given import DOCUMENTS, PEOPLE, WEEK, Book, at, facts, source, week

PHONE = 360


def page_of(
    book: Draft | None = None,
    language: str = "en",
    period: Period = WEEK,
    documents: Mapping[str, PolicyDocument] = DOCUMENTS,
) -> bytes:
    return html(document(facts(book, period, dict(documents)), language))


def broken() -> Draft:
    """A week whose ledger was changed, with an entry of a later kind, and one without a time."""
    book = week()
    book.refuse(None, Ground.CLOCK_UNTRUSTED)
    book.entries.append((book.frontier.size, b'{"kind":"later","time_ms":%d}' % round(at(16, 23) * 1000)))
    book.entries[10] = (10, book.entries[11][1])
    return book


def two_devices() -> bytes:
    """The second one has only been started, and has signed nothing."""
    one = facts()
    (device,) = one.devices
    book = Book()
    book.add(started(SITE, DeviceId("gate-2"), "0.1.0", at(12, 8)))
    quiet = facts_of(source(book), WEEK, {})
    return html(document(Facts(one.site, WEEK, (device, quiet), "0.1.0"), "en"))


SHOWN = {
    "week": page_of(),
    "chinese": page_of(language="zh-Hans"),
    "no-policy": page_of(documents={}),
    "broken": page_of(broken()),
    "broken-chinese": page_of(broken(), "zh-Hans"),
    "empty": page_of(period=Period(date(2029, 1, 1), date(2030, 12, 31), "UTC"), documents={}),
    "one-day": page_of(period=Period(date(2030, 3, 12), date(2030, 3, 12), "Asia/Shanghai")),
    "two": two_devices(),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    for name, data in SHOWN.items():
        (made / f"{name}.html").write_bytes(data)
    return made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def watched(browser: Browser) -> Iterator[Watched]:
    opened = Watched(browser)
    yield opened
    opened.close()


def shown(watched: Watched, folder: Path, name: str) -> Page:
    watched.page.set_viewport_size({"width": 1280, "height": 900})
    watched.page.emulate_media(color_scheme="light", media="screen")
    watched.page.goto(f"file://{folder}/{name}.html")
    return watched.page


# What it says -------------------------------------------------------------------------------------------------------


def test_it_says_first_whether_the_ledger_verifies(watched: Watched, folder: Path) -> None:
    page = shown(watched, folder, "week")
    expect(page).to_have_title("Face recognition at quay · Doorward")
    verdict = page.locator(".verdict")
    expect(verdict).to_contain_text("The ledger of gate-1 verifies")
    expect(verdict).to_contain_text("up to entry 218, which the device signed at 2030-03-17 19:00")
    page = shown(watched, folder, "broken")
    expect(page.locator(".verdict.bad")).to_contain_text("does not verify")
    expect(page.locator(".verdict")).to_contain_text("Nothing below is proof")
    expect(page.get_by_role("main")).to_contain_text("later 1")
    expect(page.get_by_role("main")).to_contain_text("1 entries of the ledger have no trusted time")


def test_every_obligation_has_its_band_and_the_unmet_ones_their_times_and_entries(
    watched: Watched, folder: Path
) -> None:
    page = shown(watched, folder, "week")
    section = page.get_by_role("region", name="Device gate-1 Obligations", exact=True)
    expect(section.get_by_role("img")).to_have_count(len(OBLIGATIONS))
    sign = section.get_by_role("img", name=re.compile("^The sign is in its place: "))
    expect(sign).to_have_attribute("aria-label", re.compile("not met 5 h 47 min, not judged 4 min 3 s"))
    expect(sign.locator(".tone-bad")).to_have_count(3)
    rows = section.get_by_role("table", name="When an obligation was not met").get_by_role("row")
    expect(rows).to_have_count(1 + 6)
    expect(rows.nth(2)).to_contain_text("Sign missing")
    for part in ("2030-03-12 11:00", "2030-03-12 13:52", "2 h 52 min", "54, 57"):
        expect(rows.nth(2)).to_contain_text(part)
    headings = section.get_by_role("heading", level=4).all_inner_texts()
    numbers = [int(re.findall(r"art. (\d+)", each)[0]) for each in headings[:-1]]
    assert numbers == sorted(numbers) and headings[-1] == "House rule"


def test_refusals_ways_people_versions_and_proof_have_their_figures(watched: Watched, folder: Path) -> None:
    page = shown(watched, folder, "week")
    for name, parts in {
        "Refusals by ground": ("Sign missing", "5 h 47 min, 3 times", "began with entry 10, 54, 148"),
        "Other ways in, and decisions": ("Staff", "147", "expired fewer than 5", "told in steps of 5"),
        "People enrolled": ("2030-03-14", "at once", "116, 117", "not used for too long", "100,000 people"),
        "Versions": ("0.1.0", "0.1.1", "at hand, fits its hash", "entry of residents", "one key alone"),
        "Ledger": ("220 (decision 190", "8 to 219", "2030-03-11 19:00", "7 in all"),
    }.items():
        section = page.get_by_role("region", name=f"Device gate-1 {name}", exact=True)
        for part in parts:
            expect(section).to_contain_text(part, ignore_case=True)


def test_what_a_ledger_cannot_show_is_said(watched: Watched, folder: Path) -> None:
    page = shown(watched, folder, "no-policy")
    expect(page.get_by_role("main")).to_contain_text("“met” may also mean that a rule does not bind here")
    expect(page.get_by_role("main")).to_contain_text("not at hand")
    expect(page.get_by_role("heading", name="What this report cannot show")).to_be_visible()
    page = shown(watched, folder, "empty")
    expect(page.get_by_role("region", name="Ledger")).to_contain_text("0 to 219")
    page = shown(watched, folder, "two")
    expect(page.locator(".verdict")).to_contain_text("The ledger of gate-2 is not signed")


def test_nobody_is_in_it(folder: Path) -> None:
    commitments = re.findall(rb'"(?:subject|consent)":"([0-9a-f]{64})"', b"".join(data for _, data in week().entries))
    assert len(commitments) > 100
    for name, data in SHOWN.items():
        for secret in (*(subject.encode() for subject in PEOPLE), *commitments):
            assert secret not in data, name


# For everybody ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHOWN)
def test_no_width_makes_it_scroll_sideways_and_no_letter_is_too_small(
    watched: Watched, folder: Path, name: str
) -> None:
    page = shown(watched, folder, name)
    for width in (1280, 740, PHONE, 320):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        over = page.locator("body").evaluate(
            """(body, width) => [...body.querySelectorAll("*")].filter(each => !each.closest("svg, thead")
                 && each.getBoundingClientRect().right > width + .5).map(each => each.outerHTML)""",
            width,
        )
        assert over == []
    smallest = page.evaluate(
        """Math.min(...[...document.querySelectorAll("body *")].filter(each => each.textContent && !each.closest("svg"))
             .map(each => parseFloat(getComputedStyle(each).fontSize)))"""
    )
    assert smallest >= 12


@pytest.mark.parametrize("name", ["week", "chinese", "broken", "two"])
def test_every_word_can_be_read_in_both_schemes_and_on_paper(watched: Watched, folder: Path, name: str) -> None:
    page = shown(watched, folder, name)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", media="screen")
        ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) > 600) is (scheme == "light")
        assert page.evaluate(CONTRAST) == []
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(23, 33, 31)", "dark ink on white paper"
    expect(page.locator("nav")).to_be_hidden()


@pytest.mark.parametrize("name", SHOWN)
def test_everything_has_a_name_and_its_place_in_the_outline(watched: Watched, folder: Path, name: str) -> None:
    page = shown(watched, folder, name)
    assert page.locator("html").get_attribute("lang") == ("zh-Hans" if "chinese" in name else "en")
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(each => Number(each.tagName[1]))")
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))
    unnamed = page.locator("svg").evaluate_all(
        """all => all.filter(each => !each.closest('[aria-hidden="true"]') && !each.getAttribute("aria-label"))
             .map(each => each.outerHTML)"""
    )
    assert unnamed == []
    regions = page.locator("section").evaluate_all("all => all.map(each => each.getAttribute('aria-labelledby'))")
    assert len(set(regions)) == len(regions) >= 6
    doubled = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(set(doubled)) == len(doubled)
    for link in page.locator("nav a").all():
        assert page.locator(str(link.get_attribute("href"))).count() == 1


@pytest.mark.parametrize("name", ["chinese", "broken-chinese"])
def test_in_chinese_nothing_is_left_in_english(watched: Watched, folder: Path, name: str) -> None:
    text = shown(watched, folder, name).locator("body").inner_text()
    wire = {"decision", "enrolment", "policy", "refusal", "change", "start", "withdrawal", "erasure", "later"}
    names = {"doorward", "quay", "gate", "asia", "shanghai", "sha", "sign", "main", "pia", "detector", "embedder"}
    fault = {"ledger", "the", "first", "entries", "are", "not", "those", "of", "signed", "checkpoint", "changed"}
    fault |= {"added", "deleted", "or", "moved", "keep", "this", "copy", "as", "evidence"}
    allowed = wire | names | (fault if name.startswith("broken") else set())
    found = {word.lower() for word in re.findall(r"[A-Za-z]{2,}", re.sub(r"\b[0-9a-f]{4,64}\b", "", text))}
    assert found - allowed <= {"pipl", "quantised"}, found - allowed


# Nothing from elsewhere ---------------------------------------------------------------------------------------------


def test_it_is_whole_by_itself_and_may_do_nothing(watched: Watched, folder: Path) -> None:
    page = shown(watched, folder, "week")
    assert watched.hosts == {""} and watched.complaints == []
    assert b"<script" not in SHOWN["week"] and b"http://" not in SHOWN["week"] and b"https://" not in SHOWN["week"]
    assert len(SHOWN["week"]) < 100_000
    broke = page.evaluate(
        """() => new Promise(done => {
             document.addEventListener("securitypolicyviolation", e => done(e.effectiveDirective), {once: true});
             document.body.append(Object.assign(document.createElement("img"), {src: "http://127.0.0.1:9/x.png"}));
             setTimeout(() => done(null), 5000);
           })"""
    )
    assert broke == "img-src"
    watched.complaints.clear()


def test_the_same_ledger_and_days_give_the_same_bytes() -> None:
    assert page_of() == SHOWN["week"]
