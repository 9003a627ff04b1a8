"""A folder of faces in the form that `--faces` takes: a hundred invented people, the cast in other colours."""

from __future__ import annotations

import csv
from itertools import permutations
from pathlib import Path

import cv2
import numpy as np

from agent.models.faceset import LEAST_PEOPLE
from agent.scene.cast import Cast
from tests.models.given import CAST


def make_faces(folder: Path, people: int = LEAST_PEOPLE) -> Path:
    """`people` subjects with two pictures each, and one picture without a face."""
    cast = Cast(CAST)
    plain = [sprite for sprite in cast.file.sprite if sprite.use == "calibrate"]
    orders = list(permutations(range(3)))
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(people):
        sprite = plain[number % len(plain)]
        colours = orders[number // len(plain) % len(orders)]
        picture = np.ascontiguousarray(cast.picture(sprite)[..., colours])
        for take, seen in enumerate((picture, cv2.GaussianBlur(picture, (0, 0), 1.0))):
            name = f"{number:03}-{take}.png"
            cv2.imwrite(str(folder / "images" / name), seen)
            rows.append((name, f"s{number:03}"))
    cv2.imwrite(str(folder / "wall.png"), np.full((120, 160, 3), 120, np.uint8))
    rows.append(("wall.png", "s000"))
    write_list(folder, rows)
    return folder


def write_list(folder: Path, rows: list[tuple[str, str]]) -> None:
    with (folder / "images.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "subject"), *rows])
