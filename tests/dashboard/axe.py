"""axe-core in the page: what it holds against it. The browser runs it past the page's own rules, which forbid it."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from playwright.sync_api import Page

_AXE: Final = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def violations(page: Page) -> list[str]:
    """Rule and element of each violation; best practices included."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(f"() => {{ {_AXE} }}")
    found: list[str] = page.evaluate(
        """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
             .flatMap(each => each.nodes.map(node => `${each.id}: ${node.target} ${node.failureSummary}`))"""
    )
    return found
