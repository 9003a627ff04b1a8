"""What tests of the face room start from: a cast sprite in a camera's picture, and a face that has really opted in."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.face.detect import Face
from agent.policy.attempt import Attempts, OptIn, TrackId
from agent.policy.frames import PermittedFrame
from agent.scene.cast import Cast, Sprite
from agent.units import Box, Rgb
from tests.policy.given import SECOND, document, permitted, policy

CAST = Path(__file__).resolve().parents[2] / "scenes" / "cast"
WIDTH, HEIGHT = 640, 480
VIEW = {"width": WIDTH, "height": HEIGHT}
REGION = ((0.0, 0.0), (WIDTH, 0.0), (WIDTH, HEIGHT), (0.0, HEIGHT))
TRACK = TrackId(1)


def scene(name: str = "p1-scene-1", left: int = 120, top: int = 40) -> tuple[Rgb, Sprite]:
    """A grey wall with one sprite before it, and the sprite."""
    cast = Cast(CAST)
    sprite = cast.sprites[name]
    picture = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    seen = cast.seen(sprite)[: HEIGHT - top, : WIDTH - left]
    picture[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return picture, sprite


def frame(rgb: Rgb, number: int = 2) -> PermittedFrame:
    """The picture as a frame that a gate has permitted."""
    return permitted(number, number * SECOND, rgb, view=VIEW, attempt=document()["attempt"] | {"region": REGION})


def opted_in(face: Box, number: int = 2) -> OptIn:
    """An opt-in for this face on the frame of this number: it has stood inside since the frame before."""
    attempts = Attempts(policy(view=VIEW, attempt=document()["attempt"] | {"region": REGION}).document.attempt)
    blank = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    attempts.observe(frame(blank, number - 1), {TRACK: face})
    return attempts.observe(frame(blank, number), {TRACK: face})[TRACK]


def face_at(landmarks: np.ndarray, score: float = 0.9) -> Face:
    """A face with these six landmarks and a box around them."""
    points = np.asarray(landmarks, np.float32)
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return Face(Box(float(x0), float(y0), float(x1), float(y1)), points, score)
