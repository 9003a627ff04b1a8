"""The pins through the real gpiozero and lgpio, over a chip that tells what it was asked: no glitch, and no stranger.

Each in a process of its own: lgpio makes its pipe when it is imported.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(importlib.util.find_spec("lgpio") is None, reason="this Python has no lgpio")
BEGIN = """
import json, os, struct, sys, time
from agent.adapters.clock import SystemClock
from agent.adapters.gpio import PinContacts, PinFilter, Relay, pins
from agent.errors import DeviceError
from tests.adapters.chip import Chip, pipes
chip = Chip()
chip.put()
told = lambda what: print(json.dumps(what))
"""
NEXT_TO_IT = ".lgd-nfy0"


def run(script: str, folder: Path, **environ: str) -> Any:
    """What the script tells, in `folder`, which is its folder for temporary files as well."""
    given = {name: value for name, value in os.environ.items() if name not in ("RUNTIME_DIRECTORY", "LG_WD")}
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script],
        capture_output=True, text=True, timeout=30, cwd=folder,
        env=given | {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder)} | environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


RELAY = """
door = Relay(17, lock={lock!r}, active_low={low}, pulse_s=0.2, report=print, factory=pins())
began = list(chip.asked)
door.pulse("main")
time.sleep(0.5)
pulse = chip.asked[len(began):]
door.close()
told([began, pulse, chip.asked[len(began) + len(pulse):]])
"""


@pytest.mark.parametrize(
    ("lock", "active_low", "rest"),
    [("fail-secure", False, 0), ("fail-secure", True, 1), ("fail-safe", False, 1), ("fail-safe", True, 0)],
)
def test_the_relay_is_claimed_as_it_rests_and_moves_for_a_pulse_alone(
    tmp_path: Path, lock: str, active_low: bool, rest: int
) -> None:
    began, pulse, end = run(RELAY.format(lock=lock, low=active_low), tmp_path)
    assert began == [["input", 17, -1], ["output", 17, rest]]
    assert pulse == [["write", 17, 1 - rest], ["write", 17, rest]]
    assert end == [["write", 17, rest], ["input", 17, -1]]


def test_the_filter_is_claimed_by_day(tmp_path: Path) -> None:
    assert run("PinFilter(22, pins()); told(chip.asked[:2])", tmp_path) == [["input", 22, -1], ["output", 22, 1]]


BUTTON = """
here = os.getcwd()
contacts, clock = PinContacts(22, None, SystemClock(), print, pins()), SystemClock()
def press(pipe):
    # As lgpio's own thread writes it: when, chip, pin, level, flags; low is pressed.
    for level in (0, 1):
        os.write(pipe, struct.pack("QBBBBI", time.monotonic_ns(), 0, 22, level, 0, 0))
    time.sleep(0.3)
    return contacts.exit_asked(clock.monotonic_ns()) is not None
try:
    forged = press(os.open(os.environ["STRANGERS"], os.O_WRONLY | os.O_NONBLOCK))
except OSError:
    forged = False  # nobody reads there
own = press(os.open(f"/proc/self/fd/{pipes()[0]}", os.O_WRONLY))
told({"forged": forged, "own": own, "moved": os.getcwd() != here, "left": sorted(os.listdir(os.environ["TMPDIR"])),
    "LG_WD": os.environ.get("LG_WD")})
"""


@pytest.mark.parametrize("LG_WD", [None, "as the pipe"])
def test_nobody_else_can_press_the_button_through_lgpios_pipe(tmp_path: Path, LG_WD: str | None) -> None:
    pipe = tmp_path / NEXT_TO_IT
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    environ = {} if LG_WD is None else {"LG_WD": str(tmp_path)}
    told = run(BUTTON, tmp_path, STRANGERS=str(pipe), **environ)
    assert told == {
        "forged": False, "own": True, "moved": False, "left": [NEXT_TO_IT], "LG_WD": environ.get("LG_WD"),
    }  # fmt: skip


def test_a_service_writes_in_its_own_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    script = "pins(); told([os.listdir(os.environ['RUNTIME_DIRECTORY'].split(':')[0]), bool(pipes())])"
    runtime = str(tmp_path / "run")
    assert run(script, tmp_path, TMPDIR=str(tmp_path / "none"), RUNTIME_DIRECTORY=f"{runtime}:/nowhere") == [[], True]


REFUSED = """
try:
    pins()
except DeviceError as error:
    told(str(error))
"""


def test_a_pipe_that_lgpio_made_before_is_not_believed(tmp_path: Path) -> None:
    said = run("import lgpio" + REFUSED, tmp_path)
    assert said == "pins: lgpio's pipe may be open to others; see to what else in this process imports lgpio"


def test_without_a_folder_of_its_own_there_are_no_pins(tmp_path: Path) -> None:
    said = run(REFUSED, tmp_path, RUNTIME_DIRECTORY=str(tmp_path / "none"))
    assert said.startswith("pins: no folder for lgpio's pipe: No such file") and "RUNTIME_DIRECTORY" in said
