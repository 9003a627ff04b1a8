"""What tests of every room share: a state folder of their own and a port that is free."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# A shared machine may stall any example; what is slow shows in the suite's own time, not as a flaky failure.
settings.register_profile("doorward", deadline=None, print_blob=True)
settings.load_profile("doorward")


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


@pytest.fixture(autouse=True)
def _no_stray_files(root: Path) -> Iterator[None]:
    """A test that leaves a file in the root of the checkout would leave a frame or a key there one day."""
    before = set(os.listdir(root))
    yield
    stray = {name for name in set(os.listdir(root)) - before if not name.startswith(".")}
    assert not stray, f"the test left {sorted(stray)} in the root of the checkout; write under tmp_path"
