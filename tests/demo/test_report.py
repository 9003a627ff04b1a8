"""The figures: what they say, what counts as a problem, and that they keep to their schema."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from agent.demo.judge import Count, Verdict
from agent.demo.report import Played, Report
from agent.demo.table import show
from agent.errors import ConfigError
from agent.events.decision import Outcome

SCHEMA = json.loads((Path(__file__).parents[2] / "agent/demo/schema.json").read_text("utf-8"))


USUAL = tuple(each for each in Outcome if each not in (Outcome.TOO_LATE, Outcome.ATTACK_DENIED, Outcome.EXIT))


def verdict(**wrong: int) -> Verdict:
    counts = {each: Count(right=int(each in USUAL)) for each in Outcome}
    for name, number in wrong.items():
        setattr(counts[Outcome.MATCH], name, number)
    return Verdict(counts, (120.0, 180.0), (90.0,))


def played(**changes: Any) -> Played:
    loop = Played(
        seconds=90.0,
        frames=1340,
        refused=Counter({"sign-missing": 180}),
        decisions=Counter(USUAL),
        verdict=verdict(),
        embeddings=12,
        unlawful=0,
        stages_ms={"detect": 5.5},
        recogniser_kb=180_000,
        link_kb=40_000,
        topics=Counter({"events": 4}),
        ledger_entries=9,
        ledger_decisions=4,
        interfaces=("lo",),
        sockets=0,
    )
    for name, value in changes.items():
        setattr(loop, name, value)
    return loop


def report(*loops: Played, mode: str = "scene") -> Report:
    made = Report("scene", "front-gate", 3.2, 5.1, list(loops))
    made.mode = mode  # type: ignore[assignment]
    return made


def test_a_flawless_run_has_no_problem_and_keeps_to_the_schema() -> None:
    made = report(played(), played())
    figures = made.figures()
    jsonschema.validate(figures, SCHEMA)
    assert made.flawless() and figures["ok"] and not figures["problems"]
    assert figures["frames"] == 2680
    assert figures["decisions"]["match"] == {"received": 2, "right": 2, "wrong": 0, "missed": 0}
    assert figures["frames_refused"] == {"sign-missing": 360}
    assert figures["latency_ms"] == {"count": 4, "p50": 120.0, "p95": 180.0}
    assert figures["peak_rss_kb"]["together"] == 220_000


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": verdict(wrong=1)},
        {"verdict": verdict(missed=1)},
        {"unlawful": 1},
        {"ledger_fault": "entry 3: changed"},
        {"outbox": 1},
        {"ledger_decisions": 5},
        {"faults": ["the link was ended by signal 9"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_each_fault_of_one_loop_is_a_problem_of_the_run(changes: dict[str, Any]) -> None:
    made = report(played(), played(**changes))
    assert not made.flawless()
    assert len(made.problems()) == 1
    assert made.problems()[0].startswith("loop 2: ")


def test_nothing_played_is_not_flawless() -> None:
    made = report()
    jsonschema.validate(made.figures(), SCHEMA)
    assert not made.flawless()


def recording(**changes: Any) -> Played:
    strangers = Counter({Outcome.NO_MATCH: 3})
    return played(**{"verdict": None, "unlawful": None, "decisions": strangers, "ledger_decisions": 3, **changes})


def test_a_recording_has_no_figures_that_need_ground_truth() -> None:
    made = report(recording(), mode="recording")
    figures = made.figures()
    jsonschema.validate(figures, SCHEMA)
    assert made.flawless()
    assert figures["unlawful_embeddings"] is figures["latency_ms"] is figures["pass_latency_ms"] is None
    assert figures["decisions"]["no-match"] == {"received": 3, "right": None, "wrong": None, "missed": None}


def test_a_recording_must_be_looked_at_and_let_nobody_in() -> None:
    assert not report(recording(embeddings=0), mode="recording").flawless()
    let_in = Counter({Outcome.MATCH: 1, Outcome.NO_MATCH: 2})
    assert not report(recording(decisions=let_in), mode="recording").flawless()


def test_without_an_inspection_nothing_may_be_looked_at() -> None:
    blind = recording(embeddings=0, decisions=Counter(), ledger_decisions=0)
    assert report(blind, mode="recording-without-inspection").flawless()
    assert not report(recording(), mode="recording-without-inspection").flawless()


def test_the_file_is_written_whole_or_an_error_names_it(tmp_path: Path) -> None:
    made = report(played())
    made.write(tmp_path / "out.json")
    assert json.loads((tmp_path / "out.json").read_text("utf-8")) == made.figures()
    with pytest.raises(ConfigError, match="nowhere"):
        made.write(tmp_path / "nowhere" / "out.json")
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


@pytest.mark.parametrize("loop", [played(), played(unlawful=2), recording()], ids=["good", "bad", "recording"])
def test_the_summary_names_every_figure_and_every_problem(loop: Played) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    figures = report(loop).figures()
    show(figures, console)
    text = console.export_text()
    for words in ("1340 in 90 s", "180 sign-missing", "detect 5.5 ms", "recogniser 180 MB", "4 events", "verifies"):
        assert words in text
    for problem in figures["problems"]:
        assert problem in text
