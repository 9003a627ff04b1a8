"""Five good pictures of one consenting person make a reference; anything else says why not, without a score."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from agent.face.detect import Face
from agent.face.probe import Probe, ProbeLimits, ProbeTemplate
from agent.gallery.consent import Consent
from agent.gallery.enrol import NotPermitted, PictureFault, Rejected, TooFewGood, enrol
from agent.gallery.reference import Reference
from agent.policy.circumstances import Circumstances
from agent.policy.frames import CapturedFrame, PermittedFrame
from agent.policy.gate import Gate
from agent.policy.grounds import Ground
from agent.units import Box, Vector
from tests.gallery.given import LENGTH, MODEL, consent, towards, vector
from tests.policy.given import NOW_S, here, law, luma

WIDTH, HEIGHT = 200, 160
EYES = np.array(((80, 60), (120, 60), (100, 80), (100, 100), (62, 66), (138, 66)), np.float32)
"""A face that looks straight ahead, 40 px between the eyes."""
FACE = Face(Box(50, 30, 150, 130), EYES, 0.9)
FAR = Face(Box(90, 60, 110, 80), (EYES - 100) * 0.3 + 100, 0.9)
ASIDE = Face(Box(50, 30, 150, 130), EYES + np.array(((0, 0), (0, 0), (22, 0), (16, 0), (8, 0), (-30, 0))), 0.9)
ME, OTHER = vector(1), vector(2)


@dataclass
class Eyes:
    """Implements `ports.Detector`: sees in each picture what the test put there."""

    seen: dict[int, tuple[Face, ...]] = field(default_factory=dict)

    def detect(self, frame: PermittedFrame) -> tuple[Face, ...]:
        return self.seen.get(frame.number, (FACE,))


@dataclass
class Memory:
    """Implements `ports.Embedder`: each picture's vector, and which pictures it was given."""

    vectors: dict[int, Vector] = field(default_factory=dict)
    given: list[int] = field(default_factory=list)

    def embed(self, probe: Probe) -> ProbeTemplate:
        self.given.append(probe.number)
        return ProbeTemplate(self.vectors.get(probe.number, towards(ME, vector(100 + probe.number), 0.9)), probe.permit)


def sharp() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(5).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)


def pictures(count: int = 6, flat: tuple[int, ...] = ()) -> list[CapturedFrame]:
    grey = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    return [
        CapturedFrame(number, 0, grey.copy() if number in flat else sharp(), luma(width=WIDTH, height=HEIGHT))
        for number in range(count)
    ]


def attempt(
    shown: list[CapturedFrame],
    eyes: Eyes | None = None,
    memory: Memory | None = None,
    agreed: Consent | None = None,
    now: Circumstances | None = None,
    watched: list[tuple[int, PictureFault | None]] | None = None,
    limits: ProbeLimits | None = None,
) -> Reference | Rejected:
    gate = Gate(law(view={"width": WIDTH, "height": HEIGHT}))
    watch = None if watched is None else lambda place, fault: watched.append((place, fault))
    return enrol(
        shown, gate, now or here(), eyes or Eyes(), memory or Memory(), agreed or consent(), MODEL, limits, watch
    )


def test_good_pictures_make_the_mean_of_their_templates() -> None:
    watched: list[tuple[int, PictureFault | None]] = []
    agreed = consent()
    made = attempt(pictures(), agreed=agreed, watched=watched)
    assert isinstance(made, Reference)
    assert made.consent is agreed
    assert made.template.vector.shape == (LENGTH,)
    assert float(made.template.vector @ ME) > 0.95
    assert watched == [(place, None) for place in range(6)]


def test_the_place_does_not_count_but_all_else_does() -> None:
    assert isinstance(attempt(pictures(), now=here(sign=None)), Reference)
    for unmet, ground in (
        ({"unix_s": None}, Ground.CLOCK_UNTRUSTED),
        ({"models": None}, Ground.MODEL_NOT_ALLOWED),
        ({"keys_sealed": None}, Ground.KEYS_NOT_SEALED),
        ({"stopped": True}, Ground.STOPPED),
    ):
        memory = Memory()
        refused = attempt(pictures(), memory=memory, now=here(**unmet))  # type: ignore[arg-type]
        assert isinstance(refused, NotPermitted)
        assert ground in refused.grounds
        assert memory.given == [], "a model saw a picture that nobody may look at"


@pytest.mark.parametrize("changes", [{"purpose": "staff-entry"}, {"notice_sha256": "b" * 64}, {"site": "pier"}])
def test_without_consent_to_this_no_model_sees_a_picture(changes: dict[str, str]) -> None:
    memory = Memory()
    assert attempt(pictures(), memory=memory, agreed=consent(**changes)) == NotPermitted((Ground.NO_CONSENT,))
    assert memory.given == []


def test_a_picture_of_another_size_is_refused() -> None:
    small = CapturedFrame(0, 0, sharp()[:80], luma(width=WIDTH, height=80))
    assert attempt([small]) == NotPermitted((Ground.VIEW_MISMATCH,))


def test_a_picture_can_be_used_once() -> None:
    shown = pictures()
    assert isinstance(attempt(shown), Reference)
    assert attempt(shown) == NotPermitted((Ground.VIEW_MISMATCH,))


@pytest.mark.parametrize(
    ("seen", "fault"),
    [
        ((), PictureFault.NO_FACE),
        ((FACE, FAR), PictureFault.MANY_FACES),
        ((FAR,), PictureFault.TOO_SMALL),
        ((ASIDE,), PictureFault.TURNED),
    ],
)
def test_a_bad_picture_is_left_out_and_named(seen: tuple[Face, ...], fault: PictureFault) -> None:
    memory, watched = Memory(), list[tuple[int, PictureFault | None]]()
    made = attempt(pictures(), Eyes({2: seen}), memory, watched=watched)
    assert isinstance(made, Reference)
    assert memory.given == [0, 1, 3, 4, 5]
    assert watched[2] == (2, fault)
    assert attempt(pictures(5), Eyes({2: seen})) == TooFewGood(4, (None, None, fault, None, None))


def test_a_blurred_picture_is_left_out() -> None:
    assert attempt(pictures(5, flat=(4,))) == TooFewGood(4, (None,) * 4 + (PictureFault.BLURRED,))


def test_the_policy_says_how_large_a_face_must_be() -> None:
    near = ProbeLimits(inter_eye_px=45)
    assert attempt(pictures(5), limits=near) == TooFewGood(0, (PictureFault.TOO_SMALL,) * 5)


def test_somebody_elses_picture_does_not_slip_in() -> None:
    watched: list[tuple[int, PictureFault | None]] = []
    made = attempt(pictures(), memory=Memory({3: OTHER}), watched=watched)
    assert isinstance(made, Reference)
    assert abs(float(made.template.vector @ OTHER) - float(ME @ OTHER)) < 0.2
    assert watched[-1] == (3, PictureFault.NOT_ALIKE)
    assert attempt(pictures(5), memory=Memory({3: OTHER})) == TooFewGood(
        4, (None, None, None, PictureFault.NOT_ALIKE, None)
    )


def test_pictures_of_five_people_are_nobodys() -> None:
    crowd = Memory({number: vector(number + 10) for number in range(5)})
    assert attempt(pictures(5), memory=crowd) == TooFewGood(0, (PictureFault.NOT_ALIKE,) * 5)


def test_no_picture_and_one_picture_are_too_few() -> None:
    assert attempt([]) == TooFewGood(0, ())
    assert attempt(pictures(1)) == TooFewGood(1, (None,))


def test_an_expired_consent_enrols_nobody() -> None:
    late = here(unix_s=NOW_S + 100, lease_until_s=NOW_S + 3600)
    assert attempt(pictures(), now=late) == NotPermitted((Ground.NO_CONSENT,))
