"""A figure says whether its goal was reached, and so do table, page and picture; what was not measured says why."""

from __future__ import annotations

import json
from io import StringIO
from xml.etree import ElementTree

import pytest
from rich.console import Console

from agent.bench.figures import Figure, median, number
from agent.bench.run import Measured
from agent.bench.told import PICTURE, page, picture, tables

FIGURES = (
    Figure("frame_ratio", "a frame ÷ bare models", 1.3, "×", 1.10),
    Figure("link_mb", "memory of the link", 41.2, "MB", 60, note="resident"),
    Figure("times", "faster than another", 28.7, "×", 12, least=True),
    Figure("other_ms", "another", None, "ms", note="not installed; scripts/bench --others installs it"),
    Figure("plain_ms", "without a goal", 1234.5, "ms"),
)


def measured(*, shared: bool = False) -> Measured:
    return Measured(FIGURES, {"gate": 0.21, "detect": 3.04}, {"machine": "A <small> one"}, "2026-11-25", shared)


@pytest.mark.parametrize(
    ("figure", "told", "aim", "verdict"),
    [
        (FIGURES[0], "1.3 ×", "≤ 1.1 ×", "not reached"),
        (FIGURES[1], "41.2 MB", "≤ 60 MB", "reached"),
        (FIGURES[2], "28.7 ×", "≥ 12 ×", "reached"),
        (FIGURES[3], "–", "", "not measured"),
        (FIGURES[4], "1,234 ms", "", ""),
        (Figure("x", "at the goal", 5.0, "ms", 5.0), "5 ms", "≤ 5 ms", "reached"),
        (Figure("x", "no number", None, "ms", 5.0), "–", "≤ 5 ms", "not measured"),
    ],
)
def test_a_figure_and_its_goal(figure: Figure, told: str, aim: str, verdict: str) -> None:
    assert (figure.told, figure.aim, figure.verdict) == (told, aim, verdict)


def test_numbers_have_three_figures() -> None:
    assert [number(value) for value in (0.04567, 1.234, 99.96, 123.4, 12345.6)] == [
        "0.0457", "1.23", "100", "123", "12,346",
    ]  # fmt: skip


def test_a_median() -> None:
    assert median([3.0, 1.0, 2.0]) == 2.0


def test_the_page_holds_every_figure_and_names_what_was_not_reached() -> None:
    text = page(measured())
    for figure in FIGURES:
        assert f"| {figure.what} | {figure.told} |" in text
    assert "**not reached**" in text and "scripts/bench --others installs it" in text
    assert f"]({PICTURE})" in text and "| detect | 3.04 |" in text and "A <small> one" in text
    assert "shared" not in text and "was shared: others" in page(measured(shared=True))


def test_the_picture_is_svg_with_a_bar_for_each_figure_that_has_a_goal() -> None:
    root = ElementTree.fromstring(picture(measured()))
    bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert len(bars) == 3
    assert len({each.attrib["fill"] for each in bars}) == 2, "short of the goal looks unlike reached"


def test_the_picture_is_as_wide_as_its_longest_figure() -> None:
    def width(unit: str) -> float:
        one = Figure("idle", "nobody in view", 6.5, unit, 5)
        root = ElementTree.fromstring(picture(Measured((one,), {}, {}, "2026-11-25", False)))
        return float(root.attrib["viewBox"].split()[2])

    assert width("% of a core") > 772 + 33 * 6.5, "what stands beside the bars is not cut"
    assert width("%") < width("% of a core")


def test_the_table_tells_the_same() -> None:
    console = Console(width=150, record=True, file=StringIO())
    for table in tables(measured()):
        console.print(table)
    told = console.export_text()
    assert "not reached" in told and "28.7 ×" in told and "detect" in told


def test_json_holds_value_goal_and_verdict() -> None:
    document = json.loads(json.dumps(measured().document()))
    assert document["figures"]["frame_ratio"] == {
        "key": "frame_ratio", "what": "a frame ÷ bare models", "value": 1.3, "unit": "×", "goal": 1.1, "least": False,
        "reached": False, "note": "",
    }  # fmt: skip
    assert document["figures"]["other_ms"]["reached"] is None and document["stages_ms"]["gate"] == 0.21
