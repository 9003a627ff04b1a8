"""`doorward aim` as it is typed: what it prints, asks and writes, and that a signal leaves all as it was."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.adapters.terminal import shown_code
from agent.app.recogniser import alone
from tests.aim.given import Visitor, gate, looks, noted
from tests.app.running import until
from tests.cli.started import doorward
from tests.conftest import ROOT

pytestmark = pytest.mark.alone
COMMAND = [str(Path(sys.executable).with_name("doorward")), "aim"]


@contextmanager
def aiming(*words: object, stdin: int = subprocess.DEVNULL) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the address that it prints."""
    with subprocess.Popen(
        [*COMMAND, *(str(word) for word in words)],
        stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        try:
            said = ""
            while not said.startswith("aim at http://"):
                said = process.stdout.readline()
                assert said, process.stderr.read()
            assert said.endswith(" until Ctrl-C; the address opens in one browser, once\n")
            yield process, said.split()[2]
        finally:
            process.kill()


def measured(visitor: Visitor) -> None:
    until(lambda: visitor.facts()["camera"] == "live", 30, "a picture")
    status, said = visitor.ask("keep", visitor.ask("plan", {})[1]["aimed"])
    assert status == 200, said


def rest(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and "Traceback" not in err, err
    return out, err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_the_config_alone(tmp_path: Path, number: signal.Signals) -> None:
    device = gate(tmp_path / "d")
    before = device.config.read_bytes()
    with aiming("--config", device.config, "--port", 0) as (process, url):
        assert url.startswith("http://127.0.0.1:") and len(url.partition("#")[2]) == 32
        process.send_signal(number)
        assert rest(process) == ("ended; nothing is kept\n", "")
    assert device.config.read_bytes() == before and looks(device) == [True, False]


def test_one_that_is_killed_has_no_end_in_the_ledger(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")
    with aiming("--config", device.config, "--port", 0) as (process, _):
        process.kill()
        process.wait()
    assert noted(device) == [True]


def test_without_a_terminal_it_shows_and_does_not_write(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")
    before = device.config.read_bytes()
    with aiming("--config", device.config, "--port", 0) as (process, url):
        measured(Visitor(url))
        out, _ = rest(process)
    assert "+[aim]" in out and "--yes writes without asking" in out and device.config.read_bytes() == before


def test_what_is_printed_is_what_the_authors_command_takes(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")
    with aiming("--config", device.config, "--port", 0, "--yes") as (process, url):
        measured(Visitor(url))
        out, _ = rest(process)
    assert f"{device.config}: written" in out
    assert tomllib.loads(device.config.read_text())["aim"]["view_deg"] == 62.0
    copy = device.folder / "site" / "policy.json"
    copy.write_bytes(device.data)
    command = out[out.index("doorward site edit SITE") : out.index("\n\n", out.index("doorward site edit SITE"))]
    typed = subprocess.run(
        ["bash", "-c", command.replace("doorward", str(Path(COMMAND[0])), 1).replace("SITE", str(copy.parent), 1)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert typed.returncode == 0, typed.stderr
    assert json.loads(copy.read_bytes())["pose"]["height_m"] == pytest.approx(1.9, abs=0.1)
    assert doorward("check", "--offline", "--config", device.config).returncode == 0
    with aiming("--config", device.config, "--port", 0, "--yes") as (process, url):
        visitor = Visitor(url)
        assert visitor.ask("plan", {})[1]["measured"] is True
        measured(visitor)
        assert f"{device.config}: holds these measurements already" in rest(process)[0]


@pytest.mark.parametrize(("typed", "written"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_at_a_terminal_it_asks(tmp_path: Path, typed: str, written: bool) -> None:
    device = gate(tmp_path / "d")
    ours, theirs = pty.openpty()
    try:
        with aiming("--config", device.config, "--port", 0, stdin=theirs) as (process, url):
            os.write(ours, typed.encode())
            measured(Visitor(url))
            out, _ = rest(process)
    finally:
        os.close(ours)
        os.close(theirs)
    assert f"write this into {device.config}?" in out
    assert ("aim" in tomllib.loads(device.config.read_text())) is written


def test_another_user_keeps_and_root_takes_measurements_and_nothing_else(tmp_path: Path) -> None:
    device, kept = gate(tmp_path / "d"), tmp_path / "aim.json"
    before = device.config.read_bytes()
    with aiming("--config", device.config, "--port", 0, "--keep", kept) as (process, url):
        measured(Visitor(url))
        out, _ = rest(process)
    assert f"{kept}: written" in out and "doorward site edit SITE" in out and device.config.read_bytes() == before
    done = doorward("aim", "--config", device.config, "--take", kept, "--yes")
    assert done.returncode == 0 and f"{device.config}: written" in done.stdout, done.stderr
    assert tomllib.loads(device.config.read_text())["aim"]["view_deg"] == 62.0

    written = device.config.read_bytes()
    more = json.loads(kept.read_text()) | {"root_sha256": "0" * 64}
    for text in (json.dumps(more), "x" * 100_000, '{"view_deg": "secret"}'):
        kept.write_text(text)
        said = fault("--config", device.config, "--take", kept, "--yes")
        assert said == f"doorward: {kept}: is not what 'doorward aim --keep' writes; aim again"
    assert fault("--config", device.config, "--take", tmp_path / "none", "--yes").endswith("aim again")
    assert device.config.read_bytes() == written


def fault(*words: object) -> str:
    done = doorward("aim", *words)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    [line] = done.stderr.splitlines()
    return line


def test_whatever_is_wrong_is_one_line(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")
    given: Callable[..., str] = lambda *words: fault("--config", device.config, *words)  # noqa: E731
    assert given("--address", "0.0.0.0").startswith("doorward: --address: 0.0.0.0: not one address of this machine")
    with alone(device.state):
        assert given().endswith("in use by a running recogniser; stop it first")
    assert "cannot be read" in fault("--config", tmp_path / "none.toml")
    blind = gate(tmp_path / "b", mode="blind", identify=None)
    assert "camera: stays shut (mode-blind)" in fault("--config", blind.config)
    assert noted(device) == [] and noted(blind) == []


def test_an_address_of_the_network_is_shown_as_a_code_with_a_warning(tmp_path: Path) -> None:
    device = gate(tmp_path / "d")
    listed = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    own = [address for address in listed if ":" not in address]
    if not own:
        pytest.skip("this machine is in no network")
    process = subprocess.Popen(
        [*COMMAND, "--config", str(device.config), "--port", "0", "--address", own[0]],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline()]
        while not lines[-1].startswith("aim at "):
            lines.append(process.stdout.readline())
        code, url = "".join(lines[:-1]), lines[-1].split()[2]
        assert code.rstrip("\n") == shown_code(url) and Visitor(url).entered == 200
        process.send_signal(signal.SIGTERM)
        assert rest(process)[1] == f"note: {own[0]}: blocks and measurements go over this network unencrypted\n"
    finally:
        process.kill()
