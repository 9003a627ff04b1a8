"""Enrolment at the device's own camera: guided, only with consent, and nothing but one sealed row is left of it."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.adapters.clock import SystemClock
from agent.adapters.litert import LoadedModel, load_models
from agent.adapters.recording import RecordingCamera, handed_in
from agent.adapters.simulated import SceneStart, SimulatedCamera, SimulatedLocator
from agent.app.capture import OutOfTime, Taken, View, capture
from agent.app.config import load as load_config
from agent.app.desk import Desk, Kept
from agent.app.parts import Parts
from agent.app.sources import capture_parts, parts
from agent.demo import policies
from agent.demo.device import Device
from agent.errors import ConfigError, DeviceError, VaultError
from agent.gallery.alike import Alike
from agent.gallery.consent import Consent
from agent.gallery.enrol import NotPermitted
from agent.gallery.guide import WANTED, Instruction, Pose
from agent.models.manifest import read_manifest
from agent.policy.bundle import POLICY_PATH, Policy, VerifiedTarget
from agent.policy.frames import CapturedFrame
from agent.policy.grounds import Ground
from agent.policy.law import Law
from agent.ports import Camera
from agent.scene.scene import load
from agent.site.consents import issue_receipt
from agent.units import DoorId, Rgb, SubjectId
from tests.app.door import MODELS, WALL, enrol, face, opened, site, video
from tests.conftest import ROOT

SCENE = load(ROOT / "scenes" / "enrolment.toml")
REGION = {"attempt": {
    "region": [[180, 60], [460, 60], [460, 470], [180, 470]],
    "dwell_s": 0.5, "probes": 3, "window_s": 0.5, "leave_s": 2.0, "inter_eye_px": 40.0,
}}  # fmt: skip


class NoDoor:
    """Implements `ports.Door`: there is nothing to open in an enrolment."""

    def pulse(self, door: DoorId) -> None:
        raise AssertionError("an enrolment opens no door")

    def close(self) -> None:
        raise AssertionError("an enrolment opens no door")


@dataclass
class Spy:
    """Implements `ports.Camera` round another one, and keeps a copy of what it gave."""

    camera: Camera
    frames: list[Rgb] = field(default_factory=list)
    given: list[CapturedFrame] = field(default_factory=list)
    closed: int = 0

    def read(self, timeout_s: float) -> CapturedFrame | None:
        frame = self.camera.read(timeout_s)
        if frame is not None:
            assert frame._rgb is not None
            self.frames.append(frame._rgb.copy())
            self.given.append(frame)
        return frame

    def close(self) -> None:
        self.closed += 1
        self.camera.close()


class Stills:
    """Implements `ports.Camera`: the pictures of a test, fifteen a second by their times, then nothing more."""

    def __init__(self, *pictures: Rgb) -> None:
        self._pictures = list(pictures)
        self._number, self._start_ns = 0, time.monotonic_ns()

    def read(self, timeout_s: float) -> CapturedFrame | None:
        if not self._pictures:
            return None
        rgb = self._pictures.pop(0)
        self._number += 1
        return CapturedFrame(self._number, self._start_ns + self._number * 10**9 // 15, rgb.copy(), rgb[..., 0].copy())

    def close(self) -> None:
        """There is nothing to give back."""


def simulated() -> SimulatedCamera:
    return SimulatedCamera(SCENE, {}, SystemClock(), SceneStart(time.monotonic_ns()), paced=False)


class Openings:
    """Counts how often the camera is opened."""

    def __init__(self, camera: Camera) -> None:
        self.camera, self.count = camera, 0

    def __call__(self) -> Camera:
        self.count += 1
        return self.camera


class WithEyes:
    """A loaded embedder that remembers what went in and came out.

    Args:
        runtime: what it says that it runs in.
    """

    def __init__(self, model: LoadedModel, runtime: str | None = None) -> None:
        self._model = model
        self.runtime = runtime or model.runtime
        self.seen: list[tuple[Rgb, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def run(self, picture: Rgb) -> Any:
        made = self._model.run(picture)
        self.seen.append((picture.copy(), made[0].copy()))
        return made


@pytest.fixture(scope="module")
def models() -> tuple[LoadedModel, LoadedModel]:
    return load_models(MODELS)


@contextmanager
def desk_of(device: Device, models: tuple[Any, Any], **how: Any) -> Iterator[Desk]:
    now, law = time.time(), Law(Policy(VerifiedTarget("permission", POLICY_PATH, device.data), device.id))
    with closing(opened(device)) as store:
        yield Desk(store, device.keys, law, *models, unix_s=now, lease_until_s=now + 3600, **how)


def consent_of(device: Device, desk: Desk, subject: str = "p-1") -> Consent:
    secret, now = device.repository.keys.sign_secret("enrolment"), time.time()
    return desk.consent(issue_receipt(device.policy, secret, SubjectId(subject), given_s=now - 60, days=30))


def enrolled(device: Device) -> list[str]:
    with closing(opened(device)) as store:
        return [row.subject for row in store.references()]


def at(camera: Camera) -> Parts:
    return Parts(open_camera=lambda: camera, open_locator=None, open_door=NoDoor)


def sit(
    desk: Desk, consent: Consent, camera: Camera, views: list[View] | None = None, limit_s: float = 90.0
) -> Taken | NotPermitted | OutOfTime:
    return capture(desk, consent, at(camera), ([] if views is None else views).append, stall_s=1.0, limit_s=limit_s)


def test_a_person_who_turns_as_told_is_enrolled_and_found_again(tmp_path: Path, models: Any) -> None:
    device, views, spy = site(tmp_path, **REGION), list[View](), Spy(simulated())
    with desk_of(device, models) as desk:
        taken = sit(desk, consent_of(device, desk), spy, views)
        assert isinstance(taken, Taken)
        assert spy.closed == 1
        assert enrolled(device) == [], "nothing is kept before the comparison"
        kept = desk.keep(taken.reference, taken.since_s)
        assert isinstance(kept, Kept) and not kept.too_like
        again = sit(desk, consent_of(device, desk, "p-2"), simulated())
        assert isinstance(again, Taken)
        assert desk.keep(again.reference, again.since_s) is Alike.ENROLLED
        renewed = sit(desk, consent_of(device, desk), simulated())
        assert isinstance(renewed, Taken) and isinstance(desk.keep(renewed.reference, 0.0), Kept)
    assert enrolled(device) == ["p-1"]
    said = [view.say for number, view in enumerate(views) if number == 0 or view.say is not views[number - 1].say]
    assert said[:2] == [Instruction.STEP_IN, Instruction.COME_CLOSER]
    assert Instruction.TURN_LEFT in said
    assert views[0].missing == WANTED and not any(views[-1].missing.values())
    assert views[0].left_s == 90.0 and 80.0 < views[-1].left_s < 88.0


def test_nothing_of_the_frames_is_on_the_disk_and_every_frame_is_ended(tmp_path: Path, models: Any) -> None:
    device, spy, eyes = site(tmp_path, **REGION), Spy(simulated()), WithEyes(models[1])
    with desk_of(device, (models[0], eyes)) as desk:
        taken = sit(desk, consent_of(device, desk), spy)
        assert isinstance(taken, Taken) and isinstance(desk.keep(taken.reference, 0.0), Kept)
        assert all(frame._rgb is None and frame._luma is None for frame in spy.given)
        assert len(eyes.seen) == 5 and len(spy.frames) > 60
        disk = [(path, path.read_bytes()) for path in device.state.rglob("*") if path.is_file()]
    assert any(path.name == "store.sqlite" for path, _ in disk)
    canaries: list[bytes] = []
    for rgb in spy.frames[-20:]:
        canaries += [rgb[row, 300:316].tobytes() for row in range(200, 330, 10)]
        canaries += [rgb[row, 300:332, 1].tobytes() for row in range(200, 330, 10)]
    for chip, template in eyes.seen:
        canaries += [chip[row, 40:56].tobytes() for row in range(20, 100, 10)]
        length = np.linalg.norm(template)
        for vector in (template, template / length, taken.reference.template.vector):
            parts_of = (vector[:8], vector[64:72])
            canaries += [part.astype(kind).tobytes() for part in parts_of for kind in ("<f4", "<f8")]
    assert len(set(canaries)) > 500, "they tell one another apart"
    written = [
        *canaries,
        *(each.hex().encode() for each in canaries),
        *(text for each in canaries for text in _base64(each)),
    ]
    for path, data in disk:
        assert not [each for each in written if each in data], path.name


def _base64(canary: bytes) -> Iterator[bytes]:
    """What the base64 of any text with the canary in it has, wherever it begins."""
    for first in range(3):
        rest = canary[first:]
        yield base64.b64encode(rest[: len(rest) // 3 * 3])


def test_a_recording_serves_as_the_camera(tmp_path: Path, models: Any) -> None:
    device, film = site(tmp_path / "site", **REGION), tmp_path / "film.avi"
    stage = simulated()._stage
    video(film, [stage.picture(number)[0] for number in range(0, SCENE.script.frames, 3)])
    clock = Steps()
    camera = RecordingCamera(film, clock, sleep=clock.sleep)
    with desk_of(device, models) as desk:
        desk._opened_ns = 0
        assert isinstance(sit(desk, consent_of(device, desk), camera), Taken)


class Steps:
    """Implements `ports.Clock`: time passes by sleeping alone."""

    def __init__(self) -> None:
        self.now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def unix_s(self) -> float:
        return self.now_ns / 1e9

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


def test_the_camera_stays_shut_without_consent_to_this_and_in_private_places(tmp_path: Path, models: Any) -> None:
    device = site(tmp_path / "one", **REGION)
    other = site(tmp_path / "two", **REGION, place="private-space")
    for where, how, ground in (
        (device, {"stopped": True}, Ground.STOPPED),
        (other, {}, Ground.PLACE_PRIVATE),
    ):
        opening = Openings(simulated())
        with desk_of(where, models, **how) as desk:
            views: list[View] = []
            refused = capture(
                desk,
                consent_of(where, desk),
                Parts(open_camera=opening, open_locator=None, open_door=NoDoor),
                views.append,
                stall_s=1.0,
            )
        assert isinstance(refused, NotPermitted) and ground in refused.grounds
        assert (opening.count, views) == (0, [])


def test_who_is_not_alone_waits_and_the_time_ends(tmp_path: Path, models: Any) -> None:
    device, person = site(tmp_path, **(REGION | {"attempt": REGION["attempt"] | {"region": WHOLE}})), face()
    two = np.concatenate([person[:, 160:480], person[:, 160:480]], axis=1)
    with desk_of(device, models) as desk:
        views: list[View] = []
        over = sit(desk, consent_of(device, desk), Stills(*[two] * 40), views, limit_s=2.0)
        assert over == OutOfTime(dict(WANTED), Instruction.ONE_PERSON, ())
        assert {view.say for view in views} == {Instruction.ONE_PERSON}
        assert len(views) == 31 and views[-1].left_s == 0.0, "the time ended it, not the camera"
        frontal = sit(desk, consent_of(device, desk), Stills(*[person] * 20))
        assert frontal == OutOfTime({Pose.FRONT: 0, Pose.LEFT: 1, Pose.RIGHT: 1}, Instruction.TURN_LEFT, ())
        nobody = sit(desk, consent_of(device, desk), Stills())
        assert nobody == OutOfTime(dict(WANTED), None, ())
    assert enrolled(device) == []


WHOLE = [[0, 0], [640, 0], [640, 480], [0, 480]]


def test_a_sign_that_is_not_in_view_makes_wait_and_shows_nothing(tmp_path: Path, models: Any) -> None:
    corners = [[43.0, 196.0], [107.0, 198.0], [107.0, 262.0], [43.0, 262.0]]
    sign = {"id": "gate", "marker": {"number": 7, "corners": corners, "tolerance_px": 10.0}}
    device = site(tmp_path, **REGION, sign=sign)
    with desk_of(device, models) as desk:
        views: list[View] = []
        over = sit(desk, consent_of(device, desk), Stills(*[WALL] * 5), views)
        assert isinstance(over, OutOfTime) and over.grounds == (Ground.SIGN_MISSING,) and over.obstacle is None
        assert all(view.say is None and view.preview is None and view.grounds == over.grounds for view in views)
        seen = sit(desk, consent_of(device, desk), simulated())
        assert isinstance(seen, Taken), "the scene shows the sign"


def test_a_receiver_s_position_counts(tmp_path: Path, models: Any) -> None:
    device = site(tmp_path, **REGION, location={"kind": "gnss"})
    start = SceneStart(time.monotonic_ns())
    camera = SimulatedCamera(SCENE, {}, SystemClock(), start, paced=False)
    with desk_of(device, models) as desk:
        consent = consent_of(device, desk)
        lost = sit(desk, consent, Stills(WALL))
        assert isinstance(lost, OutOfTime) and Ground.LOCATION_UNKNOWN in lost.grounds
        here = Parts(open_camera=lambda: camera, open_locator=lambda: SimulatedLocator(SCENE, start), open_door=NoDoor)
        assert isinstance(capture(desk, consent, here, lambda view: None, stall_s=1.0), Taken)


def test_a_camera_that_fails_ends_it_in_one_line_and_is_closed(tmp_path: Path, models: Any) -> None:
    class Broken(Stills):
        def read(self, timeout_s: float) -> CapturedFrame | None:
            raise DeviceError("camera: no frame; see to the cable")

    device, spy = site(tmp_path, **REGION), Spy(Broken())
    with desk_of(device, models) as desk, pytest.raises(DeviceError, match="see to the cable"):
        sit(desk, consent_of(device, desk), spy)
    assert spy.closed == 1 and enrolled(device) == []


def test_a_picture_of_another_size_ends_it(tmp_path: Path, models: Any) -> None:
    device = site(tmp_path, **REGION)
    with desk_of(device, models) as desk:
        ended = sit(desk, consent_of(device, desk), Stills(WALL[:240, :320]))
        assert isinstance(ended, NotPermitted) and Ground.VIEW_MISMATCH in ended.grounds


def test_in_1_to_1_a_person_is_enrolled_at_the_camera_as_well(tmp_path: Path, models: Any) -> None:
    assessment = policies.for_recording(read_manifest(MODELS), datetime.now(UTC), inspected=True)["assessment"]
    scope = {"scope": assessment["scope"] | {"mode": "verify"}}
    device = site(tmp_path, **REGION, mode="verify", assessment=assessment | scope)
    with desk_of(device, models) as desk:
        taken = sit(desk, consent_of(device, desk), simulated())
        assert isinstance(taken, Taken) and isinstance(desk.keep(taken.reference, 0.0), Kept)


def test_where_the_vault_does_not_open_nobody_can_be_compared_and_nobody_is_kept(
    tmp_path: Path, models: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    device = site(tmp_path, **REGION)
    enrol(device, models)
    with desk_of(device, (models[0], WithEyes(models[1], "another-runtime 1.0"))) as desk:
        pictures = [np.ascontiguousarray(face("p2", f"enrol-{place}")[..., ::-1]) for place in range(1, 7)]
        with pytest.raises(VaultError, match="nobody is kept"):
            desk.enrol(consent_of(device, desk, "p-2"), [handed_in(place, bgr) for place, bgr in enumerate(pictures)])
        opening = Openings(simulated())
        parts = Parts(open_camera=opening, open_locator=None, open_door=NoDoor)
        with pytest.raises(VaultError, match="nobody is kept"):
            capture(desk, consent_of(device, desk, "p-2"), parts, lambda view: None, stall_s=1.0)
        assert opening.count == 0, "the person need not stand there first"
    assert enrolled(device) == ["p-1"]
    assert "runtime: a row is of another one" in capsys.readouterr().err


def test_only_enrolment_plays_a_simulated_camera_of_a_device_config(tmp_path: Path) -> None:
    text = f"""
[device]
id = "d"
state = "s"
insecure_dev = true
[site]
name = "s"
root_sha256 = "{"0" * 64}"
repository = "http://127.0.0.1:1/"
[camera]
kind = "simulated"
scene = "{ROOT / "scenes" / "enrolment.toml"}"
[position]
kind = "simulated"
[models]
directory = "{MODELS}"
[broker]
host = "127.0.0.1"
port = 1
"""
    file = tmp_path / "d.toml"
    file.write_text(text)
    config = load_config(file)
    with pytest.raises(ConfigError, match="played by scripts/demo"):
        parts(config, lambda line: None)
    made = capture_parts(config, lambda line: None)
    assert made.open_locator is not None
    locator, camera = made.open_locator(), made.open_camera()
    first = camera.read(1.0)
    assert first is not None and locator.fix(first.captured_ns) is not None
    file.write_text(text.replace('[position]\nkind = "simulated"\n', ""))
    assert capture_parts(load_config(file), lambda line: None).open_locator is None
    file.write_text(text.replace("simulated", "recording", 1).replace("scene = ", "file = "))
    with pytest.raises(ConfigError, match="played by scripts/demo"):
        capture_parts(load_config(file), lambda line: None)
