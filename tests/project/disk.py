"""A disk on which scripts/install runs to its end without a machine: a mount namespace, with stand-ins for what starts.

Users, folders and environments are made by the real tools, on copies of what they change. Stand-ins are systemctl,
journalctl, and the release itself: a wheel whose `doorward` says who ran it. The whole
of it, with the real ones, is `scripts/prove systemd`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.conftest import ROOT

PYTHON: Final = Path("/usr/bin/python3")
"""The system's: what another user must be able to run lies in nobody's home."""
_PLACES: Final = ("etc", "opt", "run", "var/lib", "usr/local/bin", "usr/local/sbin")
_COPIED: Final = ("passwd", "group", "shadow", "gshadow", "nsswitch.conf", "ld.so.cache", "login.defs", "alternatives")
"""Of /etc: what programs need to start and users to be made."""
_SYSTEMCTL: Final = """#!/bin/bash
case $1 in
    show)
        case $* in
            *ActiveState*) echo active ;;
            *RuntimeWatchdogUSec*) cat /run/watchdog 2>/dev/null || echo 0 ;;
            *) echo 0 ;;
        esac
        ;;
    is-active) [[ $(readlink /opt/doorward/current) = */"$(cat /run/broken)"-* ]] && echo failed || echo active ;;
    start)
        if [ -e /run/cut ]; then
            rm /run/cut
            read -r _ _ _ installer _ <"/proc/$PPID/stat" # of `timeout`
            kill -KILL "$installer"
        fi
        [[ $(readlink /opt/doorward/current) != */"$(cat /run/broken)"-* ]]
        ;;
esac
"""
_DOORWARD: Final = """
import os, sys
from pathlib import Path

STATE = Path("/var/lib/doorward")

def main():
    words = sys.argv[1:]
    match words[:2]:
        case ["--version", *_]:
            print("doorward 9.0")
        case ["device", "fill", *_]:
            told = (each.partition("=") for each in words if "=" in each)
            Path(words[-1]).write_text("".join(f'{key} = "{value}"\\n' for key, _, value in told))
        case ["device", "init", *_]:
            STATE.mkdir(mode=0o700)
            (STATE / "doorward-keys.cred").write_text("secret")
            (STATE / "device.json").touch()
        case ["device", "show", *_]:
            (STATE / "device.json").read_bytes()
            print("shown by", os.geteuid())
        case ["device", "erase", *_]:
            if (STATE / "epochs").is_symlink():
                sys.exit("no erasing today")
            print("keys destroyed by", os.geteuid(), os.environ.get("PYTHONNOUSERSITE"))
"""


class Disk:
    """Installed on by `install`; `at` looks at it from outside."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "disk"
        for each in _PLACES:
            (self._root / each).mkdir(parents=True)
        for each in _COPIED:
            subprocess.run(["cp", "-a", f"/etc/{each}", self.at("/etc")], check=True)
        self.at("/etc/systemd/system").mkdir(parents=True)
        self.at("/run/systemd/system").mkdir(parents=True)
        self.broken("none")
        self._tools = folder / "tools"
        self._tools.mkdir()
        for name, text in (("systemctl", _SYSTEMCTL), ("journalctl", "#!/bin/sh\n"), ("sleep", "#!/bin/sh\n")):
            (self._tools / name).write_text(text)
            (self._tools / name).chmod(0o755)

    def at(self, path: str) -> Path:
        """Where that path of the disk lies in fact; its links lead astray from here."""
        return self._root / path.lstrip("/")

    def broken(self, version: str) -> None:
        """Of this version nothing starts from now on."""
        self.at("/run/broken").write_text(version)

    def cut(self) -> None:
        """The next start is where the power fails: the installer is killed."""
        self.at("/run/cut").touch()

    def board(self) -> None:
        """The machine has a watchdog of its own."""
        dev = self.at("/dev")
        dev.mkdir()
        for name in ("null", "zero", "random", "urandom"):
            subprocess.run(["cp", "-a", f"/dev/{name}", dev], check=True)
        (dev / "fd").symlink_to("/proc/self/fd")
        (dev / "watchdog0").touch()

    def names(self) -> set[str]:
        """Every path with the project's name in it."""
        return {f"/{path.relative_to(self._root)}" for path in self._root.rglob("*doorward*")}

    def install(self, bundle: Path, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Type it in that folder, or in the bundle's."""
        places = (*_PLACES, "dev") if self.at("/dev").exists() else _PLACES
        mounts = "".join(f"mount --bind {self._root}/{each} /{each}\n" for each in places)
        script = f'set -e\n{mounts}cd "$1"\nshift\nexec "$@"'
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "bash", "-c", script, "bash",
             str(folder or bundle), str(bundle / "scripts/install"), *words],
            env={"PATH": f"{self._tools}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip


def namespaces() -> bool:
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


def bundle(made: Path, version: str = "9.0") -> Path:
    """A bundle for this machine, of which the release does nothing but say who ran it."""
    for name in ("scripts/install", "systemd", "device_config", "LICENSE"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", ROOT / name, made / name], check=True)
    for name in ("models", "wheels", "requirements"):
        (made / name).mkdir()
    (made / "sbom.cdx.json").write_text("{}")
    asked = "import sys, platform; print(f'cp{sys.version_info[0]}{sys.version_info[1]}', platform.machine())"
    tag, machine = subprocess.run([PYTHON, "-c", asked], check=True, capture_output=True, text=True).stdout.split()
    (made / f"wheels/numpy-2.4.6-{tag}-{tag}-manylinux_2_28_{machine}.whl").touch()
    spec = importlib.util.find_spec("pip")
    assert spec is not None and spec.origin is not None
    home = Path(spec.origin).parent
    pip = {
        f"pip/{path.relative_to(home)}": path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    told = {"doorward_told.py": _DOORWARD.encode()}
    pins = [
        _wheel(made / "wheels", "doorward", version, told, "doorward = doorward_told:main"),
        _wheel(made / "wheels", "pip", "26.3", pip),
    ]
    # The release that is made here has no pip in it: that would take three times as long.
    text = "".join(pins).replace("pip==26.3 ", "pip==26.3 ; python_version < '3' ")
    (made / "requirements/wheels.txt").write_text(text)
    summed(made)
    return made


def summed(made: Path) -> None:
    """As scripts/build-wheels does, at its end."""
    command = "find . -type f ! -name SHA256SUMS -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >SHA256SUMS"
    subprocess.run(["bash", "-c", command], cwd=made, check=True)


def _wheel(folder: Path, name: str, version: str, files: Mapping[str, bytes], script: str = "") -> str:
    about = f"{name}-{version}.dist-info"
    whole = {
        **files,
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if script:
        whole[f"{about}/entry_points.txt"] = f"[console_scripts]\n{script}\n".encode()
    rows = "".join(f"{each},,\n" for each in whole)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in {**whole, f"{about}/RECORD": f"{rows}{about}/RECORD,,\n".encode()}.items():
            archive.writestr(each, data)
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
