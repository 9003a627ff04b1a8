"""What tests of every room share: a state folder of their own, a port that is free, and quiet for those that need it.

A test marked `alone` runs while no other worker runs anything: it measures real time, or starts several processes.
scripts/test sends all tests of a file to one worker, so that a fixture of the file is made once.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# A shared machine may stall any example; what is slow shows in the suite's own time, not as a flaky failure.
settings.register_profile("doorward", deadline=None, print_blob=True)
settings.load_profile("doorward")


# A shell starts what runs in its background deaf to Ctrl-C, and children inherit that: some tests send it to theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if run is None:
        return (yield)  # one worker is always alone
    locks = Path(tempfile.gettempdir())
    with (locks / f"doorward-turn-{run}").open("w") as turn, (locks / f"doorward-cores-{run}").open("w") as cores:
        # Who waits to be alone keeps the turn, so that the other worker cannot overtake it for ever.
        fcntl.flock(turn, fcntl.LOCK_EX)
        fcntl.flock(cores, fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH)
        fcntl.flock(turn, fcntl.LOCK_UN)
        return (yield)


def pytest_sessionfinish(session: pytest.Session) -> None:
    run = getattr(session.config, "workerinput", {}).get("testrunuid")
    for name in ("turn", "cores") if run else ():
        (Path(tempfile.gettempdir()) / f"doorward-{name}-{run}").unlink(missing_ok=True)


@pytest.fixture
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A new, empty state folder that only its owner can read, as the agent demands of one."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
