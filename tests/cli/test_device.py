"""`doorward device init` as it is typed: the config's backend, real keys, and one line where it cannot be."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.adapters.keys import CredentialKeys, TpmKeys
from agent.app import config
from agent.app.keys import open_keys
from agent.errors import ConfigError
from tests.adapters.tpm import running_tpm

ROOT = Path(__file__).resolve().parents[2]


def init(*words: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("doorward")), "device", "init", *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def tcti() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="tpm-") as folder, running_tpm(Path(folder)) as named:
        yield named


def configured(folder: Path, keys: str) -> Path:
    text = (ROOT / "device_config" / "desktop.toml").read_text()
    for key, value in (
        ("state", str(folder / "state")),
        ("directory", str(ROOT / "models")),
        ("file", str(ROOT / "scenes" / "cast")),
    ):
        text = re.sub(rf'^{key} = ".*?"', f'{key} = "{value}"', text, flags=re.MULTILINE)
    text = re.sub(r"^insecure_dev = true", "insecure_dev = false", text, flags=re.MULTILINE)
    path = folder / "device.toml"
    path.write_text(re.sub(r'^backend = "plain"', keys, text, flags=re.MULTILINE))
    return path


def test_the_config_chooses_the_tpm(tmp_path: Path, tcti: str) -> None:
    file = configured(tmp_path, f'backend = "tpm2"\ntcti = "{tcti}"')
    made = init("--config", file)
    assert (made.returncode, made.stderr) == (0, "")
    assert "Keys: tpm2; what an erasure leaves: hardware." in made.stdout
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["device.json", "tpm.json"]
    opened = open_keys(config.load(file))
    assert isinstance(opened, TpmKeys) and opened.epochs.known() == {1}
    again = init("--config", file)
    assert (again.returncode, "exist already" in again.stderr) == (2, True)


def test_keys_of_another_device_do_not_open(tmp_path: Path, tcti: str) -> None:
    file = configured(tmp_path, f'backend = "tpm2"\ntcti = "{tcti}"')
    assert init("--state", tmp_path / "state", "--id", "gate-9", "--keys", "tpm2", "--tcti", tcti).returncode == 0
    with pytest.raises(ConfigError, match="keys of device gate-9, not desk-1"):
        open_keys(config.load(file))


def test_a_credential_is_encrypted_by_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = configured(tmp_path, 'backend = "systemd-credentials"')
    made = init("--config", file)
    if os.geteuid() != 0:  # systemd's own key is root's
        assert (made.returncode, made.stderr.count("\n"), "run it as root" in made.stderr) == (2, 1, True)
        return
    assert (made.returncode, made.stderr) == (0, "")
    sealed = tmp_path / "state" / "doorward-keys.cred"
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    given = tmp_path / "credentials"
    given.mkdir()
    opening = ["systemd-creds", "decrypt", "--name=doorward-keys", str(sealed), str(given / "doorward-keys")]
    assert subprocess.run(opening, capture_output=True).returncode == 0
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    opened = open_keys(config.load(file))
    assert isinstance(opened, CredentialKeys)
    assert (opened.backend, opened.erase_strength, opened.device) == ("systemd-credentials", "best-effort", "desk-1")
    assert len(opened.epochs.secret(1)) == 32
    again = init("--config", file)
    assert (again.returncode, "exist already" in again.stderr) == (2, True)


@pytest.mark.skipif(os.geteuid() != 0, reason="systemd's own key is root's")
def test_a_credential_outlives_an_update_of_the_firmware(
    tmp_path: Path, tcti: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine with a TPM, which systemd-creds takes unless it is told otherwise."""
    (tmp_path / "bin").mkdir()
    there, real = tmp_path / "bin" / "systemd-creds", shutil.which("systemd-creds")
    there.write_text(
        f'#!/bin/sh\ncase "$*" in *--with-key=*) with= ;; *) with=--with-key=host+tpm2 ;; esac\n'
        f'word=$1; shift; exec {real} "$word" --tpm2-device={tcti} $with "$@"\n'
    )
    there.chmod(0o755)
    monkeypatch.setenv("PATH", f"{there.parent}:{os.environ['PATH']}")
    made = init("--config", configured(tmp_path, 'backend = "systemd-credentials"'))
    assert (made.returncode, made.stderr) == (0, "")
    subprocess.run(["tpm2_pcrextend", f"--tcti={tcti}", f"7:sha256={'7' * 64}"], check=True)
    sealed = tmp_path / "state" / "doorward-keys.cred"
    opening = [str(real), "decrypt", f"--tpm2-device={tcti}", "--name=doorward-keys", str(sealed), "-"]
    assert subprocess.run(opening, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--id", "gate-1"], "--state: give --state and --id, or a --config"),
        (["--state", "s"], "--state: give --state and --id, or a --config"),
        (["--state", "s", "--id", "gate-1"], "--insecure-dev: plain keys must be asked for by this option"),
        (["--state", "s", "--id", "Gate 1", "--insecure-dev"], "--id: 'Gate 1' is not made of lower-case letters"),
        (["--state", "s", "--id", "gate-1", "--insecure-dev", "--tcti", "device"], '--tcti: only backend = "tpm2"'),
        (["--config", "c.toml", "--id", "gate-1"], "--config: says all of it; leave the other options out"),
        (["--state", "s", "--id", "gate-1", "--keys", "tpm2", "--tcti", "swtpm:path=/none"], "TPM: tpm2_getcap failed"),
    ],
)
def test_what_cannot_be_is_one_line_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = init(*words)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"doorward: {said}")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
