"""The page of a phone's pass in a real browser: what it shows is what the device reads and believes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser

from agent.adapters.qr import ZxingReader
from agent.crypto import sign_public
from agent.errors import ConfigError
from agent.gallery.passes import Accepted, PassFault, Rejected
from agent.gallery.passes_text import QUARTER_S, Hours, Pass
from agent.gallery.passes_uses import Uses
from agent.policy.bundle import utc
from agent.site.phone import phone_page
from agent.units import SubjectId
from tests.dashboard.browser import Watched, chromium
from tests.gallery.passes_given import GOOD, ID, KEY, PHONE, shown, text

NOW = int(time.time()) // QUARTER_S
HELD = replace(GOOD, from_quarter=NOW - 4, until_quarter=NOW + 8, uses=255, phone=sign_public(PHONE))
LARGEST = replace(HELD, subject=SubjectId("p" * 35), doors=GOOD.doors * 8, hours=Hours(127, 0, 96))
TODAY = KEY.model_copy(update={"until": utc(time.time() + 86_400)})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    watched = Watched(browser, 390, 760)
    yield watched
    watched.close()


def opens(phone: Watched, folder: Path, content: Pass = HELD, until_s: float = 4e9) -> None:
    page = folder / "pass.html"
    page.write_bytes(phone_page(text(content), PHONE, what="<b>main</b> & today", until_s=until_s))
    phone.page.goto(page.as_uri())


def read(phone: Watched) -> str:
    """What the reader of the device reads off the screen."""
    phone.page.wait_for_selector("canvas:not([hidden])")
    grey = cv2.imdecode(np.frombuffer(phone.page.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    (found,) = ZxingReader().in_picture(np.asarray(grey, np.uint8))
    return found


@pytest.mark.parametrize("content", [HELD, LARGEST], ids=["version 9", "version 10"])
def test_the_code_opens_the_door_once(phone: Watched, tmp_path: Path, content: Pass) -> None:
    opens(phone, tmp_path, content)
    code = read(phone)
    found = shown(code, time.time(), keys=(TODAY,), offset_s=0.0)
    assert isinstance(found, Accepted) and abs((found.use.code or 0) - time.time()) < 30
    uses = Uses()
    uses.take(found.use)
    assert shown(code, time.time(), uses, keys=(TODAY,), offset_s=0.0) == Rejected(ID, PassFault.USED)
    assert shown(code, time.time() + 61, keys=(TODAY,), offset_s=0.0) == Rejected(ID, PassFault.STALE)
    assert phone.page.inner_text("body > p") == "<b>main</b> & today"


def test_the_page_asks_nothing_of_anybody_and_complains_of_nothing(phone: Watched, tmp_path: Path) -> None:
    opens(phone, tmp_path)
    read(phone)
    assert phone.hosts == {""} and phone.complaints == []


def test_the_code_turns(phone: Watched, tmp_path: Path) -> None:
    phone.page.clock.install()
    opens(phone, tmp_path)
    first = read(phone)
    phone.page.clock.run_for(15_500)
    phone.page.wait_for_function("text => document.body.dataset.text !== text", arg=first)
    second = read(phone)
    assert second != first and second[:180] == first[:180]


def test_a_pass_that_has_ended_shows_no_code(phone: Watched, tmp_path: Path) -> None:
    opens(phone, tmp_path, until_s=time.time() - 1)
    phone.page.wait_for_function("document.getElementById('state').textContent.includes('ended')")
    assert not phone.page.is_visible("canvas")


def test_a_browser_that_cannot_sign_is_told_so(phone: Watched, tmp_path: Path) -> None:
    phone.page.add_init_script("Object.defineProperty(window.crypto, 'subtle', { value: undefined });")
    opens(phone, tmp_path)
    phone.page.wait_for_function("document.getElementById('state').textContent.includes('cannot sign')")
    assert not phone.page.is_visible("canvas") and phone.complaints == []


def test_scripts_are_named_by_their_hashes_and_nothing_else_may_run() -> None:
    page = phone_page(text(HELD), PHONE, what="main", until_s=4e9).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy and "http" not in policy
    assert re.findall(r"(?:src|href)=", page) == []


def test_what_no_code_holds_is_refused() -> None:
    with pytest.raises(ConfigError, match="fewer doors"):
        phone_page(text(replace(LARGEST, doors=GOOD.doors * 12)), PHONE, what="main", until_s=4e9)
