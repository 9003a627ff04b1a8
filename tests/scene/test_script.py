"""The scene file is read strictly, and every fault is listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ConfigError
from agent.scene.scene import load
from agent.scene.script import read

SCENES = Path(__file__).resolve().parents[2] / "scenes"
TEXT = (SCENES / "front-gate.toml").read_text("utf-8")


def faults(folder: Path, text: str) -> list[str]:
    """The lines of the error that `text` leads to."""
    path = folder / "wrong.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        read(path)
    return str(caught.value).splitlines()


def test_the_shipped_scene_is_read() -> None:
    script = read(SCENES / "front-gate.toml")
    assert (script.name, script.fps, script.frames) == ("front-gate", 15, 1350)
    assert script.enrolled == ("P1", "P2", "P3")
    assert [event.kind for event in script.event] == ["broker-stops", "broker-returns", "withdraw"]


@pytest.mark.parametrize(
    ("change", "to", "field"),
    [
        ("fps = 15", "fps = 15\nframes = 3", "frames"),
        ("fps = 15", 'fps = "15"', "fps"),
        ("fps = 15", "fps = 0", "fps"),
        ("fps = 15", "fps = 15.5", "fps"),
        ("duration_s = 90.0", "duration_s = nan", "duration_s"),
        ("duration_s = 90.0", "duration_s = 2026-01-01", "duration_s"),
        ("noise = 2.0", "", "noise"),
        ("marker = 7", "marker = 49", "sign.marker"),
        ("marker = 7", "marker = 48", "sign.marker"),
        ("[position]", "[[card]]\nspan = [1.0, 2.0]\nx = 9.0\ny = 9.0\nside_px = 15.0\n[position]", "card.0.side_px"),
        ("tolerance_px = 10.0", "tolerance_px = true", "sign.tolerance_px"),
        ('layer = "street"', 'layer = "sky"', "actor.1.layer"),
        ('person = "P5"\nlayer', 'person = "Mallory"\nlayer', "actor.1.person"),
        ('kind = "broker-stops"', 'kind = "withdraw"', "event.0"),
        ("module_px = 4.2", "module_px = 3.9", "pass.0.module_px"),
        ("hertz = 5.0", "hertz = 0", "position.hertz"),
        ('class = "school"', 'class = "school"\nuntil = "2027-01-01T00:00:00Z"', "position"),
        ("[10.0016, 51.9997]", "[10.00058, 52.0001]", "position.zones.0"),
        ("heading_deg = 270.0", "heading_deg = 360.0", "position.pose.heading_deg"),
        ('backdrop = "front-gate.webp"', 'backdrop = "../front-gate.webp"', "backdrop"),
    ],
)
def test_one_fault_is_named_by_file_and_field(tmp_path: Path, change: str, to: str, field: str) -> None:
    assert change in TEXT
    lines = faults(tmp_path, TEXT.replace(change, to, 1))
    assert any(line.startswith(f"wrong.toml: {field}: ") for line in lines), lines


@pytest.mark.parametrize(
    ("change", "to", "said"),
    [
        ("[0.9, 298.0, 220.0, 55.0]", "[3.9, 298.0, 220.0, 55.0]", "actor.0.path: times must increase"),
        ("span = [24.9, 28.5]", "span = [28.9, 28.5]", "pass.0.span: the end must come after the start"),
        ("covered = [[41.0, 52.02]]", "covered = [[52.02, 41.0]]", "sign.covered.0: the end must come after the start"),
        (
            "[position]",
            "[[card]]\nspan = [2.0, 2.0]\nx = 9.0\ny = 9.0\nside_px = 16.0\n[position]",
            "card.0.span: the end must come after the start",
        ),
        ('[[0.0, "p1-scene-1"]', '[[0.5, "p1-scene-1"]', "actor.0.sprites: the first must not come after"),
    ],
)
def test_times_out_of_order(tmp_path: Path, change: str, to: str, said: str) -> None:
    assert change in TEXT
    assert said in "\n".join(faults(tmp_path, TEXT.replace(change, to, 1)))


def test_every_fault_is_listed_at_once(tmp_path: Path) -> None:
    text = TEXT.replace("fps = 15", 'fps = "15"').replace("seed = 7", "seed = -1").replace("noise = 2.0", "noisy = 2.0")
    fields = {line.split(": ")[1] for line in faults(tmp_path, text)}
    assert fields == {"fps", "seed", "noise", "noisy"}


def test_a_file_that_is_no_toml(tmp_path: Path) -> None:
    assert faults(tmp_path, "actor = [[")[0].startswith("wrong.toml: not readable as TOML")
    (tmp_path / "wrong.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not readable as TOML"):
        read(tmp_path / "wrong.toml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        read(tmp_path / "none.toml")


@given(cut=st.integers(0, len(TEXT)), put=st.text(max_size=12))
def test_a_damaged_file_is_an_error_or_a_scene(tmp_path_factory: pytest.TempPathFactory, cut: int, put: str) -> None:
    path = tmp_path_factory.mktemp("scene") / "damaged.toml"
    path.write_text(TEXT[:cut] + put + TEXT[cut + len(put) :], "utf-8")
    try:
        assert read(path).frames >= 1
    except ConfigError as error:
        assert str(error).startswith("damaged.toml: ")


def scene_folder(folder: Path, text: str) -> Path:
    """A folder with this scene file beside the shipped cast and backdrop."""
    for name in ("cast", "front-gate.webp", "sign-face.webp", "pass-head.webp"):
        (folder / name).symlink_to(SCENES / name)
    path = folder / "scene.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "to", "said"),
    [
        ('[0.0, "p1-scene-1"]', '[0.0, "p1-scene-9"]', "actor.0.sprites.0: the cast has no sprite p1-scene-9"),
        ('[0.0, "p1-scene-1"]', '[0.0, "p1-enrol-1"]', "actor.0.sprites.0: p1-enrol-1 is for enrol"),
        ('[0.0, "p1-scene-1"]', '[0.0, "p2-scene-1"]', "actor.0.sprites.0: p2-scene-1 shows somebody else than P1"),
        ('enrolled = ["P1", "P2", "P3"]', 'enrolled = ["P1", "P2", "P5"]', "enrolled: the cast has no pictures"),
        ('enrolled = ["P1", "P2", "P3"]', 'enrolled = ["P1", "P3"]', "event.2.person: only somebody enrolled"),
        (
            "[position]",
            '[[card]]\nperson = "P9"\nspan = [1.0, 2.0]\nx = 9.0\ny = 9.0\nside_px = 16.0\n[position]',
            "card.0.person: P9 is not in the scene to hold it",
        ),
        ('backdrop = "front-gate.webp"', 'backdrop = "none.webp"', "backdrop: none.webp is not beside the scene"),
        ('face = "sign-face.webp"', 'face = "none.webp"', "sign.face: none.webp is not beside the scene"),
    ],
)
def test_a_scene_must_fit_its_cast(tmp_path: Path, change: str, to: str, said: str) -> None:
    assert change in TEXT
    with pytest.raises(ConfigError) as caught:
        load(scene_folder(tmp_path, TEXT.replace(change, to, 1)))
    assert f"scene.toml: {said}" in str(caught.value)


def test_a_scene_without_a_cast(tmp_path: Path) -> None:
    path = tmp_path / "scene.toml"
    path.write_text(TEXT, "utf-8")
    with pytest.raises(ConfigError, match=r"cast\.toml: cannot be read"):
        load(path)
