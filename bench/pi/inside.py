"""What the guest runs: shows each camera to be what the adapters say, and says a row for each thing.

Rows are lines of JSON on standard output, [what, value, goal, good], and at last "end"; `guest.py` hears them.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import traceback
import xml.etree.ElementTree as XML
from importlib.metadata import version
from pathlib import Path
from typing import Final

import bench.pi.virtual  # noqa: F401  picamera2 before anything asks for it
from bench.pi import picamera, vivid

_JUNIT: Final = Path("/tmp/contract.xml")


def found(what: str, value: str, goal: str, good: bool) -> None:
    print(json.dumps([what, value, goal, good]), flush=True)


def contract() -> None:
    """The tests that every camera has to pass, on those that tests outside of the guest have to leave out."""
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "bench.pi.virtual", "-k", "for_real",
             f"--junitxml={_JUNIT}", "tests/adapters/test_cameras.py"]  # fmt: skip
    subprocess.run(words, stdout=sys.stderr)
    for camera, name in (("picamera2", "pi_for_real"), ("V4L2", "usb_for_real")):
        cases = [each for each in XML.parse(_JUNIT).iter("testcase") if f"[{name}" in each.get("name", "")]
        passed = sum(len(each.findall("*")) == 0 for each in cases)
        found(f"contract tests of cameras, on {camera}", f"{passed} of {len(cases)} passed", "all, 1 at least",
              passed == len(cases) > 0)  # fmt: skip


def main() -> None:
    libcamera = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "libcamera0.4"], capture_output=True, text=True)
    found("picamera2, libcamera, Linux, Python",
          f"{version('picamera2')}, {libcamera.stdout}, {platform.release()}, {platform.python_version()}",
          "real ones, on a virtual camera", libcamera.returncode == 0)  # fmt: skip
    subprocess.run(["modprobe", "vivid", "n_devs=1", "node_types=0x1"], check=True)
    for part in (contract, lambda: picamera.proven(found), lambda: vivid.proven(found)):
        try:
            part()
        except Exception as error:  # one part that breaks off leaves the others theirs
            traceback.print_exc()
            found("a part of the guest broke off", f"{type(error).__name__}: {error}"[:300], "no part does", False)
    print(json.dumps("end"), flush=True)
    os._exit(0)  # whatever hangs in a driver is switched off with the machine


if __name__ == "__main__":
    main()
