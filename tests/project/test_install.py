"""scripts/install before it changes anything: each mistake is one line. What it does: scripts/prove systemd."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.prove_systemd import page

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it asks for root first")


def install(bundle: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = bundle / "scripts/install"
    return subprocess.run([str(script), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


@pytest.fixture
def bundle(root: Path, tmp_path: Path) -> Path:
    """As far as what is looked at before anything is changed: the wheels are empty."""
    made = tmp_path / "bundle"
    for name in ("scripts", "systemd", "device_config"):
        shutil.copytree(root / name, made / name)
    (made / "wheels").mkdir()
    tag = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    (made / f"wheels/numpy-2.4.6-{tag}-{tag}-manylinux_2_28_{os.uname().machine}.whl").write_bytes(b"")
    (made / "gate.toml").write_text("")
    (made / "wheels/pip-26.3-py3-none-any.whl").touch()
    (made / "requirements").mkdir()
    (made / "requirements/wheels.txt").write_text("pip==26.3 --hash=sha256:00\n")
    summed(made)
    return made


def summed(made: Path) -> None:
    files = [path for path in made.rglob("*") if path.is_file()]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(made)}\n" for path in files]
    (made / "SHA256SUMS").write_text("".join(sums))


FIVE = ("--device", "a", "--site", "b", "--root-sha256", "c", "--repository", "d", "--broker", "e")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--nothing"], 2, "install: unknown option --nothing; --help lists them"),
        (["--device"], 2, "install: --device needs a value"),
        (["--example", "gate.toml"], 2, "install: --example: HERE/gate.toml cannot be read"),
        (["--example", "BUNDLE/gate.toml"], 2, "install: --device is missing, and there is no terminal to ask at"),
        (["--example", "BUNDLE/gate.toml", *FIVE[:-2]], 2, "install: --broker is missing, and there is no terminal"),
        (["--example", "BUNDLE/gate.toml", *FIVE, "--broker-ca", "/x"], 2, "install: --broker-ca: /x cannot be read"),
        (["--camera", "rtsp://192.0.2.7/a"], 2, "install: --device is missing, and there is no terminal to ask at"),
        (["--camera", "/dev/video2"], 2, "install: --device is missing, and there is no terminal to ask at"),
        (
            ["--camera", "rtsp://x", "--camera-password-file", "/x", *FIVE, "--example", "BUNDLE/gate.toml"],
            2,
            "install: --camera-password-file: /x cannot be read",
        ),
        (["--config", "/x"], 2, "install: --config: /x cannot be read"),
        (["--uninstall"], 2, "install: --uninstall destroys the keys and everybody's enrolment; add --yes"),
    ],
)
def test_a_mistake_is_one_line(bundle: Path, words: list[str], code: int, said: str) -> None:
    done = install(bundle, *(word.replace("BUNDLE", str(bundle)) for word in words))
    last = done.stderr.splitlines()[-1]
    said = said.replace("HERE", os.getcwd())
    assert (done.returncode, last[: len(said)]) == (code, said)


def test_a_damaged_bundle_changes_nothing(bundle: Path) -> None:
    (bundle / "systemd/pause").write_text("changed\n")
    done = install(bundle, "--example", str(bundle / "gate.toml"), *FIVE)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("install: the bundle is damaged: copy it again; nothing was changed")


def test_what_the_bundle_does_not_list_is_not_taken(bundle: Path) -> None:
    """The check of the sums alone says nothing of it, and pip, for one, runs before any pin counts."""
    for name in ("wheels/pip-0.whl", "systemd/.hidden", "a\nb"):
        (bundle / name).touch()
        done = install(bundle, *FIVE)
        assert done.returncode == 1
        expected = f"install: the bundle holds what SHA256SUMS does not list, ./{name.splitlines()[0]}: copy it again"
        assert done.stderr.splitlines()[-1].startswith(expected)
        (bundle / name).unlink()
    (bundle / "models").symlink_to("/etc")
    assert "install: the bundle holds a link, models: copy it again" in install(bundle, *FIVE).stderr


def test_the_pip_that_is_run_is_the_one_that_is_pinned(bundle: Path) -> None:
    (bundle / "wheels/pip-26.3-py3-none-any.whl").rename(bundle / "wheels/pip-0-py3-none-any.whl")
    (bundle / "SHA256SUMS").unlink()
    summed(bundle)
    assert "install: the bundle holds no pip-26.3-py3-none-any.whl: make it again" in install(bundle, *FIVE).stderr


def test_a_bundle_for_another_python_is_told(bundle: Path) -> None:
    for wheel in (bundle / "wheels").iterdir():
        wheel.rename(wheel.with_name("numpy-2.4.6-cp39-cp39-manylinux_2_28_riscv64.whl"))
    done = install(bundle, *FIVE)
    assert done.returncode == 1
    assert re.fullmatch(
        r"install: this bundle is not for Python 3\.\d+ on \w+; take doorward-…-cp3\d+-\w+\n", done.stderr
    )


def test_a_checkout_has_no_wheels(root: Path) -> None:
    done = install(root, *FIVE)
    assert done.returncode == 1
    assert "holds no wheels: make the bundle with scripts/build-wheels on another machine" in done.stderr


def test_the_help_lists_every_option(root: Path) -> None:
    text = install(root, "--help").stdout
    script = (root / "scripts/install").read_text()
    (names,) = re.findall(r"^        (--device \|.*?)\)$", script, re.DOTALL | re.MULTILINE)
    options = {*re.findall(r"--[a-z0-9-]+", names), "--set", "--keep-journal", "--yes", "--no-start", "--uninstall"}
    assert len(options) == 22
    for option in options:
        assert option in text, option
    assert "set -euo" not in text


def test_the_page_begins_and_ends_with_the_installer() -> None:
    first, *_, last = page()
    assert first.startswith("sudo scripts/install --example") and last == "sudo scripts/install --uninstall"
