"""How many faces are found by their width in 640 x 480: in the whole frame, and with parts where something moves.

Pictures of a folder in the form of `images.csv` (never shipped) are shrunk until the face has the width that is asked
for, and put before the scene's backdrop at a place of their own; the frame before is the backdrop alone, so that what
moves is the person. A picture in which the detector finds no face at full size is left out, and counted.

    .venv/bin/python bench/recall.py --data FOLDER [--count 400] [--json FILE]
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent.adapters.litert import LiteRtDetector, LoadedModel, load_models
from agent.face.detect import Face, Finder
from agent.face.tiles import Tiles
from agent.units import Box, Rgb
from tests.face.given import REGION, VIEW
from tests.policy.given import SECOND, document, permitted, policy

WIDTHS = (68, 56, 42, 34, 28, 22)
FOUND = 0.4
"""A face counts as found when its box overlaps the true one by this much."""


def read(path: Path) -> Rgb:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert bgr is not None, path
    return np.ascontiguousarray(bgr[..., ::-1], np.uint8)


def faces(folder: Path, model: LoadedModel, count: int) -> tuple[list[tuple[Rgb, Box]], int]:
    """Pictures with the box of the face nearest to the middle, and how many were left out."""
    with (folder / "images.csv").open(encoding="utf8") as file:
        files = sorted({row["subject"]: row["file"] for row in csv.DictReader(file)}.values())
    find = Finder(model.run).find
    found: list[tuple[Rgb, Box]] = []
    chosen = [files[place] for place in np.random.default_rng(1).permutation(len(files))[:count]]
    for name in chosen:
        picture = read(folder / "images" / name)
        middle = picture.shape[1] / 2
        seen = min(find(picture), key=lambda face: abs(face.box.centre[0] - middle), default=None)
        if seen is not None:
            found.append((picture, seen.box))
    return found, len(chosen) - len(found)


def placed(backdrop: Rgb, picture: Rgb, face: Box, width: float, chance: np.random.Generator) -> tuple[Rgb, Box]:
    """The picture in the backdrop with a face of this width, soft at its edges, and where the face is."""
    scale = width / face.width
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    high, wide = small.shape[:2]
    x, y = int(chance.integers(0, 640 - wide)), int(chance.integers(0, 480 - high))
    soft = np.zeros((high, wide, 1), np.float32)
    edge = max(2, wide // 16)
    soft[edge:-edge, edge:-edge] = 1.0
    soft = cv2.GaussianBlur(soft, (0, 0), edge / 2)[..., None]
    made = backdrop.copy()
    area = np.s_[y : y + high, x : x + wide]
    made[area] = (made[area] * (1 - soft) + small * soft).astype(np.uint8)
    return made, Box(*(value * scale + shift for value, shift in zip(
        (face.x0, face.y0, face.x1, face.y1), (x, y, x, y), strict=True
    )))  # fmt: skip


def noisy(picture: Rgb, chance: np.random.Generator) -> Rgb:
    return np.clip(picture + chance.normal(0, 2.0, picture.shape), 0, 255).astype(np.uint8)


def hit(found: tuple[Face, ...], truth: Box) -> bool:
    return any(face.box.overlap(truth) >= FOUND for face in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model, _ = load_models(ROOT / "models")
    detector = LiteRtDetector(model)
    backdrop = read(ROOT / "scenes" / "front-gate.webp")
    rules = policy(
        view=VIEW, attempt=document()["attempt"] | {"region": REGION, "inter_eye_px": 20}
    ).document.attempt  # fmt: skip
    pictures, left_out = faces(given.data, model, given.count)
    figures: dict[str, object] = {"n": len(pictures), "left_out": left_out}
    print(f"n = {len(pictures)} people, {left_out} left out: no face at full size")
    print("face width   whole frame   with parts   next frame, nothing moves   false faces a frame   ms whole / parts")
    for width in WIDTHS:
        chance = np.random.default_rng(width)
        whole = near = still = false = 0
        ms = [0.0, 0.0]
        for picture, face in pictures:
            shown, truth = placed(backdrop, picture, face, width, chance)
            tiles = Tiles(rules)
            before, first, second = (
                permitted(number, number * SECOND // 15, noisy(each, chance), view=VIEW)
                for number, each in enumerate((backdrop, shown, shown))
            )
            tiles.faces(before, detector)
            began = perf_counter()
            whole += hit(detector.detect(first), truth)
            between = perf_counter()
            found = tiles.faces(first, detector)
            ms = [ms[0] + between - began, ms[1] + perf_counter() - between]
            near += hit(found, truth)
            false += sum(each.box.overlap(truth) < 0.1 for each in found)
            still += hit(tiles.faces(second, detector), truth)
        n = len(pictures)
        figures[str(width)] = {"whole": whole / n, "parts": near / n, "still": still / n, "false": false / n}
        print(
            f"{width:7} px   {whole / n:11.3f}   {near / n:10.3f}   {still / n:25.3f}   {false / n:19.3f}"
            f"   {1000 * ms[0] / n:.1f} / {1000 * ms[1] / n:.1f}"
        )
    if given.json is not None:
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
