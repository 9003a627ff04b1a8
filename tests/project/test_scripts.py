"""The scripts on a machine that lacks something: one line says what to do, and a second start does nothing again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOOLS = "bash basename cat dirname env flock grep id mkdir mktemp rm sed sha256sum tail tee"


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    """What a script needs of a checkout, without an environment."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("scripts", "requirements"):
        shutil.copytree(root / name, copy / name)
    shutil.copy(root / "pyproject.toml", copy)
    return copy


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder of commands for PATH with nothing in it but the everyday tools: a machine without Python."""
    commands = tmp_path / "bin"
    commands.mkdir()
    for tool in TOOLS.split():
        found = shutil.which(tool)
        assert found, tool
        (commands / tool).symlink_to(found)
    return commands


def command(folder: Path, name: str, text: str) -> None:
    """Write a command of one line of shell."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(script: Path, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    if path is not None:
        variables["PATH"] = str(path)
    return subprocess.run(
        [str(script), *arguments], env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    )


def test_without_python_one_line_names_the_packages(checkout: Path, bare: Path) -> None:
    done = run(checkout / "scripts/demo", path=bare)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "demo: no Python 3.11, 3.12 or 3.13 found; run: apt-get install python3.11 python3.11-venv"
    ]


def test_an_older_python_is_no_python(checkout: Path, bare: Path) -> None:
    command(bare, "python3", "exit 1")  # what the version test of an older Python answers
    done = run(checkout / "scripts/demo", path=bare)
    assert done.returncode == 1
    assert "no Python 3.11" in done.stderr


@pytest.mark.parametrize("name", ["python3", "python3.12"])
def test_without_venv_one_line_names_the_package(checkout: Path, bare: Path, name: str) -> None:
    # Debian's Python without its venv package: everything works but `import ensurepip`.
    command(bare, name, f'case "$2" in *ensurepip*) exit 1;; esac; exec "{sys.executable}" "$@"')
    done = run(checkout / "scripts/demo", path=bare)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"demo: {name} cannot make an environment; run: apt-get install {name}-venv"]
    assert not (checkout / ".venv").exists()


def test_without_an_index_the_failure_is_clear(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # An environment that lacks one pin, and no index to get it from.
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/pyvenv.cfg").write_text(f"command = python -m venv {checkout}/.venv\n")
    command(checkout / ".venv/bin", "python", f'exec "{sys.executable}" "$@"')
    with (checkout / "requirements/run.txt").open("a") as lock:
        lock.write(f"doorward-not-there==1.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    done = run(checkout / "scripts/demo")
    assert done.returncode == 1
    assert "is a package index within reach?" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (checkout / ".venv/stamp-run.txt").exists()


def test_an_environment_behind_a_link_is_never_emptied(checkout: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("")
    (checkout / ".venv").symlink_to(elsewhere)
    done = run(checkout / "scripts/demo")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"demo: {checkout}/.venv is a link to an environment elsewhere; remove the link"
    ]
    assert [path.name for path in elsewhere.iterdir()] == ["kept"]


def test_a_user_is_told_what_the_tests_need(checkout: Path, bare: Path) -> None:
    (bare / "id").unlink()
    command(bare, "id", "echo 1000")
    done = run(checkout / "scripts/test", path=bare)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    # mosquitto is found outside PATH, in /usr/sbin, where it is there.
    assert line.startswith("test: the tests need chromium")
    assert "; run: sudo apt-get install chromium" in line


def test_a_second_start_does_nothing_again(checkout: Path, bare: Path) -> None:
    made = ". scripts/setup; mkdir -p .venv; stamp_of run.txt >.venv/stamp-run.txt"
    subprocess.run(["bash", "-c", made], cwd=checkout, check=True)
    began = time.monotonic()
    again = ["bash", "-c", ". scripts/setup; environment run.txt"]
    variables = {"PATH": str(bare)}  # no Python: whatever it would still want to do must fail
    done = subprocess.run(again, cwd=checkout, env=variables, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - began <= 2.0

    with (checkout / "requirements/run.txt").open("a") as lock:
        lock.write("# another lock\n")
    assert subprocess.run(again, cwd=checkout, env=variables, capture_output=True).returncode == 1


def test_prove_lists_what_exists(checkout: Path) -> None:
    assert run(checkout / "scripts/prove").stdout.splitlines() == ["No proof is written yet."]
    unknown = run(checkout / "scripts/prove", "nothing")
    assert unknown.returncode == 1
    (checkout / "bench").mkdir()
    (checkout / "bench/prove_ledger.py").write_text("")
    assert run(checkout / "scripts/prove").stdout.splitlines() == ["ledger"]


@pytest.fixture
def tree(tmp_path: Path, root: Path) -> Path:
    """A small tree under version control with the tree check in it."""
    (tmp_path / "agent").mkdir()
    (tmp_path / "scripts").mkdir()
    shutil.copy(root / "scripts/check-tree", tmp_path / "scripts/check-tree")
    (tmp_path / "agent/door.py").write_text("x = 1\n" * 300)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


def check_tree(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "scripts/check-tree"], cwd=tree, capture_output=True, text=True)


def test_a_sound_tree_has_no_fault(tree: Path) -> None:
    done = check_tree(tree)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("agent/gate.py", "x = 1\n" * 301, "longer than 300 lines"),
        ("agent/utils.py", "", "a name that says nothing"),
        ("docs.md", "see {tree}/scripts\n", "absolute path of this checkout"),
        ("scripts/new", "#!/bin/sh\n", "cannot be run"),
    ],
)
def test_each_fault_of_the_tree_is_found(tree: Path, name: str, text: str, fault: str) -> None:
    (tree / name).write_text(text.replace("{tree}", str(tree)))
    done = check_tree(tree)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith(name) and fault in line]
