"""What is looked at on a device that was just installed: each part of `scripts/prove systemd`, and what it found."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console

from bench.installed import bundles
from bench.installed.machine import STICK, Machine
from bench.installed.sandbox import exposure, tried
from bench.installed.site import CAMERA, DEVICE, NAME, REPOSITORY, Site, decisions, wait_decisions
from tests.conftest import ROOT

CONSOLE = Console(highlight=False, width=150)
BACK_S: Final = 30.0
RTSP: Final = "doorward-rtsp.service"
_MOST: Final = {"doorward-recogniser.service": 0.5, "doorward-link.service": 1.0, RTSP: 1.0}
"""Exposure."""


class Proof:
    def __init__(self, machine: Machine, site: Site, stick: Path, bundle: Path) -> None:
        self.machine, self.site, self.stick, self.bundle = machine, site, stick, bundle
        self.units = ["doorward-recogniser.service", "doorward-link.service"]
        self.rows: list[tuple[str, str, str, bool]] = []
        self.answers = {
            "Name of this device": DEVICE,
            "Name of the site": NAME,
            "Fingerprint of": site.root_sha256,
            "Address of": REPOSITORY,
            "MQTT broker": "127.0.0.1",
            "Destroy this device": "yes",
        }

    def found(self, what: str, value: str, goal: str, good: bool) -> None:
        self.rows.append((what, value, goal, good))
        CONSOLE.print(f"{what}: {value}" + ("" if good else f"   [bold red]goal: {goal}[/]"))

    def command(self, line: str) -> None:
        """One of the page, which must succeed."""
        said, _ = self.machine.typed(line, self.answers, folder=f"{STICK}/{self.bundle.name}")
        self.found(f"typed: {line[:100]}", f"exit {said.code}", "exit 0", said.code == 0)
        if said.code:
            CONSOLE.print(said.text[-2000:], markup=False)

    # The parts ----------------------------------------------------------------------------------------------------

    def installed(self, line: str) -> None:
        networks = [row.split(":")[0].strip() for row in self.machine.run("cat", "/proc/net/dev").text.splitlines()[2:]]
        self.found("network of the machine", ", ".join(networks), "lo", networks == ["lo"])
        began = time.monotonic()
        said, asked = self.machine.typed(line, self.answers, folder=f"{STICK}/{self.bundle.name}")
        took_s = time.monotonic() - began
        for row in said.text.splitlines():
            if row.startswith("[") or "install:" in row:
                CONSOLE.print(f"   {row}", style="dim", markup=False)
        self.found("scripts/install", f"exit {said.code} after {took_s:.1f} s", "exit 0", said.code == 0)
        self.found("questions asked", str(len(asked)), "≤ 5", len(asked) <= 5)
        self.site.admit(self.machine)
        wait_decisions(self.machine, 0, 60)
        some = decisions(self.machine) > 0
        total_s = time.monotonic() - began
        self.found("one command on a fresh image to the first decision, the operator's included",
                   f"{total_s:.1f} s" if some else "none", "a decision", some)  # fmt: skip

    def users(self) -> None:
        for unit in self.units:
            user, pid = unit.removesuffix(".service"), self.machine.fact(unit, "MainPID")
            whose = self.machine.run("ps", "-o", "user:32=", "-p", pid).text
            self.found(f"user of {unit}", whose, user, whose == user)
        kept = self.machine.run("ls", "/run/credentials/doorward-recogniser.service").text
        self.found("credential in the recogniser", kept, "doorward-keys", kept == "doorward-keys")
        plain = self.machine.run("grep", "-c", "signing", "/var/lib/doorward/doorward-keys.cred")
        self.found("its file on the disk in the clear", plain.text, "0", plain.text == "0")

    def analysed(self) -> None:
        units = sorted(
            str(path) for path in self.machine.disk("/etc/systemd/system").glob("doorward*.*") if path.is_file()
        )
        inside = [f"/etc/systemd/system/{Path(each).name}" for each in units]
        said = self.machine.run("systemd-analyze", "verify", "--man=no", *inside).text
        self.found(f"systemd-analyze verify of {len(inside)} units", said or "nothing", "nothing", not said)
        with tempfile.TemporaryDirectory() as scratch:
            for unit in self.units:
                more = f"[Service]\nIPAddressAllow={CAMERA[0]}\n" if unit == RTSP else ""
                figure = exposure(ROOT / "systemd", unit, Path(scratch) / unit, more)
                self.found(f"exposure of {unit}, every drop-in laid (this machine's systemd)", f"{figure:.1f}",
                           f"≤ {_MOST[unit]}", figure <= _MOST[unit])  # fmt: skip
        for unit in self.units:
            text = self.machine.run("systemd-analyze", "security", "--no-pager", unit).text
            level = re.search(r"exposure level for \S+: ([0-9.]+)", text)
            figure = float(level[1]) if level else 10.0
            self.found(f"exposure of {unit}, as it runs", f"{figure:.1f}", f"≤ {_MOST[unit]}", figure <= _MOST[unit])

    def sandboxed(self, *units: str) -> None:
        for unit in units:
            for what, answer, good in tried(self.machine, unit):
                self.found(f"{unit.split('.')[0]} tries {what}", answer, "as it should be", good)

    def aimed(self) -> None:
        """The recogniser stays stopped while its camera is aimed, on a page that others can reach."""
        count, said = decisions(self.machine), self.machine.disk("/root/aim")
        self.machine.run("systemctl", "stop", "doorward-recogniser.socket")
        aim = "doorward-here aim --config /etc/doorward/device.toml </dev/null >/root/aim 2>&1 &"
        self.machine.run("bash", "-c", aim)
        began = time.monotonic()
        while "aim at http" not in (said.read_text("utf-8") if said.exists() else "") and time.monotonic() - began < 30:
            time.sleep(0.2)
        page = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8481/').status)"
        answer = self.machine.run("python3", "-c", page).text[-100:]
        self.found("stopped, and aimed: its page answers", answer, "200", answer == "200")
        state = self.machine.fact(self.units[0], "ActiveState")
        self.found("   meanwhile the recogniser, whose link runs, is", state, "inactive", state == "inactive")
        self.machine.run("systemctl", "stop", "run-*.service")
        self.machine.run("systemctl", "start", "doorward.target")
        more = wait_decisions(self.machine, count, 60)
        self.found("   started again, it decides after", f"{more or 0:.1f} s", "it does", more is not None)

    def watched(self) -> None:
        """Stopped, it neither judges nor commits; killed, it has not even a chance to say so."""
        recogniser, link = self.units
        for unit, number, name in ((recogniser, "STOP", "hangs"), (recogniser, "KILL", "is killed"), (
            link, "KILL", "is killed")):  # fmt: skip
            count = decisions(self.machine)
            self.back(unit, number, name)
            if unit == recogniser:
                more = wait_decisions(self.machine, count, 60)
                self.found("   and decides again after", f"{more or 0:.1f} s", "it does", more is not None)
        said = self.machine.run("journalctl", "--no-pager", "-q", "-u", recogniser, "-o", "cat").text
        times = said.count("Watchdog timeout")
        self.found("watchdog's word in the journal", f"{times} times", "1 time", times == 1)

    def back(self, unit: str, number: str, name: str) -> None:
        """It gets this signal, and is up again in time."""
        pid = self.machine.fact(unit, "MainPID")
        self.machine.run("kill", f"-{number}", pid)
        began = time.monotonic()
        while time.monotonic() - began < 2 * BACK_S:
            if self.machine.fact(unit, "MainPID") not in ("0", pid) and self.machine.fact(
                unit, "ActiveState") == "active":  # fmt: skip
                break
            time.sleep(0.1)
        took_s = time.monotonic() - began
        self.found(f"{unit} {name}: up again after", f"{took_s:.1f} s", f"≤ {BACK_S:.0f} s", took_s <= BACK_S)

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Four starts that fail are too many, instead of forty."""
        limits = self.machine.disk("/etc/systemd/system/doorward-recogniser.service.d/limits.conf")
        limits.parent.mkdir(exist_ok=True)
        limits.write_text("[Unit]\nStartLimitBurst=4\n")
        self.machine.run("systemctl", "daemon-reload")
        yield
        limits.unlink()

    def started_anew(self) -> None:
        """A recogniser that is killed again and again: the machine starts anew, and all comes back by itself."""
        unit, began = self.units[0], time.monotonic()
        stamp = self.machine.disk("/var/lib/doorward-last-resort/started-anew")
        with self.limited():
            while not stamp.exists() and time.monotonic() - began < 120:
                if (pid := self.machine.fact(unit, "MainPID")) not in ("", "0"):
                    self.machine.run("kill", "-KILL", pid)
                time.sleep(0.3)
            count = decisions(self.machine)
            up = self.machine.wait_up()
            self.found("killed again and again: the machine", "starts anew" if up else "does not", "starts anew", up)
        more = wait_decisions(self.machine, count, 60)
        self.found("   and decides after its boot, untouched", "yes" if more else "no", "yes", more is not None)
        self.site.serve(self.machine)

    def refused(self, bundle: str, words: str) -> None:
        """An upgrade with it fails, and what ran before runs."""
        current = self.machine.run("readlink", "/opt/doorward/current").text
        said, _ = self.machine.typed("sudo scripts/install", {}, folder=f"{STICK}/{bundle}")
        now = self.machine.run("readlink", "/opt/doorward/current").text
        up = all(self.machine.fact(unit, "ActiveState") == "active" for unit in self.units)
        good = said.code == 1 and words in said.text and now == current and up
        self.found(f"upgrade with {bundle}", f"exit {said.code}, {'the former runs' if up else 'nothing runs'}",
                   f"exit 1, {words!r}", good)  # fmt: skip
        if not good:
            CONSOLE.print(said.text[-1500:], markup=False)

    def upgraded(self) -> None:
        self.refused(bundles.flipped(self.bundle, self.stick), "nothing was changed")
        crashing = bundles.crashing(self.bundle, self.stick)
        self.cut_off(crashing)
        self.refused(crashing, "is back and runs")
        current = self.machine.run("readlink", "/opt/doorward/current").text
        name = bundles.newer(self.bundle, self.stick)
        said, asked = self.machine.typed("sudo scripts/install", {}, folder=f"{STICK}/{name}")
        now = self.machine.run("readlink", "/opt/doorward/current").text
        good = said.code == 0 and now != current and not asked
        self.found(
            "upgrade with a good bundle", f"exit {said.code}, {len(asked)} questions", "exit 0, 0 questions", good
        )
        more = wait_decisions(self.machine, decisions(self.machine), 60)
        self.found("   and decides after", f"{more or 0:.1f} s", "it does", more is not None)

    def cut_off(self, bundle: str) -> None:
        """An upgrade to a release that does not run is killed behind the switch; once more it finds the way back."""
        former, folder = self.machine.run("readlink", "/opt/doorward/current").text, f"{STICK}/{bundle}"
        self.machine.typed("sudo scripts/install", {}, folder=folder, heard=lambda text: "] starting" in text)
        switched = self.machine.run("readlink", "/opt/doorward/current").text != former
        said, _ = self.machine.typed("sudo scripts/install", {}, folder=folder)
        back = self.machine.run("readlink", "/opt/doorward/current").text == former
        up = all(self.machine.fact(unit, "ActiveState") == "active" for unit in self.units)
        good = switched and said.code == 1 and "is back and runs" in said.text and back and up
        found = f"exit {said.code}, {'the former runs' if up and back else 'it does not'}"
        self.found("upgrade cut off behind the switch, and run again", found, "exit 1, the former runs", good)
        if not good:
            CONSOLE.print(said.text[-1500:], markup=False)

    def lacking(self) -> None:
        """A Pi's camera and relay on a machine that has neither's library: told, and nothing is switched."""
        line = "sudo scripts/install --example device_config/gate-pi.toml --no-start"
        said, _ = self.machine.typed(line, self.answers, folder=f"{STICK}/{self.bundle.name}")
        told = "apt-get install python3-picamera2" in said.text.splitlines()[-1]
        there = self.machine.disk("/opt/doorward/current").is_symlink()
        self.found("a Pi's camera without picamera2", f"exit {said.code}, {'told' if told else 'not told'}",
                   "exit 1, told, nothing switched", said.code == 1 and told and not there)  # fmt: skip
        if said.code != 1:
            CONSOLE.print(said.text[-1500:], markup=False)
        self.machine.disk("/etc/doorward/device.toml").unlink(missing_ok=True)

    def removed(self, line: str) -> None:
        """Interrupted right behind its first act, the keys are gone; then to the end."""
        self.machine.typed(
            line, self.answers, folder=f"{STICK}/{self.bundle.name}", heard=lambda text: "keys destroyed" in text
        )
        left = [path.name for path in self.machine.disk("/var/lib/doorward").glob("**/*key*")]
        there = self.machine.disk("/opt/doorward/current").is_symlink()
        self.found("uninstall killed behind its first act: key files left, program still there",
                   f"{len(left)}, {there}", "0, True", not left and there)  # fmt: skip
        self.gone(line)

    def gone(self, line: str) -> None:
        said, _ = self.machine.typed(line, self.answers, folder=f"{STICK}/{self.bundle.name}")
        rest = self.machine.run(
            "find", "/", "/run", "-xdev", "-path", "/media/stick", "-prune", "-o", "-name", "*doorward*", "-print"
        ).text.split()
        users = self.machine.run("getent", "passwd", "doorward-recogniser", "doorward-link", "doorward-rtsp").text
        self.found("uninstall: files, users left", f"{len(rest)}, {users or 0}", "0, 0",
                   said.code == 0 and not rest and not users)  # fmt: skip
        if said.code or rest:
            CONSOLE.print(said.text[-1500:], rest, markup=False)
