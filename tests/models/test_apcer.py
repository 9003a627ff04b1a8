"""Rates of attacks: who is shown, where the threshold lies, what is counted, and that nothing claims to be real."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from agent.adapters.litert import load_models, load_pad
from agent.errors import ConfigError
from agent.face.detect import Finder
from agent.models import apcer
from agent.models.apcer import AIMED, Find, Trial
from agent.models.attacks import Kind
from agent.models.faceset import Faces, half, read_faces
from agent.models.plots import attacks as drawn
from agent.units import Rgb, Sha256
from tests.models.faces import make_faces
from tests.models.given import MODELS

MODEL = Sha256("a" * 64)


def trials() -> list[Trial]:
    """A hundred honest people in each half, and ten of each attack, some without a face."""
    made = [Trial(None, side, place / 100) for side in (0, 1) for place in range(100)]
    made.append(Trial(None, 0, None))
    for kind in Kind:
        passing = 5 if kind is Kind.CLOSE else 0
        made += [Trial(kind, 1, 0.9 if place < passing else 0.01) for place in range(10)]
        made.append(Trial(kind, 1, None))
    return made


def test_the_threshold_denies_so_many_of_the_first_half_and_a_score_that_reaches_it_passes() -> None:
    made = trials()
    at = apcer.threshold(made)
    assert at == AIMED
    assert apcer.bpcer([each for each in made if each.half == 0], at).value == pytest.approx(AIMED)
    turned = [Trial(each.kind, 1 - each.half, each.score) for each in made]
    assert apcer.threshold(turned) == at
    higher = [Trial(None, 1, 0.99) for _ in range(500)]
    assert apcer.threshold(made + higher) == at, "the other half does not choose"


def test_attacks_are_counted_by_species_and_the_worst_is_named() -> None:
    found = apcer.report(trials(), "nobody", 0.95)
    own, shipped = found["own_threshold"], found["shipped_threshold"]
    assert own["worst"] == {"kind": "close-screen", **own["apcer"]["close-screen"]}
    assert (own["apcer"]["close-screen"]["value"], own["apcer"]["close-screen"]["of"]) == (0.5, 10)
    assert own["apcer"]["photo-print"] | {"low": 0, "high": 0} == {
        "value": 0.0, "low": 0, "high": 0, "of": 10, "goal": 0.07, "reached": True,
    }  # fmt: skip
    assert own["groups"]["screens, border in view"]["of"] == 30
    assert own["groups"]["screens, no border in view"] == own["apcer"]["close-screen"]
    assert own["attacks_without_a_face"] == len(Kind)
    assert shipped["apcer"]["close-screen"]["value"] == 0.0
    assert (shipped["bpcer"]["of"], shipped["bpcer"]["reached"]) == (200, False)


def test_every_text_says_simulated_and_what_was_not_reached() -> None:
    found = apcer.report(trials(), "nobody", 0.5)
    text, picture = apcer.text(found), drawn(found)
    assert text.startswith("Simulated presentation attacks, nobody. No real attack was made.")
    assert "| APCER close-screen | 50.0% | " in text and "| 20% | no |" in text
    assert "imulated" in picture and "close-screen" in picture
    (last,) = re.findall(r'<text x="([\d.]+)"[^>]*>100 %', picture)
    assert float(last) + 20.3 < 720, "half of it lies beside its line, in DejaVu Sans of 13 px"
    point = apcer.pad_point(trials(), MODEL, "nobody")
    assert (point.label, point.model, point.threshold) == ("simulated", MODEL, AIMED)
    assert "simulated" in point.chosen and all("simulated" in figure.data for figure in point.figures)
    assert {figure.name for figure in point.figures} == {"BPCER", *(f"APCER {kind}" for kind in Kind)}


def test_a_species_of_which_nothing_was_seen_has_no_rate() -> None:
    made = [each for each in trials() if each.kind is None]
    found = apcer.report(made, "nobody", None)
    assert found["shipped_threshold"] is None
    assert found["own_threshold"]["apcer"]["photo-print"]["value"] is None
    assert "| APCER photo-print | - | - | 0 | 7% | - |" in apcer.text(found)
    assert "photo-print" in drawn(found)


@pytest.fixture(scope="module")
def find() -> Find:
    return Finder(load_models(MODELS)[0].run).find


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    folder = make_faces(tmp_path_factory.mktemp("faces") / "set")
    path = folder / "images" / "005-0.png"
    picture = cv2.imread(str(path))
    assert picture is not None
    picture[-20:, -20:] = 0
    cv2.imwrite(str(path), picture)
    return read_faces(folder)


def test_each_person_is_shown_once_without_black_corners(faces: Faces, find: Find) -> None:
    seen: list[int] = []
    shown = apcer.people(faces, find, lambda: seen.append(1))
    assert len(seen) == len(faces.files)
    assert len({each.subject for each in shown}) == len(shown) > 50
    assert [each.subject for each in shown] == sorted(each.subject for each in shown)
    fifth = next(each for each in shown if each.subject == "s005")
    assert fifth.portrait.picture[-1, -1].max() > 6, "the second picture of s005 has no black corner"


def test_too_few_people_prove_nothing(faces: Faces, find: Find) -> None:
    shown = apcer.people(faces, find, lambda: None)
    apcer.demand_enough(shown, faces.name)
    with pytest.raises(ConfigError, match="fewer than 10 people of each half"):
        apcer.demand_enough([each for each in shown if half(each.subject) == 0], faces.name)


def test_each_person_is_tried_once_in_every_way_by_the_real_models(faces: Faces, find: Find) -> None:
    pad = load_pad(MODELS)
    assert pad is not None
    shown = apcer.people(faces, find, lambda: None)
    few = [
        *[each for each in shown if half(each.subject) == 0][:2],
        *[each for each in shown if half(each.subject)][:2],
    ]
    done: list[int] = []

    def answer(view: Rgb) -> np.ndarray:
        assert view.shape == (128, 128, 3)
        return pad.run(view)[0]

    made = apcer.trials(few, find, answer, lambda: done.append(1))
    assert len(done) == len(few)
    assert [(each.kind, each.half) for each in made] == [
        (kind, half(person.subject)) for person in few for kind in (None, *Kind)
    ]
    assert all(each.score is None or 0.0 <= each.score <= 1.0 for each in made)
