"""What the demo's recogniser brings along: a camera that plays, a receiver that plays, and recorders round the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

from agent.adapters.clock import SystemClock
from agent.adapters.door import NoDoor
from agent.app.config import DeviceConfig, load
from agent.app.config_camera import Recording, Simulated
from agent.app.parts import Parts
from agent.demo.recorder import WatchedCamera, WatchedDoor, WatchedEmbedder
from agent.errors import ConfigError
from agent.ports import Camera, Locator


def parts(config_file: str, passes_file: str, fd: int, enough: Event) -> tuple[DeviceConfig, Parts]:
    """Read the config and make the parts.

    Args:
        passes_file: JSON, pass name of the scene -> text of its code; empty for a recording.
        fd: where the records go.
        enough: see `WatchedCamera`.

    Raises:
        ConfigError: config or scene are wrong.
    """
    config = load(Path(config_file))
    clock = SystemClock()
    open_camera: Callable[[], Camera]
    open_locator: Callable[[], Locator] | None = None
    if isinstance(config.camera, Simulated):
        from agent.adapters.simulated import SceneStart, SimulatedCamera, SimulatedLocator
        from agent.scene.scene import load as load_scene

        scene = load_scene(config.path(config.camera.scene))
        texts: dict[str, str] = json.loads(Path(passes_file).read_text("utf-8"))
        start = SceneStart()
        open_locator = partial(SimulatedLocator, scene, start)

        def open_camera() -> Camera:
            return SimulatedCamera(scene, texts, clock, start)
    elif isinstance(config.camera, Recording):
        from agent.adapters.recording import RecordingCamera

        recording = config.path(config.camera.file)

        def open_camera() -> Camera:
            return RecordingCamera(recording, clock)
    else:
        raise ConfigError("camera: the demo plays a scene or a recording; 'doorward recogniser' opens a real camera")

    return config, Parts(
        open_camera=lambda: WatchedCamera(open_camera(), fd, enough),
        open_locator=open_locator,
        open_door=lambda: WatchedDoor(NoDoor(), fd),
        embedder=lambda embedder: WatchedEmbedder(embedder, fd),
    )
