"""A folder of faces to evaluate on: `images.csv`, and where they exist `pairs.csv` and `openset.json`.

Rules: what is there must be whole: a file that is named and missing, a row without its fields, a name that `images.csv`
does not have are errors, told with file, field and rule. Subjects and file names are read to tell people apart and go
no further. Leaves out: pictures (the eyes read them) and numbers.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agent.errors import ConfigError
from agent.models.rates import FOLDS, Matrix, Places

LEAST_PEOPLE: Final = 100
"""Fewer do not choose a threshold."""
HELP: Final = "correct the list"
_OPENSET: Final = ("gallery", "mated_probes", "non_mated_probes")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of pictures, by their place in `Faces.files`."""

    left: Places
    right: Places
    same: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OpenSet:
    """1:N: who is enrolled (one picture each), probes of theirs, and probes of strangers; places in `Faces.files`."""

    gallery: Places
    mated: Places
    non_mated: Places


@dataclass(frozen=True, slots=True)
class Faces:
    """The folder's lists."""

    name: str
    files: tuple[Path, ...]
    subjects: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What else `images.csv` says of each picture, by the column's heading."""
    pairs: Pairs | None = None
    openset: OpenSet | None = None

    @property
    def people(self) -> int:
        return len(set(self.subjects))

    def halves(self) -> npt.NDArray[np.int8]:
        """The half of the people that each picture is in."""
        return np.array([half(subject) for subject in self.subjects], np.int8)

    def folds(self) -> Places:
        """The fold of each picture's person, from 0 to `FOLDS` - 1."""
        return np.array([hashlib.sha256(s.encode()).digest()[1] % FOLDS for s in self.subjects], np.intp)


def half(subject: str) -> int:
    """0 (thresholds are chosen here) or 1 (and reported here), whatever the order of the list."""
    return hashlib.sha256(subject.encode()).digest()[0] & 1


def part(templates: Matrix, faces: Faces, chosen: npt.NDArray[np.bool_]) -> tuple[Matrix, list[str]]:
    """The templates and subjects of the pictures that are chosen, in an order that the list's does not matter to."""
    order = sorted(np.flatnonzero(chosen), key=lambda place: (faces.subjects[place], faces.files[place]))
    return templates[order], [faces.subjects[place] for place in order]


def read_faces(folder: Path, least_people: int = LEAST_PEOPLE, *, option: str = "--faces") -> Faces:
    """The lists of a folder of faces.

    Args:
        least_people: fewer are an error.
        option: what named the folder, for errors.

    Raises:
        ConfigError: a list is missing, malformed, or names what is not there.
    """
    path = folder / "images.csv"
    rows = _rows(path, f"{option} names a folder with images.csv (file,subject)")
    if not rows or any(not row.get("file") or not row.get("subject") for row in rows):
        raise ConfigError(f"{path}: file, subject: every row needs both; {HELP}")
    others = [name for name in rows[0] if name not in ("file", "subject")]
    if any(None in row or None in row.values() for row in rows) or not all(others):
        raise ConfigError(f"{path}: columns: every row has as many fields as the headings, all named; {HELP}")
    names = [row["file"] for row in rows]
    if len(set(names)) < len(names):
        raise ConfigError(f"{path}: file: a picture is listed twice; {HELP}")
    files = tuple(_found(folder, name) for name in names)
    subjects = tuple(row["subject"] for row in rows)
    if len(set(subjects)) < least_people:
        raise ConfigError(f"{path}: subject: fewer than {least_people} people prove nothing; take a larger set")
    places = {name: place for place, name in enumerate(names)}
    columns = {name: tuple(row[name].strip() for row in rows) for name in others}
    return Faces(
        folder.resolve().name, files, subjects, columns, _pairs(folder / "pairs.csv", places, subjects),
        _openset(folder / "openset.json", places, subjects),
    )  # fmt: skip


def _rows(path: Path, remedy: str) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise ConfigError(f"{path}: cannot be read; {remedy}") from None


def _found(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / "images" / name):
        if path.is_file():
            return path
    raise ConfigError(f"{folder / 'images.csv'}: file: {name} is not there; {HELP}")


def _pairs(path: Path, places: Mapping[str, int], subjects: tuple[str, ...]) -> Pairs | None:
    if not path.exists():
        return None
    rows = _rows(path, "it is a list a,b,same; correct or remove it")
    if not rows:
        raise ConfigError(f"{path}: has no pair; correct or remove it")
    left: list[int] = []
    right: list[int] = []
    same: list[bool] = []
    for line, row in enumerate(rows, 2):
        for side, into in (("a", left), ("b", right)):
            if row.get(side) not in places:
                raise ConfigError(f"{path}: line {line}: {side}: is no file of images.csv; {HELP}")
            into.append(places[row[side]])
        truth = subjects[left[-1]] == subjects[right[-1]]
        if row.get("same") not in ("0", "1") or (row["same"] == "1") != truth:
            raise ConfigError(f"{path}: line {line}: same: is 1 for one person, else 0, as images.csv has it; {HELP}")
        same.append(truth)
    return Pairs(np.array(left, np.intp), np.array(right, np.intp), np.array(same, bool))


def _openset(path: Path, places: Mapping[str, int], subjects: tuple[str, ...]) -> OpenSet | None:
    if not path.exists():
        return None
    try:
        raw = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        raise ConfigError(f"{path}: cannot be read as JSON; correct or remove it") from None
    lists = [_listed(path, raw, name, places) for name in _OPENSET]
    enrolled = [subjects[place] for place in lists[0]]
    if len(set(enrolled)) < len(enrolled):
        raise ConfigError(f"{path}: gallery: has two pictures of one person; {HELP}")
    known = set(enrolled)
    for listed, name, inside in ((lists[1], _OPENSET[1], True), (lists[2], _OPENSET[2], False)):
        if any((subjects[place] in known) != inside for place in listed):
            rule = "are of people in the gallery" if inside else "are of people who are not in the gallery"
            raise ConfigError(f"{path}: {name}: {rule}; {HELP}")
    if set(lists[0]) & set(lists[1]):
        raise ConfigError(f"{path}: mated_probes: are other pictures than those in the gallery; {HELP}")
    return OpenSet(*(np.array(each, np.intp) for each in lists))


def _listed(path: Path, raw: Any, name: str, places: Mapping[str, int]) -> list[int]:
    listed = raw.get(name) if isinstance(raw, dict) else None
    if not isinstance(listed, list) or not listed:
        raise ConfigError(f"{path}: {name}: must be a list of files; {HELP}")
    if any(not isinstance(each, str) or each not in places for each in listed):
        raise ConfigError(f"{path}: {name}: names a file that images.csv does not have; {HELP}")
    return [places[each] for each in listed]
