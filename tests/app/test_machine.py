"""What a machine does not keep is warned of: limits of memory that do not hold, a disk that forgets."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from agent.app.check import Level
from agent.app.machine import machine


def test_a_kernel_that_limits_no_memory_is_said_with_what_to_add(tmp_path: Path) -> None:
    (tmp_path / "controllers").write_text("cpuset cpu io pids\n")
    (found, *_) = machine(tmp_path, tmp_path / "controllers")
    assert (found.level, found.what) == (Level.WARNING, "memory") and "cgroup_enable=memory" in found.words


def test_one_that_does_and_a_disk_are_not_worth_a_word(root: Path, tmp_path: Path) -> None:
    (tmp_path / "controllers").write_text("cpuset cpu io memory pids\n")
    told = [each.what for each in machine(Path("/proc/no/such/state"), tmp_path / "controllers")]
    assert told == []
    assert "memory" not in [each.what for each in machine(root, tmp_path / "none")]


def test_a_state_in_memory_is_warned_of_also_before_it_is_made(tmp_path: Path) -> None:
    (found,) = machine(Path("/dev/shm/doorward/state"), tmp_path / "none")
    assert (found.level, found.what) == (Level.WARNING, "device.state")
    assert found.words.startswith("/dev/shm/doorward/state lies on tmpfs: ")


@pytest.mark.skipif(os.geteuid() != 0, reason="it becomes somebody else")
def test_a_folder_that_may_not_be_looked_into_is_not_warned_of(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir(mode=0o700)
    told = multiprocessing.get_context("fork").Pool(1, os.setresuid, (65534, 65534, 65534))
    with told:
        assert told.apply(_told, (tmp_path / "kept" / "state", tmp_path / "none")) == []


def _told(state: Path, controllers: Path) -> list[str]:
    return [each.what for each in machine(state, controllers)]
