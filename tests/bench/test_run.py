"""The bench runs: a real recogniser and link on a visit, an idle gate, 1:N. What is asserted is sense, never a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.bench.camera import PlayedCamera, pictures, read_play
from agent.bench.figures import Figure
from agent.bench.frames import frames
from agent.bench.played import NOBODY, nobody, visit
from agent.bench.processes import idle, visits
from agent.bench.rig import Rig, rig

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def made() -> Iterator[Rig]:
    with rig(lambda step: None) as found:
        yield found


def by_key(figures: list[Figure]) -> dict[str, float]:
    return {figure.key: figure.value for figure in figures if figure.value is not None}


def test_a_play_is_read_as_it_was_written_and_its_camera_keeps_the_grid(made: Rig) -> None:
    play = nobody(made.scene, made.folder / "grid.bin", 50)
    assert read_play(play.write()) == play and len(list(pictures(play))) == NOBODY
    camera = PlayedCamera(play)
    taken = [camera.read(1.0) for _ in range(4)]
    camera.close()
    times = [each.captured_ns for each in taken if each is not None]
    assert len(times) == 4 and all((each - times[0]) % 20_000_000 == 0 for each in times)


def test_a_frame_beside_the_bare_models(made: Rig) -> None:
    seen = frames(made, 1, lambda step: None)
    found = by_key(seen.figures)
    assert found["frame_face_ms"] > found["frame_face_plain_ms"] > found["frame_bare_ms"] > 0
    assert found["frame_ratio"] > 1 and found["look_ratio"] > 1
    assert {"codes", "gate", "detect", "probe", "embed", "identify", "commit"} == set(seen.stages)
    assert 0 < seen.good < len(visit(made.scene, made.folder / "again.bin", 2.6, 2.4).order)


def test_processes_idle_and_open_the_door_on_each_visit(made: Rig) -> None:
    resting = by_key(idle(made, 2.0, lambda step: None))
    assert 0 < resting["idle_percent"] < 100
    figures = visits(made, 2, 20, lambda step: None)
    found = by_key(figures)
    assert found["door_needed_ms"] > 0 and 0 < found["door_median_ms"] <= found["door_needed_ms"]
    assert 20 < found["link_mb"] < found["recogniser_mb"]
    assert figures[0].note.startswith("2 visits of 2")
