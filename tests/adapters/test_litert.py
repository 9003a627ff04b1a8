"""Models are loaded byte for byte as the manifest says or not at all; they see permitted frames and probes only."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.adapters.litert import (
    LiteRtDetector,
    LiteRtEmbedder,
    LiteRtPad,
    LoadedModel,
    held,
    load_models,
    load_pad,
    unit,
)
from agent.errors import DeviceError
from agent.face.pad import BonaFide, Suspicion, judge_face
from agent.face.probe import Probe, ProbeLimits, make_probe
from agent.models.emit import Scale, emit
from agent.models.graph import CONV, RESHAPE, Graph, Node
from agent.models.manifest import HELP, NAME, ModelEntry, Role, Tensor, read_manifest
from agent.policy.pad import Pad
from agent.units import Box, Sha256
from tests.face.given import frame, opted_in, scene

MODELS = Path(__file__).resolve().parents[2] / "models"
MANIFEST = read_manifest(MODELS)
DETECTOR, EMBEDDER = MANIFEST.model("detector"), MANIFEST.model("embedder")
ROLES: tuple[Role, ...] = ("detector", "embedder")
FLIPS = 128
"""Of each file."""


@pytest.fixture(scope="module")
def loaded() -> tuple[LoadedModel, LoadedModel]:
    return load_models(MODELS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(MODELS, tmp_path / "models")
    return tmp_path / "models"


def refused(entry: ModelEntry, folder: Path, rule: str) -> None:
    with pytest.raises(DeviceError) as caught:
        LoadedModel.load(entry, folder)
    said = str(caught.value)
    assert said.startswith(f"{folder / entry.file}: ") and rule in said and "\n" not in said


class TestBytes:
    @pytest.mark.parametrize("role", ROLES)
    def test_no_file_with_a_flipped_bit_is_loaded(self, folder: Path, role: Role) -> None:
        entry = MANIFEST.model(role)
        path = folder / entry.file
        size = path.stat().st_size
        chance = np.random.default_rng(11)
        places = {0, size - 1, *(int(place) for place in np.linspace(0, size - 1, FLIPS))}
        assert len(places) >= FLIPS
        with path.open("r+b") as file:
            for place in sorted(places):
                file.seek(place)
                whole = file.read(1)
                file.seek(place)
                file.write(bytes((whole[0] ^ (1 << int(chance.integers(8))),)))
                file.flush()
                refused(entry, folder, f"sha256: is not the one in the manifest (the file was changed); {HELP}")
                file.seek(place)
                file.write(whole)
                file.flush()
        assert LoadedModel.load(entry, folder).sha256 == entry.sha256

    def test_a_longer_shorter_missing_or_other_file(self, folder: Path) -> None:
        path = folder / EMBEDDER.file
        data = path.read_bytes()
        for changed in (data + b"\0", data[:-1], b"", (folder / DETECTOR.file).read_bytes()):
            path.write_bytes(changed)
            refused(EMBEDDER, folder, "sha256: ")
        with path.open("wb") as file:
            file.truncate(1 << 40)  # a hole; reading all of it would never end
        refused(EMBEDDER, folder, "sha256: ")
        path.unlink()
        refused(EMBEDDER, folder, f"cannot be read (No such file or directory); {HELP}")
        path.mkdir()
        refused(EMBEDDER, folder, "cannot be read (Is a directory)")

    def test_the_bytes_that_are_hashed_are_the_bytes_that_are_loaded(self, tmp_path: Path) -> None:
        # While the file is read another one takes its place; whoever opened it a second time would get that one.
        path, other = tmp_path / DETECTOR.file, tmp_path / "other"
        os.mkfifo(path)
        other.write_bytes(b"another file")

        def serve() -> None:
            with path.open("wb") as out:
                out.write((MODELS / DETECTOR.file).read_bytes())
                out.flush()
                os.replace(other, path)

        served = threading.Thread(target=serve)
        served.start()
        model = LoadedModel.load(DETECTOR, tmp_path)
        served.join()
        assert path.read_bytes() == b"another file"
        assert len(model.run(np.zeros((192, 192, 3), np.uint8))) == 3

    def test_a_file_that_is_right_by_hash_but_no_model(self, folder: Path) -> None:
        for data in (b"", b"not a model", b"\x18\0\0\0TFL3" + b"\0" * 64):
            (folder / "detector.tflite").write_bytes(data)
            refused(replace(DETECTOR, sha256=Sha256(hashlib.sha256(data).hexdigest())), folder, " cannot load it; ")

    def test_a_folder_is_loaded_whole_or_not_at_all(self, folder: Path) -> None:
        detector, embedder = load_models(folder)
        assert (detector.role, embedder.role) == ROLES
        text = (folder / NAME).read_text("utf-8")
        for rule in (f'sha256 = "{DETECTOR.sha256}"', f'sha256 = "{EMBEDDER.sha256}"'):
            (folder / NAME).write_text(text.replace(rule, f'sha256 = "{"0" * 64}"'), "utf-8")
            with pytest.raises(DeviceError, match=r"sha256: |operating_point\.embedder: "):
                load_models(folder)
        (folder / NAME).unlink()
        with pytest.raises(DeviceError, match=r"manifest\.toml: cannot be read"):
            load_models(folder)


def changed(tensors: tuple[Tensor, ...], which: str, **fields: Any) -> tuple[Tensor, ...]:
    return tuple(replace(tensor, **fields) if tensor.name == which else tensor for tensor in tensors)


def small(role: Role, outputs: dict[str, tuple[int, ...]], side: int = 16, zero: int = 0) -> tuple[bytes, ModelEntry]:
    """A tiny working int8 file with these outputs, and an entry that declares it truly."""
    graph = Graph("in", tuple(outputs), shapes={"in": (1, side, side, 3)})
    for name, shape in outputs.items():
        count = int(np.prod(shape)) // 4
        weight = np.full((count, 1, 1, 3), 0.01, np.float32)
        made = f"{name}-made"
        graph.nodes.append(Node(CONV, ("in",), made, weight, np.zeros(count, np.float32), stride=side // 2))
        graph.nodes.append(Node(RESHAPE, (made,), name))
        graph.shapes |= {made: (1, 2, 2, count), name: shape}
    scales = dict.fromkeys(graph.shapes, Scale(0.25, 0)) | {"in": Scale(0.25, zero)}
    data = emit(graph, scales)
    tensors = tuple(Tensor(name, shape, "int8", 0.25, 0) for name, shape in outputs.items())
    source = (Tensor("in", (1, side, side, 3), "int8", 0.25, zero),)
    entry = replace(MANIFEST.model(role), sha256=Sha256(hashlib.sha256(data).hexdigest()), inputs=source,
                    outputs=tensors)  # fmt: skip
    return data, entry


class TestDeclared:
    @pytest.mark.parametrize("role", ROLES)
    def test_every_fact_of_a_tensor_must_be_as_declared(self, role: Role) -> None:
        entry = MANIFEST.model(role)
        for kind, tensors in (("input", entry.inputs), ("output", entry.outputs)):
            for tensor in tensors:
                for field, other in (
                    ("scale", tensor.scale * 1.001),
                    ("scale", tensor.scale * 2),
                    ("dtype", "uint8"),
                    ("dtype", "float32"),
                    *((("zero", tensor.zero + 1),) if kind == "output" else ()),
                ):
                    wrong = replace(entry, **{f"{kind}s": changed(tensors, tensor.name, **{field: other})})
                    refused(wrong, MODELS, f"{kind} {tensor.name}: {field}: is not as the manifest declares; {HELP}")
                wrong = replace(entry, **{f"{kind}s": changed(tensors, tensor.name, name="other")})
                refused(wrong, MODELS, f"{kind}: ")

    def test_an_input_of_another_size_or_zero_is_not_for_these_roles(self) -> None:
        for fields in ({"shape": (1, 96, 96, 3)}, {"shape": (192, 192, 3)}, {"zero": -128}):
            wrong = replace(DETECTOR, inputs=changed(DETECTOR.inputs, "picture", **fields))
            refused(wrong, MODELS, "input: must be one tensor of 1 x 192 x 192 x 3 with zero point 0")
        for inputs in ((), EMBEDDER.inputs * 2):
            refused(replace(EMBEDDER, inputs=inputs), MODELS, "input: must be one tensor of 1 x 112 x 112 x 3")

    def test_outputs_of_other_shapes(self, tmp_path: Path) -> None:
        for shape in ((1, 192, 1, 1), (192,), (2, 96)):
            wrong = replace(EMBEDDER, outputs=changed(EMBEDDER.outputs, "embedding", shape=shape))
            refused(wrong, MODELS, "output embedding: shape: is not that of the embedder")
        wrong = replace(EMBEDDER, outputs=changed(EMBEDDER.outputs, "embedding", shape=(1, 128)))
        refused(wrong, MODELS, "output embedding: shape: is not as the manifest declares")
        for name in ("logits", "sizes", "offsets"):
            wrong = replace(DETECTOR, outputs=changed(DETECTOR.outputs, name, shape=(1, 48, 48, 3)))
            refused(wrong, MODELS, f"output {name}: shape: is not that of the detector")
        data, entry = small("embedder", {"embedding": (1, 8)}, side=16)
        (tmp_path / entry.file).write_bytes(data)
        wrong = replace(entry, inputs=EMBEDDER.inputs)
        refused(wrong, tmp_path, "input: the file's tensors are not those")
        wrong = replace(wrong, inputs=changed(EMBEDDER.inputs, "chip", name="in", scale=0.25))
        refused(wrong, tmp_path, "input in: shape: is not as the manifest declares")

    def test_an_output_that_is_not_declared_is_never_loaded(self, tmp_path: Path) -> None:
        data, entry = small("embedder", {"embedding": (1, 8), "age": (1, 4)}, side=112)
        (tmp_path / entry.file).write_bytes(data)
        refused(entry, tmp_path, "output: the embedder has embedding; ")
        hidden = replace(entry, outputs=entry.outputs[:1])
        refused(hidden, tmp_path, "output: the file's tensors are not those that the manifest declares")
        data, entry = small("embedder", {"embedding": (1, 8)}, side=112)
        (tmp_path / entry.file).write_bytes(data)
        assert LoadedModel.load(entry, tmp_path).declares == ("embedding",)

    def test_outputs_in_another_order_or_missing(self) -> None:
        for outputs in (DETECTOR.outputs[::-1], DETECTOR.outputs[:2], ()):
            refused(replace(DETECTOR, outputs=outputs), MODELS, "output: the detector has logits, sizes, offsets; ")

    def test_a_file_in_the_other_role(self, loaded: tuple[LoadedModel, LoadedModel]) -> None:
        refused(replace(DETECTOR, role="embedder"), MODELS, "output: the embedder has embedding")
        detector, embedder = loaded
        with pytest.raises(DeviceError, match="models: role: the embedder cannot detect"):
            LiteRtDetector(embedder)
        with pytest.raises(DeviceError, match="models: role: the detector cannot embed"):
            LiteRtEmbedder(detector)


class TestPad:
    def test_a_picture_of_a_cast_member_is_told_from_its_print(self, loaded: tuple[LoadedModel, LoadedModel]) -> None:
        pad = load_pad(MODELS)
        assert pad is not None
        picture, sprite = scene(left=180, top=120)
        left, top, right, low = (float(side) for side in sprite.face)
        box = Box(left + 180, top + 120, right + 180, low + 120)
        printed = picture.copy()
        printed[: round(box.y0) - 30], printed[:, : round(box.x0) - 30] = 250, 250
        printed[round(box.y1) + 30 :], printed[:, round(box.x1) + 30 :] = 250, 250
        rule, detector = Pad(label="simulated", threshold=0.5), LiteRtPad(pad)
        assert isinstance(judge_face(frame(picture), opted_in(box), rule, detector), BonaFide)
        assert judge_face(frame(printed), opted_in(box), rule, detector) is Suspicion.ATTACK_SUSPECTED

    def test_a_folder_without_one_has_none(self, tmp_path: Path) -> None:
        text = (MODELS / "manifest.toml").read_text("utf-8")
        begin, end = text.index('[[model]]\nname = "fr-liveness-int8"'), text.index("[[operating_point]]")
        rest = text[:begin] + text[end : text.index("[[pad_point]]")]
        (tmp_path / "manifest.toml").write_text(rest, "utf-8")
        assert load_pad(tmp_path) is None

    def test_a_file_in_the_other_role(self, loaded: tuple[LoadedModel, LoadedModel]) -> None:
        pad = read_manifest(MODELS).pad
        assert pad is not None
        with pytest.raises(DeviceError, match="models: role: the embedder cannot tell prints and screens"):
            LiteRtPad(loaded[1])
        refused(replace(pad, role="embedder"), MODELS, "output: the embedder has embedding")
        moved = replace(pad, inputs=(replace(pad.inputs[0], zero=0),))
        refused(moved, MODELS, "input: must be one tensor of 1 x 128 x 128 x 3 with zero point -128")
        with pytest.raises(DeviceError, match=r"sha256: is not the one in the manifest"):
            LoadedModel.load(replace(pad, sha256=DETECTOR.sha256), MODELS)


class TestRuntime:
    def test_one_that_the_file_was_not_tested_with(self) -> None:
        wrong = replace(DETECTOR, runtimes=("tflite-runtime",))
        refused(wrong, MODELS, "runtimes: was not tested with litert; install one of tflite-runtime")

    def test_none_is_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "path", [])
        with pytest.raises(DeviceError, match="no TFLite runtime is installed; install 'ai-edge-litert'"):
            LoadedModel.load(DETECTOR, MODELS)

    def test_templates_are_bound_to_file_and_runtime(self, loaded: tuple[LoadedModel, LoadedModel]) -> None:
        detector, embedder = loaded
        assert embedder.runtime == detector.runtime and embedder.runtime.startswith("litert ")
        assert embedder.identity == f"{EMBEDDER.sha256} {embedder.runtime}"
        models = held(detector, embedder)
        assert (models.detector, models.embedder) == (DETECTOR.sha256, EMBEDDER.sha256)
        assert models.outputs == {"box", "landmarks", "embedding"} and models.pad is None
        pad = load_pad(MODELS)
        assert pad is not None
        models = held(detector, embedder, pad)
        assert models.outputs == {"box", "landmarks", "embedding", "liveness"} and models.pad == pad.sha256

    def test_a_runtime_that_fails_while_running(self) -> None:
        model = LoadedModel.load(EMBEDDER, MODELS)
        picture = np.zeros((112, 112, 3), np.uint8)
        assert len(model.run(picture)) == 1
        held_view = model._interpreter.tensor(0)()  # the runtime refuses to run while somebody holds its memory
        with pytest.raises(DeviceError, match=r"^model embedder\.tflite: litert .* failed while running; "):
            model.run(picture)
        del held_view
        assert len(model.run(picture)) == 1


class TestRun:
    def test_all_pixel_values_reach_the_file_less_128(self, tmp_path: Path) -> None:
        data, entry = small("embedder", {"embedding": (1, 4)}, side=112)
        (tmp_path / entry.file).write_bytes(data)
        model = LoadedModel.load(entry, tmp_path)
        for value in (0, 1, 127, 128, 129, 255):
            (found,) = model.run(np.full((112, 112, 3), value, np.uint8))
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, (value - 128) * 0.25 * 0.03, atol=0.13)

    def test_outputs_come_in_the_manifest_s_order_as_real_values(self, loaded: tuple[LoadedModel, LoadedModel]) -> None:
        picture, _ = scene()
        found = loaded[0].run(np.ascontiguousarray(picture[:192, 200:392]))
        assert [each.shape for each in found] == [tensor.shape[1:] for tensor in DETECTOR.outputs]
        for values, tensor in zip(found, DETECTOR.outputs, strict=True):
            steps = values / tensor.scale + tensor.zero
            assert np.abs(steps - np.rint(steps)).max() < 1e-3
            assert np.rint(steps).min() >= -128 and np.rint(steps).max() <= 127

    def test_the_same_picture_gives_the_same_answer_and_threads_do_not_change_it(self) -> None:
        chance = np.random.default_rng(2)
        picture = chance.integers(0, 256, (112, 112, 3), dtype=np.uint8)
        one, two = (LoadedModel.load(EMBEDDER, MODELS, threads) for threads in (1, 2))
        first = one.run(picture)[0].copy()
        one.run(255 - picture)
        assert np.array_equal(first, one.run(picture)[0])
        assert np.array_equal(first, two.run(picture)[0])


class TestPorts:
    def test_a_permitted_frame_gives_faces_and_a_probe_gives_a_template(
        self, loaded: tuple[LoadedModel, LoadedModel]
    ) -> None:
        picture, sprite = scene("p1-scene-1", 120, 40)
        permitted = frame(picture)
        detector, embedder = LiteRtDetector(loaded[0]), LiteRtEmbedder(loaded[1])
        (face,) = detector.detect(permitted)
        x0, y0, x1, y1 = sprite.face
        expected = (x0 + 120, y0 + 40, x1 + 120, y1 + 40)
        found = (face.box.x0, face.box.y0, face.box.x1, face.box.y1)
        assert np.abs(np.array(found) - expected).max() < 0.06 * (x1 - x0)
        probe = make_probe(permitted, face, opted_in(face.box), ProbeLimits(inter_eye_px=20.0))
        assert isinstance(probe, Probe)
        template = embedder.embed(probe)
        assert template.vector.shape == (512,) and template.vector.dtype == np.float32
        assert float(np.linalg.norm(template.vector)) == pytest.approx(1.0, abs=1e-5)
        assert template.permit is permitted.permit
        assert repr(template) == "<ProbeTemplate>"

    def test_an_empty_scene_has_no_face(self, loaded: tuple[LoadedModel, LoadedModel]) -> None:
        assert LiteRtDetector(loaded[0]).detect(frame(np.full((480, 640, 3), 120, np.uint8))) == ()

    def test_a_template_without_length_is_an_error(self) -> None:
        with pytest.raises(DeviceError, match="the embedder put out an empty template"):
            unit(np.zeros(192, np.float32))
        with pytest.raises(DeviceError, match="empty template"):
            unit(np.full(192, np.nan, np.float32))
        assert unit(np.array((3.0, 4.0), np.float32)).tolist() == pytest.approx([0.6, 0.8])
