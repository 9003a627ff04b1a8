"""The changes of a float network keep its answers, and do what they are for."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.models.emit import emit
from agent.models.equalise import equalise, shift_input, spell_prelu, tied
from agent.models.graph import ADD, CONV, DEPTHWISE, PRELU, Array, Graph, Node
from agent.models.quantise import measure, scales
from tests.models.given import Running, answers, network, pictures

SEEDS = st.integers(0, 2**32 - 1)


def unchanged(graph: Graph, other: Graph, inputs: Array) -> None:
    """In NumPy, and in LiteRT too."""
    run = Running(emit(other))
    for picture in inputs:
        expected = answers(graph, picture)[graph.result[0]]
        spread = 1e-4 * max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(answers(other, picture)[other.result[0]], expected, atol=spread)
        np.testing.assert_allclose(run(picture)[other.result[0]], expected, atol=spread)


@settings(derandomize=True, max_examples=50)
@given(SEEDS)
def test_a_spelled_prelu_is_the_prelu(seed: int) -> None:
    graph = network(seed)
    before = copy.deepcopy(graph)
    other = spell_prelu(graph)
    assert all(node.kind != PRELU for node in other.nodes)
    unchanged(graph, other, pictures(graph, 2))
    assert repr(graph) == repr(before), "the network that was given must stay as it was"


def line(*nodes: Node, channels: int = 2) -> Graph:
    """A network of operations one behind the other on a 4 x 4 picture."""
    shapes = {"in": (1, 4, 4, channels)} | {node.output: (1, 4, 4, channels) for node in nodes}
    return Graph("in", (nodes[-1].output,), list(nodes), shapes)


def convolution(source: str, output: str, factor: float = 1.0, kind: str = CONV, relu: bool = False) -> Node:
    weight = np.eye(2, dtype=np.float32).reshape(2, 1, 1, 2) if kind == CONV else np.ones((1, 1, 1, 2), np.float32)
    return Node(kind, (source,), output, weight=weight * np.float32(factor), bias=np.zeros(2, np.float32), relu=relu)


@pytest.mark.parametrize("slope", [-9.0, -1.0, 0.0, 0.25, 1.0, 1.5, 9.0])
def test_slopes_of_any_sign_and_size(slope: float) -> None:
    bend = Node(PRELU, ("a",), "b", slope=np.array((slope, 0.5), np.float32))
    graph = line(convolution("in", "a"), bend, convolution("b", "c", 2.0))
    unchanged(graph, spell_prelu(graph), pictures(graph, 4))


def test_a_sign_is_never_turned_where_it_could_not_be_turned_back() -> None:
    bend = Node(PRELU, ("a",), "b", slope=np.array((1.5, 0.5), np.float32))
    with pytest.raises(AssertionError):
        spell_prelu(line(convolution("in", "a"), bend))
    with pytest.raises(AssertionError):
        spell_prelu(line(convolution("in", "a"), bend, Node(ADD, ("b", "b"), "c")))
    with pytest.raises(AssertionError):
        spell_prelu(line(convolution("in", "a"), bend, convolution("b", "c"), Node(ADD, ("a", "c"), "d")))


@settings(derandomize=True, max_examples=50)
@given(SEEDS, st.sampled_from([0.0, 0.5, 1.0]), st.booleans())
def test_equalising_keeps_the_answers(seed: int, strength: float, spelled: bool) -> None:
    graph = network(seed)
    inputs = pictures(graph, 3)
    base = spell_prelu(graph) if spelled else graph
    before = copy.deepcopy(base)
    unchanged(graph, equalise(base, measure(base, inputs), strength, 1.0), inputs)
    assert repr(base) == repr(before)


def test_channels_of_unlike_reach_become_alike_and_int8_gains_by_it() -> None:
    first = convolution("in", "a")
    assert first.weight is not None
    first.weight *= np.array((100.0, 0.5), np.float32).reshape(2, 1, 1, 1)
    last = convolution("b", "c")
    assert last.weight is not None
    last.weight *= np.array((0.01, 2.0), np.float32)
    graph = line(first, convolution("a", "b", 1.0, DEPTHWISE), last)
    inputs = pictures(graph, 20)
    other = equalise(graph, measure(graph, inputs), 1.0, 1.0)
    for name in ("a", "b"):
        before, after = measure(graph, inputs)[name].reach(1.0), measure(other, inputs)[name].reach(1.0)
        assert before.max() / before.min() > 50
        assert after.max() / after.min() == pytest.approx(1.0, abs=1e-4)

    def error(made: Graph) -> float:
        run = Running(emit(made, scales(made, measure(made, inputs), {}, 1.0)))
        return max(float(np.abs(run.real(x)["c"] - answers(graph, x)["c"]).max()) for x in inputs)

    assert error(other) < error(graph) / 10


def test_strength_is_how_far_full_convolutions_are_pulled() -> None:
    first = convolution("in", "a")
    assert first.weight is not None
    first.weight *= np.array((64.0, 1.0), np.float32).reshape(2, 1, 1, 1)
    graph = line(first, convolution("a", "b"))
    inputs = np.ones((1, 4, 4, 2), np.float32)
    for strength, ratio in ((0.0, 64.0), (0.5, 8.0), (1.0, 1.0)):
        reach = measure(equalise(graph, measure(graph, inputs), strength, 1.0), inputs)["a"].reach(1.0)
        assert reach[0] / reach[1] == pytest.approx(ratio, rel=1e-4)


def stretched(node: Node, *factors: float) -> Node:
    """The same convolution with its output channels multiplied."""
    assert node.weight is not None
    node.weight *= np.array(factors, np.float32).reshape((-1, 1, 1, 1) if node.kind == CONV else (1, 1, 1, -1))
    return node


def test_an_activation_that_a_full_convolution_reads_too_is_pulled_no_further() -> None:
    graph = line(
        stretched(convolution("in", "a"), 64.0, 1.0),
        convolution("a", "b", kind=DEPTHWISE),
        Node(ADD, ("a", "b"), "c"),
        convolution("c", "d"),
    )
    assert repr(equalise(graph, measure(graph, pictures(graph, 3)), 0.0, 1.0)) == repr(graph)
    only_depthwise = line(stretched(convolution("in", "a"), 64.0, 1.0), convolution("a", "b", kind=DEPTHWISE))
    measured = measure(graph, pictures(graph, 3))
    assert repr(equalise(only_depthwise, measured, 0.0, 1.0)) != repr(only_depthwise)
    only_depthwise.nodes[1].same = False  # one window over all that there is
    assert repr(equalise(only_depthwise, measured, 0.0, 1.0)) == repr(only_depthwise)


def test_what_is_added_has_the_reach_of_all_that_is_tied() -> None:
    parts = (
        stretched(convolution("in", "a"), 64.0, 1.0),
        stretched(convolution("in", "b"), -63.0, 64.0),
    )  # the sum has 1 and 65
    graph = line(*parts, Node(ADD, ("a", "b"), "c"), convolution("c", "d"))
    inputs = np.ones((1, 4, 4, 2), np.float32)
    other = equalise(graph, measure(graph, inputs), 1.0, 1.0)
    for before, after in zip(graph.nodes, other.nodes, strict=True):
        if before.weight is not None:
            assert after.weight is not None
            np.testing.assert_allclose(after.weight, before.weight, rtol=0.05)


def test_a_wild_picture_does_not_count_where_a_share_is_left_out() -> None:
    graph = line(convolution("in", "a"))
    inputs = np.full((101, 4, 4, 2), 0.5, np.float32)
    inputs[7] = -40.0
    extent = measure(graph, inputs)["a"]
    assert extent.reach(1.0).tolist() == [40.0, 40.0]
    assert extent.reach(0.99).tolist() == [0.5, 0.5]


def test_an_activation_that_is_always_zero_is_left_alone() -> None:
    dead = convolution("in", "a", -1.0, relu=True)
    graph = line(dead, convolution("a", "b"))
    inputs = np.full((3, 4, 4, 2), 0.5, np.float32)
    other = equalise(graph, measure(graph, inputs), 1.0, 1.0)
    assert repr(other) == repr(graph)
    run = Running(emit(other, scales(other, measure(other, inputs), {}, 1.0)))
    assert not run.real(inputs[0])["b"].any()


def test_what_is_added_shares_its_factors() -> None:
    graph = line(convolution("in", "a"), convolution("a", "b"), Node(ADD, ("a", "b"), "c"), convolution("c", "d"))
    groups = {frozenset(group) for group in tied(graph)}
    assert groups == {frozenset({"in"}), frozenset({"a", "b", "c"}), frozenset({"d"})}


@settings(derandomize=True, max_examples=30)
@given(SEEDS, st.floats(-0.2, 0.2))
def test_a_shifted_input_gives_the_same_answers_inside_the_border(seed: int, amount: float) -> None:
    random = np.random.default_rng(seed)
    node = Node(CONV, ("in",), "a", same=True)
    node.weight = random.normal(0, 1, (3, 3, 3, 2)).astype(np.float32)
    node.bias = random.normal(0, 1, 3).astype(np.float32)
    graph = Graph("in", ("a",), [node], {"in": (1, 6, 7, 2), "a": (1, 6, 7, 3)})
    before = repr(graph)
    other = shift_input(graph, amount)
    assert repr(graph) == before
    for picture in pictures(graph, 2):
        expected = answers(graph, picture)["a"]
        found = answers(other, picture - np.float32(amount))["a"]
        np.testing.assert_allclose(found[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-4)
