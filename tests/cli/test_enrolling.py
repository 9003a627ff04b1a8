"""`doorward people enrol` without pictures: guided before the simulated camera, in lines and on a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from agent.app.capture import View
from agent.cli.people.guidance import ALIKE, FAULTS, POSES, SAID
from agent.cli.people.mirror import COLUMNS, ROWS, shown
from agent.gallery.alike import Alike
from agent.gallery.enrol import PictureFault
from agent.gallery.guide import WANTED, Instruction, Pose
from agent.policy.frames import CapturedFrame, Preview
from agent.policy.gate import Gate
from agent.policy.grounds import Ground
from tests.cli.given import CAST, ROOT, Desk
from tests.policy.given import law

PICTURES = tuple(CAST / f"p1-enrol-{place}.webp" for place in range(1, 7))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    before_a_camera(made, "enrolment")
    with closing(made.server):
        yield made


def before_a_camera(desk: Desk, scene: str) -> None:
    text = desk.config.read_text().replace('kind = "recording"', 'kind = "simulated"')
    text = re.sub(r"^file = .*$", f'scene = "{ROOT / "scenes"}/{scene}.toml"', text, flags=re.MULTILINE)
    desk.config.write_text(text)


def command(desk: Desk, *more: str) -> list[str]:
    program = str(Path(sys.executable).with_name("doorward"))
    return [program, "people", "enrol", "--config", str(desk.config), "--receipt", str(desk.receipt), *more]


@pytest.mark.alone
def test_a_person_is_guided_enrolled_and_refused_under_a_second_pseudonym(desk: Desk) -> None:
    desk.consents()
    done = desk.enrols()
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert "the consent of p1 is in force; the camera is opened now" in said[0]
    assert said[1] == "0 of 5: step into the marked space"
    assert "4 of 5: turn a little to the left" in said and said[-1].startswith("5 of 5")
    assert all(before != after for before, after in pairwise(said)), "one line a change"
    time_taken = re.fullmatch(r"p1 is enrolled on this device until .* ends \(([0-9.]+) s\)\n", done.stdout)
    assert time_taken is not None and float(time_taken[1]) > 0
    desk.consents("second-name")
    twice = desk.enrols(*PICTURES)
    assert (twice.returncode, twice.stdout) == (2, "")
    last = twice.stderr.splitlines()[-1]
    assert "already enrolled under another pseudonym" in last and "nothing was kept" in last
    assert "p1" not in last.replace(str(desk.folder), ""), "it does not say whom"
    assert desk.enrolled() == ["p1"]
    assert desk.types("site", "withdraw", desk.site, "p1").returncode == 0
    desk.consents("p1")
    assert "has withdrawn" in desk.enrols().stderr
    desk.consents("second-name")
    assert desk.enrols(*PICTURES).returncode == 0, "who withdrew may come back under a new pseudonym"


def test_when_the_time_is_over_it_says_what_was_missing(desk: Desk) -> None:
    text = desk.config.read_text().replace('kind = "simulated"', 'kind = "recording"')
    desk.config.write_text(re.sub(r"^scene = .*$", f'file = "{desk.folder / "stills"}"', text, flags=re.MULTILINE))
    (desk.folder / "stills").mkdir()
    (desk.folder / "stills" / "one.webp").write_bytes((CAST / "p2-enrol-1.webp").read_bytes())
    desk.consents()
    done = desk.types(*command(desk, "--limit", "10")[1:])
    assert (done.returncode, done.stdout) == (2, "")
    assert re.search(r"good pictures are missing \(.+\); most of the time: .+; nothing was kept$", done.stderr.strip())
    assert desk.enrolled() == []


def test_the_consent_comes_before_the_camera(desk: Desk) -> None:
    desk.consents()
    desk.receipt.write_text(desk.receipt.read_text().replace("resident-entry", "staff-entry"))
    done = desk.enrols()
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "signature: does not fit" in done.stderr
    desk.consents()
    desk.types("site", "stop", desk.site, "fair")
    stopped = desk.enrols()
    assert stopped.returncode == 2 and "not permitted (stopped); nothing was kept" in stopped.stderr
    assert "step into" not in stopped.stderr


def test_who_breaks_off_leaves_nothing(desk: Desk) -> None:
    desk.consents()
    with subprocess.Popen(
        command(desk), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("2 of 5"):
                running.send_signal(signal.SIGINT)
                break
        out, rest = running.communicate(timeout=20)
    assert (running.returncode, out) == (130, "")
    assert "nothing was kept" in rest and "Traceback" not in rest
    assert desk.enrolled() == []
    kept = {path.name for path in desk.state.rglob("*") if path.is_file()}
    assert not {name for name in kept if name.endswith((".webp", ".png", ".jpg", ".npy"))}


@pytest.mark.alone
def test_on_a_terminal_the_picture_is_a_mirror_of_blocks(desk: Desk) -> None:
    desk.consents()
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "80", "LINES": "30"}
    running = subprocess.Popen(command(desk), stdout=subprocess.PIPE, stderr=slave, cwd=ROOT, env=environment)
    os.close(slave)
    seen, ends = b"", time.monotonic() + 40
    while time.monotonic() < ends:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        seen += part
    os.close(master)
    out = running.communicate(timeout=20)[0]
    assert running.returncode == 0 and b"p1 is enrolled" in out
    text = seen.decode()
    assert "▀" in text and "turn a little to the left" in text and "front ●●●   left ○   right ●" in text


def preview() -> Preview:
    """A preview of random blocks that a gate has made."""
    rgb = np.random.default_rng(2).integers(0, 256, (480, 640, 3), np.uint8)
    gate = Gate(law(view={"width": 640, "height": 480}))
    made = gate.blocks(CapturedFrame(1, 0, rgb, rgb[..., 0].copy()))
    assert isinstance(made, Preview)
    return made


def drawn(view: View) -> str:
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="truecolor", width=80).print(shown(view))
    return out.getvalue()


def test_the_mirror_shows_the_preview_s_blocks_the_other_way_round() -> None:
    picture = preview()
    lines = drawn(View(Instruction.COME_CLOSER, (), picture, dict(WANTED), 77.0)).splitlines()
    assert len(lines) == ROWS // 2 + 2
    cells = [[tuple(map(int, cell)) for cell in re.findall(r"38;2;(\d+);(\d+);(\d+);48", line)] for line in lines[:-2]]
    rightmost = tuple(int(value) for value in picture.picture[0, -1])
    assert cells[0][0] == rightmost
    assert len({cell for row in cells for cell in row}) <= 16 * 12
    assert all(line.count("▀") <= COLUMNS for line in lines)
    assert "come closer" in lines[-2] and "front ○○○   left ○   right ○    77 s left" in lines[-1]


def test_without_a_permit_there_is_no_picture_and_the_grounds_are_said() -> None:
    lines = drawn(View(None, (Ground.SIGN_MISSING,), None, {Pose.FRONT: 1, Pose.LEFT: 0, Pose.RIGHT: 1}, 5.0))
    assert "▀" not in lines and "not permitted at this moment (sign-missing)" in lines
    assert "front ●●○   left ●   right ○" in lines
    assert lines.count("\n") == ROWS // 2 + 2


def test_there_are_words_for_everything() -> None:
    assert set(SAID) == set(Instruction) and set(POSES) == set(Pose)
    assert set(ALIKE) == set(Alike) and set(FAULTS) == set(PictureFault)
