"""The cast: complete, small, bound to its hashes, and decoded only a few at a time."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent.errors import ConfigError
from agent.scene.cast import Cast

SCENES = Path(__file__).resolve().parents[2] / "scenes"
FOLDER = SCENES / "cast"


def test_every_sprite_has_the_bytes_and_the_size_that_the_list_says() -> None:
    cast = Cast(FOLDER)
    for sprite in cast.sprites.values():
        assert cast.picture(sprite).shape == (sprite.height, sprite.width, 3), sprite.id
        (left, level), (right, _) = sprite.eyes
        x0, y0, x1, y1 = sprite.face
        assert 0 <= x0 < left < right < x1 <= sprite.width, sprite.id
        assert 0 <= y0 < level < y1 <= sprite.height, sprite.id


def test_nothing_lies_beside_the_list_and_all_is_small() -> None:
    listed = {sprite.file for sprite in Cast(FOLDER).sprites.values()}
    assert {path.name for path in FOLDER.glob("*.webp")} == listed
    assert sum(path.stat().st_size for path in SCENES.rglob("*.webp")) <= 3_000_000


def test_uses_are_apart() -> None:
    cast = Cast(FOLDER)
    for person in ("P1", "P2", "P3"):
        assert len(cast.of("enrol", person)) == 6
    for person in ("P4", "P5"):
        assert cast.of("enrol", person) == ()
    shown = {sprite.source for sprite in cast.of("scene")}
    assert shown.isdisjoint(sprite.source for sprite in (*cast.of("enrol"), *cast.of("calibrate")))
    assert {sprite.person for sprite in cast.of("calibrate")} == {"P1", "P2", "P3", "P4", "P5"}
    assert "synthetic" in (FOLDER / "NOTICE").read_text("utf-8")


def test_colour_is_multiplied_by_alpha_and_only_a_few_are_kept() -> None:
    cast = Cast(FOLDER)
    first = cast.of("scene")[0]
    cut = cast.cut(first)
    assert cut.full.shape == (first.height, first.width, 4)
    assert (cut.full[..., :3].max(axis=2) <= cut.full[..., 3].astype(int) + 1).all()
    assert cut.half.shape == (first.height // 2, first.width // 2, 4)
    assert cast.cut(first) is cut
    for other in cast.of("scene")[1:6]:
        cast.cut(other)
    assert cast.cut(first) is not cut


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "cast")
    cast = Cast(tmp_path / "cast")
    sprite = cast.of("scene")[0]
    data = bytearray(cast.path(sprite).read_bytes())
    data[len(data) // 2] ^= 1
    cast.path(sprite).write_bytes(bytes(data))
    with pytest.raises(ConfigError, match=f"{sprite.file}: sha256"):
        cast.cut(sprite)
    cast.path(sprite).unlink()
    with pytest.raises(ConfigError, match=f"{sprite.file}: cannot be read"):
        cast.picture(sprite)


def test_a_wrong_list_is_named_by_field(tmp_path: Path) -> None:
    text = (FOLDER / "cast.toml").read_text("utf-8")
    (tmp_path / "cast.toml").write_text(text.replace('use = "enrol"', 'use = "debug"', 1), "utf-8")
    with pytest.raises(ConfigError, match=r"cast\.toml: sprite\.0\.use: "):
        Cast(tmp_path)
    (tmp_path / "cast.toml").write_text(text.replace('id = "p1-enrol-2"', 'id = "p1-enrol-1"', 1), "utf-8")
    with pytest.raises(ConfigError, match="twice"):
        Cast(tmp_path)
