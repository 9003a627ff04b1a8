"""A device as an installer makes it, in a booted container with the network off: docs/install.md typed word by word.

Printed are: exposure of the units with every drop-in, the time from the first key stroke to the first decision, what
the services may not do (by trying, in their own sandbox), the watchdog, upgrades with broken bundles, and the end; and
the same again for a device with a camera of the network. Ends with 1 if anything is not as promised, with 3 if it could
not be run. There is no camera in a container: a film of somebody unknown takes its place, played by the wheel's own
recording camera, and then by an RTSP server.

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
from pathlib import Path
from typing import Final

from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.debian import NotRun
from bench.installed import bundles
from bench.installed.image import PYTHONS, image
from bench.installed.kernel import hung, read_only
from bench.installed.machine import booted
from bench.installed.network import networked
from bench.installed.proof import CONSOLE, Proof
from bench.installed.site import Site
from tests.conftest import ROOT

NOT_RUN: Final = 3


def page() -> list[str]:
    """The commands of docs/install.md that are typed at the device, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/install.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return "".join(blocks).splitlines()


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
            proof.sandboxed(*proof.units)
            for line in (*lines, upgrade):
                proof.command(line)
            proof.aimed()
            proof.watched()
            hung(proof)
            read_only(proof)
            proof.started_anew()
            proof.upgraded()
            proof.removed(last)
            proof.lacking()
        with booted(base, stick, filtered=True) as machine:
            proof.machine = machine
            site.beside(machine)
            networked(proof, last)
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
