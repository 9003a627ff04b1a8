"""A command in a process of its own that has its imports done: forked from one that did them, once for all tests.

What a start itself does (the program in bin, a terminal, Ctrl-C) is for tests that start it by its name.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from agent.cli import main

ROOT = Path(__file__).resolve().parents[2]

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *(f"agent.cli.{group}" for group in ("device", "ledger", "passes", "people", "policy", "sign", "site")),
        *(f"agent.{module}" for module in ("app.desk", "app.recogniser", "site.consents", "site.signs.takehome")),
        __name__,
    ]
)


def _begin(words: list[str], environment: dict[str, str], folder: str) -> None:
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    for stream, name in ((1, "out"), (2, "err")):
        with open(f"{folder}/{name}", "wb") as file:
            os.dup2(file.fileno(), stream)
    sys.argv = ["doorward", *words]
    main()


def doorward(*words: object) -> subprocess.CompletedProcess[str]:
    """The command to its end, with what it wrote."""
    typed = [str(word) for word in words]
    with tempfile.TemporaryDirectory(prefix="doorward-typed-") as folder:
        process = _FORKS.Process(target=_begin, args=(typed, dict(os.environ), folder))
        process.start()
        process.join()
        out, err = ((Path(folder) / name).read_text("utf-8") for name in ("out", "err"))
        assert process.exitcode is not None
        done = subprocess.CompletedProcess(["doorward", *typed], process.exitcode, out, err)
        process.close()
    return done
