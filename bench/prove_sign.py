"""The printed sign before simulated cameras: from where mark and code are read, what covering does, what is refused,
and what watching the mark costs a frame. The sheet is the PDF that `doorward sign make` writes, rasterised by PDFium;
the readers are the device's own, behind a real gate.

    scripts/prove sign [VIEWS]        views in each cell of a table, 6 by default
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import segno
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from agent.adapters.markers import ArucoReader, survey
from agent.adapters.qr import ZxingReader
from agent.crypto import SignSecret, sign_public
from agent.policy.bundle import MarkerPlace, PolicyDocument
from agent.policy.signage import FORBIDDING_MARKER, at_place
from agent.site.signs.making import make_refusing, make_sign, marker_of
from agent.site.signs.refusing import SIZES
from agent.site.signs.token import PREFIX, SignToken, issue_token, judge_sign
from agent.units import Polygon
from bench.optics import Promises, rastered, views
from bench.watching import watching_cost
from tests.policy.given import NOW_S
from tests.site.mounted import SECRET, Camera, Printed, centre, codes_of, policy_of, printed, seen

console = Console(width=110)
DOCUMENT = policy_of()
MARK = marker_of(DOCUMENT)
promises = Promises(console)
demand = promises.demand


def sheet(size: str) -> Printed:
    data, _ = make_sign(DOCUMENT, SECRET, kind="pdf", size=size, languages=["en", "zh-Hans"], now_s=NOW_S)
    return printed(data, size)


def place_of(corners: Polygon, camera: Camera) -> MarkerPlace:
    """As it would have been attested there."""
    scale = camera.width / 640
    a, b, c, d = ((float(x) / scale - 0.5, float(y) / scale - 0.5) for x, y in camera.sees(corners))
    return MarkerPlace(number=MARK, corners=(a, b, c, d), tolerance_px=3.0)


def near(place: MarkerPlace) -> Polygon:
    low, high = np.min(place.corners, axis=0) - 3, np.max(place.corners, axis=0) + 3
    return ((low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1]))


def mark_table(paper: Printed, name: str, count: int) -> float:
    """How often the mark is read at its place; the worst cell of full and half light counts."""
    reader, random = ArucoReader(), np.random.default_rng(1)
    table = Table(title=f"{name}: mark of {paper.mark / 10:.1f} cm, 640 × 480, {2 * 31}° view: read at its place, %")
    lights = (1.0, 0.5, 0.25)
    for heading in ("metres", *(f"light {light:g}" for light in lights), "largest error, px"):
        table.add_column(heading, justify="right")
    worst = 100.0
    for distance in (1.0, 2.0, 3.0, 4.0):
        cells, errors = [], [0.0]
        for light in lights:
            hits = total = 0
            for camera in views(random, count, 640, distance, centre(paper.mark_corners()), 150 * distance):
                place = place_of(paper.mark_corners(), camera)
                frame = codes_of(seen(paper, camera, random, light=light))
                found = [each for each in reader.markers(frame, near(place)) if each.number == MARK]
                errors += [float(np.abs(np.array(each.corners) - place.corners).max()) for each in found]
                hits += any(at_place(each, place) for each in found)
                total += 1
            cells.append(100 * hits / total)
        worst = min(worst, *cells[:2])
        table.add_row(f"{distance:g}", *(f"{cell:.0f}" for cell in cells), f"{max(errors):.1f}")
    console.print(table)
    return worst


def code_table(paper: Printed, name: str, count: int) -> float:
    reader, random = ZxingReader(), np.random.default_rng(2)
    table = Table(
        title=f"{name}: signed code of {45 * paper.paper.module / 10:.1f} cm, 1,920 × 1,440 luma: verified, %"
    )
    distances = (0.3, 0.4, 0.6, 0.8, 1.0)
    for heading in ("light", *(f"{distance:g} m" for distance in distances)):
        table.add_column(heading, justify="right")
    worst = 100.0
    for light in (1.0, 0.5):
        cells = []
        for distance in distances:
            good = total = 0
            for camera in views(random, count, 1920, distance, centre(paper.code_corners()), 100 * distance):
                texts = reader.texts(codes_of(seen(paper, camera, random, light=light)))
                good += any(isinstance(judge_sign(each.text, DOCUMENT, NOW_S), SignToken) for each in texts)
                total += 1
            cells.append(100 * good / total)
        worst = min(worst, *cells)
        table.add_row(f"{light:g}", *(f"{cell:.0f}" for cell in cells))
    console.print(table)
    return worst


def cover_table(paper: Printed, count: int) -> None:
    """A hand over mark and code: what it takes until they are not read any more. Nothing is promised here."""
    markers, qrs, random = ArucoReader(), ZxingReader(), np.random.default_rng(3)
    table = Table(title="A3, partly covered: still read, %")
    parts = (0, 2, 5, 10, 15, 25)
    for heading in ("what", *(f"{part} % covered" for part in parts)):
        table.add_column(heading, justify="right")
    cells: dict[str, list[float]] = {"mark, from a corner, 2 m": [], "mark, at its middle, 2 m": [], "code, 0.6 m": []}
    for part in parts:
        hits = Counter[str]()
        for _ in range(5 * count):
            for what, corners, width, distance in (
                ("mark, from a corner, 2 m", paper.mark_corners(), 640, 2.0),
                ("mark, at its middle, 2 m", paper.mark_corners(), 640, 2.0),
                ("code, 0.6 m", paper.code_corners(), 1920, 0.6),
            ):
                side, hand = corners[1][0] - corners[0][0], (part / 100) ** 0.5 * (corners[1][0] - corners[0][0])
                if "code" in what:  # anywhere but on the three finders
                    x, y = corners[0][0] + 0.2 * side, corners[0][1] + random.uniform(0.2, 0.6) * side
                elif "middle" in what:
                    x, y = corners[0][0] + (side - hand) / 2, corners[0][1] + (side - hand) / 2
                else:
                    x, y = corners[0]
                camera = Camera(width, width * 3 // 4, distance, centre(corners), random.uniform(-30, 30))
                frame = codes_of(seen(paper, camera, random, covers=[(x, y, hand, hand)] if part else []))
                if "code" in what:
                    verdicts = [judge_sign(each.text, DOCUMENT, NOW_S) for each in qrs.texts(frame)]
                    hits[what] += any(isinstance(each, SignToken) for each in verdicts)
                else:
                    place = place_of(corners, camera)
                    hits[what] += any(at_place(each, place) for each in markers.markers(frame, near(place)))
        for what, row in cells.items():
            row.append(100 * hits[what] / (5 * count))
    for what, row in cells.items():
        table.add_row(what, *(f"{cell:.0f}" for cell in row))
    console.print(table)


def refusing_table(count: int) -> dict[str, float]:
    """The no-recognition sign in the whole frame at half size, as the watch searches for it."""
    reader, random = ArucoReader(), np.random.default_rng(4)
    table = Table(title="No-recognition sign, whole frame at half size, ± 30°, full and half light: seen, %")
    distances = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
    for heading in ("sheet", *(f"{distance:g} m" for distance in distances)):
        table.add_column(heading, justify="right")
    near_by = {}
    for size, (width, height) in SIZES.items():
        data = make_refusing(kind="pdf", size=size, languages=["en", "zh-Hans"], now_s=NOW_S)
        held = Printed(rastered(data), sheets["A4"].paper, 0.74 * width)
        cells = []
        for distance in distances:
            hits = total = 0
            for light in (1.0, 0.5):
                for yaw in (-30, 0, 30):
                    for _ in range(count):
                        away = tuple(random.uniform(-60, 60, 2) * distance)
                        turned = (yaw, random.uniform(-15, 15), random.uniform(-15, 15))
                        camera = Camera(640, 480, distance, (width / 2, 0.5 * height), *turned, away)
                        frame = codes_of(seen(held, camera, random, light=light))
                        hits += any(each.number == FORBIDDING_MARKER for each in reader.markers(frame, None))
                        total += 1
            cells.append(100 * hits / total)
        near_by[size] = min(cells[:3])
        table.add_row(size, *(f"{cell:.0f}" for cell in cells))
    console.print(table)
    return near_by


def refused(number: int) -> None:
    """Codes that must not attest this sign, each drawn, printed, seen by the camera and read."""
    random, reader = np.random.default_rng(5), ZxingReader()
    good = issue_token(DOCUMENT, SECRET, marker=MARK, until_s=NOW_S + 86_400)
    other_key = SignSecret(b"\x09" * 32)

    def signed(document: PolicyDocument, until_s: float = NOW_S + 86_400, secret: SignSecret = SECRET) -> str:
        keyed = document.pass_keys[0].model_copy(update={"key": sign_public(secret).hex()})
        return issue_token(document.model_copy(update={"pass_keys": (keyed,)}), secret, marker=MARK, until_s=until_s)

    def altered() -> str:
        place = int(random.integers(len(PREFIX), len(good)))
        signs = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
        other = str(random.choice([sign for sign in signs if sign != good[place]]))
        return good[:place] + other + good[place + 1 :]

    kinds: dict[str, Callable[[], str]] = {
        "another site's, its own key": lambda: signed(policy_of(site="annex"), secret=other_key),
        "another site's name, this key": lambda: signed(policy_of(site="annex")),
        "forged with a key of one's own": lambda: signed(DOCUMENT, secret=SignSecret(random.bytes(32))),
        "one letter altered": altered,
        "expired": lambda: signed(DOCUMENT, NOW_S - float(random.integers(900, 10**7))),
        "another sign of the site": lambda: signed(policy_of(sign=sign_named(f"sign-{random.integers(2, 99)}"))),
        "another notice": lambda: signed(policy_of({"en": policy_texts(str(random.integers(10**9)))})),
        "other terms": lambda: signed(
            policy_of(retention={"max_days": int(random.integers(31, 99)), "max_idle_days": 30})
        ),
    }
    table = Table(title=f"Codes that must not attest this sign: drawn, seen and read, {number} in all")
    for heading in ("code", "read", "accepted", "refused as"):
        table.add_column(heading, justify="left" if heading in ("code", "refused as") else "right")
    accepted = total = 0
    for what, make in kinds.items():
        read, taken, faults = 0, 0, Counter[str]()
        for _ in range(number // len(kinds)):
            rows = [
                [0 if dark else 255 for dark in row] for row in segno.make_qr(make(), error="m").matrix_iter(border=6)
            ]
            picture = np.repeat(np.repeat(np.array(rows, np.uint8), 6, 0), 6, 1)
            luma = np.full((960, 1280), 120, np.uint8)
            luma[100 : 100 + picture.shape[0], 200 : 200 + picture.shape[1]] = picture
            luma = np.asarray(cv2.GaussianBlur(luma, (0, 0), 1.0), np.uint8)
            for each in reader.texts(codes_of(luma)):
                verdict = judge_sign(each.text, DOCUMENT, NOW_S)
                read += 1
                taken += isinstance(verdict, SignToken)
                faults[getattr(verdict, "name", str(verdict)).lower().replace("_", " ")] += 1
        accepted, total = accepted + taken, total + read
        table.add_row(what, str(read), str(taken), ", ".join(sorted(faults)))
    console.print(table)
    demand(
        total >= 0.99 * number and accepted == 0,
        f"{accepted} of {total:,} forged, foreign, expired or altered accepted",
    )


def sign_named(name: str) -> dict[str, object]:
    return {"id": name, "marker": {"number": MARK, "corners": [[2, 2], [12, 2], [12, 12], [2, 12]], "tolerance_px": 3}}


def policy_texts(purpose: str) -> dict[str, str]:
    return DOCUMENT.notice.texts["en"].model_dump() | {"purpose": purpose}


def survey_check(paper: Printed) -> None:
    """At commissioning: mark and code of one still from full-resolution luma, where a camera would hang."""
    random, reader = np.random.default_rng(6), ZxingReader()
    table = Table(title="Attesting from stills of 3,840 × 2,880: mark and code both read, %")
    distances = (1.0, 1.5, 2.0, 2.5, 3.0)
    for heading in ("sheet", *(f"{distance:g} m" for distance in distances)):
        table.add_column(heading, justify="right")
    cells = []
    for distance in distances:
        good = 0
        for yaw in (-25, 0, 25):
            camera = Camera(3840, 2880, distance, centre(paper.mark_corners()), yaw, 5.0)
            frame = codes_of(seen(paper, camera, random))
            mark = any(each.number == MARK for each in survey(frame))
            good += mark and any(each.text.startswith(PREFIX) for each in reader.texts(frame))
        cells.append(100 * good / 3)
    table.add_row("A3", *(f"{cell:.0f}" for cell in cells))
    console.print(table)


sheets = {size: sheet(size) for size in ("A3", "A4")}


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    worst = mark_table(sheets["A3"], "A3", count)
    demand(worst >= 95, f"a mark of 15 cm is read at 1 to 4 m, ± 40°, full and half light: {worst:.0f} % at the worst")
    mark_table(sheets["A4"], "A4", count)
    for size, paper in sheets.items():
        worst = code_table(paper, size, max(1, count // 2))
        demand(worst >= 95, f"the code of the {size} sign is verified at 0.3 to 1 m: {worst:.0f} % at the worst")
    survey_check(sheets["A3"])
    cover_table(sheets["A3"], count)
    near_by = refusing_table(count)
    worst = min(near_by.values())
    demand(worst >= 95, f"every no-recognition sheet is seen up to 1 m: {worst:.0f} % at the worst")
    refused(1000)
    usual = watching_cost(20, console)
    demand(usual <= 0.5, f"watching the mark costs {usual:.2f} ms a frame, at most 0.5 (one core of this machine)")
    return promises.close()


if __name__ == "__main__":
    sys.exit(main())
