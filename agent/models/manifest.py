"""What `models/manifest.toml` says: which model files may be loaded, where they come from, what they may put out.

Rules: the parser is strict (unknown or missing key, wrong type or value: a `DeviceError` with file, field and rule);
every output is one of a closed list, so that a model that tells age, sex or mood cannot be declared. Leaves out: the
model files themselves, which the adapter hashes and checks when it loads them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from agent.errors import DeviceError
from agent.models.figures import Figure as Figure
from agent.models.figures import Measure as Measure
from agent.models.figures import PadPoint as PadPoint
from agent.models.figures import read_figure, read_measure, read_pad_point
from agent.models.table import Table
from agent.units import Sha256

NAME: Final = "manifest.toml"
VERSION: Final = 1
SIZE_MAX: Final = 256 * 1024

Role = Literal["detector", "embedder", "pad"]
DECLARABLE: Final = ("box", "landmarks", "quality", "liveness", "embedding")
"""All that a model may put out. There is no word here for any trait of a person, so none can be declared."""
_OF_ROLE: Final = {
    "detector": ("box", "landmarks", "quality", "liveness"),
    "embedder": ("embedding",),
    "pad": ("liveness",),
}
RUNTIMES: Final = ("litert", "tflite-runtime")
LABELS: Final = ("real", "synthetic-cast")
HELP: Final = "take the file from the release again, or run 'doorward models build'"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One input or output: real value = scale * (stored - zero)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero: int


@dataclass(frozen=True, slots=True)
class Source:
    """The file in a registry package, or given by an operator, from which a model was made."""

    registry: str
    """`file`: given by an operator; package is then the model's name, and archive and file are what was given."""
    package: str
    version: str
    archive: str
    archive_sha256: Sha256
    file: str
    file_sha256: Sha256
    licence: str


@dataclass(frozen=True, slots=True)
class ModelEntry:
    name: str
    role: Role
    file: str
    sha256: Sha256
    declares: tuple[str, ...]
    runtimes: tuple[str, ...]
    source: Source
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    figures: tuple[Figure, ...]
    """Empty: this very file was never evaluated."""


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """A threshold for searching one face among many."""

    people: int
    """The largest gallery that it is for."""
    fpir: float
    """How many strangers may be taken for somebody there: what the threshold was chosen for."""
    threshold: float
    false_positive: Measure
    """Strangers who were, among people on whom nothing was chosen."""
    false_negative: Measure
    """Enrolled people who were not found, or taken for another."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold on the cosine of two unit templates: at or above it is a match."""

    label: str
    embedder: Sha256
    threshold: float
    chosen: str
    """How it was chosen, one sentence."""
    figures: tuple[Figure, ...]
    search: tuple[SearchPoint, ...] = ()
    """By gallery size and target; empty: nobody measured what it lets through among many."""

    def steps(self, fpir: float) -> tuple[tuple[int, float], ...]:
        """Gallery size and threshold at this target, as a policy's `operating_point.search` takes them."""
        return tuple((at.people, max(at.threshold, self.threshold)) for at in self.search if at.fpir == fpir)

    @property
    def targets(self) -> tuple[float, ...]:
        """The targets that were measured, the laxest first."""
        return tuple(dict.fromkeys(at.fpir for at in self.search))


@dataclass(frozen=True, slots=True)
class Manifest:
    models: tuple[ModelEntry, ...]
    operating_points: tuple[OperatingPoint, ...]
    where: str
    pad_points: tuple[PadPoint, ...] = ()

    def model(self, role: Literal["detector", "embedder"]) -> ModelEntry:
        """The one model of a role; there is exactly one of each."""
        return next(model for model in self.models if model.role == role)

    @property
    def pad(self) -> ModelEntry | None:
        """The model that tells prints and screens; None: there is none."""
        return next((model for model in self.models if model.role == "pad"), None)

    def threshold(self, label: str) -> float:
        """The threshold of a labelled operating point.

        Raises:
            DeviceError: there is no such point.
        """
        for point in self.operating_points:
            if point.label == label:
                return point.threshold
        raise DeviceError(f"{self.where}: operating_point: none is labelled {label!r}; {HELP}")

    def pad_threshold(self, label: str) -> float:
        """The threshold of a labelled point for presentation attacks.

        Raises:
            DeviceError: there is no such point.
        """
        for point in self.pad_points:
            if point.label == label:
                return point.threshold
        raise DeviceError(f"{self.where}: pad_point: none is labelled {label!r}; {HELP}")


def read_manifest(directory: Path) -> Manifest:
    """Read and check `manifest.toml` in a folder of models.

    Raises:
        DeviceError: it is missing, unreadable or breaks a rule.
    """
    path = directory / NAME
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_MAX + 1)
    except OSError as error:
        raise DeviceError(f"{path}: cannot be read ({error.strerror}); {HELP}") from None
    return parse(data, str(path))


def parse(data: bytes, where: str) -> Manifest:
    """The manifest in `data`; `where` names it in errors."""
    if len(data) > SIZE_MAX:
        raise DeviceError(f"{where}: larger than {SIZE_MAX} bytes; {HELP}")
    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # also bytes that are not UTF-8 and numbers without end
        raise DeviceError(f"{where}: is not TOML ({type(error).__name__}); {HELP}") from None
    top = Table(raw, where, "", HELP)
    if top.integer("version", 0, 1_000_000) != VERSION:
        top.fault("version", f"must be {VERSION}")
    models = tuple(_entry(table) for table in top.tables("model"))
    roles = [model.role for model in models]
    if sorted(roles) != ["detector", "embedder", *roles[2:]] or roles[2:] not in ([], ["pad"]):
        top.fault("model", "must be exactly one detector and one embedder, and one pad or none behind them")
    points = tuple(_point(table) for table in top.tables("operating_point"))
    labels = [point.label for point in points]
    if len(set(labels)) != len(labels):
        top.fault("operating_point.label", "must not repeat")
    embedder = next(model.sha256 for model in models if model.role == "embedder")
    if any(point.embedder != embedder for point in points):
        top.fault("operating_point.embedder", "must be the sha256 of the embedder: a threshold holds for one file only")
    pad_points = tuple(read_pad_point(table) for table in top.tables("pad_point")) if "pad" in roles else ()
    if len({point.label for point in pad_points}) != len(pad_points):
        top.fault("pad_point.label", "must not repeat")
    if any(point.model != models[2].sha256 for point in pad_points):
        top.fault("pad_point.model", "must be the sha256 of the pad model: a threshold holds for one file only")
    top.end()
    return Manifest(models, points, where, pad_points)


def _entry(table: Table) -> ModelEntry:
    role: Any = table.one_of("role", ("detector", "embedder", "pad"))
    declares = table.texts("declares", DECLARABLE)
    if not declares or not set(declares) <= set(_OF_ROLE[role]):
        table.fault("declares", f"the {role} may declare only {', '.join(_OF_ROLE[role])}")
    made = ModelEntry(
        table.text("name"),
        role,
        table.file_name("file"),
        Sha256(table.digest("sha256")),
        declares,
        table.texts("runtimes", RUNTIMES),
        _source(table.table("source")),
        tuple(_tensor(part) for part in table.tables("input")),
        tuple(_tensor(part) for part in table.tables("output")),
        tuple(read_figure(part) for part in table.tables("figure")),
    )
    table.end()
    return made


def _source(table: Table) -> Source:
    made = Source(
        table.one_of("registry", ("pypi", "npm", "file")),
        table.text("package"),
        table.text("version"),
        table.file_name("archive"),
        Sha256(table.digest("archive_sha256")),
        table.text("file"),
        Sha256(table.digest("file_sha256")),
        table.text("licence"),
    )
    table.end()
    return made


def _tensor(table: Table) -> Tensor:
    made = Tensor(
        table.text("name"),
        table.integers("shape", 1, 1 << 16),
        table.one_of("dtype", ("int8",)),
        table.number("scale", 1e-9, 1e6),
        table.integer("zero", -128, 127),
    )
    table.end()
    return made


def _point(table: Table) -> OperatingPoint:
    made = OperatingPoint(
        table.one_of("label", LABELS),
        Sha256(table.digest("embedder")),
        table.number("threshold", 0.05, 0.99),
        table.text("chosen"),
        tuple(read_figure(part) for part in table.tables("figure")),
        tuple(_search(part) for part in table.tables("search")),
    )
    table.end()
    return made


def _search(table: Table) -> SearchPoint:
    made = SearchPoint(
        table.integer("people", 1, 10**7),
        table.number("fpir", 1e-9, 1.0),
        table.number("threshold", 0.05, 0.99),
        read_measure(table.table("false_positive")),
        read_measure(table.table("false_negative")),
    )
    table.end()
    return made
