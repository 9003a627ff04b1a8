"""A site, a device with three people, a broker and a link: what the agent needs to run as it does at a door."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent.adapters.broker import EmbeddedBroker
from agent.demo.device import CHECK_EVERY_S, Device
from agent.demo.prepare import prepare
from agent.demo.process import Child, start
from agent.demo.source import MODELS, Source
from agent.scene.scene import Scene


@dataclass(frozen=True, slots=True)
class Rig:
    folder: Path
    device: Device
    scene: Scene
    link: Child


@contextmanager
def rig(say: Callable[[str], None]) -> Iterator[Rig]:
    """Makes everything in a folder of its own, and takes all of it away again.

    Raises:
        DoorwardError: models or scene cannot be used, or no broker starts.
    """
    say("a site, a device, a broker and a link")
    folder = Path(tempfile.mkdtemp(prefix="doorward-bench-"))
    broker = EmbeddedBroker()
    try:
        broker.start()
        ready = prepare(folder, Source(), MODELS, broker, 0, lambda done: None)
        assert ready.scene is not None  # a scene plays
        # The demo looks for news every second, to show them at once; a device does once a minute.
        config = ready.device.config
        config.write_text(config.read_text("utf-8").replace(f"check_every_s = {CHECK_EVERY_S}\n", ""), "utf-8")
        link = start("link", "agent.demo.link", [str(os.getpid())], folder / "link.err", ask=True, answer=True)
        try:
            assert link.process.stdin is not None and link.process.stdout is not None
            link.process.stdin.write(f"{ready.device.config}\n")
            link.process.stdin.flush()
            json.loads(link.process.stdout.readline())
            yield Rig(folder, ready.device, ready.scene, link)
        finally:
            link.stop()
            ready.device.server.close()
    finally:
        broker.close()
        shutil.rmtree(folder, ignore_errors=True)
