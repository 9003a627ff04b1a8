"""A fresh device once more, with a camera of the network: the second half of `scripts/prove systemd`."""

from __future__ import annotations

import re
import shutil

from agent.policy.grounds import Ground
from bench.installed.machine import STICK
from bench.installed.proof import RTSP, Proof
from bench.installed.site import CAMERA, CAMERA_LOGIN, decisions, wait_decisions, wait_grounds


def networked(proof: Proof, last: str) -> None:
    """Its reader is watched, kept, and taken away like the rest; `last` is the line that uninstalls."""
    proof.units.append(RTSP)
    proof.answers["Name of this device"] = "gate-2"
    where = f"rtsp://{CAMERA[0]}:{CAMERA[1]}/door"
    proof.installed(
        f"sudo scripts/install --camera {where} --camera-user {CAMERA_LOGIN[0]} --camera-password-file "
        "../camera.password --broker-ca ../ca.pem --broker-certificate ../gate-1.pem --broker-key ../gate-1.key "
        "--set camera.stall_s=5 --set site.check_every_s=1"
    )
    proof.users()
    proof.analysed()
    proof.sandboxed(*proof.units[1:])
    for number, name in (("STOP", "hangs"), ("KILL", "is killed")):
        count = decisions(proof.machine)
        proof.back(RTSP, number, name)
        more = wait_decisions(proof.machine, count, 60)
        proof.found("   and decides again after", f"{more or 0:.1f} s", "it does", more is not None)
    proof.machine.run("systemctl", "kill", "--signal=STOP", "site-camera")
    told = wait_grounds(proof.machine, lambda found: Ground.NO_FRAMES in found, 30)
    proof.found("camera of the network freezes: refused after", f"{told or 0:.1f} s", "≤ 30 s", told is not None)
    count = decisions(proof.machine)
    proof.machine.run("systemctl", "kill", "--signal=CONT", "site-camera")
    more = wait_decisions(proof.machine, count, 60)
    proof.found("   goes on: decides again after", f"{more or 0:.1f} s", "it does", more is not None)
    proof.refused("a-release-that-crashes", "is back and runs")
    config = proof.machine.disk("/etc/doorward/device.toml")
    shutil.copy(proof.machine.disk("/srv/door.avi"), config.parent)
    kept = re.sub(r"\[camera\][^\[]*", '[camera]\nkind = "recording"\nfile = "door.avi"\n\n', config.read_text("utf-8"))
    config.write_text(kept, "utf-8")
    said, _ = proof.machine.typed("sudo scripts/install", {}, folder=f"{STICK}/{proof.bundle.name}")
    left = [path.name for path in proof.machine.disk("/etc/systemd/system").glob("**/doorward-rtsp*")]
    proof.found("another kind of camera in the config, and installed again: units of the reader left",
               f"exit {said.code}, {len(left)}", "exit 0, 0", said.code == 0 and not left)  # fmt: skip
    proof.gone(last)
