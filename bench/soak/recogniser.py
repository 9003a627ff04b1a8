"""A real recogniser whose days pass as fast as it works: `python -m bench.soak.recogniser PLAN`.

PLAN is JSON: see `Plan`. How many seconds have passed stands in the file `passed`, eight bytes, over and over.
"""

from __future__ import annotations

import json
import struct
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from agent.adapters import sandbox
from agent.adapters.door import NoDoor
from agent.app.config import load
from agent.app.parts import Parts
from agent.app.recogniser import run
from agent.errors import DoorwardError
from agent.units import Rgb
from bench.soak.visits import A_PASS, Turns, moments
from tests.app.door import WALL, face, shown


@dataclass(frozen=True, slots=True)
class Plan:
    config: str
    passed: str
    start_s: float
    hours: float
    a_day: int
    idle_s: float
    card: str
    passes: list[str]
    """In the order in which they are shown, one for each visit by pass."""

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), "utf-8")


def main() -> int:
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text("utf-8")))
    sandbox.keep_private()
    sandbox.leave_network()
    noise = np.random.default_rng(1)
    nobody = [np.clip(WALL + noise.normal(0, 2, WALL.shape), 0, 255).astype(np.uint8) for _ in range(8)]

    def held_up(visit: int) -> Rgb:
        return shown(plan.passes[visit // A_PASS])

    with open(plan.passed, "r+b", buffering=0) as file:

        def passed(seconds: float) -> None:
            file.seek(0)
            file.write(struct.pack("<d", seconds))

        turns = Turns(
            moments(plan.hours, plan.a_day, plan.idle_s),
            plan.start_s,
            time.monotonic_ns(),
            nobody=nobody,
            face=face(name="enrol-1"),
            held_up=held_up,
            card=plan.card,
            passed=passed,
        )
        parts = Parts(turns.open_camera, None, NoDoor, open_reader=lambda: turns, clock=turns)
        try:
            return run(load(Path(plan.config)), parts)
        except DoorwardError as error:
            sys.stderr.write(f"{error}\n")
            return 2


if __name__ == "__main__":
    sys.exit(main())
