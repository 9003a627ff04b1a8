"""The cast: synthetic people as cut-out pictures, and where their faces are in them.

Rules: a picture whose bytes do not have the hash of `cast.toml` is never used; pictures are decoded when they are first
needed and only a few are kept, because the recogniser's memory is counted. No real person is in the cast.
Leaves out: how the pictures were made (scripts/build_cast).
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from agent.errors import ConfigError
from agent.scene.script import Name, Part, Person, faults
from agent.units import Rgb

Use = Literal["enrol", "scene", "calibrate"]
"""For enrolment; to appear in scenes; to choose the threshold, in no scene and not enrolled."""
_KEPT: Final = 4
_LARGEST_PX: Final = 1024

Place = tuple[float, float]


class Sprite(Part):
    """One picture of one person and the geometry of the face in it, in the picture's own pixels."""

    id: Name
    person: Person
    use: Use
    file: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\.webp$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    width: Annotated[int, Field(ge=16, le=_LARGEST_PX)]
    height: Annotated[int, Field(ge=16, le=_LARGEST_PX)]
    eyes: Annotated[tuple[Place, ...], Field(min_length=2, max_length=2)]
    """The eye on the left of the picture, then the one on the right."""
    face: tuple[float, float, float, float]
    """Box of the face as the detector draws it: x0, y0, x1, y1."""
    source: str
    """Where the picture comes from: package, person and picture."""


class Attribution(Part):
    package: str
    version: str
    sha256: str
    licence: str
    holder: str


class CastFile(Part):
    version: Literal[1]
    attribution: Annotated[tuple[Attribution, ...], Field(min_length=1)]
    sprite: Annotated[tuple[Sprite, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A decoded sprite: colour already multiplied by alpha, at full and at half size."""

    full: npt.NDArray[np.uint8]
    """(height, width, 4), RGBA."""
    half: npt.NDArray[np.uint8]


class Cast:
    """All sprites of one folder by id.

    Raises:
        ConfigError: `cast.toml` is missing or wrong, or names a sprite twice.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.file = _read(folder / "cast.toml")
        self.sprites = {sprite.id: sprite for sprite in self.file.sprite}
        if len(self.sprites) != len(self.file.sprite):
            raise ConfigError("cast.toml: sprite: an id is given twice; ids are unique")
        self._cuts: OrderedDict[str, Cut] = OrderedDict()

    def of(self, use: Use, person: str | None = None) -> tuple[Sprite, ...]:
        """Sprites for one use, of one person or (None) of all."""
        return tuple(s for s in self.file.sprite if s.use == use and person in (None, s.person))

    def path(self, sprite: Sprite) -> Path:
        return self._folder / sprite.file

    def cut(self, sprite: Sprite) -> Cut:
        """The sprite ready for painting; decoded on first use, the last few are kept.

        Raises:
            ConfigError: the file is missing, changed, or not the size that `cast.toml` says.
        """
        kept = self._cuts.get(sprite.id)
        if kept is not None:
            self._cuts.move_to_end(sprite.id)
            return kept
        rgba = self._decode(sprite)
        colour = cv2.multiply(rgba[..., :3], cv2.merge([rgba[..., 3]] * 3), scale=1 / 255)
        full = np.dstack([colour, rgba[..., 3]])
        half = cv2.resize(full, (sprite.width // 2, sprite.height // 2), interpolation=cv2.INTER_AREA)
        cut = Cut(np.ascontiguousarray(full), np.asarray(half, np.uint8))
        self._cuts[sprite.id] = cut
        while len(self._cuts) > _KEPT:
            self._cuts.popitem(last=False)
        return cut

    def picture(self, sprite: Sprite) -> Rgb:
        """The sprite as a plain picture without alpha, as it would be handed in for enrolment."""
        return np.ascontiguousarray(self._decode(sprite)[..., :3])

    def seen(self, sprite: Sprite) -> Rgb:
        """Head and shoulders before neutral grey, as a detector is shown a cut-out on its own."""
        rgba = self._decode(sprite)[: sprite.width].astype(np.float32)
        solid = rgba[..., 3:] / 255
        return np.ascontiguousarray(rgba[..., :3] * solid + 150 * (1 - solid) + 0.5, np.uint8)

    def _decode(self, sprite: Sprite) -> npt.NDArray[np.uint8]:
        try:
            data = self.path(sprite).read_bytes()
        except OSError as error:
            raise ConfigError(f"{sprite.file}: cannot be read ({error.strerror}); run scripts/build_cast") from None
        if hashlib.sha256(data).hexdigest() != sprite.sha256:
            raise ConfigError(f"{sprite.file}: sha256: differs from cast.toml; run scripts/build_cast")
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if decoded is None or decoded.ndim != 3 or decoded.shape[:2] != (sprite.height, sprite.width):
            raise ConfigError(f"{sprite.file}: size: differs from cast.toml; run scripts/build_cast")
        if decoded.shape[2] == 3:
            return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGBA), np.uint8)
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA), np.uint8)


def _read(path: Path) -> CastFile:
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        return CastFile.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as error:
        raise ConfigError("\n".join(faults(error, path.name))) from None
    except OSError as error:
        raise ConfigError(f"{path.name}: cannot be read ({error.strerror}); run scripts/build_cast") from None
    except ValueError as error:
        raise ConfigError(f"{path.name}: not readable as TOML ({str(error).splitlines()[0]})") from None
