"""What machine this is, as far as speed depends on it; nothing that names its owner."""

from __future__ import annotations

import contextlib
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from agent.app.strain import temperature_c

_LIBRARIES: Final = ("ai-edge-litert", "tflite-runtime", "numpy", "opencv-python-headless", "zxing-cpp")


def facts() -> dict[str, str]:
    """Name -> what this machine says of itself; what it does not say is left out."""
    found = {
        "machine": _read("/proc/device-tree/model") or _cpu(),
        "processors": f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}, {platform.machine()}",
        "memory": _memory(),
        "system": f"{_pretty()}, Linux {platform.release()}",
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "temperature": "" if (hot := temperature_c()) is None else f"{hot:.0f} °C",
        "Python": platform.python_version(),
        "libraries": ", ".join(_libraries()),
        "load": " ".join(f"{each:.1f}" for each in os.getloadavg()),
    }
    return {name: value for name, value in found.items() if value}


def shared() -> bool:
    """Others compute here at this moment, so that every time is too long."""
    return os.getloadavg()[0] > 1.0


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace").strip("\x00\n ")
    except OSError:
        return ""


def _cpu() -> str:
    lines = _read("/proc/cpuinfo").splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def _memory() -> str:
    line = next((line for line in _read("/proc/meminfo").splitlines() if line.startswith("MemTotal")), "")
    return f"{int(line.split()[1]) / 1e6:.1f} GB" if line else ""


def _pretty() -> str:
    lines = _read("/etc/os-release").splitlines()
    return next((line.split("=", 1)[1].strip('"') for line in lines if line.startswith("PRETTY_NAME")), "Linux")


def _libraries() -> list[str]:
    found = []
    for name in _LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return found
