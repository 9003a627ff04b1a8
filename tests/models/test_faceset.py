"""A folder of faces: what is there is read whole, and each fault is named by file and field in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.errors import ConfigError
from agent.models.faceset import LEAST_PEOPLE, Faces, half, part, read_faces
from agent.models.rates import FOLDS
from tests.models.faces import write_list

PAIRS = "a,b,same\na0.png,a1.png,1\na0.png,b0.png,0\n"
OPENSET = {"gallery": ["a0.png", "b0.png"], "mated_probes": ["a1.png"], "non_mated_probes": ["c0.png"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three people and all three lists; the pictures are empty files, which nobody opens here."""
    made = tmp_path / "set"
    (made / "images").mkdir(parents=True)
    for name in ("images/a0.png", "images/a1.png", "images/b0.png", "c0.png"):
        (made / name).touch()
    (made / "images.csv").write_text("file,subject,age\na0.png,a,20\na1.png,a,20\nb0.png,b,NA\nc0.png,c,31\n")
    (made / "pairs.csv").write_text(PAIRS)
    (made / "openset.json").write_text(json.dumps(OPENSET))
    return made


class TestReadFaces:
    def test_files_stand_beside_the_list_or_in_images(self, folder: Path) -> None:
        faces = read_faces(folder, 2)
        assert faces.name == folder.name and faces.people == 3
        assert faces.files[0] == folder / "images" / "a0.png" and faces.files[-1] == folder / "c0.png"
        assert faces.subjects == ("a", "a", "b", "c") and faces.columns == {"age": ("20", "20", "NA", "31")}
        assert faces.pairs is not None and faces.pairs.same.tolist() == [True, False]
        assert faces.openset is not None and faces.openset.gallery.tolist() == [0, 2]

    def refused(self, folder: Path, text: str) -> None:
        with pytest.raises(ConfigError) as caught:
            read_faces(folder)
        said = str(caught.value)
        assert said.startswith(f"{folder / 'images.csv'}: ") and text in said and "\n" not in said

    def test_a_list_that_is_missing_or_unreadable(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "nowhere", "cannot be read; --faces names a folder with images.csv")
        (tmp_path / "images.csv").write_bytes(b"file,subject\n\xff\xfe,a\n")
        self.refused(tmp_path, "cannot be read")
        (tmp_path / "images.csv").write_text('file,subject\n"' + "x" * 200_000)
        self.refused(tmp_path, "cannot be read")

    @pytest.mark.parametrize(
        "text", ["", "file,subject\n", "name,who\na,b\n", "file,subject\na.png\n", "file,subject\n,b\n"]
    )
    def test_a_row_without_file_or_subject(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "images.csv").write_text(text)
        self.refused(tmp_path, "file, subject: every row needs both")

    def test_a_picture_that_is_not_there(self, tmp_path: Path) -> None:
        write_list(tmp_path, [("gone.png", "a")])
        self.refused(tmp_path, "file: gone.png is not there")

    def test_too_few_people(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").touch()
        rows = [(f"{number}.png", f"s{number}") for number in range(LEAST_PEOPLE - 1)]
        for name, _ in rows:
            (tmp_path / name).touch()
        write_list(tmp_path, rows)
        self.refused(tmp_path, f"subject: fewer than {LEAST_PEOPLE} people prove nothing")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("file,subject,age\na0.png,a\n", "columns: every row has as many fields as the headings"),
            ("file,subject\na0.png,a,20\n", "columns: every row has as many fields as the headings"),
            ("file,subject,\na0.png,a,20\n", "columns: every row has as many fields as the headings, all named"),
            ("file,subject\na0.png,a\na0.png,b\n", "file: a picture is listed twice"),
        ],
    )
    def test_a_list_that_is_not_a_table(self, folder: Path, text: str, says: str) -> None:
        (folder / "images.csv").write_text(text)
        self.refused(folder, says)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b,same\n", "has no pair"),
        ("a,b,same\na0.png,gone.png,0\n", "line 2: b: is no file of images.csv"),
        ("a,b\na0.png,b0.png\n", "line 2: same: is 1 for one person, else 0"),
        (PAIRS + "a0.png,c0.png,1\n", "line 4: same: is 1 for one person, else 0"),
        (PAIRS + "a0.png,c0.png,no\n", "line 4: same: "),
        ("left,right,same\na0.png,b0.png,0\n", "line 2: a: is no file"),
    ],
)
def test_pairs_that_are_not(folder: Path, text: str, says: str) -> None:
    (folder / "pairs.csv").write_text(text)
    refused(folder, "pairs.csv", says)


def test_pairs_that_cannot_be_read(folder: Path) -> None:
    (folder / "pairs.csv").write_bytes(b"a,b,same\n\xff\xfe,b,1\n")
    refused(folder, "pairs.csv", "cannot be read; it is a list a,b,same")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"gallery": None}, "gallery: must be a list of files"),
        ({"mated_probes": []}, "mated_probes: must be a list of files"),
        ({"non_mated_probes": ["gone.png"]}, "non_mated_probes: names a file that images.csv does not have"),
        ({"non_mated_probes": [3]}, "non_mated_probes: names a file that images.csv does not have"),
        ({"gallery": ["a0.png", "a1.png"]}, "gallery: has two pictures of one person"),
        ({"mated_probes": ["c0.png"]}, "mated_probes: are of people in the gallery"),
        ({"mated_probes": ["a0.png"]}, "mated_probes: are other pictures than those in the gallery"),
        ({"non_mated_probes": ["a1.png"]}, "non_mated_probes: are of people who are not in the gallery"),
    ],
)
def test_an_open_set_that_is_none(folder: Path, changes: dict[str, Any], says: str) -> None:
    (folder / "openset.json").write_text(json.dumps(OPENSET | changes))
    refused(folder, "openset.json", says)


@pytest.mark.parametrize("text", ["", "[1", "[" * 100_000, "[]", "3"])
def test_an_open_set_that_cannot_be_read(folder: Path, text: str) -> None:
    (folder / "openset.json").write_text(text)
    refused(folder, "openset.json", "")


def test_what_is_not_there_is_none(folder: Path) -> None:
    (folder / "pairs.csv").unlink()
    (folder / "openset.json").unlink()
    assert (read_faces(folder, 2).pairs, read_faces(folder, 2).openset) == (None, None)


def refused(folder: Path, file: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_faces(folder, 2)
    said = str(caught.value)
    assert said.startswith(f"{folder / file}: ") and says in said and "\n" not in said


def test_people_and_not_pictures_are_split() -> None:
    subjects = tuple(f"s{number // 3}" for number in range(900))
    faces = Faces("x", tuple(Path(f"{number}.png") for number in range(900)), subjects)
    assert {int(each) for each in faces.halves()} == {0, 1} and 120 < len({s for s in subjects if half(s)}) < 180
    assert set(faces.folds().tolist()) == set(range(FOLDS))
    for found in (faces.halves(), faces.folds()):
        by_person = found.reshape(300, 3)
        assert (by_person == by_person[:, :1]).all()


def test_a_part_does_not_depend_on_the_order_of_the_list() -> None:
    files, subjects = (Path("b"), Path("a"), Path("c")), ("two", "two", "one")
    templates = np.arange(3, dtype=np.float32)[:, None]
    forth = part(templates, Faces("x", files, subjects), np.ones(3, bool))
    back = part(templates[::-1], Faces("x", files[::-1], subjects[::-1]), np.ones(3, bool))
    assert forth[0].tolist() == back[0].tolist() == [[2], [1], [0]] and forth[1] == back[1] == ["one", "two", "two"]
