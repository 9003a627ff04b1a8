"""Whole runs of the command: a flawless one and its figures, and those that are damaged from outside."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import socket
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agent.events.wire import Kind
from tests.conftest import ROOT
from tests.demo.command import Demo, demo

pytestmark = pytest.mark.alone
SCHEMA = json.loads((ROOT / "agent/demo/schema.json").read_text("utf-8"))


def figures_of(path: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(path.read_text("utf-8"))
    jsonschema.validate(figures, SCHEMA)
    return figures


def test_a_run_of_the_scene_is_flawless_and_leaves_nothing_behind(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    with demo(tmp_path, "--seconds", "25.8", "--json", str(out)) as run:
        assert run.end() == 0, (run.lines, run.errors)
        assert run.left_over() == []
    assert run.said == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["errors", "out.json"]
    figures = figures_of(out)
    assert figures["ok"] and figures["problems"] == []
    assert (figures["mode"], figures["source"], figures["loops"]) == ("scene", "front-gate", 1)
    assert 25.8 <= figures["seconds"] < 27
    assert figures["fps"] >= 14
    assert figures["frames_refused"] == {}
    for outcome, right in {"match": 3, "no-match": 1, "pass-accepted": 1, "pass-refused": 0}.items():
        assert figures["decisions"][outcome] == {"received": right, "right": right, "wrong": 0, "missed": 0}
    assert 4 <= figures["embeddings"] <= 12, "three at most for each of the four who stepped up"
    assert figures["unlawful_embeddings"] == 0
    assert figures["latency_ms"]["count"] == 3 and figures["pass_latency_ms"]["count"] == 1
    assert {"codes", "gate", "detect", "embed", "commit", "frame"} <= figures["stages_ms"].keys()
    assert all(figures["peak_rss_kb"][name] > 10_000 for name in ("recogniser", "link"))
    assert figures["mqtt"].keys() == {*(kind.value for kind in Kind if kind is not Kind.ACK), "events/ack"}
    assert figures["mqtt"]["events"] == figures["mqtt"]["events/ack"] >= 5
    assert figures["ledger"]["verified"] and figures["ledger"]["decisions"] == 5
    assert figures["outbox_pending"] == 0
    assert figures["network"] == {"interfaces": ["lo"], "sockets": 0}
    assert 0 < figures["start_s"]["first_frame"] < figures["start_s"]["first_decision"]
    told = [line for line in run.lines if line]
    assert told[0].strip() == "starting broker, recogniser and link"
    assert any(re.search(r"watch at http://127\.0\.0\.1:\d+/$", line) for line in told[:5])
    assert sum("door opens (face)" in line for line in told) == 3
    assert told[-1] == "Nothing wrong, nothing missed, nothing unlawful; the ledger verifies."


@pytest.fixture
def running(tmp_path: Path) -> Any:
    """A run until Ctrl-C that has just begun to recognise."""
    with demo(tmp_path, "--json", str(tmp_path / "out.json")) as run:
        run.hear("recognition permitted")
        yield run


def test_a_recogniser_that_is_killed_is_named_and_nothing_stays(tmp_path: Path, running: Demo) -> None:
    os.kill(running.children()["recogniser"], signal.SIGKILL)
    assert running.end() == 1
    assert "Traceback" not in running.errors
    assert running.left_over() == []
    figures = figures_of(tmp_path / "out.json")
    assert not figures["ok"]
    assert figures["problems"][0].startswith("the recogniser was ended by signal 9: ")
    assert next(line for line in running.lines if line.startswith("x ")) == f"x {figures['problems'][0]}"


def test_no_process_outlives_a_demo_that_is_killed(running: Demo) -> None:
    handles = [os.pidfd_open(pid) for pid in running.children().values()]
    assert len(handles) == 3
    running.process.kill()
    running.end()
    for handle in handles:
        assert select.select([handle], [], [], 10.0)[0], "a process still runs"
        os.close(handle)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """A copy of the scene and its pictures, to be changed."""
    return Path(shutil.copytree(ROOT / "scenes", tmp_path / "scenes"))


def test_a_broker_whose_port_is_taken_meanwhile_is_one_line(tmp_path: Path, scenes: Path) -> None:
    """The broker dies at once; something else listens where it was when it is to come back."""
    script = scenes / "front-gate.toml"
    text = script.read_text("utf-8").replace("t = 56.0", "t = 0.6").replace("t = 62.0", "t = 1.4")
    script.write_text(text, "utf-8")
    with demo(tmp_path, "--scene", str(script), "--json", str(tmp_path / "out.json")) as run:
        run.hear("the broker dies")
        config = next(run.temporary.glob("doorward-demo-*/device.toml")).read_text("utf-8")
        port = int(re.search(r"^port = (\d+)$", config, re.MULTILINE)[1])  # type: ignore[index]
        with socket.create_server(("127.0.0.1", port)):
            assert run.end() == 1
        assert run.left_over() == []
    assert "Traceback" not in run.errors
    problems = figures_of(tmp_path / "out.json")["problems"]
    assert problems[0].startswith("embedded broker: does not start (") and "\n" not in problems[0]
