"""A device as an installer makes it, in a booted container with the network off: docs/install.md typed word by word.

Printed are: exposure of the units with every drop-in, the time from the first key stroke to the first decision, what
the recogniser may not do (by trying, in its own sandbox), the watchdog, upgrades with broken bundles, and the end.
Ends with 1 if anything is not as promised, with 3 if it could not be run. There is no camera in a container: a film of
somebody unknown takes its place, played by the wheel's own recording camera.

    scripts/prove systemd                       # as root; reaches Debian's archive and Python's index once
    scripts/prove systemd --suite=trixie
"""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.debian import NotRun
from bench.installed import bundles
from bench.installed.image import PYTHONS, image
from bench.installed.machine import STICK, Machine, booted
from bench.installed.sandbox import exposure, tried
from bench.installed.site import DEVICE, NAME, REPOSITORY, Site, decisions, wait_decisions
from tests.conftest import ROOT

CONSOLE = Console(highlight=False, width=150)
NOT_RUN: Final = 3
BACK_S: Final = 30.0
_CONFIG: Final = "/etc/doorward/device.toml"
_UNITS: Final = ("doorward-recogniser.service", "doorward-link.service")


def page() -> list[str]:
    """The commands of docs/install.md that are typed at the device, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/install.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return "".join(blocks).splitlines()


class Proof:
    def __init__(self, machine: Machine, site: Site, stick: Path, bundle: Path) -> None:
        self.machine, self.site, self.stick, self.bundle = machine, site, stick, bundle
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
        for unit, user in zip(_UNITS, ("doorward-recogniser", "doorward-link"), strict=True):
            pid = self.machine.fact(unit, "MainPID")
            whose = self.machine.run("ps", "-o", "user:32=", "-p", pid).text
            self.found(f"user of {unit}", whose, user, whose == user)
        kept = self.machine.run("ls", "/run/credentials/doorward-recogniser.service").text
        self.found("credential in the recogniser", kept, "doorward-keys", kept == "doorward-keys")
        plain = self.machine.run("grep", "-c", "signing", "/var/lib/doorward/doorward-keys.cred")
        self.found("its file on the disk in the clear", plain.text, "0", plain.text == "0")

    def analysed(self) -> None:
        units = [f"/etc/systemd/system/{name}" for name in (
            "doorward.target", "doorward-recogniser.socket", "doorward-last-resort.service", *_UNITS)]  # fmt: skip
        said = self.machine.run("systemd-analyze", "verify", "--man=no", *units).text
        self.found("systemd-analyze verify", said or "nothing", "nothing", not said)
        with tempfile.TemporaryDirectory() as scratch:
            for unit, most in zip(_UNITS, (0.5, 1.0), strict=True):
                figure = exposure(ROOT / "systemd", unit, Path(scratch) / unit)
                self.found(f"exposure of {unit}, every drop-in laid (this machine's systemd)", f"{figure:.1f}",
                           f"≤ {most}", figure <= most)  # fmt: skip
        for unit, most in zip(_UNITS, (0.5, 1.0), strict=True):
            text = self.machine.run("systemd-analyze", "security", "--no-pager", unit).text
            level = re.search(r"exposure level for \S+: ([0-9.]+)", text)
            figure = float(level[1]) if level else 10.0
            self.found(f"exposure of {unit}, as it runs", f"{figure:.1f}", f"≤ {most}", figure <= most)

    def sandboxed(self) -> None:
        for unit in _UNITS:
            for what, answer, good in tried(self.machine, unit):
                self.found(f"{unit.split('.')[0]} tries {what}", answer, "as it should be", good)

    def watched(self) -> None:
        """Stopped, it neither judges nor commits; killed, it has not even a chance to say so."""
        for unit, number, name in ((_UNITS[0], "STOP", "hangs"), (_UNITS[0], "KILL", "is killed"), (
            _UNITS[1], "KILL", "is killed")):  # fmt: skip
            pid, count = self.machine.fact(unit, "MainPID"), decisions(self.machine)
            self.machine.run("kill", f"-{number}", pid)
            began = time.monotonic()
            while time.monotonic() - began < 2 * BACK_S:
                if self.machine.fact(unit, "MainPID") not in ("0", pid) and self.machine.fact(
                    unit, "ActiveState") == "active":  # fmt: skip
                    break
                time.sleep(0.1)
            took_s = time.monotonic() - began
            self.found(f"{unit} {name}: up again after", f"{took_s:.1f} s", f"≤ {BACK_S:.0f} s", took_s <= BACK_S)
            if unit == _UNITS[0]:
                more = wait_decisions(self.machine, count, 60)
                self.found("   and decides again after", f"{more or 0:.1f} s", "it does", more is not None)
        said = self.machine.run("journalctl", "--no-pager", "-q", "-u", _UNITS[0], "-o", "cat").text
        times = said.count("Watchdog timeout")
        self.found("watchdog's word in the journal", f"{times} times", "1 time", times == 1)

    def started_anew(self) -> None:
        """A recogniser that is killed again and again: the machine starts anew, and all comes back by itself."""
        unit, limits = _UNITS[0], self.machine.disk("/etc/systemd/system/doorward-recogniser.service.d/limits.conf")
        limits.parent.mkdir(exist_ok=True)
        limits.write_text("[Unit]\nStartLimitBurst=4\n")  # instead of forty
        self.machine.run("systemctl", "daemon-reload")
        began = time.monotonic()
        last = "doorward-last-resort.service"
        while self.machine.fact(last, "ActiveState") == "inactive" and time.monotonic() - began < 120:
            if (pid := self.machine.fact(unit, "MainPID")) not in ("", "0"):
                self.machine.run("kill", "-KILL", pid)
            time.sleep(0.3)
        count = decisions(self.machine)
        up = self.machine.wait_up()
        self.found("killed again and again: the machine", "starts anew" if up else "does not", "starts anew", up)
        limits.unlink()
        more = wait_decisions(self.machine, count, 60)
        self.found("   and decides after its boot, untouched", "yes" if more else "no", "yes", more is not None)
        self.site.serve(self.machine)

    def upgraded(self) -> None:
        current = self.machine.run("readlink", "/opt/doorward/current").text
        for name, words in (
            (bundles.flipped(self.bundle, self.stick), "nothing was changed"),
            (bundles.crashing(self.bundle, self.stick), "is back and runs"),
        ):
            said, _ = self.machine.typed("sudo scripts/install", {}, folder=f"{STICK}/{name}")
            now = self.machine.run("readlink", "/opt/doorward/current").text
            up = all(self.machine.fact(unit, "ActiveState") == "active" for unit in _UNITS)
            good = said.code == 1 and words in said.text and now == current and up
            self.found(f"upgrade with {name}", f"exit {said.code}, {'the former runs' if up else 'nothing runs'}",
                       f"exit 1, {words!r}", good)  # fmt: skip
            if not good:
                CONSOLE.print(said.text[-1500:], markup=False)
        name = bundles.newer(self.bundle, self.stick)
        said, asked = self.machine.typed("sudo scripts/install", {}, folder=f"{STICK}/{name}")
        now = self.machine.run("readlink", "/opt/doorward/current").text
        good = said.code == 0 and now != current and not asked
        self.found(
            "upgrade with a good bundle", f"exit {said.code}, {len(asked)} questions", "exit 0, 0 questions", good
        )
        more = wait_decisions(self.machine, decisions(self.machine), 60)
        self.found("   and decides after", f"{more or 0:.1f} s", "it does", more is not None)

    def removed(self, line: str) -> None:
        """Interrupted right behind its first act, the keys are gone; then to the end."""
        said, _ = self.machine.typed(
            line, self.answers, folder=f"{STICK}/{self.bundle.name}", heard=lambda text: "keys destroyed" in text
        )
        left = [path.name for path in self.machine.disk("/var/lib/doorward").glob("**/*key*")]
        there = self.machine.disk("/opt/doorward/current").is_symlink()
        self.found("uninstall killed behind its first act: key files left, program still there",
                   f"{len(left)}, {there}", "0, True", not left and there)  # fmt: skip
        said, _ = self.machine.typed(line, self.answers, folder=f"{STICK}/{self.bundle.name}")
        rest = self.machine.run(
            "find", "/", "/run", "-xdev", "-path", "/media/stick", "-prune", "-o", "-name", "*doorward*", "-print"
        ).text.split()
        users = self.machine.run("getent", "passwd", "doorward-recogniser", "doorward-link").text
        self.found("uninstall: files, users left", f"{len(rest)}, {users or 0}", "0, 0",
                   said.code == 0 and not rest and not users)  # fmt: skip
        if said.code or rest:
            CONSOLE.print(said.text[-1500:], rest, markup=False)


def prove(suite: str) -> bool:
    with tempfile.TemporaryDirectory(prefix="doorward-systemd-") as scratch:
        stick = Path(scratch) / "stick"
        stick.mkdir()
        bundle = bundles.made(stick, PYTHONS[suite], platform.machine())
        site = Site(Path(scratch), stick)
        with CONSOLE.status("a fresh Debian boots"):
            base = image(suite)
        with booted(base, stick) as machine:
            proof = Proof(machine, site, stick, bundle)
            site.beside(machine)
            first, *lines, upgrade, last = page()
            proof.installed(first)
            proof.users()
            proof.analysed()
            proof.sandboxed()
            for line in (*lines, upgrade):
                proof.command(line)
            proof.watched()
            proof.started_anew()
            proof.upgraded()
            proof.removed(last)
    table = Table(title=f"{suite}, {platform.machine()}")
    for head in ("what", "found", "goal"):
        table.add_column(head)
    for what, value, goal, good in proof.rows:
        table.add_row(what, value, goal, style=None if good else "bold red")
    CONSOLE.print(table)
    return all(good for *_, good in proof.rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=sorted(PYTHONS), default="bookworm")
    given = parser.parse_args()
    if shutil.which("systemd-nspawn") is None:
        with CONSOLE.status("installing systemd-container with apt"):
            subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", "systemd-container"],
                           stdin=subprocess.DEVNULL, capture_output=True)  # fmt: skip
    try:
        return 0 if prove(given.suite) else 1
    except NotRun as error:
        CONSOLE.print(f"not run: {error}", style="bold red", markup=False)
        return NOT_RUN


if __name__ == "__main__":
    sys.exit(main())
