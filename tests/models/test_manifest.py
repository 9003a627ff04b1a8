"""Every rule of the manifest, one broken at a time; what is written is read back, and the card says the same."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import DeviceError
from agent.models import card, write
from agent.models.manifest import (
    DECLARABLE,
    HELP,
    NAME,
    RUNTIMES,
    SIZE_MAX,
    Figure,
    Manifest,
    ModelEntry,
    OperatingPoint,
    PadPoint,
    Source,
    Tensor,
    parse,
    read_manifest,
)
from agent.units import Sha256
from tests.models.given import MODELS

COMMITTED = (MODELS / NAME).read_bytes()
RAW: dict[str, Any] = tomllib.loads(COMMITTED.decode())
Path_ = tuple[str | int, ...]


def toml(value: Any) -> str:
    """A value as inline TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(value)


def encoded(raw: dict[str, Any]) -> bytes:
    return "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in raw.items()).encode()


def tables(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The paths of all tables."""
    if isinstance(value, dict):
        yield path
        for key, item in value.items():
            yield from tables(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from tables(item, (*path, place))


def at(raw: Any, path: Path_) -> Any:
    for step in path:
        raw = raw[step]
    return raw


def shown(path: Path_) -> str:
    """A path as errors show it."""
    return re.sub(r"\.\[", "[", ".".join(f"[{step}]" if isinstance(step, int) else step for step in path))


FIELDS = [(*path, key) for path in tables(RAW) for key in at(RAW, path)]
PLAIN = [path for path in FIELDS if not (isinstance(at(RAW, path), list) and isinstance(at(RAW, path)[0], dict))]
"""All but the arrays of tables."""


def refused(data: bytes, field: str, rule: str = "") -> None:
    with pytest.raises(DeviceError) as caught:
        parse(data, "m/manifest.toml")
    said = str(caught.value)
    assert said.startswith(f"m/manifest.toml: {field}: " if field else "m/manifest.toml: "), said
    assert rule in said
    assert said.endswith(f"; {HELP}") and "\n" not in said


def changed(path: Path_, value: Any) -> bytes:
    raw = copy.deepcopy(RAW)
    at(raw, path[:-1])[path[-1]] = value
    return encoded(raw)


def test_the_committed_manifest_is_read_and_written_as_it_is() -> None:
    manifest = read_manifest(MODELS)
    assert write.text(manifest).encode() == COMMITTED
    assert parse(encoded(RAW), manifest.where) == manifest
    assert manifest.model("detector").declares == ("box", "landmarks")
    assert manifest.model("embedder").declares == ("embedding",)
    assert manifest.pad is not None and manifest.pad.declares == ("liveness",)
    assert all(model.runtimes == RUNTIMES for model in manifest.models)


def test_the_committed_card_says_what_the_committed_manifest_says() -> None:
    manifest = read_manifest(MODELS)
    text = card.text(manifest)
    assert (MODELS / "MODEL_CARD.md").read_text("utf-8") == text
    for model in manifest.models:
        assert model.sha256 in text and model.source.archive_sha256 in text and model.source.file_sha256 in text
        assert model.name in text and model.source.licence in text and f"Puts out: {', '.join(model.declares)}" in text
        for tensor in (*model.inputs, *model.outputs):
            assert f": {tensor.name} | {' × '.join(map(str, tensor.shape))} | int8 | {tensor.scale:.6g} |" in text
        for figure in model.figures:
            assert f"| {figure.data} | {figure.name} | {figure.value:g} | {figure.of:,} |" in text
    for point in manifest.operating_points:
        assert f"`{point.label}`: threshold {point.threshold:g}" in text and point.chosen in text
        for figure in point.figures:
            assert f"| {figure.data} | {figure.name} | {figure.value:g} | {figure.of:,} |" in text
        for at in point.search:
            assert f"| {at.fpir:g} | {at.people} | {at.threshold:g} | {at.false_positive.value:.3g} (" in text


def test_a_file_that_was_not_evaluated_is_said_to_be_so() -> None:
    manifest = parse(changed(("model", 0, "figure"), []), "")
    assert card.text(manifest).count("This very file was not evaluated.") == 1
    assert card.text(read_manifest(MODELS)).count("not evaluated") == 0


@pytest.mark.parametrize("path", PLAIN, ids=shown)
def test_no_field_may_be_missing(path: Path_) -> None:
    raw = copy.deepcopy(RAW)
    del at(raw, path[:-1])[path[-1]]
    refused(encoded(raw), shown(path), "is missing")


@pytest.mark.parametrize("path", FIELDS, ids=shown)
def test_no_field_takes_a_value_of_another_type(path: Path_) -> None:
    right = at(RAW, path)
    for wrong in ("text", 7, 0.5, True, [], ["text"], [0.5], [True], {}, {"a": 1}, [{}, 1]):
        numbers = isinstance(right, float) and type(wrong) in (int, float)
        whole = isinstance(right, int) and type(wrong) is int
        like_text = isinstance(right, str) and isinstance(wrong, str)
        empty = isinstance(right, list) and wrong == []
        table = isinstance(right, dict) and isinstance(wrong, dict)
        if not (numbers or whole or like_text or empty or table):
            refused(changed(path, wrong), shown(path), "must ")


@pytest.mark.parametrize("path", list(tables(RAW)), ids=shown)
def test_no_table_has_a_key_that_is_not_known(path: Path_) -> None:
    refused(changed((*path, "age"), 1), shown((*path, "age")), "is not known here")
    for key in ("two\nlines", "k" * 65):
        refused(changed((*path, key), 1), shown((*path, "(a key that cannot be shown)")), "is not known here")


BROKEN: list[tuple[Path_, list[Any]]] = [
    (("version",), [0, 2, -1]),
    (("model", 0, "name"), ["", "x" * 1001, "two\nlines", "\x1b[2J", "\u202e"]),
    (("model", 0, "role"), ["", "Detector", "age"]),
    (("model", 0, "file"), ["", "../detector.tflite", "/etc/passwd", "a/b", ".hidden", "a\\b", "x" * 129, "a b"]),
    (("model", 0, "sha256"), ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64]),
    (("model", 0, "runtimes"), [["tensorflow"], ["litert", "litert"]]),
    (("model", 0, "source", "registry"), ["github", ""]),
    (("model", 0, "source", "archive"), ["../x.whl", ""]),
    (("model", 0, "source", "archive_sha256"), ["", "0" * 63]),
    (("model", 0, "source", "file_sha256"), ["", "0" * 63]),
    (("model", 0, "input", 0, "shape"), [[], [0], [-1], [1 << 17]]),
    (("model", 0, "input", 0, "dtype"), ["float32", "uint8", ""]),
    (("model", 0, "input", 0, "scale"), [0, 0.0, -1.0, 1e7, 10**400]),
    (("model", 0, "output", 1, "zero"), [-129, 128, 10**400]),
    (("model", 0, "figure", 0, "of"), [-1, 10**13]),
    (("model", 0, "figure", 0, "value"), [1e10, -1e10, 10**400]),
    (("operating_point", 0, "label"), ["demo", ""]),
    (("operating_point", 0, "embedder"), ["", "A" * 64]),
    (("operating_point", 0, "threshold"), [0, 0.04, 1, 1.0, -0.5, 10**400]),
    (("pad_point", 0, "label"), ["real", ""]),
    (("pad_point", 0, "threshold"), [0, 0.0, 1.0, -0.5]),
    (("operating_point", 0, "search", 0, "people"), [0, -1, 10**7 + 1]),
    (("operating_point", 0, "search", 0, "fpir"), [0, -1, 1.5]),
    (("operating_point", 0, "search", 0, "threshold"), [0, 0.04, 1.0]),
    (("operating_point", 0, "search", 0, "false_positive", "high"), [-0.1, 1.1]),
    (("operating_point", 0, "search", 0, "false_negative", "of"), [0, -1]),
]


@pytest.mark.parametrize(("path", "values"), BROKEN, ids=[shown(path) for path, _ in BROKEN])
def test_no_field_takes_a_value_outside_its_range(path: Path_, values: list[Any]) -> None:
    for value in values:
        refused(changed(path, value), shown(path), "must ")


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "+inf"])
def test_a_number_must_be_one(value: str) -> None:
    text = re.sub(r"threshold = [0-9.]+", f"threshold = {value}", COMMITTED.decode(), count=1)
    refused(text.encode(), "operating_point[0].threshold", "must be a number from 0.05 to 0.99")


def test_a_trait_of_a_person_cannot_be_declared() -> None:
    assert DECLARABLE == ("box", "landmarks", "quality", "liveness", "embedding")
    for declared in (["age"], ["box", "age"], ["sex"], ["mood"], ["box", "Embedding"], ["box", "box"]):
        refused(changed(("model", 0, "declares"), declared), "model[0].declares", "must ")
    for place, declared in (
        (0, []),
        (0, ["embedding"]),
        (0, ["box", "embedding"]),
        (1, ["box"]),
        (1, []),
        (2, ["box"]),
        (2, []),
    ):
        refused(changed(("model", place, "declares"), declared), f"model[{place}].declares", "may declare only")
    for allowed in (["box"], ["box", "landmarks", "quality", "liveness"]):
        assert parse(changed(("model", 0, "declares"), allowed), "").model("detector").declares == tuple(allowed)


def test_there_is_one_detector_and_one_embedder_and_at_most_one_pad_behind_them() -> None:
    detector, embedder, pad = RAW["model"]
    faulty = [[], [detector], [embedder], [detector] * 2, [detector, embedder, embedder], [detector, pad]]
    for models in (*faulty, [detector, pad, embedder], [detector, embedder, pad, pad]):
        refused(changed(("model",), models), "model", "must be exactly one detector and one embedder")
    without = copy.deepcopy(RAW) | {"model": [detector, embedder]}
    refused(encoded(without), "pad_point", "is not known here")
    del without["pad_point"]
    found = parse(encoded(without), "here")
    assert (found.pad, found.pad_points) == (None, ())
    raw = copy.deepcopy(RAW)
    del raw["model"]
    refused(encoded(raw), "model", "must be exactly one detector and one embedder")


def test_a_policy_s_steps_are_never_below_the_point_s_own_threshold() -> None:
    point = read_manifest(MODELS).operating_points[0]
    assert point.targets == (1e-2, 1e-3, 1e-4)
    for fpir in point.targets:
        found = dict(point.steps(fpir))
        assert list(found) == [at.people for at in point.search if at.fpir == fpir]
        assert found == {at.people: max(at.threshold, point.threshold) for at in point.search if at.fpir == fpir}
        assert sorted(found.values()) == list(found.values())
    assert any(at.threshold < point.threshold for at in point.search), "a small gallery would take less"


def test_an_operating_point_holds_for_one_embedder_and_has_one_label() -> None:
    refused(changed(("operating_point", 1, "label"), "real"), "operating_point.label", "must not repeat")
    other = changed(("operating_point", 0, "embedder"), "0" * 64)
    refused(other, "operating_point.embedder", "a threshold holds for one file only")
    none = parse(changed(("operating_point",), []), "m/manifest.toml")
    with pytest.raises(DeviceError, match=r"m/manifest\.toml: operating_point: none is labelled 'real'"):
        none.threshold("real")
    assert read_manifest(MODELS).threshold("synthetic-cast") == RAW["operating_point"][1]["threshold"]


def test_a_threshold_for_attacks_holds_for_one_file_and_has_one_label() -> None:
    (point,) = RAW["pad_point"]
    refused(changed(("pad_point",), [point] * 2), "pad_point.label", "must not repeat")
    other = changed(("pad_point", 0, "model"), "0" * 64)
    refused(other, "pad_point.model", "a threshold holds for one file only")
    assert read_manifest(MODELS).pad_threshold("simulated") == point["threshold"]
    none = parse(changed(("pad_point",), []), "m/manifest.toml")
    with pytest.raises(DeviceError, match=r"m/manifest\.toml: pad_point: none is labelled 'simulated'"):
        none.pad_threshold("simulated")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"version = ",
        b"version = 1\nversion = 1",
        b"a = " + b"[" * 100_000,
        b"a = " + b"9" * 5_000,
        b"\x00",
    ],
)
def test_what_is_not_toml_is_refused(data: bytes) -> None:
    refused(data, "", "is not TOML")


def test_a_file_beyond_reason_is_refused_unread() -> None:
    refused(COMMITTED + b"#" * (SIZE_MAX - len(COMMITTED) + 1), "", f"larger than {SIZE_MAX} bytes")
    assert parse(COMMITTED + b"#" * (SIZE_MAX - len(COMMITTED)), "").models


def test_a_folder_without_a_manifest(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=re.escape(f"{tmp_path / NAME}: cannot be read (No such file")):
        read_manifest(tmp_path)
    (tmp_path / NAME).mkdir()
    with pytest.raises(DeviceError, match="cannot be read"):
        read_manifest(tmp_path)


TEXTS = st.text(st.characters(categories="LMNPS", include_characters=" "), min_size=1, max_size=20)
DIGESTS = st.binary(min_size=32, max_size=32).map(lambda data: Sha256(data.hex()))
FILES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,20}", fullmatch=True)
FIGURES = st.lists(st.builds(Figure, TEXTS, TEXTS, st.floats(-1e9, 1e9), st.integers(0, 10**12)), max_size=2).map(tuple)
TENSORS = st.lists(
    st.builds(
        Tensor,
        TEXTS,
        st.lists(st.integers(1, 1 << 16), min_size=1, max_size=4).map(tuple),
        st.just("int8"),
        st.floats(1e-9, 1e6),
        st.integers(-128, 127),
    ),
    max_size=2,
).map(tuple)
SOURCES = st.builds(Source, st.sampled_from(("pypi", "npm")), TEXTS, TEXTS, FILES, DIGESTS, TEXTS, DIGESTS, TEXTS)


def entries(role: str, declares: tuple[str, ...]) -> st.SearchStrategy[ModelEntry]:
    return st.builds(
        ModelEntry, TEXTS, st.just(role), FILES, DIGESTS, st.just(declares), st.just(RUNTIMES), SOURCES, TENSORS,
        TENSORS, FIGURES,
    )  # fmt: skip


@settings(derandomize=True, max_examples=40)
@given(
    entries("detector", ("box",)), entries("embedder", ("embedding",)), st.none() | entries("pad", ("liveness",)),
    st.floats(0.05, 0.99), TEXTS, FIGURES,
)  # fmt: skip
def test_what_is_written_is_read_back(
    detector: ModelEntry,
    embedder: ModelEntry,
    pad: ModelEntry | None,
    threshold: float,
    chosen: str,
    figures: tuple[Figure, ...],
) -> None:
    point = OperatingPoint("real", embedder.sha256, threshold, chosen, figures)
    manifest = Manifest((detector, embedder), (point,), "here")
    if pad is not None:
        attacks = PadPoint("simulated", pad.sha256, threshold, chosen, figures)
        manifest = replace(manifest, models=(detector, embedder, pad), pad_points=(attacks,))
    text = write.text(manifest)
    assert parse(text.encode(), "here") == manifest
    assert card.text(manifest)


def test_what_could_break_a_line_is_never_written() -> None:
    manifest = read_manifest(MODELS)
    point = OperatingPoint("real", manifest.model("embedder").sha256, 0.5, "two\nlines", ())
    with pytest.raises(AssertionError, match="printable"):
        write.text(Manifest(manifest.models, (point,), ""))
