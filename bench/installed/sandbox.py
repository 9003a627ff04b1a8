"""What a unit lets its process do: by systemd's own reckoning, and by trying it inside the very same sandbox."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from bench.installed.machine import Machine

_PROBE: Final = """
import ctypes, json, os, socket
def how(act):
    try:
        act()
        return "did it"
    except OSError as error:
        return error.strerror or "no answer"
def reach(name):
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(f"/run/doorward/{name}.sock")
libc = ctypes.CDLL(None, use_errno=True)
def call(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def write(path):
    with open(path, "w") as file:
        file.write("x")
print("PROBE", json.dumps({
    "a socket of IPv4": how(lambda: socket.socket(socket.AF_INET)),
    "a socket of IPv6": how(lambda: socket.socket(socket.AF_INET6)),
    "a raw packet socket": how(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
    "to reach the broker": how(lambda: socket.create_connection(("127.0.0.1", 8883), 2)),
    "to reach the camera of the network": how(lambda: socket.create_connection(("127.0.0.2", 8554), 2)),
    "to write into /etc": how(lambda: write("/etc/doorward/device.toml")),
    "to write into /opt": how(lambda: write("/opt/doorward/current/x")),
    "to write into /usr": how(lambda: write("/usr/x")),
    "to read /home": how(lambda: os.listdir("/home")),
    "to read /etc/shadow": how(lambda: open("/etc/shadow").read()),
    "to read the link's key": how(lambda: open("/etc/doorward/link/key.pem").read()),
    "to read the vault": how(lambda: open("/var/lib/doorward/store.sqlite", "rb").read(4)),
    "to read the keys' credential": how(lambda: os.listdir("/run/credentials/doorward-recogniser.service")),
    "to read the camera's password": how(lambda: open("/etc/doorward/rtsp/password").read()),
    "to connect to the link's socket": how(lambda: reach("link")),
    "to connect to the socket of frames": how(lambda: reach("frames")),
    "to read the memory of the machine": how(lambda: open("/dev/mem", "rb").read(1)),
    "to open a disk": how(lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(8, 0))),
    "a user namespace": how(lambda: call(libc.unshare(0x10000000))),
    "to become root": how(lambda: os.setuid(0)),
    "to set the clock": how(lambda: __import__("time").clock_settime(0, 0)),
    "to mount": how(lambda: call(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))),
}))
"""
_MAY: Final = {
    "doorward-recogniser.service": {"to read the vault"},
    "doorward-link.service": {
        "a socket of IPv4", "a socket of IPv6", "to reach the broker", "to reach the camera of the network",
        "to read the link's key", "to connect to the link's socket",
    },
    "doorward-rtsp.service": {
        "a socket of IPv4", "a socket of IPv6", "to reach the camera of the network", "to read the camera's password",
    },
}  # fmt: skip
"""What each is there for; that the recogniser may connect to the socket of frames is not tried."""


def exposure(units: Path, name: str, scratch: Path, more: str = "") -> float:
    """`systemd-analyze security --offline=true` of a unit file with all of its drop-ins; 0 is best, 10 is worst.

    Args:
        scratch: a new folder.
        more: a drop-in that scripts/install makes itself.
    """
    place = scratch / "etc/systemd/system"
    place.mkdir(parents=True)
    shutil.copy(units / name, place)
    if (units / f"{name}.d").exists():
        shutil.copytree(units / f"{name}.d", place / f"{name}.d")
    if more:
        (place / f"{name}.d").mkdir()
        (place / f"{name}.d/more.conf").write_text(more)
    words = [
        "systemd-analyze",
        "security",
        "--offline=true",
        f"--root={scratch}",
        "--threshold=100",
        "--no-pager",
        name,
    ]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    level = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    assert level is not None, said
    return float(level[1])


def tried(machine: Machine, unit: str) -> list[tuple[str, str, bool]]:
    """What a process in this unit's sandbox tried, the answer, and whether it is as it should be."""
    system = machine.disk("/etc/systemd/system")
    text = (system / unit).read_text()
    # The same file with another program: same user, same namespaces, same filters.
    text = re.sub(
        r"^(ExecStartPre|ExecStopPost|WatchdogSec|Restart|OnFailure|Requires|Type)=.*\n", "", text, flags=re.MULTILINE
    )
    text = re.sub(
        r"^ExecStart=.*$", "Type=oneshot\nExecStart=/usr/bin/python3 /opt/doorward/probe.py", text, flags=re.M
    )
    text = re.sub(r"^(Runtime|State)Directory(?!Mode).*\n", "", text, flags=re.MULTILINE)
    text = text.replace("ProtectSystem=strict", "ProtectSystem=strict\nReadWritePaths=-/var/lib/doorward")
    if unit == "doorward-recogniser.service":
        text = text.replace("RootDirectory=", "BindPaths=/var/lib/doorward\nRootDirectory=")
    (system / "doorward-probe.service").write_text(text)
    if (system / f"{unit}.d").exists():
        shutil.copytree(system / f"{unit}.d", system / "doorward-probe.service.d")
    machine.disk("/opt/doorward/probe.py").write_text(_PROBE)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "doorward-probe.service")
    said = machine.run("journalctl", "-q", "--no-pager", "-o", "cat", "-u", "doorward-probe.service").text
    (system / "doorward-probe.service").unlink()
    shutil.rmtree(system / "doorward-probe.service.d", ignore_errors=True)
    machine.disk("/opt/doorward/probe.py").unlink()
    machine.run("systemctl", "daemon-reload")
    lines = [line for line in said.splitlines() if line.startswith("PROBE ")]
    if not lines:
        return [("anything at all", said[-300:], False)]
    found: dict[str, str] = json.loads(lines[-1].removeprefix("PROBE "))
    return [(what, answer, (answer == "did it") == (what in _MAY[unit])) for what, answer in found.items()]
