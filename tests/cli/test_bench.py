"""`doorward bench` asks for another machine's figures without measuring, and refuses what it could not write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.started import doorward


def test_what_the_owner_of_another_machine_is_to_send_in() -> None:
    done = doorward("bench", "--device")
    assert done.returncode == 0, done.stderr
    assert "scripts/bench --json bench.json" in done.stdout and "processors:" in done.stdout
    assert "Nothing in them is about a person" in done.stdout


@pytest.mark.parametrize("option", ["--json", "--write"])
def test_a_file_in_no_folder_is_refused_before_anything_is_measured(option: str, tmp_path: Path) -> None:
    done = doorward("bench", option, tmp_path / "nowhere" / "page")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"doorward: {option}: {tmp_path}/nowhere/page: there is no folder")
