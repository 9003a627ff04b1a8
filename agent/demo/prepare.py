"""Everything that one loop needs before its processes may begin: site, device, people, passes, config and picture."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import cv2

from agent.adapters.broker import EmbeddedBroker
from agent.adapters.litert import load_models
from agent.demo import policies
from agent.demo.device import Device, make, passes, write_config
from agent.demo.people import enrol_cast
from agent.errors import ConfigError
from agent.models.manifest import read_manifest
from agent.scene.render import Stage
from agent.scene.scene import Scene, load

ROOT: Final = Path(__file__).resolve().parent.parent.parent
MODELS: Final = ROOT / "models"
SCENE: Final = ROOT / "scenes" / "front-gate.toml"


@dataclass(frozen=True, slots=True)
class Source:
    """What plays before the camera."""

    scene: Path = SCENE
    """A scene file; for a recording, the scene whose cast is enrolled."""
    video: Path | None = None
    """A recording instead of the scene."""
    inspected: bool = True
    """The sign at the recording's site was attested by inspection."""

    @property
    def name(self) -> str:
        return self.scene.stem if self.video is None else self.video.name


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    device: Device
    scene: Scene | None
    """What plays; None for a recording."""
    passes: Path
    """JSON, for the recogniser's camera."""


def prepare(folder: Path, source: Source, models: Path, broker: EmbeddedBroker, page_port: int) -> Ready:
    """Make everything in `folder`.

    Raises:
        ConfigError: scene or recording are wrong.
        DeviceError: a model is missing or changed.
    """
    scene = load(source.scene)
    if source.video is not None and not source.video.exists():
        raise ConfigError(f"{source.video}: no such file or folder; give a video, an animation or a folder of stills")
    manifest = read_manifest(models)
    if source.video is None:
        decided = policies.for_scene(scene.script, manifest)
        camera = f'kind = "simulated"\nscene = {_quoted(source.scene)}'
    else:
        decided = policies.for_recording(manifest, datetime.now(UTC), inspected=source.inspected)
        camera = f'kind = "recording"\nfile = {_quoted(source.video)}'
    device = make(folder, decided)
    try:
        enrol_cast(device, scene, *load_models(models, threads=1))
        texts = folder / "passes.json"
        shown = sorted({each.name for each in scene.script.pass_}) if source.video is None else []
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
