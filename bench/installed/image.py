"""A fresh Debian of its own, as an installer meets it: booted by systemd, with Python, without a package of ours.

mosquitto and the camera of the network are the site's, which stands beside the device in the same container: with the
network off, its loopback is the only network that there is.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from bench.debian import Making, made

DEVICE: Final = ("ca-certificates", "dbus", "procps", "python3", "sudo", "systemd-sysv", "mosquitto")
CAMERA: Final = (
    "gir1.2-gst-rtsp-server-1.0", "gstreamer1.0-plugins-base", "gstreamer1.0-plugins-good", "gstreamer1.0-plugins-ugly",
    "python3-gi", "dbus-user-session",
)  # fmt: skip
"""Installed by apt: what they need is named by what other packages provide, which debootstrap does not look up."""
PYTHONS: Final = {"bookworm": "3.11", "trixie": "3.13"}


def image(suite: str) -> Path:
    """Its folder, made at the first call: some three minutes, and 0.8 GB on disk. Nobody may change it: take a copy.

    Args:
        suite: a key of `PYTHONS`.

    Raises:
        NotRun: not root, no archive within reach, or the disk is full.
    """
    return made(
        f"device-{suite}", "\n".join((suite, *DEVICE, *CAMERA)), lambda part, making: _make(suite, part, making)
    )


def _make(suite: str, part: Path, making: Making) -> None:
    making.debootstrap(suite, DEVICE, part)
    shutil.copyfile("/etc/resolv.conf", part / "etc/resolv.conf")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    for words in (("update",), ("install", "--yes", "--no-install-recommends", *CAMERA), ("clean",)):
        making.run("Debian", ["chroot", str(part), "apt-get", *words], environment)
    # The site's broker is started by the proof, with a configuration of its own.
    making.run("Debian", ["systemctl", f"--root={part}", "disable", "mosquitto.service"])
