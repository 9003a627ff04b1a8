"""The agent's detector, alignment and embedder beside what others use, on the same frames and one processor.

Rules: each in a process that may use one processor only; the agent goes before and after the others, so that a machine
that grew slower or faster meanwhile shows. The others are no dependency: without their environment nothing is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from agent.adapters.litert import LoadedModel, load_models
from agent.bench.camera import Play, pictures
from agent.bench.figures import Figure, median
from agent.bench.played import faces
from agent.bench.rig import Rig
from agent.demo.source import MODELS, ROOT
from agent.face.align import chip
from agent.face.detect import Finder

_PYTHON: Final = ROOT / ".venv-bench" / "bin" / "python"
_MISSING: Final = "not installed; scripts/bench --others installs it"
_PATIENCE_S: Final = 600.0


def beside(rig: Rig, rounds: int, say: Callable[[str], None]) -> list[Figure]:
    play = faces(rig.scene, rig.folder / "faces.bin")
    cpu = min(os.sched_getaffinity(0))
    say("detector, alignment and embedder, on one processor")
    own = _own(play, cpu, 4 * rounds)
    said: dict[str, dict[str, float]] = {}
    if _PYTHON.exists():
        say("face_recognition and MediaPipe, on the same frames")
        done = subprocess.run(
            [str(_PYTHON), str(ROOT / "bench" / "others.py"), str(play.file), str(cpu), str(rounds)],
            capture_output=True, text=True, timeout=_PATIENCE_S, check=False,
        )  # fmt: skip
        said = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else {}
        after = _own(play, cpu, 4 * rounds)
        own = [median(pair) for pair in zip(own, after, strict=True)]
    missing = "failed to run" if _PYTHON.exists() else _MISSING
    whole, detector = own
    theirs = {name: said.get(name, {}).get("ms") for name in ("face_recognition", "mediapipe")}
    dlib, media = theirs["face_recognition"], theirs["mediapipe"]
    return [
        Figure("own_ms", "detector, alignment and embedder, one thread", whole, "ms"),
        Figure("own_detector_ms", "– the detector with its letterbox", detector, "ms"),
        Figure("face_recognition_ms", "face_recognition (HOG and dlib), same frames", dlib, "ms",
               note="" if dlib else missing),
        Figure("face_recognition_times", "faster than face_recognition", None if dlib is None else dlib / whole, "×",
               12, least=True, note="" if dlib else missing),
        Figure("mediapipe_ms", "MediaPipe face detection (full range, float), same frames", media, "ms",
               note="" if media else missing),
    ]  # fmt: skip


def _own(play: Play, cpu: int, rounds: int) -> list[float]:
    """Medians of the whole and of the detector, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "agent.bench.beside", str(play.write()), str(cpu), str(rounds)],
        capture_output=True, text=True, timeout=_PATIENCE_S, check=True, cwd=ROOT,
    )  # fmt: skip
    return [float(each) for each in json.loads(done.stdout)]


def _timed(play: Play, models: tuple[LoadedModel, LoadedModel], rounds: int) -> tuple[float, float]:
    find, embed = Finder(models[0].run).find, models[1].run
    shown, whole, detector = list(pictures(play)), list[float](), list[float]()
    for _ in range(rounds):
        for picture in shown:
            began = time.perf_counter()
            found = find(picture)
            between = time.perf_counter()
            for face in found:
                embed(chip(picture, face))
            whole.append((time.perf_counter() - began) * 1e3)
            detector.append((between - began) * 1e3)
    return median(whole), median(detector)


def main() -> None:
    import cv2

    from agent.bench.camera import read_play

    os.sched_setaffinity(0, {int(sys.argv[2])})
    cv2.setNumThreads(1)
    found = _timed(read_play(Path(sys.argv[1])), load_models(MODELS), int(sys.argv[3]))
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
