"""The bundle installed on an emulated board without a network, and what that board makes of pictures and scene.

Compared is with this machine: the same files, the same versions, another processor and another Python. Times under
emulation say nothing about a board and are not shown.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from agent.demo.source import SCENE
from agent.scene.scene import load
from bench.installed import bundles
from bench.installed.image import PYTHONS
from bench.installed.site import DEVICE, NAME, REPOSITORY, Site
from bench.pi import Found
from bench.pi.answers import alike
from bench.pi.apart import UNITS, apart
from bench.pi.board import CHECKOUT, PROCESSORS, STICK, Board, answer, entered, image
from bench.prove_systemd import page
from tests.conftest import ROOT

PYTHON: Final = "/opt/doorward/current/venv/bin/python"
OUT: Final = "/srv/answers"
_INSTALL_S: Final = 1800.0
_ELF: Final = b"\x7fELF"
_AARCH64: Final = 183
"""e_machine of ELF, EM_AARCH64."""
MARGIN: Final = 1.5
"""So many times farther may the board be from this machine than two kinds of kernels of this machine from each other:
both sum the same int8 products and round each layer's sums in their own way."""
FAR: Final = 2.0
"""The same for what is the most of all, which a single picture decides."""
_OUTSIDE: Final = """
import socket
try:
    socket.create_connection(("192.0.2.1", 443), 5)
    print("reached")
except OSError as error:
    print(error.strerror)
"""
_AT_HOME: Final = ("agent.demo", "agent.scene", "agent.adapters.simulated")
"""What no wheel holds, and the scene needs."""
_COUNTED: Final = {
    "right, as the scene is": "right",
    "wrong": "wrong",
    "missed": "missed",
    "embeddings": "looks",
    "of these unlawful": "unlawful",
    "decisions in the ledger": "in_ledger",
    "left in the outbox": "pending",
}
_ANSWERS: Final = {
    "Name of this device": DEVICE,
    "Name of the site": NAME,
    "Fingerprint of": "",
    "Address of": REPOSITORY,
    "MQTT broker": "127.0.0.1",
    "Destroy this device": "yes",
}


@dataclass(frozen=True, slots=True)
class Here:
    """What this machine makes of them."""

    folder: Path
    every: int
    """One frame of the scene in so many."""
    scene: dict[str, Any]

    @property
    def pictures(self) -> Path:
        return self.folder / "pictures.npz"

    @property
    def plain(self) -> Path:
        """The same with the runtime's reference kernels, on the same chips."""
        return self.folder / "plain.npz"

    @property
    def played(self) -> Path:
        return self.folder / "scene"


def here(folder: Path, every: int) -> Here:
    """Ask this machine first."""
    played = answer("the scene here", [sys.executable, *alike(str(ROOT), "scene", str(folder / "scene"), str(every))])
    known = Here(folder, every, played)
    own, plain = str(known.pictures), str(known.plain)
    answer("pictures here", [sys.executable, *alike(str(ROOT), "pictures", own)])
    answer("the same by reference kernels", [sys.executable, *alike(str(ROOT), "plain", plain, own)])
    return known


def proven(suite: str, known: Here, found: Found) -> None:
    """All of it, on one suite of Debian.

    Raises:
        NotRun: not root, or archive, index or emulator are out of reach.
    """
    base = image(suite)
    with tempfile.TemporaryDirectory(prefix="doorward-pi-") as scratch:
        stick = Path(scratch) / "stick"
        stick.mkdir()
        bundle = bundles.made(stick, PYTHONS[suite], "aarch64")
        site = Site(Path(scratch), stick)
        with entered(base, stick) as board:
            if not _installed(board, bundle, site.root_sha256, found):
                return
            _files(board, bundle, found)
            _refused(board, bundle, stick, found)
            for processor, name in PROCESSORS.items():
                _pictures(board.as_another(processor), name, known, found)
            _scene(board, known, found)
            _removed(board, bundle, found)


def _installed(board: Board, bundle: Path, root_sha256: str, found: Found) -> bool:
    """docs/install.md as far as it needs no systemd that runs; False: it is not installed, and all else would fail."""
    networks = [row.split(":")[0].strip() for row in board.run("cat", "/proc/net/dev").text.splitlines()[2:]]
    tried = board.run("python3", "-c", _OUTSIDE).text
    found("network of the board; reaching out of it", f"{', '.join(networks)}; {tried}",
          "lo; Network is unreachable", (networks, tried) == (["lo"], "Network is unreachable"))  # fmt: skip
    machine = board.run("python3", "-c", "import platform as p; print(p.machine(), p.python_version())").text
    found("machine and Python", machine, "aarch64", machine.startswith("aarch64 "))
    etc = board.disk("/etc/doorward")
    etc.mkdir(mode=0o755)
    shutil.copy(bundle.parent.parent / "door.avi", etc / "door.avi")
    line, folder = page()[0], f"{STICK}/{bundle.name}"
    answers = _ANSWERS | {"Fingerprint of": root_sha256}
    said, _ = board.typed(line, answers, folder=folder, timeout_s=_INSTALL_S)
    nothing = not board.disk("/opt/doorward").exists()
    found("the line of docs/install.md where no systemd runs", f"exit {said.code}, nothing made: {nothing}",
          "exit 2, add --no-start", said.code == 2 and nothing and "add --no-start" in said.text)  # fmt: skip
    said, asked = board.typed(f"{line} --no-start", answers, folder=folder, timeout_s=_INSTALL_S)
    _said("scripts/install --no-start", said.code, 0, said.text, found)
    found("questions asked", str(len(asked)), "≤ 5", len(asked) <= 5)
    if said.code:
        return False
    units = sorted(path.name for path in board.disk("/etc/systemd/system").glob("**/*.wants/doorward*"))
    found("units enabled, though no systemd runs", ", ".join(units), "doorward.target, …",
          "doorward.target" in units)  # fmt: skip
    for words in (
        ("doorward", "models", "verify", "--dir", "/opt/doorward/current/models"),
        ("doorward", "check", "--offline", "--config", "/etc/doorward/device.toml"),
        ("doorward", "device", "show", "--state", "/var/lib/doorward"),
    ):
        said = board.run(*words, timeout_s=_INSTALL_S)
        _said(" ".join(words[:3]), said.code, 0, said.text, found)
    return True


def _said(what: str, code: int, goal: int, text: str, found: Found) -> None:
    last = text.strip().splitlines()[-1:] if code != goal else []
    found(what, " ".join([f"exit {code}", *last]), f"exit {goal}", code == goal)


def _files(board: Board, bundle: Path, found: Found) -> None:
    """From outside, without the emulated programs: is what lies there what the bundle's wheels say?"""
    (packages,) = board.disk("/opt/doorward/releases").glob("*/venv/lib/python*/site-packages")
    good, bad, natives, others = 0, list[str](), 0, list[str]()
    for record in packages.glob("*.dist-info/RECORD"):
        for name, sum_, _ in csv.reader(record.read_text("utf-8").splitlines()):
            path = packages / name
            if not sum_ or name.startswith("../"):  # its own list, what was compiled, and the start scripts
                continue
            data = path.read_bytes() if path.is_file() else b""
            wanted = base64.urlsafe_b64decode(sum_.removeprefix("sha256=") + "=")
            if hashlib.sha256(data).digest() == wanted:
                good += 1
            else:
                bad.append(name)
            if data[:4] == _ELF:
                natives += 1
                if int.from_bytes(data[18:20], "little") != _AARCH64:
                    others.append(name)
    wheels = len(list((bundle / "wheels").glob("*.whl")))
    told = len(list(packages.glob("*.dist-info")))
    found("packages installed, of the wheels in the bundle", str(told), str(wheels), told == wheels)
    found("files whose SHA-256 is the wheel's", f"{good} of {good + len(bad)}", "all", good > 0 and not bad)
    found("native libraries of them for aarch64", f"{natives - len(others)} of {natives}", "all",
          natives > 0 and not others)  # fmt: skip


def _refused(board: Board, bundle: Path, stick: Path, found: Found) -> None:
    """Checksums and pins count on the board too."""
    name = bundles.flipped(bundle, stick)
    former = board.disk("/opt/doorward/current").readlink()
    said, _ = board.typed("sudo scripts/install --no-start", {}, folder=f"{STICK}/{name}", timeout_s=_INSTALL_S)
    same = board.disk("/opt/doorward/current").readlink() == former
    found(f"upgrade with {name}", f"exit {said.code}, the former stays: {same}", "exit 1, True",
          said.code == 1 and same and "nothing was changed" in said.text)  # fmt: skip
    shutil.rmtree(stick / name)


def _pictures(board: Board, name: str, known: Here, found: Found) -> None:
    board.disk(OUT).mkdir(exist_ok=True)
    board.disk(f"{OUT}/given.npz").write_bytes(known.pictures.read_bytes())
    board.answer(f"pictures, {name}", PYTHON, *alike(CHECKOUT, "pictures", f"{OUT}/own.npz", f"{OUT}/given.npz"))
    ours, plain, theirs = map(np.load, (known.pictures, known.plain, board.disk(f"{OUT}/own.npz")))
    levels = np.abs(ours["seen"].astype(np.int16) - theirs["seen"])
    found(f"{name}: {len(levels)} pictures decoded and fitted into the frame, levels apart",
          f"{levels.max()} at most, in {np.mean(levels > 0):.4%} of the values", "≤ 1",
          int(levels.max()) <= 1)  # fmt: skip
    board_, rounding = apart(ours, theirs), apart(ours, plain)
    for what, unit in UNITS.items():
        margin = MARGIN if "mean" in what else FAR
        value, most = board_[what], margin * rounding[what]
        found(f"{name}: {what}", f"{value:.4g}{unit}", f"≤ {most:.4g}{unit}, {margin} times what rounding does here",
              value <= most)  # fmt: skip


def _scene(board: Board, known: Here, found: Found) -> None:
    played = board.answer("the scene on the board", PYTHON, *alike(CHECKOUT, "scene", f"{OUT}/scene", str(known.every)))
    ours, fps = known.scene, load(SCENE).script.fps
    others = [name for name in played["beside"] if not name.startswith(_AT_HOME)]
    found("modules of the agent: installed; from the checkout, for the scene",
          f"{played['installed']}; {len(played['beside'])}", "none else", not others)  # fmt: skip
    found("runtime", played["runtime"], ours["runtime"], played["runtime"] == ours["runtime"])
    found("frames of the scene judged", str(played["frames"]), str(ours["frames"]), played["frames"] == ours["frames"])
    decided = [each[:3] for each in played["decisions"]]
    wanted = [each[:3] for each in ours["decisions"]]
    alike_ = "the same" if decided == wanted else "others"
    found("decisions: outcome, who and ground, in order", f"{len(decided)}, {alike_}",
          f"the {len(wanted)} of this machine", decided == wanted)  # fmt: skip
    later = [round((a[3] - b[3]) * fps) for a, b in zip(played["decisions"], ours["decisions"], strict=False)]
    found("on another frame", f"{sum(map(bool, later))}, by {max(map(abs, later), default=0)} at most", "none",
          not any(later))  # fmt: skip
    opened = len(played["opened_s"])
    found("door opened", f"{opened} times", f"{len(ours['opened_s'])} times", opened == len(ours["opened_s"]))
    for name, key in _COUNTED.items():
        found(name, str(played[key]), str(ours[key]), played[key] == ours[key])
    _checked(board, known, found)


def _checked(board: Board, known: Here, found: Found) -> None:
    """Each machine verifies what the other signed."""
    theirs = board.disk(f"{OUT}/scene")
    shutil.copytree(known.played, board.disk(f"{OUT}/given"), symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
    told: dict[str, Callable[[], Any]] = {
        "signed on the board, verified here": lambda: answer(
            "checking here", [sys.executable, *alike(str(ROOT), "check", str(theirs))]
        ),
        "signed here, verified on the board": lambda: board.answer(
            "checking on the board", PYTHON, *alike(CHECKOUT, "check", f"{OUT}/given")
        ),
    }
    for what, ask in told.items():
        try:
            counts = ask()
            found(what, ", ".join(f"{count} {name}" for name, count in counts.items()), "all", all(counts.values()))
        except RuntimeError as error:
            found(what, str(error).splitlines()[-1], "all", False)
    key = ["--key", _key(theirs)]
    ledger = f"{OUT}/scene/state/store.sqlite"
    said = board.run("doorward", "ledger", "verify", ledger, *key, timeout_s=_INSTALL_S)
    _said("doorward ledger verify, on the board", said.code, 0, said.text, found)
    start = "from agent.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", start, "ledger", "verify", str(board.disk(ledger)), *key],
                          cwd=ROOT, capture_output=True, text=True)  # fmt: skip
    _said("doorward ledger verify, here, of the board's", done.returncode, 0, done.stderr, found)


def _key(played: Path) -> str:
    found = re.search(r'"key": "([0-9a-f]{64})"', (played / "said.json").read_text("utf-8"))
    assert found is not None
    return found[1]


def _removed(board: Board, bundle: Path, found: Found) -> None:
    shutil.rmtree(board.disk(OUT))
    said, _ = board.typed(page()[-1], _ANSWERS, folder=f"{STICK}/{bundle.name}", timeout_s=_INSTALL_S)
    rest = [path for path in board.root.rglob("*doorward*") if not path.is_relative_to(board.disk("/media"))]
    found("uninstall: exit, files left", f"{said.code}, {len(rest)}", "0, 0", said.code == 0 and not rest)
