"""Starting a runtime: its greeting is left out, nothing else is, and stderr is afterwards what it was."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ai_edge_litert.interpreter import Interpreter

from agent.models.runtime import start
from tests.models.given import MODELS

DATA = (MODELS / "detector.tflite").read_bytes()
PLAIN = """
from pathlib import Path
from ai_edge_litert.interpreter import Interpreter
from agent.models.runtime import start
start(Interpreter, Path("models/detector.tflite").read_bytes())
print("started")
"""
TALKING = """
import os
from pathlib import Path
from ai_edge_litert.interpreter import Interpreter
from agent.models.runtime import start

class Talking(Interpreter):
    def allocate_tensors(self):
        os.write(2, b"something else\\n")
        super().allocate_tensors()

start(Talking, Path("models/detector.tflite").read_bytes())
print("started")
"""


def run(root: Path, script: str, redirection: str = "") -> tuple[int, str, str]:
    """The first start in a new process: exit code, stdout, stderr."""
    command = ["sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, script]
    variables = os.environ | {"PYTHONPATH": str(root)}
    done = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_the_greeting_of_the_first_start_is_left_out(root: Path) -> None:
    assert run(root, PLAIN) == (0, "started\n", "")


def test_whatever_else_is_said_comes_out(root: Path) -> None:
    assert run(root, TALKING) == (0, "started\n", "something else\n")


@pytest.mark.parametrize(("script", "redirection"), [(PLAIN, "2>&-"), (TALKING, "2>/dev/full")])
def test_it_starts_where_nothing_can_be_said(root: Path, script: str, redirection: str) -> None:
    assert run(root, script, redirection) == (0, "started\n", "")


def test_a_file_that_cannot_be_loaded_leaves_stderr_as_it_was(capfd: pytest.CaptureFixture[str]) -> None:
    before = os.fstat(2).st_ino
    with pytest.raises((ValueError, RuntimeError)):
        start(Interpreter, b"no model")
    assert os.fstat(2).st_ino == before
    os.write(2, b"still here\n")
    assert capfd.readouterr().err.endswith("still here\n")


def test_two_threads_may_start_at_once() -> None:
    before = os.fstat(2).st_ino
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(start(Interpreter, DATA))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4 and os.fstat(2).st_ino == before
