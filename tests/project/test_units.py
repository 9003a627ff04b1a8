"""The units: each line of their sandbox, what systemd itself reckons, and the two scripts that they start."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from agent.app.needs import FRAMES
from bench.installed.sandbox import exposure
from tests.conftest import ROOT

SYSTEMD = ROOT / "systemd"
RECOGNISER, LINK, RTSP = "doorward-recogniser.service", "doorward-link.service", "doorward-rtsp.service"
ALL = {
    "NoNewPrivileges": ["yes"],
    "CapabilityBoundingSet": [""],
    "AmbientCapabilities": [""],
    "ProtectSystem": ["strict"],
    "ProtectHome": ["yes"],
    "ProtectProc": ["invisible"],
    "ProtectClock": ["yes"],
    "ProtectHostname": ["yes"],
    "ProtectKernelLogs": ["yes"],
    "ProtectKernelModules": ["yes"],
    "ProtectKernelTunables": ["yes"],
    "ProtectControlGroups": ["yes"],
    "PrivateTmp": ["yes"],
    "PrivateMounts": ["yes"],
    "PrivateDevices": ["yes"],
    "DevicePolicy": ["closed"],
    "RootDirectory": ["/run/doorward-root"],
    "RestrictSUIDSGID": ["yes"],
    "RestrictNamespaces": ["yes"],
    "RestrictRealtime": ["yes"],
    "LockPersonality": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "KeyringMode": ["private"],
    "RemoveIPC": ["yes"],
    "SystemCallArchitectures": ["native"],
    "SystemCallFilter": ["@system-service", "~@privileged @resources @obsolete"],
    "UMask": ["0077"],
    "LimitCORE": ["0"],
    "Group": ["doorward"],
    "Type": ["notify"],
    "Restart": ["always"],
    "Environment": ["PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONNOUSERSITE=1 PYTHONSAFEPATH=1"],
    "MemorySwapMax": ["0"],
}
OWN = {
    RECOGNISER: {
        "User": ["doorward-recogniser"],
        "PrivateNetwork": ["yes"],
        "RestrictAddressFamilies": ["AF_UNIX"],
        "IPAddressDeny": ["any"],
        "WatchdogSec": ["20"],
        "StateDirectoryMode": ["0700"],
        "MemoryMax": ["768M"],
        "TasksMax": ["64"],
    },
    LINK: {
        "User": ["doorward-link"],
        "PrivateUsers": ["yes"],
        "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_UNIX"],
        "WatchdogSec": ["60"],
        "MemoryMax": ["256M"],
        "TasksMax": ["32"],
    },
    RTSP: {
        "User": ["doorward-rtsp"],
        "PrivateUsers": ["yes"],
        "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_UNIX"],
        "IPAddressDeny": ["any"],
        "SocketBindDeny": ["any"],
        "InaccessiblePaths": ["-/etc/doorward/link"],
        "WatchdogSec": ["20"],
        "MemoryMax": ["256M"],
        "TasksMax": ["32"],
    },
}
ONE_CAMERA = "[Service]\nIPAddressAllow=192.0.2.7\n"
"""As scripts/install lays it beside the reader's unit."""


class _All(dict[str, object]):
    """Keeps every line of a key that stands more than once, as systemd does."""

    def __setitem__(self, key: str, value: object) -> None:
        if isinstance(value, list) and isinstance(self.get(key), list):
            super().__setitem__(key, [*self[key], *value])  # type: ignore[misc]
        else:
            super().__setitem__(key, value)


def unit(path: Path) -> dict[str, dict[str, list[str]]]:
    parser = configparser.RawConfigParser(strict=False, dict_type=_All, delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read(path)
    return {name: {key: value.split("\n") for key, value in parser[name].items()} for name in parser.sections()}


@pytest.mark.parametrize("name", [RECOGNISER, LINK, RTSP])
def test_each_line_of_the_sandbox(name: str) -> None:
    service = unit(SYSTEMD / name)["Service"]
    for key, value in (ALL | OWN[name]).items():
        assert service.get(key) == value, f"{name}: {key}"


@pytest.mark.parametrize(("name", "most", "more"), [(RECOGNISER, 0.5, ""), (LINK, 1.0, ""), (RTSP, 1.0, ONE_CAMERA)])
def test_what_systemd_reckons_with_every_drop_in(name: str, most: float, more: str, tmp_path: Path) -> None:
    assert exposure(SYSTEMD, name, tmp_path, more) <= most


def test_nobody_is_served_but_the_link(root: Path) -> None:
    socket = unit(SYSTEMD / "doorward-recogniser.socket")["Socket"]
    assert socket["ListenStream"] == ["/run/doorward/link.sock"]
    assert (socket["SocketUser"], socket["SocketGroup"], socket["SocketMode"]) == (
        ["doorward-link"],
        ["doorward"],
        ["0600"],
    )
    assert "--socket /run/doorward/link.sock" in unit(SYSTEMD / LINK)["Service"]["ExecStart"][0]


def test_frames_are_handed_to_nobody_but_the_recogniser() -> None:
    socket = unit(SYSTEMD / "doorward-rtsp.socket")["Socket"]
    assert socket["ListenStream"] == [str(FRAMES)]
    assert (socket["SocketUser"], socket["SocketMode"]) == (["doorward-recogniser"], ["0600"])


@pytest.mark.parametrize("name", [LINK, RTSP])
def test_what_has_a_network_has_no_device_and_no_drop_in(name: str) -> None:
    service = unit(SYSTEMD / name)["Service"]
    assert not service.keys() & {"DeviceAllow", "SupplementaryGroups", "StateDirectory", "LoadCredentialEncrypted"}
    assert not (SYSTEMD / f"{name}.d").exists()


def test_drop_ins_widen_devices_and_keys_alone() -> None:
    allowed = {"PrivateDevices", "DeviceAllow", "LoadCredentialEncrypted"}
    for file in (SYSTEMD / f"{RECOGNISER}.d").iterdir():
        found = unit(file)
        assert found.keys() <= {"Unit", "Service"} and found.get("Service", {}).keys() <= allowed, file.name
        assert found.get("Unit", {}).keys() <= {"Wants", "After"}, file.name


def test_each_user_of_a_unit_is_made() -> None:
    text = (SYSTEMD / "sysusers.conf").read_text()
    for name in (RECOGNISER, LINK, RTSP):
        (user,) = unit(SYSTEMD / name)["Service"]["User"]
        assert f"\nu {user} - " in text and f"\nm {user} doorward\n" in text


def test_every_unit_is_verified_in_silence(tmp_path: Path) -> None:
    """`verify` returns 0 on a key that it does not know, so every line that it prints is a fault."""
    for file in SYSTEMD.rglob("*"):
        if file.suffix in (".service", ".socket", ".target"):
            text = file.read_text()
            # What is not installed here cannot be started here; the proof verifies the units where they are.
            text = text.replace("/opt/doorward/current/systemd/", f"{SYSTEMD}/")
            (tmp_path / file.name).write_text(text.replace("/opt/doorward/current/venv/bin/doorward", "/bin/true"))
    files = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def pause(folder: Path, sleeps: Path) -> str:
    """Run it as systemd does, with a `sleep` that only writes down how long."""
    (folder / "sleep").write_text(f'#!/bin/sh\necho "$1" >>{sleeps}\n')
    (folder / "sleep").chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "RUNTIME_DIRECTORY": str(folder)}
    subprocess.run([SYSTEMD / "pause"], env=environment, check=True, capture_output=True)
    return sleeps.read_text() if sleeps.exists() else ""


def test_starts_that_fail_come_ever_more_slowly(tmp_path: Path) -> None:
    sleeps = tmp_path / "sleeps"
    assert pause(tmp_path, sleeps) == "", "the first does not wait"
    for _ in range(8):
        pause(tmp_path, sleeps)
    assert sleeps.read_text().split() == ["1", "2", "4", "8", "16", "32", "60", "60"]
    began, _ = (tmp_path / "pause").read_text().split()
    (tmp_path / "pause").write_text(f"{int(began) - 16} 60\n")
    assert pause(tmp_path, sleeps).split()[8:] == [], "one that ran for a while is started at once"
    assert pause(tmp_path, sleeps).split()[8:] == ["1"]
    (tmp_path / "pause").write_text("x[$(touch /tmp/x)] y\n")
    assert pause(tmp_path, sleeps).split()[9:] == [], "a file that is damaged is no file"


def last_resort(
    folder: Path,
    *words: str,
    state: str = "failed",
    job: str = "",
    group: Sequence[Path] = (),
    up_h: int = 1,
    disk: str = "rw,errors=remount-ro",
    **facts: str,
) -> list[str]:
    """What it asked systemctl to do, for a recogniser of which these facts are true; run in the control group."""
    done = folder / "done"
    done.unlink(missing_ok=True)
    known = {"ActiveState": state, "list-jobs": f"117 doorward-recogniser.service {job} running", **facts}
    told = "".join(f"*{name}*) echo {value};; " for name, value in known.items())
    (folder / "systemctl").write_text(f'#!/bin/sh\ncase "$*" in {told} *show*) ;; *) echo "$*" >>{done};; esac\n')
    (folder / "findmnt").write_text(f"#!/bin/sh\necho {disk}\n")
    for name in ("systemctl", "findmnt"):
        (folder / name).chmod(0o755)
    (folder / "uptime").write_text(f"{up_h * 3600}.25 1.00\n")
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "DOORWARD_STAMP": str(folder / "stamps/started-anew"),
        "DOORWARD_UPTIME": str(folder / "uptime"),
        "STATE_DIRECTORY": str(folder / "state"),
        "DOORWARD_WAIT_S": "0",
        "DOORWARD_ASKED": str(folder / "asked"),
        "DOORWARD_OUTSIDE": "yes",
    }
    enter = "".join(f"echo $$ >{each}; " for each in group)
    command = ["bash", "-c", f'{enter}exec "$@"', "bash", str(SYSTEMD / "last-resort"), *words]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return done.read_text().splitlines() if done.exists() else []


ANEW = ["--force reboot"]
AGAIN = ["reset-failed doorward-recogniser.service", "--no-block start doorward-recogniser.service"]


@pytest.mark.parametrize("result", ["watchdog", "timeout", "signal", "core-dump"])
def test_what_hangs_starts_the_machine_anew_once_in_twelve_hours(tmp_path: Path, result: str) -> None:
    assert last_resort(tmp_path, Result=result) == ANEW
    assert last_resort(tmp_path, Result=result) == AGAIN
    stamp = tmp_path / "stamps/started-anew"
    assert stamp.read_text() == f"{result}\n", "the journal of before is gone"
    # A machine without a clock of its own wakes up behind the stamp, and must not start anew for ever.
    for age_h, up_h, expected in ((11, 1, AGAIN), (13, 1, ANEW), (-1, 1, AGAIN), (-1, 13, ANEW)):
        os.utime(stamp, (time.time() - age_h * 3600,) * 2)
        assert last_resort(tmp_path, Result=result, up_h=up_h) == expected, (age_h, up_h)


def test_where_no_stamp_can_be_written_the_machine_must_have_run_for_long(tmp_path: Path) -> None:
    (tmp_path / "stamps").write_text("no folder")
    assert last_resort(tmp_path, Result="watchdog") == AGAIN
    assert last_resort(tmp_path, Result="watchdog", up_h=13) == ANEW


@pytest.mark.parametrize("disk", ["ro", "ro,errors=remount-ro", "rw,emergency_ro", "rw,shutdown,errors=remount-ro"])
@pytest.mark.parametrize("result", ["exit-code", "resources"])
def test_a_disk_that_the_kernel_writes_to_no_more_starts_the_machine_anew(
    tmp_path: Path, disk: str, result: str
) -> None:
    assert last_resort(tmp_path, Result=result, disk=disk) == ANEW
    assert last_resort(tmp_path, Result=result, disk=disk) == AGAIN


def test_the_last_resort_starts_on_a_disk_that_takes_nothing() -> None:
    """No folder is to be made for it first: neither below /var nor below /tmp."""
    service = unit(SYSTEMD / "doorward-last-resort.service")["Service"]
    assert not service.keys() & {"StateDirectory", "PrivateTmp", "RuntimeDirectory"}
    assert "d /var/lib/doorward-last-resort " in (SYSTEMD / "tmpfiles.conf").read_text()


def test_what_is_plugged_in_later_is_a_kind_that_the_kernel_knows() -> None:
    """systemd.resource-control(5): a group that is not resolvable when the unit starts is not added."""
    found = unit(SYSTEMD / f"{RECOGNISER}.d" / "devices.conf")
    assert {"char-video4linux rw", "char-ttyUSB rw", "char-ttyACM rw"} <= set(found["Service"]["DeviceAllow"])
    for key in ("Wants", "After"):
        assert found["Unit"][key] == [
            " ".join(f"modprobe@{each}.service" for each in ("videodev", "usbserial", "cdc_acm"))
        ]


@pytest.mark.parametrize("result", ["exit-code", "resources", "oom-kill", "start-limit-hit"])
def test_a_fault_that_no_start_cures_does_not(tmp_path: Path, result: str) -> None:
    assert last_resort(tmp_path, Result=result) == AGAIN
    assert not (tmp_path / "stamps").exists()


def test_what_systemd_starts_again_by_itself_is_left_to_it(tmp_path: Path) -> None:
    """From systemd 254 on OnFailure= comes at every failure, not at the last alone."""
    assert last_resort(tmp_path, state="activating", Result="watchdog") == []
    assert last_resort(tmp_path, state="active", Result="watchdog") == []


@pytest.fixture
def group(tmp_path: Path) -> Iterator[list[Path]]:
    """A control group of its own: what takes a process into it, in each hierarchy that there is."""
    place = Path("/sys/fs/cgroup")
    roots = [each for each in (place / "systemd", place / "unified") if each.exists()] or [place]
    groups = [root / f"doorward-{os.getpid()}" for root in roots]
    try:
        for each in groups:
            each.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error.strerror}")
    yield [each / "cgroup.procs" for each in groups]
    for each in groups:
        each.rmdir()


@pytest.fixture
def left(group: list[Path]) -> Iterator[None]:
    """A process in there that does not end."""
    with subprocess.Popen(["sleep", "60"]) as process:
        for each in group:
            each.write_text(str(process.pid))
        yield
        process.kill()


def test_what_the_kernel_does_not_let_go_of_starts_the_machine_anew(
    tmp_path: Path, group: list[Path], left: None
) -> None:
    assert last_resort(tmp_path, "left-over", group=group) == ANEW
    assert last_resort(tmp_path, "left-over", group=group) == [], "not twice in twelve hours"
    assert not (tmp_path / "state").exists(), "root writes nothing where the recogniser may"


def test_where_nothing_is_left_over_nothing_happens(tmp_path: Path, group: list[Path]) -> None:
    assert last_resort(tmp_path, "left-over", group=group) == []
    assert not (tmp_path / "stamps").exists()


@pytest.mark.parametrize("job", ["stop", "restart"])
def test_not_where_somebody_has_asked_it_to_stop(tmp_path: Path, group: list[Path], left: None, job: str) -> None:
    assert last_resort(tmp_path, "left-over", group=group, job=job) == []
    assert last_resort(tmp_path, Result="timeout") == [], "and not because it had to be killed for that"
    assert not (tmp_path / "stamps").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="it asks for root first")
def test_a_command_is_run_with_no_module_out_of_the_state_either(tmp_path: Path) -> None:
    (tmp_path / "systemd-run").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "systemd-run").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run([SYSTEMD / "doorward-here", "people"], env=environment, check=True, capture_output=True)
    said = done.stdout.decode().splitlines()
    assert {"--setenv=PYTHONNOUSERSITE=1", "--setenv=PYTHONSAFEPATH=1", "--property=PrivateNetwork=yes"} <= set(said)


@pytest.mark.parametrize("name", [RECOGNISER, LINK, RTSP])
def test_a_module_in_the_users_home_is_not_run(tmp_path: Path, name: str) -> None:
    """With the system's Python in sight, as on a Raspberry Pi, an environment has the user's modules too."""
    words = ["/usr/bin/python3", "-I", "-m", "venv", "--without-pip", "--system-site-packages", str(tmp_path / "venv")]
    subprocess.run(words, check=True)
    python = tmp_path / "venv/bin/python"
    home = {"HOME": str(tmp_path)}
    place = subprocess.run([python, "-m", "site", "--user-site"], env=home, capture_output=True, text=True).stdout
    Path(place.strip()).mkdir(parents=True)
    Path(place.strip(), "usercustomize.py").write_text("print('run')")
    (line,) = unit(SYSTEMD / name)["Service"]["Environment"]
    environment = dict(each.split("=") for each in line.split())
    assert subprocess.run([python, "-c", ""], env=home, capture_output=True).stdout == b"run\n"
    assert subprocess.run([python, "-c", ""], env=home | environment, capture_output=True).stdout == b""


def test_a_start_that_failed_is_nobody_s_wish(tmp_path: Path, group: list[Path]) -> None:
    assert last_resort(tmp_path, "left-over", group=group, job="stop") == []
    assert last_resort(tmp_path, "left-over", group=group, job="start") == []
    assert last_resort(tmp_path, Result="watchdog") == ANEW


def test_logs_are_kept_in_memory() -> None:
    journal = unit(SYSTEMD / "journald.conf")["Journal"]
    assert journal["Storage"] == ["volatile"] and journal["RuntimeMaxUse"] == ["16M"]


def test_what_is_started_can_be_started() -> None:
    for name in ("pause", "last-resort", "doorward-here"):
        assert os.access(SYSTEMD / name, os.X_OK)
        subprocess.run([shutil.which("bash") or "bash", "-n", SYSTEMD / name], check=True)
