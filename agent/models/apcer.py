"""How often simulated attacks pass and honest people are denied, by the terms of ISO/IEC 30107-3.

APCER is the share of attacks of one species that are taken for bona fide, BPCER the share of bona fide presentations
that are taken for attacks; the worst species is what counts. Rules: the threshold is chosen on one half of the people,
at a BPCER of `AIMED`, and reported on the other; one picture and one attack of each species for each person; an attack
in which no face is found opens nothing and is counted apart. Leaves out: real attacks; every text says "simulated".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from agent.errors import ConfigError
from agent.face.detect import Face, Floats
from agent.face.edges import edges
from agent.face.pad import score, view
from agent.models.attacks import Kind, Portrait, attack, bona_fide, coded
from agent.models.eyes import nearest, read_picture
from agent.models.faceset import Faces, half
from agent.models.figures import Figure, PadPoint
from agent.models.rates import Rate
from agent.units import Rgb, Sha256

BPCER: Final = 0.05
"""Bona fide presentations that may be denied."""
AIMED: Final = 0.03
"""What the threshold is chosen for on the first half: with few people, the others may be denied more often."""
GOALS: Final = {True: 0.07, False: 0.20}
"""The greatest APCER of prints and of screens that is aimed at."""
_FACE_PX: Final = (60.0, 100.0)
_SHRUNK: Final = 0.95
"""No face is made larger than this share of its size in the photograph."""
_SEED: Final = 30107
_LEAST: Final = 10
_CORNER: Final = 3
_BLACK: Final = 6

Find = Callable[[Rgb], Sequence[Face]]
Answer = Callable[[Rgb], Floats]
"""The network on a view: logits, bona fide first."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One presentation."""

    kind: Kind | None
    """None: bona fide."""
    half: int
    """Of the person who is shown; see `faceset.half`."""
    score: float | None
    """None: no face was found."""


@dataclass(frozen=True, slots=True)
class Person:
    subject: str
    portrait: Portrait


def people(faces: Faces, find: Find, seen: Callable[[], object]) -> list[Person]:
    """The first usable picture of each person.

    Left out are pictures with a black corner: they were turned when the set was made, and the edge of such a corner is
    as straight as a paper's, but it is the file's and not the scene's.
    """
    found: dict[str, Person] = {}
    for path, subject in sorted(zip(faces.files, faces.subjects, strict=True), key=lambda each: str(each[0])):
        seen()
        if subject in found:
            continue
        picture = read_picture(path)
        if _cornered(picture):
            continue
        face = nearest(find(picture), picture)
        if face is not None and face.box.width >= _FACE_PX[0] / _SHRUNK:
            found[subject] = Person(subject, Portrait(picture, face))
    return [found[subject] for subject in sorted(found)]


def demand_enough(shown: Sequence[Person], name: str) -> None:
    """There must be an attacker for everybody, in each half.

    Raises:
        ConfigError: too few usable pictures.
    """
    sides = [half(each.subject) for each in shown]
    if min(sides.count(0), sides.count(1)) < _LEAST:
        raise ConfigError(
            f"{name}: pictures: fewer than {_LEAST} people of each half have one with a face of {_FACE_PX[0]:g} px "
            "and no black corner; take a larger set"
        )


def _cornered(picture: Rgb) -> bool:
    ends = slice(None, _CORNER), slice(-_CORNER, None)
    return any(int(picture[rows, columns].max()) <= _BLACK for rows in ends for columns in ends)


def trials(shown: Sequence[Person], find: Find, answer: Answer, done: Callable[[], object]) -> list[Trial]:
    """Each person once as they are and once in each attack, by an attacker of the same half."""
    chance = np.random.default_rng(_SEED)
    made: list[Trial] = []
    for person in shown:
        side = half(person.subject)
        others = [each for each in shown if each is not person and half(each.subject) == side]
        for kind in (None, *Kind):
            face_px = min(float(chance.uniform(*_FACE_PX)), _SHRUNK * person.portrait.face.box.width)
            if kind is None:
                picture = bona_fide(person.portrait, face_px, chance)
            else:
                attacker = others[int(chance.integers(len(others)))]
                picture = attack(person.portrait, attacker.portrait, kind, face_px, chance)
            picture = coded(picture, chance)
            face = nearest(find(picture), picture)
            made.append(Trial(kind, side, None if face is None else _score(picture, face, answer)))
        done()
    return made


def _score(picture: Rgb, face: Face, answer: Answer) -> float:
    seen = view(picture, face.box)
    return score(answer(seen), edges(seen))


def threshold(made: Sequence[Trial]) -> float:
    """The highest threshold that denies at most `AIMED` of the bona fide presentations of the first half."""
    honest = sorted(each.score for each in made if each.kind is None and each.half == 0 and each.score is not None)
    return round(honest[int(AIMED * len(honest))], 4)


def bpcer(made: Sequence[Trial], at: float) -> Rate:
    scores = [each.score for each in made if each.kind is None and each.score is not None]
    return Rate(sum(score < at for score in scores), len(scores))


def apcer(made: Sequence[Trial], at: float, *kinds: Kind) -> Rate:
    """Of one species, or of several put together."""
    scores = [each.score for each in made if each.kind in kinds and each.score is not None]
    return Rate(sum(score >= at for score in scores), len(scores))


def pad_point(made: Sequence[Trial], model: Sha256, name: str) -> PadPoint:
    """The threshold for a manifest, with what it was found to do to the other half."""
    at, other = threshold(made), [each for each in made if each.half == 1]
    data = f"{name}, people outside the calibration half, simulated"
    found = {"BPCER": bpcer(other, at)} | {f"APCER {kind}": apcer(other, at, kind) for kind in Kind}
    chosen = f"BPCER {AIMED:g} on one half of the people of {name}; attacks simulated; figures are of the other half."
    figures = tuple(Figure(data, what, round(rate.value or 0.0, 4), rate.of) for what, rate in found.items())
    return PadPoint("simulated", model, at, chosen, figures)


def report(made: Sequence[Trial], name: str, shipped: float | None) -> dict[str, Any]:
    """All figures as plain data: at a threshold of this set's own on its other half, and at the shipped one on all.

    Args:
        shipped: None: there is none. Where it is this set's own, only the other half says anything.
    """
    at = threshold(made)
    return {
        "data": name,
        "attacks": "simulated",
        "own_threshold": {"threshold": at, **_rates([each for each in made if each.half == 1], at)},
        "shipped_threshold": {"threshold": shipped, **_rates(made, shipped)} if shipped not in (None, at) else None,
    }


def _rates(made: Sequence[Trial], at: float) -> dict[str, Any]:
    by_kind = {kind.value: _rate(apcer(made, at, kind), kind.printed) for kind in Kind}
    groups = {
        f"{word}, {'no border in view' if whole else 'border in view'}": _rate(apcer(made, at, *kinds), printed)
        for word, printed in (("prints", True), ("screens", False))
        for whole in (False, True)
        if (kinds := [kind for kind in Kind if (kind.printed, kind.whole) == (printed, whole)])
    }
    worst = max(by_kind, key=lambda kind: by_kind[kind]["value"] or 0.0)
    unseen = sum(each.score is None for each in made if each.kind is not None)
    return {
        "bpcer": _rate(bpcer(made, at), None), "apcer": by_kind, "groups": groups,
        "worst": {"kind": worst, **by_kind[worst]}, "attacks_without_a_face": unseen,
    }  # fmt: skip


def _rate(rate: Rate, printed: bool | None) -> dict[str, Any]:
    low, high = rate.bounds
    goal = BPCER if printed is None else GOALS[printed]
    value = None if rate.value is None else round(rate.value, 4)
    return {"value": value, "low": round(low, 4), "high": round(high, 4), "of": rate.of, "goal": goal,
            "reached": None if value is None else value <= goal}  # fmt: skip


def text(found: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    lines = [f"Simulated presentation attacks, {found['data']}. No real attack was made.", ""]
    for key, words in (("own_threshold", "threshold chosen on one half of the people, figures of the other half"),
                       ("shipped_threshold", "the shipped threshold, figures of all people")):  # fmt: skip
        part = found[key]
        if part is None:
            continue
        lines += [f"At {part['threshold']:g}: {words}.", "", "| What | Share | 95 % bounds | Trials | Goal | Reached |",
                  "|---|---|---|---|---|---|", _row("BPCER", part["bpcer"])]  # fmt: skip
        lines += [_row(f"APCER {kind}", rate) for kind, rate in part["apcer"].items()]
        lines += [_row(f"APCER of all {name}", rate) for name, rate in part["groups"].items()]
        lines += [
            "", f"Worst species: {part['worst']['kind']}. Attacks in which no face was found, counted in no rate: "
            f"{part['attacks_without_a_face']}.", "",
        ]  # fmt: skip
    return "\n".join(lines)


def _row(name: str, rate: Mapping[str, Any]) -> str:
    if rate["value"] is None:
        return f"| {name} | - | - | 0 | {rate['goal']:.0%} | - |"
    reached = "yes" if rate["reached"] else "no"
    return (
        f"| {name} | {rate['value']:.1%} | {rate['low']:.1%} to {rate['high']:.1%} | {rate['of']:,} "
        f"| {rate['goal']:.0%} | {reached} |"
    )
