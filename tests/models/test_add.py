"""Another embedder is fronted exactly, measured and entered; what is no int8 embedder is refused in one clear line."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from agent.adapters.litert import LoadedModel, load_models
from agent.errors import ConfigError, DeviceError
from agent.face.align import CHIP_SIDE
from agent.face.detect import Infer
from agent.models.add import Offer, add
from agent.models.emit import Scale, emit
from agent.models.front import Colour, Pixels, derived_pixels, fronted, read_embedder
from agent.models.graph import CONV, RESHAPE, Graph, Node
from agent.models.manifest import ModelEntry, read_manifest
from tests.models.faces import make_faces
from tests.models.given import CAST, MODELS, Running

GIVEN = (MODELS / "embedder.tflite").read_bytes()


def load(entry: ModelEntry, folder: Path) -> Infer:
    return LoadedModel.load(entry, folder).run


def small(side: int, source: Scale, length: int = 16, seed: int = 1) -> bytes:
    """An embedder of one convolution over the whole picture."""
    random = np.random.default_rng(seed)
    weight = random.normal(0, 1 / side, (length, side, side, 3)).astype(np.float32)
    bias = np.zeros(length, np.float32)
    nodes = [Node(CONV, ("in",), "row", weight=weight, bias=bias, same=False), Node(RESHAPE, ("row",), "out")]
    shapes = {"in": (1, side, side, 3), "row": (1, 1, 1, length), "out": (1, length)}
    reach = Scale(source.scale * 8, 0)
    return emit(Graph("in", ("out",), nodes, shapes), {"in": source, "row": reach, "out": reach})


def changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    change(model)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


class TestFront:
    @pytest.mark.parametrize("side", [CHIP_SIDE, 128])
    @pytest.mark.parametrize("colour", ["rgb", "bgr"])
    @pytest.mark.parametrize(
        ("source", "pixels"),
        [
            (Scale(1.0, -128), Pixels(0.0, 1.0)),
            (Scale(1 / 127.5, 0), Pixels(127.5, 127.5)),
            (Scale(1 / 255, -128), Pixels(0.0, 255.0)),
            (Scale(0.02, 3), Pixels(120.0, 58.0)),
        ],
    )
    def test_the_network_sees_what_it_was_trained_on(
        self, side: int, colour: Colour, source: Scale, pixels: Pixels
    ) -> None:
        data = small(side, source)
        with_front = Running(fronted(read_embedder(data, "x"), colour, pixels))
        plain = Running(data)
        random = np.random.default_rng(2)
        noise = random.integers(0, 256, (14, 14, 3)).astype(np.uint8)
        chip = cv2.resize(noise, (CHIP_SIDE, CHIP_SIDE), interpolation=cv2.INTER_CUBIC)
        found = with_front(chip.view(np.int8) ^ np.int8(-128))["embedding"].astype(int)
        seen = cv2.resize(chip, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.float64)
        real = ((seen[..., ::-1] if colour == "bgr" else seen) - pixels.mean) / pixels.step
        expected = plain(np.clip(np.rint(real / source.scale + source.zero), -128, 127).astype(np.int8))["out"]
        assert np.abs(found - expected).max() <= 1
        assert np.abs(expected.astype(int)).max() > 3

    def test_usual_ranges_tell_how_pixels_are_normalised(self) -> None:
        for source, pixels in (
            (Scale(0.953, -128), Pixels(0.0, 1.0)),
            (Scale(1 / 128, 0), Pixels(127.5, 127.5)),
            (Scale(1 / 127.5, -1), Pixels(127.5, 127.5)),
            (Scale(0.00392, -128), Pixels(0.0, 255.0)),
        ):
            assert derived_pixels(read_embedder(small(112, source), "x")) == pixels
        with pytest.raises(ConfigError, match=r"^x: input: its range from -2\.12 to 2\.62 tells no usual"):
            derived_pixels(read_embedder(small(112, Scale(0.0186, -14)), "x"))


def output_float(model: Any) -> None:
    model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]].type = schema.TensorType.FLOAT32


def input_float(model: Any) -> None:
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].type = schema.TensorType.FLOAT32


def input_row(model: Any) -> None:
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape = [1, 112 * 112 * 3]


def input_two(model: Any) -> None:
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].shape = [2, 112, 112, 3]


def output_four(model: Any) -> None:
    model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]].shape = [1, 1, 1, 16]


def two_outputs(model: Any) -> None:
    model.subgraphs[0].outputs = [*model.subgraphs[0].outputs, model.subgraphs[0].inputs[0]]


def unscaled(model: Any) -> None:
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].quantization = schema.QuantizationParametersT()


def outside(model: Any) -> None:
    model.buffers[-1].offset, model.buffers[-1].size = 1 << 20, 9


def two_graphs(model: Any) -> None:
    model.subgraphs = [model.subgraphs[0]] * 2


SMALL = small(112, Scale(1.0, -128))
UNREADABLE = "is not a TFLite file with one graph that can be read; export it again"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "is not a TFLite file; give the .tflite file of an embedder"),
        (b"\x7fELF" + bytes(64), "is not a TFLite file; give the .tflite file of an embedder"),
        (b"\x10\x00\x00\x00TFL3", UNREADABLE),
        (changed(SMALL, two_graphs), UNREADABLE),
        (changed(SMALL, unscaled), UNREADABLE),
        (changed(SMALL, outside), UNREADABLE),
        (changed(SMALL, input_float), "input: is float32, must be int8; quantise it to int8 at both ends first"),
        (changed(SMALL, output_float), "output: is float32, must be int8; quantise it to int8 at both ends first"),
        (changed(SMALL, two_outputs), "output: has 2 tensors, must have one; export it with one output"),
        (changed(SMALL, input_row), "input: shape 1 x 37632: must be one square colour picture, 1 x side x side x 3 "
         "with a side of 32 to 512; export it for one picture"),
        (changed(SMALL, input_two), "input: shape 2 x 112 x 112 x 3: must be one square colour picture, "
         "1 x side x side x 3 with a side of 32 to 512; export it for one picture"),
        (changed(SMALL, output_four), "output: shape 1 x 1 x 1 x 16: must be one vector, 1 x length "
         "with a length of 16 to 4096; export it with the embedding as its one output"),
    ],
)  # fmt: skip
def test_what_is_no_int8_embedder_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_embedder(data, "net.tflite")
    assert str(caught.value) == f"net.tflite: {fault}"


@pytest.fixture
def offer(tmp_path: Path) -> Offer:
    (tmp_path / "given.tflite").write_bytes(GIVEN)
    return Offer(tmp_path / "given.tflite", "other", "MIT", "rgb", Pixels(128.0, 128.0))


def added(offer: Offer, tmp_path: Path, faces: Path | None = None) -> list[str]:
    said: list[str] = []
    add(offer, MODELS, tmp_path / "out", CAST, faces, load, said.append)
    return said


def test_the_shipped_embedder_added_again_measures_the_same(offer: Offer, tmp_path: Path) -> None:
    assert added(offer, tmp_path) == ["measuring on the synthetic cast"]
    made, before = read_manifest(tmp_path / "out"), read_manifest(MODELS)
    assert made.model("detector") == before.model("detector")
    embedder = made.model("embedder")
    assert (embedder.name, embedder.declares, embedder.source.registry) == ("other", ("embedding",), "file")
    assert embedder.source.file_sha256 == hashlib.sha256(GIVEN).hexdigest() != embedder.sha256
    (point,) = made.operating_points
    assert point.label == "synthetic-cast" and point.embedder == embedder.sha256
    assert point.threshold == pytest.approx(before.threshold("synthetic-cast"), abs=0.02)
    with pytest.raises(DeviceError, match="none is labelled 'real'"):
        made.threshold("real")
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text("utf-8")
    assert "### `real`: not measured, cannot be used" in card and "MIT" in card
    assert load_models(tmp_path / "out")[1].sha256 == embedder.sha256
    assert {path.name for path in tmp_path.iterdir()} == {"given.tflite", "out"}


def test_faces_measure_the_point_of_real_people_too(offer: Offer, tmp_path: Path) -> None:
    added(offer, tmp_path, make_faces(tmp_path / "invented"))
    made = read_manifest(tmp_path / "out")
    assert [point.label for point in made.operating_points] == ["real", "synthetic-cast"]
    assert "not measured" not in (tmp_path / "out" / "MODEL_CARD.md").read_text("utf-8")


def test_a_network_that_tells_nobody_apart_is_refused(offer: Offer, tmp_path: Path) -> None:
    offer.file.write_bytes(SMALL)
    with pytest.raises(
        ConfigError, match=r"margin on the synthetic cast: .* it does not tell people apart; check --col"
    ):
        added(replace(offer, pixels=None), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"given.tflite"}


def test_names_files_and_folders_that_cannot_be(offer: Offer, tmp_path: Path) -> None:
    taken = read_manifest(MODELS).model("embedder").name
    shutil.copyfile(offer.file, tmp_path / "a b.tflite")
    (tmp_path / "there").mkdir()
    cases = (
        (replace(offer, name=taken), "out", f"--name: {taken} is taken in {MODELS / 'manifest.toml'}; "
         "choose another name"),
        (replace(offer, name="Other One"), "out", "--name: must be of 1 to 64 small letters, digits, '.', '_' and '-'; "
         "choose another name"),
        (replace(offer, licence=" "), "out", "--licence: must be printable text; give it as the model's maker "
         "states it"),
        (replace(offer, file=tmp_path / "a b.tflite"), "out", f"{tmp_path / 'a b.tflite'}: the file's name must be of "
         "letters, digits, '.', '_', '+' and '-'; rename it"),
        (replace(offer, file=tmp_path / "none"), "out", f"{tmp_path / 'none'}: cannot be read (No such file or "
         "directory); give the .tflite file of an embedder"),
        (replace(offer, file=tmp_path), "out", f"{tmp_path}: cannot be read (Is a directory); give the .tflite file of "
         "an embedder"),
        (offer, "there", f"{tmp_path / 'there'}: is there already; choose another folder for --out"),
    )  # fmt: skip
    for case, out, fault in cases:
        with pytest.raises(ConfigError) as caught:
            add(case, MODELS, tmp_path / out, CAST, None, load, lambda step: None)
        assert str(caught.value) == fault
    assert not os.path.exists(tmp_path / "out")


def test_a_file_that_is_too_large_or_that_litert_cannot_run(offer: Offer, tmp_path: Path) -> None:
    with offer.file.open("wb") as file:
        file.truncate(32 * 1024 * 1024 + 1)
    with pytest.raises(ConfigError, match="is larger than 33554432 bytes; give a smaller model"):
        added(offer, tmp_path)

    def unknown(model: Any) -> None:
        code = model.operatorCodes[0]
        code.builtinCode, code.deprecatedBuiltinCode, code.customCode = 32, 32, b"Unheard"

    offer.file.write_bytes(changed(SMALL, unknown))
    with pytest.raises(DeviceError, match=r"given\.tflite: LiteRT cannot run it; export it with operations"):
        added(replace(offer, pixels=None), tmp_path)


def test_a_folder_without_its_detector(offer: Offer, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    shutil.copyfile(MODELS / "manifest.toml", tmp_path / "bare" / "manifest.toml")
    with pytest.raises(DeviceError, match=r"bare/detector\.tflite: cannot be read \(No such file or directory\)"):
        add(offer, tmp_path / "bare", tmp_path / "out", CAST, None, load, lambda step: None)
    assert not (tmp_path / "out").exists()


def test_float_tensors_inside_are_said(offer: Offer, tmp_path: Path) -> None:
    def island(model: Any) -> None:
        lone: Any = schema.TensorT()
        lone.name, lone.shape, lone.type, lone.buffer = "lone", [1], schema.TensorType.FLOAT32, 0
        model.subgraphs[0].tensors.append(lone)

    offer.file.write_bytes(changed(SMALL, island))
    said: list[str] = []
    with pytest.raises(ConfigError, match="margin"):
        add(replace(offer, pixels=None), MODELS, tmp_path / "out", CAST, None, load, said.append)
    assert said[0] == f"{offer.file}: 1 of its tensors are float: it is not strictly int8"
