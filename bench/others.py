"""What others take for the same frames, on one processor: face_recognition's calls on dlib, and MediaPipe's detector.

Run by .venv-bench, see requirements/bench.in; nothing of the project is imported here.

    .venv-bench/bin/python bench/others.py PICTURES CPU ROUNDS

PICTURES holds RGB pictures of 640 x 480, each followed by its luma. Prints JSON: name -> medians in ms by picture.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "GLOG_minloglevel": "3", "TF_CPP_MIN_LOG_LEVEL": "3"}

import numpy as np

WIDTH, HEIGHT = 640, 480
Act = Callable[[np.ndarray], bool]
"""Works on one picture; whether it found a face."""


def face_recognition() -> Act:
    """`face_locations` (HOG, upsampled once) and `face_encodings` (five points), as the package makes the calls."""
    import dlib
    import face_recognition_models as files

    detect = dlib.get_frontal_face_detector()
    predict = dlib.shape_predictor(files.pose_predictor_five_point_model_location())
    encode = dlib.face_recognition_model_v1(files.face_recognition_model_location())

    def act(picture: np.ndarray) -> bool:
        found = detect(picture, 1)
        return bool([np.array(encode.compute_face_descriptor(picture, predict(picture, each), 1)) for each in found])

    return act


def mediapipe() -> Act:
    """Face detection, full range: the detector alone."""
    import mediapipe

    model = mediapipe.solutions.face_detection.FaceDetection(model_selection=1, min_detection_confidence=0.5)
    return lambda picture: bool(model.process(picture).detections)


def main() -> None:
    path, cpu, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    os.sched_setaffinity(0, {cpu})
    frames = np.fromfile(path, np.uint8).reshape(-1, HEIGHT * WIDTH * 4)[:, : HEIGHT * WIDTH * 3]
    pictures = [np.ascontiguousarray(each).reshape(HEIGHT, WIDTH, 3) for each in frames]
    said: dict[str, dict[str, float]] = {}
    for name, make in (("face_recognition", face_recognition), ("mediapipe", mediapipe)):
        act, times, found = make(), [], 0
        act(pictures[0])
        for _ in range(rounds):
            for picture in pictures:
                began = time.perf_counter()
                found += act(picture)
                times.append((time.perf_counter() - began) * 1e3)
        said[name] = {"ms": statistics.median(times), "found": found / len(times)}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
