"""A Debian with a kernel of its own, libcamera and picamera2, as the disk of a virtual machine.

It is of Debian's trixie, whose libcamera has a virtual camera and Python bindings; Raspberry Pi OS of that name has the
same of newer releases. picamera2 comes from Python's index at one pinned release, the rest from this project's locks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.debian import Making, NotRun, made
from tests.conftest import ROOT

SUITE: Final = "trixie"
PACKAGES: Final = (
    "ca-certificates", "gcc", "initramfs-tools", "iproute2", "kmod", "libarchive13t64", "libc6-dev", "libcamera-ipa",
    "libcamera-tools", "libcap-dev", "linux-image-amd64", "procps", "python3", "python3-dev", "python3-libcamera",
    "python3-venv", "udev", "v4l-utils",
)  # fmt: skip
"""A compiler, for some of what picamera2 needs is published as source alone."""
PICAMERA2: Final = "picamera2==0.3.38"
VENV: Final = "/srv/doorward"
INIT: Final = "/srv/init"
_TESTS: Final = ("pytest", "hypothesis")
_CERTIFICATES: Final = "etc/ssl/certs/ca-certificates.crt"
_INIT: Final = """#!/bin/sh
mkdir -p /srv/checkout
tar -xf /dev/vdb -C /srv/checkout
exec /bin/sh /srv/checkout/bench/pi/init
"""
"""The machine's first process; the second disk is a checkout, as a tar file."""
_MIB: Final = 1 << 20
_SPARE: Final = 400 * _MIB
"""On the disk beside what is installed; nothing that a run writes there is kept."""


@dataclass(frozen=True, slots=True)
class Image:
    disk: Path
    """ext4, without partitions."""
    kernel: Path
    initrd: Path


def image() -> Image:
    """Made at the first call: some five minutes, and 1.3 GB on disk. Nobody may change it.

    Raises:
        NotRun: not root, no archive or index within reach, mkfs.ext4 is missing, or the disk is full.
    """
    if shutil.which("mkfs.ext4") is None:
        raise NotRun("mkfs.ext4 is missing; run: apt-get install e2fsprogs")
    locks = [(ROOT / "requirements" / name).read_text("utf-8") for name in ("device.txt", "dev.txt")]
    folder = made("camera-guest", "\n".join((SUITE, *PACKAGES, PICAMERA2, *_TESTS, _INIT, *locks)), _make)
    return Image(folder / "disk", folder / "vmlinuz", folder / "initrd")


def _make(part: Path, making: Making) -> None:
    making.debootstrap(SUITE, PACKAGES, part)
    for name in (_CERTIFICATES, "etc/resolv.conf", "etc/hosts"):
        if Path("/", name).exists():  # this machine may have an authority of its own
            shutil.copyfile(Path("/", name), part / name)
    for name in ("device.txt", "dev.txt"):
        shutil.copyfile(ROOT / "requirements" / name, part / "root" / name)
    pip = (f"{VENV}/bin/pip", "install", "--no-input", "--no-cache-dir", "--progress-bar=off")
    _inside(part, making, "Python", "python3", "-m", "venv", "--system-site-packages", VENV)
    _inside(part, making, "its parts", *pip, "--require-hashes", "-r", "/root/device.txt")
    _inside(part, making, "its parts", *pip, "-c", "/root/dev.txt", *_TESTS)
    _inside(part, making, "picamera2", *pip, PICAMERA2)
    init = part / INIT.lstrip("/")
    init.write_text(_INIT, "utf-8")
    init.chmod(0o755)
    _disk(part, making)


def _inside(part: Path, making: Making, what: str, *command: str) -> None:
    passed = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "http_proxy", "https_proxy", "no_proxy")
    ours = {name: os.environ[name] for name in passed if name in os.environ}
    path = f"{VENV}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    environment = {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", "PIP_CERT": f"/{_CERTIFICATES}", **ours}
    making.run(what, ["chroot", str(part), *command], environment)


def _disk(part: Path, making: Making) -> None:
    """Turn the folder into a disk, its kernel and its initrd, and leave nothing else."""
    (kernel,), (initrd,) = part.glob("boot/vmlinuz-*"), part.glob("boot/initrd.img-*")
    shutil.rmtree(part / "var/cache/apt", ignore_errors=True)
    used = int(subprocess.run(["du", "-sB1", part], check=True, capture_output=True, text=True).stdout.split()[0])
    new = part.with_suffix(".disk")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    shutil.copyfile(kernel, new / "vmlinuz")
    shutil.copyfile(initrd, new / "initrd")
    making.run("disk", ["mkfs.ext4", "-q", "-d", str(part), str(new / "disk"), f"{(used + _SPARE) // _MIB}M"])
    shutil.rmtree(part)
    new.rename(part)
