"""What a user gets wrong is one line that names it, exit code 2, and nothing stays behind."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from agent.demo.run import Run, Wishes
from agent.demo.source import MODELS, SCENE, Source
from agent.errors import ConfigError, DeviceError, DoorwardError
from tests.conftest import ROOT
from tests.demo.command import ISOLATED, Demo, demo


def refused(run: Demo) -> str:
    """The one line of a call that could not begin."""
    assert run.end() == 2, (run.lines, run.errors)
    assert "Traceback" not in run.errors
    assert run.left_over() == []
    (line,) = run.said
    assert line.startswith("demo: ")
    return line.removeprefix("demo: ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--json", "{tmp}/nowhere/out.json"),
            "--json {tmp}/nowhere/out.json: cannot be written (No such file or directory); name another file",
        ),
        (
            ("--json", "{tmp}/errors/out.json"),
            "--json {tmp}/errors/out.json: cannot be written (Not a directory); name another file",
        ),
        (("--seconds", "nan"), "--seconds nan: not a length of time; leave it out to play until Ctrl-C"),
        (("--without-inspection",), "--without-inspection: a scene shows its sign; give it with --video"),
    ],
)
def test_an_argument_that_cannot_be_used_is_one_line(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    with demo(tmp_path, *(argument.format(tmp=tmp_path) for argument in arguments)) as run:
        assert refused(run) == line.format(tmp=tmp_path)
    assert not any("recognition" in said for said in run.lines), "nothing was played"


def test_a_machine_without_a_network_of_its_own_is_one_line(tmp_path: Path) -> None:
    """In an empty network namespace nothing can listen on 127.0.0.1, so there is no port for the broker."""
    with demo(tmp_path, program=("-c", ISOLATED)) as run:
        assert refused(run).startswith("embedded broker: 127.0.0.1 cannot be used (")


class Attempt:
    """A run in this process that must not begin."""

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary

    def fault(self, kind: type[DoorwardError], source: Source, models: Path = MODELS) -> str:
        console = Console(file=io.StringIO())
        run = Run(Wishes(5.0, source, models), console, browse=lambda url: None)
        with pytest.raises(kind) as caught:
            run.play()
        assert not run.report.loops
        assert list(self._temporary.iterdir()) == []
        return str(caught.value)


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Attempt]:
    with tempfile.TemporaryDirectory(prefix="demo-") as temporary:
        monkeypatch.setattr("tempfile.tempdir", temporary)
        yield Attempt(Path(temporary))


@pytest.mark.parametrize("name", ["detector.tflite", "embedder.tflite"])
def test_one_changed_byte_of_a_model_is_named(tmp_path: Path, attempt: Attempt, name: str) -> None:
    models = Path(shutil.copytree(MODELS, tmp_path / "models"))
    data = bytearray((models / name).read_bytes())
    data[len(data) // 2] ^= 1
    (models / name).write_bytes(data)
    fault = attempt.fault(DeviceError, Source(), models)
    assert name in fault and "\n" not in fault


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "scenes", tmp_path / "scenes"))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "front-gate"', 'name = "front-gate"\ncolour = "green"', "colour: Extra inputs are not permitted"),
        ("fps = 15", 'fps = "fast"', "fps: Input should be a valid integer"),
        ("fps = 15", "fps = 0", "fps: Input should be greater than or equal to 1"),
        ('backdrop = "front-gate.webp"', 'backdrop = "moon.webp"', "backdrop: moon.webp is not beside the scene"),
        ("version = 1", "version = [", "not readable as TOML"),
    ],
    ids=["unknown-key", "wrong-type", "out-of-range", "missing-picture", "no-toml"],
)
def test_each_fault_of_a_scene_is_a_line_with_file_field_and_rule(
    scenes: Path, attempt: Attempt, old: str, new: str, fault: str
) -> None:
    script = scenes / SCENE.name
    text = script.read_text("utf-8")
    assert text.count(old) == 1
    script.write_text(text.replace(old, new), "utf-8")
    line = attempt.fault(ConfigError, Source(script))
    assert line.startswith(f"front-gate.toml: {fault}") and "\n" not in line


def test_every_fault_of_a_scene_is_shown_at_once(tmp_path: Path, scenes: Path) -> None:
    script = scenes / SCENE.name
    text = script.read_text("utf-8").replace("fps = 15", "fps = 0").replace("seed = 7", 'seed = "seven"')
    script.write_text(text, "utf-8")
    with demo(tmp_path, "--scene", str(script)) as run:
        assert run.end() == 2
    assert [line.split(": ")[:3] for line in run.said] == [
        ["demo", "front-gate.toml", "fps"],
        ["demo", "front-gate.toml", "seed"],
    ]


@pytest.mark.parametrize("damage", ["missing", "changed"])
def test_a_picture_of_the_cast_that_is_not_the_listed_one_is_named(scenes: Path, attempt: Attempt, damage: str) -> None:
    picture = scenes / "cast" / "p1-enrol-1.webp"
    if damage == "missing":
        picture.unlink()
    else:
        picture.write_bytes(picture.read_bytes() + b"\0")
    assert attempt.fault(ConfigError, Source(scenes / SCENE.name)).startswith("p1-enrol-1.webp: ")


@pytest.mark.parametrize("kind", ["text", "empty-folder"])
def test_a_recording_without_a_picture_is_one_line(tmp_path: Path, attempt: Attempt, kind: str) -> None:
    video = tmp_path / "clip.gif"
    if kind == "text":
        video.write_text("no pictures here")
    else:
        video.mkdir()
    fault = attempt.fault(DeviceError, Source(video=video))
    assert fault == "clip.gif: no picture can be read from it; give a video, an animation or stills"


def test_a_recording_that_is_not_there_is_one_line(tmp_path: Path, attempt: Attempt) -> None:
    fault = attempt.fault(ConfigError, Source(video=tmp_path / "nothing.mp4"))
    assert fault == "nothing.mp4: no such file or folder; give a video, an animation, or a folder of them or of stills"


def test_a_scene_that_is_not_there_is_one_line(tmp_path: Path, attempt: Attempt) -> None:
    fault = attempt.fault(ConfigError, Source(tmp_path / "nothing.toml"))
    assert fault == "nothing.toml: cannot be read (No such file or directory); give the path of a scene file"


def test_a_folder_for_temporary_files_with_too_long_a_name_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path of the socket between the two processes has a length that the kernel bounds."""
    long = tmp_path / ("long-" * 20)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    fault = Attempt(long).fault(ConfigError, Source())
    assert fault == f"TMPDIR {long}: too long for a socket; name a folder with a shorter path"
