"""Make a folder of models with another embedder: the file checked, fronted, measured, entered in a manifest.

Rules: the given folder is never changed; the new one is there whole or not at all. An operating point that was not
measured is not in the manifest, so nothing can use it. Whether the model may run is the policy's word: its allow-list
names hashes. Leaves out: any judgement of the licence, which is the operator's to state.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.errors import ConfigError, DeviceError
from agent.models import card, write
from agent.models.build import CARD, entry
from agent.models.evaluate import MARGIN_MIN, Load, Say, cast_scores, on_cast, on_faces
from agent.models.eyes import Eyes
from agent.models.faceset import read_faces
from agent.models.front import Colour, Pixels, derived_pixels, fronted, read_embedder
from agent.models.manifest import HELP, NAME, Manifest, OperatingPoint, Source, read_manifest
from agent.scene.cast import Cast
from agent.units import Sha256

_FILE_MAX: Final = 32 * 1024 * 1024
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")


@dataclass(frozen=True, slots=True)
class Offer:
    """A file that an operator gives, and what is known of it.

    Args:
        licence: as its maker states it.
        pixels: None derives it from the input's scale.
    """

    file: Path
    name: str
    licence: str
    colour: Colour
    pixels: Pixels | None


def add(offer: Offer, models: Path, out: Path, cast: Path, faces: Path | None, load: Load, say: Say) -> Manifest:
    """Write `out`: the detector of `models` and the offered embedder, with manifest and card.

    Args:
        cast: see `build`.
        faces: real faces for the operating point `real`; None leaves it unmeasured, and out.

    Raises:
        ConfigError: the file is no int8 embedder, the name or the folder is taken, or faces are not in their form.
        DeviceError: `models` breaks a rule, or LiteRT cannot run the file.
    """
    before = read_manifest(models)
    data = _read(offer.file)
    _demand_free(offer, before, out)
    embedder = read_embedder(data, str(offer.file))
    pixels = offer.pixels or derived_pixels(embedder)
    if embedder.floats:
        say(f"{offer.file}: {embedder.floats} of its tensors are float: it is not strictly int8")
    source = _source(offer, data)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".add-", dir=out.parent) as name:
        bench = Path(name) / "models"
        bench.mkdir()
        detector, others = before.model("detector"), (() if before.pad is None else (before.pad,))
        for each in (detector, *others):
            try:
                shutil.copyfile(models / each.file, bench / each.file)
            except OSError as error:
                raise DeviceError(f"{models / each.file}: cannot be read ({error.strerror}); {HELP}") from None
        data = fronted(embedder, offer.colour, pixels)
        try:
            made = entry(offer.name, "embedder", ("embedding",), source, data)
        except (ValueError, RuntimeError):
            raise DeviceError(
                f"{offer.file}: LiteRT cannot run it; export it with operations that LiteRT has"
            ) from None
        (bench / made.file).write_bytes(data)
        eyes = Eyes(load(detector, bench), load(made, bench))
        say("measuring on the synthetic cast")
        point = _on_cast(offer, eyes, Cast(cast), made.sha256)
        points = [point]
        if faces is not None:
            _, real = on_faces(eyes, read_faces(faces), made.sha256, say)
            points.insert(0, real)
        manifest = Manifest((detector, made, *others), tuple(points), NAME, before.pad_points)
        (bench / NAME).write_text(write.text(manifest), encoding="utf-8")
        (bench / CARD).write_text(card.text(manifest, given=True), encoding="utf-8")
        read_manifest(bench)
        os.rename(bench, out)
    return read_manifest(out)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); give the .tflite file of an embedder") from None
    if len(data) > _FILE_MAX:
        raise ConfigError(f"{path}: is larger than {_FILE_MAX} bytes; give a smaller model")
    return data


def _demand_free(offer: Offer, before: Manifest, out: Path) -> None:
    if _NAME.fullmatch(offer.name) is None:
        raise ConfigError("--name: must be of 1 to 64 small letters, digits, '.', '_' and '-'; choose another name")
    if offer.name in {model.name for model in before.models}:
        raise ConfigError(f"--name: {offer.name} is taken in {before.where}; choose another name")
    if _FILE_NAME.fullmatch(offer.file.name) is None:
        raise ConfigError(f"{offer.file}: the file's name must be of letters, digits, '.', '_', '+' and '-'; rename it")
    if not offer.licence.isprintable() or not offer.licence.strip():
        raise ConfigError("--licence: must be printable text; give it as the model's maker states it")
    if out.exists():
        raise ConfigError(f"{out}: is there already; choose another folder for --out")


def _source(offer: Offer, data: bytes) -> Source:
    digest = Sha256(hashlib.sha256(data).hexdigest())
    return Source("file", offer.name, "as given", offer.file.name, digest, offer.file.name, digest, offer.licence)


def _on_cast(offer: Offer, eyes: Eyes, cast: Cast, embedder: Sha256) -> OperatingPoint:
    genuine, wrong = cast_scores(eyes, cast, ("calibrate",))
    margin = min(genuine) - max(wrong)
    if not margin >= MARGIN_MIN:
        raise ConfigError(
            f"{offer.file}: margin on the synthetic cast: {margin:.3f} is below {MARGIN_MIN}: it does not tell people "
            "apart; check --colour, --mean and --step"
        )
    return on_cast(eyes, cast, embedder)
