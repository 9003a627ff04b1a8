"""Everything that one loop needs before its processes may begin: site, device, people, passes, config and picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2

from agent.adapters.broker import EmbeddedBroker
from agent.adapters.clock import SystemClock
from agent.adapters.litert import load_models, load_pad
from agent.adapters.recording import RecordingCamera
from agent.demo import policies
from agent.demo.device import Device, make, passes, write_config
from agent.demo.people import enrol_cast
from agent.demo.source import Source
from agent.models.manifest import read_manifest
from agent.scene.render import Stage
from agent.scene.scene import Scene, load


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    device: Device
    scene: Scene | None
    """What plays; None for a recording."""
    passes: Path
    """JSON, for the recogniser's camera."""


def prepare(
    folder: Path, source: Source, models: Path, broker: EmbeddedBroker, page_port: int, done: Callable[[str], None]
) -> Ready:
    """Make everything in `folder`.

    Args:
        done: told in a few words what has been made.

    Raises:
        ConfigError: scene or recording are wrong.
        DeviceError: a model is missing or changed, or nothing of the recording can be read.
    """
    scene = load(source.scene)
    if source.video is not None:  # seen here, it costs no waiting for a first frame that never comes
        RecordingCamera(source.video, SystemClock()).close()
    manifest = read_manifest(models)
    if source.video is None:
        now = datetime.now(UTC)
        decided = policies.for_scene(scene.script, manifest, now)
        if source.case is not None:
            decided = source.case.decided(decided, now)
        camera = f'kind = "simulated"\nscene = {_quoted(source.scene)}'
    else:
        decided = policies.for_recording(manifest, datetime.now(UTC), inspected=source.inspected)
        camera = f'kind = "recording"\nfile = {_quoted(source.video)}'
    device = make(folder, decided)
    done("site and device made, policy signed")
    try:
        said = () if source.case is None else source.case.file.consent
        enrol_cast(device, scene, *load_models(models, threads=1), said, load_pad(models))
        done(f"{len(scene.script.enrolled)} people enrolled with their consent")
        texts = folder / "passes.json"
        shown = {each.name: each.person for each in scene.script.pass_} if source.video is None else {}
        texts.write_text(json.dumps(passes(device, shown)), "utf-8")
        write_config(
            device,
            broker_port=broker.port,
            websocket=broker.websocket_url,
            page_port=page_port,
            models=models.resolve(),
            camera=camera,
            empty=_empty_picture(folder, scene) if source.video is None else None,
        )
    except BaseException:
        device.server.close()
        raise
    return Ready(device, scene if source.video is None else None, texts)


def _quoted(path: Path) -> str:
    return json.dumps(str(path.resolve()))


def _empty_picture(folder: Path, scene: Scene) -> Path:
    """The picture that an installer takes when nobody is there."""
    picture = folder / "empty.png"
    cv2.imwrite(str(picture), cv2.cvtColor(Stage(scene).empty_picture(), cv2.COLOR_RGB2BGR))
    return picture
