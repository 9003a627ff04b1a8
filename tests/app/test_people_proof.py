"""What the people's proof counts with: its search on what is known, and a part of its passes and replays."""

from __future__ import annotations

import numpy as np
import pytest

from bench.people import canaries, cores
from bench.people.hostile_passes import passes
from bench.people.replayed import replays

NAMES, VECTORS = canaries.names(5), canaries.templates(5, 192)
NOISE = np.random.default_rng(1).integers(0, 256, 20_000, np.uint8).tobytes()


@pytest.mark.parametrize("encoding", canaries.OF_TEMPLATE)
def test_a_part_of_a_template_is_found_where_it_lies(encoding: str) -> None:
    written = [canaries.OF_TEMPLATE[encoding](vector) for vector in VECTORS]
    part = written[3][40:72]
    haystack = canaries.Haystack({"disk": NOISE + part + NOISE, "socket": NOISE, "both": part})
    assert haystack.search(written) == {"disk": 1, "socket": 0, "both": 1}


@pytest.mark.parametrize("encoding", canaries.OF_NAME)
def test_a_pseudonym_is_found_wherever_it_begins(encoding: str) -> None:
    write = canaries.OF_NAME[encoding]
    written = [write(name) for name in NAMES]
    for shift in range(3):
        haystack = canaries.Haystack({"": write("x" * shift + NAMES[2]), "other": write("nobody-who-is-a-canary-here")})
        assert haystack.search(written) == {"": 1, "other": 0}, shift


def test_a_run_of_a_frame_is_found_and_a_wall_is_none() -> None:
    chance = np.random.default_rng(2)
    rgb = chance.integers(100, 200, (480, 640, 3), np.uint8)
    for encoding, data in canaries.frame(rgb, rgb[..., 0].copy()).items():
        leaked = canaries.Haystack({"": NOISE + data[1001:1040] + NOISE})
        assert leaked.search([data], canaries.WINDOW)[""] == 1, encoding
    wall = np.full((480, 640, 3), 255, np.uint8)
    for data in canaries.frame(wall, wall[..., 0].copy()).values():
        assert canaries.Haystack({"": data}).search([data], canaries.WINDOW)[""] == 0


def test_no_changed_pass_and_nothing_that_comes_once_more_is_accepted() -> None:
    made = [*passes(190), *replays(2)]
    assert len({each.kind for each in made}) == 19 + 7
    assert [each.kind for each in made if each.accepted] == []


def test_a_process_that_is_not_dumpable_leaves_no_core_file() -> None:
    found = cores.plain_abort(dumpable=False)
    assert (found.ended, found.files, found.canary) == ("killed", 0, False)
