"""`doorward policy`: what a profile demands, and why a device permits or refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.policy.fields import ProfileName
from agent.policy.rules import OBLIGATIONS
from tests.cli.given import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("COLUMNS", "220")
    made = Desk(tmp_path)
    with closing(made.server):
        yield made


def states(table: str) -> dict[str, str]:
    """Ground -> state, from the printed table."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines() if line.startswith("│")]
    return {row[0]: row[1] for row in rows if row[0]}


def test_each_profile_is_explained_obligation_by_obligation(desk: Desk) -> None:
    for profile in ProfileName:
        done = desk.types("policy", "explain", "--profile", profile.value)
        assert (done.returncode, done.stderr) == (0, "")
        assert list(states(done.stdout)) == [each.ground.value for each in OBLIGATIONS]
    unknown = desk.types("policy", "explain", "--profile", "atlantis")
    assert (unknown.returncode, "'strict'" in unknown.stderr) == (2, True)


def test_of_a_stopped_device_all_is_judged_but_what_takes_the_camera(desk: Desk) -> None:
    done = desk.types("policy", "why", "--config", desk.config)
    assert done.returncode == 0, done.stderr
    found = states(done.stdout)
    assert {ground for ground, state in found.items() if state == "unknown"} == {"sign-forbids"}
    assert {ground for ground, state in found.items() if state == "UNMET"} == set()


def test_a_stop_order_shows_with_its_remedy(desk: Desk) -> None:
    desk.types("site", "stop", desk.site, "fair")
    done = desk.types("policy", "why", "--config", desk.config)
    assert (done.returncode, states(done.stdout)["stopped"]) == (1, "UNMET")
    assert "lifts it by id" in done.stdout


def test_what_a_profile_leaves_open_is_said_to_be_so(desk: Desk) -> None:
    policy = (desk.site / "policy.json").read_text()
    (desk.site / "policy.json").write_text(policy.replace('"strict"', '"us-il-bipa"'))
    assert desk.types("site", "publish", desk.site).returncode == 0
    found = states(desk.types("policy", "why", "--config", desk.config).stdout)
    assert found["assessment-missing"] == "not binding" and found["clock-untrusted"] == "met"


def test_a_changed_model_is_told_and_unknown(desk: Desk) -> None:
    models = desk.folder / "models"
    models.mkdir()
    shipped = re.search(r'^directory = "(.*)"$', desk.config.read_text(), re.MULTILINE)
    assert shipped is not None
    for file in Path(shipped[1]).iterdir():
        (models / file.name).write_bytes(file.read_bytes())
    data = bytearray((models / "detector.tflite").read_bytes())
    data[5000] ^= 1
    (models / "detector.tflite").write_bytes(data)
    desk.config.write_text(desk.config.read_text().replace(shipped[1], str(models)))
    done = desk.types("policy", "why", "--config", desk.config)
    assert "detector.tflite: sha256" in done.stderr
    assert states(done.stdout)["model-not-allowed"] == "unknown"


def test_what_ends_soon_is_told_with_its_day(desk: Desk) -> None:
    file = desk.site / "policy.json"
    policy, ends = json.loads(file.read_text()), datetime.now(UTC) + timedelta(days=12)
    file.write_text(json.dumps({**policy, "until": ends.isoformat(timespec="seconds")}))
    assert desk.types("site", "publish", desk.site).returncode == 0
    done = desk.types("policy", "why", "--config", desk.config)
    assert (done.returncode, states(done.stdout)["policy-not-in-force"]) == (0, "expiring")
    assert f"ends on {ends:%Y-%m-%d}: sign it anew before" in done.stdout
