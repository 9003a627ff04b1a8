"""When the recogniser speaks of itself: at once about what has changed, else at its times; and what it says then."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent.adapters.store import Store, read_ledger
from agent.app.heartbeat import Constant, Heartbeat
from agent.app.measure import Measure, peak_rss_kb, rss_kb
from agent.crypto import SignSecret, sign_public
from agent.events import bodies
from agent.events.bodies import Body, Compliance, Ledger, Met, Notice, Obliged, Stage, State, Status
from agent.ledger.entry import refusal_changed
from agent.ledger.verify import verify_ledger
from agent.policy.gate import Refusal
from agent.policy.grounds import Ground
from agent.policy.proof import Evidence, Proof
from agent.units import DeviceId, Fix, SiteId
from tests.policy.given import NOW_S, document, iso, law, square

SECRET = SignSecret(bytes(range(32)))
CONSTANT = Constant(
    models=bodies.Models(detector="a" * 64, embedder="b" * 64, runtime="litert-2"),
    key_backend=bodies.Backend.PLAIN,
    erase_strength=bodies.EraseStrength.BEST_EFFORT,
    acknowledge=bodies.Acknowledge.CONSUMER,
)
LAW = law()
DAY_S = 86_400


class Clock:
    """The system's clocks, of which the monotonic one can be moved forward."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + round(self._ahead_s * 1e9)

    def unix_s(self) -> float:
        return time.time()

    def forward(self, seconds: float) -> None:
        self._ahead_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sent() -> list[Body]:
    return []


@pytest.fixture
def heart(sent: list[Body], clock: Clock) -> Heartbeat:
    return Heartbeat(CONSTANT, sent.append, clock)


def taken(sent: list[Body]) -> list[str]:
    kinds = [type(body).__name__ for body in sent]
    sent.clear()
    return kinds


def test_a_change_of_grounds_is_told_at_once_and_the_same_again_after_fifteen_seconds(
    heart: Heartbeat, sent: list[Body], clock: Clock
) -> None:
    def beat(*grounds: Ground) -> list[str]:
        heart.beat(LAW, grounds, None, NOW_S)
        return taken(sent)

    assert beat() == ["Status", "Compliance", "Notice"]
    assert beat() == []
    assert beat(Ground.SIGN_MISSING) == ["Status", "Compliance"]
    clock.forward(14.5)
    assert beat(Ground.SIGN_MISSING) == []
    clock.forward(0.6)
    assert beat(Ground.SIGN_MISSING) == ["Status", "Compliance"]
    assert beat() == ["Status", "Compliance"]


def test_a_new_law_is_told_at_once(heart: Heartbeat, sent: list[Body]) -> None:
    for version in (3, 4, 5):
        heart.beat(law(version=version), (), None, NOW_S)
        assert isinstance(sent[0], Status) and sent[0].policy_version == version
        sent.clear()
    heart.beat(None, (), None, NOW_S)
    assert taken(sent) == ["Status", "Compliance"]


def test_what_a_status_says(heart: Heartbeat, sent: list[Body]) -> None:
    heart.beat(None, (Ground.NO_POLICY,), None, NOW_S)
    status, compliance = sent
    assert isinstance(status, Status) and isinstance(compliance, Compliance)
    assert (status.state, status.grounds, status.policy_version) == (State.REFUSED, (Ground.NO_POLICY,), None)
    assert (status.mode, status.single_key, status.models) == (None, False, CONSTANT.models)
    assert {each.state for each in compliance.obligations} == {Met.UNKNOWN}
    sent.clear()
    heart.beat(LAW, (), None, NOW_S + 5)
    assert isinstance(sent[0], Status)
    assert (sent[0].state, sent[0].policy_version, sent[0].mode) == (State.ONLINE, 3, "identify")
    assert sent[0].single_key and sent[0].acknowledge == "consumer"


def test_each_obligation_keeps_the_time_since_when_it_is_so(heart: Heartbeat, sent: list[Body]) -> None:
    def since(unix_s: float, *grounds: Ground) -> dict[Ground, tuple[Met, float]]:
        heart.beat(LAW, grounds, None, unix_s)
        found = next(body for body in sent if isinstance(body, Compliance))
        sent.clear()
        return {each.ground: (each.state, each.since_s) for each in found.obligations}

    assert since(10.0)[Ground.SIGN_MISSING] == (Met.MET, 10.0)
    found = since(20.0, Ground.SIGN_MISSING)
    assert found[Ground.SIGN_MISSING] == (Met.UNMET, 20.0)
    assert found[Ground.LEDGER_UNWRITABLE] == (Met.MET, 10.0)
    found = since(30.0, Ground.SIGN_MISSING, Ground.LEDGER_UNWRITABLE)
    assert found[Ground.SIGN_MISSING] == (Met.UNMET, 20.0)
    assert found[Ground.LEDGER_UNWRITABLE] == (Met.UNMET, 30.0)


def test_a_notice_is_sent_when_it_changes_and_a_moving_receiver_is_told_roughly(
    heart: Heartbeat, sent: list[Body], clock: Clock
) -> None:
    moving = law(location={"kind": "gnss"})

    def camera(fix: Fix | None) -> tuple[float, float, float] | str | None:
        clock.forward(16)
        heart.beat(moving, (), fix, NOW_S)
        notices = [body for body in sent if isinstance(body, Notice)]
        sent.clear()
        if not notices:
            return "no notice"
        place = notices[0].camera
        return None if place is None else (place.lat_deg, place.lon_deg, place.sigma_m)

    assert camera(None) is None
    assert camera(Fix(48.123456, 11.234567, 2.4, 0)) == (48.1235, 11.2346, 2)
    assert camera(Fix(48.123461, 11.234561, 2.1, 0)) == "no notice"
    assert camera(Fix(48.2, 11.2, 2.1, 0)) == (48.2, 11.2, 2)
    heart.beat(LAW, (), None, NOW_S)
    notice = sent[-1]
    assert isinstance(notice, Notice) and notice.camera is not None
    assert (notice.camera.lat_deg, notice.camera.lon_deg, notice.door) == (48.0, 11.0, "main")


def test_a_notice_has_the_zones_of_the_place_and_how_the_camera_looks(heart: Heartbeat, sent: list[Body]) -> None:
    pose = {"height_m": 3.0, "heading_deg": 140.0, "tilt_deg": 20.0, "view_deg": 62.0, "range_m": 12.0}
    near = [square(11.0 + step / 1000, 48.001, 0.0005, f"near-{step}") for step in range(3)]
    timed = near[1] | {"until": iso(NOW_S + 60)}
    heart.beat(law(pose=pose, zones=[near[0], timed, square(12.0, 49.0, 0.1, "far")]), (), None, NOW_S)
    notice = sent[-1]
    assert isinstance(notice, Notice) and notice.camera is not None
    assert {(each.id, each.timed) for each in notice.zones} == {("near-0", False), ("near-1", True)}
    assert (notice.camera.bearing_deg, notice.camera.view_deg, notice.camera.reach_m) == (140.0, 62.0, 12.0)


def test_a_notice_is_never_too_long_for_a_message(heart: Heartbeat, sent: list[Body]) -> None:
    many = [square(11.0 + step / 100_000, 48.001, 0.000_005, f"z-{step}") for step in range(500)]
    heart.beat(law(zones=many), (), None, NOW_S)
    notice = sent[-1]
    assert isinstance(notice, Notice)
    assert 100 < len(notice.zones) < 500
    assert len(notice.model_dump_json()) < 128 * 1024


def test_what_a_profile_does_not_ask_for_is_said_not_to_bind(heart: Heartbeat, sent: list[Body]) -> None:
    heart.beat(law(profile="us-il-bipa"), (), None, NOW_S)
    compliance = next(body for body in sent if isinstance(body, Compliance))
    assert compliance.profile == "us-il-bipa"
    assert {Met.MET, Met.EXPIRING, Met.NOT_BINDING} == {each.state for each in compliance.obligations}
    left_open = [each for each in compliance.obligations if each.state is Met.NOT_BINDING]
    assert all(each.until_s is None and each.evidence is None for each in left_open)


def test_what_ends_within_the_warning_time_is_said_to_expire(heart: Heartbeat, sent: list[Body], clock: Clock) -> None:
    held = law(assessment={**document()["assessment"], "until": iso(NOW_S + 40 * DAY_S)})

    def stale(days: float, *grounds: Ground) -> Obliged:
        clock.forward(16)
        heart.beat(held, grounds, None, NOW_S + days * DAY_S)
        found = next(body for body in sent if isinstance(body, Compliance))
        sent.clear()
        return next(each for each in found.obligations if each.ground is Ground.ASSESSMENT_STALE)

    first = stale(0.5)
    assert (first.state, first.since_s, first.until_s) == (Met.MET, NOW_S + 0.5 * DAY_S, NOW_S + 40 * DAY_S)
    ending = stale(10.5)
    assert (ending.state, ending.since_s, ending.until_s) == (Met.EXPIRING, NOW_S + 10.5 * DAY_S, NOW_S + 40 * DAY_S)
    assert ending.evidence == first.evidence is not None
    over = stale(41, Ground.ASSESSMENT_STALE)
    assert (over.state, over.until_s, over.evidence) == (Met.UNMET, None, None)


def test_evidence_is_the_policy_the_models_and_the_checkpoint_that_was_signed_last(
    heart: Heartbeat, sent: list[Body], clock: Clock, store: Store
) -> None:
    def proofs() -> dict[Ground, Evidence | None]:
        clock.forward(61)
        heart.beat(LAW, (), None, NOW_S)
        found = next(body for body in sent if isinstance(body, Compliance))
        sent.clear()
        return {each.ground: each.evidence for each in found.obligations}

    before = proofs()
    assert before[Ground.POLICY_NOT_IN_FORCE] == Evidence(kind=Proof.POLICY, ids=(LAW.policy.sha256,))
    assert before[Ground.MODEL_NOT_ALLOWED] == Evidence(kind=Proof.MODELS, ids=("a" * 64, "b" * 64))
    assert before[Ground.LEDGER_UNWRITABLE] is None
    store.note(refusal_changed((), NOW_S))
    heart.checkpoint(store, SECRET, NOW_S)
    (signed,) = sent
    sent.clear()
    assert isinstance(signed, Ledger)
    assert proofs()[Ground.LEDGER_UNWRITABLE] == Evidence(kind=Proof.CHECKPOINT, ids=(signed.root,))
    bare = Heartbeat(replace(CONSTANT, models=None), sent.append, Clock())
    bare.beat(LAW, (), None, NOW_S)
    told = next(body for body in sent if isinstance(body, Compliance))
    assert [each.evidence for each in told.obligations if each.ground is Ground.MODEL_NOT_ALLOWED] == [None]


@pytest.fixture
def store(state: Path) -> Iterator[Store]:
    made = Store.open(state / "store.sqlite", site=SiteId("quay"), device=DeviceId("gate-1"), ledger_key=bytes(32))
    yield made
    made.close()


def test_the_ledger_is_signed_every_minute_or_hundred_entries_and_only_when_it_grew(
    heart: Heartbeat, sent: list[Body], clock: Clock, store: Store
) -> None:
    def checkpoint() -> list[int]:
        heart.checkpoint(store, SECRET, NOW_S)
        sizes = [body.size for body in sent if isinstance(body, Ledger)]
        sent.clear()
        return sizes

    def grow(count: int) -> None:
        for _ in range(count):
            store.note(refusal_changed((), NOW_S))

    assert checkpoint() == []
    grow(1)
    assert checkpoint() == [1]
    grow(99)
    assert checkpoint() == []
    grow(1)
    assert checkpoint() == [101]
    clock.forward(61)
    assert checkpoint() == []
    grow(1)
    assert checkpoint() == [102]
    grow(1)
    assert checkpoint() == []
    clock.forward(61)
    heart.checkpoint(store, SECRET, NOW_S)
    (signed,) = sent
    assert isinstance(signed, Ledger)
    with read_ledger(store.path) as copy:
        verified = verify_ledger(copy, sign_public(SECRET))
    assert (verified.size, verified.root, verified.unsigned) == (103, signed.root, 0)
    assert signed.key == sign_public(SECRET).hex() and len(base64.b64decode(signed.signature)) == 64


def test_metrics_come_every_five_seconds_and_with_each_change(heart: Heartbeat, clock: Clock) -> None:
    assert heart.metrics_due() and not heart.metrics_due()
    clock.forward(5.1)
    assert heart.metrics_due() and not heart.metrics_due()
    heart.beat(LAW, (Ground.STOPPED,), None, NOW_S)
    assert heart.metrics_due() and not heart.metrics_due()


class TestMeasure:
    def test_a_frame_s_stages_and_the_whole(self) -> None:
        measure = Measure()

        def frame(number: int) -> dict[Stage, float]:
            measure.start(number * 66_666_667)
            burn(0.002)
            measure.lap(Stage.GATE)
            burn(0.004)
            measure.lap(Stage.DETECT)
            measure.lap(Stage.FRAME)
            return measure.medians_ms()

        alone = frame(0)  # of one frame the medians are its own times, which add up however busy the machine is
        assert alone[Stage.FRAME] >= alone[Stage.GATE] + alone[Stage.DETECT] - 0.002
        frame(1)
        medians = frame(2)
        assert set(medians) == {Stage.GATE, Stage.DETECT, Stage.FRAME}
        assert medians[Stage.GATE] >= 2 and medians[Stage.DETECT] >= 4 and medians[Stage.FRAME] >= 6
        assert (measure.frames, measure.fps()) == (3, 15.0)

    def test_before_the_second_frame_there_is_no_rate(self) -> None:
        measure = Measure()
        assert (measure.fps(), measure.medians_ms()) == (0.0, {})
        measure.start(5)
        assert measure.fps() == 0.0
        measure.start(5)
        assert measure.fps() == 0.0

    def test_every_ground_of_a_refused_frame_counts(self) -> None:
        measure = Measure()
        for refusal in (None, Refusal((Ground.STOPPED,)), Refusal((Ground.STOPPED, Ground.SIGN_MISSING))):
            measure.judged(refusal)
        assert measure.refused == {"stopped": 2, "sign-missing": 1}

    def test_what_is_kept_is_bounded(self) -> None:
        measure = Measure()
        for number in range(2000):
            measure.start(number)
            measure.lap(Stage.GATE)
        assert measure.frames == 2000
        assert max(len(kept) for kept in (measure._frames, *measure._stages.values())) == 300

    @pytest.mark.parametrize("read", [rss_kb, peak_rss_kb])
    def test_memory_of_this_process_and_of_none(self, read: Callable[..., int]) -> None:
        assert 1000 < read() < 10_000_000
        assert read(2**22 + 1) == 0


def burn(seconds: float) -> None:
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        pass
