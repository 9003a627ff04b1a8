"""A recording instead of the scene: where the sign was attested strangers are looked at, elsewhere nobody is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import jsonschema
import numpy as np
import pytest

from agent.demo.source import SCENE
from agent.scene.cast import Cast
from tests.conftest import ROOT
from tests.demo.command import Demo, demo

pytestmark = pytest.mark.alone
SCHEMA = json.loads((ROOT / "agent/demo/schema.json").read_text("utf-8"))
WIDTH, HEIGHT, FPS, SECONDS = 480, 270, 15, 6


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two synthetic strangers before a plain wall: they come in, stand for a while and go out again."""
    path = tmp_path_factory.mktemp("recording") / "hall.avi"
    cast = Cast(SCENE.parent / "cast")
    people = [cast.cut(cast.sprites[name]).half for name in ("p4-scene-1", "p5-scene-1")]
    wall = np.full((HEIGHT, WIDTH, 3), (150, 160, 165), np.uint8)
    wall += (np.arange(WIDTH, dtype=np.uint8) // 16)[None, :, None]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for number in range(FPS * SECONDS):
        away = max(0.0, 1.2 - number / FPS, number / FPS - SECONDS + 1.2)
        frame = wall.copy()
        for person, x in zip(people, (10 - round(260 * away), 240 + round(260 * away)), strict=True):
            left, right = max(x, 0), min(x + person.shape[1], WIDTH)
            if left < right:
                cut = person[: HEIGHT - 10, left - x : right - x].astype(np.uint16)
                under = frame[10:, left:right]
                under[:] = cut[..., 2::-1] + under * (255 - cut[..., 3:]) // 255
        writer.write(frame)
    writer.release()
    return path


def figures_of(run: Demo, out: Path) -> dict[str, Any]:
    assert run.end() == 0, (run.lines, run.errors)
    assert run.said == []
    assert run.left_over() == []
    figures: dict[str, Any] = json.loads(out.read_text("utf-8"))
    jsonschema.validate(figures, SCHEMA)
    assert figures["ok"] and figures["problems"] == []
    for name in ("unlawful_embeddings", "latency_ms", "pass_latency_ms"):
        assert figures[name] is None, "nobody knows who is in a recording"
    for count in figures["decisions"].values():
        assert (count["right"], count["wrong"], count["missed"]) == (None, None, None)
    assert figures["source"] == "hall.avi"
    assert figures["ledger"]["verified"] and figures["outbox_pending"] == 0
    return figures


def test_strangers_of_a_recording_are_looked_at_and_nobody_is_let_in(tmp_path: Path, video: Path) -> None:
    out = tmp_path / "out.json"
    with demo(tmp_path, "--video", str(video), "--seconds", "3.2", "--json", str(out)) as run:
        figures = figures_of(run, out)
    assert figures["mode"] == "recording"
    assert figures["frames_refused"] == {}
    assert {"detect", "embed"} <= figures["stages_ms"].keys()
    assert 2 <= figures["embeddings"] <= 6, "three at most for each of two"
    received = {outcome: count["received"] for outcome, count in figures["decisions"].items()}
    none = dict.fromkeys(("match", "pass-accepted", "pass-refused", "too-late", "attack-denied", "exit"), 0)
    assert received == none | {"no-match": 2}
    assert figures["ledger"]["decisions"] == 2
    assert run.lines[-1] == "Nobody was recognised, and nothing was lost; the ledger verifies."


def test_without_an_inspection_every_frame_is_refused(tmp_path: Path, video: Path) -> None:
    out = tmp_path / "out.json"
    with demo(tmp_path, "--video", str(video), "--without-inspection", "--seconds", "1.5", "--json", str(out)) as run:
        figures = figures_of(run, out)
    assert figures["mode"] == "recording-without-inspection"
    assert figures["frames"] >= 15
    # The last frame or two may be dropped unseen where the recogniser is busy.
    assert figures["frames"] - 5 <= figures["frames_refused"]["sign-missing"] <= figures["frames"]
    assert "detect" not in figures["stages_ms"] and figures["embeddings"] == 0
    assert not any(count["received"] for count in figures["decisions"].values())
