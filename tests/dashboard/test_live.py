"""The page of a running demo: a decision of the real device arrives in a real browser, and Ctrl-C ends all of it."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.dashboard.browser import Watched, chromium
from tests.demo.command import demo

pytestmark = pytest.mark.alone


def test_a_decision_of_the_running_demo_is_seen_live_until_ctrl_c(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with chromium() as browser, demo(tmp_path, "--json", str(out)) as run:
        url = run.hear(r"watch at (http://127\.0\.0\.1:\d+/)")[1]
        watched = Watched(browser)
        page = watched.page
        answer = page.goto(url)
        assert answer is not None
        strict = answer.headers["content-security-policy"]
        websocket = re.search(r"connect-src 'self' (ws://127\.0\.0\.1:\d+);", strict)
        assert websocket is not None and strict.startswith("default-src 'self';") and "unsafe" not in strict
        expect(page.get_by_role("heading", level=1)).to_have_text("Recognition is permitted", timeout=20_000)
        decided = page.get_by_role("log", name="Decisions").get_by_role("listitem").first
        expect(decided).to_contain_text("Door opened: face", timeout=20_000)
        expect(decided).to_contain_text("door main")
        preview = page.get_by_role("img", name=re.compile("^Preview from the door"))
        expect(preview).to_be_visible()
        expect(preview).to_have_js_property("naturalWidth", 640)  # 0 while it is decoded or replaced
        expect(preview).to_have_js_property("naturalHeight", 480)
        plan = page.get_by_role("region", name="Site plan").get_by_role("img")
        expect(plan).to_contain_text("school-yard")
        expect(plan.locator(".camera-dot")).to_have_count(1)
        expect(page.get_by_role("region", name="Obligations")).to_contain_text(re.compile(r"(\d+) of \1 met"))
        expect(page.get_by_role("region", name="Ledger")).to_contain_text(re.compile(r"[1-9]\d* entries"))
        assert watched.hosts == {urlsplit(url).netloc, urlsplit(websocket[1]).netloc}
        assert watched.complaints == []
        watched.close()
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 0, (run.lines, run.errors)
        assert run.said == []
        assert run.left_over() == []
    figures = json.loads(out.read_text("utf-8"))
    assert figures["ok"] and figures["decisions"]["match"]["right"] == 1
