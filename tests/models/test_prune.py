"""Idle channels go, the answers stay; where anything else could see the channel, nothing is dropped."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.models.graph import ADD, CONV, DEPTHWISE, PRELU, Graph, Node
from agent.models.prune import prune
from tests.models.given import answers, network, pictures

SEEDS = st.integers(0, 2**32 - 1)
WIDE = 6


def chain(seed: int, bends: bool, relu: bool, idle: tuple[int, ...]) -> Graph:
    """Convolution, depthwise convolution, pointwise convolution, with idle channels in the middle."""
    random = np.random.default_rng(seed)

    def node(kind: str, source: str, output: str, *shape: int) -> Node:
        made = Node(kind, (source,), output, weight=random.normal(0, 0.5, shape).astype(np.float32))
        made.bias = random.normal(0, 0.5, shape[0] if kind == CONV else shape[-1]).astype(np.float32)
        return made

    def bend(source: str, output: str) -> Node:
        return Node(PRELU, (source,), output, slope=random.normal(0.3, 1, WIDE).astype(np.float32))

    nodes = [node(CONV, "in", "a", WIDE, 3, 3, 2)]
    nodes += [bend("a", "ab")] if bends else []
    nodes += [node(DEPTHWISE, nodes[-1].output, "b", 1, 3, 3, WIDE)]
    nodes[-1].relu = relu
    weight = nodes[-1].weight
    assert weight is not None
    weight[..., list(idle)] *= np.float32(1e-9)
    nodes += [bend("b", "bb")] if bends else []
    nodes += [node(CONV, nodes[-1].output, "c", 3, 1, 1, WIDE)]
    shapes = {"in": (1, 5, 5, 2)} | {each.output: (1, 5, 5, WIDE) for each in nodes}
    return Graph("in", ("c",), nodes, shapes | {"c": (1, 5, 5, 3)})


@settings(derandomize=True, max_examples=40)
@given(SEEDS, st.booleans(), st.booleans(), st.sets(st.integers(0, WIDE - 1), max_size=WIDE - 1))
def test_idle_channels_are_dropped_and_the_answers_stay(seed: int, bends: bool, relu: bool, idle: set[int]) -> None:
    graph = chain(seed, bends, relu, tuple(idle))
    before = repr(graph)
    other = prune(graph)
    assert repr(graph) == before
    assert {other.shapes[node.output][-1] for node in other.nodes[:-1]} == {WIDE - len(idle)}
    for picture in pictures(graph, 2):
        expected, found = answers(graph, picture)["c"], answers(other, picture)["c"]
        np.testing.assert_allclose(found, expected, atol=1e-5)


@settings(derandomize=True, max_examples=40)
@given(SEEDS)
def test_a_network_without_idle_channels_stays_as_it_is(seed: int) -> None:
    graph = network(seed)
    assert repr(prune(graph)) == repr(graph)


@pytest.mark.parametrize("name", ["a", "ab", "b", "bb"])
def test_nothing_is_dropped_where_another_reads_or_the_answer_is_taken(name: str) -> None:
    graph = chain(1, True, False, (0, 3))
    read = copy.deepcopy(graph)
    read.nodes.append(Node(ADD, (name, name), "d"))
    read.shapes["d"], read.result = read.shapes[name], ("c", "d")
    assert repr(prune(read)) == repr(read)
    graph.result = ("c", name)
    assert repr(prune(graph)) == repr(graph)


def test_nothing_is_dropped_without_convolutions_on_both_sides() -> None:
    graph = chain(1, False, False, (0,))
    graph.nodes[-1].weight = np.ones((3, 3, 3, WIDE), np.float32)  # not pointwise: the border would tell
    assert repr(prune(graph)) == repr(graph)
    graph = chain(1, False, False, (0,))
    graph.nodes[0] = Node(ADD, ("in", "in"), "a")
    assert repr(prune(graph)) == repr(graph)
    graph = chain(1, False, False, (0,))
    graph.nodes = graph.nodes[1:]  # it reads the picture itself
    graph.source, graph.nodes[0].inputs = "in", ("in",)
    assert repr(prune(graph)) == repr(graph)
