"""Child processes: none outlives the demo, each failure has one line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.demo.process import Child

CHILD = """
import sys, time
from agent.demo.process import die_with_parent
die_with_parent(int(sys.argv[1]))
print("ready", flush=True)
time.sleep(60)
"""
PARENT = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}, str(os.getpid())], stdout=subprocess.PIPE, text=True,
                         start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def gone(pid: int) -> bool:
    """A zombie that nobody has asked about yet is gone as well."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


def test_a_child_ends_with_a_demo_that_was_killed(root: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True, cwd=root)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert gone(child)


def test_a_child_whose_demo_is_gone_already_does_not_begin(root: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", CHILD, "1"], capture_output=True, text=True, cwd=root, timeout=20)
    assert ended.returncode == 1
    assert ended.stdout == ""


def child(tmp_path: Path, code: str) -> Child:
    log = tmp_path / "errors"
    with log.open("w") as errors:
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=errors, text=True)
    return Child("thing", process, log)


def test_the_last_words_of_a_crash_are_its_cause_alone(tmp_path: Path) -> None:
    crashed = child(tmp_path, "raise SystemError('the cause')")
    crashed.process.wait()
    assert crashed.stop() == 1
    assert crashed.last_words() == "SystemError: the cause"


def test_a_child_that_says_nothing_leaves_no_word(tmp_path: Path) -> None:
    silent = child(tmp_path, "")
    silent.process.wait()
    assert silent.stop() == 0
    assert silent.last_words() == "it left no word"


@pytest.mark.parametrize(("deaf", "status"), [(False, -signal.SIGTERM), (True, -signal.SIGKILL)])
def test_stopping_is_polite_and_then_not(tmp_path: Path, deaf: bool, status: int) -> None:
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN);" if deaf else ""
    sleeper = child(tmp_path, f"import signal, time; {ignore} print(1, flush=True); time.sleep(60)")
    assert sleeper.process.stdout is not None
    sleeper.process.stdout.readline()
    assert sleeper.stop(patience_s=0.3) == status
    assert sleeper.peak_kb > 1000
    assert os.path.exists(sleeper.errors)
