"""The recipes on networks that really find and tell faces: the committed int8 files, made float again.

Their float originals are in packages that a test must not fetch; the numbers come out of the committed bytes.
"""

from __future__ import annotations

import copy
import io
import zipfile
from pathlib import Path
from typing import Any

import cv2
import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from agent.adapters.litert import LoadedModel
from agent.errors import DeviceError
from agent.face.align import CHIP_SIDE, chip
from agent.face.detect import INPUT_SIDE, Finder
from agent.models import calibrate, recipes
from agent.models.emit import emit
from agent.models.evaluate import Eyes
from agent.models.graph import CONV, RESHAPE, Graph, Node, read
from agent.models.manifest import read_manifest
from agent.scene.cast import Cast
from agent.units import Rgb
from tests.models.given import CAST, MODELS, Running, tensors

MANIFEST = read_manifest(MODELS)
SEEN = ("p1-calibrate-1", "p2-scene-1", "p3-calibrate-2", "p4-scene-2", "p5-calibrate-1", "p2-enrol-2")


def as_float(file: str) -> Graph:
    """A committed int8 file as a float network."""
    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs((MODELS / file).read_bytes(), 0))
    for tensor in model.subgraphs[0].tensors:
        raw = model.buffers[tensor.buffer].data
        if tensor.quantization is None or tensor.quantization.scale is None:
            continue  # a shape
        if raw is not None and len(raw):
            kind = np.int8 if tensor.type == schema.TensorType.INT8 else np.int32
            stored = np.frombuffer(bytes(raw), kind).reshape(tensor.shape)
            scale = np.asarray(tensor.quantization.scale, np.float32)
            wide = [1] * stored.ndim
            wide[tensor.quantization.quantizedDimension] = scale.size
            real = (stored * scale.reshape(wide)).astype(np.float32)
            model.buffers[tensor.buffer].data = np.frombuffer(real.tobytes(), np.uint8)
        tensor.type, tensor.quantization = schema.TensorType.FLOAT32, None
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return read(bytes(builder.Output()), file)


def whole_head(graph: Graph) -> Graph:
    """The detector as its package has it: sizes and offsets in one head of 16 channels, heads in rows."""
    _, sizes, offsets = graph.result
    parts = {name: graph.producer(name) for name in (sizes, offsets)}
    whole = copy.deepcopy(parts[offsets])
    assert whole is not None and whole.weight is not None and whole.bias is not None
    whole.output = "head"
    whole.weight = np.empty((16, *whole.weight.shape[1:]), np.float32)
    whole.bias = np.empty(16, np.float32)
    for name, channels in ((sizes, [2, 3]), (offsets, [0, 1, *range(4, 16)])):
        part = parts[name]
        assert part is not None and part.weight is not None and part.bias is not None
        whole.weight[channels], whole.bias[channels] = part.weight, part.bias
        graph.nodes.remove(part)
        del graph.shapes[name]
    graph.nodes.append(whole)
    graph.shapes["head"] = (1, 48, 48, 16)
    for name in ("head", graph.result[0]):
        graph.nodes.append(Node(RESHAPE, (name,), name + "rows"))
        graph.shapes[name + "rows"] = (1, 48 * 48, graph.shapes[name][-1])
    graph.result = ("headrows", graph.result[0] + "rows")
    return graph


@pytest.fixture(scope="module")
def detector_floats() -> bytes:
    return emit(whole_head(as_float("detector.tflite")))


@pytest.fixture(scope="module")
def sprites() -> list[Rgb]:
    cast = Cast(CAST)
    return [cast.seen(cast.sprites[name]) for name in SEEN]


class Sharp:
    """An int8 file in LiteRT, as an adapter runs it."""

    def __init__(self, data: bytes, *names: str) -> None:
        self.names, self.running = names, Running(data)
        self.step = self.running.source["quantization"][0]

    def __call__(self, picture: Rgb) -> tuple[Any, ...]:
        found = self.running.real((picture.astype(np.float32) - 128) * np.float32(self.step))
        return tuple(found[name] for name in self.names)


def only_int8(data: bytes) -> None:
    for name, kind, stored in tensors(data):
        assert kind == schema.TensorType.INT8 or (stored and kind == schema.TensorType.INT32), name


def test_the_float_detector_finds_what_the_int8_one_finds(detector_floats: bytes, sprites: list[Rgb]) -> None:
    find = recipes.FloatDetector(detector_floats).find
    committed = Finder(LoadedModel.load(MANIFEST.model("detector"), MODELS).run).find
    for picture in sprites:
        float_face, int8_face = find(picture)[0], committed(picture)[0]
        assert float_face.box.overlap(int8_face.box) > 0.85
        assert abs(float_face.score - int8_face.score) < 0.1


def test_the_detector_s_recipe(detector_floats: bytes, sprites: list[Rgb]) -> None:
    data = recipes.detector(detector_floats, calibrate.frames(sprites, 8))
    only_int8(data)
    made = Running(data)
    picture, outputs = made.source, made.outputs
    assert picture["name"] == "picture" and picture["shape"].tolist() == [1, INPUT_SIDE, INPUT_SIDE, 3]
    assert picture["quantization"] == (pytest.approx(1 / 127.5), 0)
    entry = MANIFEST.model("detector")
    for tensor in entry.outputs:  # the useful range of each part is set, not measured
        assert outputs[tensor.name]["quantization"] == (pytest.approx(tensor.scale), tensor.zero)
        assert tuple(outputs[tensor.name]["shape"]) == tensor.shape
    find = Finder(Sharp(data, "logits", "sizes", "offsets")).find
    float_find = recipes.FloatDetector(detector_floats).find
    for seen in sprites:
        assert find(seen)[0].box.overlap(float_find(seen)[0].box) > 0.85


def test_a_detector_with_other_heads_is_refused() -> None:
    graph = whole_head(as_float("detector.tflite"))
    head = next(node for node in graph.nodes if node.output == "head")
    assert head.weight is not None and head.bias is not None
    head.weight, head.bias = head.weight[:15], head.bias[:15]
    graph.shapes["head"], graph.shapes["headrows"] = (1, 48, 48, 15), (1, 48 * 48, 15)
    with pytest.raises(DeviceError, match=r"\.tflite: heads: must be of 1 and of 16 channels"):
        recipes.detector_graph(emit(graph))


def test_the_embedder_s_recipe(detector_floats: bytes, sprites: list[Rgb]) -> None:
    graph = as_float("embedder.tflite")
    chips = calibrate.chips(sprites[:3], recipes.FloatDetector(detector_floats).find, 6)
    data = recipes.embedder(graph, chips)
    only_int8(data)
    made = Running(data)
    assert made.source["name"] == "chip" and made.source["quantization"] == (1 / 128, 0)
    assert set(made.outputs) == {"embedding"}
    detect = LoadedModel.load(MANIFEST.model("detector"), MODELS).run
    committed = Eyes(detect, LoadedModel.load(MANIFEST.model("embedder"), MODELS).run)
    again = Eyes(detect, Sharp(data, "embedding"))
    for picture in sprites:
        one, other = committed.template(picture), again.template(picture)
        assert one is not None and other is not None
        assert float(one @ other) > 0.9


class TestCalibration:
    def test_pictures_of_the_calibration_people_alone(self, tmp_path: Path) -> None:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for number, person in enumerate(("P001", "P002", "P003", "P004", "P005", "P006", "P0010")):
                picture = np.zeros((64, 48, 3), np.uint8)
                picture[..., 2] = 20 * (number + 1)  # red, as OpenCV writes it
                data = cv2.imencode(".jpg", picture)[1].tobytes()
                archive.writestr(f"openpeople/data/curated/{person}/assets/a.jpg", data)
                archive.writestr(f"openpeople/data/curated/{person}/assets/a.json", b"{}")
                archive.writestr(f"openpeople/data/curated/{person}/other.jpg", data)
        (tmp_path / "people.whl").write_bytes(made.getvalue())
        found = calibrate.pictures(tmp_path / "people.whl")
        assert [picture.shape for picture in found] == [(32, 24, 3)] * 4
        assert [round(int(picture[..., 0].mean()) / 20) for picture in found] == [1, 2, 4, 6]
        assert all(picture[..., 2].max() < 10 for picture in found)

    def test_nobody_of_the_cast_is_among_them(self) -> None:
        people = {sprite.source.split()[2] for sprite in Cast(CAST).file.sprite}
        assert len(people) == 5 and people.isdisjoint(calibrate.PEOPLE)

    def test_frames_are_letterboxed_and_always_the_same(self, sprites: list[Rgb]) -> None:
        made = calibrate.frames(sprites, 8)
        assert made.shape == (8, INPUT_SIDE, INPUT_SIDE, 3) and made.dtype == np.uint8
        edge = INPUT_SIDE // 8
        assert not made[:, :edge].any() and not made[:, -edge:].any()
        assert all(frame[edge:-edge].std() > 5 for frame in made)
        assert np.array_equal(made, calibrate.frames(sprites, 8))
        assert len({frame.tobytes() for frame in made}) == 8

    def test_chips_show_faces_where_the_embedder_wants_them(self, sprites: list[Rgb]) -> None:
        find = Finder(LoadedModel.load(MANIFEST.model("detector"), MODELS).run).find
        few = sprites[:3]
        made = calibrate.chips(few, find, 8)
        assert made.shape == (8, CHIP_SIDE, CHIP_SIDE, 3) and made.dtype == np.uint8
        assert np.array_equal(made, calibrate.chips(few, find, 8))
        embed = LoadedModel.load(MANIFEST.model("embedder"), MODELS).run
        plain = [chip(picture, find(picture)[0]) for picture in few]
        vectors = [embed(each)[0] for each in (*plain, *made)]
        units = np.array([vector / np.linalg.norm(vector) for vector in vectors])
        nearest = (units[len(plain) :] @ units[: len(plain)].T).max(axis=1)
        assert np.median(nearest) > 0.2, "most chips show one of the people, in whatever light"

    def test_a_face_is_taken_once_and_only_whole(self, sprites: list[Rgb]) -> None:
        find = Finder(LoadedModel.load(MANIFEST.model("detector"), MODELS).run).find
        sheet = np.full((420, 900, 3), 150, np.uint8)
        sheet[:256, :256], sheet[:256, 400:656] = (picture[:256, :256] for picture in (sprites[0], sprites[4]))
        assert len(calibrate._faces(sheet, find)) == 2
        assert calibrate._faces(np.full((400, 400, 3), 90, np.uint8), find) == []
        cut = np.ascontiguousarray(sprites[1][:, 180:])
        assert find(cut)[0].score > 0.85 and find(cut)[0].box.x0 < 0
        assert calibrate._faces(cut, find) == []


def test_a_network_with_two_heads_keeps_only_what_is_needed(detector_floats: bytes) -> None:
    graph = recipes.detector_graph(detector_floats)
    assert [graph.shapes[name] for name in graph.result] == [(1, 48, 48, 1), (1, 48, 48, 2), (1, 48, 48, 14)]
    assert all(node.kind != RESHAPE for node in graph.nodes)
    assert set(graph.shapes) == {graph.source, *(node.output for node in graph.nodes)}
    assert sum(node.kind == CONV for node in graph.nodes) > 40
    original = as_float("detector.tflite")
    for name, before in zip(graph.result[1:], original.result[1:], strict=True):
        part, whole = graph.producer(name), original.producer(before)
        assert part is not None and whole is not None
        np.testing.assert_array_equal(part.weight, whole.weight)
        np.testing.assert_array_equal(part.bias, whole.bias)
