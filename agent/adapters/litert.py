"""Runs the two model files: LiteRT where it is installed, else the older tflite-runtime, behind one class.

Rules: a file is read once, the very bytes that are hashed are the bytes that the runtime gets; hash, tensors and
declared outputs must equal the manifest's, anything else is a `DeviceError`. The ports take `PermittedFrame` and
`Probe` only; the functions on arrays below are private to this file. Leaves out: what the numbers mean (agent/face).
"""

from __future__ import annotations

import hashlib
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from agent.errors import DeviceError
from agent.face.align import CHIP_SIDE
from agent.face.detect import GRID_SIDE, INPUT_SIDE, LANDMARKS, Face, Finder, Floats
from agent.face.edges import edges
from agent.face.pad import VIEW_SIDE, PadView, score
from agent.face.probe import Probe, ProbeTemplate
from agent.models.manifest import HELP, ModelEntry, Tensor, read_manifest
from agent.models.runtime import start
from agent.policy.circumstances import LoadedModels
from agent.policy.frames import PermittedFrame
from agent.units import Box, Rgb, Sha256, Vector

_RUNTIMES: Final = (
    ("litert", "ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite-runtime", "tflite_runtime.interpreter"),
)
_SIDE: Final = {"detector": INPUT_SIDE, "embedder": CHIP_SIDE, "pad": VIEW_SIDE}
_ZERO: Final = {"detector": 0, "embedder": 0, "pad": -128}
_CHANNELS: Final = {
    "detector": {"logits": 1, "sizes": 2, "offsets": 2 * (1 + LANDMARKS)},
    "embedder": {"embedding": 0},
    "pad": {"classes": 0},
}
"""Outputs of each role in order, with the numbers a cell of the detector's grid; an embedding may have any length."""
_FILE_MAX: Final = 32 * 1024 * 1024


def _runtime() -> tuple[str, str, Any]:
    """Name, name with version, and interpreter class of the runtime that is installed."""
    for name, distribution, module in _RUNTIMES:
        try:
            found = version(distribution)
        except PackageNotFoundError:
            continue
        return name, f"{name} {found}", import_module(module).Interpreter
    raise DeviceError("no TFLite runtime is installed; install 'ai-edge-litert' (or 'tflite-runtime' on Python 3.11)")


class LoadedModel:
    """A model file that was found to be exactly what the manifest says. Only `load` makes one."""

    def __init__(self, entry: ModelEntry, runtime: str, interpreter: Any) -> None:
        self._entry, self._runtime, self._interpreter = entry, runtime, interpreter
        self._source: int = interpreter.get_input_details()[0]["index"]
        by_name = {_short(detail["name"]): detail["index"] for detail in interpreter.get_output_details()}
        self._results = tuple(by_name[tensor.name] for tensor in entry.outputs)
        self._input: npt.NDArray[np.uint8] = np.empty(entry.inputs[0].shape, np.uint8)

    @property
    def dimensions(self) -> int:
        """Length of the first output's rows: of an embedder, that of its templates."""
        return self._entry.outputs[0].shape[-1]

    @classmethod
    def load(cls, entry: ModelEntry, directory: Path, threads: int = 1) -> Self:
        """Read, hash and check one model.

        Raises:
            DeviceError: missing, changed, not fit for the runtime, or with other tensors than declared.
        """
        path = directory / entry.file
        try:
            with path.open("rb") as file:
                data = file.read(_FILE_MAX + 1)
        except OSError as error:
            raise DeviceError(f"{path}: cannot be read ({error.strerror}); {HELP}") from None
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise DeviceError(f"{path}: sha256: is not the one in the manifest (the file was changed); {HELP}")
        name, runtime, interpreter = _runtime()
        if name not in entry.runtimes:
            raise DeviceError(
                f"{path}: runtimes: was not tested with {name}; install one of {', '.join(entry.runtimes)}"
            )
        try:
            made = start(interpreter, data, threads)
        except (ValueError, RuntimeError):
            raise DeviceError(f"{path}: {runtime} cannot load it; {HELP}") from None
        _demand_tensors(path, entry)
        _compare(path, "input", entry.inputs, made.get_input_details())
        _compare(path, "output", entry.outputs, made.get_output_details())
        return cls(entry, runtime, made)

    @property
    def sha256(self) -> Sha256:
        return self._entry.sha256

    @property
    def runtime(self) -> str:
        """Name and version: templates of one runtime are not compared with those of another."""
        return self._runtime

    @property
    def identity(self) -> str:
        """File and runtime together, what a gallery is bound to."""
        return f"{self.sha256} {self._runtime}"

    @property
    def declares(self) -> tuple[str, ...]:
        """What it puts out, as the manifest declares it."""
        return self._entry.declares

    @property
    def role(self) -> str:
        return self._entry.role

    def bare(self) -> None:
        """The runtime's own work alone, on whatever its input holds: what the agent is measured against."""
        self._interpreter.invoke()

    def run(self, picture: Rgb) -> tuple[Floats, ...]:
        """One inference.

        Args:
            picture: (height, width, 3) uint8 of the input's size.

        Returns:
            The real values of each output, in the manifest's order, without the batch axis.
        """
        # Turning the top bit of a uint8 and reading it as int8 subtracts 128, which is what the files take.
        np.bitwise_xor(picture, 0x80, out=self._input[0])
        try:
            self._interpreter.set_tensor(self._source, self._input.view(np.int8))
            self._interpreter.invoke()
            stored = [self._interpreter.get_tensor(index)[0] for index in self._results]
        except (ValueError, RuntimeError):
            raise DeviceError(f"model {self._entry.file}: {self._runtime} failed while running; {HELP}") from None
        return tuple(_real(values, tensor) for values, tensor in zip(stored, self._entry.outputs, strict=True))


def _demand_tensors(path: Path, entry: ModelEntry) -> None:
    """The tensors must be those that agent/face works with."""
    channels, side, zero = _CHANNELS[entry.role], _SIDE[entry.role], _ZERO[entry.role]
    if [tensor.name for tensor in entry.outputs] != list(channels):
        raise DeviceError(f"{path}: output: the {entry.role} has {', '.join(channels)}; {HELP}")
    if [(tensor.shape, tensor.zero) for tensor in entry.inputs] != [((1, side, side, 3), zero)]:
        raise DeviceError(
            f"{path}: input: must be one tensor of 1 x {side} x {side} x 3 with zero point {zero}; {HELP}"
        )
    for tensor in entry.outputs:
        grid = (1, GRID_SIDE, GRID_SIDE, channels[tensor.name])
        fits = tensor.shape == grid if entry.role == "detector" else len(tensor.shape) == 2 and tensor.shape[0] == 1
        if not fits:
            raise DeviceError(f"{path}: output {tensor.name}: shape: is not that of the {entry.role}; {HELP}")


def _short(name: str) -> str:
    """A tensor's own name; runtimes may add a colon and a number."""
    return name.partition(":")[0]


def _compare(path: Path, kind: str, declared: tuple[Tensor, ...], found: list[dict[str, Any]]) -> None:
    by_name = {_short(detail["name"]): detail for detail in found}
    if len(by_name) != len(found) or set(by_name) != {tensor.name for tensor in declared}:
        raise DeviceError(f"{path}: {kind}: the file's tensors are not those that the manifest declares; {HELP}")
    for tensor in declared:
        detail = by_name[tensor.name]
        scale, zero = detail["quantization"]
        facts = (
            ("shape", tuple(int(side) for side in detail["shape"]) == tensor.shape),
            ("dtype", np.dtype(detail["dtype"]).name == tensor.dtype),
            ("scale", bool(np.float32(scale) == np.float32(tensor.scale))),
            ("zero", int(zero) == tensor.zero),
        )
        for field, equal in facts:
            if not equal:
                raise DeviceError(f"{path}: {kind} {tensor.name}: {field}: is not as the manifest declares; {HELP}")


def held(detector: LoadedModel, embedder: LoadedModel, pad: LoadedModel | None = None) -> LoadedModels:
    """What the gate is told of the models that the runtime really holds."""
    declares = frozenset(detector.declares + embedder.declares + (() if pad is None else pad.declares))
    return LoadedModels(detector.sha256, embedder.sha256, declares, None if pad is None else pad.sha256)


def load_models(directory: Path, threads: int = 1) -> tuple[LoadedModel, LoadedModel]:
    """Detector and embedder of a folder.

    Raises:
        DeviceError: see `read_manifest` and `LoadedModel.load`.
    """
    manifest = read_manifest(directory)
    detector = LoadedModel.load(manifest.model("detector"), directory, threads)
    return detector, LoadedModel.load(manifest.model("embedder"), directory, threads)


def load_pad(directory: Path, threads: int = 1) -> LoadedModel | None:
    """The model of a folder that tells prints and screens; None where its manifest has none.

    Raises:
        DeviceError: see `read_manifest` and `LoadedModel.load`.
    """
    entry = read_manifest(directory).pad
    return None if entry is None else LoadedModel.load(entry, directory, threads)


def _real(stored: npt.NDArray[np.int8], tensor: Tensor) -> Floats:
    return (stored.astype(np.float32) - np.float32(tensor.zero)) * np.float32(tensor.scale)


class LiteRtDetector:
    """`ports.Detector` over a loaded detector; one object serves one thread."""

    def __init__(self, model: LoadedModel) -> None:
        if model.role != "detector":
            raise DeviceError(f"models: role: the {model.role} cannot detect; {HELP}")
        self._finder, self._closer = Finder(model.run), Finder(model.run)

    def detect(self, frame: PermittedFrame) -> tuple[Face, ...]:
        """Faces of the frame, best first; positions in its pixels."""
        return self._finder.find(frame.pixels)

    def detect_in(self, frame: PermittedFrame, part: Box) -> tuple[Face, ...]:
        """Faces of one part of the frame, best first; positions in the frame's pixels."""
        x, y = int(part.x0), int(part.y0)
        found = self._closer.find(frame.pixels[y : int(part.y1), x : int(part.x1)])
        return tuple(face.moved(x, y) for face in found)


class LiteRtEmbedder:
    """`ports.Embedder` over a loaded embedder; one object serves one thread."""

    def __init__(self, model: LoadedModel) -> None:
        if model.role != "embedder":
            raise DeviceError(f"models: role: the {model.role} cannot embed; {HELP}")
        self._model = model

    def embed(self, probe: Probe) -> ProbeTemplate:
        """The unit-length template of one probe."""
        return ProbeTemplate(unit(self._model.run(probe.chip)[0]), probe.permit)


class LiteRtPad:
    """`ports.PadDetector` over a loaded model of role pad; one object serves one thread."""

    def __init__(self, model: LoadedModel) -> None:
        if model.role != "pad":
            raise DeviceError(f"models: role: the {model.role} cannot tell prints and screens; {HELP}")
        self._model = model

    def bona_fide(self, view: PadView) -> float:
        """How much speaks for a person and against a picture of one, 0 to 1."""
        return score(self._model.run(view.picture)[0], edges(view.picture))


def unit(vector: Floats) -> Vector:
    """The vector at length one.

    Raises:
        DeviceError: it has no length; a working model never puts that out.
    """
    length = float(np.linalg.norm(vector))
    if not length > 0.0:
        raise DeviceError(f"models: the embedder put out an empty template; {HELP}")
    return np.asarray(vector / np.float32(length), np.float32)
