"""The whole recogniser on this thread: real models, keys and site, a camera that shows what the test holds up."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from agent.adapters.clock import SystemClock
from agent.adapters.keys import PlainKeys, device_document
from agent.adapters.litert import LoadedModel, load_models
from agent.app.config import load
from agent.app.faltering import FIRST_S
from agent.app.recogniser import alone
from agent.errors import ConfigError, DeviceError, DoorwardError, VaultError
from agent.events.bodies import Compliance, Ledger, Met, Metrics, Notice, Stage, Status
from agent.events.decision import Outcome
from agent.face.probe import Probe, ProbeTemplate
from agent.gallery.retention import Ended
from agent.ledger.erasure import read_erasure
from agent.models.manifest import read_manifest
from agent.policy.grounds import Ground
from agent.ports import Embedder
from agent.site.restrictions import stop_order, withdrawal
from agent.site.withdrawals import signed_withdrawal
from agent.units import DeviceId
from tests.app.door import (
    MODELS,
    P1,
    WALL,
    Bench,
    Peer,
    configure,
    day_passes,
    enrol,
    face,
    ledger,
    opened,
    publish,
    shown,
    site,
)
from tests.app.running import until


@pytest.fixture(scope="module")
def models() -> tuple[LoadedModel, LoadedModel]:
    return load_models(MODELS)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    device = site(tmp_path / "gate")
    with contextlib.closing(device.server):
        yield Bench(device)


def test_from_nothing_to_a_door_that_opens_and_a_ledger_that_says_so(
    bench: Bench, models: tuple[LoadedModel, LoadedModel]
) -> None:
    enrol(bench.device, models)

    def script(peer: Peer) -> None:
        peer.wait_grounds()
        bench.view = face()
        (event,) = peer.wait_events(1)
        assert (event.outcome, event.subject, event.sequence) == (Outcome.MATCH, P1, 1)
        assert bench.opened == 1
        bench.view = WALL
        with contextlib.closing(opened(bench.device)) as store:
            until(lambda: store.pending() == 0)
        bench.view = face("p4", "scene-1")
        peer.wait_events(2)
        assert (peer.events[1].outcome, peer.events[1].subject) == (Outcome.NO_MATCH, None)
        until(lambda: peer.last(Metrics) is not None)
        assert {met.state for met in peer.last(Compliance).obligations} <= {Met.MET, Met.EXPIRING, Met.NOT_BINDING}
        assert peer.last(Notice).door == "main"
        assert peer.last(Status).policy_version == 1
        assert peer.last(Ledger).size > 0
        seen = cv2.imdecode(np.frombuffer(until(lambda: peer.previews)[-1], np.uint8), cv2.IMREAD_COLOR)
        assert seen is not None and seen.shape == (480, 640, 3)

    assert bench.play(script) == 0
    assert bench.opened == 1
    decisions = ledger(bench.device)
    assert [(each.event, each.outcome) for each in decisions] == [(1, Outcome.MATCH), (2, Outcome.NO_MATCH)]
    assert not (bench.device.state / "link.sock").exists()


def test_who_is_recognised_from_a_frame_that_is_older_than_a_second_stays_outside_and_is_not_named(
    bench: Bench, models: tuple[LoadedModel, LoadedModel]
) -> None:
    enrol(bench.device, models)
    (text,) = day_passes(bench.device, 1)

    def script(peer: Peer) -> None:
        peer.wait_grounds()
        bench.age_ns = 1_200_000_000
        bench.view = face()
        (event,) = peer.wait_events(1)
        assert (event.outcome, event.subject) == (Outcome.TOO_LATE, None)
        bench.view = shown(text)
        peer.wait_events(2)
        bench.view = WALL
        time.sleep(2.5)
        bench.age_ns = 0
        bench.view = shown(text)
        peer.wait_events(3)

    assert bench.play(script) == 0
    late, accepted = Outcome.TOO_LATE, Outcome.PASS_ACCEPTED
    assert [each.outcome for each in ledger(bench.device)] == [late, late, accepted], "the pass was not used up"
    assert bench.opened == 1


class SlowDisk(SystemClock):
    """The system's clocks; the first commit after an embedding seems to have taken 1.2 seconds."""

    def __init__(self, bench: Bench) -> None:
        self._log = bench.device.store.with_name(bench.device.store.name + "-wal")
        self._size: int | None = None
        self._ahead_ns = 0

    def monotonic_ns(self) -> int:
        if not self._ahead_ns and self._size not in (None, self._log.stat().st_size):
            self._ahead_ns = 1_200_000_000
        return super().monotonic_ns() + self._ahead_ns

    def around(self, real: Embedder) -> Embedder:
        disk = self

        class Watched:
            def embed(self, probe: Probe) -> ProbeTemplate:
                template = real.embed(probe)
                disk._size = disk._log.stat().st_size
                return template

        return Watched()


def test_whose_match_took_too_long_to_write_stays_outside_this_once_and_both_are_written_down(
    bench: Bench, models: tuple[LoadedModel, LoadedModel]
) -> None:
    enrol(bench.device, models)
    slow = SlowDisk(bench)
    bench.clock, bench.embedder = slow, slow.around

    def script(peer: Peer) -> None:
        peer.wait_grounds()
        bench.view = face()
        events = peer.wait_events(3)
        assert [each.outcome for each in events] == [Outcome.MATCH, Outcome.TOO_LATE, Outcome.MATCH]
        assert events[1].subject is None

    assert bench.play(script) == 0
    assert bench.opened == 1, "for the second match"
    assert [each.outcome for each in ledger(bench.device)] == [Outcome.MATCH, Outcome.TOO_LATE, Outcome.MATCH]


def test_the_button_inside_opens_is_written_down_and_names_nobody_and_an_open_housing_refuses(bench: Bench) -> None:
    def script(peer: Peer) -> None:
        peer.wait_grounds()
        bench.pressed = True
        (event,) = peer.wait_events(1)
        assert (event.outcome, event.subject, event.ground) == (Outcome.EXIT, None, None)
        bench.tampered = True
        peer.wait_grounds(Ground.TAMPERED)
        bench.pressed = True
        peer.wait_events(2)  # who is inside gets out all the same

    assert bench.play(script) == 0
    assert bench.opened == 2
    assert [(each.outcome, each.subject) for each in ledger(bench.device)] == [(Outcome.EXIT, None)] * 2


def test_before_the_site_was_heard_the_camera_stays_shut_and_a_start_without_it_knows_the_last_law(
    bench: Bench,
) -> None:
    def first(peer: Peer) -> None:
        time.sleep(0.5)
        assert (bench.openings, bench.number) == (0, 0)

    assert bench.play(first, linked=False) == 0
    assert bench.play(lambda peer: peer.wait_grounds()) == 0
    shutil.rmtree(bench.device.folder / "site" / "repository")
    assert bench.play(lambda peer: peer.wait_grounds()) == 0


def test_a_camera_that_fails_is_a_refusal_until_it_gives_frames_again(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    def script(peer: Peer) -> None:
        peer.wait_grounds()
        bench.fault = DeviceError("camera: no frame within 0.5 s; see to camera and cable")
        peer.wait_grounds(Ground.NO_FRAMES)
        busy = time.thread_time()
        time.sleep(0.3)
        assert time.thread_time() - busy < 0.3
        bench.fault = None
        peer.wait_grounds()

    assert bench.play(script) == 0
    assert capfd.readouterr().err.splitlines() == ["doorward: camera: no frame within 0.5 s; see to camera and cable"]


def test_a_camera_that_says_that_it_fails_is_no_hang(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start would do no more than opening it again does, and whoever holds its cable could bring it about."""
    bench.fault = DeviceError("camera: no frame within 0.5 s; see to camera and cable")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))

        def script(peer: Peer) -> None:
            peer.wait_grounds(Ground.NO_FRAMES)
            assert (systemd.recv(64), systemd.recv(64)) == (b"READY=1", b"WATCHDOG=1")

        assert bench.play(script) == 0


def test_passes_open_once_each_and_go_on_under_a_stop_order(bench: Bench) -> None:
    first, second = day_passes(bench.device, 2)
    path, data = stop_order("fair")

    def script(peer: Peer) -> None:
        peer.wait_grounds()
        bench.view = shown(first)
        assert peer.wait_events(1)[0].outcome is Outcome.PASS_ACCEPTED
        bench.view = WALL
        bench.device.repository.publish({path: data})
        peer.wait_grounds(Ground.STOPPED)
        bench.view = shown(second)
        assert peer.wait_events(2)[1].outcome is Outcome.PASS_ACCEPTED

    assert bench.play(script) == 0
    assert bench.opened == 2

    def again(peer: Peer) -> None:
        peer.wait_grounds(Ground.STOPPED)  # remembered over the start
        (event,) = peer.wait_events(1)
        assert (event.outcome, event.ground) == (Outcome.PASS_REFUSED, "pass-used")

    bench.view = shown(second)
    assert bench.play(again) == 0
    assert bench.opened == 2


def test_a_new_policy_holds_at_once_and_its_new_ground_is_told(bench: Bench) -> None:
    def script(peer: Peer) -> None:
        peer.wait_grounds()
        publish(bench.device, 2, place="private-space")
        peer.wait_grounds(Ground.PLACE_PRIVATE)
        assert peer.last(Status).policy_version == 2
        openings, number = bench.openings, bench.number
        time.sleep(0.3)
        assert (bench.openings, bench.number) == (openings, number)  # the camera is shut
        other = [{"role": role, "sha256": "0" * 64} for role in ("detector", "embedder")]
        publish(bench.device, 3, models=other)
        until(lambda: peer.last(Status).policy_version == 3)
        assert Ground.MODEL_NOT_ALLOWED in peer.last(Status).grounds
        publish(bench.device, 4)
        peer.wait_grounds()
        assert peer.last(Status).policy_version == 4

    assert bench.play(script) == 0


def test_a_policy_that_asks_for_prints_to_be_looked_for_finds_the_model_on_the_device(
    bench: Bench, models: tuple[LoadedModel, LoadedModel]
) -> None:
    enrol(bench.device, models)
    run = read_manifest(MODELS).models
    scope = {**bench.device.policy.assessment.scope.model_dump(mode="json"), "models": [each.sha256 for each in run]}
    assessment = bench.device.policy.assessment.model_dump(mode="json") | {"scope": scope}

    def script(peer: Peer) -> None:
        peer.wait_grounds()
        publish(
            bench.device, 2, assessment=assessment, pad={"label": "simulated", "threshold": 1e-9},
            models=[{"role": each.role, "sha256": each.sha256} for each in run],
        )  # fmt: skip
        until(lambda: peer.last(Status).policy_version == 2, 20)
        peer.wait_grounds()
        bench.view = face()
        (event,) = peer.wait_events(1)
        assert event.outcome is Outcome.MATCH
        until(lambda: Stage.PAD in {each.stage for each in peer.last(Metrics).stages}, 10, "a face was judged")

    assert bench.play(script) == 0
    assert bench.opened == 1


def test_who_withdraws_is_a_stranger_within_a_round(bench: Bench, models: tuple[LoadedModel, LoadedModel]) -> None:
    enrol(bench.device, models)

    def script(peer: Peer) -> None:
        peer.wait_grounds()
        path, data = withdrawal(P1)
        bench.device.repository.publish({path: data})
        with contextlib.closing(opened(bench.device)) as store:
            until(lambda: store.marks.withdrawn(P1))
            assert store.references() == []
        bench.view = face()
        assert peer.wait_events(1)[0].outcome is Outcome.NO_MATCH

    assert bench.play(script) == 0
    assert bench.opened == 0


def test_a_withdrawal_code_before_the_camera_erases_and_the_site_is_told_and_the_face_is_a_strangers(
    bench: Bench, models: tuple[LoadedModel, LoadedModel]
) -> None:
    """Nobody else acts, and the site need not know: what is held up is all there is."""
    enrol(bench.device, models)
    code = signed_withdrawal(bench.device.site, bench.device.repository.keys.sign_secret("enrolment"), P1)
    bench.device.repository.publish(dict([stop_order("fair")]))

    def script(peer: Peer) -> None:
        peer.wait_grounds(Ground.STOPPED)
        bench.view = shown(code)
        (told,) = until(lambda: peer.erasures, 20, "a receipt of the erasure")
        receipt = read_erasure(told.receipt)
        assert receipt.concerns(P1) and receipt.reason is Ended.WITHDRAWN
        assert (receipt.device, receipt.epoch) == (bench.device.id, 1)
        with contextlib.closing(opened(bench.device)) as store:
            assert store.references() == [] and store.marks.withdrawn(P1)
        time.sleep(1)  # it is still held up
        assert len(peer.erasures) == 1 and peer.events == []

    assert bench.play(script) == 0
    bench.view = WALL
    publish(bench.device, 2, lifts=["stop-fair"])

    def again(peer: Peer) -> None:
        peer.wait_grounds()
        bench.view = face()
        assert peer.wait_events(1)[0].outcome is Outcome.NO_MATCH

    assert bench.play(again) == 0
    assert bench.opened == 0


def test_whose_consent_is_over_goes_under_a_refusal_too_but_not_by_an_untrusted_clock(
    bench: Bench, models: tuple[LoadedModel, LoadedModel]
) -> None:
    ends_s = time.time() + 8
    enrol(bench.device, models, ago_s=86_400 - 8, days=1)
    time.sleep(max(0.0, ends_s - time.time()) + 1)
    bench.device.repository.publish(dict([stop_order("fair")]))

    def alone(peer: Peer) -> None:  # never heard of the site: the clock is a long way ahead of what is proved
        time.sleep(1)
        with contextlib.closing(opened(bench.device)) as store:
            assert store.times.known().signed_s is None and list(store.people.uses()) == [P1]

    assert bench.play(alone, linked=False) == 0

    def script(peer: Peer) -> None:
        peer.wait_grounds(Ground.STOPPED)
        with contextlib.closing(opened(bench.device)) as store:
            until(lambda: store.references() == [])
            assert not store.marks.withdrawn(P1)
        (told,) = until(lambda: peer.erasures)
        receipt = read_erasure(told.receipt)
        assert receipt.concerns(P1) and receipt.reason is Ended.UNTIL
        until(lambda: peer.last(Metrics) is not None and peer.last(Metrics).oldest_days is None)

    assert bench.play(script) == 0
    assert bench.opened == 0


def test_who_has_not_come_for_too_long_goes_when_the_policy_says_so(
    bench: Bench, models: tuple[LoadedModel, LoadedModel]
) -> None:
    enrol(bench.device, models, ago_s=3 * 86_400)
    with contextlib.closing(sqlite3.connect(bench.device.store)) as db:
        db.execute("UPDATE reference SET enrolled_s = enrolled_s - 259200")
        db.commit()

    def script(peer: Peer) -> None:
        peer.wait_grounds()
        until(lambda: peer.last(Metrics) is not None and peer.last(Metrics).oldest_days == 3)
        assert peer.last(Metrics).purge_in_days == 26
        publish(bench.device, 2, retention={"max_days": 30, "max_idle_days": 2})
        (told,) = until(lambda: peer.erasures)
        assert read_erasure(told.receipt).reason is Ended.IDLE
        bench.view = face()
        assert peer.wait_events(1)[0].outcome is Outcome.NO_MATCH

    assert bench.play(script) == 0
    assert bench.opened == 0


def test_a_changed_byte_in_the_vault_is_one_line_and_nobody_is_recognised_and_nothing_overwritten(
    bench: Bench, models: tuple[LoadedModel, LoadedModel], capfd: pytest.CaptureFixture[str]
) -> None:
    enrol(bench.device, models)
    with contextlib.closing(sqlite3.connect(bench.device.store)) as db:
        (sealed,) = db.execute("SELECT sealed FROM reference").fetchone()
        changed = bytes([*sealed[:-1], sealed[-1] ^ 1])
        db.execute("UPDATE reference SET sealed = ?", (changed,))
        db.commit()

    def script(peer: Peer) -> None:
        until(lambda: peer.last(Status) is not None and peer.last(Status).policy_version == 1)
        bench.view = face()
        time.sleep(1.5)
        assert all(event.outcome is Outcome.NO_MATCH for event in peer.events)

    assert bench.play(script) == 0
    assert bench.opened == 0
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1 and said[0].startswith("doorward: vault: ")
    with contextlib.closing(opened(bench.device)) as store:
        assert [row.sealed for row in store.references()] == [changed]


def test_a_model_that_fails_on_a_frame_rests_and_is_tried_again(
    bench: Bench, models: tuple[LoadedModel, LoadedModel], capfd: pytest.CaptureFixture[str]
) -> None:
    enrol(bench.device, models)
    looks = 0

    class Failing:
        """Implements `ports.Embedder`; fails the first time."""

        def __init__(self, real: Embedder) -> None:
            self._real = real

        def embed(self, probe: Probe) -> ProbeTemplate:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise DeviceError("models: the embedder put out an empty template")
            return self._real.embed(probe)

    broken = Bench(bench.device, Failing)
    broken.view = face()

    def script(peer: Peer) -> None:
        peer.wait_grounds(Ground.MODEL_FAILED)
        frames = broken.number
        until(lambda: broken.number > frames + 10)
        assert looks == 1 and not peer.events
        until(lambda: len(peer.events) == 1, FIRST_S + 10)
        assert peer.events[0].outcome is Outcome.MATCH

    assert broken.play(script) == 0
    said = capfd.readouterr().err
    assert said == "doorward: model: failed on a frame; tried again in 10 s; see 'doorward models verify'\n"


class TestAStartThatCannotBe:
    """Each is one error of ours for whoever must act, and leaves everything as it was."""

    @staticmethod
    def refused(bench: Bench, kind: type[DoorwardError], *words: str) -> None:
        before = contents(bench.device.state)
        with pytest.raises(kind) as caught:
            bench.play(lambda peer: None)
        assert all(word in str(caught.value) for word in words), str(caught.value)
        assert "\n" not in str(caught.value)
        assert {name: data for name, data in contents(bench.device.state).items() if name in before} == before

    @pytest.mark.parametrize("role", ["detector", "embedder"])
    def test_a_changed_byte_in_a_model(self, bench: Bench, tmp_path: Path, role: str) -> None:
        copied = tmp_path / "models"
        shutil.copytree(MODELS, copied)
        configure(bench.device, bench.device.folder / "stills", copied)
        file = copied / f"{role}.tflite"
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        self.refused(bench, DeviceError, f"{role}.tflite: sha256: is not the one in the manifest")

    def test_a_model_that_is_not_there(self, bench: Bench, tmp_path: Path) -> None:
        configure(bench.device, bench.device.folder / "stills", tmp_path)
        self.refused(bench, DeviceError, "manifest.toml: cannot be read")

    def test_keys_of_another_device(self, bench: Bench) -> None:
        (bench.device.state / "keys.json").unlink()
        PlainKeys.create(bench.device.state / "keys.json", DeviceId("gate-2"))
        self.refused(bench, ConfigError, "keys of device gate-2, not gate-1; correct device.id or device.state")

    def test_keys_that_others_can_read(self, bench: Bench) -> None:
        (bench.device.state / "keys.json").chmod(0o644)
        self.refused(bench, VaultError, "others than its owner can read the keys")

    def test_plain_keys_where_the_config_does_not_allow_them(self, bench: Bench) -> None:
        configure(bench.device, bench.device.folder / "stills", insecure_dev="false")
        with pytest.raises(ConfigError, match=r"device\.toml:1: keys: plain keys are for a desktop"):
            load(bench.device.config)

    def test_keys_with_a_changed_byte(self, bench: Bench) -> None:
        file = bench.device.state / "keys.json"
        fields = json.loads(file.read_text())
        file.write_text(json.dumps(fields | {"ledger": fields["ledger"][:-1]}))
        self.refused(bench, VaultError, "keys.json", "ledger")

    def test_a_state_folder_that_others_can_enter(self, bench: Bench) -> None:
        bench.device.state.chmod(0o755)
        self.refused(bench, ConfigError, "open to other users; run 'chmod 700' on it")

    def test_a_damaged_store(self, bench: Bench) -> None:
        opened(bench.device).close()
        data = bytearray(bench.device.store.read_bytes())
        data[4096:8192] = bytes(4096)
        bench.device.store.write_bytes(data)
        self.refused(bench, VaultError, "store.sqlite: is damaged")

    def test_the_store_of_another_site(self, bench: Bench, tmp_path: Path) -> None:
        opened(bench.device).close()
        configure(bench.device, bench.device.folder / "stills", name='"other-site"')
        self.refused(bench, VaultError, "is the store of another device or site")

    def test_a_picture_of_the_empty_scene_that_is_none(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "empty.png").write_bytes(b"no picture")
        with bench.device.config.open("a") as config:
            config.write(f'[preview]\nempty = "{tmp_path / "empty.png"}"\n')
        self.refused(bench, DeviceError, "empty.png: not a picture that OpenCV reads")

    def test_a_state_folder_in_use(self, bench: Bench) -> None:
        with alone(bench.device.state):
            self.refused(bench, ConfigError, "in use by a running recogniser; stop it first")


def test_what_the_operator_admits_it_by_is_written_if_a_cut_came_before(bench: Bench) -> None:
    introduction = bench.device.state / "device.json"
    introduction.unlink(missing_ok=True)
    assert bench.play(lambda peer: peer.wait_grounds()) == 0
    keys = PlainKeys.open(bench.device.state / "keys.json", insecure_dev=True)
    assert introduction.read_bytes() == device_document(keys)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def test_the_config_that_these_tests_write_is_one_that_check_would_pass(bench: Bench) -> None:
    assert load(bench.device.config).device.id == bench.device.id
