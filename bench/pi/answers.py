"""What one machine makes of the scene and of the cast's pictures; asked alike on the board and on this machine.

`alike` starts it there with that machine's installed agent; from the checkout come the scene and the demo alone, which
no wheel holds.
"""

from __future__ import annotations

import json
import platform
import re
import sys
import time
from base64 import b64decode
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

import agent
from agent.adapters.fitting import fitted
from agent.adapters.litert import LoadedModel, load_models
from agent.adapters.recording import decoded
from agent.adapters.store import read_ledger
from agent.adapters.updates import Updates, pin_root
from agent.crypto import SignPublic
from agent.demo.source import MODELS, ROOT
from agent.events.seal import open_event
from agent.events.telemetry import read_telemetry
from agent.events.wire import Kind
from agent.face.align import chip
from agent.face.detect import Face, Finder
from agent.face.pad import view
from agent.ledger.verify import verify_ledger
from agent.models.manifest import read_manifest
from agent.site.repository import SiteRepository
from agent.units import DeviceId, Rgb
from bench.pi.scene import play

_KIND: Final = re.compile("-(enrol-[123]|scene-[0-9])$")
"""Which pictures of the cast: as people are enrolled by, and as they stand in the scene."""
_START: Final = """
import sys
import time
import agent, agent.adapters
root, task = sys.argv[1], sys.argv[2:]
agent.__path__.append(root + "/agent")
agent.adapters.__path__.append(root + "/agent/adapters")
sys.path.append(root)
from bench.pi.answers import main
main(task)
"""
"""The installed agent is found first, the checkout's only where the installed one has nothing."""


def alike(checkout: str, task: str, *arguments: str) -> list[str]:
    """The words behind a Python that do this there."""
    return ["-c", _START, checkout, task, *arguments]


def main(task: list[str]) -> None:
    """`scene FOLDER EVERY`, `pictures FILE [GIVEN]`, `plain FILE GIVEN` or `check FOLDER`; the answer comes last."""
    match task:
        case ["scene", folder, every]:
            answer = play(Path(folder), int(every), _told) | whose()
        case ["pictures", file]:
            answer = pictures(Path(file), None)
        case ["pictures", file, given]:
            answer = pictures(Path(file), Path(given))
        case ["plain", file, given]:
            answer = pictures(Path(file), Path(given), plain=True)
        case ["check", folder]:
            answer = check(Path(folder))
        case _:
            raise SystemExit(f"unknown task {task}")
    print(json.dumps(answer))


def _told(done: int, total: int) -> None:
    print(f"{done} {total}", flush=True)


def whose() -> dict[str, Any]:
    """What answers here: machine, Python, runtime, and which modules of the agent are not the installed ones."""
    home = Path(agent.__file__).parent
    files = {name: Path(file) for name, module in sys.modules.items()
             if name.split(".")[0] == "agent" and (file := module.__file__)}  # fmt: skip
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "runtime": load_models(MODELS)[1].runtime,
        "agent": str(home),
        "beside": sorted({name for name, file in files.items() if not file.is_relative_to(home)}),
        "installed": sum(file.is_relative_to(home) for file in files.values()),
    }


def pictures(file: Path, given: Path | None, *, plain: bool = False) -> dict[str, Any]:
    """Pictures of the cast through detector, alignment, embedder and the model that tells prints, into `file`.

    Args:
        given: such a file of another machine; its chips and views are what `same` and `pad` are made of, so that models
            are compared alone. None: its own.
        plain: with the runtime's reference kernels, which spell int8 arithmetic out, in place of those for speed. How
            far the two are apart on one machine is what rounding does.
    """
    detector, embedder, pad = (_model(role, plain) for role in ("detector", "embedder", "pad"))
    sources = [each for each in sorted((ROOT / "scenes" / "cast").glob("p*.webp")) if _KIND.search(each.stem)]
    seen, places, chips, views = list[Rgb](), list[list[float]](), list[Rgb](), list[Rgb]()
    for done, source in enumerate(sources, 1):
        bgr = decoded(source.read_bytes())
        assert bgr is not None
        rgb = fitted(bgr)
        face = Finder(detector.run).find(rgb)[0]
        seen.append(rgb)
        places.append(_places(face))
        chips.append(chip(rgb, face))
        views.append(view(rgb, face.box))
        _told(done, 4 * len(sources))
    own = [embedder.run(each)[0] for each in chips]
    _told(1, 2)
    of = {"chips": chips, "views": views} if given is None else dict(np.load(given))
    same = own if given is None else [embedder.run(each)[0] for each in of["chips"]]
    _told(3, 4)
    np.savez(
        file,
        seen=np.asarray(seen),
        places=places,
        chips=np.asarray(chips),
        views=np.asarray(views),
        own=np.asarray(own),
        same=np.asarray(same),
        pad=np.asarray([pad.run(each)[0] for each in of["views"]]),
    )
    return {"pictures": len(sources)}


def _model(role: Literal["detector", "embedder", "pad"], plain: bool) -> LoadedModel:
    manifest = read_manifest(MODELS)
    entry = manifest.pad if role == "pad" else manifest.model(role)
    assert entry is not None
    if not plain:
        return LoadedModel.load(entry, MODELS)
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        str(MODELS / entry.file), experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1
    )
    interpreter.allocate_tensors()
    return LoadedModel(entry, "reference kernels", interpreter)


def _places(face: Face) -> list[float]:
    return [face.box.x0, face.box.y0, face.box.x1, face.box.y1, *np.ravel(face.landmarks).tolist(), face.score]


def check(folder: Path) -> dict[str, int]:
    """Verify what `scene FOLDER` has left, on whichever machine it was signed: how much of each kind was good.

    Raises:
        DoorwardError: the first that is not.
    """
    said = json.loads((folder / "said.json").read_text("utf-8"))
    key = SignPublic(bytes.fromhex(said["key"]))
    with read_ledger(folder / "state" / "store.sqlite") as copy:
        ledger = verify_ledger(copy, key, device=DeviceId(said["device"]))
    site = SiteRepository.open(folder / "site", clock=time.time)
    secret = site.keys.events_secret()
    for each in said["events"]:
        open_event(b64decode(each), secret, key)
    for kind, payload in said["telemetry"]:
        read_telemetry(Kind(kind), b64decode(payload), key)
    files = folder / "site" / "repository"

    def fetch(path: str, limit: int) -> bytes | None:
        return (files / path).read_bytes()[: limit + 1] if (files / path).is_file() else None

    updates = Updates(folder / f"seen-{platform.machine()}", pin_root(fetch, said["root_sha256"]), fetch)
    verified = updates.refresh(time.time())
    return {
        "entries": ledger.size,
        "checkpoints": ledger.checkpoints,
        "events": len(said["events"]),
        "telemetry": len(said["telemetry"]),
        "targets": len(verified.targets),
    }
