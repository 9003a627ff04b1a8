"""scripts/install to its end, on a disk of its own: what it leaves, whom it follows, and what it takes away again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.adapters.certificates import Certificates, make_certificates
from tests.project.disk import Disk, bundle, namespaces

pytestmark = pytest.mark.skipif(not namespaces(), reason="it needs root and a mount namespace")
FIVE = ("--device", "a", "--site", "b", "--root-sha256", "c", "--repository", "d", "--broker", "e")
OWNED = "open('/run/owned', 'w')\n"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle(tmp_path_factory.mktemp("stick") / "bundle")


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.fixture
def called_from(tmp_path: Path, tls: Certificates) -> Path:
    """A folder of somebody who waits for root to come by."""
    made = tmp_path / "downloads"
    made.mkdir()
    for name in ("platform", "venv", "importlib", "runpy", "pip", "sitecustomize", "usercustomize", "doorward_told"):
        (made / f"{name}.py").write_text(OWNED)
    shutil.copy(tls.ca, made / "ca.pem")
    return made


def first(disk: Disk, release: Path, called_from: Path, *words: str) -> subprocess.CompletedProcess[str]:
    example = str(release / "device_config/door-usb.toml")
    return disk.install(release, *FIVE, "--example", example, "--broker-ca", "ca.pem", *words, folder=called_from)


def current(disk: Disk) -> str:
    return os.readlink(disk.at("/opt/doorward/current"))


def test_root_runs_no_python_from_where_it_was_called_and_finds_the_files_there(
    disk: Disk, release: Path, called_from: Path, tls: Certificates
) -> None:
    done = first(disk, release, called_from)
    assert done.returncode == 0, done.stderr
    assert not disk.at("/run/owned").exists()
    assert disk.at("/etc/doorward/broker-ca.pem").read_bytes() == tls.ca.read_bytes()
    assert re.fullmatch("/opt/doorward/releases/9.0-[0-9a-f]{12}", current(disk))
    user = disk.at("/var/lib/doorward").stat().st_uid
    assert user != 0 and f"shown by {user}\n" in done.stdout


def test_a_first_installation_that_does_not_start_is_taken_away_again(
    disk: Disk, release: Path, called_from: Path
) -> None:
    disk.broken("9.0")
    done = first(disk, release, called_from)
    assert done.returncode == 1
    assert re.search(
        r"\ninstall: it does not run, see above; all that was laid is taken away again [^\n]*\n$", done.stderr
    )
    keys = {"/var/lib/doorward", "/var/lib/doorward/doorward-keys.cred"}
    assert disk.names() == {"/etc/doorward", "/etc/sysusers.d/doorward.conf", *keys}

    disk.broken("none")
    again = disk.install(release)
    assert again.returncode == 0, again.stderr
    assert "questions asked: 0" in again.stderr and "shown by" in again.stdout, "its code was not shown before"


def test_an_upgrade_that_does_not_start_goes_back(disk: Disk, release: Path, called_from: Path, tmp_path: Path) -> None:
    assert first(disk, release, called_from).returncode == 0
    before = current(disk)
    disk.broken("9.1")
    done = disk.install(bundle(tmp_path / "newer", "9.1"))
    assert done.returncode == 1 and done.stderr.endswith(" is back and runs\n")
    assert current(disk) == before and disk.at(before).is_dir()


def test_an_upgrade_that_was_cut_off_still_knows_the_way_back(
    disk: Disk, release: Path, called_from: Path, tmp_path: Path
) -> None:
    assert first(disk, release, called_from).returncode == 0
    before, newer = current(disk), bundle(tmp_path / "newer", "9.1")
    disk.cut()
    assert disk.install(newer).returncode < 0 and current(disk) != before
    (newer / "wheels/a-link").symlink_to("/etc/passwd")  # refused before anything is switched
    assert "the bundle holds a link" in disk.install(newer).stderr
    (newer / "wheels/a-link").unlink()
    assert disk.at(current(disk)).is_dir(), "what may run now is not taken away"
    disk.broken("9.1")
    done = disk.install(newer)
    assert done.returncode == 1 and done.stderr.endswith(" is back and runs\n")
    assert current(disk) == before and disk.at(before).is_dir()

    disk.broken("none")
    assert disk.install(newer).returncode == 0
    assert current(disk) != before and not disk.at("/opt/doorward/former").exists()


def test_an_upgrade_that_was_cut_off_and_came_up_is_what_the_next_goes_back_to(
    disk: Disk, release: Path, called_from: Path, tmp_path: Path
) -> None:
    assert first(disk, release, called_from).returncode == 0
    disk.cut()
    assert disk.install(bundle(tmp_path / "newer", "9.1")).returncode < 0
    since = current(disk)
    disk.broken("9.2")
    done = disk.install(bundle(tmp_path / "newest", "9.2"))
    assert done.returncode == 1 and done.stderr.endswith(" is back and runs\n")
    assert current(disk) == since and disk.at(since).is_dir()


def test_a_file_that_an_option_names_is_renewed_and_other_options_are_not_looked_at(
    disk: Disk, release: Path, called_from: Path, tls: Certificates
) -> None:
    assert first(disk, release, called_from).returncode == 0
    config = disk.at("/etc/doorward/device.toml").read_bytes()
    shutil.copy(tls.other_ca, called_from / "ca.pem")
    other = ("--broker", "other", "--set", "broker.user=other")
    done = disk.install(release, "--broker-ca", "ca.pem", *other, folder=called_from)
    assert done.returncode == 0, done.stderr
    assert disk.at("/etc/doorward/broker-ca.pem").read_bytes() == tls.other_ca.read_bytes()
    for option in ("--broker", "--set"):
        said = f"{option} is not looked at: /etc/doorward/device.toml is there already; change it in there"
        assert said in done.stderr
    assert disk.at("/etc/doorward/device.toml").read_bytes() == config

    done = disk.install(release, "--repository-ca", "ca.pem", folder=called_from)
    line = "install: --repository-ca: /etc/doorward/device.toml does not name /etc/doorward/repository-ca.pem; "
    assert done.returncode == 2 and line in done.stderr
    assert not disk.at("/etc/doorward/repository-ca.pem").exists() and disk.at(current(disk)).is_dir()


def test_files_that_the_link_could_not_use_take_nobodys_place(
    disk: Disk, release: Path, called_from: Path, tls: Certificates
) -> None:
    pair = ("--broker-certificate", str(tls.client_cert), "--broker-key", str(tls.client_key))
    assert first(disk, release, called_from, *pair).returncode == 0
    (called_from / "cut.pem").write_bytes(tls.ca.read_bytes()[:100])
    locked = ["openssl", "pkey", "-aes256", "-passout", "pass:x", "-in", str(tls.client_key), "-out", "locked.key"]
    subprocess.run(locked, cwd=called_from, check=True, capture_output=True)
    for words in (
        ("--broker-certificate", str(tls.stranger_cert)),
        ("--broker-ca", "cut.pem"),
        ("--broker-key", "locked.key"),
    ):
        done = disk.install(release, *words, folder=called_from)
        assert (done.returncode, "cannot be used (" in done.stderr) == (2, True), done.stderr
        assert words[1] in done.stderr.splitlines()[-1]
    laid = [disk.at(f"/etc/doorward/{name}").read_bytes() for name in ("link/certificate.pem", "link/key.pem")]
    assert laid == [tls.client_cert.read_bytes(), tls.client_key.read_bytes()]
    assert disk.at("/etc/doorward/broker-ca.pem").read_bytes() == tls.ca.read_bytes()

    renewed = ("--broker-certificate", str(tls.stranger_cert), "--broker-key", str(tls.stranger_key))
    assert disk.install(release, *renewed).returncode == 0
    assert disk.at("/etc/doorward/link/key.pem").read_bytes() == tls.stranger_key.read_bytes()


def test_a_config_of_ones_own_comes_with_its_files(
    disk: Disk, release: Path, called_from: Path, tls: Certificates
) -> None:
    (called_from / "mine.toml").write_text('ca = "/etc/doorward/broker-ca.pem"\n')
    words = ("--config", "mine.toml", "--broker-ca", "ca.pem", "--device", "a")
    done = disk.install(release, *words, folder=called_from)
    assert done.returncode == 0, done.stderr
    assert disk.at("/etc/doorward/device.toml").read_text() == 'ca = "/etc/doorward/broker-ca.pem"\n'
    assert disk.at("/etc/doorward/broker-ca.pem").read_bytes() == tls.ca.read_bytes()
    assert "--device is not looked at" in done.stderr and "--config is not" not in done.stderr


def test_a_cut_between_keys_and_code_is_no_end_where_nothing_is_started(
    disk: Disk, release: Path, called_from: Path
) -> None:
    disk.at("/var/lib/doorward").mkdir(mode=0o700)
    disk.at("/var/lib/doorward/doorward-keys.cred").write_text("secret")
    done = first(disk, release, called_from, "--no-start")
    assert done.returncode == 0, done.stderr
    assert "this device's code is made at its start; then: doorward device show" in done.stderr.splitlines()[-1]


def test_the_boards_watchdog_is_set_where_there_is_one_and_nobody_has(
    disk: Disk, release: Path, called_from: Path
) -> None:
    laid = disk.at("/etc/systemd/system.conf.d/doorward.conf")
    assert first(disk, release, called_from).returncode == 0 and not laid.exists()
    disk.board()
    assert disk.install(release, "--keep-watchdog").returncode == 0 and not laid.exists()
    disk.at("/run/watchdog").write_text("1min\n")
    assert disk.install(release).returncode == 0 and not laid.exists(), "somebody has set it"
    disk.at("/run/watchdog").unlink()
    assert disk.install(release).returncode == 0
    assert laid.read_text().endswith("[Manager]\nRuntimeWatchdogSec=15\n")
    disk.at("/run/watchdog").write_text("15s\n")
    assert disk.install(release).returncode == 0 and laid.exists(), "it is ours"


def test_the_keys_are_destroyed_by_their_own_user_and_nothing_is_left(
    disk: Disk, release: Path, called_from: Path
) -> None:
    assert first(disk, release, called_from).returncode == 0
    state = disk.at("/var/lib/doorward")
    user = state.stat().st_uid
    disk.at("/var/lib/doorward/store.sqlite").touch()
    done = disk.install(release, "--uninstall", "--yes")
    assert done.returncode == 0 and f"keys destroyed by {user} 1\n" in done.stderr
    assert disk.names() == set()


def test_no_link_in_the_state_leads_the_uninstaller_elsewhere(disk: Disk, release: Path, called_from: Path) -> None:
    assert first(disk, release, called_from).returncode == 0
    state, others, text = disk.at("/var/lib/doorward"), disk.at("/etc/others"), "root:x:0:0\n"
    others.mkdir()
    for name in ("1.key", "shadow"):
        (others / name).write_text(text)
        os.chown(others / name, state.stat().st_uid, -1)  # nor to what that user may write
    os.link(state / "doorward-keys.cred", disk.at("/etc/kept"))
    (state / "epochs").symlink_to("/etc/others")
    (state / "keys.json").symlink_to("/etc/others/shadow")
    done = disk.install(release, "--uninstall", "--yes")
    assert done.returncode == 0 and "the command that destroys keys does not run (no erasing today)" in done.stderr
    assert {path.name: path.read_text() for path in others.iterdir()} == {"1.key": text, "shadow": text}
    assert disk.at("/etc/kept").read_bytes() == bytes(len("secret")), "what is no link is overwritten"
    assert disk.names() == set()
