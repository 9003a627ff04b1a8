"""Measuring sees every value, and every scale covers what it must in the fewest bits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.models.emit import Scale
from agent.models.equalise import Extent, spell_prelu
from agent.models.graph import CONV, MAXIMUM, PAD, POOL, RESHAPE, RESIZE, Graph, Node
from agent.models.quantise import measure, round_up, scale_for, scales
from tests.models.given import answers, network, pictures

SEEDS = st.integers(0, 2**32 - 1)


@settings(derandomize=True, max_examples=40)
@given(SEEDS)
def test_measuring_notes_least_and_greatest_of_each_channel_and_picture(seed: int) -> None:
    graph = network(seed)
    inputs = pictures(graph, 3)
    measured = measure(graph, inputs)
    assert set(measured) == set(graph.shapes)
    for number, picture in enumerate(inputs):
        for name, value in answers(graph, picture).items():
            flat = value.reshape(-1, value.shape[-1])
            extent = measured[name]
            np.testing.assert_allclose(extent.low[number], flat.min(axis=0), rtol=1e-3, atol=1e-4)
            np.testing.assert_allclose(extent.high[number], flat.max(axis=0), rtol=1e-3, atol=1e-4)


@settings(derandomize=True, max_examples=200)
@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_a_scale_covers_its_range_and_zero(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    made = scale_for(low, high)
    assert -128 <= made.zero <= 127
    slack = made.scale  # half a step from rounding at each end
    assert made.scale * (-128 - made.zero) <= min(low, 0.0) + slack
    assert made.scale * (127 - made.zero) >= max(high, 0.0) - slack
    # No wider than it must be: 255 steps with a scale of eight bits.
    if max(high, 0.0) - min(low, 0.0) > 1e-6:
        assert made.scale * 255 <= (max(high, 0.0) - min(low, 0.0)) * (1 + 2**-7)


def test_scales_at_the_ends() -> None:
    assert scale_for(0.0, 255.0) == Scale(1.0, -128)
    assert scale_for(-255.0, 0.0) == Scale(1.0, 127)
    assert scale_for(5.0, 9.0).zero == -128, "zero must be in the range"
    assert scale_for(0.0, 0.0).scale == scale_for(-0.0, 0.0).scale > 1e-4


@settings(derandomize=True, max_examples=200)
@given(st.floats(1e-6, 1e6), st.integers(2, 12))
def test_rounding_up_leaves_few_bits_and_forgives_noise(value: float, bits: int) -> None:
    made = round_up(value, bits)
    assert value * (1 - 1e-3 * 2.0 ** (1 - bits)) <= made <= value * (1 + 2.0 ** (1 - bits))
    mantissa, _ = math.frexp(made)
    assert (mantissa * 2**bits).is_integer()
    assert round_up(made, bits) == made
    assert round_up(made * (1 + 1e-7), bits) == made, "a last bit of another processor must not matter"


@settings(derandomize=True, max_examples=60)
@given(SEEDS)
def test_what_only_moves_values_about_has_one_scale_at_both_ends(seed: int) -> None:
    graph = spell_prelu(network(seed))
    chosen = scales(graph, measure(graph, pictures(graph, 3)), {graph.source: Scale(0.01, 0)}, 1.0)
    assert set(chosen) == set(graph.shapes)
    assert chosen[graph.source] == Scale(0.01, 0)
    for node in graph.nodes:
        if node.kind in (POOL, PAD, RESIZE, RESHAPE):
            assert chosen[node.inputs[0]] == chosen[node.output]
        if node.kind == MAXIMUM:  # the runtime compares stored numbers
            assert {chosen[name] for name in node.inputs} == {chosen[node.output]}


def test_a_share_of_the_pictures_is_covered() -> None:
    one = np.ones((1, 1, 1, 1), np.float32)
    node = Node(CONV, ("in",), "out", weight=one, bias=np.zeros(1, np.float32))
    graph = Graph("in", ("out",), [node], {"in": (1, 1, 1, 1), "out": (1, 1, 1, 1)})
    highs = np.arange(1.0, 102.0, dtype=np.float32)[:, None]
    extents = {name: Extent(-highs, highs) for name in graph.shapes}
    assert scales(graph, extents, {}, 1.0)["out"] == scale_for(-101.0, 101.0)
    assert scales(graph, extents, {}, 0.9)["out"] == scale_for(-91.0, 91.0)


def test_one_value_that_two_movers_want_in_two_scales_is_an_error() -> None:
    shapes = {"in": (1, 2, 2, 1), "pool": (1, 1, 1, 1), "pad": (1, 2, 2, 3)}
    nodes = [Node(POOL, ("in",), "pool", stride=2), Node(PAD, ("in",), "pad", grow=2)]
    graph = Graph("in", ("pool", "pad"), nodes, shapes)
    high = {"in": 1.0, "pool": 1.0, "pad": 2.0}
    extents = {name: Extent(np.zeros((1, 1), np.float32), np.full((1, 1), high[name], np.float32)) for name in shapes}
    with pytest.raises(AssertionError, match="two scales"):
        scales(graph, extents, {}, 1.0)
