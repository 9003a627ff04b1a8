"""Each site of this folder, played as fast as the models run: signed policy, scene, and the outcome written down.

The same as `scripts/demo --site NAME` without processes, broker and real time. Every call of the embedder is recorded
and weighed against what is true in the scene.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.adapters.litert import LoadedModel
from agent.demo import case, policies
from agent.demo.device import make, passes
from agent.demo.judge import Judge, Made
from agent.demo.people import enrol_cast
from agent.models.manifest import read_manifest
from agent.policy.gate import Refusal
from agent.policy.grounds import Ground
from agent.scene import truth
from agent.scene.scene import load
from tests.scenarios.player import MODELS, Player


def test_every_site_is_here() -> None:
    assert case.names() == [
        *("boarding-gate", "changing-room", "gated-community", "hotel-desk", "hotel-room", "museum", "office-door"),
        *("pavement-door", "public-toilet", "residential-door", "school", "street", "supermarket"),
    ]


@pytest.mark.parametrize("name", case.names())
def test_the_outcome_is_the_one_written_down(
    name: str, models: tuple[LoadedModel, LoadedModel], tmp_path: Path
) -> None:
    site = case.load(name)
    scene, now = load(site.scene), datetime.now(UTC)
    device = make(tmp_path, site.decided(policies.for_scene(scene.script, read_manifest(MODELS), now), now))
    try:
        enrol_cast(device, scene, *models, site.file.consent)
        texts = passes(device, {each.name: each.person for each in scene.script.pass_})
    finally:
        device.server.close()
    player = Player(scene, device, models)
    closed = player.gate.closed()
    if site.file.expected.camera == "closed":
        assert isinstance(closed, Refusal) and closed.grounds == site.file.expected.refused
        return
    assert closed is None
    judge, opened, grounds = Judge(site.expectations()), list[float](), tuple[Ground, ...]()
    for moment in player.play(texts):
        for made in moment.decisions:
            told = Made(made.outcome, made.subject, moment.at_s, made.ground)
            assert judge.decide(told) is not None, made.outcome
            opened += [moment.at_s] if made.opens else []
        grounds = moment.grounds
    assert judge.close(scene.script.duration_s, opened).flawless
    assert grounds == site.file.expected.refused
    assert truth.unlawful(scene, player.looks) == []
    fps = scene.script.fps
    assert all(site.looked_in_time(number / fps) for number, _ in player.looks)
