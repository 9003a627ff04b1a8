"""What is linear goes into the convolution before it, or nothing is changed."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from agent.models.graph import ADD, CONV, DEPTHWISE, Array, Graph, Node
from agent.models.linear import multiply, normalise, rectify
from tests.models.given import answers

PICTURE = np.random.default_rng(2).normal(0, 1, (1, 1, 3)).astype(np.float32)


def some(*shape: int) -> Array:
    return np.random.default_rng(5).normal(0, 1, shape).astype(np.float32)


def graph(kind: str = CONV, *, relu: bool = False) -> Graph:
    """One convolution of a picture of one place."""
    weight = some(4, 1, 1, 3) if kind == CONV else some(1, 1, 1, 3)
    bias = some(4 if kind == CONV else 3)
    made = Graph("in", ("elsewhere",), [Node(kind, ("in",), "c", weight=weight, bias=bias, same=False, relu=relu)])
    made.shapes |= {"in": (1, 1, 1, 3), "c": (1, 1, 1, bias.size)}
    return made


def test_a_product_of_a_pointwise_convolution_is_one_with_it() -> None:
    net, matrix = graph(), some(4, 2)
    before = answers(net, PICTURE)["c"]
    assert multiply(net, "c", matrix, "x") == "c"
    assert net.shapes["c"] == (1, 1, 1, 2) and len(net.nodes) == 1
    np.testing.assert_allclose(answers(net, PICTURE)["c"], before @ matrix, atol=1e-5)


@pytest.mark.parametrize("net", [graph(DEPTHWISE), graph(relu=True)])
def test_a_product_of_anything_else_is_a_convolution_of_its_own(net: Graph) -> None:
    matrix = some(net.shapes["c"][-1], 2)
    assert multiply(net, "c", matrix, "x") == "x/m"
    found = answers(net, PICTURE)
    np.testing.assert_allclose(found["x/m"], found["c"] @ matrix, atol=1e-5)


def test_a_normalisation_goes_into_its_convolution() -> None:
    net = graph()
    factor, shift, mean, variance = some(4), some(4) + 1, some(4) - 1, np.abs(some(4)) + 0.5
    before = answers(net, PICTURE)["c"]
    assert normalise(net, "c", (factor, shift, mean, variance), 1e-5) == "c"
    wanted = (before - mean) / np.sqrt(variance + 1e-5) * factor + shift
    np.testing.assert_allclose(answers(net, PICTURE)["c"], wanted, atol=1e-4)


def test_zeroing_what_is_below_zero_goes_into_its_convolution() -> None:
    net = graph()
    before = answers(net, PICTURE)["c"]
    assert rectify(net, "c") == "c"
    np.testing.assert_array_equal(answers(net, PICTURE)["c"], np.maximum(before, 0))


def read_twice() -> Graph:
    net = graph()
    net.nodes.append(Node(ADD, ("c", "c"), "d"))
    net.shapes["d"] = net.shapes["c"]
    return net


@pytest.mark.parametrize("net", [read_twice(), graph(relu=True), Graph("c", (), shapes={"c": (1, 1, 1, 4)})])
def test_what_others_read_or_no_convolution_makes_is_left_alone(net: Graph) -> None:
    before = copy.deepcopy(net)
    four = (some(4),) * 4
    assert rectify(net, "c") is None and normalise(net, "c", four, 1e-5) is None
    assert repr(net) == repr(before)


def test_numbers_that_do_not_fit_are_left_alone() -> None:
    net = graph()
    assert multiply(net, "c", some(3, 2), "x") is None
    assert multiply(net, "c", some(4), "x") is None
    assert normalise(net, "c", (some(3),) * 4, 1e-5) is None
    wide = graph()
    wide.shapes["c"] = (1, 2, 2, 4)
    assert multiply(wide, "c", some(4, 2), "x") is None
    net.result = ("c",)
    assert rectify(net, "c") is None, "an output keeps its meaning"
